//! The inputs and outputs of networks of all architectures, with and without class labels.

use candle_core::{DType, Result, Tensor};
use gan_core::ImageShape;

/// Class numbers `[n]` as rows of zeros with a one, `[n, classes]`, of `like`'s type and device.
///
/// # Errors
/// When there are no labels, their number is not n, or one is not below `classes`.
pub(crate) fn one_hot(
    labels: Option<&Tensor>,
    n: usize,
    classes: usize,
    like: &Tensor,
) -> Result<Tensor> {
    let Some(labels) = labels else {
        candle_core::bail!("a class-conditional network needs a label for each image");
    };
    let labels = labels.to_dtype(DType::U32)?.to_vec1::<u32>()?;
    if labels.len() != n {
        let found = labels.len();
        candle_core::bail!("{found} labels for {n} images");
    }
    let mut rows = vec![0f32; n * classes];
    for (row, label) in rows.chunks_exact_mut(classes).zip(&labels) {
        match row.get_mut(*label as usize) {
            Some(value) => *value = 1.0,
            None => candle_core::bail!("label {label} of {classes} classes"),
        }
    }
    let rows = Tensor::from_vec(rows, (n, classes), &candle_core::Device::Cpu)?;
    rows.to_dtype(like.dtype())?.to_device(like.device())
}

/// z `[n, latent_dim]` with its one-hot class appended: `[n, latent_dim + classes]`; z itself without
/// classes.
pub(crate) fn with_class(
    z: &Tensor,
    latent_dim: usize,
    labels: Option<&Tensor>,
    classes: Option<usize>,
) -> Result<Tensor> {
    let (_, width) = z.dims2()?;
    if width != latent_dim {
        candle_core::bail!("z has {width} components, the generator expects {latent_dim}");
    }
    match classes {
        None => Ok(z.clone()),
        Some(classes) => Tensor::cat(&[z, &one_hot(labels, z.dim(0)?, classes, z)?], 1),
    }
}

/// The shape of a generator's input as an image of one pixel: z with its one-hot class.
pub(crate) fn latent_shape(latent_dim: usize, classes: Option<usize>) -> ImageShape {
    ImageShape {
        channels: latent_dim + classes.unwrap_or(0),
        height: 1,
        width: 1,
    }
}

/// The number of a discriminator's outputs: a logit, and if it is class-conditional one more for each
/// class, which is added for images of that class. As the last layer is linear in the features φ, this
/// is the projection discriminator w·φ + b + ⟨v_y, φ⟩ (Miyato & Koyama, 2018, arXiv 1802.05637), with a
/// bias for each class.
pub(crate) fn outputs(classes: Option<usize>) -> usize {
    1 + classes.unwrap_or(0)
}

/// The factors, 1 or 0, of a discriminator's outputs in the sums that are its logits: `[n, outputs]`, for
/// images `[n, c, h, w]` of `shape`.
///
/// # Errors
/// When the images have another shape, or a label is not a class.
pub(crate) fn readout(
    images: &Tensor,
    shape: ImageShape,
    labels: Option<&Tensor>,
    classes: Option<usize>,
) -> Result<Tensor> {
    check_images(images, shape)?;
    let n = images.dim(0)?;
    let ones = Tensor::ones((n, 1), images.dtype(), images.device())?;
    match classes {
        None => Ok(ones),
        Some(classes) => Tensor::cat(&[&ones, &one_hot(labels, n, classes, images)?], 1),
    }
}

/// Whether `images` have the shape that a discriminator expects.
fn check_images(images: &Tensor, expected: ImageShape) -> Result<()> {
    let (_, channels, height, width) = images.dims4()?;
    let found = ImageShape {
        channels,
        height,
        width,
    };
    if found == expected {
        return Ok(());
    }
    candle_core::bail!("images are {found}, the discriminator expects {expected}")
}
