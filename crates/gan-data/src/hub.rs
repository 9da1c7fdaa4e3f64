//! The names of data sets of the Hugging Face hub, such as `hub:mnist`. Every build knows them; reading the
//! sets needs the feature `hub`.

use crate::{DataError, DataSplits, Parts, ReadOptions, cifar};
use gan_core::ImageShape;
use std::fmt;
use std::path::Path;

#[cfg(feature = "hub")]
use crate::hub_reader::read;

/// What the name of a data set of the hub begins with.
const PREFIX: &str = "hub:";

/// The name after `hub:` if `path` is that of a data set of the Hugging Face hub, and `None` if it is that of
/// a folder. A folder of such a name is given as `./hub:mnist`.
///
/// ```
/// use gan_data::hub_name;
/// use std::path::Path;
///
/// assert_eq!(hub_name(Path::new("hub:mnist")), Some("mnist"));
/// assert_eq!(hub_name(Path::new("./hub:mnist")), None);
/// ```
pub fn hub_name(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(PREFIX)
}

/// A data set of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HubDataset {
    /// Handwritten digits.
    Mnist,
    /// Articles of clothing.
    FashionMnist,
    /// CIFAR-10's photographs.
    Cifar10,
}

impl HubDataset {
    pub(crate) const ALL: [Self; 3] = [Self::Mnist, Self::FashionMnist, Self::Cifar10];

    /// The set called `name`, without `hub:`.
    fn named(name: &str) -> Result<Self, DataError> {
        let mut all = Self::ALL.into_iter();
        all.find(|dataset| dataset.name() == name)
            .ok_or_else(|| DataError::Mismatch {
                origin: "data set of the Hugging Face hub".to_string(),
                found: format!("{:?}", format!("{PREFIX}{name}")),
                expected: Self::ALL.map(|dataset| dataset.to_string()).join(", "),
            })
    }

    /// Its name after `hub:`, which is also that in data/MANIFEST.toml.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar10",
        }
    }

    pub(crate) fn shape(self) -> ImageShape {
        match self {
            Self::Mnist | Self::FashionMnist => ImageShape::MNIST,
            Self::Cifar10 => cifar::SHAPE,
        }
    }
}

/// The whole name, such as `hub:mnist`.
impl fmt::Display for HubDataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.name())
    }
}

/// Reads the set called `name`, without `hub:`. Its test split is held out.
pub(crate) fn open(
    name: &str,
    options: &ReadOptions,
    parts: Parts,
) -> Result<DataSplits, DataError> {
    let dataset = HubDataset::named(name)?;
    let origin = dataset.to_string();
    options.refuse_size(&origin, dataset.shape())?;
    read(dataset, parts)?.divide(options, parts)
}

#[cfg(not(feature = "hub"))]
fn read(dataset: HubDataset, _: Parts) -> Result<crate::splits::Found, DataError> {
    Err(DataError::WithoutHub {
        dataset: dataset.name(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channels;

    fn opened(path: &str, options: &ReadOptions) -> String {
        let error = crate::open(Path::new(path), options, Parts::All).unwrap_err();
        error.to_string()
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_are_known() {
        for name in ["hub:foo", "hub:", "hub:MNIST", "hub:../mnist", "hub:\u{1b}"] {
            let error = opened(name, &ReadOptions::default());
            assert!(error.contains(&format!("{name:?}")), "{error}");
            assert!(
                error.contains("hub:mnist, hub:fashion-mnist, hub:cifar10"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_size_is_refused_before_anything_is_fetched() {
        let size = ReadOptions::new(Channels::Auto, Some(16), None).unwrap();
        let error = opened("hub:cifar10", &size);
        assert!(
            error.contains("hub:cifar10") && error.contains("32 by 32"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_of_such_a_name_is_given_with_a_dot() {
        let error = opened("./hub:mnist", &ReadOptions::default());
        assert!(error.starts_with("./hub:mnist: "), "{error}");
    }

    #[cfg(not(feature = "hub"))]
    #[test]
    fn a_build_without_the_feature_says_so() {
        for dataset in HubDataset::ALL {
            let error = opened(&dataset.to_string(), &ReadOptions::default());
            let start = format!("{dataset}: this program was built without the feature `hub`");
            assert!(error.starts_with(&start), "{error}");
            assert!(
                error.contains(&format!("`fetch {}`", dataset.name())),
                "{error}"
            );
        }
    }
}
