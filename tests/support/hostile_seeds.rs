//! Small good files of every kind, made by formulas; and pictures whose headers promise what is not there.

use crate::hostile_entries::{save_tiny_generator, tiny_trainer};
use crate::idx::idx;
use flate2::write::GzEncoder;
use flate2::{Compression, Crc};
use gan_core::Weights;
use image::{DynamicImage, ImageFormat};
use std::fs;
use std::io::{self, Cursor, Read, Write};

/// Entry, name and bytes of each.
pub(crate) fn all() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let images = idx(&[3, 2, 2], 0..12);
    let labels = idx(&[3], 0..3);
    let config = toml_of_all_keys();
    vec![
        ("idx_gzip", "valid-images", gzip(&images)),
        ("idx_gzip", "valid-labels", gzip(&labels)),
        ("idx_gzip", "valid-two-members", two_members(&images)),
        ("idx", "valid-images", images),
        ("idx", "valid-labels", labels),
        ("npy", "valid-version-1", npy_file(1)),
        ("npy", "valid-version-2", npy_file(2)),
        ("checkpoint", "valid-checkpoint", checkpoint_file()),
        ("checkpoint", "valid-header", checkpoint_header().into()),
        ("safetensors", "valid-generator", generator_file()),
        ("safetensors", "valid-header", generator_header().into()),
        ("config_toml", "valid-config", config.into()),
        ("config_toml", "valid-manifest", MANIFEST.into()),
        (
            "image_folder_entry",
            "valid-gray.png",
            picture(1, ImageFormat::Png),
        ),
        (
            "image_folder_entry",
            "valid-rgb.png",
            picture(3, ImageFormat::Png),
        ),
        (
            "image_folder_entry",
            "valid-deep.png",
            picture(8, ImageFormat::Png),
        ),
        ("image_folder_entry", "valid-palette.png", palette_png()),
        (
            "image_folder_entry",
            "valid-gray.jpg",
            picture(1, ImageFormat::Jpeg),
        ),
        (
            "image_folder_entry",
            "valid-rgb.jpg",
            picture(3, ImageFormat::Jpeg),
        ),
        (
            "image_folder_entry",
            "valid-rgb.bmp",
            picture(3, ImageFormat::Bmp),
        ),
        (
            "image_folder_entry",
            "valid-rgb.gif",
            picture(3, ImageFormat::Gif),
        ),
        (
            "image_folder_entry",
            "valid-rgb.webp",
            picture(3, ImageFormat::WebP),
        ),
        (
            "image_folder_entry",
            "valid-deep.tiff",
            picture(8, ImageFormat::Tiff),
        ),
    ]
}

/// Of the images that the entries put beside it; the digest is that of coreutils' sha256sum.
const MANIFEST: &str = "[set]\nmirrors = []\n[[set.files]]\nname = \"train-images-idx3-ubyte\"\n\
    bytes = 28\n\
    sha256 = \"5aa92b4700ca838bdbb806f0db729c6611502930d80105124ff052a9e87bd581\"\n";

/// An IDX file whose value k is k.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn two_members(bytes: &[u8]) -> Vec<u8> {
    let (start, end) = bytes.split_at(bytes.len() / 2);
    [gzip(start), gzip(end)].concat()
}

/// Two images of 1 by 2 pixels.
fn npy_file(version: u8) -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 1, 2), }\n";
    let mut file = [b"\x93NUMPY", &[version, 0][..]].concat();
    let length = (header.len() as u32).to_le_bytes();
    file.extend(if version == 1 { &length[..2] } else { &length });
    file.extend(header.as_bytes());
    file.extend([-1.0_f32, 0.0, 0.5, 1.0].map(f32::to_le_bytes).concat());
    file
}

fn checkpoint_file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    gan_train::save(&tiny_trainer(), serde_json::json!({}), &path).unwrap();
    fs::read(path).unwrap()
}

fn generator_file() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("generator.safetensors");
    save_tiny_generator(&path);
    fs::read(path).unwrap()
}

fn checkpoint_header() -> String {
    metadata(&checkpoint_file())
}

/// That of a small generator, as JSON.
pub(crate) fn generator_header() -> String {
    metadata(&generator_file())
}

fn metadata(file: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, file).unwrap();
    Weights::read(&path).unwrap().metadata
}

fn toml_of_all_keys() -> String {
    let model = gan_models::ModelConfig {
        classes: Some(gan_models::ClassCount::Known(3)),
        ..gan_models::ModelConfig::default()
    };
    let train = gan_train::TrainConfig {
        steps: Some(9),
        discriminator_lr: Some(1e-4),
        weight_clip: Some(0.01),
        gradient_clip: Some(10.0),
        ema_half_life_images: Some(500.0),
        ..gan_train::TrainConfig::default()
    };
    let [model, train] = [toml::to_string(&model), toml::to_string(&train)].map(Result::unwrap);
    format!("[model]\n{model}\n[train]\n{train}")
}

