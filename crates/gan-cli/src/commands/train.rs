//! `gan-cli train`: data set → trained generator.

use super::{by_name, program};
use crate::config::RunConfig;
use crate::console::Console;
use crate::data_arguments::DataArguments;
use crate::device::device;
use crate::exit::WrongUse;
use crate::observers::{
    CheckpointObserver, CheckpointWriter, GridObserver, LogObserver, ScatterObserver, Schedule,
    ScoreObserver,
};
use crate::run_folder::RunFolder;
use anyhow::{Context, Result};
use candle_core::DType;
use gan_core::{Seed, StandardNormalPrior};
use gan_data::{DataLoader, Split};
use gan_models::{Architecture, DiscriminatorNorm};
use gan_sample::PixelRange;
use gan_train::{Augmentation, LossKind, LrSchedule, Observer, TrainError, Trainer, UpdateOrder};
use std::path::PathBuf;
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct TrainArguments {
    /// Begin from this recipe; `recipes` lists them [default: tutorial]
    #[arg(long, value_name = "NAME")]
    recipe: Option<String>,
    /// Read the configuration from this TOML file, over the recipe; flags override it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    /// Mirror training images left to right every other time
    #[arg(long)]
    mirror: bool,
    /// Run folder to write [default: the next free runs/NAME-001]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace a run that the folder holds
    #[arg(long)]
    force: bool,
    /// Passes over the data set [default: 200]
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// Stop after N steps, if that is before the last epoch's end
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Images a step [default: 128]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Adam's learning rate [default: 0.0002]
    #[arg(long, allow_negative_numbers = true)]
    lr: Option<f64>,
    /// Another learning rate for the discriminator [default: --lr]
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    discriminator_lr: Option<f64>,
    /// Adam's decay of the first moment [default: 0.5]
    #[arg(long, allow_negative_numbers = true)]
    beta1: Option<f64>,
    /// Adam's decay of the second moment [default: 0.999]
    #[arg(long, allow_negative_numbers = true)]
    beta2: Option<f64>,
    /// mlp, dcgan, residual or maxout [default: mlp]
    #[arg(long, value_parser = by_name::<Architecture>)]
    architecture: Option<Architecture>,
    /// Channels of a convolutional network's widest images [default: 64]
    #[arg(long, value_name = "N")]
    width: Option<usize>,
    /// none, batch or spectral, for dcgan's discriminator [default: none]
    #[arg(long, value_parser = by_name::<DiscriminatorNorm>)]
    discriminator_norm: Option<DiscriminatorNorm>,
    /// Tell both networks the class, one of N, as the data set's labels say [default: do not]
    #[arg(long, value_name = "N")]
    classes: Option<usize>,
    /// Width of a latent vector [default: 100]
    #[arg(long, value_name = "N")]
    latent_dim: Option<usize>,
    /// non-saturating, minimax, least-squares, wasserstein, hinge or relativistic-pairing [default:
    /// non-saturating]
    #[arg(long, value_parser = by_name::<LossKind>)]
    loss: Option<LossKind>,
    /// Label real images 1 less this, for losses with labels; 0.1 is usual [default: 0]
    #[arg(long, value_name = "S")]
    label_smoothing: Option<f64>,
    /// Gaussian noise of this deviation on all that the discriminator is shown [default: 0]
    #[arg(long, value_name = "SIGMA")]
    instance_noise: Option<f64>,
    /// Clamp the discriminator's weights to [-C, C] after each step; wasserstein needs it [default: none]
    #[arg(long, value_name = "C")]
    weight_clip: Option<f64>,
    /// R1, a penalty of this weight on the discriminator's gradient at real images [default: 0]
    #[arg(long, value_name = "GAMMA", allow_negative_numbers = true)]
    r1: Option<f64>,
    /// R2, the same at generated images [default: 0]
    #[arg(long, value_name = "GAMMA", allow_negative_numbers = true)]
    r2: Option<f64>,
    /// WGAN-GP's penalty of this weight between the two; 10 is usual [default: 0]
    #[arg(long, value_name = "LAMBDA", allow_negative_numbers = true)]
    gradient_penalty: Option<f64>,
    /// Apply the penalties every N steps, N times as strong [default: 1]
    #[arg(long, value_name = "N")]
    penalty_interval: Option<u64>,
    /// Move the generator every N steps [default: 1]
    #[arg(long, value_name = "N")]
    discriminator_steps: Option<u64>,
    /// constant, linear or cosine, from the learning rate to 0 [default: constant]
    #[arg(long, value_parser = by_name::<LrSchedule>)]
    lr_schedule: Option<LrSchedule>,
    /// Shorten each player's gradient to this norm [default: none]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true)]
    gradient_clip: Option<f64>,
    /// Change all that the discriminator is shown, by brightness, translation, cutout [default: none]
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = by_name::<Augmentation>)]
    augment: Option<Vec<Augmentation>>,
    /// Keep an average of the generator in which N images ago counts half, and sample from it [default: none]
    #[arg(long, value_name = "N")]
    ema_half_life_images: Option<f64>,
    /// generator-first (the tutorial's) or discriminator-first (the paper's) [default: generator-first]
    #[arg(long, value_parser = by_name::<UpdateOrder>)]
    update_order: Option<UpdateOrder>,
    /// Where every random number comes from [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Steps between sample grids [default: 2000]
    #[arg(long, value_name = "N")]
    sample_every: Option<u64>,
    /// Steps between log lines [default: 100]
    #[arg(long, value_name = "N")]
    log_every: Option<u64>,
    /// Steps between scores of 10,000 images, which take seconds each [default: none]
    #[arg(long, value_name = "N")]
    evaluate_every: Option<u64>,
    /// Brightness of grids: fixed maps [-1, 1], min-max stretches as the tutorial [default: fixed]
    #[arg(long, value_parser = by_name::<PixelRange>)]
    pixel_range: Option<PixelRange>,
    /// cpu, cuda or cuda:N [default: cpu]
    #[arg(long)]
    device: Option<String>,
    /// Check everything and print the configuration, but train nothing and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(arguments: &TrainArguments, console: &Console) -> Result<()> {
    let config = arguments.effective_config()?;
    config.validate()?;
    let out = arguments.run_folder(&config);
    RunFolder::check_free(&out, arguments.force)?;

    let loader = open_data(&config, console)?;
    check_batches(&config, &loader)?;
    check_classes(&config, &loader)?;
    let schedule = Schedule::new(&config.train, loader.steps_per_epoch() as u64);
    let mut trainer = build_trainer(&config, &loader, schedule.steps)?;
    describe(&config, &loader, &trainer, schedule, console)?;
    if arguments.dry_run {
        console.line(format!("Dry run: nothing was written to {}", out.display()));
        return Ok(());
    }

    let evaluate_every = config.output.evaluate_every;
    let reference = evaluate_every
        .map(|_| ScoreObserver::prepare(&config))
        .transpose()?;
    let run = RunFolder::create(&out, arguments.force)?;
    std::fs::write(run.config(), config.to_toml()?)
        .with_context(|| format!("{}: cannot be written", run.config().display()))?;
    let (every, data) = (config.output.log_every, loader.dataset());
    let mut log = LogObserver::new(&run.metrics(), schedule, every, data, console)?;
    let mut pictures: Box<dyn Observer> = if config.data.toy().is_some() {
        let every = config.output.sample_every;
        Box::new(ScatterObserver::new(run.samples(), every, data)?)
    } else {
        Box::new(GridObserver::new(run.samples(), &config.output))
    };
    let writer = CheckpointWriter::new(run.clone(), config.clone())?;
    let mut checkpoints = CheckpointObserver::new(writer.clone(), schedule);
    let mut scores = None;
    if let Some((data, every)) = reference.zip(evaluate_every) {
        scores = Some(ScoreObserver::new(
            data,
            writer,
            schedule,
            every,
            config.data.is_stacked(),
            &run,
            console,
        )?);
    }
    let epochs = (0..config.train.epochs).flat_map(|epoch| loader.epoch(epoch));
    let batches = epochs.take(usize::try_from(schedule.steps).unwrap_or(usize::MAX));
    let mut observers: Vec<&mut dyn Observer> = vec![&mut *pictures, &mut checkpoints, &mut log];
    observers.extend(scores.as_mut().map(|scores| scores as &mut dyn Observer));
    if let Err(error) = trainer.run(batches, &mut observers) {
        return Err(stopped(error, &mut log, &checkpoints, &run));
    }

    console.line(format!(
        "{}, all in {}:",
        log.summary(),
        run.path().display()
    ));
    console.line("  generator.safetensors  the trained generator");
    console.line("  samples/               a grid of generated digits, named by the step");
    console.line("  metrics.jsonl          losses, D(x), D(G(z)), V by step");
    if scores.is_some() {
        console
            .line("  scores.jsonl           the scores by step; the best is in checkpoints/ too");
    }
    console.line("  checkpoints/           all that training would need to go on");
    console.line("  config.toml            this run's configuration");
    for command in ["sample", "evaluate"] {
        let (program, run) = (program(), run.path().display());
        console.line(format!("Next: {program} {command} {run}"));
    }
    Ok(())
}

