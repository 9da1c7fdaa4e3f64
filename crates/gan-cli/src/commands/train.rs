//! `gan-cli train`: data set → trained generator.

use super::by_name;
use crate::config::RunConfig;
use crate::console::Console;
use crate::data_arguments::{DataArguments, missing_data};
use crate::exit::WrongUse;
use crate::observers::ScoreObserver;
use crate::run_folder::RunFolder;
use crate::run_place::{Place, check_outside_data};
use crate::training::{Plan, SavedRun, Start, train};
use anyhow::Result;
use gan_core::Seed;
use gan_data::Parts;
use gan_models::{Architecture, ClassCount, DiscriminatorNorm};
use gan_sample::PixelRange;
use gan_train::{Augmentation, LossKind, LrSchedule, OnNan, UpdateOrder};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct TrainArguments {
    /// Start from this recipe; `gan-cli recipes` lists them [default: tutorial]
    #[arg(long, value_name = "NAME")]
    recipe: Option<String>,
    /// Read the configuration from this TOML file. It overrides the recipe; flags override it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    /// Mirror each training image left to right with probability 1/2
    #[arg(long)]
    mirror: bool,
    /// Run folder to write [default: the next free runs/NAME-001]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the run in that folder, but no other files in it
    #[arg(long)]
    force: bool,
    /// Resume a run that was stopped; the result is the same to the byte as without the stop
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "config", "out", "force", "dry_run"])]
    resume: Option<PathBuf>,
    /// With --resume: accept another configuration or data set, which changes the results
    #[arg(long, requires = "resume")]
    allow_change: bool,
    /// Passes over the training images [default: 200]
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,
    /// Train for N steps, whatever the number of epochs
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Images per step [default: 128]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Adam's learning rate [default: 0.0002]
    #[arg(long, allow_negative_numbers = true)]
    lr: Option<f64>,
    /// The discriminator's learning rate, if it differs [default: --lr]
    #[arg(long, value_name = "LR", allow_negative_numbers = true)]
    discriminator_lr: Option<f64>,
    /// Adam's decay of the first moment [default: 0.5]
    #[arg(long, allow_negative_numbers = true)]
    beta1: Option<f64>,
    /// Adam's decay of the second moment [default: 0.999]
    #[arg(long, allow_negative_numbers = true)]
    beta2: Option<f64>,
    /// The networks: mlp, dcgan, residual or maxout [default: mlp]
    #[arg(long, value_parser = by_name::<Architecture>)]
    architecture: Option<Architecture>,
    /// Channels of a convolutional network's largest feature maps [default: 64]
    #[arg(long, value_name = "N")]
    width: Option<usize>,
    /// Normalization in dcgan's discriminator: none, batch or spectral [default: none]
    #[arg(long, value_parser = by_name::<DiscriminatorNorm>)]
    discriminator_norm: Option<DiscriminatorNorm>,
    /// Condition both networks on the class, one of N, by the data set's labels; auto takes N from the
    /// data set [default: do not]
    #[arg(long, value_name = "N|auto")]
    classes: Option<ClassCount>,
    /// Length of a latent vector [default: 100]
    #[arg(long, value_name = "N")]
    latent_dim: Option<usize>,
    /// The loss: non-saturating, minimax, least-squares, wasserstein, hinge or relativistic-pairing
    /// [default: non-saturating]
    #[arg(long, value_parser = by_name::<LossKind>)]
    loss: Option<LossKind>,
    /// Label real images 1 - S instead of 1, in losses with labels; 0.1 is usual [default: 0]
    #[arg(long, value_name = "S")]
    label_smoothing: Option<f64>,
    /// Add Gaussian noise of this standard deviation to the discriminator's input [default: 0]
    #[arg(long, value_name = "SIGMA")]
    instance_noise: Option<f64>,
    /// Clamp the discriminator's weights to [-C, C] after each step; wasserstein needs it [default: none]
    #[arg(long, value_name = "C")]
    weight_clip: Option<f64>,
    /// Weight of R1, a penalty on the discriminator's gradient at real images [default: 0]
    #[arg(long, value_name = "GAMMA", allow_negative_numbers = true)]
    r1: Option<f64>,
    /// Weight of R2, the same penalty at generated images [default: 0]
    #[arg(long, value_name = "GAMMA", allow_negative_numbers = true)]
    r2: Option<f64>,
    /// Weight of WGAN-GP's gradient penalty, between real and generated images; 10 is usual [default: 0]
    #[arg(long, value_name = "LAMBDA", allow_negative_numbers = true)]
    gradient_penalty: Option<f64>,
    /// Apply the penalties every N steps, at N times the weight [default: 1]
    #[arg(long, value_name = "N")]
    penalty_interval: Option<u64>,
    /// Update the generator every N discriminator steps [default: 1]
    #[arg(long, value_name = "N")]
    discriminator_steps: Option<u64>,
    /// How the learning rate falls to 0: linear or cosine; or constant [default: constant]
    #[arg(long, value_parser = by_name::<LrSchedule>)]
    lr_schedule: Option<LrSchedule>,
    /// Clip the gradient of each network to this norm [default: none]
    #[arg(long, value_name = "NORM", allow_negative_numbers = true)]
    gradient_clip: Option<f64>,
    /// Augment the images given to the discriminator (DiffAugment): brightness, translation, cutout [default: none]
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = by_name::<Augmentation>)]
    augment: Option<Vec<Augmentation>>,
    /// Average the generator's weights with a half-life of N images, and sample from the average [default: none]
    #[arg(long, value_name = "N")]
    ema_half_life_images: Option<f64>,
    /// Which network is updated first: generator-first (the tutorial) or discriminator-first (the paper) [default: generator-first]
    #[arg(long, value_parser = by_name::<UpdateOrder>)]
    update_order: Option<UpdateOrder>,
    /// Seed of all random numbers [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Steps between sample grids [default: 2000]
    #[arg(long, value_name = "N")]
    sample_every: Option<u64>,
    /// Steps between log lines [default: 100]
    #[arg(long, value_name = "N")]
    log_every: Option<u64>,
    /// Steps between evaluations on 10,000 images, of some seconds each [default: none]
    #[arg(long, value_name = "N")]
    evaluate_every: Option<u64>,
    /// Steps between checkpoints [default: a minute of work; 1000 with --on-nan rollback]
    #[arg(long, value_name = "N")]
    checkpoint_every: Option<u64>,
    /// Checkpoints to keep, besides the best [default: 2]
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// When a number is not finite: stop, or rollback to the last checkpoint and continue with
    /// another seed, at most three times [default: stop]
    #[arg(long, value_parser = by_name::<OnNan>)]
    on_nan: Option<OnNan>,
    /// Brightness of grids: fixed maps [-1, 1] to black and white; min-max stretches, as in the tutorial [default: fixed]
    #[arg(long, value_parser = by_name::<PixelRange>)]
    pixel_range: Option<PixelRange>,
    /// Device: cpu, cuda or cuda:N [default: cpu]
    #[arg(long)]
    device: Option<String>,
    /// Check everything and print the configuration; do not train or write anything
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(arguments: &TrainArguments, console: &Console) -> Result<()> {
    let console = &console.in_detail(arguments.dry_run);
    let mut saved = arguments
        .resume
        .as_deref()
        .map(SavedRun::open)
        .transpose()?;
    let config = arguments.effective_config(saved.as_ref())?;
    config.validate()?;
    let place = match &saved {
        Some(saved) => Place::Given(saved.folder.path().to_path_buf()),
        None => Place::new(arguments.out.as_deref(), &config.data),
    };
    let out = place.path();
    check_outside_data(&out, &config.data)?;
    match &saved {
        None => RunFolder::check_free(&out, arguments.force)?,
        Some(_) if config.data.is_read() && !config.data.folder().exists() => {
            return Err(missing_data(&out, &config.data).into());
        }
        Some(_) => {}
    }
    // Training does not need a published test split, but it is checked.
    let parts = if arguments.dry_run {
        Parts::All
    } else {
        Parts::Training
    };
    let plan = Plan::new(config, parts, console)?;
    if let Some(saved) = &mut saved {
        saved.check_changes(&plan, arguments.allow_change)?;
    }
    let folder = saved.as_ref().map_or(&*out, |saved| saved.folder.path());
    plan.describe(&plan.trainer()?, folder, console)?;
    if arguments.dry_run {
        console.result(format!("Dry run: nothing was written to {}", out.display()));
        return Ok(());
    }
    let scores = plan.config.output.evaluate_every;
    let reference = scores.map(|_| ScoreObserver::prepare(&plan, console));
    let reference = reference.transpose()?;
    let start = match saved {
        Some(saved) => {
            saved.folder.complete()?;
            saved.start(&plan)
        }
        None => Start::of_new_run(RunFolder::create(&place, arguments.force)?, &plan),
    };
    start.run.write_config(&plan.config)?;
    if let Some(line) = start.in_words(&plan) {
        console.line(line);
    }
    console.print_in_background()?;
    train(&plan, start, reference, console)
}

