//! The body of an import goes into the database as it comes, part by part.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use catalog::import::{self, Form};
use catalog::imports::{NewImport, uploading};
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use crate::http::Problem;
use crate::state::State;

/// How long the next bytes may take. nginx has the whole file before it passes any of it on.
const PATIENCE: Duration = Duration::from_secs(20);

/// Most bytes of a refused file that are read all the same.
const DRAINED: usize = 256 * 1024 * 1024;

/// A file that is coming in.
pub struct Upload {
    state: Arc<State>,
    id: i64,
    form: Form,
}

/// A file that is there.
pub struct File {
    pub bytes: i64,
    /// SHA-256: what a repeat of the request is told apart by.
    pub digest: [u8; 32],
}

impl Upload {
    /// Makes the import whose file it is.
    pub async fn begin(state: Arc<State>, new: NewImport) -> Result<Self, Problem> {
        let form = new.form;
        let id = state
            .db
            .run(move |conn| uploading::begin(conn, &new).map_err(Problem::from))
            .await?;
        Ok(Self { state, id, form })
    }

    pub fn id(&self) -> i64 {
        self.id
    }

    /// Takes all of the body, and looks at its beginning.
    pub async fn receive(&self, payload: &mut Payload, limit: u64) -> Result<File, Problem> {
        let (mut digest, mut bytes, mut number) = (Sha256::new(), 0_u64, 0);
        let mut part = Vec::with_capacity(uploading::PART);
        loop {
            let next = timeout(PATIENCE, payload.next()).await;
            let next = next.map_err(|_| too_slow())?;
            let is_last = next.is_none();
            if let Some(piece) = next {
                let piece = piece.map_err(|_| unreadable())?;
                bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
                if bytes > limit {
                    return Err(too_large(limit));
                }
                digest.update(&piece);
                part.extend_from_slice(&piece);
            }
            let is_full = part.len() >= uploading::PART;
            if number == 0 && (is_full || is_last) {
                self.look(&part, is_last)?;
            }
            if is_full || (is_last && !part.is_empty()) {
                let full = std::mem::replace(&mut part, Vec::with_capacity(uploading::PART));
                self.add(number, full).await?;
                number += 1;
            }
            if is_last {
                return Ok(File {
                    bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
                    digest: digest.finalize().into(),
                });
            }
        }
    }

    /// Reads on, as far as that is not too much, so that whoever sends hears why nothing is kept of it.
    pub async fn refuse(&self, payload: &mut Payload) {
        let mut left = DRAINED;
        while let Ok(Some(Ok(piece))) = timeout(PATIENCE, payload.next()).await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                break;
            }
        }
        self.discard().await;
    }

    /// Refuses at once what no row of would be read.
    fn look(&self, beginning: &[u8], is_all: bool) -> Result<(), Problem> {
        if is_all && beginning.trim_ascii().is_empty() {
            return Err(Problem::invalid("file", "empty", "must not be empty"));
        }
        import::look(beginning, self.form).map_err(|error| {
            Problem::unprocessable("unreadable_file", "The file is not what it should be").field(
                "file",
                "unreadable",
                error.to_string(),
            )
        })
    }

    async fn add(&self, number: i64, bytes: Vec<u8>) -> Result<(), Problem> {
        let id = self.id;
        self.state
            .db
            .run(move |conn| uploading::add(conn, id, number, bytes).map_err(Problem::from))
            .await
    }

    /// Forgets the file, unless it is an import by now. What cannot be forgotten now is pruned later.
    pub async fn discard(&self) {
        let id = self.id;
        let discarded = self
            .state
            .db
            .run(move |conn| uploading::discard(conn, id).map_err(Problem::from))
            .await;
        if let Err(problem) = discarded {
            log::warn!(import = id, error:% = problem; "an upload is left behind");
        }
    }
}

/// 413, with how much would be right.
fn too_large(limit: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "payload_too_large",
        "The file is too large",
    )
    .detail(format!("at most {limit} bytes; send it in several files"))
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