impl TrainArguments {
    /// Defaults ← recipe ← file ← flags.
    fn effective_config(&self) -> Result<RunConfig> {
        let mut config = RunConfig::layered(self.recipe.as_deref(), self.config.as_deref())?;
        let train = &mut config.train;
        set(&mut train.epochs, self.epochs);
        set(&mut train.steps, self.steps.map(Some));
        set(&mut train.batch_size, self.batch_size);
        set(&mut train.lr, self.lr);
        set(&mut train.discriminator_lr, self.discriminator_lr.map(Some));
        set(&mut train.beta1, self.beta1);
        set(&mut train.beta2, self.beta2);
        set(&mut train.loss, self.loss);
        set(&mut train.label_smoothing, self.label_smoothing);
        set(&mut train.instance_noise, self.instance_noise);
        set(&mut train.weight_clip, self.weight_clip.map(Some));
        set(&mut train.r1, self.r1);
        set(&mut train.r2, self.r2);
        set(&mut train.gradient_penalty, self.gradient_penalty);
        set(&mut train.penalty_interval, self.penalty_interval);
        set(&mut train.discriminator_steps, self.discriminator_steps);
        set(&mut train.lr_schedule, self.lr_schedule);
        set(&mut train.gradient_clip, self.gradient_clip.map(Some));
        set(&mut train.augmentations, self.augment.clone());
        set(
            &mut train.ema_half_life_images,
            self.ema_half_life_images.map(Some),
        );
        set(&mut train.update_order, self.update_order);
        set(&mut train.seed, self.seed.map(Seed));
        let model = &mut config.model;
        set(&mut model.architecture, self.architecture);
        set(&mut model.width, self.width);
        set(&mut model.discriminator_norm, self.discriminator_norm);
        set(&mut model.classes, self.classes.map(Some));
        set(&mut model.latent_dim, self.latent_dim);
        config.data = self.data.over(config.data);
        config.data.mirror |= self.mirror;
        set(&mut config.output.sample_every, self.sample_every);
        set(&mut config.output.log_every, self.log_every);
        set(
            &mut config.output.evaluate_every,
            self.evaluate_every.map(Some),
        );
        set(&mut config.output.pixel_range, self.pixel_range);
        set(&mut config.device, self.device.clone());
        Ok(config)
    }

