//! Which images of a set are held out: a share by the hash of their contents, so that equal pictures are
//! on the same side, regardless of their order and names and of the seed.

use std::collections::BTreeMap;

/// With fewer images nothing is held out.
const FEWEST_IMAGES: usize = 20;

/// The fewest images of each part.
const FEWEST_OF_A_PART: usize = 2;

/// How a data set was divided into training images and held-out images.
#[derive(Clone, Debug, PartialEq)]
pub enum Division {
    /// The publisher's own test split is held out.
    Published,
    /// This share of the images is held out, by their contents.
    ByContent {
        /// The requested share, from 0 to 0.5.
        share: f64,
    },
    /// Nothing is held out.
    Nothing {
        /// Why.
        reason: String,
    },
}

/// The numbers of the images of each part, in order.
#[derive(Debug, PartialEq)]
pub(crate) struct Sides {
    pub(crate) training: Vec<usize>,
    pub(crate) held_out: Vec<usize>,
}

/// Holds out the images whose hash is below `share` of all hashes, and at least two. A class whose
/// images would all be held out keeps them. hashes: one per image; labels: one per image, if known.
///
/// # Errors
/// Why nothing is held out.
pub(crate) fn divide(hashes: &[u64], labels: Option<&[u32]>, share: f64) -> Result<Sides, String> {
    if share == 0.0 {
        return Err("the requested share is 0".to_string());
    }
    if hashes.len() < FEWEST_IMAGES {
        return Err(format!("the set has fewer than {FEWEST_IMAGES} images"));
    }
    let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (image, hash) in hashes.iter().enumerate() {
        groups.entry(*hash).or_default().push(image);
    }
    let mut held = Held::new(hashes.len(), labels);
    // A product with a power of two is exact, and below 2⁶⁴ for a share below 1.
    let below = (share * 2.0_f64.powi(64)).ceil() as u64;
    for (_, images) in groups.range(..below) {
        held.take(images);
    }
    held.give_back_whole_classes(groups.values());
    for images in groups.values() {
        if held.count() >= FEWEST_OF_A_PART {
            break;
        }
        if held.can_spare(images) {
            held.take(images);
        }
    }
    let (held_out, training): (Vec<usize>, _) = (0..hashes.len()).partition(|k| held.is_held[*k]);
    if held_out.len() < FEWEST_OF_A_PART || training.len() < FEWEST_OF_A_PART {
        return Err(
            "too many of the images are equal, or the only ones of their class".to_string(),
        );
    }
    Ok(Sides { training, held_out })
}

/// The images that are held out so far.
struct Held<'a> {
    labels: Option<&'a [u32]>,
    is_held: Vec<bool>,
    /// Which images were given back to a class.
    is_kept: Vec<bool>,
}

impl<'a> Held<'a> {
    fn new(images: usize, labels: Option<&'a [u32]>) -> Self {
        Self {
            labels,
            is_held: vec![false; images],
            is_kept: vec![false; images],
        }
    }

    fn count(&self) -> usize {
        self.is_held.iter().filter(|held| **held).count()
    }

    fn take(&mut self, images: &[usize]) {
        for image in images {
            self.is_held[*image] = true;
        }
    }

    /// The number of training images left in each class; without labels all images are of one class.
    fn left(&self) -> BTreeMap<u32, usize> {
        let mut left = BTreeMap::new();
        for (image, held) in self.is_held.iter().enumerate() {
            *left.entry(self.class(image)).or_default() += usize::from(!held);
        }
        left
    }

    fn class(&self, image: usize) -> u32 {
        self.labels.map_or(0, |labels| labels[image])
    }

