//! What stays in a machine's memory from step to step.

use super::network::Network;
use super::recorder::number;
use super::task::Task;
use crate::launch::{Arena, Place};
use candle_core::Result;
use gan_core::Graph;
use gan_train::OptimizerKind;

/// Steps that a burst has at most.
pub(crate) const MOST_STEPS: usize = 1024;
/// Values of a block of an optimizer's kernel.
pub(crate) const VALUES_OF_BLOCK: usize = 4 * super::recorder::THREADS as usize;

/// Bytes of `Step`, `Figures` and `Change` in the kernels.
pub(crate) const STEP_BYTES: usize = 32;
pub(crate) const FIGURES_BYTES: usize = 56;
pub(crate) const CHANGE_BYTES: usize = 32;

/// The places that every step uses.
pub(crate) struct Memory {
    /// What differs from step to step of a burst, and which of its steps it is.
    pub(crate) steps: Place,
    pub(crate) cursor: Place,
    /// The images of each step.
    pub(crate) order: Place,
    /// The augmentation of each step's images.
    pub(crate) changes: Option<Place>,
    pub(crate) figures: Place,
    /// The data set: its bytes, their values as numbers, and its labels.
    pub(crate) bytes: Place,
    pub(crate) table: Place,
    pub(crate) all_labels: Option<Place>,
    /// Of a step: labels, and images real, generated and interpolated, one batch after the other.
    pub(crate) labels: Option<Place>,
    pub(crate) images: Place,
    pub(crate) ones: Place,
    pub(crate) average: Option<Place>,
    /// Of the generator and of the discriminator.
    pub(crate) players: [PlayerMemory; 2],
}

/// What an optimizer keeps of a network.
pub(crate) struct PlayerMemory {
    /// Adam's two moments, or the velocity.
    pub(crate) kept: Vec<Place>,
    /// For each block of values the first step of a burst in which one was not finite.
    pub(crate) first_bad: Place,
}

/// Both networks with their memory.
pub(crate) struct Players<'g> {
    pub(crate) generator: Network<'g>,
    pub(crate) discriminator: Network<'g>,
}

impl Memory {
    /// Places for all of a task.
    pub(crate) fn new(task: &Task<'_>, players: &Players<'_>, arena: &mut Arena) -> Self {
        let (batch, config) = (task.config.batch_size, task.config);
        let values = task.image.elements();
        let player = |network: &Network<'_>, arena: &mut Arena| {
            let trained = network.tensors.trained();
            let kept = match config.optimizer {
                OptimizerKind::Adam => 2,
                OptimizerKind::Momentum => 1,
            };
            PlayerMemory {
                kept: (0..kept).map(|_| arena.floats(trained)).collect(),
                first_bad: arena.floats(trained.div_ceil(VALUES_OF_BLOCK).max(1)),
            }
        };
        Self {
            steps: arena.bytes(MOST_STEPS * STEP_BYTES),
            cursor: arena.floats(1),
            order: arena.floats(MOST_STEPS * batch),
            changes: (!config.augmentations.is_empty())
                .then(|| arena.bytes(MOST_STEPS * 2 * batch * CHANGE_BYTES)),
            figures: arena.bytes(MOST_STEPS * FIGURES_BYTES),
            bytes: arena.bytes(task.images.len() * values),
            table: arena.floats(256),
            all_labels: task.labels.map(|labels| arena.floats(labels.len())),
            labels: task.labels.map(|_| arena.floats(batch)),
            images: arena.floats(3 * batch * values),
            ones: arena.floats(3 * batch),
            average: config
                .ema_half_life_images
                .map(|_| arena.floats(players.generator.tensors.count())),
            players: [
                player(&players.generator, arena),
                player(&players.discriminator, arena),
            ],
        }
    }
}

impl<'g> Players<'g> {
    pub(crate) fn new(
        task: &Task<'_>,
        [generator, discriminator]: [&'g Graph; 2],
        arena: &mut Arena,
    ) -> Result<Self> {
        let seed = task.config.seed;
        let [generator_tensors, discriminator_tensors] = task.parameters;
        Ok(Self {
            generator: Network::new(generator, generator_tensors, seed, arena)?,
            discriminator: Network::new(discriminator, discriminator_tensors, seed, arena)?,
        })
    }
}

/// An offset of the changes of a batch, as a kernel's argument.
pub(crate) fn changes_of_step(batch: usize) -> u32 {
    number(2 * batch)
}
