//! A hand-written HTTP server for the tests, whose handler decides every byte of a response.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A client's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Without the leading slash.
    pub(super) name: String,
    /// The first byte of a `Range: bytes=N-`.
    pub(super) from: Option<usize>,
}

/// Listens on a free port of this machine until the test process ends.
pub(super) struct Server {
    pub(super) base: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request with `handler`, which is also given the request's number, from 0.
    pub(super) fn start(
        handler: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, handler) = (Arc::clone(&seen), Arc::new(handler));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, handler) = (Arc::clone(&log), Arc::clone(&handler));
                thread::spawn(move || serve(stream.unwrap(), &log, handler.as_ref()));
            }
        });
        Self { base, seen }
    }

    /// All requests so far.
    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The first byte that each request asked for.
    pub(super) fn ranges(&self) -> Vec<Option<usize>> {
        self.seen()
            .into_iter()
            .map(|request| request.from)
            .collect()
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    handler: &(dyn Fn(usize, &Request, &mut TcpStream) + Send + Sync),
) {
    let mut lines = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let name = first
        .split(' ')
        .nth(1)
        .unwrap()
        .trim_start_matches('/')
        .to_owned();
    let mut from = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(range) = line.to_ascii_lowercase().strip_prefix("range: bytes=") {
            from = Some(range.trim_end_matches('-').parse().unwrap());
        }
    }
    let request = Request { name, from };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    handler(number, &request, &mut stream);
}

/// Sends a status line, headers and a body. A client that hung up is not an error.
pub(super) fn reply(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body));
}

/// 200 with the whole body.
pub(super) fn whole(stream: &mut TcpStream, body: &[u8]) {
    reply(
        stream,
        &format!("200 OK\r\nContent-Length: {}", body.len()),
        body,
    );
}

/// 206 with the tail if a range was requested, otherwise 200.
pub(super) fn honour(stream: &mut TcpStream, request: &Request, body: &[u8]) {
    let Some(from) = request.from else {
        return whole(stream, body);
    };
    let tail = &body[from..];
    let (last, total) = (body.len() - 1, body.len());
    let range = format!("Content-Range: bytes {from}-{last}/{total}");
    let head = format!(
        "206 Partial Content\r\nContent-Length: {}\r\n{range}",
        tail.len()
    );
    reply(stream, &head, tail);
}