    /// Gives images back to classes that have none left, with all images equal to one of them.
    fn give_back_whole_classes<'g>(&mut self, groups: impl Iterator<Item = &'g Vec<usize>>) {
        let Some(labels) = self.labels else {
            return;
        };
        let left = self.left();
        for images in groups {
            if images.iter().any(|image| left[&labels[*image]] == 0) {
                for image in images {
                    self.is_held[*image] = false;
                    self.is_kept[*image] = true;
                }
            }
        }
    }

    /// Whether these images, if they are not decided yet, can be held out without taking a class's last
    /// image or leaving fewer than two.
    fn can_spare(&self, images: &[usize]) -> bool {
        let mut left = self.left();
        for image in images {
            if self.is_held[*image] || self.is_kept[*image] {
                return false;
            }
            if let Some(count) = left.get_mut(&self.class(*image)) {
                *count -= 1;
            }
        }
        let rest: usize = left.values().sum();
        let touched = |image: &usize| left[&self.class(*image)] > 0;
        rest >= FEWEST_OF_A_PART && images.iter().all(touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes of `n` images at equal distances: (k + 1/2) / n of all hashes.
    fn spread(n: u64) -> Vec<u64> {
        (0..n)
            .map(|k| k * (u64::MAX / n) + u64::MAX / n / 2)
            .collect()
    }

    fn held_out(hashes: &[u64], labels: Option<&[u32]>, share: f64) -> Vec<usize> {
        let sides = divide(hashes, labels, share).unwrap();
        let mut all = [sides.training, sides.held_out.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..hashes.len()).collect::<Vec<_>>());
        sides.held_out
    }

    fn reason(hashes: &[u64], labels: Option<&[u32]>, share: f64) -> String {
        divide(hashes, labels, share).unwrap_err()
    }

    #[test]
    fn hashes_below_the_share_are_held_out() {
        assert_eq!(held_out(&spread(100), None, 0.05), [0, 1, 2, 3, 4]);
        assert_eq!(held_out(&spread(100), None, 0.5).len(), 50);
        let mut hashes = spread(20);
        hashes[0] = 1 << 62;
        // A quarter of 2⁶⁴ itself is not below a quarter.
        assert_eq!(held_out(&hashes, None, 0.25), [1, 2, 3, 4]);
    }

    #[test]
    fn the_order_of_the_images_does_not_matter() {
        let mut hashes = spread(40);
        hashes.reverse();
        assert_eq!(held_out(&hashes, None, 0.1), [36, 37, 38, 39]);
    }

    #[test]
    fn equal_images_stand_on_one_side() {
        let mut hashes = spread(30);
        hashes[20] = hashes[1];
        hashes[25] = hashes[1];
        assert_eq!(held_out(&hashes, None, 0.1), [0, 1, 2, 20, 25]);
    }

    #[test]
    fn two_images_are_held_out_at_least_with_all_their_copies() {
        let mut hashes: Vec<u64> = spread(30).iter().map(|hash| hash / 2 + (1 << 63)).collect();
        assert_eq!(held_out(&hashes, None, 0.1), [0, 1]);
        hashes[29] = hashes[0];
        assert_eq!(held_out(&hashes, None, 0.1), [0, 29]);
        hashes[28] = hashes[1];
        hashes[29] = u64::MAX;
        assert_eq!(held_out(&hashes, None, 0.1), [0, 1, 28]);
    }

    #[test]
    fn nothing_is_held_out_of_few_images_or_for_a_share_of_zero() {
        assert!(reason(&spread(19), None, 0.5).contains("fewer than 20"));
        assert_eq!(held_out(&spread(20), None, 0.1), [0, 1]);
        assert!(reason(&spread(100), None, 0.0).contains("share is 0"));
    }

    #[test]
    fn two_images_stay_for_training() {
        for hash in [0, u64::MAX] {
            assert!(reason(&[hash; 50], None, 0.5).contains("equal"));
        }
        let mut one_other = [0; 50];
        one_other[7] = u64::MAX;
        assert!(divide(&one_other, None, 0.5).is_err());
        one_other[8] = u64::MAX - 1;
        assert_eq!(held_out(&one_other, None, 0.5).len(), 48);
    }

    #[test]
    fn a_class_does_not_lose_all_its_images() {
        let mut labels = vec![0; 40];
        labels[0] = 1;
        labels[1] = 1;
        assert_eq!(held_out(&spread(40), Some(&labels), 0.1), [2, 3]);
        // Image 2, of another class, is equal to one of them and stays with it; the next comes in.
        let mut hashes = spread(40);
        hashes[2] = hashes[1];
        assert_eq!(held_out(&hashes, Some(&labels), 0.1), [3, 4]);
        let each_its_own: Vec<u32> = (0..40).collect();
        assert!(reason(&spread(40), Some(&each_its_own), 0.1).contains("class"));
    }
}
