//! The kernels of a few plans as machine code, where NVRTC can be had.

use crate::plan;
use gan_cuda::{Compiler, CudaError, Module, Places};
use gan_models::{Architecture, DiscriminatorNorm, ModelConfig};
use gan_train::{Augmentation, Precision, TrainConfig};
use std::collections::BTreeSet;
use std::sync::Arc;

fn modules(model: &ModelConfig, config: &TrainConfig) -> BTreeSet<Arc<Module>> {
    let all = plan(model, config).sequences.into_iter().flatten();
    all.map(|launch| launch.module).collect()
}

#[test]
fn kernels_compile_for_two_kinds_of_gpu() {
    let dcgan = ModelConfig {
        architecture: Architecture::Dcgan {
            width: 8,
            discriminator_norm: DiscriminatorNorm::Spectral,
        },
        ..ModelConfig::default()
    };
    let penalized = TrainConfig {
        r1: 1.0,
        precision: Precision::Bf16,
        augmentations: vec![Augmentation::Cutout],
        ema_half_life_images: Some(1000.0),
        gradient_clip: Some(1.0),
        ..TrainConfig::default()
    };
    let mut all = modules(&ModelConfig::default(), &TrainConfig::default());
    all.extend(modules(&dcgan, &penalized));
    for architecture in [80, 90] {
        let compiler = match Compiler::new(&Places::of_this_machine(), 13, architecture, None) {
            Ok(compiler) => compiler,
            Err(CudaError::Missing(text)) => {
                eprintln!(
                    "left out: {} modules for sm_{architecture}: {text}",
                    all.len()
                );
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        for module in &all {
            let compiled = compiler.compile(module).unwrap();
            assert!(compiled.cubin.starts_with(b"\x7fELF"), "{module:?}");
        }
    }
}
