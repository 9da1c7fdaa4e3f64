//! The changes that were made to the images of a folder, counted and in words.

use crate::alpha::Alpha;
use crate::decode::Picture;
use crate::image_format;
use crate::reading::counted;
use crate::shown::thousands;
use std::collections::BTreeMap;

/// The number of images for each kind of change.
#[derive(Default)]
pub(crate) struct Changes {
    formats: BTreeMap<&'static str, usize>,
    turned: usize,
    deep: usize,
    several: usize,
    onto_white: usize,
    alone_onto_white: usize,
    alone_onto_black: usize,
    made_gray: usize,
    cropped: usize,
    resized: usize,
    /// Width and height of the smallest and the largest image that was resized, by number of pixels.
    sizes: Option<[(u32, u32); 2]>,
}

impl Changes {
    /// Counts how a file was decoded.
    pub(crate) fn decoded(&mut self, picture: &Picture) {
        let format = image_format::name(picture.format).unwrap_or_default();
        *self.formats.entry(format).or_default() += 1;
        self.turned += usize::from(picture.turned);
        self.deep += usize::from(picture.deep);
        self.several += usize::from(picture.several);
        match picture.alpha {
            Alpha::Opaque => {}
            Alpha::OntoWhite => self.onto_white += 1,
            Alpha::Alone { black: false } => self.alone_onto_white += 1,
            Alpha::Alone { black: true } => self.alone_onto_black += 1,
        }
    }

    /// Counts a coloured image that was converted to gray.
    pub(crate) fn made_gray(&mut self) {
        self.made_gray += 1;
    }

    /// The number of coloured images that were converted to gray.
    pub(crate) fn made_gray_count(&self) -> usize {
        self.made_gray
    }

    /// Counts an image of `width` by `height` pixels that is cropped and resized to `size` by `size`.
    pub(crate) fn brought_to(&mut self, size: u32, width: u32, height: u32) {
        self.cropped += usize::from(width != height);
        if width.min(height) == size {
            return;
        }
        self.resized += 1;
        let pixels = |(w, h): (u32, u32)| u64::from(w) * u64::from(h);
        let this = (width, height);
        let [smallest, largest] = self.sizes.get_or_insert([this; 2]);
        if pixels(this) < pixels(*smallest) {
            *smallest = this;
        }
        if pixels(this) > pixels(*largest) {
            *largest = this;
        }
    }

    /// `4 PNG, 36 BMP`.
    pub(crate) fn formats(&self) -> String {
        let format = |(name, count): (&&str, &usize)| format!("{} {name}", thousands(*count));
        let formats: Vec<String> = self.formats.iter().map(format).collect();
        formats.join(", ")
    }

    /// The changes in words; `size` is the images' new size.
    pub(crate) fn in_words(&self, size: Option<u32>) -> Vec<String> {
        let size = size.unwrap_or_default();
        let [(w, h), (most_w, most_h)] = self.sizes.unwrap_or_default();
        let range = format!("{w}x{h} to {most_w}x{most_h}");
        let words = [
            (self.turned, "rotated by their EXIF orientation".to_string()),
            (
                self.deep,
                "with more than 8 bits per channel rounded to 8".to_string(),
            ),
            (
                self.onto_white + self.alone_onto_white,
                "with transparency flattened onto white".to_string(),
            ),
            (
                self.alone_onto_black,
                "with transparency flattened onto black".to_string(),
            ),
            (self.cropped, "cropped to their central square".to_string()),
            (
                self.resized,
                format!("resized to {size}x{size}, from {range}"),
            ),
            (self.made_gray, "with colours converted to gray".to_string()),
        ];
        let mut parts: Vec<String> = words
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, text)| format!("{} {text}", thousands(*count)))
            .collect();
        if self.several > 0 {
            let count = thousands(self.several);
            parts.push(format!(
                "only the first picture of {count} animations or multi-page files"
            ));
        }
        parts
    }

    /// What a user should check before training.
    pub(crate) fn warnings(&self) -> Vec<String> {
        [(self.alone_onto_white, "white"), (self.alone_onto_black, "black")]
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, ground)| {
                let images = counted(*count, "image");
                format!("{images} of one colour with a picture only in the alpha channel, flattened onto {ground}")
            })
            .collect()
    }
}
