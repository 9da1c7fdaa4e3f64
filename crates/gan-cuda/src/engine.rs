//! Training in bursts of steps on a machine.

use crate::launch::{Arena, Place};
use crate::plan::memory::{
    CHANGE_BYTES, FIGURES_BYTES, MOST_STEPS, Memory, Players, STEP_BYTES, VALUES_OF_BLOCK,
};
use crate::plan::recorder::Recorder;
use crate::plan::step::{DISCRIMINATOR, GENERATOR};
use crate::plan::task::Variant;
use crate::planned::{planned, record};
use crate::{CudaError, Machine, Task};
use candle_core::{Device, Tensor};
use gan_core::{Graph, Pick, Purpose};
use gan_train::{
    Checkpoint, Engine, ImageAugmentation, StepReport, StepSettings, TrainError, TrainState,
    Trainer, draw_augmentations,
};
use std::collections::HashMap;

/// The bit of an image's number that says that it is mirrored, as in the kernels.
const MIRRORED: u32 = 1 << 31;

/// The engine of a machine: it keeps networks, optimizers, averages and data set in the machine's memory.
pub struct MachineEngine<'a, M, B> {
    machine: M,
    task: &'a Task<'a>,
    players: Players<'a>,
    memory: Memory,
    recorder: Recorder,
    /// Bytes of memory that stay from step to step.
    kept: usize,
    batches: B,
    sequences: HashMap<Variant, usize>,
    state: TrainState,
    /// Steps of both optimizers.
    taken: [u64; 2],
    is_loaded: bool,
    /// Images of the last batch.
    last_batch: usize,
}

