//! Orders and payments against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lifecycle;
mod orders;
mod payments;
mod placing;
mod shipping;

use db::migrations::Owner;
use db::testing::{self, TestDatabase, count, text};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::{
    Address, Currency, Money, PaymentMethod, PaymentOperationId, PriceSource, ProductId, Quantity,
    Totals, UserId, VariantId,
};
use ordering::placing::{NewOrder, NewPayment, insert};
use ordering::{Line, Order, Source};

const EUR: Currency = Currency::EUR;

const OWNERS: [Owner; 2] = [db::OWNER, ordering::OWNER];

fn database() -> TestDatabase {
    testing::database(&OWNERS)
}

/// A connection whose work is rolled back; see [`testing::rolled_back`].
fn conn() -> PgConnection {
    testing::rolled_back(&OWNERS)
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
