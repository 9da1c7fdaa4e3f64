//! Files are read back by the formats' own readers, and no partial file is ever left.

use crate::common::{TinyGenerator, sampler, uniform, values};
use candle_core::Tensor;
use gan_core::{ImageShape, Mode};
use gan_sample::{
    ImageGrid, PixelRange, Raster, SampleError, first_foreign_entry, read_npy, write_gif,
    write_npy, write_png, write_png_sequence,
};
use image::AnimationDecoder;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

fn entries(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

fn failure() -> SampleError {
    candle_core::Error::Msg("the generator stopped".to_string()).into()
}

#[test]
fn a_png_gives_back_gray_and_colour_exactly() {
    let folder = tempfile::tempdir().unwrap();
    for channels in [1, 3] {
        let path = folder.path().join(format!("new/{channels}.png"));
        let strip = ImageGrid::strip(3);
        let picture = strip.render(&uniform(11, &[3, channels, 5, 4])).unwrap();
        write_png(&path, &picture).unwrap();
        let read = image::open(&path).unwrap();
        assert_eq!((read.width(), read.height()), (3 * 6 + 2, 5 + 4));
        assert_eq!(usize::from(read.color().channel_count()), channels);
        assert_eq!(read.as_bytes(), picture.bytes());
    }
}

#[test]
fn a_sequence_numbers_the_images_across_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let generator = TinyGenerator::mnist();
    let sampler = sampler(&generator, 7, Mode::Eval);
    let png = folder.path().join("png");
    let count = write_png_sequence(&png, false, sampler.blocks(66)).unwrap();
    assert_eq!(count, 66);
    let names = entries(&folder.path().join("png"));
    let expected: Vec<String> = (0..66).map(|k| format!("{k:06}.png")).collect();
    assert_eq!(names, expected);
    let images = sampler.images(0..66).unwrap();
    let rasters = Raster::from_images(&images, PixelRange::Fixed).unwrap();
    for (name, raster) in names.iter().zip(rasters) {
        let read = image::open(folder.path().join("png").join(name)).unwrap();
        assert!(read.as_bytes() == raster.bytes(), "{name}");
    }
}

#[test]
fn a_picture_without_pixels_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.png");
    let images = Tensor::zeros(
        (1, 1, 0, 4),
        candle_core::DType::F32,
        &candle_core::Device::Cpu,
    );
    let picture = &Raster::from_images(&images.unwrap(), PixelRange::Fixed).unwrap()[0];
    let error = write_png(&path, picture).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("empty.png") && text.contains("height"),
        "{text}"
    );
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_gif_repeats_its_frames_and_gray_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gif");
    // All 256 grays in each frame.
    let frames: Vec<Raster> = (0..4)
        .map(|k| {
            let mut levels: Vec<f32> = (0..=255).map(|l| l as f32 / 127.5 - 1.0).collect();
            levels.rotate_left(k * 17);
            let image = Tensor::from_vec(levels, (1, 1, 8, 32), &candle_core::Device::Cpu);
            ImageGrid::strip(1).render(&image.unwrap()).unwrap()
        })
        .collect();
    write_gif(&path, &frames, Duration::from_millis(76)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let endless = b"NETSCAPE2.0\x03\x01\x00\x00\x00";
    assert!(bytes.windows(endless.len()).any(|window| window == endless));
    let file = BufReader::new(File::open(&path).unwrap());
    let decoder = image::codecs::gif::GifDecoder::new(file).unwrap();
    let read = decoder.into_frames().collect_frames().unwrap();
    assert_eq!(read.len(), frames.len());
    for (read, frame) in read.iter().zip(&frames) {
        assert_eq!(read.delay().numer_denom_ms(), (80, 1));
        let grays: Vec<u8> = read.buffer().pixels().map(|p| p.0[1]).collect();
        assert_eq!(grays, frame.bytes());
        assert!(
            read.buffer()
                .pixels()
                .all(|p| p.0[0] == p.0[1] && p.0[1] == p.0[2])
        );
    }
}

