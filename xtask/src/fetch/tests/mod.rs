//! Fetching into a folder from servers of this process: what is asked for and what is left alone.

mod mirrors;
mod resume;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::manifest::sha256_hex;
use super::server::{Request, Server, honour, reply, whole};
use super::*;

const HALF: usize = 100_000;
const SIZE: usize = 2 * HALF;

/// Bytes that repeat nowhere near, so that a shifted tail is a wrong tail.
fn content(name: &str) -> Vec<u8> {
    let seed = name.bytes().map(u64::from).sum::<u64>();
    let noise = |i: u64| (i + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56;
    (0..SIZE as u64).map(|i| noise(i) as u8).collect()
}

fn entry(name: &str) -> FileEntry {
    let sha256 = sha256_hex(&mut content(name).as_slice()).unwrap();
    FileEntry {
        name: name.to_owned(),
        bytes: SIZE as u64,
        sha256,
    }
}

/// A destination folder and the patience of a test.
struct Scene {
    folder: tempfile::TempDir,
    network: Network,
}

impl Scene {
    fn new() -> Self {
        let network = Network {
            connect_timeout: Duration::from_secs(2),
            stall_timeout: Duration::from_millis(150),
            attempts: 2,
            backoff: Duration::from_millis(1),
            proxy: None,
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            network,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// The names in the folder, sorted.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Fetches `files` from `mirrors` and returns what was said of each.
    fn fetch(&self, files: &[&str], mirrors: &[&str], force: bool) -> Result<Vec<String>> {
        let data = DataSet {
            mirrors: mirrors.iter().map(|&mirror| mirror.to_owned()).collect(),
            files: files.iter().map(|name| entry(name)).collect(),
        };
        let mut said = Vec::new();
        let note = |_: &FileEntry, done: &str| said.push(done.to_owned());
        fetch_all(&data, self.folder.path(), force, &self.network, note)?;
        Ok(said)
    }

    /// Fetches `a` and expects it, whole and alone, in the folder.
    fn expect_a(&self, mirrors: &[&str]) -> String {
        let said = self.fetch(&["a"], mirrors, false).unwrap();
        assert_eq!(fs::read(self.path("a")).unwrap(), content("a"));
        assert_eq!(self.names(), ["a"]);
        said[0].clone()
    }
}

fn good() -> Server {
    Server::start(|_, request, stream| honour(stream, request, &content(&request.name)))
}

fn broken(answer: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Server {
    Server::start(move |_, _, stream| answer(stream))
}

#[test]
fn only_what_is_missing_or_damaged_is_fetched() {
    let (scene, server) = (Scene::new(), good());
    scene.put("a", &content("a"));
    scene.put("b", &content("a"));
    let untouched = fs::metadata(scene.path("a")).unwrap().modified().unwrap();

    let said = scene
        .fetch(&["a", "b", "c"], &[&server.base], false)
        .unwrap();

    let asked: Vec<_> = server
        .seen()
        .into_iter()
        .map(|request| request.name)
        .collect();
    assert_eq!(asked, ["b", "c"]);
    assert_eq!(
        fs::metadata(scene.path("a")).unwrap().modified().unwrap(),
        untouched
    );
    for name in ["a", "b", "c"] {
        assert_eq!(fs::read(scene.path(name)).unwrap(), content(name), "{name}");
    }
    assert_eq!(scene.names(), ["a", "b", "c"]);
    assert_eq!(said[0], "ok");
    assert!(said[1].contains("was damaged: SHA-256 is"), "{}", said[1]);
    assert_eq!(said[2], format!("fetched from {}c", server.base));
}

#[test]
fn force_fetches_a_good_file_again() {
    let (scene, server) = (Scene::new(), good());
    scene.put("a", &content("a"));
    scene.fetch(&["a"], &[&server.base], true).unwrap();
    assert_eq!(server.ranges(), [None]);
    assert_eq!(fs::read(scene.path("a")).unwrap(), content("a"));
}

#[test]
fn a_damaged_file_stays_until_a_verified_one_is_there() {
    let scene = Scene::new();
    let missing = broken(|stream| reply(stream, "404 Not Found\r\nContent-Length: 0", b""));
    scene.put("a", b"damaged");
    scene.fetch(&["a"], &[&missing.base], false).unwrap_err();
    assert_eq!(fs::read(scene.path("a")).unwrap(), b"damaged");
    assert_eq!(scene.names(), ["a"]);

    scene.expect_a(&[&good().base]);
}

#[test]
fn one_failure_does_not_keep_the_other_files_away() {
    let scene = Scene::new();
    let server = Server::start(|_, request, stream| match request.name.as_str() {
        "a" => reply(stream, "404 Not Found\r\nContent-Length: 0", b""),
        name => whole(stream, &content(name)),
    });
    let error = scene
        .fetch(&["a", "b"], &[&server.base], false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("a: no mirror gave the file"), "{error}");
    assert_eq!(scene.names(), ["b"]);
}

#[test]
fn a_local_folder_serves_as_a_mirror_and_is_verified_like_any() {
    let (scene, folder) = (Scene::new(), Scene::new());
    folder.put("a", &content("a"));
    folder.put("b", &content("a"));
    let mirror = folder.folder.path().to_str().unwrap();

    let said = scene.expect_a(&[mirror]);
    assert_eq!(said, format!("fetched from {}", folder.path("a").display()));

    let error = scene
        .fetch(&["a", "b", "c"], &[mirror], false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("b: SHA-256 is"), "{error}");
    assert!(
        error.contains("c: No such file") || error.contains("c: The system"),
        "{error}"
    );
    assert_eq!(scene.names(), ["a"]);
}

#[test]
fn the_error_names_each_mirror_and_what_to_do() {
    let scene = Scene::new();
    let missing = broken(|stream| reply(stream, "404 Not Found\r\nContent-Length: 0", b""));
    let busy = broken(|stream| reply(stream, "503 Busy\r\nContent-Length: 0", b""));
    let mirrors = [missing.base.as_str(), busy.base.as_str()];
    let error = scene
        .fetch(&["a"], &mirrors, false)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("{}a: HTTP 404", missing.base)),
        "{error}"
    );
    assert!(
        error.contains(&format!("{}a: HTTP 503", busy.base)),
        "{error}"
    );
    assert!(error.contains("--mirror URL|FOLDER"), "{error}");
}
