//! The differentiable operations that take most of a GAN's training time, fused and tested.
//!
//! The core is [`Sequence`], fully connected blocks with batch normalization and activation, and
//! [`ConvNet`], layers of images with shortcuts. Their forward and backward passes, and the gradients
//! of gradient penalties, are written by hand, in f32 or f64 on the CPU. Their twins, on candle's
//! graph, run on every device. Every other operation has its twin in [`composed`]. The tests compare
//! the two with each other and both with finite differences.
//!
//! Operations on the CPU divide their work among the threads of the [`Pool`] that they run in.
//!
//! ```
//! use candle_core::{Device, Tensor, Var};
//! use gan_core::Mode;
//! use gan_ops::{Activation, Block, Sequence};
//!
//! let sequence = Sequence::new(vec![Block {
//!     weight: Var::new(&[[3f32, 4.0]], &Device::Cpu)?,
//!     bias: Var::new(&[1f32], &Device::Cpu)?,
//!     norm: None,
//!     activation: Activation::LeakyRelu { slope: 0.2 },
//! }])?;
//! let x = Tensor::new(&[[1f32, -2.0]], &Device::Cpu)?;
//! let y = sequence.infer(&x, Mode::Eval)?;
//! assert_eq!(y.to_vec2::<f32>()?, [[0.2 * (3.0 - 8.0 + 1.0)]]);
//!
//! let recorded = sequence.record(&[&x])?;
//! let gradient = recorded.tape.input_gradient(0, &Tensor::new(&[[1f32]], &Device::Cpu)?)?;
//! assert_eq!(gradient.to_vec2::<f32>()?, [[0.2 * 3.0, 0.2 * 4.0]]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod activation;
mod adam;
mod affine;
mod batch_norm;
mod batches;
mod binary_cross_entropy;
pub mod composed;
mod conv2d;
mod conv_net;
mod element;
mod matmul;
mod moving_average;
mod parallel;
mod pool;
mod reductions;
mod scratch;
mod sequence;
mod sums;
mod tanh;
mod transpose;

pub use activation::Activation;
pub use adam::{AdamStep, adam_step};
pub use batch_norm::BatchNorm;
pub use binary_cross_entropy::{bce_with_logits, sigmoid, softplus};
pub use conv_net::{ConvNet, Layer, LinearMap};
pub use conv2d::{Convolution, conv2d};
pub use moving_average::moving_average_step;
pub use pool::{Pool, set_process_defaults};
pub use reductions::{mean, squared_norms, sum_of_squares};
pub use sequence::{Block, Sequence};
