//! The training step and the loop around it.

use crate::{Adam, Ema, Observer, StepReport, TrainConfig, TrainError, UpdateOrder};
use candle_core::backprop::GradStore;
use candle_core::{DType, Result as TensorResult, Tensor, Var};
use gan_core::{
    AdversarialLoss, Discriminator, Generator, ImageBatch, LatentPrior, Purpose, Recorded, Seed,
    StandardNormalPrior,
};
use gan_ops::bce_with_logits;

/// Two players, their optimizers and how far they have come.
pub struct Trainer {
    pub(crate) generator: Box<dyn Generator>,
    pub(crate) discriminator: Box<dyn Discriminator>,
    pub(crate) generator_optimizer: Adam,
    pub(crate) discriminator_optimizer: Adam,
    pub(crate) ema: Option<Ema>,
    pub(crate) state: TrainState,
    pub(crate) seed: Seed,
    prior: Box<dyn LatentPrior>,
    loss: Box<dyn AdversarialLoss>,
    update_order: UpdateOrder,
    instance_noise: f64,
    weight_clip: Option<f64>,
}

/// How far a run has come. With the seed it determines every random number still to be drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TrainState {
    /// Steps done.
    pub step: u64,
    /// Real images seen.
    pub images_seen: u64,
}

/// The batches that the discriminator judges.
const REAL: usize = 0;
const FAKE: usize = 1;

/// A batch as the step needs it.
struct Real<'a> {
    images: Tensor,
    labels: Option<&'a Tensor>,
}

/// What the discriminator made of a step's images, before it moved.
struct Judged {
    loss: f64,
    d_real: f64,
    d_fake: f64,
    value: f64,
}

