//! A step as launches: Algorithm 1 of Goodfellow et al., 2014, with what the configuration adds.

use super::backward::{By, plain_back};
use super::memory::{Memory, Players, STEP_BYTES, VALUES_OF_BLOCK, changes_of_step};
use super::network::{Deltas, Pass};
use super::recorder::{Finish, Recorder, THREADS, blocks, number, random_module};
use super::task::{Prior, Task, Variant};
use crate::launch::{Argument, KernelFile, Module, Place, optional, optional_out};
use candle_core::Result;
use gan_core::{ImageShape, Purpose};
use gan_train::{LossKind, UpdateOrder};
use std::sync::Arc;

/// The batches of a discriminator pass, by number.
const REAL: usize = 0;
const FAKE: usize = 1;
const INTERPOLATED: usize = 2;

pub(crate) const GENERATOR: usize = 0;
pub(crate) const DISCRIMINATOR: usize = 1;

/// Writes down a step.
pub(crate) struct StepPlan<'a, 'g> {
    pub(crate) task: &'a Task<'a>,
    pub(crate) players: &'a Players<'g>,
    pub(crate) memory: &'a Memory,
    pub(crate) variant: Variant,
    pub(crate) recorder: &'a mut Recorder,
}

/// The derivatives of the losses with respect to the logits.
#[derive(Clone, Copy)]
struct Slopes {
    discriminator: Place,
    generator: Place,
}

impl StepPlan<'_, '_> {
    pub(crate) fn record(mut self) -> Result<()> {
        let examples = self.variant.examples;
        let labels = self.memory.labels;
        self.real_images();
        let z = self.latents();
        let fake = self.batch(self.memory.images, FAKE);
        let generator = &self.players.generator;
        let generated = generator.forward(self.recorder, z, [1, examples], labels, Some(fake))?;
        generator.output(self.recorder, &generated, Some(fake));
        let inputs = self.discriminator_inputs();
        let batches = self.batches();
        let discriminator = &self.players.discriminator;
        let pass =
            discriminator.forward(self.recorder, inputs, [batches, examples], labels, None)?;
        let slopes = self.losses(&pass, [true, self.is_generator_first()]);
        let unit = self.unit_deltas(&pass)?;
        if self.is_generator_first() {
            self.update_generator(&generated, &pass, unit.as_ref(), slopes)?;
            self.update_discriminator(&pass, unit.as_ref(), slopes)?;
        } else {
            self.update_discriminator(&pass, unit.as_ref(), slopes)?;
            let again =
                discriminator.forward(self.recorder, inputs, [2, examples], labels, None)?;
            let slopes = self.losses(&again, [false, true]);
            let unit = self.unit_deltas(&again)?;
            self.update_generator(&generated, &again, unit.as_ref(), slopes)?;
        }
        self.average();
        let updates = self.recorder.plain(KernelFile::Updates);
        let cursor = vec![Argument::Out(self.memory.cursor)];
        self.recorder
            .launch(&updates, "next_step", [1, 1, 1], cursor);
        Ok(())
    }

    fn is_generator_first(&self) -> bool {
        self.task.config.update_order == UpdateOrder::GeneratorFirst
    }

    /// A third batch is for a penalty on interpolated images.
    fn batches(&self) -> usize {
        let interpolates = self.variant.is_penalized && self.task.config.gradient_penalty > 0.0;
        if interpolates { 3 } else { 2 }
    }

    /// Values of an image.
    fn values(&self) -> usize {
        self.task.image.elements()
    }

    /// A batch of images, one of several.
    fn batch(&self, images: Place, number: usize) -> Place {
        let count = self.variant.examples * self.values();
        images.floats(number * count, count)
    }

    /// Which random numbers, for this step.
    fn stream(&self, purpose: Purpose) -> [Argument; 5] {
        [
            self.task.seed.0.into(),
            (purpose as u32).into(),
            Argument::In(self.memory.steps),
            number(STEP_BYTES).into(),
            Argument::In(self.memory.cursor),
        ]
    }

