//! A run as something that can be scored.

use crate::saved::RunFacts;
use crate::{Configuration, DataConfig, RunConfig, RunError, RunFolder};
use candle_core::{DType, Device};
use gan_core::Discriminator;
use gan_eval::Subject;
use gan_models::{GeneratorHeader, MAX_VALUES, Networks};
use gan_train::Checkpoint;
use std::fmt::Display;
use std::path::Path;

/// The run, the generator, the array or the folder of images at `path`, and the data set that a run was
/// trained on. with_discriminator: whether to load a run's discriminator, which some scores need. networks:
/// who builds the networks.
///
/// # Errors
/// When it is none of these, or cannot be used.
pub fn open_subject(
    path: &Path,
    with_discriminator: bool,
    networks: &dyn Networks,
) -> Result<(Subject, Option<DataConfig>), RunError> {
    let run = RunFolder::open(path);
    if path.is_dir() && (run.config().exists() || run.generator().exists()) {
        let (subject, data) = of_run(&run, with_discriminator, networks)?;
        return Ok((subject, Some(data)));
    }
    Ok((Subject::open(path, networks)?, None))
}

/// The generator, and the discriminator of the last checkpoint if it is wanted and of the same step. The
/// generator is scored even if the checkpoint cannot be used.
fn of_run(
    run: &RunFolder,
    with_discriminator: bool,
    networks: &dyn Networks,
) -> Result<(Subject, DataConfig), RunError> {
    let mut config = RunConfig::read(&run.config())?;
    let (header, generator) = GeneratorHeader::load_by(networks, &run.generator(), &Device::Cpu)?;
    check_generator(run, &config, &header)?;
    config.data.locate(run.path());
    let mut subject = Subject::of_generator(run.path(), "run", &header, generator);
    let mut discriminator = Err("was not requested".to_string());
    // A generator of version 0.1.0 does not say what it was trained on; its checkpoint does.
    if with_discriminator || !subject.knows_its_data() {
        let checkpoint = newest_checkpoint(run);
        if let Ok(checkpoint) = &checkpoint
            && let Ok(facts) = serde_json::from_value::<RunFacts>(checkpoint.header.run.clone())
        {
            subject = subject.trained_on(Some(facts.data_sha256));
        }
        discriminator = checkpoint
            .and_then(|checkpoint| discriminator_of(&checkpoint, &config, &header, networks));
    }
    Ok((subject.with_discriminator(discriminator), config.data))
}

/// The generator in a folder must match the run's configuration.
///
/// # Errors
/// Names both.
pub(crate) fn check_generator(
    run: &RunFolder,
    config: &RunConfig,
    header: &GeneratorHeader,
) -> Result<(), RunError> {
    if config.model == header.model {
        return Ok(());
    }
    Err(RunError::refused(
        &run.generator(),
        format!(
            "holds a generator of {:?}, expected {:?} as in {}; these weights are from another run",
            header.model,
            config.model,
            run.config().display(),
        ),
    ))
}

/// The newest checkpoint of a run, or why there is none.
fn newest_checkpoint(run: &RunFolder) -> Result<Checkpoint, String> {
    match run.checkpoints().newest() {
        Ok(Some(path)) => Checkpoint::read(&path)
            .map_err(|error| format!("needs the run's checkpoint, which cannot be read ({error})")),
        Ok(None) => Err("needs a checkpoint of the run, but there is none".to_string()),
        Err(error) => Err(format!("needs a checkpoint of the run ({error})")),
    }
}

fn discriminator_of(
    checkpoint: &Checkpoint,
    config: &RunConfig,
    header: &GeneratorHeader,
    networks: &dyn Networks,
) -> Result<Box<dyn Discriminator>, String> {
    let (found, expected) = (checkpoint.header.state.step, header.step);
    if found != expected {
        return Err(format!(
            "needs the discriminator of the generator's step {expected}, but the newest checkpoint is \
             of step {found}"
        ));
    }
    let unusable = |error: &dyn Display| {
        format!("needs the run's discriminator, which cannot be used ({error})")
    };
    let (shape, seed) = (header.image_shape, header.seed);
    let discriminator = config
        .model
        .discriminator_by(networks, MAX_VALUES, shape, seed, DType::F32, &Device::Cpu)
        .map_err(|error| unusable(&error))?;
    checkpoint
        .restore_discriminator(discriminator.as_ref())
        .map_err(|error| unusable(&error))?;
    Ok(discriminator)
}
