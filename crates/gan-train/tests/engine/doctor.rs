//! The run doctor on constructed histories: healthy ones, and one for each failure mode.

use candle_core::{Device, Tensor};
use gan_train::doctor::{
    ClassBalance, FailureMode, Finding, GeneratedImages, HistoryRecord, diagnose, forget,
};

const IMAGES: GeneratedImages = GeneratedImages {
    deviation: 0.3,
    saturated_share: 0.6,
    data_saturated_share: 0.8,
};

/// A game of two even players, with the noise of single batches: sines that never repeat.
fn healthy(step: u64) -> HistoryRecord {
    let noise = |speed: f64| (speed * step as f64).sin();
    HistoryRecord {
        step: 100 * step,
        discriminator_loss: 0.5 + 0.15 * noise(1.3),
        generator_loss: 1.2 + 0.6 * noise(2.1),
        d_real: 0.65 + 0.15 * noise(1.7),
        d_fake: 0.35 + 0.2 * noise(2.3),
        generated: Some(IMAGES),
    }
}

/// Like the tutorial's recipe: the discriminator slowly gets ahead, but is never certain of all images.
fn one_sided(step: u64) -> HistoryRecord {
    HistoryRecord {
        discriminator_loss: 0.15 + 0.1 * (1.3 * step as f64).sin(),
        generator_loss: 3.0 + 2.0 * (2.1 * step as f64).sin(),
        d_real: 0.92,
        d_fake: 0.08,
        ..healthy(step)
    }
}

fn history(record: impl Fn(u64) -> HistoryRecord) -> Vec<HistoryRecord> {
    (0..60).map(record).collect()
}

/// The one finding of a history, which must be of this kind.
#[track_caller]
fn only(failure_mode: FailureMode, history: &[HistoryRecord]) -> Finding {
    let mut found = diagnose(history, None);
    assert_eq!(
        found.iter().map(|f| f.failure_mode).collect::<Vec<_>>(),
        [failure_mode],
        "{found:?}"
    );
    found.remove(0)
}

fn shares(generated: [f64; 4]) -> ClassBalance {
    ClassBalance {
        step: 99,
        generated: generated.to_vec(),
        data: vec![0.25; 4],
    }
}

#[test]
fn healthy_runs_have_no_findings() {
    let all = Some(shares([0.4, 0.3, 0.2, 0.1]));
    assert_eq!(diagnose(&history(healthy), all.as_ref()), []);
    assert_eq!(diagnose(&history(one_sided), None), []);
    let unmeasured = |step| HistoryRecord {
        generated: None,
        ..healthy(step)
    };
    assert_eq!(diagnose(&history(unmeasured), None), []);
    for length in 0..60 {
        assert_eq!(diagnose(&history(healthy)[..length], None), []);
    }
}

/// Small first weights: for hundreds of steps neither player has learned to tell or to deceive, and the images are
/// nearly the mean of the data. These are the numbers of the recipe `paper-2014` at steps 100 to 300.
#[test]
fn a_slow_beginning_is_no_failure() {
    let undecided = |step: u64| HistoryRecord {
        step: 10 * step,
        discriminator_loss: 0.6923,
        generator_loss: 0.6933,
        d_real: 0.5008,
        d_fake: 0.4999,
        generated: Some(GeneratedImages {
            deviation: 0.0171,
            saturated_share: 0.2522,
            data_saturated_share: 0.8155,
        }),
    };
    let history = history(undecided);
    for length in 0..history.len() {
        assert_eq!(diagnose(&history[..length], None), []);
    }
}

#[test]
fn numbers_that_are_not_finite_are_found_at_once_and_forgotten_when_a_run_resumes() {
    for value in [f64::NAN, f64::INFINITY] {
        let mut history = history(healthy);
        history[30].generator_loss = value;
        let finding = only(FailureMode::NotFinite, &history[..31]);
        assert!(
            finding.evidence.contains("step 3000"),
            "{}",
            finding.evidence
        );
        assert!(finding.advice.contains("`train.lr`"), "{}", finding.advice);
        assert_eq!(diagnose(&history, None), []);
    }
}

/// A discriminator that is dead from the first step on is found after 2,000 steps, or at the fifth record.
#[test]
fn how_often_a_run_is_logged_does_not_change_when_a_failure_is_found() {
    let found_at = |interval: u64| {
        let mut history = Vec::new();
        let mut step = 0;
        while diagnose(&history, None).is_empty() {
            step = interval * history.len() as u64;
            history.push(HistoryRecord {
                step,
                discriminator_loss: 0.002,
                d_real: 0.999,
                d_fake: 0.001,
                ..healthy(0)
            });
        }
        step
    };
    assert_eq!([1, 10, 100, 400].map(found_at), [2000; 4]);
    assert_eq!(found_at(1000), 4000);
}

