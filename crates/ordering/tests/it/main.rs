//! Orders and payments against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lifecycle;
mod orders;
mod payments;
mod placing;
mod shipping;

use std::sync::OnceLock;

use db::testing::{self, TestDatabase};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{BigInt, Text};
use domain::{
    Address, Currency, Money, PaymentMethod, PaymentOperationId, PriceSource, ProductId, Quantity,
    Totals, UserId, VariantId,
};
use ordering::placing::{NewOrder, NewPayment, insert};
use ordering::{Line, Order, Source};

const EUR: Currency = Currency::EUR;

fn database() -> TestDatabase {
    testing::database(&[db::OWNER, ordering::OWNER])
}

/// A connection in a transaction that is rolled back, to a database that other tests use too.
fn conn() -> PgConnection {
    static SHARED: OnceLock<TestDatabase> = OnceLock::new();
    let mut conn = SHARED.get_or_init(database).connect();
    conn.begin_test_transaction().unwrap();
    conn
}

fn eur(minor: i64) -> Money {
    Money::new(minor, EUR)
}

fn user(id: i64) -> UserId {
    UserId::try_from(id).unwrap()
}

/// Two of a variant at 10.00 EUR each, less 1.00 EUR.
fn line(sku: &str) -> Line {
    Line {
        product_id: ProductId::try_from(3).unwrap(),
        variant_id: VariantId::try_from(5).unwrap(),
        sku: sku.parse().unwrap(),
        title: format!("Product {sku}"),
        quantity: Quantity::try_from(2).unwrap(),
        list_price: eur(1_000),
        unit_price: eur(1_000),
        price_source: PriceSource::List,
        discount: eur(100),
        total: eur(1_900),
    }
}

/// An order of user 1 over 19.00 EUR that nobody is asked to pay.
fn order() -> NewOrder {
    NewOrder {
        user_id: user(1),
        lines: vec![line("A")],
        totals: Totals {
            subtotal: eur(2_000),
            discount: eur(100),
            shipping: eur(0),
            total: eur(1_900),
        },
        address: Address::text("123 Demo St").unwrap(),
        payment_method: PaymentMethod::Invoice,
        payment: None,
        shipping_method: "std".into(),
        source: Source::Web,
        reference: None,
        request: None,
        actor: None,
    }
}

/// The same order, to be paid by card.
fn card_order() -> NewOrder {
    NewOrder {
        payment_method: PaymentMethod::Card,
        payment: Some(NewPayment {
            provider: "mock",
            token: Some("tok_visa".into()),
        }),
        ..order()
    }
}

fn place(conn: &mut PgConnection, new: NewOrder) -> Order {
    insert(conn, new).unwrap().0
}

fn place_by_card(conn: &mut PgConnection) -> (Order, PaymentOperationId) {
    let (order, operation) = insert(conn, card_order()).unwrap();
    (order, operation.unwrap())
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

/// The constraint that a write violated.
fn violated<T: std::fmt::Debug>(outcome: QueryResult<T>) -> String {
    let Err(DieselError::DatabaseError(
        DatabaseErrorKind::CheckViolation | DatabaseErrorKind::UniqueViolation,
        info,
    )) = outcome
    else {
        panic!("{outcome:?}");
    };
    info.constraint_name().unwrap().to_owned()
}