impl TrainArguments {
    /// Defaults ← recipe ← file ← flags; when a run is resumed, its `config.toml` ← flags.
    fn effective_config(&self, saved: Option<&SavedRun>) -> Result<RunConfig> {
        let mut config = match saved {
            Some(saved) => saved.config.clone(),
            None => RunConfig::layered(self.recipe.as_deref(), self.config.as_deref())?,
        };
        self.check_epochs(config.train.steps)?;
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
        set(&mut train.on_nan, self.on_nan);
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
        let every = self.checkpoint_every.map(Some);
        set(&mut config.output.checkpoint_every, every);
        set(&mut config.output.keep_checkpoints, self.keep);
        set(&mut config.output.pixel_range, self.pixel_range);
        set(&mut config.device, self.device.clone());
        Ok(config)
    }

    /// Refuses epochs alone where a number of steps sets the length of the run.
    fn check_epochs(&self, steps: Option<u64>) -> Result<()> {
        match (self.epochs, self.steps, steps) {
            (Some(epochs), None, Some(steps)) => Err(WrongUse(format!(
                "--epochs {epochs}: the run is train.steps = {steps} long, as its recipe or configuration \
                 sets; give --steps instead"
            ))
            .into()),
            _ => Ok(()),
        }
    }
}

fn set<T>(value: &mut T, flag: Option<T>) {
    if let Some(flag) = flag {
        *value = flag;
    }
}
