//! The shape of what comes out of an operation, and whether its sizes have a meaning.

use super::op::Op;
use crate::ImageShape;
use candle_core::Result;

impl Op {
    /// The shape of its output from those of its inputs.
    ///
    /// # Errors
    /// When the inputs do not fit it, or one of its numbers is out of range.
    pub(super) fn output(&self, inputs: &[ImageShape]) -> Result<ImageShape> {
        match (self, inputs) {
            (Self::Add, [a, b]) if a == b => Ok(*a),
            (Self::Add, [a, b]) => candle_core::bail!("inputs {a} and {b}, expected equal shapes"),
            (Self::Add, _) => candle_core::bail!("{} inputs, expected 2", inputs.len()),
            (_, [input]) => self.output_of(*input),
            _ => candle_core::bail!("{} inputs, expected 1", inputs.len()),
        }
    }

    fn output_of(&self, input: ImageShape) -> Result<ImageShape> {
        match self {
            Self::Linear { outputs, .. } => {
                vector_length(input)?;
                vector(at_least_1("outputs", *outputs)?)
            }
            Self::Convolution {
                outputs, window, ..
            } => window.convolved(input, *outputs),
            Self::TransposedConvolution {
                outputs, window, ..
            } => window.transposed(input, *outputs),
            Self::AveragePooling { size } => pooled(input, *size),
            Self::Upsampling { factor } => upsampled(input, *factor),
            Self::Maxout { pieces } => Ok(ImageShape {
                channels: parts("pieces", input.channels, *pieces)?,
                ..input
            }),
            Self::Flatten => vector(input.elements()),
            Self::Unflatten {
                channels,
                height,
                width,
            } => unflattened(
                input,
                ImageShape {
                    channels: *channels,
                    height: *height,
                    width: *width,
                },
            ),
            Self::AppendClass { classes } => {
                let length = vector_length(input)?;
                let classes = at_least_1("classes", *classes)?;
                vector(length.saturating_add(classes))
            }
            Self::ClassLogit { classes } => class_logit(input, *classes),
            _ => {
                self.check_numbers()?;
                Ok(input)
            }
        }
    }

    /// Whether the numbers of an operation that changes no shape are in their ranges.
    fn check_numbers(&self) -> Result<()> {
        let check = |what: &str, found: f64, is_good: bool, expected: &str| match is_good {
            true => Ok(()),
            false => candle_core::bail!("{what} is {found}, expected {expected}"),
        };
        match *self {
            Self::BatchNorm { eps, momentum, .. } => {
                let is_good = eps > 0.0 && eps.is_finite();
                check("eps", eps, is_good, "a number above 0")?;
                let is_good = (0.0..=1.0).contains(&momentum);
                check("momentum", momentum, is_good, "0 to 1")
            }
            Self::LeakyRelu { slope } => {
                let is_good = (0.0..1.0).contains(&slope);
                check("slope", slope, is_good, "at least 0 and below 1")
            }
            Self::Affine { scale, shift } => {
                let is_good = scale.is_finite() && scale != 0.0;
                check("scale", scale, is_good, "a finite number other than 0")?;
                check("shift", shift, shift.is_finite(), "a finite number")
            }
            Self::Dropout { kept, .. } => {
                let is_good = kept > 0.0 && kept <= 1.0;
                check("kept", kept, is_good, "above 0 and at most 1")
            }
            _ => Ok(()),
        }
    }
}

fn at_least_1(what: &str, found: usize) -> Result<usize> {
    match found {
        0 => candle_core::bail!("{what} is 0, expected at least 1"),
        _ => Ok(found),
    }
}

/// The channels of an image of one pixel.
fn vector_length(input: ImageShape) -> Result<usize> {
    match (input.height, input.width) {
        (1, 1) => Ok(input.channels),
        _ => candle_core::bail!("input {input}, expected one pixel"),
    }
}

fn vector(channels: usize) -> Result<ImageShape> {
    Ok(ImageShape {
        channels,
        height: 1,
        width: 1,
    })
}

/// `whole / part`, without remainder.
fn parts(what: &str, whole: usize, part: usize) -> Result<usize> {
    match whole.is_multiple_of(part) {
        true if part > 0 => Ok(whole / part),
        _ => candle_core::bail!("{what} is {part}, expected a divisor of {whole}"),
    }
}

fn pooled(input: ImageShape, size: usize) -> Result<ImageShape> {
    Ok(ImageShape {
        channels: input.channels,
        height: parts("size", input.height, size)?,
        width: parts("size", input.width, size)?,
    })
}

fn upsampled(input: ImageShape, factor: usize) -> Result<ImageShape> {
    let factor = at_least_1("factor", factor)?;
    Ok(ImageShape {
        channels: input.channels,
        height: input.height.saturating_mul(factor),
        width: input.width.saturating_mul(factor),
    })
}

fn unflattened(input: ImageShape, output: ImageShape) -> Result<ImageShape> {
    let length = vector_length(input)?;
    if values(output) != Some(length) {
        candle_core::bail!("input {input}, expected the values of an image {output}");
    }
    Ok(output)
}

fn class_logit(input: ImageShape, classes: usize) -> Result<ImageShape> {
    let classes = at_least_1("classes", classes)?;
    let length = vector_length(input)?;
    if length.checked_sub(1) != Some(classes) {
        candle_core::bail!("input {input}, expected 1 value and one for each of {classes} classes");
    }
    vector(1)
}

/// The number of values of an image of untrusted sizes.
pub(super) fn values(shape: ImageShape) -> Option<usize> {
    let rows = shape.channels.checked_mul(shape.height)?;
    rows.checked_mul(shape.width)
}
