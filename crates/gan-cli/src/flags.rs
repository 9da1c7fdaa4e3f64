//! The flags that set a key of the configuration, in one table: name, key, value and help.

use crate::spelling::quoted;
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use gan_data::Channels;
use gan_run::{DataConfig, RunConfig, RunError};
use std::path::PathBuf;

/// A flag, the key that it sets, what the help calls its value (nothing for a switch), and the help. Where the
/// help names no default, it is that of the configuration.
pub(crate) type Flag = [&'static str; 4];

/// All of them, in the order of `train --help`.
#[rustfmt::skip]
pub(crate) const FLAGS: &[Flag] = &[
    ["data", "data.path", "DIR", "A folder of IDX files in MNIST's layout, of CIFAR-10, or of images; a synthetic data set: stacked-mnist, ring, grid or swissroll (a folder of that name is ./ring); or, if built with the feature hub, hub:mnist, hub:fashion-mnist or hub:cifar10 of the Hugging Face hub [default: that of the configuration or the run, else data/mnist]"],
    ["image-size", "data.image_size", "N", "For a folder of images: crop and resize to N by N pixels"],
    ["channels", "data.channels", "CHANNELS", "For a folder of images: gray, rgb, or auto, which is gray if all images are"],
    ["held-out", "data.held_out", "SHARE", "For a data set without a test split: the share of the images to hold out from training, chosen by their contents; 0 to 0.5 [default: 0.1]"],
    ["mirror", "data.mirror", "", "Mirror each training image left to right with probability 1/2"],
    ["epochs", "train.epochs", "N", "Passes over the training images"],
    ["steps", "train.steps", "N", "Train for N steps, whatever the number of epochs"],
    ["batch-size", "train.batch_size", "N", "Images per step"],
    ["lr", "train.lr", "LR", "Adam's learning rate"],
    ["discriminator-lr", "train.discriminator_lr", "LR", "The discriminator's learning rate, if it differs [default: --lr]"],
    ["beta1", "train.beta1", "BETA1", "Adam's decay of the first moment"],
    ["beta2", "train.beta2", "BETA2", "Adam's decay of the second moment"],
    ["architecture", "model.architecture", "ARCHITECTURE", "The networks: mlp, dcgan, residual or maxout"],
    ["width", "model.width", "N", "Channels of the largest feature maps of dcgan and residual"],
    ["discriminator-norm", "model.discriminator_norm", "NORM", "Normalization in dcgan's discriminator: none, batch or spectral"],
    ["classes", "model.classes", "N|auto|none", "Condition both networks on the class, one of N, by the data set's labels; auto takes N from the data set"],
    ["latent-dim", "model.latent_dim", "N", "Length of a latent vector"],
    ["loss", "train.loss", "LOSS", "The loss: non-saturating, minimax, least-squares, wasserstein, hinge or relativistic-pairing"],
    ["label-smoothing", "train.label_smoothing", "S", "Label real images 1 - S instead of 1, in losses with labels; 0.1 is usual"],
    ["instance-noise", "train.instance_noise", "SIGMA", "Add Gaussian noise of this standard deviation to the discriminator's input"],
    ["weight-clip", "train.weight_clip", "C", "Clamp the discriminator's weights to [-C, C] after each step; wasserstein needs it"],
    ["r1", "train.r1", "GAMMA", "Weight of R1, a penalty on the discriminator's gradient at real images"],
    ["r2", "train.r2", "GAMMA", "Weight of R2, the same penalty at generated images"],
    ["gradient-penalty", "train.gradient_penalty", "LAMBDA", "Weight of WGAN-GP's gradient penalty, between real and generated images; 10 is usual"],
    ["penalty-interval", "train.penalty_interval", "N", "Apply the penalties every N steps, at N times the weight"],
    ["discriminator-steps", "train.discriminator_steps", "N", "Update the generator every N discriminator steps"],
    ["lr-schedule", "train.lr_schedule", "SCHEDULE", "How the learning rate falls to 0: linear or cosine; or constant"],
    ["gradient-clip", "train.gradient_clip", "NORM", "Clip the gradient of each network to this norm"],
    ["augment", "train.augmentations", "A,B", "Augment the images given to the discriminator (DiffAugment): brightness, translation, cutout"],
    ["ema-half-life-images", "train.ema_half_life_images", "N", "Average the generator's weights with a half-life of N images, and sample from the average"],
    ["update-order", "train.update_order", "ORDER", "Which network is updated first: generator-first (the tutorial) or discriminator-first (the paper)"],
    ["seed", "train.seed", "SEED", "Seed of all random numbers"],
    ["sample-every", "output.sample_every", "N", "Steps between sample grids"],
    ["log-every", "output.log_every", "N", "Steps between log lines"],
    ["evaluate-every", "output.evaluate_every", "N", "Steps between evaluations on 10,000 images, of some seconds each"],
    ["checkpoint-every", "output.checkpoint_every", "N", "Steps between checkpoints [default: a minute of work; 1000 with --on-nan rollback]"],
    ["keep", "output.keep_checkpoints", "N", "Checkpoints to keep, besides the best"],
    ["on-nan", "train.on_nan", "ACTION", "When a number is not finite: stop, or rollback to the last checkpoint and continue with another seed, at most three times"],
    ["pixel-range", "output.pixel_range", "RANGE", "Brightness of grids: fixed maps [-1, 1] to black and white; min-max stretches, as in the tutorial"],
    ["device", "device", "DEVICE", "Device: cpu, cuda or cuda:N"],
];

/// What the first N of [`FLAGS`] set.
#[derive(Clone, Default)]
pub(crate) struct Flags<const N: usize> {
    /// Texts by key.
    settings: Vec<(&'static str, String)>,
    /// Apart from the others, because it need not be valid text.
    data: Option<PathBuf>,
}

/// All flags of `train`.
pub(crate) type ConfigFlags = Flags<{ FLAGS.len() }>;

/// The flags that say which data are read.
pub(crate) type DataFlags = Flags<DATA_FLAGS>;

const DATA_FLAGS: usize = 4;

impl<const N: usize> Flags<N> {
    /// The configuration with what the flags set.
    pub(crate) fn over(&self, config: &RunConfig) -> Result<RunConfig, RunError> {
        let settings = self.settings.iter();
        let mut config = config.with(settings.map(|(key, text)| (*key, text.as_str())))?;
        if let Some(path) = &self.data {
            config.data.path.clone_from(path);
            config.data.found = None;
        }
        Ok(config)
    }

    /// The data set with what the flags set.
    pub(crate) fn over_data(&self, data: DataConfig) -> Result<DataConfig, RunError> {
        let config = RunConfig {
            data,
            ..RunConfig::default()
        };
        Ok(self.over(&config)?.data)
    }

    /// Whether a data set is named, which may differ from a run's.
    pub(crate) fn names_data(&self) -> bool {
        self.data.is_some()
    }
}

fn argument([name, key, value, help]: &Flag) -> Arg {
    let argument = Arg::new(*name).long(*name);
    if value.is_empty() {
        return argument.help(*help).action(ArgAction::SetTrue);
    }
    let help = match help.contains("[default") {
        true => help.to_string(),
        false => format!("{help} [default: {}]", RunConfig::default_of(key)),
    };
    let argument = argument.help(help).value_name(*value);
    let argument = argument.value_parser(PathBufValueParser::new());
    let is_list = *value == "A,B";
    argument.allow_negative_numbers(true).action(match is_list {
        true => ArgAction::Append,
        false => ArgAction::Set,
    })
}

impl<const N: usize> Args for Flags<N> {
    fn augment_args(command: Command) -> Command {
        command.args(FLAGS.iter().take(N).map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<const N: usize> FromArgMatches for Flags<N> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        for [name, key, value, _] in FLAGS.iter().take(N) {
            if value.is_empty() {
                let is_set = matches.get_flag(name);
                flags
                    .settings
                    .extend(is_set.then(|| (*key, "true".to_string())));
            } else if let Some(values) = matches.get_many::<PathBuf>(name) {
                if *key == "data.path" {
                    flags.data = values.cloned().next_back();
                    continue;
                }
                let texts: Vec<_> = values.map(|text| text.to_string_lossy()).collect();
                flags.settings.push((key, texts.join(",")));
            }
        }
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flags that give this data set, where they differ from the defaults.
pub(crate) fn data_flags(data: &DataConfig) -> String {
    let (image_size, held_out) = (data.image_size, data.held_out);
    let channels = Some(data.channels).filter(|channels| *channels != Channels::Auto);
    let channels = channels.map(|channels| format!("{channels:?}").to_lowercase());
    let flags = [
        image_size.map(|size| format!(" --image-size {size}")),
        channels.map(|channels| format!(" --channels {channels}")),
        held_out.map(|share| format!(" --held-out {share}")),
    ];
    format!(
        "--data {}{}",
        quoted(data.folder()),
        flags.into_iter().flatten().collect::<String>()
    )
}
