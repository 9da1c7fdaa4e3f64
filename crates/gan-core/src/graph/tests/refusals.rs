//! Tests of what no graph may be.

use super::{bias, chain, dropout, linear, vector};
use crate::{Graph, NodeId, Op};
use serde_json::{Value, json};

fn refusal(graph: &Value) -> String {
    let read = serde_json::from_value::<Graph>(graph.clone());
    read.unwrap_err().to_string()
}

#[test]
fn untrusted_graphs_are_refused_with_the_node_and_the_reason() {
    let shape = json!({ "channels": 6, "height": 1, "width": 1 });
    let of = |op: Value, inputs: Value| {
        refusal(&json!({
            "input": shape.clone(),
            "nodes": [{ "op": { "op": "tanh" }, "inputs": [0] }, { "op": op, "inputs": inputs }],
        }))
    };
    let add = || json!({ "op": "add" });
    let named = |name: &str, outputs: usize| json!({ "op": "linear", "weight": { "name": name }, "outputs": outputs });
    let most = usize::MAX;
    for (op, inputs, part) in [
        // A result of itself, of a later node, of no node.
        (
            add(),
            json!([1, 2]),
            "node 2 (add): input 2, expected an earlier",
        ),
        (
            add(),
            json!([9, 0]),
            "input 9, expected an earlier result, at most 1",
        ),
        (add(), json!([0]), "1 inputs, expected 2"),
        (
            json!({ "op": "tanh" }),
            json!([0, 1]),
            "2 inputs, expected 1",
        ),
        (
            named("w", 1),
            json!([]),
            "node 2 (linear): 0 inputs, expected 1",
        ),
        (named("w", 0), json!([1]), "outputs is 0"),
        (named("", 1), json!([1]), "without a name"),
        (named("w", 1 << 26), json!([1]), "at most 268435456 values"),
        (named("w", most), json!([1]), "values"),
        (
            json!({ "op": "append-class", "classes": most }),
            json!([1]),
            "values",
        ),
        (
            json!({ "op": "append-class", "classes": 0 }),
            json!([1]),
            "classes is 0",
        ),
        (
            json!({ "op": "class-logit", "classes": 6 }),
            json!([1]),
            "each of 6 classes",
        ),
        (
            json!({ "op": "class-logit", "classes": most }),
            json!([1]),
            "classes",
        ),
        (
            json!({ "op": "upsampling", "factor": most }),
            json!([1]),
            "values",
        ),
        (
            json!({ "op": "upsampling", "factor": 0 }),
            json!([1]),
            "factor is 0",
        ),
        (
            json!({ "op": "average-pooling", "size": 0 }),
            json!([1]),
            "size is 0",
        ),
        (
            json!({ "op": "average-pooling", "size": 2 }),
            json!([1]),
            "size is 2",
        ),
        (
            json!({ "op": "maxout", "pieces": 4 }),
            json!([1]),
            "pieces is 4, expected a divisor of 6",
        ),
        (
            json!({ "op": "leaky-relu", "slope": 1.0 }),
            json!([1]),
            "slope is 1,",
        ),
        (
            json!({ "op": "leaky-relu", "slope": -0.1 }),
            json!([1]),
            "slope is -0.1",
        ),
        (
            json!({ "op": "dropout", "kept": 0.0, "count": "n" }),
            json!([1]),
            "kept is 0",
        ),
        (
            json!({ "op": "unflatten", "channels": most, "height": most, "width": 6 }),
            json!([1]),
            "expected the values of an image",
        ),
        (
            json!({ "op": "softmax" }),
            json!([1]),
            "unknown variant `softmax`",
        ),
        (
            json!({ "op": "tanh", "scale": 2 }),
            json!([1]),
            "unknown field `scale`",
        ),
        (
            json!({ "op": "maxout", "pieces": 2, "scale": 2 }),
            json!([1]),
            "unknown field `scale`",
        ),
        (
            json!({ "op": "maxout" }),
            json!([1]),
            "missing field `pieces`",
        ),
        (
            json!({ "op": "linear", "weight": { "name": "w", "norm": "u" }, "outputs": 1 }),
            json!([1]),
            "unknown field `norm`",
        ),
    ] {
        let error = of(op, inputs);
        assert!(error.contains(part), "`{part}` is missing in: {error}");
    }
}