#[test]
fn frames_that_make_no_animation_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.gif");
    let write = |frames: &[Raster]| write_gif(&path, frames, Duration::ZERO).unwrap_err();
    assert!(matches!(write(&[]), SampleError::NoFrames { .. }));
    let frame = |w| {
        let images = uniform(1, &[1, 1, 2, w]);
        Raster::from_images(&images, PixelRange::Fixed)
            .unwrap()
            .remove(0)
    };
    let error = write(&[frame(3), frame(3), frame(4)]);
    assert!(
        matches!(error, SampleError::FrameSize { frame: 2, .. }),
        "{error}"
    );
    let error = write(&[frame(70_000)]);
    assert!(matches!(error, SampleError::Encode { .. }), "{error}");
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn an_npy_file_is_read_back_as_it_was_streamed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.npy");
    let shape = ImageShape {
        channels: 3,
        height: 4,
        width: 5,
    };
    let generator = TinyGenerator::new(shape, candle_core::DType::F32);
    let sampler = sampler(&generator, 7, Mode::Eval);
    write_npy(&path, 130, shape, sampler.blocks(130)).unwrap();
    let drawn = values(&sampler.images(0..130).unwrap());
    let (found, read) = read_npy(&path).unwrap();
    assert!(found == shape && read == drawn);

    // As NumPy's format has it: magic, version, length, the text up to a multiple of 64 bytes, the numbers.
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (130, 3, 4, 5, ), }";
    let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    expected.extend(format!("{text:117}\n").bytes());
    expected.extend(drawn.iter().flat_map(|value| value.to_le_bytes()));
    assert!(std::fs::read(&path).unwrap() == expected);
}

#[test]
fn an_npy_file_of_no_images_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.npy");
    write_npy(&path, 0, ImageShape::MNIST, []).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), 128, "a header alone");
    assert!(String::from_utf8_lossy(&bytes).contains("'shape': (0, 1, 28, 28, ), }"));
}

#[test]
fn a_stream_that_breaks_its_promise_leaves_the_old_npy_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("images.npy");
    std::fs::write(&path, b"old").unwrap();
    let block = |n, w| Ok(uniform(1, &[n, 1, 28, w]));
    let write = |blocks: Vec<_>| write_npy(&path, 10, ImageShape::MNIST, blocks).unwrap_err();
    for (blocks, found) in [(vec![4, 5], 9), (vec![4, 7], 11), (vec![], 0)] {
        let error = write(blocks.into_iter().map(|n| block(n, 28)).collect());
        let text = error.to_string();
        assert!(matches!(error, SampleError::ImageCount { .. }), "{text}");
        let figures = format!("{found} images came, expected 10");
        assert!(
            text.contains(&figures) && text.contains("images.npy"),
            "{text}"
        );
    }
    let error = write(vec![block(4, 28), block(6, 27)]);
    assert!(matches!(error, SampleError::Shape { .. }), "{error}");
    let error = write(vec![block(4, 28), Err(failure())]);
    assert!(
        error.to_string().contains("the generator stopped"),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(entries(folder.path()), ["images.npy"]);
}

#[test]
fn a_sequence_that_fails_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = || [Ok(uniform(1, &[2, 1, 3, 3])), Err(failure())];
    for (path, before) in [("new", None), ("old", Some("000000.png"))] {
        let path = folder.path().join(path);
        if let Some(name) = before {
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join(name), b"old").unwrap();
        }
        let error = write_png_sequence(&path, true, blocks()).unwrap_err();
        assert!(
            error.to_string().contains("the generator stopped"),
            "{error}"
        );
        match before {
            None => assert!(!path.exists()),
            Some(name) => {
                assert_eq!(entries(&path), [name]);
                assert_eq!(std::fs::read(path.join(name)).unwrap(), b"old");
            }
        }
    }
    assert_eq!(entries(folder.path()), ["old"]);
}

#[test]
fn a_sequence_replaces_an_earlier_one_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let write = |replace, n| write_png_sequence(path, replace, [Ok(uniform(1, &[n, 1, 3, 3]))]);
    write(false, 5).unwrap();
    let error = write(false, 2).unwrap_err();
    assert!(matches!(error, SampleError::Write { .. }), "{error}");
    assert_eq!(entries(path).len(), 5);
    // Left by an earlier process that was killed.
    std::fs::create_dir(path.join(".x.partial")).unwrap();
    assert_eq!(first_foreign_entry(path).unwrap(), None);
    write(true, 2).unwrap();
    assert_eq!(entries(path), ["000000.png", "000001.png"]);

    for foreign in ["00001.png", "000001.jpg", "notes.txt"] {
        std::fs::write(path.join(foreign), b"mine").unwrap();
        assert_eq!(first_foreign_entry(path).unwrap(), Some(path.join(foreign)));
        let error = write(true, 3).unwrap_err().to_string();
        assert!(error.contains(foreign), "{error}");
        assert_eq!(entries(path).len(), 3);
        std::fs::remove_file(path.join(foreign)).unwrap();
    }
    std::fs::create_dir(path.join("000002.png")).unwrap();
    assert_eq!(
        first_foreign_entry(path).unwrap(),
        Some(path.join("000002.png"))
    );
}
