//! Statements that Diesel keeps prepared.

/// Declares a statement whose SQL never changes, so that each connection prepares it once.
///
/// Diesel re-parses every `UPDATE`, multi-row `INSERT` and `sql_query`; on the order path that is
/// half of the time Postgres spends. A statement declared here is cached by its type. The fields
/// are bound to `$1`, `$2`, … in the order they are written.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use diesel::sql_types::{BigInt, Timestamptz};
///
/// db::statement! {
///     /// Deletes what expired before a moment, and tells how many rows that were.
///     struct DeleteExpired { before: DateTime<Utc> => Timestamptz } -> BigInt =
///     "WITH gone AS (DELETE FROM tokens WHERE expires_at < $1 RETURNING 1) SELECT count(*) FROM gone"
/// }
/// ```
#[macro_export]
macro_rules! statement {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident { $($field:ident : $rust:ty => $sql_type:ty),* $(,)? } -> $row:ty
        = $sql:expr
    ) => {
        $(#[$meta])*
        #[derive($crate::reexport::diesel::query_builder::QueryId)]
        #[diesel(diesel_path = $crate::reexport::diesel)]
        $vis struct $name { $($vis $field: $rust),* }

        const _: () = {
            use $crate::reexport::diesel;
            use diesel::query_builder::{AstPass, Query, QueryFragment};

            impl Query for $name {
                type SqlType = $row;
            }
            impl diesel::RunQueryDsl<diesel::PgConnection> for $name {}
            impl QueryFragment<diesel::pg::Pg> for $name {
                fn walk_ast<'b>(
                    &'b self,
                    mut out: AstPass<'_, 'b, diesel::pg::Pg>,
                ) -> diesel::QueryResult<()> {
                    out.push_sql($sql);
                    $(out.push_bind_param_value_only::<$sql_type, $rust>(&self.$field)?;)*
                    Ok(())
                }
            }
        };
    };
}