    fn real_images(&mut self) {
        let memory = self.memory;
        let module = self.recorder.plain(KernelFile::Images);
        let real = self.batch(memory.images, REAL);
        let arguments = vec![
            Argument::In(memory.bytes),
            Argument::In(memory.table),
            Argument::In(memory.order),
            Argument::In(memory.cursor),
            Argument::Out(real),
            optional(memory.all_labels),
            optional_out(memory.labels),
            number(self.task.config.batch_size).into(),
            number(self.values()).into(),
            number(self.task.image.width).into(),
        ];
        let grid = [number(self.variant.examples), 1, 1];
        self.recorder
            .launch(&module, "real_images", grid, arguments);
    }

    fn latents(&mut self) -> Place {
        let count = self.variant.examples * self.task.latent_dim;
        let z = self.recorder.arena.floats(count);
        let mut arguments = vec![Argument::Out(z), number(count).into()];
        arguments.extend(self.stream(Purpose::TrainingLatents));
        let (kernel, each) = match self.task.prior {
            Prior::Normal => ("normal_latents", 16),
            Prior::Uniform => {
                arguments.push(3.0_f64.sqrt().into());
                ("uniform_latents", 8)
            }
        };
        let module = random_module();
        self.recorder
            .for_each(&module, kernel, count.div_ceil(each), arguments);
        z
    }

    /// Real and generated images, augmented and with noise, and those between them.
    fn discriminator_inputs(&mut self) -> Place {
        let (memory, config) = (self.memory, self.task.config);
        let (examples, values) = (self.variant.examples, self.values());
        let mut inputs = memory.images;
        if memory.changes.is_some() || config.instance_noise > 0.0 {
            inputs = self.recorder.arena.floats(3 * examples * values);
            self.augment(inputs);
        }
        if config.instance_noise > 0.0 {
            self.add_noise(inputs, config.instance_noise);
        }
        if self.batches() == 3 {
            let arguments = [
                Argument::In(self.batch(inputs, REAL)),
                Argument::In(self.batch(inputs, FAKE)),
                Argument::Out(self.batch(inputs, INTERPOLATED)),
                number(examples).into(),
                number(values).into(),
            ];
            let stream = self.stream(Purpose::Interpolation);
            let arguments = arguments.into_iter().chain(stream).collect();
            let grid = [number(examples), 1, 1];
            self.recorder
                .launch(&random_module(), "interpolate", grid, arguments);
        }
        inputs
    }

    /// inputs ← real and generated images, augmented if they are.
    fn augment(&mut self, inputs: Place) {
        for which in [REAL, FAKE] {
            let (from, to) = (
                self.batch(self.memory.images, which),
                self.batch(inputs, which),
            );
            if self.memory.changes.is_some() {
                self.through_changes("augment", which, from, to);
                continue;
            }
            let shape = self.task.image;
            let finish = Finish {
                result: Some(to),
                ..Finish::default()
            };
            let examples = self.variant.examples;
            self.recorder
                .reordered(examples, from, [shape, shape], &finish);
        }
    }

    fn through_changes(&mut self, kernel: &'static str, which: usize, from: Place, to: Place) {
        let examples = self.variant.examples;
        let ImageShape {
            channels,
            height,
            width,
        } = self.task.image;
        let module = self.recorder.plain(KernelFile::Images);
        let arguments = vec![
            Argument::In(from),
            Argument::Out(to),
            optional(self.memory.changes),
            Argument::In(self.memory.cursor),
            changes_of_step(self.task.config.batch_size).into(),
            number(which * examples).into(),
            number(channels).into(),
            number(height).into(),
            number(width).into(),
        ];
        let grid = [number(examples), 1, 1];
        self.recorder.launch(&module, kernel, grid, arguments);
    }

    fn add_noise(&mut self, inputs: Place, deviation: f64) {
        let count = self.variant.examples * self.values();
        for which in [REAL, FAKE] {
            // Numbers are drawn in pairs.
            let first = which * count.next_multiple_of(2);
            let mut arguments = vec![
                Argument::Out(self.batch(inputs, which)),
                number(count).into(),
                number(first).into(),
                (deviation as f32).into(),
            ];
            arguments.extend(self.stream(Purpose::InstanceNoise));
            self.recorder.for_each(
                &random_module(),
                "instance_noise",
                count.div_ceil(16) + 1,
                arguments,
            );
        }
    }

