//! The Adam update, in place (Kingma & Ba, 2015).

use crate::composed;
use crate::element::{Element, elements, for_element};
use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, Var};

/// One step's numbers.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// The number of this step, from 1.
    pub step: u64,
}

impl AdamStep {
    /// lr / (1 − β₁ᵗ), the step size with the first moment's bias taken out.
    pub(crate) fn step_size(&self) -> f64 {
        self.lr / (1.0 - self.beta1.powf(self.step as f64))
    }

    /// √(1 − β₂ᵗ), what the root of the second moment is divided by.
    pub(crate) fn root_correction(&self) -> f64 {
        (1.0 - self.beta2.powf(self.step as f64)).sqrt()
    }
}

/// Moves `theta` by one step and its two moments `m` and `v` with it, all of one shape:
///
/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g²,
/// θ ← θ − lr / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + eps), PyTorch's order of operations.
///
/// # Errors
/// When the shapes or element types differ.
pub fn adam_step(theta: &Var, gradient: &Tensor, m: &Var, v: &Var, step: &AdamStep) -> Result<()> {
    for (name, tensor) in [("gradient", gradient), ("m", m), ("v", v)] {
        if tensor.dims() != theta.dims() {
            let (found, expected) = (tensor.dims(), theta.dims());
            candle_core::bail!("adam: {name} has shape {found:?}, the parameter {expected:?}");
        }
    }
    if !theta.device().is_cpu() {
        return composed::adam_step(theta, gradient, m, v, step);
    }
    let gradient = gradient.contiguous()?;
    m.inplace_op2(&gradient, &FirstMoment { beta: step.beta1 })?;
    v.inplace_op2(&gradient, &SecondMoment { beta: step.beta2 })?;
    theta.inplace_op3(m, v, step)
}

struct FirstMoment {
    beta: f64,
}

impl InplaceOp2 for FirstMoment {
    fn name(&self) -> &'static str {
        "adam_first_moment"
    }

    fn cpu_fwd(&self, m: &mut CpuStorage, ml: &Layout, g: &CpuStorage, gl: &Layout) -> Result<()> {
        for_element!(g, self.name(), first_moment, (self.beta, m, ml, g, gl))
    }
}

fn first_moment<T: Element + Slice>(
    beta: f64,
    m: &mut CpuStorage,
    m_layout: &Layout,
    g: &CpuStorage,
    g_layout: &Layout,
) -> Result<()> {
    let (keep, take) = (T::from_f64(beta), T::from_f64(1.0 - beta));
    let g = elements::<T>(g, g_layout)?;
    let pairs = T::elements_mut(m, m_layout)?.iter_mut().zip(g);
    pairs.for_each(|(m, g)| *m = keep * *m + take * *g);
    Ok(())
}

struct SecondMoment {
    beta: f64,
}

impl InplaceOp2 for SecondMoment {
    fn name(&self) -> &'static str {
        "adam_second_moment"
    }

    fn cpu_fwd(&self, v: &mut CpuStorage, vl: &Layout, g: &CpuStorage, gl: &Layout) -> Result<()> {
        for_element!(g, self.name(), second_moment, (self.beta, v, vl, g, gl))
    }
}

fn second_moment<T: Element + Slice>(
    beta: f64,
    v: &mut CpuStorage,
    v_layout: &Layout,
    g: &CpuStorage,
    g_layout: &Layout,
) -> Result<()> {
    let (keep, take) = (T::from_f64(beta), T::from_f64(1.0 - beta));
    let g = elements::<T>(g, g_layout)?;
    let pairs = T::elements_mut(v, v_layout)?.iter_mut().zip(g);
    pairs.for_each(|(v, g)| *v = keep * *v + take * *g * *g);
    Ok(())
}

impl InplaceOp3 for AdamStep {
    fn name(&self) -> &'static str {
        "adam_step"
    }

    fn cpu_fwd(
        &self,
        theta: &mut CpuStorage,
        theta_layout: &Layout,
        m: &CpuStorage,
        m_layout: &Layout,
        v: &CpuStorage,
        v_layout: &Layout,
    ) -> Result<()> {
        let (m, v) = ((m, m_layout), (v, v_layout));
        for_element!(m.0, "adam_step", descend, (self, theta, theta_layout, m, v))
    }
}

fn descend<T: Element + Slice>(
    step: &AdamStep,
    theta: &mut CpuStorage,
    theta_layout: &Layout,
    m: (&CpuStorage, &Layout),
    v: (&CpuStorage, &Layout),
) -> Result<()> {
    let (size, eps) = (T::from_f64(step.step_size()), T::from_f64(step.eps));
    let correction = T::from_f64(step.root_correction());
    let moments = elements::<T>(m.0, m.1)?
        .iter()
        .zip(elements::<T>(v.0, v.1)?);
    for (theta, (m, v)) in T::elements_mut(theta, theta_layout)?
        .iter_mut()
        .zip(moments)
    {
        *theta -= size * *m / (v.sqrt() / correction + eps);
    }
    Ok(())
}

/// Write access to the numbers of a contiguous tensor.
trait Slice: Sized {
    fn elements_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [Self]>;
}

macro_rules! slice {
    ($float:ty, $variant:ident) => {
        impl Slice for $float {
            fn elements_mut<'a>(
                storage: &'a mut CpuStorage,
                layout: &Layout,
            ) -> Result<&'a mut [Self]> {
                match (storage, layout.contiguous_offsets()) {
                    (CpuStorage::$variant(values), Some((start, end))) => {
                        Ok(&mut values[start..end])
                    }
                    _ => candle_core::bail!(
                        "adam: parameter, moments and gradient must be contiguous and of one type"
                    ),
                }
            }
        }
    };
}
slice!(f32, F32);
slice!(f64, F64);
