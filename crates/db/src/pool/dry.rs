//! A transaction around work of which nothing is kept. The transactions of the work itself become savepoints in it.

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::{PgConnection, QueryResult};

type Manager = AnsiTransactionManager;

/// Begins it. A panic of the work ends its connection, and the transaction with it.
pub(super) fn begin(conn: &mut PgConnection) -> QueryResult<()> {
    Manager::begin_transaction(conn)
}

/// Takes back what the work did, where that was good after what COMMIT would have checked.
pub(super) fn end(conn: &mut PgConnection, is_good: bool) -> QueryResult<()> {
    let checked = if is_good {
        conn.batch_execute("SET CONSTRAINTS ALL IMMEDIATE")
    } else {
        Ok(())
    };
    let undone = Manager::rollback_transaction(conn);
    checked.and(undone)
}
