//! The training step and the loop around it.

use crate::discriminator_inputs::{DiscriminatorInputs, InputTransform};
use crate::{
    Ema, LrDecay, LrSchedule, Optimizer, Points, Regularizer, StepReport, TrainConfig, TrainError,
    UpdateOrder,
};
use candle_core::backprop::GradStore;
use candle_core::{DType, Result as TensorResult, Tensor, Var};
use gan_core::{
    AdversarialLoss, Discriminator, Generator, ImageBatch, LatentPrior, Purpose, Recorded, Seed,
    is_finite,
};
use gan_ops::{bce_with_logits, mean, sigmoid};
use rand::Rng;

/// A generator and a discriminator, their optimizers and the run's progress.
///
/// Several trainers may run in one process, in one pool or in several. The networks belong to the trainer:
/// tensors that were cloned out of a [`ParameterStore`](gan_core::ParameterStore) must not be used in another
/// thread while [`step`](Self::step) runs, which could then wait for itself for ever.
pub struct Trainer {
    pub(crate) generator: Box<dyn Generator>,
    pub(crate) discriminator: Box<dyn Discriminator>,
    pub(crate) generator_optimizer: Optimizer,
    pub(crate) discriminator_optimizer: Optimizer,
    pub(crate) ema: Option<Ema>,
    pub(crate) state: TrainState,
    pub(crate) seed: Seed,
    prior: Box<dyn LatentPrior>,
    loss: Box<dyn AdversarialLoss>,
    regularizers: Vec<Box<dyn Regularizer>>,
    penalty_interval: u64,
    discriminator_steps: u64,
    lr_schedule: LrSchedule,
    lr_decay: LrDecay,
    /// The steps of the whole run, which the learning rate's schedule needs.
    steps: u64,
    gradient_clip: Option<f64>,
    update_order: UpdateOrder,
    input_transform: InputTransform,
    weight_clip: Option<f64>,
    /// The generated images of the last step.
    fake: Option<Tensor>,
}

/// A run's progress. With the seed it determines every random number still to be drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TrainState {
    /// Steps done.
    pub step: u64,
    /// Real images seen.
    pub images_seen: u64,
    /// How often the run has diverged and been rolled back to a checkpoint, each time to another seed.
    #[serde(default)]
    pub rollbacks: u32,
}

/// The batches of a discriminator pass, by number.
const REAL: usize = 0;
const FAKE: usize = 1;
/// Only for a penalty on interpolated images.
const INTERPOLATED: usize = 2;

/// A batch in the type and on the device of the parameters.
struct Real<'a> {
    images: Tensor,
    labels: Option<&'a Tensor>,
}

/// The figures of a step's discriminator outputs, from before its update.
struct DiscriminatorFigures {
    loss: f64,
    d_real: f64,
    d_fake: f64,
    value: f64,
}

impl DiscriminatorFigures {
    fn new(loss: f64, real: &Tensor, fake: &Tensor) -> TensorResult<Self> {
        let probability = |logits| number(&mean(&sigmoid(logits)?)?);
        let real_entropy = number(&bce_with_logits(real, 1.0)?)?;
        let fake_entropy = number(&bce_with_logits(fake, 0.0)?)?;
        Ok(Self {
            loss,
            d_real: probability(real)?,
            d_fake: probability(fake)?,
            value: -(real_entropy + fake_entropy),
        })
    }
}

