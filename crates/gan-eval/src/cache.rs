//! A cache of what evaluations computed for a data set: features, distances, controls.
//!
//! It is in the user's cache folder, never beside the data, and can be deleted at any time.

use crate::{DataFacts, EvalError, PROTOCOL};
use candle_core::{DType, Device, Tensor};
use gan_core::{Weights, WeightsError, hex};
use gan_metrics::{Features, Metric, NearestNeighbors, Score};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Incremented when features change in their last digits, which is no change of [`PROTOCOL`]: files of another
/// version are not read. 2: the feature network is computed as a graph, in another order of sums.
const FEATURES_VERSION: u32 = 2;

/// The most bytes that all files of the cache take; the oldest are removed first.
const MOST_BYTES: u64 = 1 << 30;

/// What evaluations of one data set save.
#[derive(Debug)]
pub(crate) struct Cache {
    /// For the training images, however many images are scored.
    training: CacheFile<Facts>,
    /// For everything else, which depends on that number.
    scores: CacheFile<Facts>,
}

impl Cache {
    /// Opens the cache for a data set, features with this SHA-256 and `count` scored images.
    pub(crate) fn open(data: &DataFacts, features: &str, count: usize) -> Self {
        let folder = cache_folder();
        let training = [data.training_sha256.as_str(), features];
        let count = count.to_string();
        let held_out = data.held_out_sha256.as_deref().unwrap_or_default();
        let mut scores = [&training[..], &[held_out, &count]].concat();
        // It chooses the Parzen window's width.
        let validation = data.validation_images.to_string();
        if data.validation_images > 0 {
            scores.push(&validation);
        }
        Self {
            training: CacheFile::open(folder.as_deref(), "training", &training),
            scores: CacheFile::open(folder.as_deref(), "scores", &scores),
        }
    }

    /// The cache's path, if it existed or could be written.
    pub(crate) fn folder(&self) -> Option<&Path> {
        let path = self.scores.path.as_deref().filter(|path| path.exists());
        path.and_then(Path::parent)
    }

    /// The saved features `[n, width]`; none if they do not have `count` rows.
    pub(crate) fn features(&self, name: &str, of: &str, count: usize) -> Option<Features> {
        let tensor = self.file(name).weights.tensors.get(name)?;
        let width = tensor.dims2().ok().filter(|(n, _)| *n == count)?.1;
        let values = tensor.to_dtype(DType::F64).ok()?;
        let values = values.flatten_all().ok()?.to_vec1().ok()?;
        Features::new(of, values, width).ok()
    }

    /// Saves features, which are f32 because a network computed them.
    pub(crate) fn keep_features(
        &mut self,
        name: &str,
        features: &Features,
    ) -> Result<(), EvalError> {
        let values = features.values().iter().map(|value| *value as f32);
        let shape = (features.count(), features.dimensions());
        let tensor = Tensor::from_vec(values.collect(), shape, &Device::Cpu)?;
        self.file_mut(name).keep(name, tensor);
        Ok(())
    }

    /// The saved neighbours; none if they are not those of `count` images.
    pub(crate) fn neighbors(&self, name: &str, count: usize) -> Option<NearestNeighbors> {
        let tensor = |part: &str| self.scores.weights.tensors.get(&format!("{name}.{part}"));
        let rows: Vec<i64> = tensor("rows")?.to_vec1().ok()?;
        let distances: Vec<f64> = tensor("distances")?.to_vec1().ok()?;
        let rows: Vec<usize> = rows
            .into_iter()
            .filter_map(|row| row.try_into().ok())
            .collect();
        (rows.len() == count && distances.len() == count)
            .then_some(NearestNeighbors { rows, distances })
    }

    pub(crate) fn keep_neighbors(
        &mut self,
        name: &str,
        found: &NearestNeighbors,
    ) -> Result<(), EvalError> {
        let rows: Vec<i64> = found.rows.iter().map(|row| *row as i64).collect();
        let count = rows.len();
        let rows = Tensor::from_vec(rows, count, &Device::Cpu)?;
        self.scores.keep(&format!("{name}.rows"), rows);
        let distances = Tensor::from_vec(found.distances.clone(), count, &Device::Cpu)?;
        self.scores.keep(&format!("{name}.distances"), distances);
        Ok(())
    }

    pub(crate) fn control(&self, control: &str, metric: Metric) -> Option<&[Score]> {
        Some(self.scores.facts.controls.get(control)?.get(&metric)?)
    }

    pub(crate) fn keep_control(&mut self, control: &str, metric: Metric, scores: Vec<Score>) {
        let controls = &mut self.scores.facts.controls;
        let families = controls.entry(control.to_string()).or_default();
        families.insert(metric, scores);
        self.scores.changed = true;
    }

