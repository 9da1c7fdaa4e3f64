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
    let (batch, config) = (task.config.batch_size, task.config);
    let mut sequence = |examples, is_penalized, moves_generator| {
        let variant = Variant {
            examples,
            is_penalized,
            moves_generator,
        };
        record(task, &players, &memory, &mut recorder, kept, variant)?;
        Ok::<_, CudaError>(std::mem::take(&mut recorder.launches))
    };
    let penalized = config.has_penalties();
    let sequences = [
        sequence(batch, penalized, true)?,
        sequence(batch, penalized, false)?,
    ];
    // The other steps of a run need no more, or not much.
    sequence(batch, false, true)?;
    let last = task.images.len() % batch;
    if last > 0 {
        sequence(last, penalized, true)?;
        sequence(last, false, true)?;
    }
    Ok(Planned {
        sequences,
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
