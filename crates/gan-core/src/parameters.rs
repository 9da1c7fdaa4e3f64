//! A network's tensors, by name, in the order in which they were made.

use crate::normal::standard_normal;
use candle_core::{DType, Device, Error, Result, Shape, Tensor, Var};
use candle_nn::var_builder::SimpleBackend;
use candle_nn::{Init, VarBuilder};
use rand::distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether a tensor is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Updated by the optimizer.
    Trainable,
    /// Part of the state, but not trained: batch normalization's running statistics, the vectors of
    /// spectral normalization. PyTorch's `register_buffer`.
    Buffer,
}

impl ParameterKind {
    /// A guess for a tensor of a weights file, which does not say which of its tensors are buffers: the
    /// names of the buffers of this project's layers and of PyTorch's batch normalization. Where there is
    /// a [`ParameterStore`], its [`Parameter::kind`] is certain.
    pub fn guess_from_name(name: &str) -> Self {
        match name.rsplit('.').next() {
            Some("running_mean" | "running_var" | "weight_u" | "dropout_count") => Self::Buffer,
            _ => Self::Trainable,
        }
    }
}

/// A named tensor of a network.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The name that PyTorch's `state_dict` gives it, such as `model.0.weight`.
    pub name: String,
    /// Its value; clones share it.
    pub var: Var,
    /// Whether it is trained.
    pub kind: ParameterKind,
}

/// A network's tensors. Clones share them.
///
/// Networks are built through candle's [`VarBuilder`], so that any layer of candle-nn can be
/// part of one. A tensor is created when a layer first asks for it, with the layer's initialisation
/// and the store's own seeded random numbers, equal on every device. It is trainable unless
/// [`buffer`](Self::buffer) says that it is not.
#[derive(Clone)]
pub struct ParameterStore {
    inner: Arc<Mutex<Inner>>,
    dtype: DType,
    device: Device,
}

struct Inner {
    parameters: Vec<Parameter>,
    rng: ChaCha8Rng,
    /// How many more values may be created.
    room: usize,
}

impl ParameterStore {
    /// An empty store of tensors of `dtype` (f32 or f64) on `device`.
    pub fn new(rng: ChaCha8Rng, dtype: DType, device: &Device) -> Self {
        let parameters = Vec::new();
        Self {
            inner: Arc::new(Mutex::new(Inner {
                parameters,
                rng,
                room: usize::MAX,
            })),
            dtype,
            device: device.clone(),
        }
    }

    /// The store, limited to `values` more values: a layer that asks for a tensor beyond them gets an
    /// error before memory is allocated. So a network whose sizes come from an untrusted file takes no
    /// more than `values` values and a copy of one tensor.
    pub fn holding_at_most(self, values: usize) -> Self {
        self.lock().room = values;
        self
    }

