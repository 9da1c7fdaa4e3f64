//! The data set that images are scored against.

use gan_data::DataSplits;
use std::path::{Path, PathBuf};

/// A data set, and what an evaluation should know about where it comes from.
#[derive(Debug)]
pub struct EvaluationData {
    /// Its images.
    pub splits: DataSplits,
    /// Its place or its name, for messages and files.
    pub path: PathBuf,
    /// Where its feature network is, if one was trained.
    pub feature_network: PathBuf,
    /// The size that its images were resized to, and that a folder of generated ones is.
    pub image_size: Option<u32>,
    /// Whether it was chosen although it may not be what a generator was trained on. A difference is then
    /// a note; otherwise it is refused.
    pub may_differ: bool,
    /// What to do to train its feature network, for messages.
    pub how_to_train: String,
}

impl EvaluationData {
    /// The data set of a folder, whose feature network is beside it.
    pub fn new(path: &Path, splits: DataSplits) -> Self {
        Self {
            splits,
            feature_network: feature_network_beside(path),
            path: path.to_path_buf(),
            image_size: None,
            may_differ: false,
            how_to_train: "train_classifier".to_string(),
        }
    }

    /// The same, chosen although it may not be what a generator was trained on, if `may_differ`.
    #[must_use]
    pub fn that_may_differ(self, may_differ: bool) -> Self {
        Self { may_differ, ..self }
    }
}

/// `data/mnist.classifier.safetensors` for `data/mnist`: beside the folder, under its name.
pub fn feature_network_beside(folder: &Path) -> PathBuf {
    // `.` and `..` have no name of their own.
    let whole = match folder.file_name() {
        Some(_) => folder.to_path_buf(),
        None => folder.canonicalize().unwrap_or(folder.to_path_buf()),
    };
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    whole.with_file_name(format!("{name}.classifier.safetensors"))
}
