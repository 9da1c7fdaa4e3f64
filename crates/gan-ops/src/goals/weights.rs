//! The tensors of a language model with goals.

use super::GoalSettings;
use crate::TextClassifier;
use crate::element::{Element, with_slices};
use crate::language::{GATES, Lstm};
use crate::text_classifier::Weights as ClassifierWeights;
use candle_core::{Device, Result, Tensor, Var};
use gan_core::ParameterStore;

/// How many numbers stand for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) vocabulary: usize,
    /// Of f and of goals.
    pub(super) features: usize,
    pub(super) embedding: usize,
    /// The Worker's cells.
    pub(super) hidden: usize,
    /// The Manager's cells.
    pub(super) manager_hidden: usize,
    /// Numbers of w.
    pub(super) actions: usize,
}

const MANAGER: [&str; 6] = [
    "lstm.weight_ih_l0",
    "lstm.weight_hh_l0",
    "lstm.bias_ih_l0",
    "lstm.bias_hh_l0",
    "goal.weight",
    "goal.bias",
];

const WORKER: [&str; 9] = [
    "embedding.weight",
    "lstm.weight_ih_l0",
    "lstm.weight_hh_l0",
    "lstm.bias_ih_l0",
    "lstm.bias_hh_l0",
    "output.weight",
    "output.bias",
    "first_goal",
    "goal_embedding.weight",
];

/// All tensors, in the order of their names.
pub(super) struct Vars {
    manager: Vec<Var>,
    worker: Vec<Var>,
}

/// All numbers.
pub(super) struct Numbers<'a, T> {
    pub(super) sizes: Sizes,
    pub(super) settings: GoalSettings,
    pub(super) classifier: &'a ClassifierWeights<'a, T>,
    pub(super) manager: Manager<'a, T>,
    pub(super) worker: Worker<'a, T>,
}

/// From features to goals.
#[derive(Clone, Copy)]
pub(super) struct Manager<'a, T> {
    pub(super) lstm: Lstm<'a, T>,
    /// `[features, manager_hidden]`
    pub(super) goal_weight: &'a [T],
    /// `[features]`
    pub(super) goal_bias: &'a [T],
}

/// From tokens and goals to logits.
#[derive(Clone, Copy)]
pub(super) struct Worker<'a, T> {
    /// `[vocabulary, embedding]`
    pub(super) embedding: &'a [T],
    pub(super) lstm: Lstm<'a, T>,
    /// `[vocabulary, actions · hidden]`
    pub(super) output_weight: &'a [T],
    /// `[vocabulary, actions]`
    pub(super) output_bias: &'a [T],
    /// `[features]`
    pub(super) first_goal: &'a [T],
    /// ψ `[actions, features]`
    pub(super) goal_embedding: &'a [T],
}

impl Vars {
    /// Refuses a missing tensor, and one whose shape doesn't fit the others.
    pub(super) fn new(
        manager: &ParameterStore,
        worker: &ParameterStore,
        classifier: &TextClassifier,
    ) -> Result<(Self, Sizes)> {
        let vars = Self {
            manager: named(manager, "Manager", &MANAGER)?,
            worker: named(worker, "Worker", &WORKER)?,
        };
        let (vocabulary, embedding) = vars.worker[0].dims2()?;
        let sizes = Sizes {
            vocabulary,
            embedding,
            features: classifier.features(),
            hidden: vars.worker[2].dims2()?.1,
            manager_hidden: vars.manager[1].dims2()?.1,
            actions: vars.worker[8].dims2()?.0,
        };
        let numbers = [embedding, sizes.hidden, sizes.manager_hidden, sizes.actions];
        if vocabulary == 0 || numbers.contains(&0) {
            candle_core::bail!("a language model of the sizes {sizes:?}: all must be above 0");
        }
        if vocabulary > classifier.vocabulary() {
            let known = classifier.vocabulary();
            candle_core::bail!("a vocabulary of {vocabulary}, of which the classifier has {known}");
        }
        vars.check(sizes, classifier.parameters())?;
        Ok((vars, sizes))
    }

