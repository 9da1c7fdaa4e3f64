//! Differentiable operations that a GAN spends its time in, fused and checked.
//!
//! Each operation is one function. On the CPU it runs as a single pass over its data in f32 or
//! f64, and its gradient likewise; on other devices it runs as its twin in [`composed`], which is
//! made of plain candle operations alone. The property tests hold the two against each other and
//! both against finite differences.
//!
//! Gradients of the fused forms are computed from raw numbers, so they cannot be differentiated
//! again. What needs a second derivative (a gradient penalty) takes the twin.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use gan_ops::{Activation, linear};
//!
//! let x = Tensor::new(&[[1f32, -2.0]], &Device::Cpu)?;
//! let weight = Tensor::new(&[[3f32, 4.0]], &Device::Cpu)?;
//! let bias = Tensor::new(&[1f32], &Device::Cpu)?;
//! let y = linear(&x, &weight, &bias, Activation::LeakyRelu { slope: 0.2 })?;
//! assert_eq!(y.to_vec2::<f32>()?, [[0.2 * (3.0 - 8.0 + 1.0)]]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod activation;
mod adam;
mod batch_norm;
mod binary_cross_entropy;
pub mod composed;
mod element;
mod linear;
mod threads;

pub use activation::Activation;
pub use adam::{AdamStep, adam_step};
pub use batch_norm::{BatchStatistics, batch_norm, batch_norm_with};
pub use binary_cross_entropy::{bce_with_logits, softplus};
pub use linear::linear;
pub use threads::settle_threads;
