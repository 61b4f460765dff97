//! A server for tests that answers each request with the next of the answers it was given.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::{Client, ClientBuilder};

/// What the server does with a request.
pub(crate) enum Reply {
    /// Sends this status line, headers and body.
    With(&'static str, &'static [&'static str], String),
    /// Closes the connection without a word.
    HangUp,
    /// Keeps the connection and says nothing.
    Silence,
}

/// A listening server and what it heard.
pub(crate) struct TestServer {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl TestServer {
    /// Listens on a free port and gives the replies in turn; afterwards it hangs up.
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(serve(listener, replies.into(), Arc::clone(&heard)));
        Self { address, heard }
    }

    /// Describes a client that does not wait long.
    pub(crate) fn client(&self) -> ClientBuilder {
        Client::builder(&self.address)
            .pauses(Duration::from_millis(1), Duration::from_millis(4))
            .timeout(Duration::from_secs(1))
    }

    /// Returns all requests so far, heads and bodies.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns the value of a header in each request so far.
    pub(crate) fn headers(&self, name: &str) -> Vec<Option<String>> {
        let find = |request: &String| {
            request.lines().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        self.heard().iter().map(find).collect()
    }
}

async fn serve(
    listener: TcpListener,
    mut replies: VecDeque<Reply>,
    heard: Arc<Mutex<Vec<String>>>,
) {
    let mut silent = Vec::new();
    while let Ok((stream, _)) = listener.accept().await {
        let request = read_request(&stream).await;
        heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
        match replies.pop_front() {
            Some(Reply::With(status, headers, body)) => {
                let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\
                     {headers}\r\n{body}"
                );
                write_all(&stream, answer.as_bytes()).await;
            }
            Some(Reply::Silence) => silent.push(stream),
            Some(Reply::HangUp) | None => drop(stream),
        }
    }
}

/// Reads a head, and the body that its `Content-Length` announces.
async fn read_request(stream: &TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        let mut part = [0; 4096];
        if stream.readable().await.is_err() {
            return text;
        }
        match stream.try_read(&mut part) {
            Ok(0) => return text,
            Ok(count) => bytes.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return text,
        }
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) {
    while !bytes.is_empty() && stream.writable().await.is_ok() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
