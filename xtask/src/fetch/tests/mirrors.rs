//! Mirrors that corrupt, stall, refuse and send too much, and the one that is asked next.

use super::*;

#[test]
fn a_corrupt_copy_never_gets_the_final_name_and_the_next_mirror_is_asked() {
    let (scene, next) = (Scene::new(), good());
    let mut wrong = content("a");
    wrong[SIZE - 1] ^= 1;
    let corrupt = broken(move |stream| whole(stream, &wrong));

    let error = scene
        .fetch(&["a"], &[&corrupt.base], false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("SHA-256 is"), "{error}");
    assert!(scene.names().is_empty(), "{:?}", scene.names());

    let said = scene.expect_a(&[&corrupt.base, &next.base]);
    assert_eq!(said, format!("fetched from {}a", next.base));
}

#[test]
fn status_503_is_tried_again_and_404_is_not() {
    let scene = Scene::new();
    let missing = broken(|stream| reply(stream, "404 Not Found\r\nContent-Length: 0", b""));
    let busy = broken(|stream| reply(stream, "503 Busy\r\nContent-Length: 0", b""));
    let next = good();
    scene.expect_a(&[&missing.base, &busy.base, &next.base]);
    assert_eq!(missing.seen().len(), 1);
    assert_eq!(busy.seen().len(), 2);
    assert_eq!(next.seen().len(), 1);
}

#[test]
fn a_stalling_mirror_is_left_and_its_bytes_are_kept() {
    let scene = Scene::new();
    let stalling = Server::start(|_, request, stream| {
        let from = request.from.unwrap_or(0);
        let head = if from == 0 {
            format!("200 OK\r\nContent-Length: {SIZE}")
        } else {
            let (last, rest) = (SIZE - 1, SIZE - from);
            format!(
                "206 Partial Content\r\nContent-Length: {rest}\r\n\
                 Content-Range: bytes {from}-{last}/{SIZE}"
            )
        };
        reply(stream, &head, &content("a")[from..from + 1000]);
        thread::sleep(Duration::from_secs(3));
    });
    let next = good();
    let began = Instant::now();
    let said = scene.expect_a(&[&stalling.base, &next.base]);
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1000), "{took:?}");
    assert_eq!(said, format!("fetched from {}a", next.base));
    assert_eq!(stalling.ranges(), [None, Some(1000)]);
    assert_eq!(next.ranges(), [Some(2000)]);
}

#[test]
fn a_mirror_that_never_answers_is_left() {
    let scene = Scene::new();
    let silent = broken(|_| thread::sleep(Duration::from_secs(3)));
    let began = Instant::now();
    let error = scene
        .fetch(&["a"], &[&silent.base], false)
        .unwrap_err()
        .to_string();
    assert!(
        began.elapsed() < Duration::from_millis(1000),
        "{:?}",
        began.elapsed()
    );
    assert!(
        error.contains("timeout") && error.contains("2 attempts"),
        "{error}"
    );
}

#[test]
fn a_mirror_that_announces_another_size_is_not_read() {
    let (scene, next) = (Scene::new(), good());
    let page = broken(|stream| whole(stream, b"<html>Please log in</html>"));
    let error = scene
        .fetch(&["a"], &[&page.base], false)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("offers 26 bytes, expected 200000"),
        "{error}"
    );
    scene.expect_a(&[&page.base, &next.base]);
}

#[test]
fn a_mirror_that_sends_without_end_is_cut_off() {
    let (scene, next) = (Scene::new(), good());
    let endless = broken(|stream| {
        reply(stream, "200 OK", &content("a"));
        while stream.write_all(&[0; 4096]).is_ok() {}
    });
    let error = scene
        .fetch(&["a"], &[&endless.base], false)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("sends more than the expected 200000 bytes"),
        "{error}"
    );
    assert!(scene.names().is_empty(), "{:?}", scene.names());
    scene.expect_a(&[&endless.base, &next.base]);
}

#[test]
fn a_body_of_unannounced_length_that_ends_early_is_not_taken_for_whole() {
    let scene = Scene::new();
    let short = broken(|stream| reply(stream, "200 OK", &content("a")[..HALF]));
    let error = scene
        .fetch(&["a"], &[&short.base], false)
        .unwrap_err()
        .to_string();
    assert!(error.contains("ended at byte 100000 of 200000"), "{error}");
    assert_eq!(scene.names(), ["a.partial"]);
}
