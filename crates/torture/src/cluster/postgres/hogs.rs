//! Connections that do nothing but be there.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Opens idle connections until a server takes no more.
pub fn take_all(port: u16, database: &str) -> Vec<TcpStream> {
    let mut hogs = Vec::new();
    while hogs.len() < 1_000 {
        match idle_connection(port, database) {
            Some(hog) => hogs.push(hog),
            None => break,
        }
    }
    hogs
}

/// Says hello in the wire protocol, version 3.0, and waits to be let in (`R`) or turned away (`E`).
fn idle_connection(port: u16, database: &str) -> Option<TcpStream> {
    let mut hello = 196_608_u32.to_be_bytes().to_vec();
    for word in ["user", "cartwright", "database", database, ""] {
        hello.extend_from_slice(word.as_bytes());
        hello.push(0);
    }
    let length = u32::try_from(hello.len() + 4).ok()?;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(&length.to_be_bytes()).ok()?;
    stream.write_all(&hello).ok()?;
    let mut kind = [0];
    stream.read_exact(&mut kind).ok()?;
    (kind == *b"R").then_some(stream)
}
