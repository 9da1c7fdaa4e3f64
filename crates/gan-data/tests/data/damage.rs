//! Properties: whatever bytes lie in an IDX file, reading it ends with data or an error.

use crate::support::{
    assert_truncations_are_refused, folder, gzip, idx, pixels, three_images, three_labels, train,
};
use gan_data::{DataError, Dataset};
use proptest::prelude::{Just, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::strategy::Strategy;

fn train_with(images: &[u8], labels: &[u8]) -> Result<Dataset, DataError> {
    train(&folder(&[
        ("train-images-idx3-ubyte", images),
        ("train-labels-idx1-ubyte", labels),
    ]))
}

/// Bytes that get past the magic numbers more often than noise would.
fn almost_idx() -> impl Strategy<Value = Vec<u8>> {
    let size = prop_oneof![0..5_u32, any::<u32>()];
    let magic = prop_oneof![Just(0x801), Just(0x803), any::<u32>()];
    let values = prop::collection::vec(any::<u8>(), 0..40);
    let file = (magic, prop::collection::vec(size, 0..4), values)
        .prop_map(|(magic, sizes, values)| idx(magic, &sizes, &values));
    (file, any::<bool>()).prop_map(|(file, packed)| if packed { gzip(&file) } else { file })
}

#[test]
fn every_truncation_is_an_error() {
    for pack in [<[u8]>::to_vec, gzip] {
        for cut in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] {
            let above = folder(&[
                ("train-images-idx3-ubyte", &pack(&three_images())),
                ("train-labels-idx1-ubyte", &pack(&three_labels())),
            ]);
            assert_truncations_are_refused(&above, cut, 0);
        }
    }
}

#[test]
fn the_checksum_of_gzip_is_compared() {
    let mut images = gzip(&three_images());
    let checksum = images.len() - 8;
    images[checksum] ^= 1;
    let text = train_with(&images, &three_labels())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("damaged gzip (corrupt gzip stream does not have"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn any_bytes_give_data_or_an_error(
        images in prop_oneof![almost_idx(), prop::collection::vec(any::<u8>(), 0..60)],
        labels in almost_idx(),
    ) {
        if let Ok(data) = train_with(&images, &labels) {
            let elements = data.shape().elements();
            prop_assert!(data.len() * elements == pixels(&data).len() && data.len() > 0);
            prop_assert_eq!(data.labels().map(<[u32]>::len), Some(data.len()));
        }
    }

    #[test]
    fn gzip_with_one_changed_byte_gives_the_same_data_or_an_error(
        position in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let mut images = gzip(&three_images());
        let position = position.index(images.len());
        images[position] ^= change;
        if let Ok(data) = train_with(&images, &three_labels()) {
            prop_assert_eq!(pixels(&data), (0..18).collect::<Vec<u8>>());
        }
    }

    #[test]
    fn a_plain_file_with_one_changed_byte_gives_images_of_the_same_bytes_in_all_or_an_error(
        position in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let mut images = three_images();
        let position = position.index(images.len());
        images[position] ^= change;
        match train_with(&images, &three_labels()) {
            Ok(data) => prop_assert_eq!(pixels(&data), &images[16..]),
            Err(_) => prop_assert!(position < 16, "a pixel may have any value"),
        }
    }
}
