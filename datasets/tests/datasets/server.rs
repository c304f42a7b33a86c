//! A small server that misbehaves on purpose.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::Place;

/// The header lines of a request that matter here.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
}

impl Asked {
    /// The first byte that is wanted.
    pub(crate) fn start(&self) -> Option<usize> {
        self.range.as_ref()?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// A server on the loopback device; `answer` gives the bytes of each whole answer.
pub(crate) struct Server {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(usize, &Asked) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let request = request(&stream);
                let count = log.lock().unwrap().len();
                log.lock().unwrap().push(request.clone());
                // A client that refuses the answer closes first.
                let _ = (&stream).write_all(&answer(count, &request));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn anonymous(&self, place: &Place, message: impl std::fmt::Display) -> String {
        place.anonymous(message).replace(&self.address, "http://SERVER")
    }
}

pub(crate) fn request(stream: &TcpStream) -> Asked {
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap_or_default);
    let first = lines.next().unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().into();
    let mut asked = Asked { path, ..Asked::default() };
    for line in lines.take_while(|line| !line.is_empty()) {
        match line.split_once(": ").map(|(key, value)| (key.to_lowercase(), value)) {
            Some((key, value)) if key == "range" => asked.range = Some(value.into()),
            Some((key, value)) if key == "if-range" => asked.if_range = Some(value.into()),
            _ => {}
        }
    }
    asked
}

pub(crate) fn answer(status: &str, headers: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn whole(body: &[u8]) -> Vec<u8> {
    answer("200 OK", "ETag: \"v1\"\r\n", body.len(), body)
}

/// The rest of `body` from `start`, of which only `sent` bytes arrive.
pub(crate) fn rest(body: &[u8], start: usize, sent: usize) -> Vec<u8> {
    let (last, total) = (body.len() - 1, body.len());
    let range = format!("Content-Range: bytes {start}-{last}/{total}\r\n");
    answer("206 Partial Content", &range, total - start, &body[start..(start + sent).min(total)])
}

pub(crate) fn missing() -> Vec<u8> {
    answer("404 Not Found", "", 0, b"")
}
