//! A fake server for tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::tracking::RetryPolicy;

/// Impatient enough for tests.
pub(super) const HASTY: RetryPolicy = RetryPolicy {
    connect: Duration::from_millis(500),
    answer: Duration::from_millis(500),
    tries: 3,
    first_wait: Duration::from_millis(10),
    longest_wait: Duration::from_millis(50),
    jitter: Duration::ZERO,
    respects_retry_after: true,
};

/// A server that gives the same kind of answer to everything.
pub(super) struct Fake {
    pub(super) url: String,
    /// Requests as they came, heads only.
    pub(super) heads: Arc<Mutex<Vec<String>>>,
    /// Their bodies.
    pub(super) bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Fake {
    /// Answers request number n (from 0) with `answer(n)`, a whole HTTP response; an empty one closes the connection.
    pub(super) fn answering(answer: impl Fn(usize) -> String + Send + 'static) -> Self {
        let (listener, url) = listen();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (seen, bodies) = (Arc::clone(&heads), Arc::default());
        let received: Arc<Mutex<Vec<Vec<u8>>>> = Arc::clone(&bodies);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut seen = seen.lock().unwrap();
                let (head, body) = read_request(&stream);
                seen.push(head);
                received.lock().unwrap().push(body);
                let _ = (&stream).write_all(answer(seen.len() - 1).as_bytes());
            }
        });
        Self { url, heads, bodies }
    }

    /// Takes connections and never says a word.
    pub(super) fn hanging() -> Self {
        let (listener, url) = listen();
        thread::spawn(move || listener.incoming().collect::<Vec<_>>());
        Self {
            url,
            heads: Arc::default(),
            bodies: Arc::default(),
        }
    }

    /// Passes everything on to `server`, until `bytes` have gone there; then it is dead.
    pub(super) fn dying_after(bytes: usize, server: &str) -> Self {
        let (listener, url) = listen();
        let server = server
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .to_owned();
        thread::spawn(move || {
            let mut left = bytes;
            for stream in listener.incoming().flatten() {
                left = relay(&stream, &TcpStream::connect(&server).unwrap(), left);
                let _ = stream.shutdown(Shutdown::Both);
                if left == 0 {
                    return;
                }
            }
        });
        Self {
            url,
            heads: Arc::default(),
            bodies: Arc::default(),
        }
    }

    pub(super) fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }
}

/// Returns the address of a port without a listener.
pub(super) fn closed_port() -> String {
    listen().1
}

pub(super) fn response(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

fn read_request(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap_or(0) > 2 {}
    let length = head.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = reader.read_exact(&mut body);
    (head, body)
}

fn relay(client: &TcpStream, server: &TcpStream, mut left: usize) -> usize {
    let (mut back, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    let answers = thread::spawn(move || std::io::copy(&mut back, &mut to));
    let mut buffer = [0; 1024];
    let (mut client, mut server) = (client, server);
    while left > 0 {
        let read = client.read(&mut buffer).unwrap_or(0).min(left);
        if read == 0 || server.write_all(&buffer[..read]).is_err() {
            break;
        }
        left -= read;
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = answers.join();
    left
}
