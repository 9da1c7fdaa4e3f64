//! Data sets of the Hugging Face hub, read by candle-datasets without a network.
//!
//! The hub's address and cache are environment variables, so each test runs this program again with others.

#![allow(clippy::unwrap_used, reason = "a test")]

use gan_data::{Dataset, Parts, ReadOptions, open};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// Names the data set that [`in_another_process`] reads.
const VARIABLE: &str = "GAN_DATA_HUB_TEST";

/// Any commit; the cache's files lie in a folder of its name.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What [`in_another_process`] prints for `name`, with `cache` as the hub's cache and nobody at its address.
fn printed(name: &str, cache: &Path) -> String {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["in_another_process", "--exact", "--ignored", "--nocapture"])
        .env(VARIABLE, name)
        .env("HF_ENDPOINT", format!("http://{}", closed.unwrap()))
        .env("HF_HOME", cache)
        .env("HF_HUB_CACHE", cache)
        .env("NO_PROXY", "*");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "the other tests run it"]
fn in_another_process() {
    let Ok(name) = std::env::var(VARIABLE) else {
        return;
    };
    match open(Path::new(&name), &ReadOptions::default(), Parts::All) {
        Ok(splits) => {
            let held_out = splits.held_out.unwrap();
            println!("{}", splits.reading.summary);
            println!("{} {}", splits.training.sha256(), held_out.sha256());
        }
        Err(error) => println!("refused: {error}"),
    }
}

/// A cache that holds this folder's files under the hub's names.
fn cache(repository: &str, configuration: &str, files: &str) -> tempfile::TempDir {
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().join(repository);
    fs::create_dir_all(folder.join("refs/refs/convert")).unwrap();
    fs::write(folder.join("refs/refs/convert/parquet"), COMMIT).unwrap();
    for part in ["train", "test"] {
        let place = folder
            .join("snapshots")
            .join(COMMIT)
            .join(configuration)
            .join(part);
        fs::create_dir_all(&place).unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/hub")
            .join(format!("{files}-{part}.parquet"));
        fs::copy(file, place.join("0000.parquet")).unwrap();
    }
    cache
}

/// The images of make_parquet.py with these numbers.
fn images(numbers: &[u32], channels: usize, side: usize) -> Dataset {
    let mut pixels = Vec::new();
    for number in numbers {
        for (channel, pixel) in (0..channels).flat_map(|c| (0..side * side).map(move |i| (c, i))) {
            let (row, column) = (pixel / side, pixel % side);
            pixels.push((40 * *number as usize + 50 * channel + 5 * row + column) as u8);
        }
    }
    let shape = gan_core::ImageShape {
        channels,
        height: side,
        width: side,
    };
    let data = Dataset::new("formula", shape, pixels).unwrap();
    data.with_labels(numbers.to_vec()).unwrap()
}

#[test]
fn a_cached_set_is_read_without_a_network_and_with_its_rows_as_rows() {
    for (name, repository, configuration, channels, side) in [
        ("mnist", "datasets--ylecun--mnist", "mnist", 1, 28),
        ("cifar10", "datasets--cifar10", "plain_text", 3, 32),
    ] {
        let cache = cache(repository, configuration, name);
        let text = printed(&format!("hub:{name}"), cache.path());
        let (training, test) = (
            images(&[0, 1], channels, side),
            images(&[1], channels, side),
        );
        let hashes = format!("{} {}", training.sha256(), test.sha256());
        assert!(text.contains(&hashes), "{text}");
        let summary = format!("hub:{name}: 3 images {}", training.shape());
        assert!(text.contains(&summary), "{text}");
    }
}

/// It tries six times, with pauses of 6.2 seconds in all at most.
#[test]
fn a_hub_that_nobody_answers_for_is_refused_with_what_was_tried_and_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let text = printed("hub:fashion-mnist", empty.path());
    for part in [
        "refused: hub:fashion-mnist: zalando-datasets/fashion_mnist cannot be read",
        "http://127.0.0.1:",
        "/fashion_mnist/test/0000.parquet",
        "check the network",
        "`fetch fashion-mnist`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_damaged_file_of_the_cache_is_refused() {
    let cache = cache("datasets--ylecun--mnist", "mnist", "mnist");
    let snapshot = cache
        .path()
        .join("datasets--ylecun--mnist/snapshots")
        .join(COMMIT);
    fs::write(snapshot.join("mnist/test/0000.parquet"), "damaged").unwrap();
    let text = printed("hub:mnist", cache.path());
    assert!(text.contains("refused: hub:mnist: "), "{text}");
    assert!(text.contains("Parquet error"), "{text}");
}
