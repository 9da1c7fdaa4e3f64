//! Mode coverage: which classes a generator produces, and how often.

use crate::MetricError;

/// How generated images are distributed over the modes of the data, usually its classes.
#[derive(Clone, Debug, PartialEq)]
pub struct ModeCoverage {
    /// Share of the generated images by mode; sums to 1.
    pub generated_shares: Vec<f64>,
    /// Share of the data by mode; sums to 1.
    pub data_shares: Vec<f64>,
    /// Modes with at least one generated image, as PacGAN counts them (Lin et al., 2018, arXiv
    /// 1712.04086).
    pub modes_found: usize,
    /// Entropy of the generated shares in nats: 0 for a single mode, ln(modes) for equal shares.
    pub entropy_nats: f64,
    /// KL(generated ‖ data) of the shares, in nats: 0 for equal ones.
    ///
    /// A perfect generator's is about (modes - 1) / (2 images), from the finite number of images.
    pub kl_nats: f64,
}

impl ModeCoverage {
    /// From the numbers of generated images and of the data's images in each mode.
    ///
    /// # Errors
    /// [`MetricError::Setting`] if the lists differ in length, one of them has no images at all, or there
    /// are generated images of a mode that the data does not have.
    pub fn new(generated: &[usize], data: &[usize]) -> Result<Self, MetricError> {
        if generated.len() != data.len() {
            return Err(MetricError::Setting {
                name: "the number of modes of generated images",
                found: format!("{} beside {} of the data", generated.len(), data.len()),
                expected: "the same of both",
            });
        }
        let unknown = generated
            .iter()
            .zip(data)
            .position(|(g, d)| *g > 0 && *d == 0);
        if let Some(mode) = unknown {
            return Err(MetricError::Setting {
                name: "the data's number of images",
                found: format!(
                    "0 of mode {mode}, of which {} were generated",
                    generated[mode]
                ),
                expected: "at least 1 of every mode that is generated",
            });
        }
        let generated_shares = shares(generated, "the number of generated images")?;
        let data_shares = shares(data, "the data's number of images")?;
        let drawn = || {
            generated_shares
                .iter()
                .zip(&data_shares)
                .filter(|(g, _)| **g > 0.0)
        };
        Ok(Self {
            modes_found: drawn().count(),
            // A share of 1 would give -0.
            entropy_nats: drawn().map(|(g, _)| g * -g.ln()).sum::<f64>() + 0.0,
            kl_nats: drawn().map(|(g, d)| g * (g / d).ln()).sum(),
            generated_shares,
            data_shares,
        })
    }

    /// The number of modes with at least the fraction `part` of their share in the data, 0 < `part` ≤ 1.
    ///
    /// If modes are determined by a classifier, its errors put a few images into every mode:
    /// [`modes_found`](Self::modes_found) then counts lost modes too.
    pub fn modes_with_part_of_their_share(&self, part: f64) -> usize {
        let pairs = self.generated_shares.iter().zip(&self.data_shares);
        pairs
            .filter(|(g, d)| **d > 0.0 && **g >= part * **d)
            .count()
    }
}

/// StackedMNIST's modes: an image's channels hold independent digits, and the digits together are
/// its mode (PacGAN, as [`ModeCoverage::modes_found`]). From the class of every channel, image by
/// image, to the number of images in each of the `classes`^`channels` modes.
///
/// # Errors
/// [`MetricError::Shape`] if the classes are not whole images; [`MetricError::Setting`] for a class that
/// does not exist or more than 2²⁴ modes.
pub fn stacked_mode_counts(
    channel_classes: &[usize],
    channels: usize,
    classes: usize,
) -> Result<Vec<usize>, MetricError> {
    if channels == 0 || !channel_classes.len().is_multiple_of(channels) {
        return Err(MetricError::Shape {
            what: "the classes of the images' channels".to_string(),
            values: channel_classes.len(),
            dimensions: channels,
        });
    }
    let wrong = |name, found: String, expected| MetricError::Setting {
        name,
        found,
        expected,
    };
    if let Some(class) = channel_classes.iter().find(|class| **class >= classes) {
        return Err(wrong(
            "a channel's class",
            class.to_string(),
            "one of the classes",
        ));
    }
    let modes = u32::try_from(channels)
        .ok()
        .and_then(|n| classes.checked_pow(n));
    let Some(modes) = modes.filter(|modes| *modes <= 1 << 24) else {
        let found = format!("{classes} to the power of {channels}");
        return Err(wrong("the number of modes", found, "at most 2^24"));
    };
    let mut counts = vec![0; modes];
    for image in channel_classes.chunks_exact(channels) {
        counts[image.iter().fold(0, |mode, class| mode * classes + class)] += 1;
    }
    Ok(counts)
}

fn shares(counts: &[usize], name: &'static str) -> Result<Vec<f64>, MetricError> {
    let total: usize = counts.iter().sum();
    if total == 0 {
        return Err(MetricError::Setting {
            name,
            found: "0".to_string(),
            expected: "at least 1",
        });
    }
    Ok(counts.iter().map(|n| *n as f64 / total as f64).collect())
}
