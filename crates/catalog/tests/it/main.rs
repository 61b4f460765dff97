//! The catalogue against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod editing;
mod import;
mod plans;
mod products;
mod quotes;
mod races;
mod stock;

use std::sync::OnceLock;

use catalog::editing::NewProduct;
use catalog::stock::Cause;
use db::testing::{self, TestDatabase};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use domain::{Currency, Money, ProductId, Sku, VariantId};

const USD: Currency = Currency::USD;
const EUR: Currency = Currency::EUR;

fn database() -> TestDatabase {
    testing::database(&[db::OWNER, catalog::OWNER])
}

/// A connection in a transaction that is rolled back, to a database that other tests use too.
///
/// They take turns: two that insert the same SKUs in another order would deadlock.
fn conn() -> PgConnection {
    static SHARED: OnceLock<TestDatabase> = OnceLock::new();
    let mut conn = SHARED.get_or_init(database).connect();
    conn.begin_test_transaction().unwrap();
    conn.batch_execute("SELECT pg_advisory_xact_lock(1)")
        .unwrap();
    conn
}

fn sku(text: &str) -> Sku {
    text.parse().unwrap()
}

/// A product named after its SKU, for 9.50 USD, with 10 on hand.
fn product(text: &str) -> NewProduct {
    NewProduct {
        sku: sku(text),
        name: format!("Product {text}"),
        description: String::new(),
        image: String::new(),
        price: Money::new(950, USD),
        on_hand: 10,
    }
}

fn create(conn: &mut PgConnection, product: NewProduct) -> ProductId {
    catalog::editing::create_all(conn, &[product], None).unwrap()[0]
}

/// Creates a product with `on_hand` units and returns its variant.
fn create_variant(conn: &mut PgConnection, text: &str, on_hand: i64) -> VariantId {
    let id = create(
        conn,
        NewProduct {
            on_hand,
            ..product(text)
        },
    );
    catalog::products::find_default_variant(conn, id)
        .unwrap()
        .unwrap()
}

fn cause(reason: &'static str) -> Cause {
    Cause {
        reason,
        order_id: None,
        actor: None,
    }
}

/// Counts what comes after `FROM`.
fn count(conn: &mut PgConnection, from: &str) -> i64 {
    diesel::select(sql::<BigInt>(&format!("(SELECT count(*) FROM {from})")))
        .get_result(conn)
        .expect(from)
}

/// Evaluates an expression of type `text`.
fn text(conn: &mut PgConnection, expression: &str) -> String {
    diesel::select(sql::<Text>(expression))
        .get_result(conn)
        .expect(expression)
}
