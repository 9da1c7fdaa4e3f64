//! An architecture and images that this program brings, with the runs and scores of the built-in ones.
//!
//! `cargo run -p gan-run --example own_network -- runs/own 300`

#![allow(clippy::print_stdout, reason = "a program for people")]

use gan_core::candle_core::{Device, Result as TensorResult, Tensor};
use gan_core::candle_nn::{Linear, Module, linear};
use gan_core::{Discriminator, Generator, ImageShape, Mode, ParameterStore, Seed};
use gan_data::{DataSplits, Dataset};
use gan_eval::{EvaluationData, Protocol, evaluate, score_table};
use gan_models::{Architecture, ModelConfig, ModelError, Networks};
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

/// Two layers each way, on candle's graph alone.
struct TwoLayers {
    layers: [Linear; 2],
    inputs: usize,
    parameters: ParameterStore,
}

impl TwoLayers {
    fn new(inputs: usize, outputs: usize, parameters: ParameterStore) -> TensorResult<Self> {
        let builder = parameters.builder();
        let hidden = 64;
        let layers = [
            linear(inputs, hidden, builder.pp("first"))?,
            linear(hidden, outputs, builder.pp("second"))?,
        ];
        Ok(Self {
            layers,
            inputs,
            parameters,
        })
    }

    fn pass(&self, x: &Tensor) -> TensorResult<Tensor> {
        let hidden = self.layers[0].forward(&x.flatten_from(1)?)?;
        let leaky = hidden.maximum(&(&hidden * 0.2)?)?;
        self.layers[1].forward(&leaky)
    }
}

impl Generator for TwoLayers {
    fn forward(&self, z: &Tensor, _: Option<&Tensor>, _: Mode) -> TensorResult<Tensor> {
        let pixels = self.pass(z)?.tanh()?;
        pixels.reshape(((), SHAPE.channels, SHAPE.height, SHAPE.width))
    }

    fn latent_dim(&self) -> usize {
        self.inputs
    }

    fn image_shape(&self) -> ImageShape {
        SHAPE
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }

    fn copy(&self) -> TensorResult<Box<dyn Generator>> {
        let parameters = self.parameters.copy()?;
        Ok(Box::new(Self::new(
            self.inputs,
            SHAPE.elements(),
            parameters,
        )?))
    }
}

impl Discriminator for TwoLayers {
    fn forward(&self, images: &Tensor, _: Option<&Tensor>, _: Mode) -> TensorResult<Tensor> {
        self.pass(images)?.squeeze(1)
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }
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
        let network = TwoLayers::new(model.latent_dim, image.elements(), parameters)?;
        Ok(Box::new(network))
    }

    fn discriminator(
        &self,
        _: &ModelConfig,
        image: ImageShape,
        _: Seed,
        parameters: ParameterStore,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        Ok(Box::new(TwoLayers::new(image.elements(), 1, parameters)?))
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

    let (networks, device) = (networks.as_ref(), &Device::Cpu);
    let drawn = Sample::default().draw(folder, networks, device, &mut |_, _| {})?;
    println!("{:?}", drawn.outputs);
    let (subject, _) = open_subject(folder, true, networks, device)?;
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