impl Trainer {
    /// A trainer at step 0 of a run of `steps`, which the learning rate's schedule needs. Batches may have
    /// any type and device; they are converted to those of the generator's parameters.
    ///
    /// # Errors
    /// When a value of `config` is out of range, the latent dimensions of the prior and the generator
    /// differ, or `config` sets a gradient penalty and the discriminator cannot be differentiated twice.
    pub fn new(
        generator: Box<dyn Generator>,
        discriminator: Box<dyn Discriminator>,
        prior: Box<dyn LatentPrior>,
        loss: Box<dyn AdversarialLoss>,
        config: &TrainConfig,
        steps: u64,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        let regularizers = config.regularizers();
        if let Some((key, _)) = regularizers.first()
            && !discriminator.has_second_derivatives()
        {
            return Err(TrainError::NoSecondDerivatives { key });
        }
        if prior.latent_dim() != generator.latent_dim() {
            return Err(TrainError::LatentDim {
                prior: prior.latent_dim(),
                generator: generator.latent_dim(),
            });
        }
        let lr = config.lr;
        let discriminator_lr = config.discriminator_lr.unwrap_or(lr);
        let ema = config.ema_half_life_images;
        let ema = ema.map(|half_life| Ema::new(generator.parameters(), half_life));
        Ok(Self {
            ema: ema.transpose()?,
            generator_optimizer: config.optimizer_of(generator.parameters(), lr)?,
            discriminator_optimizer: config
                .optimizer_of(discriminator.parameters(), discriminator_lr)?,
            generator,
            discriminator,
            prior,
            loss,
            regularizers: regularizers.into_iter().map(|(_, r)| r).collect(),
            penalty_interval: config.penalty_interval,
            discriminator_steps: config.discriminator_steps,
            lr_schedule: config.lr_schedule,
            lr_decay: config.lr_decay(),
            steps,
            gradient_clip: config.gradient_clip,
            update_order: config.update_order,
            input_transform: InputTransform::new(config),
            weight_clip: config.weight_clip,
            fake: None,
            seed: config.seed,
            state: TrainState::default(),
        })
    }

    /// One update of the discriminator and, at every k-th step, one of the generator (Goodfellow et
    /// al., 2014, Algorithm 1). The batch has images `[n, c, h, w]` in [-1, 1].
    ///
    /// # Errors
    /// When a tensor operation fails; [`TrainError::NonFinite`].
    pub fn step(&mut self, batch: &ImageBatch) -> Result<StepReport, TrainError> {
        let parameters = self.generator.parameters();
        let images = batch.images.to_device(parameters.device())?;
        let real = Real {
            images: images.to_dtype(parameters.dtype())?,
            labels: batch.labels.as_ref(),
        };
        let generated = self.generate(&real)?;
        let fake = &generated.outputs[0];
        let (seed, step) = (self.drawing_seed(), self.state.step);
        let images = [&real.images, fake];
        let inputs = self.input_transform.apply(images, seed, step)?;
        let pass = self.record_discriminator(&inputs, &real)?;
        self.check_logits(&pass, fake)?;
        let (generator_loss, figures) = match self.update_order {
            // Neither update needs the other's result, so one pass serves both.
            UpdateOrder::GeneratorFirst => {
                let loss = self.update_generator(&generated, &inputs, &pass)?;
                (loss, self.update_discriminator(&inputs, &pass)?)
            }
            UpdateOrder::DiscriminatorFirst => {
                let figures = self.update_discriminator(&inputs, &pass)?;
                let [real_images, fake_images] = &inputs.images;
                let both = [real_images, fake_images];
                let pass = self.discriminator.record(&both, real.labels)?;
                let loss = self.update_generator(&generated, &inputs, &pass)?;
                (loss, figures)
            }
        };
        let images = real.images.dim(0)?;
        self.state.step += 1;
        self.state.images_seen += images as u64;
        if let Some(ema) = &mut self.ema {
            ema.update(images)?;
        }
        self.fake = Some(fake.clone());
        Ok(StepReport {
            step,
            images_seen: self.state.images_seen,
            discriminator_loss: figures.loss,
            generator_loss,
            d_real: figures.d_real,
            d_fake: figures.d_fake,
            value: figures.value,
        })
    }

    /// The generator with its current weights. Other threads sample from
    /// [`averaged_generator`](Self::averaged_generator).
    pub fn generator(&self) -> &dyn Generator {
        self.generator.as_ref()
    }

    /// The generator to save and to sample from: a copy that training no longer changes, with the averaged
    /// weights if there are averages, else with the current ones.
    ///
    /// Other threads may sample from it, as an `Arc<dyn Generator>`, while training goes on, in the same pool or
    /// another; neither changes a byte of the other's results.
    ///
    /// # Errors
    /// When the tensors cannot be copied.
    pub fn averaged_generator(&self) -> TensorResult<Box<dyn Generator>> {
        let generator = self.generator.copy()?;
        if let Some(ema) = &self.ema {
            ema.copy_into(generator.parameters())?;
        }
        Ok(generator)
    }

    /// The discriminator with its current weights.
    pub fn discriminator(&self) -> &dyn Discriminator {
        self.discriminator.as_ref()
    }

