//! Files that come in as the body of a request, of any length.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::Problem;

/// How long the next bytes may take. nginx has the whole file before it passes any of it on.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes of a refused file that are read all the same.
const DRAINED: usize = 256 * 1024 * 1024;

/// A file that is coming in.
pub struct Incoming<'p> {
    payload: &'p mut Payload,
    limit: u64,
    digest: Sha256,
    bytes: u64,
}

impl<'p> Incoming<'p> {
    /// `limit` is in bytes.
    pub fn new(payload: &'p mut Payload, limit: u64) -> Self {
        Self {
            payload,
            limit,
            digest: Sha256::new(),
            bytes: 0,
        }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    ///
    /// 408 where they do not come, 413 where there are too many, 400 for what is broken off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let next = timeout(PATIENCE, self.payload.next()).await;
        let Some(piece) = next.map_err(|_| too_slow())? else {
            return Ok(None);
        };
        let piece = piece.map_err(|_| unreadable())?;
        self.bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if self.bytes > self.limit {
            return Err(too_large(self.limit));
        }
        self.digest.update(&piece);
        Ok(Some(piece))
    }

    /// SHA-256 of all that came, by which a repeat of the request is told apart, and how many bytes that was.
    #[must_use]
    pub fn end(self) -> ([u8; 32], u64) {
        (self.digest.finalize().into(), self.bytes)
    }
}

/// Reads on, as far as that is not too much, so that whoever sends hears why nothing is kept of it.
pub async fn drain(payload: &mut Payload) {
    let mut left = DRAINED;
    while let Ok(Some(Ok(piece))) = timeout(PATIENCE, payload.next()).await {
        left = left.saturating_sub(piece.len());
        if left == 0 {
            break;
        }
    }
}

/// 413, with how much would be right.
#[must_use]
pub fn too_large(limit: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload_too_large",
        "The file is too large",
    )
    .detail(format!("at most {limit} bytes"))
}

fn too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "request_timeout",
        "The file did not come in time",
    )
}

fn unreadable() -> Problem {
    Problem::bad_request("unreadable_body", "The body could not be read")
}
