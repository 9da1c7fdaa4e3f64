//! The failure modes, one function each.

use super::window::{OSCILLATION_STEPS, last, within};
use super::{ClassBalance, FailureMode, Finding, GeneratedImages, HistoryRecord};

/// Steps after which a state is not a passing moment.
const LONG: u64 = 2000;

/// A few hundred steps, so that one odd batch is not a finding.
const SHORT: u64 = 500;

/// The loss of a discriminator that is right with a probability of 99 %.
const DEAD_LOSS: f64 = 0.01;

/// The least gap between D(x) and D(G(z)) of a dead discriminator, whatever its loss.
const DEAD_GAP: f64 = 0.9;

/// Images that differ by less than about one of 256 gray levels count as one image.
const CONSTANT_DEVIATION: f64 = 2.0 / 255.0;

/// Above this D(G(z)) the generator is ahead.
const GENERATOR_WINS: f64 = 0.6;

/// Below this D(G(z)) the discriminator is ahead.
const DISCRIMINATOR_WINS: f64 = 0.2;

/// Changes of the lead within `OSCILLATION_STEPS` that are too many.
const OSCILLATION_TURNS: usize = 6;

/// A class with less than this fraction of its share in the data is lost.
const LOST_PART: f64 = 0.1;

/// The generated images of the last few records, where all were measured.
fn last_images(history: &[HistoryRecord]) -> Option<Vec<GeneratedImages>> {
    let records = last(history, SHORT)?.iter();
    records.map(|record| record.generated).collect()
}

fn steps(records: &[HistoryRecord]) -> String {
    match records {
        [first, .., last] => format!("steps {} to {}", first.step, last.step),
        [only] => format!("step {}", only.step),
        [] => "no steps".to_string(),
    }
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NEG_INFINITY, f64::max)
}

pub(super) fn not_finite(history: &[HistoryRecord]) -> Option<Finding> {
    let record = history.last()?;
    if record.discriminator_loss.is_finite() && record.generator_loss.is_finite() {
        return None;
    }
    let evidence = format!(
        "at step {} the discriminator's loss is {} and the generator's {}",
        record.step, record.discriminator_loss, record.generator_loss
    );
    Some(Finding::new(FailureMode::NotFinite, evidence))
}

pub(super) fn dead_discriminator(history: &[HistoryRecord]) -> Option<Finding> {
    let records = last(history, LONG)?;
    let dead = |record: &HistoryRecord| {
        record.discriminator_loss.abs() < DEAD_LOSS && record.d_real - record.d_fake > DEAD_GAP
    };
    if !records.iter().all(dead) {
        return None;
    }
    let evidence = format!(
        "in {} the discriminator's loss is at most {:.1e}, with D(G(z)) at most {:.1e}: it is \
         always right, and the generator learns nothing from it",
        steps(records),
        largest(records.iter().map(|record| record.discriminator_loss.abs())),
        largest(records.iter().map(|record| record.d_fake)),
    );
    Some(Finding::new(FailureMode::DeadDiscriminator, evidence))
}

pub(super) fn constant_generator(history: &[HistoryRecord]) -> Option<Finding> {
    let images = last_images(history)?;
    let deviation = largest(images.iter().map(|images| images.deviation));
    (deviation < CONSTANT_DEVIATION).then(|| {
        let evidence = format!(
            "in {} the pixels of a batch have a standard deviation of at most {deviation:.4} over its \
             images, in units of [-1, 1]: all images are the same",
            steps(last(history, SHORT).unwrap_or_default()),
        );
        Finding::new(FailureMode::ConstantGenerator, evidence)
    })
}

/// More than half of the pixels that are gray in the data are black or white.
pub(super) fn saturation(history: &[HistoryRecord]) -> Option<Finding> {
    let images = last_images(history)?;
    let limit = |images: &GeneratedImages| 0.5 * (1.0 + images.data_saturated_share);
    // Data without grays has nothing to lose.
    let saturated = |images: &GeneratedImages| {
        images.data_saturated_share < 1.0 && images.saturated_share > limit(images)
    };
    let newest = images.last()?;
    images.iter().all(saturated).then(|| {
        let evidence = format!(
            "in {} more than {:.1} % of the generated pixels are black or white, against {:.1} % of \
             the data's",
            steps(last(history, SHORT).unwrap_or_default()),
            100.0 * limit(newest),
            100.0 * newest.data_saturated_share,
        );
        Finding::new(FailureMode::Saturation, evidence)
    })
}

/// D(G(z)) swings repeatedly between a fooled and a certain discriminator.
pub(super) fn oscillation(history: &[HistoryRecord]) -> Option<Finding> {
    let records = within(history, OSCILLATION_STEPS);
    let winner = |record: &HistoryRecord| match record.d_fake {
        fooled if fooled > GENERATOR_WINS => Some(true),
        sure if sure < DISCRIMINATOR_WINS => Some(false),
        _ => None,
    };
    let winners: Vec<bool> = records.iter().filter_map(winner).collect();
    let turns = winners.windows(2).filter(|pair| pair[0] != pair[1]).count();
    (turns >= OSCILLATION_TURNS).then(|| {
        let evidence = format!(
            "in {} D(G(z)) swings {turns} times between above {GENERATOR_WINS} and below \
             {DISCRIMINATOR_WINS}",
            steps(records)
        );
        Finding::new(FailureMode::Oscillation, evidence)
    })
}

pub(super) fn lost_classes(classes: &ClassBalance) -> Option<Finding> {
    let shares = classes.generated.iter().zip(&classes.data).enumerate();
    let lost: Vec<String> = shares
        .filter(|(_, (generated, data))| **data > 0.0 && **generated < LOST_PART * **data)
        .map(|(class, (generated, data))| {
            format!(
                "class {class} {:.2} % instead of {:.1} %",
                100.0 * generated,
                100.0 * data
            )
        })
        .collect();
    (!lost.is_empty()).then(|| {
        let evidence = format!(
            "after step {}, {} of {} classes have less than a tenth of their share in the data: {}",
            classes.step,
            lost.len(),
            classes.data.len(),
            lost.join(", ")
        );
        Finding::new(FailureMode::LostClasses, evidence)
    })
}
