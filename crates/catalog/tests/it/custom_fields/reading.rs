//! What customers wait for does not depend on how many fields there are.

use std::collections::BTreeSet;

use catalog::custom_fields::attributes::AttributeChanges;
use catalog::custom_fields::{self, Rules};
use catalog::products::{self, Start};
use db::testing::text;
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use domain::{CustomType, PageSize};
use serde_json::json;

use super::{create_with, define, field, object};
use crate::{SETTINGS, USD, create, database, product, statements};

/// The statement of a list, and its generic plan with what it read.
fn list(conn: &mut PgConnection) -> (String, String) {
    let size = PageSize::default();
    let sent = statements(conn, |conn| {
        let page = products::list(conn, None, Start::After(10), size, USD).unwrap();
        assert_eq!(page.len(), 21);
        assert!(page.iter().all(|product| product.custom_fields().is_none()));
    });
    assert_eq!(sent, 1);
    let of = "FROM pg_prepared_statements WHERE statement LIKE '%ORDER BY p.id LIMIT $4 OFFSET $5' \
              AND statement NOT LIKE '%search_text%'";
    let (statement, name) = (
        text(conn, &format!("(SELECT statement {of})")),
        text(conn, &format!("(SELECT name {of})")),
    );
    let explain = format!(
        "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE {name}('USD', NULL, 10, 21, 0)"
    );
    conn.batch_execute(&explain).unwrap(); // what is read for the first time is not
    let plan: Vec<String> = sql::<Text>(&explain).load(conn).unwrap();
    (statement, plan.join("\n"))
}

#[test]
fn a_list_of_products_is_the_same_statement_plan_and_pages_with_fifty_fields() {
    let conn = &mut database().connect();
    let ids: Vec<_> = (0..200)
        .map(|n| create(conn, product(&format!("LIST-{n}"))))
        .collect();
    conn.batch_execute("VACUUM (FREEZE, ANALYZE)").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    let before = list(conn);

    for number in 0..50 {
        let mut new = field(&format!("f{number}"), CustomType::Text, Rules::default());
        new.rules.max_length = Some(200);
        new.is_filterable = number % 2 == 0;
        define(conn, new);
    }
    conn.batch_execute(
        "INSERT INTO catalog.custom_values (resource, resource_id, public_values, metadata) \
         SELECT 'product', p.id, (SELECT jsonb_object_agg('f' || n, repeat('x', 150)) FROM generate_series(0, 49) n), '{\"a\": 1}' \
           FROM catalog.products p",
    )
    .unwrap();
    conn.batch_execute("VACUUM (FREEZE, ANALYZE)").unwrap();

    let after = list(conn);
    assert_eq!(after, before);
    let found = statements(conn, |conn| {
        let product = products::find(conn, ids[0], USD).unwrap().unwrap();
        assert_eq!(product.custom_fields().unwrap().len(), 50);
        assert_eq!(product.metadata(), Some(&object(&[("a", json!(1))])));
    });
    assert_eq!(found, 1);
}

#[test]
fn a_product_without_values_has_none_and_private_ones_are_not_read() {
    let conn = &mut crate::conn();
    let mut private = field("secret", CustomType::Int, Rules::default());
    private.is_public = false;
    define(conn, private);
    define(conn, field("open", CustomType::Int, Rules::default()));
    let bare = create(conn, product("READ-1"));
    let given = AttributeChanges {
        values: object(&[("secret", json!(1)), ("open", json!(2))]),
        metadata: object(&[("seen", json!(3))]),
        private_metadata: object(&[("hidden", json!(4))]),
    };
    let full = create_with(conn, "READ-2", given).unwrap();

    let bare = products::find(conn, bare, USD).unwrap().unwrap();
    assert_eq!(
        (bare.custom_fields(), bare.metadata()),
        (Some(&object(&[])), Some(&object(&[])))
    );
    let full = products::find(conn, full, USD).unwrap().unwrap();
    assert_eq!(full.custom_fields(), Some(&object(&[("open", json!(2))])));
    assert_eq!(full.metadata(), Some(&object(&[("seen", json!(3))])));
}

#[test]
fn a_search_reads_the_definitions_that_it_names_and_no_others() {
    let conn = &mut database().connect();
    for number in 0..50 {
        let mut new = field(&format!("f{number}"), CustomType::Int, Rules::default());
        new.is_filterable = true;
        define(conn, new);
    }
    define(conn, field("plain", CustomType::Int, Rules::default()));
    conn.batch_execute("VACUUM ANALYZE").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    let keys = || ["f7", "f30", "plain", "nobody"].map(str::to_owned).to_vec();
    let read = |conn: &mut PgConnection| -> i64 {
        let counted = "(SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables \
                         WHERE relid = 'catalog.custom_fields'::regclass)";
        diesel::select(sql::<BigInt>(counted))
            .get_result(conn)
            .unwrap()
    };

    let rows = conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
        let before = read(conn);
        let found = custom_fields::filters(conn, keys())?;
        let found: BTreeSet<&str> = found.iter().map(|field| field.key.as_str()).collect();
        assert_eq!(found, BTreeSet::from(["f7", "f30"]));
        Ok(read(conn) - before)
    });

    assert_eq!(rows, 2);
}
