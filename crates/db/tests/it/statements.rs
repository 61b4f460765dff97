use db::DbError;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use crate::{count, text};

db::statement! {
    struct Add { a: i64 => BigInt, b: i64 => BigInt } -> BigInt = "SELECT $1 + $2 AS declared_once"
}

#[tokio::test]
async fn a_statement_is_prepared_once_and_runs_under_a_generic_plan() {
    let db = crate::database().pool(1);

    let seen = db.run(|conn| {
        assert_eq!(Add { a: 1, b: 2 }.get_result(conn), Ok(3_i64));
        assert_eq!(Add { a: -5, b: 7 }.get_result(conn), Ok(2_i64));
        assert_eq!(Add { a: 0, b: 0 }.execute(conn), Ok(1));
        let prepared = "pg_prepared_statements WHERE statement LIKE '%declared_once'";
        let generic = format!("{prepared} AND generic_plans = 3 AND custom_plans = 0");
        let mode = text(conn, "current_setting('plan_cache_mode')");
        Ok::<_, DbError>((count(conn, prepared), count(conn, &generic), mode))
    });

    assert_eq!(seen.await.unwrap(), (1, 1, "force_generic_plan".to_owned()));
}
