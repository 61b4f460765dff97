//! Idempotency keys: one effect per key, and the same answer for every repeat.
//!
//! The key's row is written in the transaction of the effect, so the two commit together. A request
//! that needs a second transaction (a payment provider is asked in between) stores the key
//! unanswered with the resource it works on; whoever repeats the request then drives that resource
//! to its end instead of starting again.
//!
//! Source of the rules: IETF draft-ietf-httpapi-idempotency-key-header, with answers kept in the
//! transaction of the effect.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, SmallInt, Text};

use crate::faults;

/// A key as the client sent it, and what it was sent with.
#[derive(Clone, Debug)]
pub struct RequestKey {
    /// Who and what: the caller and the route. Keys of others are never seen.
    pub scope: String,
    /// 16 to 255 visible ASCII characters.
    pub key: String,
    /// SHA-256 of the canonical request.
    pub fingerprint: [u8; 32],
}

/// An answer as it was first given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    pub status: u16,
    pub location: Option<String>,
    pub body: Vec<u8>,
}

/// What a key turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// Never seen: do the work, then [`store`] in the same transaction.
    Fresh,
    /// Answered before.
    Answered(StoredAnswer),
    /// The effect is committed, its answer is not: work on this resource is under way or was cut off.
    Unanswered { resource_id: i64 },
    /// Used before for another request.
    Reused,
    /// Another transaction holds the key, and did not let go within the lock time-out.
    Busy,
}

type ClaimRow = (
    bool,
    Option<Vec<u8>>,
    Option<i64>,
    Option<i16>,
    Option<String>,
    Option<Vec<u8>>,
);

crate::statement! {
    struct ClaimKey { scope: String => Text, key: String => Text }
        -> (Bool, Nullable<Binary>, Nullable<BigInt>, Nullable<SmallInt>, Nullable<Text>, Nullable<Binary>) =
    "SELECT locked, fingerprint, resource_id, status, location, body FROM platform.claim_key($1, $2)"
}

/// Takes the key for the rest of the transaction and tells what is known of it.
///
/// To be called first in the transaction: the key comes before every row in the lock order.
///
/// # Errors
///
/// Those of the database.
pub fn claim(conn: &mut PgConnection, request: &RequestKey) -> QueryResult<Claim> {
    let query = ClaimKey {
        scope: request.scope.clone(),
        key: request.key.clone(),
    };
    let (locked, fingerprint, resource_id, status, location, body) =
        query.get_result::<ClaimRow>(conn)?;
    if !locked {
        return Ok(Claim::Busy);
    }
    faults::point("after_key_claim");
    let is_step = request.scope.contains("/orders/{id}");
    if is_step && fingerprint.is_none() && faults::mutant("key_before_effect") {
        store_unanswered(conn, request, 0)?;
        conn.batch_execute("COMMIT; SELECT pg_sleep(0.05); BEGIN")?;
    }
    let known = fingerprint.map(|fingerprint| KnownKey {
        fingerprint,
        resource_id,
        status,
        location,
        body,
    });
    Ok(known.map_or(Claim::Fresh, |known| known.recognise(request)))
}

/// The row of a key.
#[derive(Clone, Debug)]
pub struct KnownKey {
    pub fingerprint: Vec<u8>,
    pub resource_id: Option<i64>,
    pub status: Option<i16>,
    pub location: Option<String>,
    pub body: Option<Vec<u8>>,
}

impl KnownKey {
    /// What the key is to a request that came with it.
    #[must_use]
    pub fn recognise(self, request: &RequestKey) -> Claim {
        match (self.status, self.resource_id) {
            _ if self.fingerprint != request.fingerprint => Claim::Reused,
            (Some(status), _) => Claim::Answered(StoredAnswer {
                status: u16::try_from(status).unwrap_or(500),
                location: self.location,
                body: self.body.unwrap_or_default(),
            }),
            (None, Some(resource_id)) => Claim::Unanswered { resource_id },
            (None, None) => Claim::Fresh, // forbidden by a CHECK
        }
    }
}

