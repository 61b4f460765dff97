//! Opaque tokens, hashed at rest and revocable at once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::UserId;
use sha2::{Digest, Sha256};

use crate::schema::{sessions, users};
use crate::users::User;

/// Marks our tokens, so that secret scanners recognise one that leaks.
const PREFIX: &str = "cws_";

/// A new session. The token is shown once and kept nowhere.
#[derive(Debug)]
pub struct NewSession {
    pub token: Token,
    pub expires_at: DateTime<Utc>,
}

/// 256 random bits, in URL-safe Base64 behind a prefix.
pub struct Token(String);

impl Token {
    fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// Opens a session for somebody whose password was verified against `verified`, a hash.
///
/// `None` when that is not the user's hash by now: a new password closes all sessions, also those
/// whose login began before it. The session lives for 30 days. From now on nobody may act for this
/// user without a token.
///
/// # Errors
///
/// [`SessionError`].
pub fn open(
    conn: &mut PgConnection,
    user_id: UserId,
    verified: &str,
) -> Result<Option<NewSession>, SessionError> {
    let token = Token::random()?;
    conn.transaction(|conn| {
        // The lock on the user's row orders this and a new password: whoever comes second sees the
        // first, so the session either does not open or is among those that are closed.
        let with_this_password = users::table
            .find(user_id.get())
            .filter(users::password_hash.eq(verified));
        let updated = diesel::update(with_this_password)
            .set((users::last_login_at.eq(now), users::is_open.eq(false)))
            .execute(conn)?;
        if updated == 0 {
            return Ok(None);
        }
        let expires_at = diesel::insert_into(sessions::table)
            .values((
                sessions::token_hash.eq(hash(token.reveal())),
                sessions::user_id.eq(user_id.get()),
            ))
            .returning(sessions::expires_at)
            .get_result(conn)?;
        Ok(Some(NewSession { token, expires_at }))
    })
}

/// Finds whose token this is; `None` for an unknown, expired or closed one.
///
/// # Errors
///
/// Those of the database.
pub fn find_user(conn: &mut PgConnection, token: &str) -> QueryResult<Option<User>> {
    sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(hash(token)))
        .filter(sessions::expires_at.gt(now))
        .select(User::as_select())
        .first(conn)
        .optional()
}

/// Closes a session: its token is dead at once.
///
/// # Errors
///
/// Those of the database.
pub fn close(conn: &mut PgConnection, token: &str) -> QueryResult<usize> {
    diesel::delete(sessions::table.find(hash(token))).execute(conn)
}

/// Closes all sessions of a user and returns how many there were.
///
/// # Errors
///
/// Those of the database.
pub fn close_all(conn: &mut PgConnection, user_id: UserId) -> QueryResult<usize> {
    diesel::delete(sessions::table.filter(sessions::user_id.eq(user_id.get()))).execute(conn)
}

db::statement! {
    struct DeleteExpired { limit: i64 => BigInt } -> BigInt =
    "DELETE FROM accounts.sessions WHERE token_hash IN ( \
       SELECT token_hash FROM accounts.sessions WHERE expires_at < now() \
        ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED) \
     RETURNING user_id"
}

/// Deletes up to `limit` expired sessions and returns how many there were.
///
/// # Errors
///
/// Those of the database.
pub fn prune(conn: &mut PgConnection, limit: i64) -> QueryResult<usize> {
    DeleteExpired { limit }.execute(conn)
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
