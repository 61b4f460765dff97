//! Forgetting old events, and adopting a log that came from another server.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};

crate::statement! {
    /// Only the oldest rows are looked at, so a call that finds nothing old costs little; and only
    /// what lies before the first that has to stay, so that what is left has no gaps.
    struct DeleteOld { limit: i64 => BigInt } -> BigInt =
    "WITH gone AS ( \
       DELETE FROM platform.outbox WHERE (xid, id) IN ( \
         SELECT o.xid, o.id FROM ( \
           SELECT xid, id, bool_and(occurred_at < now() - interval '30 days' \
                    AND NOT EXISTS (SELECT FROM platform.consumers c WHERE (c.xid, c.id) < (oldest.xid, oldest.id))) \
                    OVER (ORDER BY xid, id) AS may_go \
             FROM (SELECT xid, id, occurred_at FROM platform.outbox ORDER BY xid, id LIMIT $1) oldest) o \
          WHERE o.may_go) \
       RETURNING xid, id \
     ), start AS ( \
       UPDATE platform.outbox_start s SET xid = g.xid, id = g.id \
         FROM (SELECT xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1) g \
        WHERE (g.xid, g.id) > (s.xid, s.id) \
     ) SELECT count(*) FROM gone"
}

/// Deletes up to `limit` events that are older than 30 days and that every consumer has handled,
/// and returns how many there were.
///
/// # Errors
///
/// Those of the database.
pub fn prune(conn: &mut PgConnection, limit: i64) -> QueryResult<usize> {
    let count: i64 = DeleteOld { limit }.get_result(conn)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

crate::statement! {
    struct IsForeign {} -> Bool =
    "SELECT EXISTS (SELECT FROM platform.outbox WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())) \
         OR EXISTS (SELECT FROM platform.outbox_start WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())) \
         OR EXISTS (SELECT FROM platform.consumers WHERE xid > pg_snapshot_xmax(pg_current_snapshot()))"
}

crate::statement! {
    struct LockLog {} -> BigInt = "LOCK TABLE platform.outbox, platform.consumers IN SHARE ROW EXCLUSIVE MODE"
}

crate::statement! {
    /// Behind the first event that is not handled everything is handed out again.
    struct MoveConsumers {} -> BigInt =
    "UPDATE platform.consumers c \
        SET xid = pg_current_xact_id(), epoch = epoch + 1, lease_until = '-infinity', id = coalesce( \
       (SELECT min(o.id) - 1 FROM platform.outbox o WHERE (o.xid, o.id) > (c.xid, c.id)), \
       (SELECT max(o.id) FROM platform.outbox o), 0)"
}

crate::statement! {
    /// An id of 0 says that nothing was ever pruned.
    struct MoveStart {} -> BigInt =
    "UPDATE platform.outbox_start SET xid = pg_current_xact_id(), \
            id = CASE WHEN id > 0 THEN coalesce((SELECT min(o.id) - 1 FROM platform.outbox o), id) ELSE 0 END"
}

crate::statement! {
    struct RenumberEvents {} -> BigInt = "UPDATE platform.outbox SET xid = pg_current_xact_id()"
}

/// Makes a log that was written by another server this one's, and tells whether it was.
///
/// After `pg_dump` and `pg_restore` the log holds transaction ids that this server has yet to give
/// out: old events would count as still running, and new ones as handled. So all restored events
/// become those of this transaction, which comes before all that follow. Their ids keep the order of
/// each resource's events, because a writer takes them under the resource's lock. Consumers may see
/// some events again, under the same event ids; none is lost.
///
/// A cursor of a client is from before this transaction, and lost, or from the future, and lost until
/// this server has given out as many transaction ids as the other: whoever asks by then is told.
///
/// To be called before anything is written or consumed.
///
/// # Errors
///
/// Those of the database.
pub fn adopt(conn: &mut PgConnection) -> QueryResult<bool> {
    conn.transaction(|conn| {
        if !(IsForeign {}).get_result::<bool>(conn)? {
            return Ok(false);
        }
        LockLog {}.execute(conn)?;
        MoveConsumers {}.execute(conn)?;
        MoveStart {}.execute(conn)?;
        RenumberEvents {}.execute(conn)?;
        Ok(true)
    })
}