crate::statement! {
    /// Inserts the key; an expired row of the same name makes way.
    struct StoreKey {
        scope: String => Text,
        key: String => Text,
        fingerprint: Vec<u8> => Binary,
        resource_id: Option<i64> => Nullable<BigInt>,
        status: Option<i16> => Nullable<SmallInt>,
        location: Option<String> => Nullable<Text>,
        body: Option<Vec<u8>> => Nullable<Binary>,
    } -> Bool =
    "INSERT INTO platform.idempotency_keys AS k \
       (scope, key, fingerprint, resource_id, status, location, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (scope, key) DO UPDATE SET \
       fingerprint = excluded.fingerprint, resource_id = excluded.resource_id, \
       status = excluded.status, location = excluded.location, body = excluded.body, \
       created_at = now(), expires_at = now() + interval '72 hours' \
     WHERE k.expires_at <= now() OR (k.status IS NULL AND k.fingerprint = excluded.fingerprint) \
     RETURNING true"
}

crate::statement! {
    struct DeleteExpired { limit: i64 => BigInt } -> Binary =
    "DELETE FROM platform.idempotency_keys WHERE (scope, key) IN ( \
       SELECT scope, key FROM platform.idempotency_keys WHERE expires_at < now() \
        ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
     RETURNING fingerprint"
}

/// Deletes up to `limit` expired keys and returns how many there were. Orders keep theirs.
///
/// # Errors
///
/// Those of the database.
pub fn prune(conn: &mut PgConnection, limit: i64) -> QueryResult<usize> {
    DeleteExpired { limit }.execute(conn)
}

crate::statement! {
    struct ReadAnswer { scope: String => Text, key: String => Text }
        -> (SmallInt, Nullable<Text>, Nullable<Binary>) =
    "SELECT status, location, body FROM platform.idempotency_keys \
      WHERE scope = $1 AND key = $2 AND status IS NOT NULL"
}

/// Stores the answer with the effect, or completes a key that was [`store_unanswered`].
///
/// An answer that is already there stays and is returned: the first one counts.
///
/// # Errors
///
/// Those of the database.
pub fn store(
    conn: &mut PgConnection,
    request: &RequestKey,
    answer: &StoredAnswer,
) -> QueryResult<Option<StoredAnswer>> {
    if insert(conn, request, None, Some(answer))? > 0 {
        return Ok(None);
    }
    let statement = ReadAnswer {
        scope: request.scope.clone(),
        key: request.key.clone(),
    };
    let found = statement
        .get_result::<(i16, Option<String>, Option<Vec<u8>>)>(conn)
        .optional()?;
    Ok(found.map(|(status, location, body)| StoredAnswer {
        status: u16::try_from(status).unwrap_or(500),
        location,
        body: body.unwrap_or_default(),
    }))
}

/// Stores the key with the resource its request works on, before the answer is known.
///
/// # Errors
///
/// Those of the database.
pub fn store_unanswered(
    conn: &mut PgConnection,
    request: &RequestKey,
    resource_id: i64,
) -> QueryResult<()> {
    insert(conn, request, Some(resource_id), None).map(|_| ())
}

fn insert(
    conn: &mut PgConnection,
    request: &RequestKey,
    resource_id: Option<i64>,
    answer: Option<&StoredAnswer>,
) -> QueryResult<usize> {
    if faults::mutant("key_after_effect") {
        conn.batch_execute("COMMIT; SELECT pg_sleep(0.05); BEGIN")?;
    }
    let statement = StoreKey {
        scope: request.scope.clone(),
        key: request.key.clone(),
        fingerprint: request.fingerprint.to_vec(),
        resource_id,
        status: answer.map(|answer| i16::try_from(answer.status).unwrap_or(500)),
        location: answer.and_then(|answer| answer.location.clone()),
        body: answer.map(|answer| answer.body.clone()),
    };
    statement.execute(conn)
}
