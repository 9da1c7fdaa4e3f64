//! What networks of all architectures take in and give out, labels among it.

use candle_core::{DType, Result, Tensor};
use gan_core::ImageShape;

/// Class numbers `[n]` as rows of zeros with a one, `[n, classes]`, of `like`'s type and device.
///
/// # Errors
/// When there are no labels, another number of them, or one is no class.
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

/// z `[n, latent_dim]` with its class behind it: `[n, latent_dim + classes]`, z itself if there are
/// no classes.
pub(crate) fn with_class(
    z: &Tensor,
    latent_dim: usize,
    labels: Option<&Tensor>,
    classes: Option<usize>,
) -> Result<Tensor> {
    let (_, width) = z.dims2()?;
    if width != latent_dim {
        candle_core::bail!("z has {width} components, the generator takes {latent_dim}");
    }
    match classes {
        None => Ok(z.clone()),
        Some(classes) => Tensor::cat(&[z, &one_hot(labels, z.dim(0)?, classes, z)?], 1),
    }
}

/// What a generator takes as an image of one pixel: z, with its class behind it.
pub(crate) fn latent_shape(latent_dim: usize, classes: Option<usize>) -> ImageShape {
    ImageShape {
        channels: latent_dim + classes.unwrap_or(0),
        height: 1,
        width: 1,
    }
}

/// Outputs of a discriminator: one logit, and of a conditional one another for each class, which is
/// added to that of images of the class. As the last layer is linear in the features φ, this is the
/// projection discriminator w·φ + b + ⟨v_y, φ⟩ (Miyato & Koyama, 2018, arXiv 1802.05637), with a
/// bias a class.
pub(crate) fn outputs(classes: Option<usize>) -> usize {
    1 + classes.unwrap_or(0)
}

/// What the outputs of a discriminator of `shape` are multiplied by before they are added to logits:
/// `[n, outputs]`, ones and zeros.
///
/// # Errors
/// When the images are of another shape, or their labels are not classes.
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

/// Whether `images` are of the shape that a discriminator takes.
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
    candle_core::bail!("images are {found}, the discriminator takes {expected}")
}
