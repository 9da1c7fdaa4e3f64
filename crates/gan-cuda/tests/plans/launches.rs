//! What a step asks of a GPU, in which memory and in which order.

use crate::plan;
use gan_cuda::Launch;
use gan_models::{Architecture, ArchitectureKind, ModelConfig};
use gan_train::TrainConfig;

fn of(kind: ArchitectureKind) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::default_of(kind),
        ..ModelConfig::default()
    }
}

/// The most launches of which each must wait for the one before.
fn depth(launches: &[Launch]) -> usize {
    let mut depths: Vec<usize> = Vec::new();
    for (index, launch) in launches.iter().enumerate() {
        let before = (0..index).filter(|earlier| launch.depends_on(&launches[*earlier]));
        let most = before.map(|earlier| depths[earlier]).max();
        depths.push(1 + most.unwrap_or(0));
    }
    depths.into_iter().max().unwrap_or(0)
}

/// ARCHITECTURE.md counts them: they, not the arithmetic, limit a step of small perceptrons.
#[test]
fn the_tutorials_step_has_few_kernels_that_wait_for_each_other() {
    let plan = plan(&ModelConfig::default(), &TrainConfig::default());
    let [with_generator, _] = &plan.sequences;
    assert_eq!(depth(with_generator), 19);
    assert!(with_generator.len() < 60, "{}", with_generator.len());
}

#[test]
fn a_step_that_moves_the_discriminator_alone_is_shorter() {
    let plan = plan(&ModelConfig::default(), &TrainConfig::default());
    let [with_generator, alone] = &plan.sequences;
    assert!(alone.len() < with_generator.len() && depth(alone) < depth(with_generator));
}

#[test]
fn every_launch_lies_in_the_memory_and_has_work() {
    for kind in [
        ArchitectureKind::Mlp,
        ArchitectureKind::Dcgan,
        ArchitectureKind::Residual,
        ArchitectureKind::Maxout,
    ] {
        let plan = plan(&of(kind), &TrainConfig::default());
        for launch in plan.sequences.iter().flatten() {
            assert!(launch.grid.iter().all(|blocks| *blocks > 0), "{launch:?}");
            assert!((32..=1024).contains(&launch.module.threads));
            assert!(launch.shared_bytes <= 48 << 10, "{launch:?}");
            for (place, _) in launch.places() {
                assert!(place.offset + place.bytes <= plan.bytes, "{launch:?}");
                assert!(place.offset.is_multiple_of(4));
            }
        }
    }
}
