//! The differentiable operations that take most of a GAN's training time, fused and tested.
//!
//! The core is [`Network`]: a graph of operations, `gan_core::Graph`, that can be computed. Its forward and
//! backward passes, and the gradients of gradient penalties, are written by hand, in f32 or f64 on the CPU.
//! Every operation has its twin on candle's graph, which runs on every device. The tests compare the two
//! with each other and both with finite differences.
//!
//! Operations on the CPU divide their work among the threads of the [`Pool`] that they run in.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use candle_nn::Init;
//! use gan_core::{Graph, ImageShape, Mode, NodeId, Op, ParameterStore, Purpose, Seed, Weight};
//! use gan_ops::Network;
//!
//! let parameters = ParameterStore::new(Seed(0).rng(Purpose::DiscriminatorInit, 0), DType::F32, &Device::Cpu);
//! parameters.builder().get_with_hints((1, 2), "weight", Init::Const(3.0))?;
//! let mut graph = Graph::new(ImageShape { channels: 2, height: 1, width: 1 })?;
//! let weight = Weight { name: "weight".to_string(), spectral: None };
//! let product = graph.push(Op::Linear { weight, outputs: 1 }, &[NodeId::INPUT])?;
//! graph.push(Op::LeakyRelu { slope: 0.2 }, &[product])?;
//! let network = Network::new(graph, parameters, Seed(0))?;
//!
//! let x = Tensor::new(&[[1f32, -2.0]], &Device::Cpu)?;
//! let y = network.infer(&x, None, Mode::Eval)?;
//! assert_eq!(y.flatten_all()?.to_vec1::<f32>()?, [0.2 * (3.0 - 6.0)]);
//!
//! let recorded = network.record_logits(&[&x], None)?;
//! let gradient = recorded.tape.input_gradient(0, &Tensor::new(&[1f32], &Device::Cpu)?)?;
//! assert_eq!(gradient.to_vec2::<f32>()?, [[0.2 * 3.0, 0.2 * 3.0]]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod binary_cross_entropy;
pub mod composed;
mod element;
mod exponential;
mod features;
mod goals;
mod kernels;
mod language;
mod lines;
mod moving_average;
mod network;
mod ops;
mod optimizers;
mod parallel;
mod pool;
mod reductions;
mod scratch;
mod tanh;
mod team;
mod text_classifier;
mod transfer;
mod vectors;

pub use binary_cross_entropy::{bce_with_logits, sigmoid, softplus};
pub use goals::{GoalLanguageModel, GoalPass, GoalSettings};
pub use language::{Generation, LanguageModel, LanguagePass, SoftPass, Stream, TokenBatch};
pub use moving_average::moving_average_step;
pub use network::Network;
pub use optimizers::{AdamStep, MomentumStep, adam_step, momentum_step};
pub use pool::{Pool, set_process_defaults};
pub use reductions::{mean, squared_norms, sum_of_squares};
pub use text_classifier::{FeatureDropout, TextClassifier, TextPass};
