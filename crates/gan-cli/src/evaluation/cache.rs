//! What was computed of a data set once and need not be again: features, distances, controls.

use anyhow::Result;
use candle_core::{DType, Device, Tensor};
use gan_core::Weights;
use gan_metrics::{Features, Metric, NearestNeighbors, Score};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Grows when scores are computed otherwise, so that old files are not taken for new.
const PROTOCOL: u32 = 1;

/// A file beside the data set, found by a hash of all that its contents depend on.
#[derive(Debug)]
pub(crate) struct Cache {
    path: PathBuf,
    weights: Weights,
    facts: Facts,
    changed: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Facts {
    /// Scores by control and family.
    controls: BTreeMap<String, BTreeMap<Metric, Vec<Score>>>,
}

impl Cache {
    /// What is there for the data set in `folder`; nothing where there is no file or none that can
    /// be read. `determined_by` names all that the contents depend on.
    pub(crate) fn open(folder: &Path, determined_by: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(PROTOCOL.to_le_bytes());
        for part in determined_by {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        let digest = hasher.finalize();
        let key: String = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let path = folder
            .with_file_name(".evaluation-cache")
            .join(format!("{name}-{key}.safetensors"));
        let weights = Weights::read(&path).unwrap_or_default();
        let facts = serde_json::from_str(&weights.metadata).unwrap_or_default();
        Self {
            path,
            weights,
            facts,
            changed: false,
        }
    }

    /// `[n, width]` features that were kept; none where they are not `count` rows.
    pub(crate) fn features(&self, name: &str, of: &str, count: usize) -> Option<Features> {
        let tensor = self.weights.tensors.get(name)?;
        let width = tensor.dims2().ok().filter(|(n, _)| *n == count)?.1;
        let values = tensor
            .to_dtype(DType::F64)
            .ok()?
            .flatten_all()
            .ok()?
            .to_vec1()
            .ok()?;
        Features::new(of, values, width).ok()
    }

    /// Keeps features, which a network made and are therefore f32.
    pub(crate) fn keep_features(&mut self, name: &str, features: &Features) -> Result<()> {
        let values: Vec<f32> = features
            .values()
            .iter()
            .map(|value| *value as f32)
            .collect();
        let shape = (features.count(), features.dimensions());
        self.keep(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
        Ok(())
    }

    /// Neighbours that were kept; none where they are not of `count` images.
    pub(crate) fn neighbors(&self, name: &str, count: usize) -> Option<NearestNeighbors> {
        let tensor = |part: &str| self.weights.tensors.get(&format!("{name}.{part}"));
        let rows: Vec<i64> = tensor("rows")?.to_vec1().ok()?;
        let distances: Vec<f64> = tensor("distances")?.to_vec1().ok()?;
        let rows: Vec<usize> = rows
            .into_iter()
            .filter_map(|row| row.try_into().ok())
            .collect();
        (rows.len() == count && distances.len() == count)
            .then_some(NearestNeighbors { rows, distances })
    }

    pub(crate) fn keep_neighbors(&mut self, name: &str, found: &NearestNeighbors) -> Result<()> {
        let rows: Vec<i64> = found.rows.iter().map(|row| *row as i64).collect();
        let count = rows.len();
        self.keep(
            &format!("{name}.rows"),
            Tensor::from_vec(rows, count, &Device::Cpu)?,
        );
        let distances = Tensor::from_vec(found.distances.clone(), count, &Device::Cpu)?;
        self.keep(&format!("{name}.distances"), distances);
        Ok(())
    }

    pub(crate) fn control(&self, control: &str, metric: Metric) -> Option<&[Score]> {
        Some(self.facts.controls.get(control)?.get(&metric)?)
    }

    pub(crate) fn keep_control(&mut self, control: &str, metric: Metric, scores: Vec<Score>) {
        let families = self.facts.controls.entry(control.to_string()).or_default();
        families.insert(metric, scores);
        self.changed = true;
    }

    fn keep(&mut self, name: &str, tensor: Tensor) {
        self.weights.tensors.insert(name.to_string(), tensor);
        self.changed = true;
    }

    /// Writes what is new. Where that cannot be, as beside read-only data, the next evaluation
    /// computes it again.
    pub(crate) fn save(&mut self) -> Result<()> {
        if self.changed {
            self.weights.metadata = serde_json::to_string(&self.facts)?;
            match self.weights.write(&self.path) {
                Ok(()) => self.changed = false,
                Err(error) => tracing::info!(%error, "the evaluation's cache is not kept"),
            }
        }
        Ok(())
    }
}
