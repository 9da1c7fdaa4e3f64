//! The feature network's layers.

use super::FEATURES;
use candle_core::Result;
use candle_nn::Init;
use gan_core::{Graph, ImageShape, NodeId, Op, ParameterStore, Weight, Window};

/// Images are halved until no side is longer than this.
const LAST_SIDE: usize = 4;

/// Outputs, side of the kernel and stride of the layers that every network has.
const LAYERS: [(usize, usize, usize); 5] =
    [(24, 5, 2), (32, 3, 1), (48, 3, 2), (48, 3, 1), (64, 3, 2)];

/// The name of the layer from features to logits begins with its number, which depends on the images.
pub(super) struct Graphs {
    /// From images to features.
    pub(super) body: Graph,
    /// From features to the logits of classes.
    pub(super) head: Option<Graph>,
    /// Both in one.
    pub(super) whole: Graph,
}

impl Graphs {
    /// Those of a network for images of `shape`.
    pub(super) fn new(shape: ImageShape, classes: Option<usize>) -> Result<Self> {
        let mut body = Graph::new(shape)?;
        let mut layers = 0;
        let mut push = |outputs, window| {
            layers += 1;
            convolution(&mut body, layers - 1, outputs, window)?;
            body.push(Op::LeakyRelu { slope: 0.1 }, &[body.output()])?;
            Ok::<_, candle_core::Error>(body.output_shape())
        };
        let padded = |side: usize, stride| Window {
            stride,
            padding: side / 2,
            ..Window::of([side, side])
        };
        let mut last = shape;
        for (outputs, side, stride) in LAYERS {
            last = push(outputs, padded(side, stride))?;
        }
        while last.height.max(last.width) > LAST_SIDE {
            last = push(64, padded(3, 2))?;
        }
        let features = push(FEATURES, Window::of([last.height, last.width]))?;
        let (mut whole, mut head) = (body.clone(), None);
        if let Some(classes) = classes {
            let pixel = Window::of([1, 1]);
            convolution(&mut whole, layers, classes, pixel)?;
            let head = head.insert(Graph::new(features)?);
            convolution(head, layers, classes, pixel)?;
        }
        Ok(Self { body, head, whole })
    }

    /// Makes all tensors: weights of variance 2 / fan-in, biases of 0 (He et al., 2015, arXiv 1502.01852).
    pub(super) fn make_tensors(&self, parameters: &ParameterStore) -> Result<()> {
        for parameter in self.whole.parameters() {
            let (name, shape) = (&parameter.name, parameter.shape.as_slice());
            let init = match shape {
                [_] => Init::Const(0.0),
                [_, inputs @ ..] => Init::Randn {
                    mean: 0.0,
                    stdev: (2.0 / inputs.iter().product::<usize>() as f64).sqrt(),
                },
                [] => continue,
            };
            parameters.builder().get_with_hints(shape, name, init)?;
        }
        Ok(())
    }
}

/// Adds layer `number`: a convolution with a bias.
fn convolution(graph: &mut Graph, number: usize, outputs: usize, window: Window) -> Result<NodeId> {
    let weight = Weight::plain(format!("{number}.weight"));
    let op = Op::Convolution {
        weight,
        outputs,
        window,
    };
    let product = graph.push(op, &[graph.output()])?;
    let bias = format!("{number}.bias");
    graph.push(Op::Bias { bias }, &[product])
}
