//! Training on an NVIDIA GPU: what it needs, and its engine.

use crate::{Event, Events, Plan, RunError};
use gan_core::{Graph, ParameterStore, Pick, Seed};
use gan_cuda::{CudaError, Gpu, MachineEngine, Places, Task};
use gan_models::Prior;
use gan_train::{Observer, TrainError, Trainer};
use std::path::PathBuf;

/// What an engine needs of a trainer, beside it.
pub(crate) struct Players {
    graphs: [Graph; 2],
    parameters: [ParameterStore; 2],
}

impl Players {
    fn of(trainer: &Trainer) -> Result<Self, CudaError> {
        let (generator, discriminator) = (trainer.generator(), trainer.discriminator());
        let graph = |graph: Option<&Graph>, whose: &str| {
            let none = || CudaError::Unsupported(format!("a {whose} that is not made of a graph"));
            graph.cloned().ok_or_else(none)
        };
        Ok(Self {
            graphs: [
                graph(generator.graph(), "generator")?,
                graph(discriminator.graph(), "discriminator")?,
            ],
            parameters: [
                generator.parameters().clone(),
                discriminator.parameters().clone(),
            ],
        })
    }

    fn task<'a>(&'a self, plan: &'a Plan, seed: Seed) -> Task<'a> {
        Task {
            config: &plan.config.train,
            parameters: [&self.parameters[0], &self.parameters[1]],
            image: plan.data.shape(),
            images: plan.data.images(),
            labels: plan.data.labels(),
            prior: match plan.config.model.prior {
                Prior::Normal => gan_cuda::Prior::Normal,
                Prior::Uniform => gan_cuda::Prior::Uniform,
            },
            latent_dim: plan.config.model.latent_dim,
            seed,
        }
    }
}

/// Whether the plan can be trained on a GPU of this machine: the driver, the compiler and the memory.
///
/// # Errors
/// What is missing.
pub(crate) fn check(plan: &Plan, ordinal: usize, events: &mut dyn Events) -> Result<(), RunError> {
    let trainer = plan.trainer()?;
    let ready = || {
        let players = Players::of(&trainer)?;
        let task = players.task(plan, plan.config.train.seed);
        let graphs = [&players.graphs[0], &players.graphs[1]];
        let needed = gan_cuda::planned(&task, graphs)?.bytes;
        let facts = gan_cuda::check(ordinal, &Places::of_this_machine(), needed)?;
        Ok::<_, CudaError>((facts, needed))
    };
    let (facts, needed) = ready().map_err(|error| RunError::Refused(error.to_string()))?;
    events.event(Event::Note(&format!(
        "Steps are computed on {}, in {} MiB of its memory; pictures and scores on the CPU",
        facts.name,
        needed.div_ceil(1 << 20)
    )));
    Ok(())
}

/// Trains to the end of the batches on a GPU.
///
/// # Errors
/// Those of the trainer, and when the GPU fails.
pub(crate) fn run(
    plan: &Plan,
    ordinal: usize,
    trainer: &mut Trainer,
    batches: impl Iterator<Item = Vec<Pick>>,
    observers: &mut [&mut dyn Observer],
) -> Result<(), TrainError> {
    let failed = |error: CudaError| TrainError::Engine(Box::new(error));
    let players = Players::of(trainer).map_err(failed)?;
    let seed = plan.config.train.seed;
    let task = players.task(plan, seed.after_rollbacks(trainer.state().rollbacks));
    let graphs = [&players.graphs[0], &players.graphs[1]];
    let gpu = Gpu::new(ordinal, &Places::of_this_machine(), cache()).map_err(failed)?;
    let engine = MachineEngine::new(gpu, &task, graphs, batches);
    trainer.run_on(&mut engine.map_err(failed)?, observers)
}

/// Where machine code is kept: in the user's cache folder.
fn cache() -> Option<PathBuf> {
    Some(gan_eval::cache_folder()?.parent()?.join("cuda"))
}