    /// The builder through which layers create their tensors.
    pub fn builder(&self) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), self.dtype, self.device.clone())
    }

    /// The element type of the tensors.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The device of the tensors.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All tensors, in the order of their creation.
    pub fn all(&self) -> Vec<Parameter> {
        self.lock().parameters.clone()
    }

    /// The tensors that an optimizer updates.
    pub fn trainable(&self) -> Vec<Parameter> {
        let mut parameters = self.all();
        parameters.retain(|p| p.kind == ParameterKind::Trainable);
        parameters
    }

    /// The number of trainable values.
    pub fn trainable_count(&self) -> usize {
        let parameters = self.trainable();
        parameters.iter().map(|p| p.var.elem_count()).sum()
    }

    /// Declares that the tensor `name` is a buffer, and creates it with `init` if no layer has. `name` is the
    /// full name, such as `model.1.running_mean`; a layer that asks for it later gets this tensor.
    ///
    /// # Errors
    /// When the tensor exists with another shape, or there is no room for it.
    pub fn buffer(&self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Var> {
        let (dtype, device) = (self.dtype, &self.device);
        self.get(shape.into(), name, init, dtype, device)?;
        let mut inner = self.lock();
        for parameter in inner.parameters.iter_mut().filter(|p| p.name == name) {
            parameter.kind = ParameterKind::Buffer;
        }
        drop(inner);
        Ok(self.find(name)?.var)
    }

    /// A store with copies of all tensors under the same names and of the same kinds. Layers that are made
    /// through its [`builder`](Self::builder) get these, so a network that is built again from it, as it was
    /// from this store, has the same values and shares none.
    ///
    /// # Errors
    /// When a tensor cannot be copied.
    pub fn copy(&self) -> Result<Self> {
        let inner = self.lock();
        let copy = |parameter: &Parameter| {
            Ok(Parameter {
                name: parameter.name.clone(),
                var: Var::from_tensor(&parameter.var.as_detached_tensor())?,
                kind: parameter.kind,
            })
        };
        let parameters = inner.parameters.iter().map(copy);
        Ok(Self {
            inner: Arc::new(Mutex::new(Inner {
                parameters: parameters.collect::<Result<_>>()?,
                rng: inner.rng.clone(),
                room: inner.room,
            })),
            dtype: self.dtype,
            device: self.device.clone(),
        })
    }

    /// Sets one tensor, converting type and device.
    ///
    /// # Errors
    /// When there is no tensor of that name, or it has another shape.
    pub fn set(&self, name: &str, value: &Tensor) -> Result<()> {
        let parameter = self.find(name)?;
        if parameter.var.dims() != value.dims() {
            candle_core::bail!(
                "{name} has shape {:?} and cannot be set to a tensor of shape {:?}",
                parameter.var.dims(),
                value.dims()
            );
        }
        let value = value.to_dtype(self.dtype)?.to_device(&self.device)?;
        parameter.var.set(&value)
    }

    fn find(&self, name: &str) -> Result<Parameter> {
        let inner = self.lock();
        let found = inner.parameters.iter().find(|p| p.name == name);
        found.cloned().ok_or_else(|| {
            Error::CannotFindTensor {
                path: name.to_string(),
            }
            .bt()
        })
    }

    /// A panic while the lock is held leaves the list valid, so a poisoned lock is not an error.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The number of values of a tensor, which it subtracts from the room.
    fn take_room(&mut self, name: &str, shape: &Shape) -> Result<usize> {
        let dims = shape.dims().iter();
        let count = dims.copied().try_fold(1, usize::checked_mul);
        let Some(room) = count.and_then(|count| self.room.checked_sub(count)) else {
            let room = self.room;
            candle_core::bail!(
                "{name} has shape {shape:?}, but only {room} more values are allowed"
            );
        };
        let taken = self.room - room;
        self.room = room;
        Ok(taken)
    }
}

impl SimpleBackend for ParameterStore {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        if self.contains_tensor(name) {
            let var = self.find(name)?.var;
            if var.shape() != &shape {
                candle_core::bail!("{name} has shape {:?}, expected {shape:?}", var.shape());
            }
            return Ok(var.as_tensor().clone());
        }
        let mut inner = self.lock();
        let count = inner.take_room(name, &shape)?;
        let values = initial_values(count, &shape, init, &mut inner.rng);
        let values = Tensor::from_vec(values, shape, &Device::Cpu)?;
        let var = Var::from_tensor(&values.to_dtype(dtype)?.to_device(device)?)?;
        let tensor = var.as_tensor().clone();
        inner.parameters.push(Parameter {
            kind: ParameterKind::Trainable,
            name: name.to_string(),
            var,
        });
        Ok(tensor)
    }

    fn get_unchecked(&self, name: &str, _dtype: DType, _device: &Device) -> Result<Tensor> {
        Ok(self.find(name)?.var.as_tensor().clone())
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.lock().parameters.iter().any(|p| p.name == name)
    }
}

