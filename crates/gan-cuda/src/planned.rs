//! What a machine would be asked to do.

use crate::launch::{Arena, Launch};
use crate::plan::memory::{Memory, Players};
use crate::plan::recorder::Recorder;
use crate::plan::step::StepPlan;
use crate::plan::task::Variant;
use crate::{CudaError, Task};
use gan_core::Graph;

/// A task's launches, without a machine.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The memory that they need.
    pub bytes: usize,
    /// Those of a step of whole batches with the penalties, if there are any; the second one moves the discriminator
    /// alone.
    pub sequences: [Vec<Launch>; 2],
}

/// What a machine would be asked to do.
///
/// # Errors
/// When the task cannot be trained so.
pub fn planned(task: &Task<'_>, graphs: [&Graph; 2]) -> Result<Planned, CudaError> {
    let mut arena = Arena::default();
    let players = Players::new(task, graphs, &mut arena)?;
    let memory = Memory::new(task, &players, &mut arena);
    let kept = arena.used();
    let mut recorder = Recorder {
        arena,
        precision: task.config.precision,
        ..Recorder::default()
    };
    let mut sequence = |moves_generator| {
        let variant = Variant {
            examples: task.config.batch_size,
            is_penalized: task.config.has_penalties(),
            moves_generator,
        };
        record(task, &players, &memory, &mut recorder, kept, variant)?;
        Ok::<_, CudaError>(std::mem::take(&mut recorder.launches))
    };
    Ok(Planned {
        sequences: [sequence(true)?, sequence(false)?],
        bytes: recorder.arena.most(),
    })
}

/// Writes a variant's step down, in the memory behind what is kept.
pub(crate) fn record(
    task: &Task<'_>,
    players: &Players<'_>,
    memory: &Memory,
    recorder: &mut Recorder,
    kept: usize,
    variant: Variant,
) -> Result<(), CudaError> {
    recorder.arena.give_back(kept);
    recorder.launches.clear();
    let plan = StepPlan {
        task,
        players,
        memory,
        variant,
        recorder,
    };
    Ok(plan.record()?)
}
