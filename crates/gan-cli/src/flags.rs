//! The flags that set a key of the configuration, in one table: name, key, value and help.

use crate::spelling::quoted;
use clap::builder::PathBufValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use gan_data::Channels;
use gan_run::{
    Configuration, DataConfig, Defaults, Kind, RunConfig, RunError, TextDataConfig, TextRunConfig,
};
use std::path::{Path, PathBuf};

/// A flag: its name, the key that it sets in a run of images and in one of text (nothing if there is none), what the
/// help calls its value (nothing for a switch), and the help. Where the help names no default, it is that of the
/// configuration.
pub(crate) type Flag = [&'static str; 5];

/// All of them, in the order of `train --help`.
#[rustfmt::skip]
pub(crate) const FLAGS: &[Flag] = &[
    ["data", "data.path", "data.path", "DIR", "Images: a folder of IDX files in MNIST's layout, of CIFAR-10, or of images; a synthetic data set: stacked-mnist, ring, grid or swissroll (a folder of that name is ./ring); or, if built with the feature hub, hub:mnist, hub:fashion-mnist or hub:cifar10 of the Hugging Face hub. Text: a .txt file with a text a line, a .jsonl or .csv file, a folder of these, or oracle, the synthetic benchmark [default: that of the configuration or the run, else data/mnist]"],
    ["held-out", "data.held_out", "data.held_out", "SHARE", "For a data set without a test split: the share of the images or texts to hold out from training, chosen by their contents; 0 to 0.5 [default: 0.1]. For images with a test split: the share of the training images to keep apart, by which the best checkpoint and the Parzen window's width are chosen [default there: none]"],
    ["image-size", "data.image_size", "", "N", "For a folder of images: crop and resize to N by N pixels"],
    ["channels", "data.channels", "", "CHANNELS", "For a folder of images: gray, rgb, or auto, which is gray if all images are"],
    ["field", "", "data.field", "NAME", "The field of .jsonl files or the column of .csv files that holds the text; several, separated by commas, are texts of their own [default: text]"],
    ["encoding", "", "data.encoding", "NAME", "The files' encoding, such as euc-kr or windows-1252"],
    ["tokens", "", "data.tokens", "TOKENS", "What a token is: word, character, jamo (letters of Hangul) or byte; auto chooses by the script"],
    ["tokenizer", "", "data.tokenizer", "FILE", "A tokenizer.json that says what a token is"],
    ["lowercase", "", "data.lowercase", "", "Put the text in lower case"],
    ["vocabulary", "", "data.vocabulary", "N", "The most different tokens; the rarest are unknown [default: 5000 words or 3000 characters]"],
    ["max-length", "", "data.max_length", "N", "The most tokens of a text [default: as many as 99 % of the texts have]"],
    ["long", "", "data.long", "ACTION", "What happens to longer texts: cut or drop"],
    ["remove-duplicates", "", "data.remove_duplicates", "true|false", "Whether repeated texts are left out"],
    ["oracle", "", "data.oracle", "FILE", "With --data oracle: the weights of the oracle, as safetensors [default: random ones]"],
    ["mirror", "data.mirror", "", "", "Mirror each training image left to right with probability 1/2"],
    ["epochs", "train.epochs", "train.epochs", "N", "Passes over the training images; over texts, by maximum likelihood"],
    ["steps", "train.steps", "train.steps", "N", "Train for N steps, whatever the number of epochs; text: at most N steps in all phases"],
    ["batch-size", "train.batch_size", "train.batch_size", "N", "Images or texts per step"],
    ["lr", "train.lr", "train.lr", "LR", "The learning rate; text: that of maximum likelihood"],
    ["discriminator-lr", "train.discriminator_lr", "adversary.discriminator_lr", "LR", "The discriminator's learning rate, if it differs [default: --lr]"],
    ["optimizer", "train.optimizer", "", "OPTIMIZER", "What moves both networks: adam or momentum, gradient descent with a velocity"],
    ["momentum", "train.momentum", "", "M", "With --optimizer momentum: the share of the velocity that is kept [default: 0.9]"],
    ["final-momentum", "train.final_momentum", "", "M", "It goes to this in a straight line, over --momentum-steps"],
    ["momentum-steps", "train.momentum_steps", "", "N", "After N updates of a network it is the final one"],
    ["beta1", "train.beta1", "", "BETA1", "Adam's decay of the first moment"],
    ["beta2", "train.beta2", "", "BETA2", "Adam's decay of the second moment"],
    ["architecture", "model.architecture", "", "ARCHITECTURE", "The networks: mlp, dcgan, residual or maxout"],
    ["width", "model.width", "", "N", "Channels of the largest feature maps of dcgan and residual"],
    ["discriminator-norm", "model.discriminator_norm", "", "NORM", "Normalization in dcgan's discriminator: none, batch or spectral"],
    ["classes", "model.classes", "", "N|auto|none", "Condition both networks on the class, one of N, by the data set's labels; auto takes N from the data set"],
    ["latent-dim", "model.latent_dim", "", "N", "Length of a latent vector"],
    ["prior", "model.prior", "", "PRIOR", "The distribution of latent vectors, of variance 1: normal or uniform [default: normal]"],
    ["output", "model.output", "", "OUTPUT", "What makes pixels of the generator's last numbers: tanh or logistic [default: tanh]"],
    ["output-bias", "model.output_bias", "", "BIAS", "The generator's last bias starts as others do, default, or at what draws the mean-image; mlp and maxout [default: default]"],
    ["generator-range", "model.generator_range", "", "R", "Start the generator's weights at U(-R, R) and its biases at 0 [default: as PyTorch does]"],
    ["discriminator-range", "model.discriminator_range", "", "R", "The same for the discriminator's [default: as PyTorch does]"],
    ["discriminator-pixels", "model.discriminator_pixels", "", "RANGE", "The pixels that the discriminator computes with: symmetric, [-1, 1], or unit, [0, 1] [default: symmetric]"],
    ["loss", "train.loss", "", "LOSS", "The loss: non-saturating, minimax, least-squares, wasserstein, hinge or relativistic-pairing"],
    ["label-smoothing", "train.label_smoothing", "", "S", "Label real images 1 - S instead of 1, in losses with labels; 0.1 is usual"],
    ["instance-noise", "train.instance_noise", "", "SIGMA", "Add Gaussian noise of this standard deviation to the discriminator's input"],
    ["weight-clip", "train.weight_clip", "", "C", "Clamp the discriminator's weights to [-C, C] after each step; wasserstein needs it"],
    ["r1", "train.r1", "", "GAMMA", "Weight of R1, a penalty on the discriminator's gradient at real images"],
    ["r2", "train.r2", "", "GAMMA", "Weight of R2, the same penalty at generated images"],
    ["gradient-penalty", "train.gradient_penalty", "", "LAMBDA", "Weight of WGAN-GP's gradient penalty, between real and generated images; 10 is usual"],
    ["penalty-interval", "train.penalty_interval", "", "N", "Apply the penalties every N steps, at N times the weight"],
    ["discriminator-steps", "train.discriminator_steps", "adversary.discriminator_steps", "N", "Update the generator every N discriminator steps"],
    ["lr-schedule", "train.lr_schedule", "", "SCHEDULE", "How the learning rate falls: linear or cosine, to 0; exponential; or constant"],
    ["lr-decay", "train.lr_decay", "", "D", "With --lr-schedule exponential: divide it by 1 + D after each step"],
    ["lr-floor", "train.lr_floor", "", "SHARE", "With --lr-schedule exponential: not below this share of the first one [default: 0]"],
    ["gradient-clip", "train.gradient_clip", "", "NORM", "Clip the gradient of each network to this norm"],
    ["augment", "train.augmentations", "", "A,B", "Augment the images given to the discriminator (DiffAugment): brightness, translation, cutout"],
    ["ema-half-life-images", "train.ema_half_life_images", "", "N", "Average the generator's weights with a half-life of N images, and sample from the average"],
    ["update-order", "train.update_order", "", "ORDER", "Which network is updated first: generator-first (the tutorial) or discriminator-first (the paper)"],
    ["seed", "train.seed", "train.seed", "SEED", "Seed of all random numbers"],
    ["sample-every", "output.sample_every", "output.sample_every", "N", "Steps between samples"],
    ["log-every", "output.log_every", "output.log_every", "N", "Steps between log lines"],
    ["evaluate-every", "output.evaluate_every", "output.evaluate_every", "N", "Steps between evaluations: on 10,000 images, of some seconds each; on 1,000 texts"],
    ["best-by", "output.best_by", "", "SCORE", "What chooses the best checkpoint: fid, or parzen, which needs --held-out and a data set with a test split [default: fid]"],
    ["checkpoint-every", "output.checkpoint_every", "output.checkpoint_every", "N", "Steps between checkpoints; text: parts, which are steps and rounds [default: a minute of work; 1000 with --on-nan rollback]"],
    ["keep", "output.keep_checkpoints", "output.keep_checkpoints", "N", "Checkpoints to keep, besides the best"],
    ["on-nan", "train.on_nan", "", "ACTION", "When a number is not finite: stop, or rollback to the last checkpoint and continue with another seed, at most three times"],
    ["pixel-range", "output.pixel_range", "", "RANGE", "Brightness of grids: fixed maps [-1, 1] to black and white; min-max stretches, as in the tutorial"],
    ["device", "device", "", "DEVICE", "Where steps are computed: cpu, cuda or cuda:N"],
    ["precision", "train.precision", "", "PRECISION", "With --device cuda: factors of products in f32, tf32 or bf16 [default: f32]"],
    ["embedding", "", "model.embedding", "N", "Numbers that stand for a token in the generator"],
    ["hidden", "", "model.hidden", "N", "LSTM cells of the generator"],
    ["method", "", "adversary.method", "METHOD", "What follows maximum likelihood: none, seqgan, relgan, leakgan or scratch, which needs none before"],
    ["adversarial-steps", "", "adversary.steps", "N", "Adversarial steps of the generator"],
    ["adversarial-lr", "", "adversary.lr", "LR", "Their learning rate"],
    ["rollouts", "", "adversary.rollouts", "N", "seqgan: continuations of each prefix, by whose mean a token is rewarded"],
    ["reward", "", "adversary.reward", "REWARD", "seqgan: what a token is rewarded for: discriminator, centered, or the controls shuffled and constant"],
    ["discriminator-rounds", "", "adversary.discriminator_rounds", "N", "seqgan: the discriminator's rounds before the first adversarial step"],
    ["rounds-per-step", "", "adversary.rounds_per_step", "N", "seqgan: its rounds after each step"],
    ["discriminator-epochs", "", "adversary.discriminator_epochs", "N", "seqgan: passes of a round over its texts"],
    ["beta-max", "", "adversary.beta_max", "BETA", "relgan: the inverse temperature of soft tokens at the end"],
];

/// What the first N of [`FLAGS`] set.
#[derive(Clone, Default)]
pub(crate) struct Flags<const N: usize> {
    /// The flags that are set, with their texts.
    settings: Vec<(&'static Flag, String)>,
    /// Apart from the others, because it need not be valid text.
    data: Option<PathBuf>,
}

/// All flags of `train`.
pub(crate) type ConfigFlags = Flags<{ FLAGS.len() }>;

/// The flags that say which images are read.
pub(crate) type ImageFlags = Flags<4>;

/// The flags that say which data are read.
pub(crate) type DataFlags = Flags<14>;

impl<const N: usize> Flags<N> {
    /// The configuration of a run of images with what the flags set.
    pub(crate) fn over(&self, config: &RunConfig) -> Result<RunConfig, RunError> {
        let mut config = config.with(self.settings(Kind::Images)?)?;
        if let Some(path) = &self.data {
            config.data.path.clone_from(path);
            config.data.found = None;
        }
        Ok(config)
    }

    /// The same for a run of text.
    pub(crate) fn over_text(&self, config: &TextRunConfig) -> Result<TextRunConfig, RunError> {
        let mut config = config.with(self.settings(Kind::Text)?)?;
        if let Some(path) = &self.data {
            config.data.path.clone_from(path);
            config.data.found = None;
        }
        Ok(config)
    }

    /// The settings by the keys of a kind of run; a flag that it does not have is refused.
    fn settings<'a>(&'a self, kind: Kind) -> Result<Vec<(&'static str, &'a str)>, RunError> {
        let of_kind = |(flag, text): &'a (&'static Flag, String)| {
            let [name, images, of_text, ..] = flag;
            let (key, of, now) = match kind {
                Kind::Images => (*images, "text", "images"),
                Kind::Text => (*of_text, "images", "text"),
            };
            match key.is_empty() {
                true => Err(RunError::Refused(format!(
                    "--{name} is for {of}, and this is of {now}; leave it out, or choose another recipe"
                ))),
                false => Ok((key, text.as_str())),
            }
        };
        self.settings.iter().map(of_kind).collect()
    }

    /// The images with what the flags set.
    pub(crate) fn over_data(&self, data: DataConfig) -> Result<DataConfig, RunError> {
        let config = RunConfig {
            data,
            ..RunConfig::default()
        };
        Ok(self.over(&config)?.data)
    }

    /// The texts with what the flags set.
    pub(crate) fn over_texts(&self, data: TextDataConfig) -> Result<TextDataConfig, RunError> {
        let mut config = TextRunConfig::default();
        config.data = data;
        Ok(self.over_text(&config)?.data)
    }

    /// The data set that is named, which may differ from a run's.
    pub(crate) fn data(&self) -> Option<&Path> {
        self.data.as_deref()
    }
}

