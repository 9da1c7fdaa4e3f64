//! Tests of stages: which operations join a map.

use super::*;
use crate::Source;

/// Each layer's bias, normalization and activation join its product, and the images are made by no work.
#[test]
fn a_stage_of_the_tutorials_generator_is_a_layer() {
    let graph = tutorial();
    let found = graph.stages().unwrap();
    assert_eq!(found.stages.len(), 5);
    for (index, stage) in found.stages.iter().enumerate() {
        let input = match index {
            0 => Source::Input,
            _ => Source::Stage(index - 1),
        };
        assert_eq!(stage.input, input);
        assert!(matches!(stage.map, Some(Op::Linear { .. })));
        assert_eq!(stage.bias, Some(format!("{index}.bias").as_str()));
        assert_eq!(stage.norm.is_some(), (1..4).contains(&index));
        assert!(stage.activation.is_some());
    }
    assert_eq!(found.input, vector(100));
    assert_eq!(found.output, vector(784));
}

/// The sum joins the product before it; its other term is the shortcut, which two stages read.
#[test]
fn a_shortcut_joins_the_last_map_of_its_block() {
    let mut graph = chain(vector(4), [linear("a", 4), Op::LeakyRelu { slope: 0.2 }]);
    let start = graph.output();
    let inner = graph.push(linear("b", 4), &[start]).unwrap();
    graph.push(Op::Add, &[inner, start]).unwrap();
    let last = graph.output();
    graph.push(linear("c", 1), &[last]).unwrap();
    let stages = graph.stages().unwrap().stages;
    assert_eq!(stages.len(), 3);
    assert_eq!(stages[1].input, Source::Stage(0));
    assert_eq!(stages[1].shortcut, Some(Source::Stage(0)));
    assert_eq!(stages[2].input, Source::Stage(1));
}

/// After batch normalization a sum is a stage of its own, and so is what two operations read.
#[test]
fn what_cannot_join_begins_a_stage() {
    let mut graph = chain(vector(4), [linear("a", 4), batch_norm("n")]);
    let normalized = graph.output();
    graph.push(Op::Tanh, &[normalized]).unwrap();
    let activated = graph.output();
    graph.push(Op::Add, &[activated, normalized]).unwrap();
    let stages = graph.stages().unwrap().stages;
    assert_eq!(stages.len(), 3);
    assert!(stages[0].norm.is_some() && stages[0].activation.is_none());
    assert!(stages[1].map.is_none() && stages[1].activation.is_some());
    assert_eq!(stages[2].shortcut, Some(Source::Stage(0)));
}

#[test]
fn graphs_that_do_nothing_or_waste_work_have_no_stages() {
    let error = |graph: &Graph| graph.stages().unwrap_err().to_string();
    assert!(error(&chain(vector(4), [])).contains("without operations"));
    let flattened = chain(vector(4), [Op::Flatten]);
    assert!(error(&flattened).contains("without operations"));
    let mut unread = chain(vector(4), [linear("a", 4)]);
    unread.push(linear("b", 4), &[NodeId::INPUT]).unwrap();
    assert!(error(&unread).contains("nothing uses the result of operation 1"));
}
