//! What a run folder or a safetensors file holds, in words.

use crate::saved::RunFacts;
use crate::{Kind, RunError, RunFolder};
use candle_core::{DType, Device, Tensor};
use gan_core::{Generator, Graph, ParameterKind, Weights, grouped, shown, shown_text};
use gan_metrics::FeatureNetworkHeader;
use gan_models::GeneratorHeader;
use gan_text::{TextCheckpointHeader, TextGeneratorHeader, TextState};
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
    let checkpoints = match Kind::of_run(path) {
        Kind::Images => run.checkpoints(),
        Kind::Text => run.text_checkpoints(),
    };
    for file in [checkpoints.newest()?, generator].into_iter().flatten() {
        text += &describe_file(&file)?;
        text.push('\n');
    }
    Ok(text)
}

fn describe_file(path: &Path) -> Result<String, RunError> {
    let weights = Weights::read(path)?;
    let mut text = format!("{}\n", shown(path));
    let mut networks = vec![("", None)];
    if let Ok(header) = gan_train::read_header(&weights, path) {
        text += &describe_checkpoint(&header);
        let [generator, discriminator] = graphs_of(header, &weights, path);
        networks = vec![("generator.", generator), ("discriminator.", discriminator)];
    } else if let Ok(header) = GeneratorHeader::parse(&weights.metadata, path) {
        text += &describe_generator(&header);
        networks = vec![(
            "",
            header
                .graph
                .or_else(|| rebuilt_generator(path)?.graph().cloned()),
        )];
    } else if let Ok(header) = serde_json::from_str::<TextCheckpointHeader>(&weights.metadata) {
        text += &describe_text_checkpoint(&header);
    } else if let Ok(header) = serde_json::from_str::<TextGeneratorHeader>(&weights.metadata) {
        text += &describe_text_generator(&header);
    } else if let Ok(header) = serde_json::from_str::<FeatureNetworkHeader>(&weights.metadata) {
        text += &describe_feature_network(&header);
    } else {
        text += &foreign_or_unreadable(&weights, path);
    }
    // A checkpoint has two networks and their optimizers' moments; other files have one.
    for (prefix, graph) in networks {
        text += &describe_network(&weights, prefix, graph.as_ref());
    }
    Ok(text)
}

/// The generator of a file without its graph, which is one of version 0.1.0.
fn rebuilt_generator(path: &Path) -> Option<Box<dyn Generator>> {
    let (_, generator) = GeneratorHeader::load(path, &Device::Cpu).ok()?;
    Some(generator)
}

/// The graphs of a checkpoint's generator and discriminator. One of version 0.1.0 does not have them: they are
/// those of its configuration, if it is in the folder of its run, whose generator knows the images' shape.
fn graphs_of(header: CheckpointHeader, weights: &Weights, path: &Path) -> [Option<Graph>; 2] {
    if header.engine > 0 {
        return [header.generator, header.discriminator];
    }
    let rebuilt = || {
        let run = RunFolder::open(path.parent()?.parent()?);
        let generator = rebuilt_generator(&run.generator())?;
        let facts: RunFacts = serde_json::from_value(header.run).ok()?;
        let most_values = weights.tensors.values().map(Tensor::elem_count).sum();
        let (model, shape, cpu) = (facts.config.model, generator.image_shape(), &Device::Cpu);
        let discriminator =
            model.discriminator_within(most_values, shape, header.seed, DType::F32, cpu);
        let discriminator = discriminator.ok()?.graph().cloned();
        Some([generator.graph().cloned(), discriminator])
    };
    rebuilt().unwrap_or_default()
}

/// What is said of a file without a header that can be used: why, if it claims to be one of this project's.
fn foreign_or_unreadable(weights: &Weights, path: &Path) -> String {
    let metadata = &weights.metadata;
    let reason = if metadata.contains("checkpoint_format_version") {
        gan_train::read_header(weights, path)
            .err()
            .map(|e| e.to_string())
    } else if metadata.contains("generator_format_version") {
        GeneratorHeader::parse(metadata, path)
            .err()
            .map(|e| e.to_string())
    } else if metadata.contains("feature_network_format_version") {
        Some("a feature network whose header cannot be read".to_string())
    } else {
        None
    };
    match reason {
        Some(reason) => format!("  cannot be used: {}\n", shown_text(&reason)),
        None => "  a safetensors file from another program\n".to_string(),
    }
}

fn describe_checkpoint(header: &CheckpointHeader) -> String {
    let value = |section: &str, key: &str| match &header.run["config"][section][key] {
        serde_json::Value::String(text) => shown_text(text),
        other => shown_text(&other.to_string()),
    };
    let lr = value("train", "lr");
    let optimizer = match value("train", "optimizer").as_str() {
        "momentum" => format!("momentum lr {lr}"),
        // Checkpoints of earlier versions do not say so.
        _ => format!(
            "Adam lr {lr} betas ({}, {})",
            value("train", "beta1"),
            value("train", "beta2")
        ),
    };
    format!(
        "  checkpoint (format {}, engine {}) of {} networks at step {}, {} images seen, seed {}\n  \
         {} loss, {}, batch size {}, {optimizer}\n",
        header.checkpoint_format_version,
        header.engine,
        value("model", "architecture"),
        grouped(header.state.step),
        grouped(header.state.images_seen),
        header.seed,
        value("train", "loss"),
        value("train", "update_order"),
        value("train", "batch_size"),
    )
}

fn describe_text_checkpoint(header: &TextCheckpointHeader) -> String {
    let TextState { step, rounds, .. } = header.state;
    let method = &header.run["config"]["adversary"]["method"];
    format!(
        "  checkpoint of text (engine {}) at step {} and round {} of the discriminator, seed {}\n  method {}\n",
        header.engine,
        grouped(step),
        grouped(rounds),
        header.seed,
        shown_text(method.as_str().unwrap_or("none")),
    )
}

fn describe_text_generator(header: &TextGeneratorHeader) -> String {
    let tokens = match &header.tokenizer_sha256 {
        Some(sha256) => format!("tokens with SHA-256 {}", shown_text(sha256)),
        None => "the synthetic benchmark's tokens".to_string(),
    };
    format!(
        "  generator of text: up to {} tokens, step {}, seed {}\n  {tokens}\n",
        header.steps,
        grouped(header.step),
        header.seed,
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

/// The totals of the tensors under `prefix`; a table of the operations for one image, if they are known, and one
/// of names and shapes.
fn describe_network(weights: &Weights, prefix: &str, graph: Option<&Graph>) -> String {
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
    for line in graph.map(Graph::to_string).unwrap_or_default().lines() {
        text += &format!("    {line}\n");
    }
    if graph.is_some() {
        text.push('\n');
    }
    for (name, tensor) in tensors() {
        let name = shown_text(name);
        let shape = format!("{:?}", tensor.dims());
        text += &format!("    {name:<40} {shape:<14} {:?}\n", tensor.dtype());
    }
    text
}
