//! Orders and payments against a real Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lifecycle;
mod orders;
mod payments;
mod placing;
mod shipping;

use chrono::DateTime;
use db::migrations::Owner;
use db::testing::{self, TestDatabase, count, text};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, BigInt, Nullable};
use domain::{
    Address, Currency, Money, OrderId, PaymentMethod, PaymentOperationId, PriceSource, ProductId,
    Quantity, Totals, UserId, VariantId, VariantKind,
};
use ordering::placing::{COLUMNS, NewOrder, NewPayment, OrderColumns};
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
        kind: VariantKind::Physical,
        tax_class: Some("standard".parse().unwrap()),
        parts: Vec::new(),
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
        request_id: None,
        actor: None,
        placed_at: DateTime::from_timestamp(1_767_225_600, 250_000_000).unwrap(),
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

/// Calls `ordering.insert_orders`.
#[derive(QueryId)]
struct InsertOrders {
    ids: Vec<Option<i64>>,
    columns: OrderColumns,
}

impl Query for InsertOrders {
    type SqlType = Nullable<Array<Nullable<BigInt>>>;
}

impl RunQueryDsl<PgConnection> for InsertOrders {}

impl QueryFragment<Pg> for InsertOrders {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let parameters: Vec<String> = (2..=COLUMNS + 1).map(|n| format!("${n}")).collect();
        out.push_sql("SELECT ordering.insert_orders($1, ");
        out.push_sql(&parameters.join(", "));
        out.push_sql(")");
        out.push_bind_param_value_only::<Array<Nullable<BigInt>>, _>(&self.ids)?;
        self.columns.bind(&mut out)
    }
}

/// Writes orders, those without an id not; returns what is to be asked of a provider for each.
fn insert_all(
    conn: &mut PgConnection,
    orders: &[(Option<i64>, NewOrder)],
) -> QueryResult<Vec<Option<i64>>> {
    let mut columns = OrderColumns::default();
    for (_, new) in orders {
        columns.push(new)?;
    }
    let ids = orders.iter().map(|(id, _)| *id).collect();
    let operations: Option<Vec<Option<i64>>> = InsertOrders { ids, columns }.get_result(conn)?;
    Ok(operations.unwrap())
}

fn next_id(conn: &mut PgConnection) -> i64 {
    diesel::select(diesel::dsl::sql::<BigInt>(
        "nextval('ordering.orders_id_seq')",
    ))
    .get_result(conn)
    .unwrap()
}

fn insert(
    conn: &mut PgConnection,
    new: NewOrder,
) -> QueryResult<(Order, Option<PaymentOperationId>)> {
    let id = next_id(conn);
    let operation = insert_all(conn, &[(Some(id), new.clone())])?[0];
    let order = new.into_placed(OrderId::try_from(id).unwrap());
    Ok((order, operation.map(|id| id.try_into().unwrap())))
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
