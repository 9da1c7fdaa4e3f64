//! The same run by both engines.

use crate::emulator::Emulator;
use candle_core::{DType, Device};
use gan_core::ImageShape;
use gan_cuda::{MachineEngine, Prior, Task};
use gan_data::{DataLoader, Dataset};
use gan_models::ModelConfig;
use gan_train::{Checkpoint, Engine, HostEngine, StepReport, TrainConfig, Trainer};
use std::sync::Arc;

/// What is trained, for how many steps, on how many images.
pub(crate) struct Case {
    pub(crate) model: ModelConfig,
    pub(crate) config: TrainConfig,
    pub(crate) shape: ImageShape,
    pub(crate) images: usize,
    pub(crate) steps: u64,
    pub(crate) mirrors: bool,
}

/// What came out.
pub(crate) struct Ended {
    pub(crate) reports: Vec<StepReport>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) fake: Vec<f32>,
}

impl Case {
    pub(crate) fn dataset(&self) -> Arc<Dataset> {
        let count = self.images * self.shape.elements();
        let pixels = (0..count)
            .map(|i| (i * i * 31 + i * 7 + 13) as u8)
            .collect();
        let labels = (0..self.images as u32).map(|image| image % 3).collect();
        let data = Dataset::new("formula", self.shape, pixels).unwrap();
        Arc::new(data.with_labels(labels).unwrap())
    }

    pub(crate) fn trainer(&self) -> Trainer {
        let (seed, shape, cpu) = (self.config.seed, self.shape, Device::Cpu);
        Trainer::new(
            self.model.generator(shape, seed, DType::F32, &cpu).unwrap(),
            self.model
                .discriminator(shape, seed, DType::F32, &cpu)
                .unwrap(),
            self.model.training_prior(),
            self.config.adversarial_loss(),
            &self.config,
            self.steps,
        )
        .unwrap()
    }

    fn loader(&self) -> DataLoader {
        let (size, seed) = (self.config.batch_size, self.config.seed);
        let loader = DataLoader::new(self.dataset(), size, seed, DType::F32, &Device::Cpu).unwrap();
        if self.mirrors {
            loader.mirroring()
        } else {
            loader
        }
    }

    /// The CPU's steps.
    pub(crate) fn on_host(&self) -> Ended {
        let loader = self.loader();
        let batches = loader.batches_from(0).take(self.steps as usize);
        let mut engine = HostEngine::new(batches);
        let mut trainer = self.trainer();
        let mut reports = Vec::new();
        while trainer.state().step < self.steps {
            engine.burst(&mut trainer, 1, &mut reports).unwrap();
        }
        ended(&mut engine, &mut trainer, reports)
    }

    /// A machine's steps, stored to and loaded from a checkpoint after `resumed_after`.
    pub(crate) fn on_machine(&self, order: u32, resumed_after: Option<u64>) -> Ended {
        let mut trainer = self.trainer();
        let mut reports = Vec::new();
        if let Some(steps) = resumed_after {
            let before = self.machine_steps(&mut trainer, order, steps, &mut reports);
            let mut again = self.trainer();
            before.checkpoint.restore(&mut again).unwrap();
            trainer = again;
        }
        self.machine_steps(&mut trainer, order, self.steps, &mut reports)
    }

    fn machine_steps(
        &self,
        trainer: &mut Trainer,
        order: u32,
        until: u64,
        reports: &mut Vec<StepReport>,
    ) -> Ended {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulated");
        std::fs::create_dir_all(&folder).unwrap();
        let data = self.dataset();
        let generator = trainer.generator().graph().unwrap().clone();
        let discriminator = trainer.discriminator().graph().unwrap().clone();
        let parameters = [
            trainer.generator().parameters().clone(),
            trainer.discriminator().parameters().clone(),
        ];
        let task = Task {
            config: &self.config,
            parameters: [&parameters[0], &parameters[1]],
            image: self.shape,
            images: data.images(),
            labels: data.labels(),
            prior: match self.model.prior {
                gan_models::Prior::Normal => Prior::Normal,
                gan_models::Prior::Uniform => Prior::Uniform,
            },
            latent_dim: self.model.latent_dim,
            seed: self.config.seed,
        };
        let loader = self.loader();
        let first = trainer.state().step;
        let batches = loader.picks_from(first).take((until - first) as usize);
        let machine = Emulator::new(&folder, order);
        let graphs = [&generator, &discriminator];
        let mut engine = MachineEngine::new(machine, &task, graphs, batches).unwrap();
        while trainer.state().step < until {
            engine.burst(trainer, 4, reports).unwrap();
            engine.store(trainer).unwrap();
        }
        ended(&mut engine, trainer, reports.clone())
    }
}

fn ended(engine: &mut dyn Engine, trainer: &mut Trainer, reports: Vec<StepReport>) -> Ended {
    let fake = engine.fake(trainer).unwrap();
    Ended {
        reports,
        checkpoint: Checkpoint::of(trainer, serde_json::Value::Null).unwrap(),
        fake: fake.flatten_all().unwrap().to_vec1().unwrap(),
    }
}