    /// Writes what is new. If that fails, the next evaluation computes it again.
    pub(crate) fn save(&mut self) -> Result<(), EvalError> {
        self.training.save()?;
        self.scores.save()
    }

    /// Features of the training images have their own file.
    fn file(&self, name: &str) -> &CacheFile<Facts> {
        if name.starts_with("training.") {
            &self.training
        } else {
            &self.scores
        }
    }

    fn file_mut(&mut self, name: &str) -> &mut CacheFile<Facts> {
        if name.starts_with("training.") {
            &mut self.training
        } else {
            &mut self.scores
        }
    }
}

/// A file that is found by a hash of all that its contents depend on.
#[derive(Debug)]
pub(crate) struct CacheFile<F> {
    /// None if there is no place for a cache.
    path: Option<PathBuf>,
    /// Its tensors.
    pub(crate) weights: Weights,
    /// What it holds besides.
    pub(crate) facts: F,
    /// Whether something is not saved yet.
    pub(crate) changed: bool,
}

/// Of a file of tensors alone. Not `()`, which is no JSON object and leaves no room for a checksum.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct NoFacts {}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Facts {
    /// Scores by control and family.
    controls: BTreeMap<String, BTreeMap<Metric, Vec<Score>>>,
}

impl<F: Default + Serialize + DeserializeOwned> CacheFile<F> {
    /// The file's contents; empty if there is no file or it cannot be trusted.
    pub(crate) fn open(folder: Option<&Path>, kind: &str, determined_by: &[&str]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(PROTOCOL.to_le_bytes());
        hasher.update(FEATURES_VERSION.to_le_bytes());
        for part in determined_by {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        let key = hex(&hasher.finalize()[..16]);
        let path = folder.map(|folder| folder.join(format!("{kind}-{key}.safetensors")));
        let weights = match path.as_deref().map(Weights::read_with_checksum) {
            Some(Ok(weights)) => weights,
            Some(Err(error)) if !is_absence(&error) => {
                tracing::warn!(%error, "the evaluation's cache cannot be used; its contents are computed again");
                Weights::default()
            }
            _ => Weights::default(),
        };
        let facts = serde_json::from_str(&weights.metadata).unwrap_or_default();
        Self {
            path,
            weights,
            facts,
            changed: false,
        }
    }

    pub(crate) fn keep(&mut self, name: &str, tensor: Tensor) {
        self.weights.tensors.insert(name.to_string(), tensor);
        self.changed = true;
    }

    /// Writes what is new. If that fails, the next evaluation computes it again.
    pub(crate) fn save(&mut self) -> Result<(), EvalError> {
        let Some(path) = self.path.as_deref().filter(|_| self.changed) else {
            return Ok(());
        };
        self.weights.metadata = serde_json::to_string(&self.facts)?;
        match self.weights.write_with_checksum(path) {
            Ok(()) => {
                self.changed = false;
                if let Some(folder) = path.parent()
                    && let Err(error) = prune(folder, path)
                {
                    tracing::info!(%error, "cannot prune the evaluation's cache");
                }
            }
            Err(error) => tracing::info!(%error, "cannot save the evaluation's cache"),
        }
        Ok(())
    }
}

fn is_absence(error: &WeightsError) -> bool {
    matches!(error, WeightsError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

/// The user's cache folder: `$XDG_CACHE_HOME`, `~/.cache`, or `%LOCALAPPDATA%`; none in unit tests.
pub fn cache_folder() -> Option<PathBuf> {
    // Tests neither depend on what is there nor leave anything.
    if cfg!(test) {
        return None;
    }
    let set = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let home = || Some(PathBuf::from(set("HOME")?).join(".cache"));
    let base = set("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let base = base.or_else(|| set("LOCALAPPDATA").map(PathBuf::from))?;
    base.is_absolute()
        .then(|| base.join("gan-workbench").join("evaluations"))
}

/// Removes the oldest files until the others are within the limit; never
/// `kept`.
fn prune(folder: &Path, kept: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path != kept && path.extension().is_some_and(|end| end == "safetensors") {
            let metadata = fs::metadata(&path)?;
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            files.push((modified, metadata.len(), path));
        }
    }
    files.sort();
    let mut bytes: u64 = fs::metadata(kept)?.len() + files.iter().map(|file| file.1).sum::<u64>();
    for (_, length, path) in files {
        if bytes <= MOST_BYTES {
            break;
        }
        fs::remove_file(path)?;
        bytes -= length;
    }
    Ok(())
}
