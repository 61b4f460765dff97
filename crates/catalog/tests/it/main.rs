//! The catalogue against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod editing;
mod import;
mod plans;
mod products;
mod quotes;
mod races;
mod stock;

use catalog::editing::NewProduct;
use catalog::stock::Cause;
use db::migrations::Owner;
use db::testing::{self, TestDatabase, count, text};
use diesel::prelude::*;
use domain::{Currency, Money, ProductId, Sku, VariantId};

const USD: Currency = Currency::USD;
const EUR: Currency = Currency::EUR;

const OWNERS: [Owner; 2] = [db::OWNER, catalog::OWNER];

fn database() -> TestDatabase {
    testing::database(&OWNERS)
}

/// A connection whose work is rolled back; see [`testing::rolled_back`].
fn conn() -> PgConnection {
    testing::rolled_back(&OWNERS)
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