/// Values in f32, so that a network starts from the same numbers in every element type.
fn initial_values(count: usize, shape: &Shape, init: Init, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut normal = |mean: f64, stdev: f64| -> Vec<f32> {
        let draws = standard_normal(count, rng).into_iter();
        draws
            .map(|z| (mean + stdev * f64::from(z)) as f32)
            .collect()
    };
    match init {
        Init::Const(value) => vec![value as f32; count],
        Init::Randn { mean, stdev } => normal(mean, stdev),
        Init::Uniform { lo, up } => uniform(count, lo, up, rng),
        Init::Kaiming {
            dist,
            fan,
            non_linearity,
        } => {
            let stdev = non_linearity.gain() / (fan.for_shape(shape) as f64).sqrt();
            match dist {
                candle_nn::init::NormalOrUniform::Normal => normal(0.0, stdev),
                candle_nn::init::NormalOrUniform::Uniform => {
                    let bound = 3f64.sqrt() * stdev;
                    uniform(count, -bound, bound, rng)
                }
            }
        }
    }
}

fn uniform(count: usize, low: f64, high: f64, rng: &mut ChaCha8Rng) -> Vec<f32> {
    match Uniform::new_inclusive(low as f32, high as f32) {
        Ok(distribution) => distribution.sample_iter(rng).take(count).collect(),
        // An empty or non-finite range, such as that of a layer without inputs: there is nothing to draw.
        Err(_) => vec![low as f32; count],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    fn store() -> ParameterStore {
        let rng = Seed(0).rng(Purpose::GeneratorInit, 0);
        ParameterStore::new(rng, DType::F32, &Device::Cpu)
    }

    fn names(parameters: &[Parameter]) -> Vec<&str> {
        parameters.iter().map(|p| p.name.as_str()).collect()
    }

    #[test]
    fn a_copy_gives_a_layer_the_same_values_and_shares_none() {
        let store = store();
        let layer = |store: &ParameterStore| {
            let layer = candle_nn::linear(3, 2, store.builder().pp("layer")).unwrap();
            layer.weight().to_vec2::<f32>().unwrap()
        };
        let values = layer(&store);
        store.buffer("count", 1, Init::Const(4.0)).unwrap();
        let copy = store.copy().unwrap();
        assert_eq!(layer(&copy), values);
        let kinds = |store: &ParameterStore| {
            let all = store.all().into_iter();
            all.map(|p| (p.name, p.kind)).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&copy), kinds(&store));
        let zeros = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        store.set("layer.weight", &zeros).unwrap();
        assert_eq!(layer(&store), [[0.0; 3]; 2]);
        assert_eq!(layer(&copy), values);
    }

    #[test]
    fn a_buffer_is_part_of_the_state_but_not_trainable() {
        let store = store();
        let count = store.buffer("model.count", (), Init::Const(3.0)).unwrap();
        store.builder().pp("model").get(2, "weight").unwrap();
        assert_eq!(count.to_scalar::<f32>().unwrap(), 3.0);
        assert_eq!(names(&store.all()), ["model.count", "model.weight"]);
        assert_eq!(names(&store.trainable()), ["model.weight"]);
        assert!(store.buffer("model.count", 2, Init::Const(0.0)).is_err());
    }

    /// candle-nn's layers ask for their buffers through the builder, which cannot tell them apart.
    #[test]
    fn a_layer_shares_the_tensor_of_a_declared_buffer_whichever_comes_first() {
        for declared_first in [true, false] {
            let store = store();
            let declare = || store.buffer("norm.mean", 2, Init::Const(0.5)).unwrap();
            let layer = || store.builder().pp("norm").get(2, "mean").unwrap();
            let (buffer, tensor) = if declared_first {
                let buffer = declare();
                (buffer, layer())
            } else {
                let tensor = layer();
                (declare(), tensor)
            };
            assert_eq!(buffer.id(), tensor.id());
            assert!(store.trainable().is_empty());
        }
    }
}