    fn run_folder(&self, config: &RunConfig) -> PathBuf {
        self.out.clone().unwrap_or_else(|| {
            let name = config.data.path.file_name();
            let name = name.map_or("run".into(), |name| name.to_string_lossy());
            RunFolder::next_free(&name)
        })
    }
}

fn set<T>(value: &mut T, flag: Option<T>) {
    if let Some(flag) = flag {
        *value = flag;
    }
}

fn open_data(config: &RunConfig, console: &Console) -> Result<DataLoader> {
    let begin = Instant::now();
    let data = config.data.open(Split::Train)?;
    let seconds = begin.elapsed().as_secs_f64();
    console.line(format!(
        "{}: {} images {} loaded in {seconds:.2} s",
        config.data.path.display(),
        data.len(),
        data.shape(),
    ));
    let train = &config.train;
    let cpu = candle_core::Device::Cpu;
    let loader = DataLoader::new(data, train.batch_size, train.seed, DType::F32, &cpu)?;
    Ok(if config.data.mirror {
        loader.mirroring()
    } else {
        loader
    })
}

/// Batch normalization cannot train on a batch of one.
fn check_batches(config: &RunConfig, loader: &DataLoader) -> Result<()> {
    if loader.last_batch_size() > 1 || !config.model.needs_two_images_a_batch() {
        return Ok(());
    }
    let (size, images) = (loader.batch_size(), loader.dataset().len());
    let found = if size == 1 {
        "train.batch_size is 1".to_string()
    } else {
        format!("{images} images in batches of {size} leave a last batch of 1")
    };
    Err(WrongUse(format!(
        "{found}, expected at least 2 images: batch normalization has no variance over one; \
         choose another --batch-size"
    ))
    .into())
}