    /// wanted: of the discriminator, of the generator.
    fn losses(&mut self, pass: &Pass, [discriminator, generator]: [bool; 2]) -> Slopes {
        let config = self.task.config;
        let logits = self.players.discriminator.output(self.recorder, pass, None);
        let count = pass.examples;
        let slopes = Slopes {
            discriminator: self.recorder.arena.floats(pass.batches * count),
            generator: self.recorder.arena.floats(count),
        };
        let kind = match config.loss {
            LossKind::NonSaturating => 0,
            LossKind::Minimax => 1,
            LossKind::LeastSquares => 2,
            LossKind::Wasserstein => 3,
            LossKind::Hinge => 4,
            LossKind::RelativisticPairing => 5,
        };
        let module = Arc::new(Module::new(KernelFile::Loss, THREADS).with("LOSS", kind));
        let out = |place: Place, wanted: bool| optional_out(wanted.then_some(place));
        let arguments = vec![
            Argument::In(logits),
            out(slopes.discriminator, discriminator),
            out(slopes.generator, generator),
            Argument::Out(self.memory.figures),
            Argument::In(self.memory.cursor),
            Argument::In(self.batch(self.memory.images, FAKE)),
            number(count).into(),
            number(pass.batches).into(),
            number(self.values()).into(),
            (1.0 - config.label_smoothing).into(),
        ];
        self.recorder
            .launch(&module, "losses", [1, 1, 1], arguments);
        slopes
    }

    /// The gradients of each example's own logit, where they serve all uses.
    fn unit_deltas(&mut self, pass: &Pass) -> Result<Option<Deltas>> {
        let discriminator = &self.players.discriminator;
        if !discriminator.scales() {
            return Ok(None);
        }
        let ones = self.memory.ones.floats(0, pass.batches * pass.examples);
        let all = [0, pass.batches];
        let by = By::Output(ones);
        let deltas = discriminator.deltas(self.recorder, pass, all, by, false)?;
        Ok(Some(deltas))
    }

    fn update_generator(
        &mut self,
        generated: &Pass,
        pass: &Pass,
        unit: Option<&Deltas>,
        slopes: Slopes,
    ) -> Result<()> {
        if !self.variant.moves_generator {
            return Ok(());
        }
        let (examples, values) = (self.variant.examples, self.values());
        let (generator, discriminator) = (&self.players.generator, &self.players.discriminator);
        let fake = [FAKE, 1];
        // The last kernel before the generator does its first one's work, if nothing comes between.
        let joined = generator.output_finish(generated);
        let joined = joined.filter(|_| self.memory.changes.is_none());
        let finish = joined.unwrap_or_else(plain_back);
        let mut gradient = match unit {
            Some(unit) => {
                let finish = Finish {
                    factors: Some((slopes.generator, values)),
                    ..finish
                };
                discriminator.input_gradient(self.recorder, pass, unit, fake, &finish)?
            }
            None => {
                let by = By::Output(slopes.generator);
                let deltas = discriminator.deltas(self.recorder, pass, fake, by, false)?;
                discriminator.input_gradient(self.recorder, pass, &deltas, fake, &finish)?
            }
        };
        if self.memory.changes.is_some() {
            let to = self.recorder.arena.floats(examples * values);
            self.through_changes("augment_back", FAKE, gradient, to);
            gradient = to;
        }
        let by = match joined {
            Some(_) => By::Product(gradient),
            None => By::Output(gradient),
        };
        let deltas = generator.deltas(self.recorder, generated, [0, 1], by, true)?;
        generator.parameter_gradients(self.recorder, generated, &deltas, None, None)?;
        self.descend(GENERATOR);
        Ok(())
    }

