//! Numbers that are not finite: where they stop a run, and what remains of it.

use crate::perceptrons::{SHAPE, batch, discriminator_weights, restore, train, trainer};
use candle_core::{DType, Device, Result, Tensor};
use gan_core::{Discriminator, ImageBatch, Mode, ParameterStore, Recorded, Tape};
use gan_models::ModelConfig;
use gan_train::{TrainConfig, TrainError, Trainer};

#[test]
fn a_run_stops_at_the_first_step_and_tensor_that_is_not_finite() {
    let mut trainer = trainer(&TrainConfig::default());
    train(&mut trainer, 0..3);
    let images = (batch(3).images * f64::NAN).unwrap();
    let labels = None;
    let error = trainer.step(&ImageBatch { images, labels }).unwrap_err();
    assert!(
        matches!(&error, TrainError::NonFinite { step: 3, tensor }
            if tensor == "discriminator's logits of real images"),
        "{error}"
    );
}

#[test]
fn a_weight_that_is_not_finite_is_named_in_the_step_that_made_it() {
    // Infinite in f32, so that the generator's first update is.
    let config = TrainConfig {
        lr: 1e39,
        ..TrainConfig::default()
    };
    let error = trainer(&config).step(&batch(0)).unwrap_err();
    // The backward pass begins at the last layer.
    assert!(
        matches!(&error, TrainError::NonFinite { step: 0, tensor }
            if tensor.starts_with("generator's model.")),
        "{error}"
    );
}

#[test]
fn after_a_rollback_a_run_draws_other_numbers_and_a_checkpoint_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let config = TrainConfig::default();
    let run = |rollbacks| {
        let mut trainer = trainer(&config);
        trainer.set_rollbacks(rollbacks);
        train(&mut trainer, 0..2);
        trainer
    };
    let (plain, rolled_back) = (run(0), run(1));
    assert_ne!(
        discriminator_weights(&plain),
        discriminator_weights(&rolled_back)
    );
    gan_train::save(&rolled_back, serde_json::Value::Null, &path).unwrap();
    let mut resumed = trainer(&config);
    restore(&mut resumed, &path).unwrap();
    assert_eq!(resumed.state(), rolled_back.state());
    let mut rolled_back = rolled_back;
    for trainer in [&mut resumed, &mut rolled_back] {
        train(trainer, 2..4);
    }
    assert_eq!(
        discriminator_weights(&resumed),
        discriminator_weights(&rolled_back)
    );
}

#[test]
fn weights_that_are_not_finite_do_not_replace_a_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let mut trainer = trainer(&TrainConfig::default());
    train(&mut trainer, 0..2);
    gan_train::save(&trainer, serde_json::Value::Null, &path).unwrap();
    let good = std::fs::read(&path).unwrap();

    train(&mut trainer, 2..3);
    let parameter = trainer.generator().parameters().all().remove(0);
    let spoilt = (parameter.var.as_tensor() * f64::INFINITY).unwrap();
    parameter.var.set(&spoilt).unwrap();
    let error = gan_train::save(&trainer, serde_json::Value::Null, &path).unwrap_err();
    assert!(
        matches!(error, TrainError::NonFinite { step: 2, .. }),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), good);
}

/// Images so large that the gradients' squares, about 1e50, overflow f32, and the gradients do not.
fn huge_batch() -> ImageBatch {
    let images = (batch(0).images * 1e25).unwrap();
    let labels = None;
    ImageBatch { images, labels }
}

#[test]
fn a_gradient_whose_squares_overflow_is_clipped_and_not_lost() {
    let config = TrainConfig {
        gradient_clip: Some(1.0),
        ..TrainConfig::default()
    };
    let mut trainer = trainer(&config);
    let before = discriminator_weights(&trainer);
    trainer.step(&huge_batch()).unwrap();
    let after = discriminator_weights(&trainer);
    let pairs = before.iter().zip(&after);
    let most = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Adam's first step is lr · g / |g| wherever g is not below eps.
    assert!((most - 2e-4).abs() < 1e-6, "{most}");
}

#[test]
fn a_second_moment_that_overflows_stops_a_run() {
    let mut trainer = trainer(&TrainConfig::default());
    let error = trainer.step(&huge_batch()).unwrap_err();
    assert!(
        matches!(&error, TrainError::NonFinite { step: 0, tensor }
            if tensor.starts_with("discriminator's model.")),
        "{error}"
    );
}

/// A discriminator with infinite gradients of its parameters.
struct Overflowing(Box<dyn Discriminator>);

impl Discriminator for Overflowing {
    fn forward(&self, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.0.forward(images, labels, mode)
    }

    fn record(&self, batches: &[&Tensor], labels: Option<&Tensor>) -> Result<Recorded> {
        let Recorded { outputs, tape } = self.0.record(batches, labels)?;
        let tape = Box::new(OverflowingTape(tape));
        Ok(Recorded { outputs, tape })
    }

    fn parameters(&self) -> &ParameterStore {
        self.0.parameters()
    }
}

struct OverflowingTape(Box<dyn Tape>);

impl Tape for OverflowingTape {
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor> {
        self.0.input_gradient(batch, output_gradient)
    }

    fn parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        self.0
            .parameter_gradients(output_gradients, &mut |parameter, gradient| {
                visit(parameter, &(gradient.ones_like()? * f64::INFINITY)?)
            })
    }
}

#[test]
fn a_gradient_of_infinite_norm_stops_a_run_and_moves_nothing() {
    let config = TrainConfig {
        gradient_clip: Some(1.0),
        ..TrainConfig::default()
    };
    let model = ModelConfig::default();
    let discriminator = model.discriminator(SHAPE, config.seed, DType::F32, &Device::Cpu);
    let mut trainer = Trainer::new(
        model
            .generator(SHAPE, config.seed, DType::F32, &Device::Cpu)
            .unwrap(),
        Box::new(Overflowing(discriminator.unwrap())),
        model.sampling_prior(),
        config.adversarial_loss(),
        &config,
        1,
    )
    .unwrap();
    let before = discriminator_weights(&trainer);
    let error = trainer.step(&batch(0)).unwrap_err();
    assert!(
        matches!(&error, TrainError::NonFinite { step: 0, tensor }
            if tensor == "discriminator's gradients' norm"),
        "{error}"
    );
    assert_eq!(discriminator_weights(&trainer), before);
}
