//! The recipes for images as tasks: their networks, on images that are a formula.

use anyhow::{Context, Result};
use candle_core::{DType, Device};
use gan_core::{Graph, ImageShape, ParameterStore};
use gan_cuda::{Prior, Task};
use gan_data::{DataLoader, Dataset};
use gan_models::ClassCount;
use gan_run::{Kind, RunConfig};
use gan_train::Trainer;
use std::sync::Arc;

/// A recipe with its data.
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) config: RunConfig,
    pub(crate) data: Arc<Dataset>,
}

/// What a task needs of a trainer.
pub(crate) struct Players {
    pub(crate) graphs: [Graph; 2],
    parameters: [ParameterStore; 2],
}

/// Images of a recipe's data set, enough for some batches.
fn dataset(config: &RunConfig) -> Result<Dataset> {
    let shape = match config.data.path.to_str() {
        Some("ring") => ImageShape {
            channels: 1,
            height: 1,
            width: 2,
        },
        Some("stacked-mnist") => ImageShape {
            channels: 3,
            ..ImageShape::MNIST
        },
        _ => ImageShape::MNIST,
    };
    let count = 5 * config.train.batch_size + 32;
    let pixels = (0..count * shape.elements()).map(|i| (i * i * 31 + i * 7 + 13) as u8);
    let data = Dataset::new("formula", shape, pixels.collect())?;
    Ok(data.with_labels((0..count as u32).map(|image| image % 10).collect())?)
}

/// All recipes for images.
pub(crate) fn all() -> Result<Vec<Recipe>> {
    let mut recipes = Vec::new();
    for recipe in gan_run::Recipe::all()? {
        if recipe.kind() != Kind::Images {
            continue;
        }
        let name = recipe.name.to_string();
        let mut config: RunConfig = recipe.config()?;
        if config.model.classes == Some(ClassCount::Auto) {
            config.model.classes = Some(ClassCount::Known(10));
        }
        let data = Arc::new(dataset(&config)?);
        recipes.push(Recipe { name, config, data });
    }
    Ok(recipes)
}

impl Recipe {
    /// Both networks at step 0 of a run of so many steps.
    pub(crate) fn trainer(&self, dtype: DType, steps: u64) -> Result<Trainer> {
        let (config, shape, cpu) = (&self.config, self.data.shape(), Device::Cpu);
        let seed = config.train.seed;
        Ok(Trainer::new(
            config.model.generator(shape, seed, dtype, &cpu)?,
            config.model.discriminator(shape, seed, dtype, &cpu)?,
            config.model.training_prior(),
            config.train.adversarial_loss(),
            &config.train,
            steps,
        )?)
    }

    pub(crate) fn loader(&self, dtype: DType) -> Result<DataLoader> {
        let (size, seed) = (self.config.train.batch_size, self.config.train.seed);
        let data = Arc::clone(&self.data);
        Ok(DataLoader::new(data, size, seed, dtype, &Device::Cpu)?)
    }
}

impl Players {
    pub(crate) fn of(trainer: &Trainer) -> Result<Self> {
        let (generator, discriminator) = (trainer.generator(), trainer.discriminator());
        let graph = |graph: Option<&Graph>| graph.cloned().context("a network without a graph");
        Ok(Self {
            graphs: [graph(generator.graph())?, graph(discriminator.graph())?],
            parameters: [
                generator.parameters().clone(),
                discriminator.parameters().clone(),
            ],
        })
    }

    pub(crate) fn task<'a>(&'a self, recipe: &'a Recipe) -> Task<'a> {
        Task {
            config: &recipe.config.train,
            parameters: [&self.parameters[0], &self.parameters[1]],
            image: recipe.data.shape(),
            images: recipe.data.images(),
            labels: recipe.data.labels(),
            prior: match recipe.config.model.prior {
                gan_models::Prior::Normal => Prior::Normal,
                gan_models::Prior::Uniform => Prior::Uniform,
            },
            latent_dim: recipe.config.model.latent_dim,
            seed: recipe.config.train.seed,
        }
    }
}
