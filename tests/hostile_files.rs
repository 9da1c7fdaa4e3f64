//! Files that are damaged, or made to do harm: a value or an error, and little memory on the way.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/hostile_entries.rs"]
mod hostile_entries;
#[path = "support/hostile_seeds.rs"]
mod hostile_seeds;
#[path = "support/idx.rs"]
mod idx;

use flate2::Compression;
use flate2::write::GzEncoder;
use hostile_entries::{
    ENTRIES, Entry, checkpoint, config_toml, idx, idx_gzip, image_folder_entry, npy, safetensors,
};
use peak_alloc::PeakAlloc;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The heap is the whole program's, so one input is read at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Reads `bytes` and says whether they could be used. Reading must neither panic nor have more on the
/// heap than 64 MiB and eight times the file's length.
///
/// 64 MiB is what an IDX file packed as gzip may have reserved before it has shown anything; eight times
/// the file is what weights take that are read, checked and copied into a network.
#[track_caller]
fn bounded(entry: Entry, name: &str, bytes: &[u8]) -> bool {
    bounded_with(0, entry, name, bytes)
}

/// The same with `more` bytes on the heap.
#[track_caller]
fn bounded_with(more: usize, entry: Entry, name: &str, bytes: &[u8]) -> bool {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let used = std::panic::catch_unwind(|| entry(bytes));
    let heap = HEAP.peak_usage().saturating_sub(before);
    assert!(used.is_ok(), "{name}: panicked at {}", shown(bytes));
    let most = (64 << 20) + 8 * bytes.len() + more;
    assert!(
        heap <= most,
        "{name}: {heap} bytes on the heap, expected at most {most} for a file of {} bytes",
        bytes.len()
    );
    used.unwrap()
}

/// The same for an image whose header promises so much: beyond the bound of [`bounded`] four times the
/// pixels' bytes, where these are not above the limit of 256 MiB, as JPEG's coefficients, the picture,
/// its turned copy and the one without alpha may take.
#[track_caller]
fn bounded_image(name: &str, pixel_bytes: u64, bytes: &[u8]) -> bool {
    const LIMIT: u64 = 256 << 20;
    let pixel_bytes = if pixel_bytes > LIMIT { 0 } else { pixel_bytes };
    bounded_with(4 * pixel_bytes as usize, image_folder_entry, name, bytes)
}

/// The same for what must be refused.
#[track_caller]
fn refused(entry: Entry, name: &str, bytes: &[u8]) {
    assert!(!bounded(entry, name, bytes), "{name}: {}", shown(bytes));
}

fn shown(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(400)];
    format!("{} bytes, \"{}\"", bytes.len(), start.escape_ascii())
}

