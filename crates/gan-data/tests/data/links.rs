//! Links to folders are followed, unless they lead back.
#![cfg(unix)]

use crate::support::{assert_says, folder, gray, pixel, pixels, tiny};
use std::os::unix::fs::symlink;

#[test]
fn a_circle_of_links_is_refused_by_name() {
    for (place, to) in [("cat/circle", ""), ("cat/deep/up", "cat"), ("self", ".")] {
        let above = folder(&[("cat/a.png", &pixel(1)), ("cat/deep/b.png", &pixel(2))]);
        let tiny = tiny(&above);
        symlink(tiny.join(to), tiny.join(place)).unwrap();
        assert_says(gray(&above), &[place, "a link back to ", "remove the link"]);
    }
}

#[test]
fn linked_files_and_folders_are_read() {
    let elsewhere = folder(&[("a.png", &pixel(3)), ("more/b.png", &pixel(4))]);
    let above = folder(&[("cat/a.png", &pixel(1)), ("dog/z.png", &pixel(2))]);
    let to = tiny(&above);
    symlink(tiny(&elsewhere), to.join("fox")).unwrap();
    symlink(tiny(&elsewhere).join("more"), to.join("cat/more")).unwrap();
    symlink(tiny(&elsewhere).join("a.png"), to.join("dog/a.png")).unwrap();
    let data = gray(&above).unwrap();
    assert_eq!(data.class_names().unwrap(), ["cat", "dog", "fox"]);
    assert_eq!(pixels(&data), [1, 4, 3, 2, 3, 4]);
    assert_eq!(data.images_per_class(), [2, 2, 2]);
}

#[test]
fn a_link_to_nothing_is_an_unreadable_image() {
    let above = folder(&[("b.png", &pixel(1))]);
    symlink("/nothing", tiny(&above).join("a.png")).unwrap();
    assert_says(gray(&above), &["1 of 2 images", "a.png: "]);
}
