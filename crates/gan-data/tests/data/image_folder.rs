//! Folders of PNG and JPEG images: order, classes, sizes, colours, damage.

use crate::support::{
    assert_says, assert_truncations_are_refused, encode, folder, gray, pixel, pixels, plain,
    summary, train, train_with,
};
use gan_data::{Channels, ReadOptions};
use image::ImageFormat;

#[test]
fn pixels_come_in_planes_of_red_green_and_blue() {
    let image = encode(2, 1, ImageFormat::Png, |x, _| {
        [10, 20, 30].map(|v| v + x as u8)
    });
    let data = train(&folder(&[("a.png", &image)])).unwrap();
    assert_eq!(data.shape().to_string(), "[3, 1, 2]");
    assert_eq!(pixels(&data), [10, 11, 20, 21, 30, 31]);
    assert_eq!(data.labels(), None);
}

#[test]
fn gray_is_the_luma_of_rec_709() {
    let above = folder(&[
        ("a.png", &plain(1, 1, [255, 0, 0])),
        ("b.png", &plain(1, 1, [0, 255, 0])),
    ]);
    let data = gray(&above).unwrap();
    assert_eq!(data.shape().channels, 1);
    // 0.2126 and 0.7152 of 255.
    assert_eq!(pixels(&data), [54, 182]);
}

#[test]
fn order_is_by_name_and_only_visible_images_count() {
    let above = folder(&[
        ("b.png", &pixel(2)),
        ("a.PNG", &pixel(1)),
        ("c.png", &pixel(3)),
        (".hidden.png", &pixel(9)),
        ("notes.txt", b"no image"),
        ("empty/notes.txt", b"no image"),
        (".git/d.png", &pixel(9)),
    ]);
    assert_eq!(pixels(&gray(&above).unwrap()), [1, 2, 3]);
    let summary = summary(&above);
    let files = "4 files skipped (2 .txt, 2 hidden); 1 folder without images";
    assert!(summary.contains(files), "{summary}");
}

#[test]
fn folders_are_classes_in_the_order_of_their_names() {
    let above = folder(&[
        ("dog/a.png", &pixel(3)),
        ("cat/b.png", &pixel(2)),
        ("cat/a.png", &pixel(1)),
        ("dog/puppies/z.png", &pixel(4)),
    ]);
    let data = gray(&above).unwrap();
    assert_eq!(pixels(&data), [1, 2, 3, 4]);
    assert_eq!(data.labels().unwrap(), [0, 0, 1, 1]);
    assert_eq!(data.class_names().unwrap(), ["cat", "dog"]);
    assert_eq!(data.images_per_class(), [2, 2]);
}

#[test]
fn images_beside_class_folders_are_refused() {
    let above = folder(&[("a.png", &pixel(1)), ("cat/b.png", &pixel(2))]);
    assert_says(
        gray(&above),
        &["both ", "a.png", "cat", "directly in the folder"],
    );
}

#[test]
fn a_jpeg_is_read_whatever_its_name_says() {
    let image = encode(8, 8, ImageFormat::Jpeg, |_, _| [200; 3]);
    for name in ["a.jpg", "a.JPEG", "a.png"] {
        let data = gray(&folder(&[(name, &image)])).unwrap();
        assert!(pixels(&data).iter().all(|x| x.abs_diff(200) <= 1), "{name}");
    }
}

#[test]
fn a_photograph_is_turned_as_its_camera_noted() {
    let lying = encode(16, 8, ImageFormat::Jpeg, |_, _| [200; 3]);
    // An EXIF segment with one entry: orientation (0x0112), one short, 6 (turn to the right).
    let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let exif = [&b"\xff\xe1\0\x22Exif\0\0"[..], tiff].concat();
    let noted = [&lying[..2], &exif, &lying[2..]].concat();
    let shape = |image: &[u8]| gray(&folder(&[("a.jpg", image)])).unwrap().shape();
    assert_eq!(shape(&lying).to_string(), "[1, 8, 16]");
    assert_eq!(shape(&noted).to_string(), "[1, 16, 8]");
}

