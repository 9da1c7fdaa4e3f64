//! `cpu`, `cuda` or `cuda:N` → a device.

use crate::RunError;
use candle_core::Device;

/// The device with that name.
///
/// # Errors
/// When there is no such name, or the device cannot be opened.
pub fn device(name: &str) -> Result<Device, RunError> {
    let ordinal = match name.split_once(':') {
        None if name == "cpu" => return Ok(Device::Cpu),
        None if name == "cuda" => Some(0),
        Some(("cuda", ordinal)) => ordinal.parse().ok(),
        _ => None,
    };
    let Some(ordinal) = ordinal else {
        let text = format!("device is `{name}`, expected `cpu`, `cuda` or `cuda:N`");
        return Err(RunError::Refused(text));
    };
    if !cfg!(feature = "cuda") {
        let text = format!(
            "device is `{name}`, but this program was built without CUDA; build it with `feature cuda`"
        );
        return Err(RunError::Refused(text));
    }
    Device::new_cuda(ordinal)
        .map_err(|error| RunError::Refused(format!("device `{name}` cannot be opened: {error}")))
}