    /// The generated images of the last [`step`](Self::step), `[n, c, h, w]` in [-1, 1], drawn in training mode;
    /// `None` before the first.
    pub fn fake(&self) -> Option<&Tensor> {
        self.fake.as_ref()
    }

    /// The run's progress.
    pub fn state(&self) -> TrainState {
        self.state
    }

    /// Sets the number of rollbacks, and with it the seed of the steps to come.
    pub fn set_rollbacks(&mut self, rollbacks: u32) {
        self.state.rollbacks = rollbacks;
    }

    /// The seed of the steps' random numbers.
    fn drawing_seed(&self) -> Seed {
        self.seed.after_rollbacks(self.state.rollbacks)
    }

    /// Ends the training and gives the generator that [`averaged_generator`](Self::averaged_generator) copies.
    ///
    /// # Errors
    /// When the averages cannot be copied.
    pub fn into_generator(self) -> TensorResult<Box<dyn Generator>> {
        if let Some(ema) = &self.ema {
            ema.copy_into(self.generator.parameters())?;
        }
        Ok(self.generator)
    }

    /// As many generated images as real ones, from the step's own latent vectors.
    fn generate(&self, real: &Real<'_>) -> TensorResult<Recorded> {
        let mut rng = self
            .drawing_seed()
            .rng(Purpose::TrainingLatents, self.state.step);
        let z = self.prior.sample(real.images.dim(0)?, &mut rng)?;
        let z = z.to_dtype(real.images.dtype())?;
        let z = z.to_device(real.images.device())?;
        self.generator.record(&z, real.labels)
    }

    /// The discriminator's pass over real and generated images, and over images interpolated between
    /// them if a penalty of this step needs these.
    fn record_discriminator(
        &self,
        inputs: &DiscriminatorInputs,
        real: &Real<'_>,
    ) -> TensorResult<Recorded> {
        let [real_images, fake_images] = &inputs.images;
        let mut points = self
            .regularizers
            .iter()
            .map(|regularizer| regularizer.points());
        if !self.penalizes() || points.all(|points| points != Points::Interpolated) {
            let both = [real_images, fake_images];
            return self.discriminator.record(&both, real.labels);
        }
        let mut rng = self
            .drawing_seed()
            .rng(Purpose::Interpolation, self.state.step);
        let shares: Vec<f64> = (0..real_images.dim(0)?).map(|_| rng.random()).collect();
        let shares = Tensor::new(shares, real_images.device())?.to_dtype(real_images.dtype())?;
        let shares = shares.reshape(((), 1, 1, 1))?;
        let toward = (real_images - fake_images)?.broadcast_mul(&shares)?;
        let interpolated = (fake_images + toward)?;
        let all = [real_images, fake_images, &interpolated];
        self.discriminator.record(&all, real.labels)
    }

    /// The factor of this step's learning rates.
    fn lr_factor(&self) -> f64 {
        self.lr_factor_at(self.state.step)
    }

    pub(crate) fn lr_factor_at(&self, step: u64) -> f64 {
        self.lr_schedule.factor(step, self.steps, self.lr_decay)
    }

    /// Whether the penalties are applied in this step.
    fn penalizes(&self) -> bool {
        !self.regularizers.is_empty() && self.state.step.is_multiple_of(self.penalty_interval)
    }

    /// Clamps the discriminator's weights, if weight clipping is set.
    fn clip_weights(&self) -> TensorResult<()> {
        if let Some(clip) = self.weight_clip {
            for parameter in self.discriminator.parameters().trainable() {
                let clamped = parameter.var.as_tensor().clamp(-clip, clip)?;
                parameter.var.set(&clamped)?;
            }
        }
        Ok(())
    }

    /// The generator's loss, and its update if this is one of its steps.
    fn update_generator(
        &mut self,
        generated: &Recorded,
        inputs: &DiscriminatorInputs,
        pass: &Recorded,
    ) -> Result<f64, TrainError> {
        let fake = Var::from_tensor(&pass.outputs[FAKE])?;
        let loss = self.loss.generator(&pass.outputs[REAL], &fake)?;
        let value = number(&loss)?;
        self.check(value.is_finite(), "generator's loss")?;
        if (self.state.step + 1).is_multiple_of(self.discriminator_steps) {
            let slope = slope(&loss.backward()?, &fake)?;
            let input_gradient = pass.tape.input_gradient(FAKE, &slope)?;
            let image_gradient = inputs.image_gradient(FAKE, input_gradient)?;
            let factor = self.lr_factor();
            let tape = &generated.tape;
            let optimizer = &mut self.generator_optimizer;
            let not_finite = optimizer.descend(factor, self.gradient_clip, |visit| {
                tape.parameter_gradients(&[image_gradient], visit)
            })?;
            self.check_moved("generator's", not_finite)?;
        }
        Ok(value)
    }

