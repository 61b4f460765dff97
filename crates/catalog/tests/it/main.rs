//! The catalogue against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bundles;
mod categories;
mod collections;
mod custom_fields;
mod editing;
mod export;
mod files;
mod holds;
mod import;
mod locations;
mod low_stock;
mod media;
mod plans;
mod price_lists;
mod prices;
mod products;
mod publishing;
mod quotes;
mod races;
mod related;
mod sales;
mod search;
mod sets;
mod stock;
mod stock_model;
mod transfers;
mod translations;
mod variants;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use catalog::editing::NewProduct;
use catalog::import::{Form, How, ImportError, Outcome, Profile, Report, Start};
use catalog::quotes::{Quote, Wanted};
use catalog::stock::Cause;
use db::migrations::Owner;
use db::testing::{self, TestDatabase, count, text};
use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text};
use domain::{Currency, Money, ProductId, Sku, VariantId};

const USD: Currency = Currency::USD;
const EUR: Currency = Currency::EUR;

const OWNERS: [Owner; 2] = [db::OWNER, catalog::OWNER];

/// As a replica's connections have it.
const SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
                        SET enable_mergejoin = off; SET enable_material = off; SET jit = off";

/// Imports a CSV file of the shop's own.
fn read_csv(
    conn: &mut PgConnection,
    file: &[u8],
    dry_run: bool,
    report: impl FnMut(u64, &str, &Outcome),
) -> Result<catalog::import::Summary, ImportError> {
    let how = How {
        dry_run,
        ..How::default()
    };
    catalog::import::run(conn, file, Form::Csv, how, Report(report), Start::default())
}

/// Imports a file of another system.
fn read_foreign(
    conn: &mut PgConnection,
    file: &[u8],
    (profile, currency): (Profile, Option<Currency>),
    report: impl FnMut(u64, &str, &Outcome),
) -> Result<catalog::import::Summary, ImportError> {
    let form = Form::Of(profile, currency);
    catalog::import::run(
        conn,
        file,
        form,
        How::default(),
        Report(report),
        Start::default(),
    )
}

fn database() -> TestDatabase {
    testing::database(&OWNERS)
}

/// A connection whose work is rolled back; see [`testing::rolled_back`].
fn conn() -> PgConnection {
    testing::rolled_back(&OWNERS)
}

db::statement! {
    /// As an order does it: quotes all lines at once.
    struct QuoteLines {
        product_ids: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        skus: Vec<Option<String>> => Array<Nullable<Text>>,
        currency: &'static str => Text,
    } -> (BigInt, BigInt, BigInt, BigInt, Text, Text, BigInt, BigInt, Text, BigInt, Bool, Text, Text, Nullable<Jsonb>) =
    "SELECT w.position - 1, q.* FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w (product_id, sku, position) \
      CROSS JOIN LATERAL catalog.quote_line(w.product_id, w.sku, $3) q ORDER BY w.position"
}

type QuoteRow = (
    i64,
    i64,
    i64,
    i64,
    String,
    String,
    i64,
    i64,
    String,
    i64,
    bool,
    String,
    String,
    Option<serde_json::Value>,
);

/// The quotes of those that have one, and which of the wanted ones each answers, from 0.
fn quote(conn: &mut PgConnection, wanted: &[Wanted], preferred: Currency) -> Vec<(i64, Quote)> {
    let statement = QuoteLines {
        product_ids: wanted.iter().map(Wanted::product_id).collect(),
        skus: wanted.iter().map(Wanted::sku).collect(),
        currency: preferred.code(),
    };
    let rows: Vec<QuoteRow> = statement.load(conn).unwrap();
    let quote = |row: QuoteRow| Quote {
        variant_id: row.1.try_into().unwrap(),
        product_id: row.2.try_into().unwrap(),
        product_version: row.3,
        sku: row.4.try_into().unwrap(),
        title: row.5,
        price_id: row.6,
        price_minor: row.7,
        currency: row.8.parse().unwrap(),
        available: row.9,
        in_lists: row.10,
        kind: row.11.parse().unwrap(),
        tax_class: row.12.parse().unwrap(),
        parts: row
            .13
            .map_or_else(Vec::new, |parts| serde_json::from_value(parts).unwrap()),
    };
    rows.into_iter().map(|row| (row.0, quote(row))).collect()
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

/// Levels whose movements do not sum to their counters.
fn unexplained(conn: &mut PgConnection) -> Vec<String> {
    let mut checks = catalog::doctor::checks().into_iter();
    let check = checks.find(|check| check.id == "I2").unwrap();
    let findings = db::doctor::examine(conn, check).unwrap().findings;
    findings.into_iter().map(|found| found.subject).collect()
}

fn cause(reason: &'static str) -> Cause {
    Cause {
        reason,
        order_id: None,
        actor: None,
        note: None,
    }
}

/// Runs something and counts the statements it sends.
fn statements(conn: &mut PgConnection, run: impl FnOnce(&mut PgConnection)) -> usize {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
        if matches!(event, InstrumentationEvent::StartQuery { .. }) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    run(conn);
    conn.set_instrumentation(|_: InstrumentationEvent<'_>| {});
    sent.load(Ordering::Relaxed)
}