/// The default of a flag, as its help says it. defaults: of runs of images and of text.
fn default_of([_, images, text, ..]: &Flag, defaults: &[Defaults; 2]) -> String {
    let [of_images, of_text] = [defaults[0].of(images), defaults[1].of(text)];
    match (images.is_empty(), text.is_empty()) {
        (true, _) => of_text,
        (_, true) => of_images,
        _ if of_images == of_text => of_images,
        _ => format!("{of_images}; text: {of_text}"),
    }
}

fn argument(flag: &Flag, defaults: &[Defaults; 2]) -> Arg {
    let [name, images, text, value, help] = flag;
    let heading = match (images.is_empty(), text.is_empty()) {
        (false, true) => "Options of images",
        (true, false) => "Options of text",
        _ => "Options of both",
    };
    let argument = Arg::new(*name).long(*name).help_heading(heading);
    if value.is_empty() {
        return argument.help(*help).action(ArgAction::SetTrue);
    }
    let help = match help.contains("[default") {
        true => help.to_string(),
        false => format!("{help} [default: {}]", default_of(flag, defaults)),
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
        let defaults = [RunConfig::defaults(), TextRunConfig::defaults()];
        let flags = FLAGS.iter().take(N);
        command.args(flags.map(|flag| argument(flag, &defaults)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<const N: usize> FromArgMatches for Flags<N> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        for flag in FLAGS.iter().take(N) {
            let [name, key, _, value, _] = flag;
            if value.is_empty() {
                let is_set = matches.get_flag(name);
                flags
                    .settings
                    .extend(is_set.then(|| (flag, "true".to_string())));
            } else if let Some(values) = matches.get_many::<PathBuf>(name) {
                if *key == "data.path" {
                    flags.data = values.cloned().next_back();
                    continue;
                }
                let texts: Vec<_> = values.map(|text| text.to_string_lossy()).collect();
                flags.settings.push((flag, texts.join(",")));
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
