//! Tensors and metadata in a safetensors file.

use crate::{ErrorClass, ParameterStore, is_finite, read_regular, seal, write_atomically};
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Named tensors with text metadata: the contents of a safetensors file.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    /// By name, such as `model.0.weight`.
    pub tensors: BTreeMap<String, Tensor>,
    /// The writer's description of them, as JSON. It is in the file's `__metadata__` under a single key,
    /// because safetensors writes several keys in random order, and equal weights must give equal bytes.
    /// Empty in files of other programs.
    pub metadata: String,
}

const METADATA_KEY: &str = "gan";

/// Why a weights file could not be read, written or used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file could not be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("{path}: cannot be written: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The bytes are not a valid safetensors file.
    #[error("{path}: not a valid safetensors file ({found}); it may be truncated or damaged")]
    Format {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        found: String,
    },
    /// A file without the checksum that this program would have written.
    #[error(
        "{path}: no checksum in its metadata, expected one: the file is damaged, or another program or \
         an earlier version wrote it; write it again"
    )]
    NoChecksum {
        /// The file.
        path: PathBuf,
    },
    /// The tensors do not fit the network.
    #[error("{origin}: {found}, expected {expected}; these weights belong to another architecture")]
    Mismatch {
        /// The file, or another name of the weights' source.
        origin: String,
        /// What the weights have.
        found: String,
        /// What the network has.
        expected: String,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl Weights {
    /// Copies every tensor of `store` under `prefix`.
    ///
    /// # Errors
    /// When a tensor cannot be copied.
    pub fn insert_all(&mut self, prefix: &str, store: &ParameterStore) -> Result<(), WeightsError> {
        for parameter in store.all() {
            let name = format!("{prefix}{}", parameter.name);
            self.tensors.insert(name, parameter.var.copy()?);
        }
        Ok(())
    }

    /// Sets every tensor of `store` from the one named `prefix` + its name; `origin` names the
    /// source in errors. All names and shapes are checked before the first tensor is set.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] when a tensor is missing, superfluous under `prefix`, or of
    /// another shape.
    pub fn load_into(
        &self,
        prefix: &str,
        store: &ParameterStore,
        origin: &str,
    ) -> Result<(), WeightsError> {
        let mismatch = |found: String, expected: String| WeightsError::Mismatch {
            origin: origin.to_string(),
            found,
            expected,
        };
        let parameters = store.all();
        let given = self.tensors.keys().filter(|name| name.starts_with(prefix));
        for name in given {
            if !parameters.iter().any(|p| name[prefix.len()..] == p.name) {
                let count = parameters.len();
                return Err(mismatch(
                    format!("there is a tensor `{name}`"),
                    format!("only the network's {count} tensors"),
                ));
            }
        }
        let mut pairs = Vec::with_capacity(parameters.len());
        for parameter in &parameters {
            let name = format!("{prefix}{}", parameter.name);
            let expected = format!("`{name}` of shape {:?}", parameter.var.dims());
            let Some(tensor) = self.tensors.get(&name) else {
                return Err(mismatch(format!("there is no `{name}`"), expected));
            };
            if tensor.dims() != parameter.var.dims() {
                let found = format!("`{name}` has shape {:?}", tensor.dims());
                return Err(mismatch(found, expected));
            }
            pairs.push((&parameter.name, tensor));
        }
        for (name, tensor) in pairs {
            store.set(name, tensor)?;
        }
        Ok(())
    }

    /// Reads a file onto the CPU, and verifies its checksum if it has one. Takes at most twice the file's
    /// length in memory, whatever its header claims.
    ///
    /// # Errors
    /// When the file cannot be read, is not a valid safetensors file, or does not match its checksum.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        Ok(Self::read_and_check(path)?.0)
    }

    /// [`read`](Self::read) of a file that must have a checksum, because numbers depend on it.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); [`WeightsError::NoChecksum`].
    pub fn read_with_checksum(path: &Path) -> Result<Self, WeightsError> {
        match Self::read_and_check(path)? {
            (weights, true) => Ok(weights),
            (_, false) => Err(WeightsError::NoChecksum {
                path: path.to_path_buf(),
            }),
        }
    }

    /// The file's contents, and whether it has a checksum.
    fn read_and_check(path: &Path) -> Result<(Self, bool), WeightsError> {
        let bytes = read_regular(path).map_err(|source| WeightsError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        let format = |found: String| WeightsError::Format {
            path: path.to_path_buf(),
            found,
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| format(e.to_string()))?;
        let metadata = header.metadata().as_ref().and_then(|m| m.get(METADATA_KEY));
        let checked = seal::check(&bytes, metadata.cloned().unwrap_or_default());
        let (metadata, has_checksum) = checked.map_err(format)?;
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map_err(|e| format(e.to_string()))?;
        let weights = Self {
            tensors: tensors.into_iter().collect(),
            metadata,
        };
        Ok((weights, has_checksum))
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WeightsError> {
        write_bytes(&self.to_bytes()?, path)
    }

    /// Writes the file whole or not at all, with a checksum that [`read`](Self::read) checks.
    ///
    /// # Errors
    /// When the metadata is not a JSON object, or the file cannot be written.
    pub fn write_with_checksum(&self, path: &Path) -> Result<(), WeightsError> {
        let no_room = || WeightsError::Format {
            path: path.to_path_buf(),
            found: "its metadata is not a JSON object".to_string(),
        };
        let blank = Self {
            metadata: seal::with_blank(&self.metadata).ok_or_else(no_room)?,
            tensors: self.tensors.clone(),
        };
        let mut bytes = blank.to_bytes()?;
        if !seal::fill(&mut bytes) {
            return Err(no_room());
        }
        write_bytes(&bytes, path)
    }

    /// The name of a tensor with a number that is infinite or NaN, if there is one.
    ///
    /// # Errors
    /// When a tensor's values cannot be read.
    pub fn not_finite(&self) -> candle_core::Result<Option<&str>> {
        for (name, tensor) in &self.tensors {
            if !is_finite(tensor)? {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The file's bytes; equal weights give equal bytes.
    ///
    /// # Errors
    /// When a tensor's values cannot be read.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        let metadata = HashMap::from([(METADATA_KEY.to_string(), self.metadata.clone())]);
        let tensors = self.tensors.iter().map(|(name, t)| (name.as_str(), t));
        safetensors::serialize(tensors, Some(metadata))
            .map_err(|e| candle_core::Error::from(e).into())
    }
}

fn write_bytes(bytes: &[u8], path: &Path) -> Result<(), WeightsError> {
    write_atomically(path, |out| out.write_all(bytes)).map_err(|source| WeightsError::Write {
        path: path.to_path_buf(),
        source,
    })
}

impl WeightsError {
    /// A file that cannot be read is wrong input; one that cannot be written is not.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Write { .. } => ErrorClass::Failed,
            _ => ErrorClass::WrongUse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};
    use candle_core::DType;
    use candle_nn::Init;

    fn store(rows: usize) -> ParameterStore {
        let rng = Seed(1).rng(Purpose::GeneratorInit, 0);
        let store = ParameterStore::new(rng, DType::F32, &Device::Cpu);
        let layer = store.builder().pp("model.0");
        let init = Init::Uniform { lo: -1.0, up: 1.0 };
        layer.get_with_hints((rows, 2), "weight", init).unwrap();
        store
    }

    fn saved(folder: &Path) -> PathBuf {
        let mut weights = Weights {
            metadata: "{}".to_string(),
            ..Weights::default()
        };
        weights.insert_all("", &store(3)).unwrap();
        let path = folder.join("weights.safetensors");
        weights.write(&path).unwrap();
        path
    }

    #[test]
    fn a_file_gives_back_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let read = Weights::read(&saved(folder.path())).unwrap();
        assert_eq!(read.metadata, "{}");
        let target = store(3);
        let zero = Tensor::zeros((3, 2), DType::F32, &Device::Cpu).unwrap();
        target.set("model.0.weight", &zero).unwrap();
        read.load_into("", &target, "test").unwrap();
        let values = |s: &ParameterStore| s.all()[0].var.to_vec2::<f32>().unwrap();
        assert_eq!(values(&target), values(&store(3)));
    }

    #[test]
    fn every_truncation_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = saved(folder.path());
        let bytes = std::fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let error = Weights::read(&path).unwrap_err();
            assert!(
                matches!(error, WeightsError::Format { .. }),
                "{length}: {error}"
            );
        }
    }

    #[test]
    fn any_changed_byte_breaks_the_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let mut weights = Weights {
            metadata: r#"{"note":"\"sha256\":"}"#.to_string(),
            ..Weights::default()
        };
        weights.insert_all("", &store(3)).unwrap();
        weights.write_with_checksum(&path).unwrap();
        let read = Weights::read_with_checksum(&path).unwrap();
        assert_eq!(read.metadata, weights.metadata);
        let bytes = std::fs::read(&path).unwrap();
        for (place, bit) in (0..bytes.len()).flat_map(|place| (0..8).map(move |bit| (place, bit))) {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            std::fs::write(&path, changed).unwrap();
            let accepted = Weights::read_with_checksum(&path).is_ok();
            assert!(!accepted, "byte {place}, bit {bit}");
        }
        weights.write(&path).unwrap();
        let error = Weights::read_with_checksum(&path).unwrap_err().to_string();
        assert!(error.contains("no checksum"), "{error}");
    }

    #[test]
    fn weights_of_another_architecture_are_refused_by_name_and_shape() {
        let folder = tempfile::tempdir().unwrap();
        let read = Weights::read(&saved(folder.path())).unwrap();
        let error = read.load_into("", &store(4), "a.safetensors").unwrap_err();
        let text = error.to_string();
        for part in ["a.safetensors", "model.0.weight", "[3, 2]", "[4, 2]"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
