//! Numbers that are not finite: where they stop a run, and what stays of it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod perceptrons;

use gan_core::ImageBatch;
use gan_train::{TrainConfig, TrainError};
use perceptrons::{batch, discriminator_weights, restore, train, trainer};

#[test]
fn a_run_stops_at_the_step_and_tensor_that_first_was_no_number() {
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
fn a_weight_that_is_no_number_is_named_in_the_step_that_made_it() {
    // Infinite in f32, so that the generator's first update is.
    let config = TrainConfig {
        lr: 1e39,
        ..TrainConfig::default()
    };
    let error = trainer(&config).step(&batch(0)).unwrap_err();
    // The way back begins at the last layer.
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
fn weights_that_are_no_numbers_do_not_replace_a_good_checkpoint() {
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
