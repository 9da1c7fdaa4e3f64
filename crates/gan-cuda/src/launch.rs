//! What a GPU is asked to do, as values: modules of kernels, launches of one, and places in its memory.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;

/// The files of kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KernelFile {
    /// Real images and augmentation.
    Images,
    /// The adversarial losses.
    Loss,
    /// Maps without a weight.
    Maps,
    /// Batch normalization.
    Norm,
    /// Linear maps and convolutions.
    Product,
    /// Random numbers.
    Random,
    /// Spectral normalization.
    Spectral,
    /// Sums and penalties.
    Sums,
    /// Optimizers and averages.
    Updates,
}

/// The files of kernels with their own text.
const BLOCK_SUM: &str = include_str!("kernels/block_sum.cu");
const FINISH: &str = include_str!("kernels/finish.cu");

impl KernelFile {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Loss => "loss",
            Self::Maps => "maps",
            Self::Norm => "norm",
            Self::Product => "product",
            Self::Random => "random",
            Self::Spectral => "spectral",
            Self::Sums => "sums",
            Self::Updates => "updates",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Images => include_str!("kernels/images.cu"),
            Self::Loss => include_str!("kernels/loss.cu"),
            Self::Maps => include_str!("kernels/maps.cu"),
            Self::Norm => include_str!("kernels/norm.cu"),
            Self::Product => include_str!("kernels/product.cu"),
            Self::Random => include_str!("kernels/random.cu"),
            Self::Spectral => include_str!("kernels/spectral.cu"),
            Self::Sums => include_str!("kernels/sums.cu"),
            Self::Updates => include_str!("kernels/updates.cu"),
        }
    }
}

/// A file of kernels with its constants: what is compiled together.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Module {
    /// The kernels.
    pub file: KernelFile,
    /// Threads of a block.
    pub threads: u32,
    /// Names and values, C's preprocessor's.
    pub constants: Vec<(&'static str, String)>,
}

impl Module {
    pub(crate) fn new(file: KernelFile, threads: u32) -> Self {
        Self {
            file,
            threads,
            constants: Vec::new(),
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "most values are numbers")]
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.constants.push((name, value.to_string()));
        self
    }

    /// The definitions and kernels in C, without the prelude, which is the machine's.
    pub fn source(&self) -> String {
        let mut source = format!("#define THREADS {}\n", self.threads);
        for (name, value) in &self.constants {
            // A string takes what is written to it.
            let _ = writeln!(source, "#define {name} {value}");
        }
        let is_finished = self.constants.iter().any(|(name, _)| *name == "ACTIVATION");
        let finish = if is_finished { FINISH } else { "" };
        [&source, BLOCK_SUM, finish, self.file.text()].concat()
    }

    /// SHA-256 of a prelude and [`source`](Self::source), in hexadecimal.
    pub fn sha256(&self, prelude: &str) -> String {
        let digest = Sha256::new()
            .chain_update(prelude)
            .chain_update(self.source())
            .finalize();
        gan_core::hex(&digest)
    }
}

/// A place in the memory of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the beginning.
    pub offset: usize,
    /// Bytes.
    pub bytes: usize,
}

impl Place {
    /// Some of its f32 numbers.
    pub(crate) fn floats(self, first: usize, count: usize) -> Self {
        let (offset, bytes) = (4 * first, 4 * count);
        assert!(offset + bytes <= self.bytes, "a part beyond its place");
        Self {
            offset: self.offset + offset,
            bytes,
        }
    }

    fn overlaps(self, other: Self) -> bool {
        self.offset < other.offset + other.bytes && other.offset < self.offset + self.bytes
    }
}

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Argument {
    /// Memory that the kernel reads.
    In(Place),
    /// Memory that it writes, and may read.
    Out(Place),
    /// No memory.
    None,
    /// A number.
    U32(u32),
    /// A number.
    U64(u64),
    /// A number.
    F32(f32),
    /// A number.
    F64(f64),
}

impl From<u32> for Argument {
    fn from(value: u32) -> Self {
        Self::U32(value)
    }
}

impl From<u64> for Argument {
    fn from(value: u64) -> Self {
        Self::U64(value)
    }
}

impl From<f32> for Argument {
    fn from(value: f32) -> Self {
        Self::F32(value)
    }
}

impl From<f64> for Argument {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

/// Memory to read, if there is any.
pub(crate) fn optional(place: Option<Place>) -> Argument {
    place.map_or(Argument::None, Argument::In)
}

/// Memory to write, if there is any.
pub(crate) fn optional_out(place: Option<Place>) -> Argument {
    place.map_or(Argument::None, Argument::Out)
}

/// One kernel's work.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// Where the kernel is found.
    pub module: Arc<Module>,
    /// The kernel's name.
    pub kernel: &'static str,
    /// Blocks in each dimension, at least 1.
    pub grid: [u32; 3],
    /// Shared memory of a block beside what the kernel declares.
    pub shared_bytes: u32,
    /// In the kernel's order.
    pub arguments: Vec<Argument>,
}

impl Launch {
    /// Whether it must wait for an earlier launch: one of the two writes what the other uses.
    pub fn depends_on(&self, earlier: &Self) -> bool {
        let meets = |writer: &Self, other: &Self| {
            let mut written = writer.places().filter(|(_, is_written)| *is_written);
            written.any(|(place, _)| other.places().any(|(used, _)| place.overlaps(used)))
        };
        meets(self, earlier) || meets(earlier, self)
    }

    /// The memory that it uses, and whether it writes there.
    pub fn places(&self) -> impl Iterator<Item = (Place, bool)> + '_ {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::In(place) => Some((*place, false)),
            Argument::Out(place) => Some((*place, true)),
            _ => None,
        })
    }
}

/// Hands out memory, one place after the other.
#[derive(Clone, Debug, Default)]
pub struct Arena {
    used: usize,
    most: usize,
}

/// Where a place begins, so that whole lines of a cache belong to it.
const ALIGNMENT: usize = 256;

impl Arena {
    /// A place of so many bytes.
    pub fn bytes(&mut self, bytes: usize) -> Place {
        let offset = self.used;
        self.used = (offset + bytes).next_multiple_of(ALIGNMENT);
        self.most = self.most.max(self.used);
        Place { offset, bytes }
    }

    /// A place of so many f32 or u32 numbers.
    pub fn floats(&mut self, count: usize) -> Place {
        self.bytes(4 * count)
    }

    /// Bytes that were ever in use.
    pub fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Gives back what was handed out since `used` bytes were in use.
    pub(crate) fn give_back(&mut self, used: usize) {
        self.used = used;
    }
}
