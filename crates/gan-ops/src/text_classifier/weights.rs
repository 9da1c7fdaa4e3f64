//! The tensors of a text classifier, under PyTorch's names.

use crate::element::{Element, with_slices};
use candle_core::{Device, Result, Tensor, Var};
use gan_core::ParameterStore;

/// A convolution over so many tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kernel {
    pub(crate) width: usize,
    pub(crate) filters: usize,
}

/// How many numbers stand for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) vocabulary: usize,
    /// Numbers that stand for a token, in all representations.
    pub(crate) embedding: usize,
    pub(crate) representations: usize,
    pub(crate) kernels: Vec<Kernel>,
    /// The outputs of a layer before the last, if there is one.
    pub(crate) hidden: Option<usize>,
}

impl Sizes {
    /// Numbers that stand for a token in one representation.
    pub(crate) fn width(&self) -> usize {
        self.embedding / self.representations
    }

    /// All filters: the numbers that stand for a sequence.
    pub(crate) fn features(&self) -> usize {
        self.kernels.iter().map(|kernel| kernel.filters).sum()
    }

    pub(crate) fn widest(&self) -> usize {
        let widths = self.kernels.iter().map(|kernel| kernel.width);
        widths.max().unwrap_or_default()
    }
}

/// All tensors: the embedding, weight and bias of each convolution, of the highway's two layers, of a hidden layer, of
/// the last.
pub(crate) struct WeightVars(Vec<Var>);

/// A weight `[outputs, inputs]` and its bias.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a, T> {
    pub(crate) weight: &'a [T],
    pub(crate) bias: &'a [T],
}

/// The numbers of all tensors.
pub(crate) struct Weights<'a, T> {
    pub(crate) sizes: &'a Sizes,
    /// `[vocabulary, embedding]`
    pub(crate) embedding: &'a [T],
    /// `[filters, tokens · width]`
    pub(crate) convolutions: Vec<Layer<'a, T>>,
    pub(crate) transform: Layer<'a, T>,
    pub(crate) gate: Layer<'a, T>,
    pub(crate) hidden: Option<Layer<'a, T>>,
    pub(crate) output: Layer<'a, T>,
}

impl WeightVars {
    /// Refuses a missing tensor, and one whose shape doesn't fit the others.
    pub(crate) fn new(parameters: &ParameterStore) -> Result<(Self, Sizes)> {
        let all = parameters.all();
        let find = |name: &str| {
            let found = all.iter().find(|parameter| parameter.name == name);
            found.map(|parameter| parameter.var.clone())
        };
        let get = |name: &str| match find(name) {
            Some(var) => Ok(var),
            None => candle_core::bail!("the tensor {name} of the text classifier is missing"),
        };
        let table = get("embedding.weight")?;
        let (vocabulary, embedding) = table.dims2()?;
        let (mut vars, mut expected) = (vec![table], vec![vec![vocabulary, embedding]]);
        let mut names = vec!["embedding.weight".to_string()];
        let (mut kernels, mut share) = (Vec::new(), embedding);
        while let Some(weight) = find(&format!("convolutions.{}.weight", kernels.len())) {
            let (filters, _, width, numbers) = weight.dims4()?;
            if kernels.is_empty() && numbers > 0 && embedding.is_multiple_of(numbers) {
                share = numbers;
            }
            let name = format!("convolutions.{}", kernels.len());
            names.extend([format!("{name}.weight"), format!("{name}.bias")]);
            vars.extend([weight, get(&format!("{name}.bias"))?]);
            expected.extend([vec![filters, 1, width, share], vec![filters]]);
            kernels.push(Kernel { width, filters });
        }
        let sizes = Sizes {
            vocabulary,
            embedding,
            representations: embedding / share.max(1),
            kernels,
            hidden: find("hidden.weight").map(|weight| weight.dims().first().copied().unwrap_or(0)),
        };
        let features = sizes.features();
        let highway = ["highway.transform", "highway.gate"].map(|name| (name, features, features));
        let hidden = sizes.hidden.map(|outputs| ("hidden", outputs, features));
        let output = ("output", 1, sizes.hidden.unwrap_or(features));
        for (layer, outputs, inputs) in highway.into_iter().chain(hidden).chain([output]) {
            for (part, shape) in [("weight", vec![outputs, inputs]), ("bias", vec![outputs])] {
                let name = format!("{layer}.{part}");
                vars.push(get(&name)?);
                names.push(name);
                expected.push(shape);
            }
        }
        for ((name, var), shape) in names.iter().zip(&vars).zip(expected) {
            if var.dims() != shape || var.dtype() != parameters.dtype() || var.elem_count() == 0 {
                let (found, of) = (var.dims(), var.dtype());
                let expected = parameters.dtype();
                candle_core::bail!(
                    "{name} has shape {found:?} of {of:?}, expected {shape:?} of {expected:?}"
                );
            }
        }
        Ok((Self(vars), sizes))
    }

    /// The rows that stand for tokens.
    pub(crate) fn embedding(&self) -> &Tensor {
        self.0[0].as_tensor()
    }

    /// Calls `read` with all numbers, which are locked for reading meanwhile.
    pub(crate) fn with<T: Element, R>(
        &self,
        sizes: &Sizes,
        read: impl FnOnce(&Weights<'_, T>) -> Result<R>,
    ) -> Result<R> {
        let tensors: Vec<&Tensor> = self.0.iter().map(Var::as_tensor).collect();
        with_slices::<T, _>(&tensors, |slices| {
            let layers = slices[1..].chunks_exact(2).map(|pair| Layer {
                weight: pair[0],
                bias: pair[1],
            });
            let mut layers: Vec<_> = layers.collect();
            let last = layers.split_off(sizes.kernels.len());
            let [transform, gate, ref hidden @ .., output] = last[..] else {
                candle_core::bail!("a text classifier without its last layers");
            };
            read(&Weights {
                sizes,
                embedding: slices[0],
                convolutions: layers,
                transform,
                gate,
                hidden: hidden.first().copied(),
                output,
            })
        })
    }

    /// Calls `visit` with each tensor and its gradient, which come in the order of the tensors.
    pub(crate) fn pass_on<T: Element>(
        &self,
        gradients: Vec<Vec<T>>,
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        for (var, gradient) in self.0.iter().zip(gradients) {
            visit(var, &Tensor::from_vec(gradient, var.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }
}