#[test]
fn inputs_of_no_or_too_many_values_are_refused() {
    let graph = |channels, height| {
        let input = json!({ "channels": channels, "height": height, "width": 2 });
        refusal(&json!({ "input": input, "nodes": [] }))
    };
    assert!(graph(0, 1).contains("[0, 1, 2], expected 1 to"));
    assert!(graph(1 << 26, 1).contains("expected 1 to 67108864 values"));
    assert!(graph(usize::MAX, usize::MAX).contains("expected 1 to"));
    let extra = json!({ "input": vector(1), "nodes": [], "outputs": [] });
    assert!(refusal(&extra).contains("unknown field `outputs`"));
    let shaped = json!({ "op": { "op": "tanh" }, "inputs": [0], "shape": vector(1) });
    let extra = json!({ "input": vector(1), "nodes": [shaped] });
    assert!(refusal(&extra).contains("unknown field `shape`"));
}

#[test]
fn numbers_out_of_range_are_refused() {
    let mut graph = Graph::new(vector(4)).unwrap();
    let mut said = |op: Op| graph.push(op, &[NodeId::INPUT]).unwrap_err().to_string();
    assert!(said(Op::LeakyRelu { slope: f64::NAN }).contains("slope is NaN"));
    for (scale, shift, part) in [
        (0.0, 1.0, "scale is 0"),
        (f64::NAN, 1.0, "scale is NaN"),
        (1.0, f64::INFINITY, "shift is inf"),
    ] {
        assert!(said(Op::Affine { scale, shift }).contains(part));
    }
    for (eps, momentum, part) in [
        (0.0, 0.1, "eps is 0"),
        (f64::INFINITY, 0.1, "eps is inf"),
        (f64::NAN, 0.1, "eps is NaN"),
        (1e-5, 1.5, "momentum is 1.5"),
        (1e-5, f64::NAN, "momentum is NaN"),
    ] {
        let named = |name: &str| name.to_string();
        let error = said(Op::BatchNorm {
            weight: named("weight"),
            bias: named("bias"),
            running_mean: named("mean"),
            running_var: named("var"),
            eps,
            momentum,
        });
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_tensor_belongs_to_one_operation_except_the_count_of_dropouts() {
    let mut graph = chain(vector(4), [linear("a", 4), bias("b"), dropout("count")]);
    let last = [graph.output()];
    let mut said = |op: Op| graph.push(op, &last).err().map(|error| error.to_string());
    for op in [linear("a", 4), bias("a"), bias("count"), linear("b", 4)] {
        let error = said(op).unwrap();
        assert!(error.contains("is the name of another tensor"), "{error}");
    }
    assert!(
        said(dropout("other"))
            .unwrap()
            .contains("expected \"count\"")
    );
    let twice = Op::BatchNorm {
        weight: "c".to_string(),
        bias: "c".to_string(),
        running_mean: "d".to_string(),
        running_var: "e".to_string(),
        eps: 1e-5,
        momentum: 0.1,
    };
    assert!(said(twice).unwrap().contains("\"c\""));
    assert_eq!(said(dropout("count")), None);
    // What was refused has left nothing behind.
    let names = graph.parameters().into_iter().map(|p| p.name);
    assert_eq!(names.collect::<Vec<_>>(), ["a", "b", "count"]);
    assert_eq!(graph.nodes().len(), 4);
    let mut named_alike = chain(vector(4), [bias("count")]);
    assert!(
        named_alike
            .push(dropout("count"), &[NodeId::INPUT])
            .is_err()
    );
}

#[test]
fn all_operations_of_a_graph_have_the_same_classes() {
    let mut graph = chain(vector(4), [Op::AppendClass { classes: 3 }]);
    let error = graph
        .push(Op::ClassLogit { classes: 6 }, &[graph.output()])
        .unwrap_err();
    assert!(
        error.to_string().contains("6 classes, expected 3"),
        "{error}"
    );
}

#[test]
fn a_graph_has_at_most_4096_operations() {
    let mut graph = Graph::new(vector(1)).unwrap();
    for _ in 0..4096 {
        graph.push(Op::Tanh, &[NodeId::INPUT]).unwrap();
    }
    let error = graph.push(Op::Tanh, &[NodeId::INPUT]).unwrap_err();
    assert!(error.to_string().contains("at most 4096 nodes"), "{error}");
}

/// 260,112,384 pairs: every tap of a large kernel at every pixel of a large image.
#[test]
fn a_kernel_that_joins_too_many_pixels_is_refused_by_their_number() {
    let window = |kernel: usize| json!({ "kernel": [kernel, kernel], "stride": 1, "padding": kernel / 2, "output_padding": 0, "groups": 1 });
    let of = |kernel: usize| {
        json!({
            "input": { "channels": 4, "height": 256, "width": 256 },
            "nodes": [{
                "op": { "op": "convolution", "weight": { "name": "w" }, "outputs": 4, "window": window(kernel) },
                "inputs": [0],
            }],
        })
    };
    assert!(refusal(&of(63)).contains("260112384 pairs of pixels"));
    serde_json::from_value::<Graph>(of(3)).unwrap();
}