#[test]
fn what_is_forgotten_changes_no_finding_and_bounds_the_memory() {
    let swinging = |step: u64| HistoryRecord {
        step,
        d_fake: if (step / 200).is_multiple_of(3) {
            0.9
        } else {
            0.05
        },
        ..healthy(step)
    };
    for interval in [1, 7, 1000] {
        let (mut all, mut recent) = (Vec::new(), Vec::new());
        for step in (0..9000).step_by(interval) {
            all.push(swinging(step));
            recent.push(swinging(step));
            forget(&mut recent);
            assert!(recent.len() <= 4001);
        }
        assert_eq!(diagnose(&recent, None), diagnose(&all, None));
    }
}

#[test]
fn a_discriminator_is_dead_when_it_is_right_for_long() {
    let dead = |step: u64| HistoryRecord {
        discriminator_loss: 0.002,
        d_real: 0.999,
        d_fake: 0.001,
        ..healthy(step)
    };
    let finding = only(FailureMode::DeadDiscriminator, &history(dead));
    assert!(
        finding.evidence.contains("steps 3900 to 5900"),
        "{}",
        finding.evidence
    );
    // A short time of certainty is not a failure, nor is one that has passed.
    let moment = |step: u64| {
        if step % 15 < 14 {
            dead(step)
        } else {
            healthy(step)
        }
    };
    assert_eq!(diagnose(&history(moment), None), []);
    let passed = |step: u64| if step < 50 { dead(step) } else { healthy(step) };
    assert_eq!(diagnose(&history(passed), None), []);
}

#[test]
fn a_generator_is_constant_when_its_images_are_the_same() {
    let constant = |step: u64| HistoryRecord {
        generated: Some(GeneratedImages {
            deviation: 0.003,
            ..IMAGES
        }),
        ..healthy(step)
    };
    let finding = only(FailureMode::ConstantGenerator, &history(constant));
    assert!(finding.evidence.contains("0.0030"), "{}", finding.evidence);
    let once = |step: u64| {
        if step == 58 {
            constant(step)
        } else {
            healthy(step)
        }
    };
    assert_eq!(diagnose(&history(once), None), []);
}

/// The data's pixels are four fifths black or white; half of the grays lost is nine tenths.
#[test]
fn images_without_grays_are_found_if_the_data_has_some() {
    let shades = |saturated_share, data_saturated_share| {
        history(move |step| HistoryRecord {
            generated: Some(GeneratedImages {
                saturated_share,
                data_saturated_share,
                ..IMAGES
            }),
            ..healthy(step)
        })
    };
    let finding = only(FailureMode::Saturation, &shades(0.95, 0.8));
    assert!(finding.evidence.contains("90.0 %"), "{}", finding.evidence);
    for (generated, data) in [(0.85, 0.8), (1.0, 1.0), (0.0, 0.0)] {
        assert_eq!(
            diagnose(&shades(generated, data), None),
            [],
            "{generated} {data}"
        );
    }
}

#[test]
fn players_that_take_turns_oscillate() {
    let period = |period: u64| {
        history(move |step| HistoryRecord {
            d_fake: if (step / period).is_multiple_of(2) {
                0.05
            } else {
                0.9
            },
            ..healthy(step)
        })
    };
    // In 4,000 steps, a turn every 400: 10.
    let finding = only(FailureMode::Oscillation, &period(4));
    assert!(
        finding.evidence.contains("swings 10 times"),
        "{}",
        finding.evidence
    );
    // One or two changes of the lead are normal.
    assert_eq!(diagnose(&period(20), None), []);
}

#[test]
fn classes_below_a_tenth_of_their_share_are_lost() {
    let found = diagnose(&history(healthy), Some(&shares([0.5, 0.476, 0.024, 0.0])));
    assert_eq!(found[0].failure_mode, FailureMode::LostClasses);
    let evidence = &found[0].evidence;
    assert!(evidence.contains("2 of 4 classes"), "{evidence}");
    assert!(
        evidence.contains("class 2 2.40 %") && evidence.contains("class 3 0.00 %"),
        "{evidence}"
    );
    assert_eq!(diagnose(&[], Some(&shares([0.5, 0.425, 0.05, 0.025]))), []);
}

#[test]
fn several_failure_modes_are_found_together() {
    let both = history(|step| HistoryRecord {
        discriminator_loss: 0.001,
        d_real: 1.0,
        d_fake: 0.0,
        generated: Some(GeneratedImages {
            deviation: 0.0,
            saturated_share: 1.0,
            ..IMAGES
        }),
        ..healthy(step)
    });
    let found: Vec<FailureMode> = diagnose(&both, None)
        .into_iter()
        .map(|f| f.failure_mode)
        .collect();
    assert_eq!(
        found,
        [
            FailureMode::DeadDiscriminator,
            FailureMode::ConstantGenerator,
            FailureMode::Saturation
        ]
    );
}

/// Two images of two pixels, 1 and 0.5 in the one, -1 and 0.5 in the other: deviations 1 and 0.
#[test]
fn a_batch_is_measured_by_its_formula() {
    let batch = Tensor::from_vec(vec![1f32, 0.5, -1.0, 0.5], (2, 1, 1, 2), &Device::Cpu).unwrap();
    let found = GeneratedImages::measure(&batch, 0.25).unwrap();
    assert_eq!((found.deviation, found.saturated_share), (0.5, 0.5));
}