impl Judged {
    fn new(loss: f64, real: &Tensor, fake: &Tensor) -> TensorResult<Self> {
        let probability = |logits| number(&candle_nn::ops::sigmoid(logits)?.mean_all()?);
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
    /// A trainer at step 0. Batches may come in any type and on any device; they are moved to
    /// those of the generator's parameters.
    ///
    /// # Errors
    /// When a value of `config` is out of range, or the prior and the generator disagree.
    pub fn new(
        generator: Box<dyn Generator>,
        discriminator: Box<dyn Discriminator>,
        prior: Box<dyn LatentPrior>,
        loss: Box<dyn AdversarialLoss>,
        config: &TrainConfig,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        if prior.latent_dim() != generator.latent_dim() {
            return Err(TrainError::LatentDim {
                prior: prior.latent_dim(),
                generator: generator.latent_dim(),
            });
        }
        let ema = config.ema_half_life_images;
        let ema = ema.map(|half_life| Ema::new(generator.parameters(), half_life));
        Ok(Self {
            ema: ema.transpose()?,
            generator_optimizer: Adam::new(generator.parameters(), config.lr, config)?,
            discriminator_optimizer: Adam::new(
                discriminator.parameters(),
                config.discriminator_lr.unwrap_or(config.lr),
                config,
            )?,
            generator,
            discriminator,
            prior,
            loss,
            update_order: config.update_order,
            instance_noise: config.instance_noise,
            weight_clip: config.weight_clip,
            seed: config.seed,
            state: TrainState::default(),
        })
    }

    /// Trains on each batch in turn and shows every report to the observers.
    ///
    /// # Errors
    /// Stops at the first failure of a batch, a step or an observer.
    pub fn run(
        &mut self,
        batches: impl IntoIterator<Item = TensorResult<ImageBatch>>,
        observers: &mut [&mut dyn Observer],
    ) -> Result<(), TrainError> {
        for batch in batches {
            let report = self.step(&batch?)?;
            for observer in observers.iter_mut() {
                observer
                    .on_step(self, &report)
                    .map_err(TrainError::Observer)?;
            }
        }
        for observer in observers.iter_mut() {
            observer.on_end(self).map_err(TrainError::Observer)?;
        }
        Ok(())
    }

    /// One update of each player (Goodfellow et al., 2014, Algorithm 1 with k = 1).
    ///
    /// # Errors
    /// When a tensor operation fails or a loss is not finite.
    pub fn step(&mut self, batch: &ImageBatch) -> Result<StepReport, TrainError> {
        let parameters = self.generator.parameters();
        let images = batch.images.to_device(parameters.device())?;
        let real = Real {
            images: images.to_dtype(parameters.dtype())?,
            labels: batch.labels.as_ref(),
        };
        let generated = self.generate(&real)?;
        let fake = &generated.outputs[0];
        let [shown_real, shown_fake] = self.show([&real.images, fake])?;
        let shown = [&shown_real, &shown_fake];
        let judged = self.discriminator.record(&shown, real.labels)?;
        let (generator_loss, judged) = match self.update_order {
            // Neither update needs the other's result, so one judgement serves both.
            UpdateOrder::GeneratorFirst => {
                let loss = self.update_generator(&generated, &judged)?;
                (loss, self.update_discriminator(&judged)?)
            }
            UpdateOrder::DiscriminatorFirst => {
                let before = self.update_discriminator(&judged)?;
                let judged = self.discriminator.record(&shown, real.labels)?;
                (self.update_generator(&generated, &judged)?, before)
            }
        };
        self.check_finite("discriminator's loss", judged.loss)?;
        self.check_finite("generator's loss", generator_loss)?;
        let (step, images) = (self.state.step, real.images.dim(0)?);
        self.state.step += 1;
        self.state.images_seen += images as u64;
        if let Some(ema) = &mut self.ema {
            ema.update(images)?;
        }
        Ok(StepReport {
            step,
            images_seen: self.state.images_seen,
            discriminator_loss: judged.loss,
            generator_loss,
            d_real: judged.d_real,
            d_fake: judged.d_fake,
            value: judged.value,
            fake: fake.clone(),
        })
    }

    /// The generator, as far as it is trained.
    pub fn generator(&self) -> &dyn Generator {
        self.generator.as_ref()
    }

    /// Calls `f` with the generator that is to be kept and looked at: the averaged one, where an
    /// average is kept, else the one that is trained. Training is not affected.
    ///
    /// # Errors
    /// When the weights cannot be exchanged.
    pub fn with_averaged_generator<T>(
        &self,
        f: impl FnOnce(&dyn Generator) -> T,
    ) -> TensorResult<T> {
        match &self.ema {
            Some(ema) => ema.with_averages(|| f(self.generator())),
            None => Ok(f(self.generator())),
        }
    }

    /// The discriminator, as far as it is trained.
    pub fn discriminator(&self) -> &dyn Discriminator {
        self.discriminator.as_ref()
    }

    /// How far the run has come.
    pub fn state(&self) -> TrainState {
        self.state
    }

    /// The generator, when training is over.
    pub fn into_generator(self) -> Box<dyn Generator> {
        self.generator
    }

    /// As many images as there are real ones, from this step's own noise.
    fn generate(&self, real: &Real<'_>) -> TensorResult<Recorded> {
        let mut rng = self.seed.rng(Purpose::TrainingLatents, self.state.step);
        let z = self.prior.sample(real.images.dim(0)?, &mut rng)?;
        let z = z.to_dtype(real.images.dtype())?;
        let z = z.to_device(real.images.device())?;
        self.generator.record(&z, real.labels)
    }

    /// The images as the discriminator sees them: with instance noise, where there is any, from this
    /// step's own numbers. A gradient by them is the gradient by the images.
    fn show(&self, images: [&Tensor; 2]) -> TensorResult<[Tensor; 2]> {
        if self.instance_noise == 0.0 {
            return Ok(images.map(Tensor::clone));
        }
        let mut rng = self.seed.rng(Purpose::InstanceNoise, self.state.step);
        let mut noisy = |images: &Tensor| {
            let values = images.elem_count() / images.dim(0)?;
            let noise = StandardNormalPrior::new(values).sample(images.dim(0)?, &mut rng)?;
            let noise = noise.to_dtype(images.dtype())?.to_device(images.device())?;
            images + (noise.reshape(images.shape())? * self.instance_noise)?
        };
        Ok([noisy(images[REAL])?, noisy(images[FAKE])?])
    }

    /// Clamps the discriminator's weights, where that is asked for.
    fn clip_weights(&self) -> TensorResult<()> {
        if let Some(clip) = self.weight_clip {
            for parameter in self.discriminator.parameters().trainable() {
                let clamped = parameter.var.as_tensor().clamp(-clip, clip)?;
                parameter.var.set(&clamped)?;
            }
        }
        Ok(())
    }

    fn update_generator(&mut self, generated: &Recorded, judged: &Recorded) -> TensorResult<f64> {
        let fake = Var::from_tensor(&judged.outputs[FAKE])?;
        let loss = self.loss.generator(&judged.outputs[REAL], &fake)?;
        let slope = slope(&loss.backward()?, &fake)?;
        let by_images = judged.tape.input_gradient(FAKE, &slope)?;
        let mut update = self.generator_optimizer.begin();
        let mut descend = |parameter: &Tensor, gradient: &Tensor| update.apply(parameter, gradient);
        let tape = &generated.tape;
        tape.parameter_gradients(&[by_images], &mut descend)?;
        update.finish()?;
        number(&loss)
    }

    fn update_discriminator(&mut self, judged: &Recorded) -> TensorResult<Judged> {
        let real = Var::from_tensor(&judged.outputs[REAL])?;
        let fake = Var::from_tensor(&judged.outputs[FAKE])?;
        let loss = self.loss.discriminator(&real, &fake)?;
        let slopes = loss.backward()?;
        let slopes = [slope(&slopes, &real)?, slope(&slopes, &fake)?];
        let mut update = self.discriminator_optimizer.begin();
        let mut descend = |parameter: &Tensor, gradient: &Tensor| update.apply(parameter, gradient);
        judged.tape.parameter_gradients(&slopes, &mut descend)?;
        update.finish()?;
        self.clip_weights()?;
        Judged::new(number(&loss)?, &judged.outputs[REAL], &judged.outputs[FAKE])
    }

    fn check_finite(&self, quantity: &'static str, value: f64) -> Result<(), TrainError> {
        if value.is_finite() {
            return Ok(());
        }
        Err(TrainError::NonFinite {
            step: self.state.step,
            quantity,
            value,
        })
    }
}

/// A loss's gradient by logits; zero if it does not depend on them.
fn slope(gradients: &GradStore, logits: &Var) -> TensorResult<Tensor> {
    match gradients.get(logits) {
        Some(slope) => Ok(slope.clone()),
        None => logits.zeros_like(),
    }
}

fn number(scalar: &Tensor) -> TensorResult<f64> {
    scalar.to_dtype(DType::F64)?.to_scalar()
}
