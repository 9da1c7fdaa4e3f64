//! Tests of graphs: what follows from their operations.

mod refusals;
mod stages;

use super::*;
use crate::ParameterKind::{Buffer, Trainable};
use serde_json::json;

fn vector(channels: usize) -> ImageShape {
    ImageShape {
        channels,
        height: 1,
        width: 1,
    }
}

/// Adds operations, each on the result before.
fn chain(input: ImageShape, ops: impl IntoIterator<Item = Op>) -> Graph {
    let mut graph = Graph::new(input).unwrap();
    for op in ops {
        graph.push(op, &[graph.output()]).unwrap();
    }
    graph
}

fn linear(name: &str, outputs: usize) -> Op {
    let weight = Weight::plain(name);
    Op::Linear { weight, outputs }
}

fn bias(name: &str) -> Op {
    Op::Bias {
        bias: name.to_string(),
    }
}

fn batch_norm(name: &str) -> Op {
    let named = |tensor: &str| format!("{name}.{tensor}");
    Op::BatchNorm {
        weight: named("weight"),
        bias: named("bias"),
        running_mean: named("running_mean"),
        running_var: named("running_var"),
        eps: 0.8,
        momentum: 0.1,
    }
}

fn dropout(count: &str) -> Op {
    Op::Dropout {
        kept: 0.5,
        count: count.to_string(),
    }
}

/// The tutorial's generator of images of 784 pixels.
fn tutorial() -> Graph {
    let mut ops = Vec::new();
    for (index, outputs) in [128, 256, 512, 1024].into_iter().enumerate() {
        ops.push(linear(&format!("{index}.weight"), outputs));
        ops.push(bias(&format!("{index}.bias")));
        if index > 0 {
            ops.push(batch_norm(&format!("{index}.norm")));
        }
        ops.push(Op::LeakyRelu { slope: 0.2 });
    }
    let unflatten = Op::Unflatten {
        channels: 1,
        height: 28,
        width: 28,
    };
    ops.extend([linear("4.weight", 784), bias("4.bias"), Op::Tanh, unflatten]);
    chain(vector(100), ops)
}

/// A graph with every operation.
fn everything() -> Graph {
    let image = ImageShape {
        channels: 8,
        height: 4,
        width: 6,
    };
    let window = Window {
        stride: 2,
        padding: 1,
        groups: 4,
        ..Window::of([4, 4])
    };
    let spectral = Weight {
        name: "0.weight".to_string(),
        spectral: Some("0.weight_u".to_string()),
    };
    let convolution = Op::Convolution {
        weight: spectral,
        outputs: 16,
        window,
    };
    let transposed = Op::TransposedConvolution {
        weight: Weight::plain("1.weight"),
        outputs: 8,
        window,
    };
    let unflatten = Op::Unflatten {
        channels: 3,
        height: 2,
        width: 1,
    };
    let mut graph = chain(image, [convolution, bias("0.bias"), transposed]);
    let sum = [graph.output(), NodeId::INPUT];
    graph.push(Op::Add, &sum).unwrap();
    for op in [
        batch_norm("norm"),
        Op::LeakyRelu { slope: 0.0 },
        Op::AveragePooling { size: 2 },
        Op::Upsampling { factor: 3 },
        Op::Tanh,
        Op::Affine {
            scale: 0.5,
            shift: 0.25,
        },
        dropout("count"),
        Op::Flatten,
        linear("2.weight", 30),
        Op::Maxout { pieces: 5 },
        unflatten,
        dropout("count"),
        Op::Flatten,
        Op::AppendClass { classes: 4 },
        linear("3.weight", 5),
        Op::ClassLogit { classes: 4 },
    ] {
        graph.push(op, &[graph.output()]).unwrap();
    }
    graph
}

#[test]
fn shapes_and_parameters_follow_from_the_operations() {
    let graph = everything();
    let shapes: Vec<_> = graph.nodes().iter().map(Node::shape).collect();
    let dims = |shape: ImageShape| [shape.channels, shape.height, shape.width];
    let expected = [
        [16, 2, 3],
        [16, 2, 3],
        [8, 4, 6],
        [8, 4, 6],
        [8, 4, 6],
        [8, 4, 6],
        [8, 2, 3],
        [8, 6, 9],
        [8, 6, 9],
        [8, 6, 9],
        [8, 6, 9],
        [432, 1, 1],
        [30, 1, 1],
        [6, 1, 1],
        [3, 2, 1],
        [3, 2, 1],
        [6, 1, 1],
        [10, 1, 1],
        [5, 1, 1],
        [1, 1, 1],
    ];
    assert_eq!(shapes.into_iter().map(dims).collect::<Vec<_>>(), expected);
    let parameters = graph.parameters().into_iter();
    let parameters: Vec<_> = parameters.map(|p| (p.name, p.shape, p.kind)).collect();
    let expected = [
        ("0.weight", vec![16, 2, 4, 4], Trainable),
        ("0.weight_u", vec![16], Buffer),
        ("0.bias", vec![16], Trainable),
        ("1.weight", vec![16, 2, 4, 4], Trainable),
        ("norm.weight", vec![8], Trainable),
        ("norm.bias", vec![8], Trainable),
        ("norm.running_mean", vec![8], Buffer),
        ("norm.running_var", vec![8], Buffer),
        ("count", vec![], Buffer),
        ("2.weight", vec![30, 432], Trainable),
        ("3.weight", vec![5, 10], Trainable),
    ];
    assert_eq!(
        parameters,
        expected.map(|(name, shape, kind)| (name.to_string(), shape, kind))
    );
    assert_eq!(graph.classes(), Some(4));
    // Places of the kernel · its weights, of both convolutions; then the linear maps.
    let convolutions = 2 * (2 * 3) * (16 * 2 * 4 * 4);
    assert_eq!(graph.multiply_adds(), convolutions + 30 * 432 + 5 * 10);
}

