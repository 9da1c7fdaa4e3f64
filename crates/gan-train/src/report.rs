//! The figures of one training step.

/// The figures of one step. Those of the discriminator are from before its update.
#[derive(Clone, Copy, Debug)]
pub struct StepReport {
    /// The step's number, from 0.
    pub step: u64,
    /// Real images seen so far, this batch included.
    pub images_seen: u64,
    /// The discriminator's loss.
    pub discriminator_loss: f64,
    /// The generator's loss.
    pub generator_loss: f64,
    /// The mean of D(x) over the real images, in [0, 1]; the theory's equilibrium is 1/2.
    pub d_real: f64,
    /// The mean of D(G(z)) over the generated images, in [0, 1]; the theory's equilibrium is 1/2.
    pub d_fake: f64,
    /// V(D, G) = E ln D(x) + E ln(1 − D(G(z))), never positive; −ln 4 at the theory's equilibrium.
    pub value: f64,
}
