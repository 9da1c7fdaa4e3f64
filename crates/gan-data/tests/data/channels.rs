//! Gray or RGB: by what the images are, or as asked for.

use crate::support::{encode, folder, pixels, summary, train_with, written};
use gan_data::Channels;
use image::{GrayImage, ImageFormat, Luma};

fn gray_noise(seed: u32) -> Vec<u8> {
    let value = |x: u32, y: u32| (x * 37 + y * 59 + x * y * 83 + seed * 101) as u8;
    let image = GrayImage::from_fn(9, 7, |x, y| Luma([value(x, y)]));
    written(image, ImageFormat::Png)
}

/// The same in three equal channels.
fn gray_in_rgb() -> Vec<u8> {
    encode(9, 7, ImageFormat::Png, |x, y| [(x * 20 + y * 3) as u8; 3])
}

fn coloured() -> Vec<u8> {
    encode(9, 7, ImageFormat::Png, |x, y| {
        [x * 37, y * 59, x * y * 83].map(|value| value as u8)
    })
}

#[test]
fn gray_images_give_what_gray_gives() {
    let files = [gray_noise(1), gray_in_rgb(), gray_noise(2)];
    let above = folder(&[
        ("a.png", &files[0]),
        ("b.png", &files[1]),
        ("c.png", &files[2]),
    ]);
    for size in [None, Some(5)] {
        let [auto, gray, rgb] = [Channels::Auto, Channels::Gray, Channels::Rgb]
            .map(|channels| train_with(&above, channels, size).unwrap());
        assert_eq!(auto, gray);
        let planes = rgb.images().iter().zip(gray.images().iter());
        for (rgb, gray) in planes {
            assert_eq!(rgb, gray.repeat(3));
        }
    }
    let summary = summary(&above);
    assert!(
        summary.contains("gray, because every pixel is"),
        "{summary}"
    );
}

/// The first coloured image may come at any place.
#[test]
fn one_coloured_image_gives_what_rgb_gives() {
    for place in 0..3 {
        let mut files = vec![gray_noise(1), gray_in_rgb()];
        files.insert(place, coloured());
        let above = folder(&[
            ("a.png", &files[0]),
            ("b.png", &files[1]),
            ("c.png", &files[2]),
        ]);
        for size in [None, Some(5)] {
            let auto = train_with(&above, Channels::Auto, size).unwrap();
            let rgb = train_with(&above, Channels::Rgb, size).unwrap();
            assert_eq!(auto.shape().channels, 3);
            assert_eq!(pixels(&auto), pixels(&rgb));
        }
        let summary = summary(&above);
        let name = ["a.png", "b.png", "c.png"][place];
        assert!(
            summary.contains("RGB, because ") && summary.contains(name),
            "{summary}"
        );
    }
}