/// Class-conditional networks learn from labels.
fn check_classes(config: &RunConfig, loader: &DataLoader) -> Result<()> {
    let data = loader.dataset();
    let found = data.labels().map(|_| data.class_count());
    match (config.model.classes, found) {
        (None, _) => Ok(()),
        (Some(classes), Some(found)) if found <= classes => Ok(()),
        (Some(classes), found) => Err(WrongUse(format!(
            "{}: {}, expected labels of model.classes = {classes} classes",
            config.data.path.display(),
            found.map_or("no labels".to_string(), |n| format!(
                "labels of {n} classes"
            )),
        ))
        .into()),
    }
}

fn build_trainer(config: &RunConfig, loader: &DataLoader, steps: u64) -> Result<Trainer> {
    let (seed, device) = (config.train.seed, device(&config.device)?);
    let shape = loader.dataset().shape();
    let generator = config.model.generator(shape, seed, DType::F32, &device)?;
    let discriminator = config
        .model
        .discriminator(shape, seed, DType::F32, &device)?;
    let prior = Box::new(StandardNormalPrior::new(config.model.latent_dim));
    let loss = config.train.adversarial_loss();
    Ok(Trainer::new(
        generator,
        discriminator,
        prior,
        loss,
        &config.train,
        steps,
    )?)
}

/// The error of a run that stopped, with what is kept of it where it diverged.
fn stopped(
    error: TrainError,
    log: &mut LogObserver,
    checkpoints: &CheckpointObserver,
    run: &RunFolder,
) -> anyhow::Error {
    let Some(step) = diverged_at(&error) else {
        return error.into();
    };
    if let Err(error) = log.diverged(step) {
        tracing::warn!(%error, "the log's last line");
    }
    let kept = match checkpoints.steps_kept() {
        Some(steps) => format!("the checkpoint of step {steps} is kept"),
        None => "there was no checkpoint yet".to_string(),
    };
    let context = format!("{}: {kept}", run.path().display());
    anyhow::Error::from(error).context(context)
}

/// The step that found a number that is not finite, itself or when it was to be kept.
fn diverged_at(error: &TrainError) -> Option<u64> {
    match error {
        TrainError::NonFinite { step, .. } => Some(*step),
        TrainError::Observer(cause) => cause.downcast_ref().and_then(diverged_at),
        _ => None,
    }
}

/// The effective configuration and what it amounts to.
fn describe(
    config: &RunConfig,
    loader: &DataLoader,
    trainer: &Trainer,
    schedule: Schedule,
    console: &Console,
) -> Result<()> {
    console.line(format!("\n{}", config.to_toml()?));
    console.line(format!(
        "{} steps, {} an epoch, last batch {}; generator {} and discriminator {} parameters; seed {}",
        schedule.steps,
        schedule.steps_per_epoch,
        loader.last_batch_size(),
        trainer.generator().parameters().trainable_count(),
        trainer.discriminator().parameters().trainable_count(),
        config.train.seed,
    ));
    Ok(())
}