    fn check(&self, sizes: Sizes, other: &ParameterStore) -> Result<()> {
        let of_lstm = |inputs, hidden| {
            let gates = GATES * hidden;
            let weights = [vec![gates, inputs], vec![gates, hidden]];
            weights.into_iter().chain([vec![gates], vec![gates]])
        };
        let Sizes {
            features,
            vocabulary,
            hidden,
            actions,
            ..
        } = sizes;
        let manager = of_lstm(features, sizes.manager_hidden)
            .chain([vec![features, sizes.manager_hidden], vec![features]]);
        let outputs = vocabulary * actions;
        let worker = std::iter::once(vec![vocabulary, sizes.embedding])
            .chain(of_lstm(sizes.embedding, hidden))
            .chain([vec![outputs, hidden], vec![outputs]])
            .chain([vec![features], vec![actions, features]]);
        let manager = MANAGER.iter().zip(&self.manager).zip(manager);
        let worker = WORKER.iter().zip(&self.worker).zip(worker);
        for ((name, var), shape) in manager.chain(worker) {
            if var.dims() != shape || var.dtype() != other.dtype() {
                let (found, of) = (var.dims(), var.dtype());
                let expected = other.dtype();
                candle_core::bail!(
                    "{name} has shape {found:?} of {of:?}, expected {shape:?} of {expected:?}"
                );
            }
        }
        Ok(())
    }

    /// Calls `read` with all numbers, which are locked for reading meanwhile.
    pub(super) fn with<T: Element, R>(
        &self,
        sizes: Sizes,
        settings: GoalSettings,
        classifier: &ClassifierWeights<'_, T>,
        read: impl FnOnce(&Numbers<'_, T>) -> Result<R>,
    ) -> Result<R> {
        let tensors = self.manager.iter().chain(&self.worker);
        let tensors: Vec<&Tensor> = tensors.map(Var::as_tensor).collect();
        with_slices::<T, _>(&tensors, |slices| {
            let (manager, worker) = slices.split_at(MANAGER.len());
            let biases = [sum(manager[2], manager[3]), sum(worker[3], worker[4])];
            read(&Numbers {
                sizes,
                settings,
                classifier,
                manager: Manager {
                    lstm: lstm(manager, &biases[0], [sizes.features, sizes.manager_hidden]),
                    goal_weight: manager[4],
                    goal_bias: manager[5],
                },
                worker: Worker {
                    embedding: worker[0],
                    lstm: lstm(&worker[1..], &biases[1], [sizes.embedding, sizes.hidden]),
                    output_weight: worker[5],
                    output_bias: worker[6],
                    first_goal: worker[7],
                    goal_embedding: worker[8],
                },
            })
        })
    }

    /// Calls `visit` with each of the Manager's tensors and its gradient, which come in the order of the names.
    pub(super) fn pass_on_manager<T: Element>(
        &self,
        gradients: [Vec<T>; MANAGER.len()],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        pass_on(&self.manager, gradients, visit)
    }

    /// The same of the Worker's.
    pub(super) fn pass_on_worker<T: Element>(
        &self,
        gradients: [Vec<T>; WORKER.len()],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        pass_on(&self.worker, gradients, visit)
    }
}

fn named(parameters: &ParameterStore, whose: &str, names: &[&str]) -> Result<Vec<Var>> {
    let all = parameters.all();
    let get = |name: &&str| match all.iter().find(|parameter| parameter.name == **name) {
        Some(parameter) => Ok(parameter.var.clone()),
        None => candle_core::bail!("the {whose}'s tensor {name} is missing"),
    };
    names.iter().map(get).collect()
}

/// A layer of two weights and the sum of its biases.
fn lstm<'a, T>(weights: &[&'a [T]], bias: &'a [T], [inputs, hidden]: [usize; 2]) -> Lstm<'a, T> {
    Lstm {
        weight_ih: weights[0],
        weight_hh: weights[1],
        bias,
        inputs,
        hidden,
    }
}

fn sum<T: Element>(a: &[T], b: &[T]) -> Vec<T> {
    a.iter().zip(b).map(|(a, b)| *a + *b).collect()
}

fn pass_on<T: Element>(
    vars: &[Var],
    gradients: impl IntoIterator<Item = Vec<T>>,
    visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<()> {
    for (var, gradient) in vars.iter().zip(gradients) {
        visit(var, &Tensor::from_vec(gradient, var.shape(), &Device::Cpu)?)?;
    }
    Ok(())
}
