//! Downloads that resume from a `.partial` file, with servers that support it and servers that do not.

use super::*;

#[test]
fn a_truncated_download_is_resumed_with_its_tail_alone() {
    let scene = Scene::new();
    let target = scene.path("a");
    let server = Server::start(move |number, request, stream| {
        assert!(
            !target.exists(),
            "a half-written file stands under its final name"
        );
        let body = content("a");
        match number {
            0 => reply(
                stream,
                &format!("200 OK\r\nContent-Length: {SIZE}"),
                &body[..HALF],
            ),
            _ => honour(stream, request, &body),
        }
    });
    scene.expect_a(&[&server.base]);
    assert_eq!(server.ranges(), [None, Some(HALF)]);
}

#[test]
fn a_later_run_resumes_where_an_earlier_one_stopped() {
    let (scene, server) = (Scene::new(), good());
    scene.put("a.partial", &content("a")[..HALF + 7]);
    scene.expect_a(&[&server.base]);
    assert_eq!(server.ranges(), [Some(HALF + 7)]);
}

#[test]
fn a_complete_partial_file_needs_no_server() {
    let (scene, server) = (Scene::new(), good());
    scene.put("a.partial", &content("a"));
    scene.expect_a(&[&server.base]);
    assert_eq!(server.seen(), []);
}

#[test]
fn a_server_that_ignores_ranges_starts_the_file_over() {
    let scene = Scene::new();
    let server = Server::start(|_, _, stream| whole(stream, &content("a")));
    scene.put("a.partial", &content("a")[..HALF]);
    scene.expect_a(&[&server.base]);
    assert_eq!(server.ranges(), [Some(HALF)]);
}

#[test]
fn a_resumed_file_with_a_wrong_beginning_is_fetched_anew() {
    let (scene, server) = (Scene::new(), good());
    scene.put("a.partial", &content("b")[..HALF]);
    scene.expect_a(&[&server.base]);
    assert_eq!(server.ranges(), [Some(HALF), None]);
}

#[test]
fn a_partial_file_that_is_too_long_is_fetched_anew() {
    let (scene, server) = (Scene::new(), good());
    scene.put("a.partial", &[content("a"), vec![0]].concat());
    scene.expect_a(&[&server.base]);
    assert_eq!(server.ranges(), [None]);
}

#[test]
fn a_refused_range_416_starts_the_file_over() {
    let scene = Scene::new();
    let server = Server::start(|_, request, stream| match request.from {
        Some(_) => reply(
            stream,
            "416 Range Not Satisfiable\r\nContent-Length: 0",
            b"",
        ),
        None => whole(stream, &content("a")),
    });
    scene.put("a.partial", &content("a")[..HALF]);
    scene.expect_a(&[&server.base]);
    assert_eq!(server.ranges(), [Some(HALF), None]);
}

#[test]
fn another_range_than_the_one_asked_for_is_not_appended() {
    let mut scene = Scene::new();
    let server = Server::start(|_, request, stream| match request.from {
        Some(from) => {
            let other = Request {
                from: Some(from - 5),
                ..request.clone()
            };
            honour(stream, &other, &content("a"));
        }
        None => whole(stream, &content("a")),
    });
    scene.put("a.partial", &content("a")[..HALF]);
    scene.network.attempts = 1;
    let error = scene.fetch(&["a"], &[&server.base], false).unwrap_err();
    let expected = format!("gave Content-Range bytes {}-", HALF - 5);
    assert!(error.to_string().contains(&expected), "{error}");

    scene.put("a.partial", &content("a")[..HALF]);
    scene.network.attempts = 2;
    scene.expect_a(&[&server.base]);
    assert_eq!(server.ranges(), [Some(HALF), Some(HALF), None]);
}

#[test]
fn a_local_folder_too_gives_the_tail_alone() {
    let (mut scene, folder) = (Scene::new(), Scene::new());
    scene.network.attempts = 1;
    folder.put("a", &content("a"));
    scene.put("a.partial", &content("a")[..HALF]);
    scene.expect_a(&[folder.folder.path().to_str().unwrap()]);
}

#[test]
fn a_second_fetch_of_the_same_file_waits_outside() {
    let (scene, server) = (Scene::new(), good());
    scene.put("a.partial", &content("a")[..HALF]);
    let held = fs::File::open(scene.path("a.partial")).unwrap();
    held.lock().unwrap();
    let error = scene
        .fetch(&["a"], &[&server.base], false)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("another fetch is writing this file"),
        "{error}"
    );
    assert_eq!(server.seen(), []);
    drop(held);
    scene.expect_a(&[&server.base]);
}
