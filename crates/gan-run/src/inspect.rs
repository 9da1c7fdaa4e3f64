//! What a run folder or a safetensors file holds, in words.

use crate::{RunError, RunFolder};
use gan_core::{ParameterKind, Weights, grouped, shown, shown_text};
use gan_metrics::FeatureNetworkHeader;
use gan_models::GeneratorHeader;
use gan_train::CheckpointHeader;
use std::path::Path;

/// The most classes that are listed.
const MOST_CLASSES: usize = 100;

/// Describes a run folder with its newest checkpoint and its generator, or a safetensors file: one of this
/// project's with its header, another's by its tensors.
///
/// # Errors
/// When there is no such folder or file, or it cannot be read.
pub fn inspect(path: &Path) -> Result<String, RunError> {
    if !path.exists() {
        return Err(RunError::refused(path, "no such file or folder"));
    }
    if path.is_dir() {
        describe_run(path)
    } else {
        describe_file(path)
    }
}

fn describe_run(path: &Path) -> Result<String, RunError> {
    let run = RunFolder::open(path);
    let config = std::fs::read_to_string(run.config()).map_err(RunError::unusable(format!(
        "{}: cannot be read; is this a run folder?",
        run.config().display()
    )))?;
    let mut text = format!("run {}\n\n{config}\n", shown(path));
    let generator = Some(run.generator()).filter(|file| file.exists());
    for file in [run.checkpoints().newest()?, generator]
        .into_iter()
        .flatten()
    {
        text += &describe_file(&file)?;
        text.push('\n');
    }
    Ok(text)
}

fn describe_file(path: &Path) -> Result<String, RunError> {
    let weights = Weights::read(path)?;
    let mut text = format!("{}\n", shown(path));
    let header = gan_train::read_header(&weights, path);
    if let Ok(header) = &header {
        text += &describe_checkpoint(header);
    } else if let Ok(header) = GeneratorHeader::parse(&weights.metadata, path) {
        text += &describe_generator(&header);
    } else if let Ok(header) = serde_json::from_str::<FeatureNetworkHeader>(&weights.metadata) {
        text += &describe_feature_network(&header);
    } else {
        text += "  a safetensors file from another program\n";
    }
    for prefix in ["generator.", "discriminator.", ""] {
        // A checkpoint has two networks and their optimizers' moments; other files have one.
        if header.is_ok() != prefix.is_empty() {
            text += &describe_network(&weights, prefix);
        }
    }
    Ok(text)
}

fn describe_checkpoint(header: &CheckpointHeader) -> String {
    let value = |section: &str, key: &str| match &header.run["config"][section][key] {
        serde_json::Value::String(text) => shown_text(text),
        other => shown_text(&other.to_string()),
    };
    format!(
        "  checkpoint (format {}) of a {} at step {}, {} images seen, seed {}\n  \
         {} loss, {}, batch size {}, Adam lr {} betas ({}, {})\n",
        header.checkpoint_format_version,
        value("model", "architecture"),
        grouped(header.state.step),
        grouped(header.state.images_seen),
        header.seed,
        value("train", "loss"),
        value("train", "update_order"),
        value("train", "batch_size"),
        value("train", "lr"),
        value("train", "beta1"),
        value("train", "beta2"),
    )
}

fn describe_feature_network(header: &FeatureNetworkHeader) -> String {
    let accuracy = header.test_accuracy.map_or(String::new(), |share| {
        format!(
            ", {:.2} % of held-out images classified correctly",
            100.0 * share
        )
    });
    format!(
        "  feature network (format {}): {:?} of images {}, {} classes{accuracy}, seed {}\n",
        header.feature_network_format_version,
        header.kind,
        header.image_shape,
        header.classes.unwrap_or(0),
        header.seed,
    )
}

fn describe_generator(header: &GeneratorHeader) -> String {
    let mut text = format!(
        "  generator (format {}): {}, latent vectors of {}, images {}, step {}, seed {}\n",
        header.generator_format_version,
        header.model.architecture.kind(),
        header.model.latent_dim,
        header.image_shape,
        grouped(header.step),
        header.seed,
    );
    if let Some(data) = &header.data {
        text += &format!(
            "  trained on images with SHA-256 {}\n",
            shown_text(&data.data_sha256)
        );
        for class in (0..data.class_names.len() as u32).take(MOST_CLASSES) {
            text += &format!("    class {}\n", shown_text(&data.caption(class)));
        }
        if let more @ 1.. = data.class_names.len().saturating_sub(MOST_CLASSES) {
            text += &format!("    and {more} more classes\n");
        }
    }
    text
}

/// The tensors under `prefix`: a table of names and shapes, and the totals.
fn describe_network(weights: &Weights, prefix: &str) -> String {
    let tensors = || {
        weights
            .tensors
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
    };
    let trainable = tensors()
        .filter(|(name, _)| ParameterKind::guess_from_name(name) == ParameterKind::Trainable);
    let count: usize = trainable.map(|(_, tensor)| tensor.elem_count()).sum();
    let name = prefix.trim_end_matches('.');
    let mut text = format!(
        "\n  {name}{}{} parameters in {} tensors\n",
        if name.is_empty() { "" } else { ": " },
        grouped(count as u64),
        tensors().count(),
    );
    for (name, tensor) in tensors() {
        let name = shown_text(name);
        let shape = format!("{:?}", tensor.dims());
        text += &format!("    {name:<40} {shape:<14} {:?}\n", tensor.dtype());
    }
    text
}
