//! An example's class, as more inputs of a generator and as the choice among a discriminator's outputs.
//!
//! As the last layer of a discriminator is linear in the features φ, the sum of its first output and the one
//! of the class is the projection discriminator w·φ + b + ⟨v_y, φ⟩ (Miyato & Koyama, 2018, arXiv
//! 1802.05637), with a bias for each class.

use super::{Labels, Map, NO_CLASS};
use crate::element::Element;
use crate::features::{Division, Features, Part};
use crate::kernels::tile::lanes;
use crate::lines::Lines;
use candle_core::{DType, Device, Result, Tensor};
use std::ops::Range;

impl Labels {
    /// labels `[n]`, u32, of each batch; needed by networks of so many `classes`.
    ///
    /// # Errors
    /// When there are none, they are not n, or one is not below `classes`.
    pub(crate) fn new<T>(
        labels: Option<&Tensor>,
        classes: Option<usize>,
        lines: &Lines,
    ) -> Result<Self> {
        let Some(classes) = classes else {
            return Ok(Self::default());
        };
        let n = if lines.batches() > 0 {
            lines.examples(0)
        } else {
            0
        };
        let values = checked(labels, n, classes)?;
        let mut of_lanes = vec![NO_CLASS; lines.count() * lanes::<T>()];
        for batch in 0..lines.batches() {
            let first = lines.of(batch..batch + 1).start * lanes::<T>();
            if lines.examples(batch) != n {
                candle_core::bail!("{n} labels for {} images", lines.examples(batch));
            }
            of_lanes[first..first + n].copy_from_slice(&values);
        }
        Ok(Self { of_lanes })
    }

    /// Of some lines, by lane.
    fn of<T>(&self, line: usize) -> &[u32] {
        &self.of_lanes[line * lanes::<T>()..][..lanes::<T>()]
    }
}

/// Labels of n examples, each below `classes`.
fn checked(labels: Option<&Tensor>, n: usize, classes: usize) -> Result<Vec<u32>> {
    let Some(labels) = labels else {
        candle_core::bail!("a class-conditional network needs a label for each image");
    };
    let labels = labels.to_dtype(DType::U32)?.to_vec1::<u32>()?;
    if labels.len() != n {
        let found = labels.len();
        candle_core::bail!("{found} labels for {n} images");
    }
    match labels.iter().find(|label| **label as usize >= classes) {
        Some(label) => candle_core::bail!("label {label} of {classes} classes"),
        None => Ok(labels),
    }
}

/// x `[c]` → `[c + classes]`: a one at the example's class behind it. Its derivative along a tangent appends
/// zeros.
pub(crate) struct Append<'a> {
    /// None for a tangent.
    pub(crate) labels: Option<&'a Labels>,
}

impl<T: Element> Map<T> for Append<'_> {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(1)
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        let line = y.region.lines.start;
        let x = x.line(line);
        for run in &mut y.runs {
            let (same, class) = run.split_at_mut(x.len());
            same.copy_from_slice(x);
            class.fill(T::zero());
            let labels = self.labels.map(|labels| labels.of::<T>(line));
            for (lane, label) in labels.unwrap_or_default().iter().enumerate() {
                if *label != NO_CLASS {
                    class[*label as usize * lanes::<T>() + lane] = T::one();
                }
            }
        }
    }
}

/// The adjoint of [`Append`]: only the first channels have a gradient.
pub(crate) struct First;

impl<T: Element> Map<T> for First {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(1)
    }

    fn apply(&self, gradient: &Features<T>, x: &mut Part<'_, T>) {
        let gradient = gradient.line(x.region.lines.start);
        for run in &mut x.runs {
            let len = run.len();
            run.copy_from_slice(&gradient[..len]);
        }
    }
}

/// x `[1 + classes]` → `[1]`: the first channel plus that of the example's class.
pub(crate) struct Logit<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) lines: Range<usize>,
}

impl<T: Element> Map<T> for Logit<'_> {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(1)
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        let line = y.region.lines.start;
        let labels = self.labels.of::<T>(self.lines.start + line);
        let x = x.line(line);
        for run in &mut y.runs {
            for (lane, (y, label)) in run.iter_mut().zip(labels).enumerate() {
                let class = match *label {
                    NO_CLASS => T::zero(),
                    label => x[(1 + label as usize) * lanes::<T>() + lane],
                };
                *y = x[lane] + class;
            }
        }
    }
}

/// The adjoint of [`Logit`].
pub(crate) struct ToClass<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) lines: Range<usize>,
}

impl<T: Element> Map<T> for ToClass<'_> {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(1)
    }

    fn apply(&self, gradient: &Features<T>, x: &mut Part<'_, T>) {
        let line = x.region.lines.start;
        let labels = self.labels.of::<T>(self.lines.start + line);
        let gradient = gradient.line(line);
        for run in &mut x.runs {
            run.fill(T::zero());
            run[..lanes::<T>()].copy_from_slice(gradient);
            for (lane, label) in labels.iter().enumerate() {
                if *label != NO_CLASS {
                    run[(1 + *label as usize) * lanes::<T>() + lane] = gradient[lane];
                }
            }
        }
    }
}

/// Class numbers `[n]` as rows of zeros with a one, `[n, classes, 1, 1]`, of `like`'s type and device.
fn one_hot(labels: Option<&Tensor>, classes: usize, like: &Tensor) -> Result<Tensor> {
    let n = like.dim(0)?;
    let mut rows = vec![0f32; n * classes];
    let labels = checked(labels, n, classes)?;
    for (row, label) in rows.chunks_exact_mut(classes).zip(&labels) {
        row[*label as usize] = 1.0;
    }
    let rows = Tensor::from_vec(rows, (n, classes, 1, 1), &Device::Cpu)?;
    rows.to_dtype(like.dtype())?.to_device(like.device())
}

/// x `[n, c, 1, 1]` → `[n, c + classes, 1, 1]`.
pub(crate) fn append_twin(x: &Tensor, labels: Option<&Tensor>, classes: usize) -> Result<Tensor> {
    Tensor::cat(&[x, &one_hot(labels, classes, x)?], 1)
}

/// x `[n, 1 + classes, 1, 1]` → `[n, 1, 1, 1]`.
pub(crate) fn logit_twin(x: &Tensor, labels: Option<&Tensor>, classes: usize) -> Result<Tensor> {
    let of_class = (x.narrow(1, 1, classes)? * one_hot(labels, classes, x)?)?.sum_keepdim(1)?;
    x.narrow(1, 0, 1)? + of_class
}