fn inputs_of(name: &str) -> Vec<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hostile_inputs");
    let entries = fs::read_dir(Path::new(root).join(name)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The files that are good, by entry.
fn valid_inputs() -> impl Iterator<Item = (Entry, String, Vec<u8>)> {
    let entries = ENTRIES.into_iter();
    entries.flat_map(|(name, entry)| {
        let paths = inputs_of(name).into_iter();
        let paths = paths.filter(|path| file_name(path).starts_with("valid"));
        paths.map(move |path| (entry, file_name(&path), fs::read(path).unwrap()))
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_string()
}

#[test]
fn every_kept_input_is_read_or_refused() {
    for (name, entry) in ENTRIES {
        let paths = inputs_of(name);
        assert!(!paths.is_empty(), "{name} has no inputs");
        for path in paths {
            let used = bounded(
                entry,
                &path.display().to_string(),
                &fs::read(&path).unwrap(),
            );
            let valid = file_name(&path).starts_with("valid");
            assert!(used || !valid, "{}: refused", path.display());
        }
    }
}

#[test]
fn every_truncation_is_read_or_refused() {
    for (entry, name, bytes) in valid_inputs() {
        for length in 0..bytes.len() {
            bounded(entry, &format!("{name}, {length} bytes"), &bytes[..length]);
        }
    }
}

#[test]
fn every_changed_byte_of_a_header_is_read_or_refused() {
    for (entry, name, bytes) in valid_inputs() {
        for place in 0..bytes.len().min(128) {
            for value in [0x00, 0xff] {
                let mut changed = bytes.clone();
                changed[place] = value;
                bounded(entry, &format!("{name}, byte {place} {value}"), &changed);
            }
        }
    }
}

#[test]
fn idx_headers_of_more_than_the_file_are_refused() {
    for size in [1 << 31, u32::MAX - 1, u32::MAX] {
        for sizes in [[size, 2, 2], [3, size, 2], [size, size, size], [size, 0, 2]] {
            let header = [&[0, 0, 8, 3][..], &sizes.map(u32::to_be_bytes).concat()].concat();
            let name = format!("idx of {sizes:?}");
            let file = [&header[..], &[7; 12]].concat();
            refused(idx, &name, &file);
            refused(idx_gzip, &name, &gzip(&file[..]));
        }
        let labels = [&[0, 0, 8, 1][..], &size.to_be_bytes(), &[1, 2, 3]].concat();
        refused(idx, "idx of labels", &labels);
        refused(idx_gzip, "idx of labels", &gzip(&labels[..]));
    }
}

#[test]
fn npy_headers_of_more_than_the_file_are_refused() {
    for power in [31, 32, 40, 61, 62, 63, 64, 200] {
        let size = "2".to_string() + &"0".repeat(power * 3 / 10);
        for shape in [
            format!("({size}, 1, 2, 2)"),
            format!("(1, {size}, {size}, {size})"),
            format!("(0, {size}, {size}, {size})"),
            format!("({size},)"),
        ] {
            let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
            refused(npy, &text, &npy_file(&text, 16));
        }
    }
    for text in ["(".repeat(9_000), "[(".repeat(4_000), "-".repeat(9_999)] {
        refused(npy, "deep npy header", &npy_file(&text, 0));
    }
    let mut claims = npy_file("{}", 0);
    claims[6] = 2;
    claims[8..12].fill(0xff);
    refused(npy, "npy header of 4 GiB", &claims);
}

fn npy_file(header: &str, values: usize) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.as_bytes());
    file.resize(file.len() + 4 * values, 0);
    file
}

#[test]
fn safetensors_headers_of_more_than_the_file_are_refused() {
    for entry in [safetensors, checkpoint] {
        for power in 31..64 {
            let mut file = (1_u64 << power).to_le_bytes().to_vec();
            file.extend([b'{'; 64]);
            refused(entry, &format!("header of 2^{power} bytes"), &file);
            let size = 1_u64 << power;
            for shape in [format!("[{size}]"), format!("[0,{size},{size},{size}]")] {
                let header =
                    format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#);
                let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat();
                refused(entry, &header, &file);
            }
        }
    }
}

#[test]
fn generators_of_more_than_the_file_are_refused() {
    // With the options of all architectures and without a graph, as version 0.1.0 wrote them.
    let mut header: serde_json::Value =
        serde_json::from_str(&hostile_seeds::generator_header()).unwrap();
    header.as_object_mut().unwrap().remove("graph");
    let text = header.to_string().replace(
        "\"discriminator_widths\":[2]",
        "\"discriminator_widths\":[2],\"width\":1024,\"discriminator_norm\":\"none\"",
    );
    for (from, to) in [
        ("\"height\":2", "\"height\":18446744073709551615"),
        ("\"height\":2", "\"height\":33554432"),
        ("\"latent_dim\":2", "\"latent_dim\":65536"),
        (
            "\"generator_widths\":[2]",
            "\"generator_widths\":[65536,65536]",
        ),
        ("\"latent_dim\":2", "\"latent_dim\":2,\"classes\":65536"),
        ("\"mlp\"", "\"dcgan\""),
        ("\"mlp\"", "\"residual\""),
        ("\"mlp\"", "\"maxout\""),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        refused(safetensors, &changed, changed.as_bytes());
    }
}

#[test]
fn graphs_of_more_than_the_file_are_refused() {
    let text = hostile_seeds::generator_header();
    let enlarged = |size: u64| {
        let enlarge = r#"{"inputs":[7],"op":{"op":"upsampling","factor":SIZE}}"#;
        let shrink = r#"{"inputs":[8],"op":{"op":"average-pooling","size":SIZE}}"#;
        let both = format!("{enlarge},{shrink}").replace("SIZE", &size.to_string());
        format!(r#""width":2}}}},{both}]}},"image_shape""#)
    };
    let end = r#""width":2}}]},"image_shape""#;
    for (from, to) in [
        (end, enlarged(4096)),
        (end, enlarged(1 << 31)),
        (end, enlarged(u64::MAX)),
        (r#""outputs":2"#, r#""outputs":16777216"#.to_string()),
        (r#""outputs":2"#, format!(r#""outputs":{}"#, u64::MAX)),
        (r#""inputs":[3]"#, r#""inputs":[4]"#.to_string()),
        (r#""inputs":[3]"#, r#""inputs":[]"#.to_string()),
        (r#""inputs":[3]"#, r#""inputs":[3,3]"#.to_string()),
        (r#""slope":0.2"#, r#""slope":1e999"#.to_string()),
        (r#""op":"tanh""#, r#""op":"tanh","op2":1"#.to_string()),
        ("model.0.weight", "model.2.weight".to_string()),
    ] {
        let changed = text.replace(from, &to);
        assert_ne!(changed, text, "{from}");
        refused(safetensors, &changed, changed.as_bytes());
    }
}

/// What an image's header promises is a limit on memory, and not on what may be read: a PNG or JPEG of
/// one colour is honest at any length. Of these, the PNGs end too early.
#[test]
fn images_of_more_than_the_file_take_what_they_promise_at_most() {
    for side in [4_096, 16_384, 60_000, u32::MAX >> 1, u32::MAX] {
        let pixels = u64::from(side).saturating_mul(u64::from(side));
        for (depth, colour, pixel_bytes) in [(1, 0, 1), (8, 2, 3), (16, 6, 8), (1, 3, 3)] {
            let png = hostile_seeds::png_of(side, side, depth, colour);
            let name = format!("png of {side}x{side}");
            assert!(!bounded_image(
                &name,
                pixels.saturating_mul(pixel_bytes),
                &png
            ));
        }
        let jpeg = hostile_seeds::jpeg_of(side as u16);
        let pixels = u64::from(side as u16).pow(2);
        bounded_image(&format!("jpeg of {side}"), 3 * pixels, &jpeg);
        for (name, file) in hostile_seeds::pictures_of(side) {
            bounded_image(&format!("{name} of {side}"), 4 * pixels, &file);
        }
    }
}

/// A gibibyte of zeros, packed to a mebibyte, beside the pixels of a small image.
#[test]
fn metadata_takes_no_memory() {
    for kind in [b"iCCP", b"zTXt", b"iTXt"] {
        let bomb = hostile_seeds::png_with_zeros(kind, 1 << 30);
        assert!(bomb.len() < 2 << 20, "{}", bomb.len());
        let name = String::from_utf8_lossy(kind);
        bounded(image_folder_entry, &name, &bomb);
    }
    for chunk in [b"EXIF", b"ICCP", b"XMP "] {
        let file = hostile_seeds::webp_with_chunk(chunk, u32::MAX - 1);
        refused(image_folder_entry, "a chunk of 4 GiB", &file);
    }
    let file = hostile_seeds::webp_with_frame([0x3fff, 0x3fff]);
    refused(image_folder_entry, "a frame larger than its canvas", &file);
}

#[test]
fn configurations_of_huge_networks_are_refused() {
    for architecture in ["mlp", "dcgan", "residual", "maxout"] {
        for key in ["width", "latent_dim", "classes"] {
            for value in ["1024", "65536", "1000000", "9223372036854775807", "1e300"] {
                let text = format!("[model]\narchitecture = '{architecture}'\n{key} = {value}\n");
                bounded(config_toml, &text, text.as_bytes());
            }
        }
    }
    for widths in ["65536, ".repeat(64), "1, ".repeat(100_000)] {
        let text = format!("[model]\ngenerator_widths = [{widths}]\n");
        refused(config_toml, "generator_widths", text.as_bytes());
    }
    let text = format!("model = {}", "[".repeat(50_000));
    refused(config_toml, "deep TOML", text.as_bytes());
    let text = format!("{}a = 1", "a.".repeat(50_000));
    refused(config_toml, "deep TOML", text.as_bytes());
}

/// A gibibyte of zeros, packed to a mebibyte, behind headers that lie about it or do not.
#[test]
fn a_gzip_bomb_is_refused() {
    const LENGTH: u64 = 1 << 30;
    let header = |count: u32| {
        let sizes = [count, 1 << 10, 1 << 10].map(u32::to_be_bytes).concat();
        [&[0, 0, 8, 3][..], &sizes].concat()
    };
    for (name, header) in [
        ("zeros alone", Vec::new()),
        ("a header of an image", header(1)),
        ("a header of 2^30 pixels", header(1 << 10)),
        ("a header of 2^52 pixels", header(u32::MAX)),
    ] {
        let bomb = gzip(header.chain(io::repeat(0).take(LENGTH)));
        assert!(bomb.len() < 2 << 20, "{}", bomb.len());
        refused(idx_gzip, name, &bomb);
    }
}

fn gzip(mut bytes: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    io::copy(&mut bytes, &mut encoder).unwrap();
    encoder.flush().unwrap();
    encoder.finish().unwrap()
}

/// With GAN_WRITE_INPUTS in the environment they are written anew, as after a format has changed.
#[test]
fn the_good_inputs_can_be_used_and_are_kept() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/hostile_inputs");
    for (entry, name, bytes) in hostile_seeds::all() {
        let read = ENTRIES.iter().find(|(found, _)| *found == entry).unwrap().1;
        assert!(read(&bytes), "{entry}/{name}");
        let path = Path::new(root).join(entry).join(name);
        if std::env::var_os("GAN_WRITE_INPUTS").is_some() {
            fs::write(&path, bytes).unwrap();
        }
        assert!(read(&fs::read(&path).unwrap()), "{}", path.display());
    }
}