#[test]
fn the_tutorials_generator_multiplies_once_for_each_weight() {
    let graph = tutorial();
    let expected = 100 * 128 + 128 * 256 + 256 * 512 + 512 * 1024 + 1024 * 784;
    assert_eq!(graph.multiply_adds(), expected);
    assert_eq!(graph.output_shape(), ImageShape::MNIST);
    assert_eq!(graph.classes(), None);
}

#[test]
fn a_graph_that_is_written_and_read_is_the_same() {
    for graph in [everything(), tutorial(), Graph::new(vector(3)).unwrap()] {
        let text = serde_json::to_string(&graph).unwrap();
        let read: Graph = serde_json::from_str(&text).unwrap();
        assert_eq!(read, graph);
        assert_eq!(read.sha256(), graph.sha256());
    }
}

#[test]
fn the_format_is_the_documented_one() {
    let weight = Weight::plain("0.weight");
    let window = Window::of([3, 2]);
    let convolution = Op::Convolution {
        weight,
        outputs: 5,
        window,
    };
    let graph = chain(
        ImageShape::MNIST,
        [convolution, Op::LeakyRelu { slope: 0.25 }],
    );
    let window = json!({
        "kernel": [3, 2], "stride": 1, "padding": 0, "output_padding": 0, "groups": 1,
    });
    let weight = json!({ "name": "0.weight" });
    let expected = json!({
        "input": { "channels": 1, "height": 28, "width": 28 },
        "nodes": [
            { "inputs": [0], "op": {
                "op": "convolution", "outputs": 5, "weight": weight, "window": window,
            } },
            { "inputs": [1], "op": { "op": "leaky-relu", "slope": 0.25 } },
        ],
    });
    assert_eq!(json!(graph), expected);
}

/// The expected digest is `sha256sum`'s of the text that the test spells.
#[test]
fn the_digest_is_that_of_the_json_with_sorted_keys() {
    let graph = |slope| chain(vector(2), [linear("w", 1), Op::LeakyRelu { slope }]);
    let json = concat!(
        r#"{"input":{"channels":2,"height":1,"width":1},"nodes":["#,
        r#"{"inputs":[0],"op":{"op":"linear","outputs":1,"weight":{"name":"w"}}},"#,
        r#"{"inputs":[1],"op":{"op":"leaky-relu","slope":0.2}}]}"#
    );
    assert_eq!(graph(0.2).sha256(), hex(&Sha256::digest(json)));
    assert_eq!(
        graph(0.2).sha256(),
        "6ae6ae362e049d0773aa32514d431c772c56f5d0272b88bb4c4b04d8cbee60e9"
    );
    assert_ne!(graph(0.1).sha256(), graph(0.2).sha256());
}

#[test]
fn a_table_says_what_a_graph_does() {
    let image = ImageShape {
        channels: 1,
        height: 4,
        width: 4,
    };
    let window = Window {
        padding: 1,
        ..Window::of([3, 3])
    };
    let convolution = Op::Convolution {
        weight: Weight::plain("0.weight"),
        outputs: 2000,
        window,
    };
    let mut graph = chain(image, [convolution, Op::LeakyRelu { slope: 0.2 }]);
    let back = Op::Convolution {
        weight: Weight::plain("1.weight"),
        outputs: 1,
        window: Window::of([1, 1]),
    };
    let back = graph.push(back, &[graph.output()]).unwrap();
    graph.push(Op::Add, &[back, NodeId::INPUT]).unwrap();
    let expected = "\
#  operation                     output        parameters  MFLOP
0  input                         [1, 4, 4]
1  convolution 3 x 3, padding 1  [2000, 4, 4]      18,000  0.576
2  leaky ReLU 0.2                [2000, 4, 4]
3  convolution 1 x 1             [1, 4, 4]          2,000  0.064
4  add of 3 and 0                [1, 4, 4]
   total                                           20,000  0.640
";
    assert_eq!(graph.to_string(), expected);
}
