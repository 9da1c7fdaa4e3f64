//! `cpu`, `cuda` or `cuda:N` → a device.

use crate::exit::WrongUse;
use anyhow::{Context, Result};
use candle_core::Device;

/// The device with that name.
pub(crate) fn device(name: &str) -> Result<Device> {
    let ordinal = match name.split_once(':') {
        None if name == "cpu" => return Ok(Device::Cpu),
        None if name == "cuda" => Some(0),
        Some(("cuda", ordinal)) => ordinal.parse().ok(),
        _ => None,
    };
    let Some(ordinal) = ordinal else {
        let text = format!("device is `{name}`, expected `cpu`, `cuda` or `cuda:N`");
        return Err(WrongUse(text).into());
    };
    if !cfg!(feature = "cuda") {
        let text = format!(
            "device is `{name}`, but this program was built without CUDA; run \
             `cargo run --release -p gan-cli --features cuda -- …` instead \
             (`cargo xtask cuda check` says what that build needs)"
        );
        return Err(WrongUse(text).into());
    }
    Device::new_cuda(ordinal).context(WrongUse(format!(
        "device `{name}` cannot be opened; `cargo xtask cuda check` says what is missing"
    )))
}