    fn update_discriminator(
        &mut self,
        pass: &Pass,
        unit: Option<&Deltas>,
        slopes: Slopes,
    ) -> Result<()> {
        let discriminator = &self.players.discriminator;
        match unit {
            Some(unit) => {
                let directions = match self.variant.is_penalized {
                    true => Some(self.penalty_directions(pass, unit)?),
                    false => None,
                };
                let weights = Some(slopes.discriminator);
                discriminator.parameter_gradients(
                    self.recorder,
                    pass,
                    unit,
                    weights,
                    directions,
                )?;
            }
            None => {
                let all = [0, pass.batches];
                let by = By::Output(slopes.discriminator);
                let deltas = discriminator.deltas(self.recorder, pass, all, by, true)?;
                discriminator.parameter_gradients(self.recorder, pass, &deltas, None, None)?;
            }
        }
        self.descend(DISCRIMINATOR);
        Ok(())
    }

    /// For each batch the derivative of its penalties with respect to the gradients of its logits; zeros if it has
    /// none.
    fn penalty_directions(&mut self, pass: &Pass, unit: &Deltas) -> Result<Place> {
        let config = self.task.config;
        let (examples, values) = (self.variant.examples, self.values());
        let directions = self.recorder.arena.floats(pass.batches * examples * values);
        let interval = config.penalty_interval as f64;
        // γ/2 · mean |g|² and λ · mean (|g| − 1)².
        let penalties = [
            (REAL, config.r1, false),
            (FAKE, config.r2, false),
            (INTERPOLATED, 2.0 * config.gradient_penalty, true),
        ];
        for (batch, strength, one_centered) in &penalties[..pass.batches] {
            let to = self.batch(directions, *batch);
            if *strength == 0.0 {
                self.recorder.fill(to, 0.0);
                continue;
            }
            let part = [*batch, 1];
            let discriminator = &self.players.discriminator;
            let gradient =
                discriminator.input_gradient(self.recorder, pass, unit, part, &plain_back())?;
            let module = self.recorder.plain(KernelFile::Sums);
            let arguments = vec![
                Argument::In(gradient),
                Argument::Out(to),
                number(values).into(),
                u32::from(*one_centered).into(),
                (strength * interval / examples as f64).into(),
            ];
            let grid = [number(examples), 1, 1];
            self.recorder
                .launch(&module, "penalty_directions", grid, arguments);
        }
        Ok(directions)
    }

    /// Moves a player's tensors by their gradients.
    fn descend(&mut self, player: usize) {
        let (config, memory) = (self.task.config, self.memory);
        let network = match player {
            GENERATOR => &self.players.generator,
            _ => &self.players.discriminator,
        };
        let factor = config.gradient_clip;
        let factor = factor.map(|clip| self.recorder.clip_factor(network.gradient, clip));
        let trained = network.tensors.trained();
        let own = &memory.players[player];
        let mut arguments = vec![
            Argument::Out(network.theta.floats(0, trained)),
            Argument::In(network.gradient),
        ];
        arguments.extend(own.kept.iter().map(|place| Argument::Out(*place)));
        arguments.extend([
            optional(factor),
            Argument::Out(own.first_bad),
            Argument::In(memory.steps),
            Argument::In(memory.cursor),
            number(player).into(),
            number(trained).into(),
        ]);
        let kernel = match own.kept.len() {
            1 => "momentum",
            _ => {
                let betas = [config.beta1, config.beta2, gan_train::ADAM_EPS];
                arguments.extend(betas.map(Argument::F64));
                "adam"
            }
        };
        let clip = config.weight_clip.filter(|_| player == DISCRIMINATOR);
        arguments.push(Argument::F32(clip.unwrap_or(0.0) as f32));
        let module = self.recorder.plain(KernelFile::Updates);
        let grid = [blocks(trained, VALUES_OF_BLOCK), 1, 1];
        self.recorder.launch(&module, kernel, grid, arguments);
    }

    /// The average of the generator's tensors goes on.
    fn average(&mut self) {
        let Some(average) = self.memory.average else {
            return;
        };
        let theta = self.players.generator.theta;
        let count = self.players.generator.tensors.count();
        let module = self.recorder.plain(KernelFile::Updates);
        let arguments = vec![
            Argument::Out(average),
            Argument::In(theta),
            Argument::In(self.memory.steps),
            Argument::In(self.memory.cursor),
            number(count).into(),
        ];
        self.recorder
            .for_each(&module, "moving_average", count, arguments);
    }
}
