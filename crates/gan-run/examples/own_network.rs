//! An architecture and images that this program brings, with the runs and scores of the built-in ones.
//!
//! `cargo run -p gan-run --example own_network -- runs/own 300`

#![allow(clippy::print_stdout, reason = "a program for people")]

use gan_core::candle_core::Result as TensorResult;
use gan_core::{
    Discriminator, Generator, Graph, GraphParameter, ImageShape, Init, Op, ParameterStore, Seed,
    Weight,
};
use gan_data::{DataSplits, Dataset};
use gan_eval::{EvaluationData, Protocol, evaluate, score_table};
use gan_models::{
    Architecture, ModelConfig, ModelError, NetworkDiscriminator, NetworkGenerator, Networks,
};
use gan_run::sample::Sample;
use gan_run::{
    Event, NewRun, Plan, RunConfig, SavedRun, Session, StopToken, examine, open_subject,
};
use std::path::Path;
use std::sync::Arc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 8,
    width: 8,
};

/// Two layers each way; the generator's end in [-1, 1].
fn two_layers(input: ImageShape, outputs: usize, end: &[Op]) -> TensorResult<Graph> {
    let linear = |name: &str, outputs| Op::Linear {
        weight: Weight::plain(format!("{name}.weight")),
        outputs,
    };
    let bias = |name: &str| Op::Bias {
        bias: format!("{name}.bias"),
    };
    let layers = [
        Op::Flatten,
        linear("first", 64),
        bias("first"),
        Op::LeakyRelu { slope: 0.2 },
        linear("second", outputs),
        bias("second"),
    ];
    let mut graph = Graph::new(input)?;
    for op in layers.iter().chain(end) {
        graph.push(op.clone(), &[graph.output()])?;
    }
    Ok(graph)
}

/// Makes a graph's tensors: uniform in ±1/√inputs, and biases of 0.
fn make_tensors(graph: &Graph, parameters: &ParameterStore) -> TensorResult<()> {
    for GraphParameter { name, shape, .. } in graph.parameters() {
        let init = match shape[..] {
            [_, inputs] => {
                let bound = 1.0 / (inputs as f64).sqrt();
                Init::Uniform {
                    lo: -bound,
                    up: bound,
                }
            }
            _ => Init::Const(0.0),
        };
        parameters.builder().get_with_hints(shape, &name, init)?;
    }
    Ok(())
}

/// What builds them.
struct Own;

impl Networks for Own {
    fn generator(
        &self,
        model: &ModelConfig,
        image: ImageShape,
        parameters: ParameterStore,
    ) -> Result<Box<dyn Generator>, ModelError> {
        let latents = ImageShape {
            channels: model.latent_dim,
            height: 1,
            width: 1,
        };
        let to_image = Op::Unflatten {
            channels: image.channels,
            height: image.height,
            width: image.width,
        };
        let graph = two_layers(latents, image.elements(), &[Op::Tanh, to_image])?;
        make_tensors(&graph, &parameters)?;
        let generator = NetworkGenerator::new(graph, parameters, Seed::default())?;
        Ok(Box::new(generator))
    }

    fn discriminator(
        &self,
        _: &ModelConfig,
        image: ImageShape,
        seed: Seed,
        parameters: ParameterStore,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        let graph = two_layers(image, 1, &[])?;
        make_tensors(&graph, &parameters)?;
        let discriminator = NetworkDiscriminator::new(graph, parameters, seed)?;
        Ok(Box::new(discriminator))
    }
}

/// White bars, horizontal or vertical, of two brightnesses: 32 pictures, each many times.
fn bars() -> Result<DataSplits, Failure> {
    let pixel = |image: usize, place: usize| {
        let (row, column) = (place / 8, place % 8);
        let (bar, is_upright, is_bright) = (
            image % 8,
            (image / 8).is_multiple_of(2),
            (image / 16).is_multiple_of(2),
        );
        let along = if is_upright { column } else { row };
        let white = if is_bright { 255 } else { 180 };
        if along == bar { white } else { 0 }
    };
    let set = |name: &str, count: usize| -> Result<Dataset, Failure> {
        let pixels = (0..count).flat_map(|image| (0..64).map(move |place| pixel(image, place)));
        let labels = (0..count).map(|image| (image / 8 % 2) as u32);
        Ok(Dataset::new(name, SHAPE, pixels.collect())?.with_labels(labels.collect())?)
    };
    let held_out = set("held-out bars", 320)?;
    Ok(DataSplits::in_memory(
        set("bars", 2048)?,
        Some(held_out),
        "",
    ))
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, steps] = arguments.as_slice() else {
        return Err("usage: own_network FOLDER STEPS".into());
    };
    run(Path::new(folder), steps.parse()?)
}

/// Trains, draws, scores and examines the network, and resumes the run for as many steps more.
pub(crate) fn run(folder: &Path, steps: u64) -> Result<(), Failure> {
    let networks: Arc<dyn Networks> = Arc::new(Own);
    let mut config = RunConfig::default();
    config.data.path = "bars".into();
    config.model.architecture = Architecture::Own {
        name: "two-layers".to_string(),
    };
    config.model.latent_dim = 16;
    config.train.steps = Some(steps);
    let mut quiet = |_: Event<'_>| {};
    let plan = Plan::of_data(config, bars()?, Arc::clone(&networks), &mut quiet)?;
    let place = NewRun::Given(folder.to_path_buf());
    let session = Session::create(plan, &place, false, &mut quiet)?;
    println!("{}", session.train(&StopToken::default(), &mut quiet)?);

    let saved = SavedRun::open(folder)?;
    let mut config = saved.config.clone();
    config.train.steps = Some(2 * steps);
    let plan = Plan::of_data(config, bars()?, Arc::clone(&networks), &mut quiet)?;
    let session = Session::resume(saved.agreed(plan, false)?, &mut quiet)?;
    let run = session.folder().clone();
    println!("{}", session.train(&StopToken::default(), &mut quiet)?);

    let networks = networks.as_ref();
    let drawn = Sample::default().draw(folder, networks, &mut |_, _| {})?;
    println!("{:?}", drawn.outputs);
    let (subject, _) = open_subject(folder, true, networks)?;
    let data = EvaluationData::new(Path::new("bars"), bars()?);
    let protocol = Protocol {
        count: Some(2000),
        ..Protocol::default()
    };
    let evaluated = evaluate(&subject, &data, &protocol, &mut |_| {})?;
    evaluated.file.write(&run.evaluation())?;
    for line in score_table(&evaluated.file) {
        println!("{line}");
    }
    println!("{:?}", examine(&run)?.findings);
    Ok(())
}
