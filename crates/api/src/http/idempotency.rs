//! The `Idempotency-Key` header, and how a keyed write runs.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest};
use db::Db;
use db::idempotency::{self, Claim, RequestKey};
use diesel::{Connection, PgConnection};
use domain::PaymentOperationId;
use sha2::{Digest, Sha256};

use super::{Answer, Caller, Problem};
use crate::pulse;

/// The key of a request, where it has one, and the route it was sent to.
#[derive(Clone, Debug)]
pub struct Key {
    key: Option<String>,
    route: String,
    target: String,
}

impl FromRequest for Key {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request))
    }
}

fn read(request: &HttpRequest) -> Result<Key, Problem> {
    if pulse::is_suspect() {
        return Err(Problem::stood_still());
    }
    let mut values = request.headers().get_all("idempotency-key");
    let key = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(canonical(value.as_bytes()).ok_or_else(malformed)?),
        (Some(_), Some(_)) => return Err(malformed()),
    };
    let pattern = request.match_pattern().unwrap_or_default();
    Ok(Key {
        key,
        route: format!("{} {pattern}", request.method()),
        target: request.uri().to_string(),
    })
}

/// The key without the quotes of a structured field; `None` when it is not one.
fn canonical(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let bare = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    let visible = bare.bytes().all(|b| b.is_ascii_graphic());
    ((16..=255).contains(&bare.len()) && visible).then(|| bare.to_owned())
}

fn malformed() -> Problem {
    Problem::bad_request(
        "invalid_idempotency_key",
        "The Idempotency-Key is not valid",
    )
    .detail("send it once, with 16 to 255 visible ASCII characters; a UUID is a good one")
}

impl Key {
    /// Binds the key to its caller and to the content of the request.
    #[must_use]
    pub fn bind(self, caller: &Caller, body: &[u8]) -> Option<RequestKey> {
        let key = self.key?;
        // Parsed and written again with sorted fields, so that white space and order do not count.
        let canonical_body = serde_json::from_slice::<serde_json::Value>(body)
            .map_or_else(|_| body.to_vec(), |value| value.to_string().into_bytes());
        let mut hash = Sha256::new();
        for part in [
            self.route.as_bytes(),
            self.target.as_bytes(),
            &canonical_body,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Some(RequestKey {
            scope: format!("{} {}", caller.scope(), self.route),
            key,
            fingerprint: hash.finalize().into(),
        })
    }
}

/// What is known of a request's key.
#[derive(Debug)]
pub enum Claimed {
    /// Nothing, or there is no key: do the work.
    Fresh,
    /// It was answered before.
    Answered(Answer),
    /// Its effect is committed, but this payment operation may have no end yet. Whoever started it
    /// may be dead; to settle it twice at once is harmless.
    Unsettled(PaymentOperationId),
}

/// Takes the key for the rest of the transaction.
///
/// # Errors
///
/// 422 for a key that was used for something else, 409 while another transaction holds it, and those of [`still_wanted`].
pub fn claim(conn: &mut PgConnection, key: Option<&RequestKey>) -> Result<Claimed, Problem> {
    still_wanted()?;
    let Some(key) = key else {
        return Ok(Claimed::Fresh);
    };
    match idempotency::claim(conn, key)? {
        Claim::Fresh => Ok(Claimed::Fresh),
        Claim::Answered(stored) => Ok(Claimed::Answered(Answer::replay(stored))),
        Claim::Unanswered { resource_id } => resource_id
            .try_into()
            .map(Claimed::Unsettled)
            .map_err(|_| Problem::internal()),
        Claim::Reused => Err(reused()),
        Claim::Busy => Err(in_progress()),
    }
}

/// What a repeat is answered with; `None` where the key is new or there is none.
///
/// # Errors
///
/// Those of [`claim`].
pub async fn find_answer(db: &Db, key: Option<RequestKey>) -> Result<Option<Answer>, Problem> {
    if key.is_none() {
        return Ok(None);
    }
    db.run(move |conn| {
        conn.transaction(|conn| match claim(conn, key.as_ref())? {
            Claimed::Answered(answer) => Ok(Some(answer)),
            Claimed::Fresh | Claimed::Unsettled(_) => Ok(None),
        })
    })
    .await
}

/// 422: the key belongs to another request.
#[must_use]
pub fn reused() -> Problem {
    Problem::unprocessable(
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request",
    )
    .detail("use a new key for a new request, and the same key only to repeat one unchanged")
}

/// 409: the first request with this key has not been answered yet.
#[must_use]
pub fn in_progress() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_in_progress",
        "The first request with this Idempotency-Key is still running",
    )
    .retry_after(1)
}

/// Ends a request that was read before this replica stood still: it would have its effect after whoever sent it was answered by
/// another replica.
///
/// # Errors
///
/// 502 `stood_still`.
pub fn still_wanted() -> Result<(), Problem> {
    let request = db::request::current();
    if request.is_some_and(|request| pulse::stood_still_since(request.began)) {
        return Err(Problem::stood_still());
    }
    Ok(())
}

/// Runs `work` in a transaction, at most once per key; a repeat gets the first answer.
///
/// A dry request is none of many attempts at one effect, so its key is not looked at.
///
/// # Errors
///
/// Those of `work`, whose effects are then rolled back and whose key may be sent again.
pub async fn once<F>(db: &Db, key: Option<RequestKey>, work: F) -> Result<Answer, Problem>
where
    F: FnOnce(&mut PgConnection) -> Result<Answer, Problem> + Send + 'static,
{
    let key = key.filter(|_| !db::request::is_dry());
    db.run(move |conn| {
        conn.transaction(|conn| {
            match claim(conn, key.as_ref())? {
                Claimed::Fresh => {}
                Claimed::Answered(answer) => return Ok(answer),
                // Keys are scoped to their route, and these routes ask no provider.
                Claimed::Unsettled(_) => return Err(in_progress()),
            }
            Ok(work(conn)?.remember(conn, key.as_ref())?)
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn a_key_may_be_bare_or_quoted() {
        assert_eq!(
            canonical(b"\"0123456789abcdef\"").as_deref(),
            Some("0123456789abcdef")
        );
        assert_eq!(
            canonical(b"0123456789abcdef").as_deref(),
            Some("0123456789abcdef")
        );
        for bad in [
            &b"short"[..],
            b"",
            b"0123456789 abcdef",
            "0123456789abcdefé".as_bytes(),
            &[b'a'; 256],
        ] {
            assert_eq!(canonical(bad), None);
        }
    }
}
