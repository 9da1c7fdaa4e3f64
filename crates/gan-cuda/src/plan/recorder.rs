//! Writes launches down, with the memory of their results.

use crate::launch::{Arena, Argument, KernelFile, Launch, Module, Place, optional};
use gan_core::Op;
use gan_train::Precision;
use std::sync::Arc;

/// Threads of a block of every kernel but products.
pub(crate) const THREADS: u32 = 256;
/// Blocks beyond which the threads take several values each.
const MOST_BLOCKS: u32 = 1024;

/// Launches in order, each on the results of earlier ones.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) arena: Arena,
    pub(crate) launches: Vec<Launch>,
    pub(crate) precision: Precision,
}

impl Recorder {
    pub(crate) fn launch(
        &mut self,
        module: &Arc<Module>,
        kernel: &'static str,
        grid: [u32; 3],
        arguments: Vec<Argument>,
    ) {
        self.launches.push(Launch {
            module: Arc::clone(module),
            kernel,
            grid,
            shared_bytes: 0,
            arguments,
        });
    }

    /// A launch with a thread for each of `count` values, or for several.
    pub(crate) fn for_each(
        &mut self,
        module: &Arc<Module>,
        kernel: &'static str,
        count: usize,
        arguments: Vec<Argument>,
    ) {
        let blocks = blocks(count, module.threads as usize).min(MOST_BLOCKS);
        self.launch(module, kernel, [blocks, 1, 1], arguments);
    }

    /// The module of a file that needs no constants.
    pub(crate) fn plain(&self, file: KernelFile) -> Arc<Module> {
        Arc::new(Module::new(file, THREADS))
    }
}

impl Finish {
    /// Where `count` values go.
    pub(crate) fn result(&self, arena: &mut Arena, count: usize) -> Place {
        match self.result {
            Some(place) => place.floats(0, count),
            None => arena.floats(count),
        }
    }
}

/// Blocks of `each` values for `count`, at least 1.
pub(crate) fn blocks(count: usize, each: usize) -> u32 {
    number(count.div_ceil(each).max(1))
}

/// As an argument. A plan's sizes are checked when it is made.
pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What follows a map.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finish {
    pub(crate) activation: Activation,
    /// Whether the activation's derivative at `saved` is a factor, instead of the function.
    pub(crate) is_backward: bool,
    pub(crate) bias: Option<Place>,
    /// What is added, of the result's shape.
    pub(crate) more: Option<Place>,
    pub(crate) saved: Option<Place>,
    /// Factors of the examples, and how many values of the result an example has.
    pub(crate) factors: Option<(Place, usize)>,
    /// Where the result goes; a new place, if none is given.
    pub(crate) result: Option<Place>,
}

/// The activation functions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Activation {
    #[default]
    Identity,
    LeakyRelu(f64),
    Tanh,
    Affine(f64, f64),
}

impl Activation {
    pub(crate) fn of(op: Option<&Op>) -> Self {
        match op {
            Some(Op::LeakyRelu { slope }) => Self::LeakyRelu(*slope),
            Some(Op::Tanh) => Self::Tanh,
            Some(Op::Affine { scale, shift }) => Self::Affine(*scale, *shift),
            _ => Self::Identity,
        }
    }

    pub(crate) fn define(self, module: Module) -> Module {
        let (number, scale, shift) = match self {
            Self::Identity => (0, 0.0, 0.0),
            Self::LeakyRelu(slope) => (1, slope, 0.0),
            Self::Tanh => (2, 0.0, 0.0),
            Self::Affine(scale, shift) => (3, scale, shift),
        };
        module
            .with("ACTIVATION", number)
            .with("ACTIVATION_SCALE", format!("{scale:?}"))
            .with("ACTIVATION_SHIFT", format!("{shift:?}"))
    }
}

impl Finish {
    pub(crate) fn define(&self, module: Module) -> Module {
        self.activation
            .define(module)
            .with("HAS_BIAS", u32::from(self.bias.is_some()))
            .with("HAS_MORE", u32::from(self.more.is_some()))
            .with("BACKWARD", u32::from(self.is_backward))
            .with("HAS_FACTORS", u32::from(self.factors.is_some()))
            .with(
                "FACTOR_VALUES",
                self.factors.map_or(1, |(_, values)| values),
            )
    }

    pub(crate) fn arguments(&self) -> [Argument; 4] {
        let factors = self.factors.map(|(place, _)| place);
        [self.bias, self.more, self.saved, factors].map(optional)
    }
}

/// The kernels of random numbers.
pub(crate) fn random_module() -> Arc<Module> {
    Arc::new(Module::new(KernelFile::Random, 128))
}