/// 4 by 4 pixels of `bytes` bytes: gray, RGB, or RGBA of 16 bits.
fn picture(bytes: usize, format: ImageFormat) -> Vec<u8> {
    let values: Vec<u8> = (0..16 * bytes as u8).map(|k| k.wrapping_mul(37)).collect();
    let image = match bytes {
        1 => DynamicImage::ImageLuma8(image::ImageBuffer::from_raw(4, 4, values).unwrap()),
        3 => DynamicImage::ImageRgb8(image::ImageBuffer::from_raw(4, 4, values).unwrap()),
        _ => {
            let deep = values
                .chunks(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            let deep = image::ImageBuffer::from_raw(4, 4, deep.collect()).unwrap();
            DynamicImage::ImageRgba16(deep)
        }
    };
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// Four by four pixels of one bit, one of two colours.
fn palette_png() -> Vec<u8> {
    let mut png = png_start(4, 4, 1, 3);
    png.extend(chunk(b"PLTE", &[255, 0, 0, 0, 0, 255]));
    png.extend(chunk(b"tRNS", &[0, 255]));
    let rows = [0, 0b1010_0000].repeat(4);
    png.extend(chunk(b"IDAT", &zlib(&rows)));
    png.extend(chunk(b"IEND", &[]));
    png
}

/// A PNG whose header promises so many pixels of `depth` bits and PNG's colour type `colour`, and
/// whose data are a few zeros.
pub(crate) fn png_of(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let mut png = png_start(width, height, depth, colour);
    if colour == 3 {
        png.extend(chunk(b"PLTE", &[255, 0, 0, 0, 0, 255]));
    }
    png.extend(chunk(b"IDAT", &zlib(&[0; 4096])));
    png.extend(chunk(b"IEND", &[]));
    png
}

fn png_start(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let sizes = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = [&sizes[..], &[depth, colour, 0, 0, 0]].concat();
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header)].concat()
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    let length = (data.len() as u32).to_be_bytes();
    [&length[..], kind, data, &crc.sum().to_be_bytes()].concat()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A JPEG of 4 by 4 pixels whose frame header (ITU T.81, B.2.2) promises `side` by `side`.
pub(crate) fn jpeg_of(side: u16) -> Vec<u8> {
    let mut jpeg = picture(3, ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|mark| mark == [0xff, 0xc0])
        .unwrap();
    let sizes = [side.to_be_bytes(), side.to_be_bytes()].concat();
    jpeg[frame + 5..frame + 9].copy_from_slice(&sizes);
    jpeg
}

/// The same of the other formats.
pub(crate) fn pictures_of(side: u32) -> [(&'static str, Vec<u8>); 4] {
    let mut bmp = picture(3, ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[side.to_le_bytes(); 2].concat());
    let mut gif = picture(3, ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[(side as u16).to_le_bytes(); 2].concat());
    let mut webp = picture(3, ImageFormat::WebP);
    // Twice 14 bits of the sides less one, behind VP8L's signature.
    let size = (side.wrapping_sub(1) & 0x3fff) * (1 << 14 | 1);
    webp[21..25].copy_from_slice(&size.to_le_bytes());
    let mut tiff = picture(8, ImageFormat::Tiff);
    // The values of the entries ImageWidth and ImageLength, tags 256 and 257 of one long.
    for tag in [0, 1] {
        let entry = tiff
            .windows(8)
            .position(|e| e == [tag, 1, 4, 0, 1, 0, 0, 0]);
        let value = entry.unwrap() + 8;
        tiff[value..value + 4].copy_from_slice(&side.to_le_bytes());
    }
    [("bmp", bmp), ("gif", gif), ("webp", webp), ("tiff", tiff)]
}

/// A PNG of one pixel and a chunk `kind` of so many zeros, packed.
pub(crate) fn png_with_zeros(kind: &[u8; 4], zeros: u64) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
    io::copy(&mut io::repeat(0).take(zeros), &mut encoder).unwrap();
    // A name, and what says that the rest is packed.
    let start: &[u8] = match kind {
        b"iTXt" => &[b'n', 0, 1, 0, 0, 0],
        _ => &[b'n', 0, 0],
    };
    let mut png = png_start(1, 1, 8, 0);
    png.extend(chunk(kind, &[start, &encoder.finish().unwrap()].concat()));
    png.extend(chunk(b"IDAT", &zlib(&[0, 7])));
    png.extend(chunk(b"IEND", &[]));
    png
}

/// A WebP image, in the extended format, with a chunk behind it whose header promises `size` bytes.
pub(crate) fn webp_with_chunk(kind: &[u8; 4], size: u32) -> Vec<u8> {
    let still = picture(3, ImageFormat::WebP);
    // Profile, EXIF and XMP are announced.
    let extended = riff(b"VP8X", &[0x2c, 0, 0, 0, 3, 0, 0, 3, 0, 0]);
    let promise = [&kind[..], &size.to_le_bytes(), &[0; 8]].concat();
    riff(
        b"RIFF",
        &[b"WEBP", &extended[..], &still[12..], &promise].concat(),
    )
}

/// A WebP image of 4 by 4 pixels whose lossy frame promises `sides`.
pub(crate) fn webp_with_frame(sides: [u16; 2]) -> Vec<u8> {
    let extended = riff(b"VP8X", &[0, 0, 0, 0, 3, 0, 0, 3, 0, 0]);
    // RFC 6386, 9.1: a key frame that is shown, its start code, and the sides.
    let start = [0x10, 0, 0, 0x9d, 0x01, 0x2a];
    let frame = [&start[..], &sides.map(u16::to_le_bytes).concat(), &[0; 64]].concat();
    riff(
        b"RIFF",
        &[b"WEBP", &extended[..], &riff(b"VP8 ", &frame)].concat(),
    )
}

fn riff(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [&kind[..], &(data.len() as u32).to_le_bytes(), data].concat()
}