impl<'a, M: Machine, B: Iterator<Item = Vec<Pick>>> MachineEngine<'a, M, B> {
    /// An engine that trains on these batches of a task's images.
    ///
    /// # Errors
    /// When the task cannot be trained so, or the machine has too little memory.
    pub fn new(
        mut machine: M,
        task: &'a Task<'a>,
        graphs: [&'a Graph; 2],
        batches: B,
    ) -> Result<Self, CudaError> {
        let mut arena = Arena::default();
        let players = Players::new(task, graphs, &mut arena)?;
        let memory = Memory::new(task, &players, &mut arena);
        let kept = arena.used();
        let recorder = Recorder {
            arena,
            precision: task.config.precision,
            ..Recorder::default()
        };
        machine.allocate(planned(task, graphs)?.bytes)?;
        let mut engine = Self {
            machine,
            task,
            players,
            memory,
            recorder,
            kept,
            batches,
            sequences: HashMap::new(),
            state: TrainState::default(),
            taken: [0; 2],
            is_loaded: false,
            last_batch: 0,
        };
        engine.write_data()?;
        Ok(engine)
    }

    /// Copies the data set and the constants.
    fn write_data(&mut self) -> Result<(), CudaError> {
        let bytes: Vec<u8> = self.task.images.iter().flatten().copied().collect();
        self.machine.write(self.memory.bytes, &bytes)?;
        let value = |byte: u8| (f64::from(byte) / 127.5 - 1.0) as f32;
        let table: Vec<f32> = (0..=u8::MAX).map(value).collect();
        self.write_floats(self.memory.table, &table)?;
        let ones = vec![1.0; self.memory.ones.bytes / 4];
        self.write_floats(self.memory.ones, &ones)?;
        if let (Some(place), Some(labels)) = (self.memory.all_labels, self.task.labels) {
            self.machine.write(place, &words(labels))?;
        }
        Ok(())
    }

    fn write_floats(&mut self, place: Place, values: &[f32]) -> Result<(), CudaError> {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.machine.write(place, &bytes)
    }

    fn read_floats(&mut self, place: Place) -> Result<Vec<f32>, CudaError> {
        let bytes = self.machine.read(place)?;
        let (values, _) = bytes.as_chunks::<4>();
        Ok(values
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect())
    }

    /// The places of a checkpoint's tensors: the beginning of their names, where they lie, and whether only those that
    /// are trained do.
    fn parts(&self) -> Vec<(String, usize, Place, bool)> {
        let (generator, discriminator) = (&self.players.generator, &self.players.discriminator);
        let mut parts = vec![
            (
                gan_train::GENERATOR.to_string(),
                GENERATOR,
                generator.theta,
                false,
            ),
            (
                gan_train::DISCRIMINATOR.to_string(),
                DISCRIMINATOR,
                discriminator.theta,
                false,
            ),
        ];
        if let Some(average) = self.memory.average {
            parts.push((
                gan_train::AVERAGED_GENERATOR.to_string(),
                GENERATOR,
                average,
                false,
            ));
        }
        let optimizers = [
            gan_train::GENERATOR_OPTIMIZER,
            gan_train::DISCRIMINATOR_OPTIMIZER,
        ];
        for (player, prefix) in optimizers.into_iter().enumerate() {
            let kept = &self.memory.players[player].kept;
            let names = self.task.config.optimizer.kept();
            for (name, place) in names.iter().zip(kept) {
                parts.push((format!("{prefix}{name}."), player, *place, true));
            }
        }
        parts
    }

    fn network_tensors(&self, player: usize) -> &crate::tensors::Tensors {
        match player {
            GENERATOR => &self.players.generator.tensors,
            _ => &self.players.discriminator.tensors,
        }
    }

    /// Copies the trainer's state to the machine.
    fn load(&mut self, trainer: &Trainer) -> Result<(), TrainError> {
        let checkpoint = Checkpoint::of(trainer, serde_json::Value::Null)?;
        for (prefix, player, place, trained) in self.parts() {
            let of_part = checkpoint.tensors().iter().filter_map(|(name, tensor)| {
                let name = name.strip_prefix(&prefix)?;
                Some((name.to_string(), tensor.clone()))
            });
            let values: HashMap<String, Tensor> = of_part.collect();
            let all = self.network_tensors(player).laid_out(&values, trained)?;
            self.write_floats(place, &all).map_err(failed)?;
        }
        self.state = trainer.state();
        self.taken = trainer.optimizer_steps();
        self.is_loaded = true;
        Ok(())
    }

    /// What differs from step to step, and which variant a step is.
    fn next_step(&mut self, trainer: &Trainer, examples: usize) -> (Variant, Vec<u8>) {
        let config = self.task.config;
        let step = self.state.step;
        let moves_generator = (step + 1).is_multiple_of(config.discriminator_steps);
        self.taken[GENERATOR] += u64::from(moves_generator);
        self.taken[DISCRIMINATOR] += 1;
        let rates = |settings: StepSettings| match settings {
            StepSettings::Adam(adam) => [adam.step_size(), 1.0 / adam.root_correction()],
            StepSettings::Momentum(momentum) => [momentum.lr, momentum.momentum],
        };
        let rates = trainer.settings(step, self.taken).map(rates);
        let keep = trainer.average_kept(examples).unwrap_or(0.0);
        let numbers = rates.into_iter().flatten().chain([keep, 1.0 - keep]);
        let mut bytes = step.to_le_bytes().to_vec();
        bytes.extend(numbers.flat_map(|number| (number as f32).to_le_bytes()));
        self.state.step += 1;
        self.state.images_seen += examples as u64;
        let variant = Variant {
            examples,
            is_penalized: config.has_penalties() && step.is_multiple_of(config.penalty_interval),
            moves_generator,
        };
        (variant, bytes)
    }

    fn sequence(&mut self, variant: Variant) -> Result<usize, CudaError> {
        if let Some(sequence) = self.sequences.get(&variant) {
            return Ok(*sequence);
        }
        let (task, players, memory) = (self.task, &self.players, &self.memory);
        record(
            task,
            players,
            memory,
            &mut self.recorder,
            self.kept,
            variant,
        )?;
        let sequence = self.machine.prepare(&self.recorder.launches)?;
        self.sequences.insert(variant, sequence);
        Ok(sequence)
    }

    /// The augmentation of a step's images, real ones first.
    fn changes(&self, step: u64, examples: usize) -> Vec<u8> {
        let config = self.task.config;
        let mut rng = self.task.seed.rng(Purpose::DiffAugment, step);
        let (kinds, shape) = (&config.augmentations, self.task.image);
        let drawn = draw_augmentations(kinds, 2 * examples, shape, &mut rng);
        let mut bytes: Vec<u8> = drawn.iter().flat_map(change_bytes).collect();
        bytes.resize(2 * config.batch_size * CHANGE_BYTES, 0);
        bytes
    }

    /// The figures of a burst's steps, up to the first that was not finite.
    fn figures(
        &mut self,
        first: TrainState,
        sizes: &[usize],
        reports: &mut Vec<StepReport>,
    ) -> Result<(), TrainError> {
        let figures = self.machine.read(self.memory.figures).map_err(failed)?;
        let mut bad = [None, None];
        for player in [GENERATOR, DISCRIMINATOR] {
            let place = self.memory.players[player].first_bad;
            let bytes = self.machine.read(place).map_err(failed)?;
            let (steps, _) = bytes.as_chunks::<4>();
            let steps = steps
                .iter()
                .map(|step| u32::from_le_bytes(*step))
                .enumerate();
            let earliest = steps.min_by_key(|(block, step)| (*step, *block));
            bad[player] = earliest.filter(|(_, step)| *step != u32::MAX);
        }
        let mut images_seen = first.images_seen;
        let each = figures.chunks_exact(FIGURES_BYTES).zip(sizes).enumerate();
        for (index, (bytes, size)) in each {
            let step = first.step + index as u64;
            let figures = Figures::read(bytes);
            if let Some(tensor) = self.not_finite(index, &figures, &bad) {
                return Err(TrainError::NonFinite { step, tensor });
            }
            images_seen += *size as u64;
            reports.push(StepReport {
                step,
                images_seen,
                discriminator_loss: figures.numbers[0],
                generator_loss: figures.numbers[1],
                d_real: figures.numbers[2],
                d_fake: figures.numbers[3],
                value: figures.numbers[4],
            });
        }
        Ok(())
    }

    /// The first tensor of a step that is not finite, in the order in which the step makes them.
    fn not_finite(
        &self,
        index: usize,
        figures: &Figures,
        bad: &[Option<(usize, u32)>; 2],
    ) -> Option<String> {
        let [real, fake, interpolated, images] = figures.finite;
        let logits_are_finite = real && fake && interpolated;
        if !(logits_are_finite || images) {
            return Some("batch of generated images".to_string());
        }
        let logits = [
            (real, "real"),
            (fake, "generated"),
            (interpolated, "interpolated"),
        ];
        if let Some((_, images)) = logits.iter().find(|(finite, _)| !finite) {
            return Some(format!("discriminator's logits of {images} images"));
        }
        let [discriminator_loss, generator_loss, ..] = figures.numbers;
        for (value, whose) in [
            (generator_loss, "generator's"),
            (discriminator_loss, "discriminator's"),
        ] {
            if !value.is_finite() {
                return Some(format!("{whose} loss"));
            }
        }
        let players = ["generator's", "discriminator's"].into_iter().enumerate();
        for (player, whose) in players {
            if let Some((block, step)) = bad[player]
                && step as usize == index
            {
                let name = self
                    .network_tensors(player)
                    .name_at(block * VALUES_OF_BLOCK);
                return Some(format!("{whose} {name}"));
            }
        }
        None
    }
}

impl<M: Machine, B: Iterator<Item = Vec<Pick>>> Engine for MachineEngine<'_, M, B> {
    fn burst(
        &mut self,
        trainer: &mut Trainer,
        most: u64,
        reports: &mut Vec<StepReport>,
    ) -> Result<(), TrainError> {
        if !self.is_loaded {
            self.load(trainer)?;
        }
        let first = self.state;
        let most = usize::try_from(most).unwrap_or(MOST_STEPS).min(MOST_STEPS);
        let batch_size = self.task.config.batch_size;
        let (mut order, mut steps, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut variants, mut sizes) = (Vec::new(), Vec::new());
        for picks in self.batches.by_ref().take(most).collect::<Vec<_>>() {
            let examples = picks.len();
            if self.memory.changes.is_some() {
                changes.extend(self.changes(self.state.step, examples));
            }
            let (variant, bytes) = self.next_step(trainer, examples);
            steps.extend(bytes);
            let entry = |pick: &Pick| pick.image | if pick.is_mirrored { MIRRORED } else { 0 };
            order.extend(picks.iter().map(entry));
            order.resize((variants.len() + 1) * batch_size, 0);
            variants.push(variant);
            sizes.push(examples);
        }
        let Some(last) = sizes.last() else {
            return Ok(());
        };
        self.last_batch = *last;
        self.start(&order, &steps, &changes, &variants)
            .map_err(failed)?;
        self.figures(first, &sizes, reports)
    }

