//! What can go wrong between us and Postgres.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why [`Db::run`](crate::Db::run) has no result.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// Postgres cannot be reached, the connection broke, or the disk is full. Whether a transaction
    /// committed is unknown; a repeat with the same idempotency key finds out.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// No connection became free, or a lock was not granted, within its time.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// A statement failed for another reason: a bug, or a constraint that held.
    #[error("query failed: {0}")]
    Query(DieselError),
    /// The closure panicked; its transaction was rolled back.
    #[error("a database task panicked")]
    Panicked,
}

impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        if is_connection_loss(&error) || is_disk_full(&error) {
            Self::Unavailable(error.to_string())
        } else if is_timeout(&error) {
            Self::Busy(error.to_string())
        } else {
            Self::Query(error)
        }
    }
}

/// Tells whether the connection that produced `error` is of no further use.
pub(crate) fn is_connection_loss(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        )
        | DieselError::BrokenTransactionManager => true,
        // Diesel keeps no SQLSTATE for these; servers answer in English unless `lc_messages` says
        // otherwise, and then the loss shows as a closed connection one statement later.
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => contains_any(
            info.message(),
            &[
                "terminating connection",
                "server closed the connection",
                "connection to server",
                "no connection to the server",
                "could not receive data",
                "could not send data",
                "SSL connection has been closed",
                "shutting down",
                "starting up",
                "recovery mode",
                "crash of another server process",
            ],
        ),
        DieselError::RollbackErrorOnCommit { rollback_error, .. } => {
            is_connection_loss(rollback_error)
        }
        _ => false,
    }
}

/// The connection stays of use: reads go on, and writes do as soon as there is room again.
fn is_disk_full(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info)
            if contains_any(
                info.message(),
                &["No space left on device", "could not extend file"],
            )
    )
}

fn is_timeout(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, info) => contains_any(
            info.message(),
            &[
                "lock timeout",
                "statement timeout",
                "deadlock detected",
                "too many clients",
            ],
        ),
        _ => false,
    }
}

fn contains_any(message: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| message.contains(needle))
}