    fn update_discriminator(
        &mut self,
        inputs: &DiscriminatorInputs,
        pass: &Recorded,
    ) -> Result<DiscriminatorFigures, TrainError> {
        let real = Var::from_tensor(&pass.outputs[REAL])?;
        let fake = Var::from_tensor(&pass.outputs[FAKE])?;
        let loss = self.loss.discriminator(&real, &fake)?;
        let value = number(&loss)?;
        self.check(value.is_finite(), "discriminator's loss")?;
        let slopes = loss.backward()?;
        let mut slopes = vec![slope(&slopes, &real)?, slope(&slopes, &fake)?];
        if let Some(between) = pass.outputs.get(INTERPOLATED) {
            slopes.push(between.zeros_like()?);
        }
        let factor = self.lr_factor();
        let directions = self
            .penalizes()
            .then(|| self.penalty_directions(pass, &inputs.images[REAL]));
        let directions = directions.transpose()?;
        let tape = &pass.tape;
        let optimizer = &mut self.discriminator_optimizer;
        let clip = self.gradient_clip;
        let not_finite = optimizer.descend(factor, clip, |visit| match &directions {
            Some(directions) => tape.penalized_parameter_gradients(&slopes, directions, visit),
            None => tape.parameter_gradients(&slopes, visit),
        })?;
        self.check_moved("discriminator's", not_finite)?;
        self.clip_weights()?;
        Ok(DiscriminatorFigures::new(
            value,
            &pass.outputs[REAL],
            &pass.outputs[FAKE],
        )?)
    }

    /// For each batch of the pass, the derivative of its penalties with respect to the gradients of its
    /// logits, of the shape of `images` `[n, c, h, w]`; zeros if it has no penalty.
    fn penalty_directions(&self, pass: &Recorded, images: &Tensor) -> TensorResult<Vec<Tensor>> {
        let mut directions = vec![images.zeros_like()?; pass.outputs.len()];
        for regularizer in &self.regularizers {
            let batch = match regularizer.points() {
                Points::Real => REAL,
                Points::Fake => FAKE,
                Points::Interpolated => INTERPOLATED,
            };
            let ones = pass.outputs[batch].ones_like()?;
            let gradients = pass.tape.input_gradient(batch, &ones)?;
            let (_, derivative) = regularizer.penalty(&gradients)?;
            let derivative = (derivative * self.penalty_interval as f64)?;
            directions[batch] = (&directions[batch] + derivative)?;
        }
        Ok(directions)
    }

    /// All weights are finite when a step begins, so the generated images are the first that may not be,
    /// and the logits show it.
    fn check_logits(&self, pass: &Recorded, fake: &Tensor) -> Result<(), TrainError> {
        for (logits, images) in pass
            .outputs
            .iter()
            .zip(["real", "generated", "interpolated"])
        {
            if !is_finite(logits)? {
                self.check(is_finite(fake)?, "batch of generated images")?;
                self.check(false, &format!("discriminator's logits of {images} images"))?;
            }
        }
        Ok(())
    }

    fn check_moved(&self, whose: &str, not_finite: Option<String>) -> Result<(), TrainError> {
        match not_finite {
            Some(name) => self.check(false, &format!("{whose} {name}")),
            None => Ok(()),
        }
    }

    fn check(&self, finite: bool, tensor: &str) -> Result<(), TrainError> {
        if finite {
            return Ok(());
        }
        Err(TrainError::NonFinite {
            step: self.state.step,
            tensor: tensor.to_string(),
        })
    }
}

/// A loss's gradient with respect to logits; zeros if it does not depend on them.
fn slope(gradients: &GradStore, logits: &Var) -> TensorResult<Tensor> {
    match gradients.get(logits) {
        Some(slope) => Ok(slope.clone()),
        None => logits.zeros_like(),
    }
}

fn number(scalar: &Tensor) -> TensorResult<f64> {
    scalar.to_dtype(DType::F64)?.to_scalar()
}