    fn store(&mut self, trainer: &mut Trainer) -> Result<(), TrainError> {
        if !self.is_loaded {
            return Ok(());
        }
        let mut checkpoint = Checkpoint::of(trainer, serde_json::Value::Null)?;
        for (prefix, player, place, trained) in self.parts() {
            let all = self.read_floats(place).map_err(failed)?;
            let tensors = self.network_tensors(player).taken_up(&all, trained)?;
            for (name, tensor) in tensors {
                checkpoint.set_tensor(format!("{prefix}{name}"), tensor);
            }
        }
        checkpoint.header.state = TrainState {
            rollbacks: trainer.state().rollbacks,
            ..self.state
        };
        checkpoint.header.generator_optimizer_steps = self.taken[GENERATOR];
        checkpoint.header.discriminator_optimizer_steps = self.taken[DISCRIMINATOR];
        checkpoint.restore(trainer)
    }

    fn fake(&mut self, _trainer: &Trainer) -> Result<Tensor, TrainError> {
        let (examples, shape) = (self.last_batch, self.task.image);
        let count = examples * shape.elements();
        let place = self.memory.images.floats(count, count);
        let values = self.read_floats(place).map_err(failed)?;
        let dims = (examples, shape.channels, shape.height, shape.width);
        Ok(Tensor::from_vec(values, dims, &Device::Cpu)?)
    }
}

