//! The body of an import goes into the database as it comes, part by part.

use std::sync::Arc;

use actix_web::web::Payload;
use catalog::import::{self, Form};
use catalog::imports::{NewImport, uploading};

use crate::http::Problem;
use crate::http::upload::{self, Incoming};
use crate::state::State;

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
        let (mut incoming, mut number) = (Incoming::new(payload, limit), 0);
        let mut part = Vec::with_capacity(uploading::PART);
        loop {
            let next = incoming.next().await?;
            let is_last = next.is_none();
            part.extend_from_slice(&next.unwrap_or_default());
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
                let (digest, bytes) = incoming.end();
                let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
                return Ok(File { bytes, digest });
            }
        }
    }

    /// Keeps nothing of a file that is refused.
    pub async fn refuse(&self, payload: &mut Payload) {
        upload::drain(payload).await;
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
