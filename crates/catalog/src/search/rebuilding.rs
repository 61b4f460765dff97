//! All documents anew, into an index that nobody reads yet.
//!
//! A shop that has just learnt to search has products and no documents, and one whose languages or currency changed, or that was
//! upgraded to a release that finds more, has documents of another kind. The steps may be taken by one replica after the other: where it stopped is in the
//! database.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz};
use domain::Currency;

use super::following::{CHANGED, PATIENCE};
use crate::editing::CHANGES_CHANNEL;

/// Products whose documents are built in one transaction: as many as take a fraction of a second, because whoever follows
/// changes waits meanwhile.
pub const BATCH: i32 = 200;

db::statement! {
    struct Suit { locales: Vec<String> => Array<Text>, currency: &'static str => Text } -> Bool =
    "WITH empty AS ( \
       UPDATE catalog.search_index SET locales = $1, currency = $2, built_at = coalesce(built_at, now()), \
              shape = catalog.search_shape() \
        WHERE NOT EXISTS (SELECT FROM catalog.products) AND next_locales IS NULL RETURNING true \
     ) SELECT EXISTS (SELECT FROM empty) OR EXISTS ( \
         SELECT FROM catalog.search_index WHERE built_at IS NOT NULL AND locales = $1 AND currency = $2 \
            AND shape = catalog.search_shape())"
}

db::statement! {
    struct Begin { locales: Vec<String> => Array<Text>, currency: &'static str => Text } -> Text =
    "SELECT catalog.search_begin($1, $2)::text"
}

db::statement! {
    struct Build { most: i32 => Integer } -> Integer = "SELECT catalog.search_build($1)"
}

db::statement! {
    struct Progress {} -> (BigInt, BigInt) =
    "SELECT (SELECT count(*) FROM catalog.products p WHERE p.id <= i.next_product_id), \
            (SELECT count(*) FROM catalog.products) FROM catalog.search_index i"
}

db::statement! {
    struct IsSwapped { moment: DateTime<Utc> => Timestamptz } -> Bool =
    "SELECT coalesce(built_at > $1, false) AND next_locales IS NULL FROM catalog.search_index"
}

db::statement! {
    struct Next {} -> Integer = "SELECT 1 - live FROM catalog.search_index"
}

db::statement! {
    struct Swap {} -> Text = "SELECT catalog.search_swap()::text"
}

db::statement! {
    struct Clear {} -> Text = "SELECT catalog.search_clear()::text"
}

/// Whether the index that is read suits a shop of these languages and this currency, and was built by a release that puts into documents
/// what this one does. One without products is made to.
///
/// # Errors
///
/// Those of the database.
pub fn is_suitable(
    conn: &mut PgConnection,
    locales: &[String],
    currency: Currency,
) -> QueryResult<bool> {
    Suit {
        locales: locales.to_vec(),
        currency: currency.code(),
    }
    .get_result(conn)
}

/// Begins to build, or goes on where somebody stopped who built the same.
///
/// # Errors
///
/// Those of the database.
pub fn begin(conn: &mut PgConnection, locales: &[String], currency: Currency) -> QueryResult<()> {
    Begin {
        locales: locales.to_vec(),
        currency: currency.code(),
    }
    .execute(conn)
    .map(|_| ())
}

/// Builds the documents of some products more, and returns how many these were. When they are fewer than [`BATCH`], they were the
/// last ones.
///
/// # Errors
///
/// Those of the database.
pub fn build(conn: &mut PgConnection) -> QueryResult<i32> {
    conn.transaction(|conn| {
        conn.batch_execute(PATIENCE)?;
        Build { most: BATCH }.get_result(conn)
    })
}

/// How many products have been read, and how many there are. Both are counted, which takes a second for some million.
///
/// # Errors
///
/// Those of the database.
pub fn progress(conn: &mut PgConnection) -> QueryResult<(i64, i64)> {
    conn.transaction(|conn| {
        conn.batch_execute(PATIENCE)?;
        Progress {}.get_result(conn)
    })
}

/// Whether somebody who began to build after a moment is done with it, but perhaps for what [`clear`] throws away.
///
/// # Errors
///
/// Those of the database.
pub fn is_swapped_since(conn: &mut PgConnection, moment: DateTime<Utc>) -> QueryResult<bool> {
    IsSwapped { moment }.get_result(conn)
}

/// Lets Postgres know what is in the index that was built, so that the first who reads it need not wait for good plans.
///
/// # Errors
///
/// Those of the database.
pub fn analyse(conn: &mut PgConnection) -> QueryResult<()> {
    let next: i32 = Next {}.get_result(conn)?;
    let index = |name: &str| {
        format!("SELECT gin_clean_pending_list('catalog.search_documents_{next}_{name}_idx')")
    };
    let table = |name: &str| format!("ANALYZE catalog.search_{name}_{next}");
    let indexes = ["words", "facets"].map(index);
    let tables = ["documents", "prices", "values", "words"].map(table);
    // Each by itself: whoever reads the log of events waits for transactions that write.
    for statement in indexes.iter().chain(&tables) {
        conn.transaction(|conn| {
            conn.batch_execute("SET LOCAL statement_timeout = '60s'")?;
            conn.batch_execute(statement)
        })?;
    }
    Ok(())
}

/// Has the index read that was built, in the caller's transaction, and tells all replicas.
///
/// # Errors
///
/// Those of the database.
pub fn swap(conn: &mut PgConnection) -> QueryResult<()> {
    Swap {}.execute(conn)?;
    db::listen::notify(conn, CHANGES_CHANNEL, CHANGED)
}

/// Throws away what nobody reads any more. Whoever began to read before [`swap`] has to be done.
///
/// # Errors
///
/// Those of the database.
pub fn clear(conn: &mut PgConnection) -> QueryResult<()> {
    Clear {}.execute(conn).map(|_| ())
}