#[test]
fn sizes_must_agree_without_an_image_size() {
    let above = folder(&[
        ("a.png", &plain(2, 3, [0; 3])),
        ("b.png", &plain(2, 3, [0; 3])),
        ("c.png", &plain(3, 2, [0; 3])),
        ("d.png", &plain(9, 9, [0; 3])),
    ]);
    assert_says(
        gray(&above),
        &[
            "c.png: 3x2 pixels",
            "expected 2x3 as in",
            "a.png",
            "`data.image_size` N",
        ],
    );
    let data = train_with(&above, Channels::Gray, Some(4)).unwrap();
    assert_eq!(
        (data.len(), data.shape().to_string()),
        (4, "[1, 4, 4]".to_string())
    );
}

#[test]
fn resizing_takes_the_middle_square() {
    // Red, a middle square of green, blue; lying and standing.
    let thirds = |at: u32| [[255, 0, 0], [0, 255, 0], [0, 0, 255]][at as usize / 8];
    let lying = encode(24, 8, ImageFormat::Png, |x, _| thirds(x));
    let standing = encode(8, 24, ImageFormat::Png, |_, y| thirds(y));
    let above = folder(&[("a.png", &lying), ("b.png", &standing)]);
    let data = train_with(&above, Channels::Rgb, Some(4)).unwrap();
    let green = [[0; 16], [255; 16], [0; 16]].concat();
    assert_eq!(data.image(0).unwrap(), green);
    assert_eq!(data.image(1).unwrap(), green);
}

#[test]
fn shrinking_averages_what_falls_together() {
    // A checkerboard of single pixels has no structure left at half its size: it turns gray.
    let board = encode(64, 64, ImageFormat::Png, |x, y| {
        [255 * ((x + y) % 2) as u8; 3]
    });
    let above = folder(&[("a.png", &board)]);
    let data = train_with(&above, Channels::Gray, Some(16)).unwrap();
    let middle = pixels(&data)[4 * 16..12 * 16].to_vec();
    assert!(middle.iter().all(|x| x.abs_diff(127) <= 8), "{middle:?}");
}

#[test]
fn image_sizes_out_of_range_are_refused() {
    for size in [0, 2049, u32::MAX] {
        let error = ReadOptions::new(Channels::Rgb, Some(size), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("data.image_size is {size}, expected a whole number from 1 to 2048")
        );
    }
}

#[test]
fn unreadable_images_are_counted_and_the_first_ten_named() {
    let names: Vec<String> = (10..22).map(|i| format!("{i}.png")).collect();
    let mut files: Vec<(&str, &[u8])> = names
        .iter()
        .map(|name| (&name[..], &b"damaged"[..]))
        .collect();
    let good = pixel(1);
    files.push(("good.png", &good));
    let result = gray(&folder(&files));
    assert_says(
        result,
        &["12 of 13 images", "10.png: ", "19.png: ", "and 2 more"],
    );
    let text = gray(&folder(&files)).unwrap_err().to_string();
    assert!(
        !text.contains("20.png") && !text.contains("good.png"),
        "{text}"
    );
}

#[test]
fn every_truncation_of_an_image_is_refused() {
    let noise = |x: u32, y: u32| [x * 37, y * 59, x * y * 83].map(|v| v as u8);
    // Nothing follows a PNG's pixels but the end's four bytes of checksum, which may be missing.
    for (format, spare) in [(ImageFormat::Png, 4), (ImageFormat::Jpeg, 0)] {
        let above = folder(&[("a.png", &encode(16, 16, format, noise))]);
        assert_truncations_are_refused(&above, "a.png", spare);
    }
}

#[test]
fn images_of_absurd_size_are_refused() {
    for (width, height) in [
        (100_000_u32, 1_u32),
        (16_384, 16_384),
        (u32::MAX >> 1, u32::MAX >> 1),
    ] {
        let mut image = pixel(0);
        // The sizes stand after the signature and the chunk's length and type; its CRC follows.
        image[16..20].copy_from_slice(&width.to_be_bytes());
        image[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&image[12..29]);
        image[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        assert_says(gray(&folder(&[("a.png", &image)])), &["a.png: ", "limit"]);
    }
}

#[test]
fn an_empty_folder_says_what_was_expected() {
    let above = folder(&[("notes.txt", b"no image")]);
    assert_says(
        gray(&above),
        &[
            "no images",
            "train-images-idx3-ubyte.gz",
            "1 .txt",
            "PNG, JPEG",
        ],
    );
}
