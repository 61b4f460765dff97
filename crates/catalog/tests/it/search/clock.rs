//! What the clock changes, without any event.

use std::time::Duration;

use catalog::search::{Search, following};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::Facet;

use super::{everything, find, ids, index_all, named};
use crate::conn;

fn sql(conn: &mut PgConnection, sql: &str) {
    conn.batch_execute(sql).unwrap();
}

/// Lets an hour pass: all moments there are lie that much further back.
fn let_an_hour_pass(conn: &mut PgConnection) {
    for (table, columns) in [
        ("products", &["published_at", "unpublished_at"][..]),
        ("prices", &["valid_from"]),
        (
            "search_documents_0",
            &["published_at", "unpublished_at", "changes_at"],
        ),
    ] {
        let set: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} = {column} - interval '1 hour'"))
            .collect();
        sql(
            conn,
            &format!("UPDATE catalog.{table} SET {}", set.join(", ")),
        );
    }
}

fn total(conn: &mut PgConnection) -> i64 {
    find(conn, &everything()).facets.unwrap().total
}

#[test]
fn what_is_on_sale_is_decided_when_it_is_looked_for() {
    let conn = &mut conn();
    let id = named(conn, "C-1", "Comet").get();
    sql(
        conn,
        &format!(
            "UPDATE catalog.products SET published_at = now() + interval '30 minutes', \
                    unpublished_at = now() + interval '90 minutes' WHERE id = {id}"
        ),
    );
    index_all(conn);
    assert_eq!((total(conn), ids(conn, &everything()).len()), (0, 0));

    let_an_hour_pass(conn);
    assert_eq!((total(conn), ids(conn, &everything()).len()), (1, 1));

    let_an_hour_pass(conn);
    assert_eq!((total(conn), ids(conn, &everything()).len()), (0, 0));
    assert_eq!(following::refresh(conn).unwrap(), 1);
    assert_eq!(crate::count(conn, "catalog.search_live"), 0, "it is over");
}

#[test]
fn a_draft_has_no_document() {
    let conn = &mut conn();
    let id = named(conn, "D-1", "Draft").get();
    sql(
        conn,
        &format!("UPDATE catalog.products SET published_at = 'infinity' WHERE id = {id}"),
    );
    index_all(conn);

    assert_eq!(crate::count(conn, "catalog.search_live"), 0);
}

#[test]
fn a_price_to_come_is_searched_by_once_its_moment_has_come() {
    let conn = &mut conn();
    let id = named(conn, "M-1", "Moment").get();
    sql(
        conn,
        &format!(
            "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from, scheduled) \
             SELECT id, 'USD', 700, now() + interval '30 minutes', true FROM catalog.variants WHERE product_id = {id}"
        ),
    );
    index_all(conn);
    let prices = Search {
        facets: vec![Facet::Price],
        ..everything()
    };
    let range = |conn: &mut PgConnection| find(conn, &prices).facets.unwrap().prices.unwrap().range;
    assert_eq!(range(conn), Some((950, 950)));
    assert_eq!(following::refresh(conn).unwrap(), 0);

    let_an_hour_pass(conn);
    assert!(following::lag(conn).unwrap() > Duration::from_secs(1_700));
    assert_eq!(following::refresh(conn).unwrap(), 1);

    assert_eq!(range(conn), Some((700, 700)));
    assert_eq!(following::refresh(conn).unwrap(), 0);
    assert_eq!(following::lag(conn).unwrap(), Duration::ZERO);
}

#[test]
fn what_has_only_a_price_to_come_is_found_from_then_on() {
    let conn = &mut conn();
    let id = named(conn, "F-1", "Future").get();
    sql(
        conn,
        "UPDATE catalog.prices SET valid_from = now() + interval '30 minutes', scheduled = true",
    );
    index_all(conn);
    assert_eq!(total(conn), 0);

    let_an_hour_pass(conn);

    assert_eq!(total(conn), 1);
    assert_eq!(ids(conn, &everything()), [id]);
}