impl<M: Machine, B: Iterator<Item = Vec<Pick>>> MachineEngine<'_, M, B> {
    /// Starts a burst.
    fn start(
        &mut self,
        order: &[u32],
        steps: &[u8],
        changes: &[u8],
        variants: &[Variant],
    ) -> Result<(), CudaError> {
        debug_assert_eq!(steps.len(), variants.len() * STEP_BYTES);
        self.machine.write(self.memory.order, &words(order))?;
        self.machine.write(self.memory.steps, steps)?;
        if let Some(place) = self.memory.changes {
            self.machine.write(place, changes)?;
        }
        self.machine.write(self.memory.cursor, &[0; 4])?;
        for player in [GENERATOR, DISCRIMINATOR] {
            let place = self.memory.players[player].first_bad;
            self.machine.write(place, &vec![0xff; place.bytes])?;
        }
        for variant in variants {
            let sequence = self.sequence(*variant)?;
            self.machine.start(sequence)?;
        }
        Ok(())
    }
}

/// A step's figures, as the kernel writes them.
struct Figures {
    numbers: [f64; 5],
    finite: [bool; 4],
}

impl Figures {
    fn read(bytes: &[u8]) -> Self {
        let (numbers, flags) = bytes.split_at(40);
        let (numbers, _) = numbers.as_chunks::<8>();
        let (flags, _) = flags.as_chunks::<4>();
        Self {
            numbers: std::array::from_fn(|i| f64::from_le_bytes(numbers[i])),
            finite: std::array::from_fn(|i| u32::from_le_bytes(flags[i]) != 0),
        }
    }
}

fn words(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// A change as `Change` in the kernels.
fn change_bytes(change: &ImageAugmentation) -> Vec<u8> {
    let [top, bottom, left, right] = change.hole;
    let places = [change.rows, change.columns, top, bottom, left, right];
    let mut bytes = change.brightness.to_le_bytes().to_vec();
    bytes.extend(
        places
            .iter()
            .flat_map(|place| (*place as i32).to_le_bytes()),
    );
    bytes
}

fn failed(error: CudaError) -> TrainError {
    TrainError::Engine(Box::new(error))
}
