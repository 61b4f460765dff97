//! What must always be true of users and their sessions.

use db::doctor::{Check, Repaired, prune_all};
use diesel::prelude::*;

use crate::sessions;

/// What the promises of schema `accounts` rest on.
const GUARDS: [&str; 4] = [
    "users_pkey",
    "users_email_normalised_key",
    "sessions_pkey",
    "sessions_user_id_fkey",
];

/// The checks of this crate's tables.
#[must_use]
pub fn checks() -> Vec<Check> {
    vec![
        db::doctor::guards("accounts", &GUARDS),
        orphans(),
        expired_sessions(),
    ]
}

fn orphans() -> Check {
    Check {
        id: "I7",
        name: "every session belongs to a user",
        sql: "SELECT s.user_id, 'user ' || s.user_id, format('does not exist and has %s sessions', count(*)) \
                FROM accounts.sessions s LEFT JOIN accounts.users u ON u.id = s.user_id \
               WHERE u.id IS NULL GROUP BY s.user_id"
            .into(),
        todo: "Delete the sessions: nobody can use them.",
        repair: None,
    }
}

fn expired_sessions() -> Check {
    Check {
        id: "I10",
        name: "expired sessions are forgotten",
        sql: "SELECT NULL::bigint, 'accounts.sessions', \
                     format('%s expired more than an hour ago, the first at %s', count(*), min(expires_at)) \
                FROM accounts.sessions WHERE expires_at < now() - interval '1 hour' HAVING count(*) > 0"
            .into(),
        todo: "No worker runs, or it falls behind. Start one, or let --repair delete them: an \
               expired session lets nobody in.",
        repair: Some(prune_sessions),
    }
}

fn prune_sessions(conn: &mut PgConnection) -> QueryResult<Vec<Repaired>> {
    let pruned = prune_all(conn, 10_000, sessions::prune)?;
    Ok(vec![Repaired {
        check: "I10",
        subject: "accounts.sessions".into(),
        outcome: Ok(format!("{pruned} forgotten")),
    }])
}
