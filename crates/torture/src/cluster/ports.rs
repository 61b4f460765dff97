//! Free ports, and the plainest questions one can ask through them.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Fallible;
use crate::rng::Rng;

/// A port that nothing listens on, below the range the kernel hands out by itself.
pub fn free_port() -> Fallible<u16> {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut given = GIVEN.lock().map_err(|_| "a thread panicked")?;
    let given = given.get_or_insert_default();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut rng = Rng::new(
        u64::from(now.subsec_nanos()) ^ u64::from(std::process::id()) << 32,
        "ports",
    );
    (0..1_000)
        .filter_map(|_| u16::try_from(rng.between(20_000, 32_000)).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok() && given.insert(*port))
        .ok_or_else(|| "no free port".into())
}

/// The status of a bare GET; `None` when nobody answers within a second.
#[must_use]
pub fn status_of(port: u16, path: &str) -> Option<u16> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = ask(port, &request)?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// Sends some bytes, and reads until the other side has nothing more to say.
#[must_use]
pub fn ask(port: u16, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => {
                answer.extend_from_slice(&buffer[..read]);
                if !request.starts_with("GET ") && answer.ends_with(b"\r\n") {
                    break;
                }
            }
        }
    }
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}
