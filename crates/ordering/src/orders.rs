//! Orders as they are read.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use domain::{
    Address, Currency, Cursor, Money, OrderId, OrderStatus, Page, PageSize, PaymentMethod,
    PaymentStatus, Totals, UserId,
};

use crate::lines::{self, Line, LineRow, Parts};

/// How an order came to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// By the customer, or by a caller without a token.
    Web,
    /// By staff, for somebody.
    Staff,
}

impl Source {
    /// The name in the database and in the API.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Staff => "staff",
        }
    }
}

/// A placed order with its lines.
#[derive(Clone, Debug)]
pub struct Order {
    pub id: OrderId,
    pub user_id: UserId,
    pub status: OrderStatus,
    pub totals: Totals,
    pub address: Address,
    pub payment_method: PaymentMethod,
    pub payment_status: PaymentStatus,
    pub shipping_method: String,
    pub source: Source,
    pub reference: Option<String>,
    /// Counts the timeline's entries.
    pub version: i64,
    pub placed_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub cancelled_at: Option<DateTime<Utc>>,
    pub lines: Vec<Line>,
}

/// One thing that happened to an order.
#[derive(Clone, Debug, Queryable)]
pub struct TimelineEntry {
    pub version: i64,
    pub kind: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub actor_id: Option<i64>,
    pub note: Option<String>,
    pub occurred_at: DateTime<Utc>,
}

#[derive(Queryable)]
struct OrderRow {
    #[diesel(deserialize_as = i64)]
    id: OrderId,
    #[diesel(deserialize_as = i64)]
    user_id: UserId,
    #[diesel(deserialize_as = String)]
    status: OrderStatus,
    #[diesel(deserialize_as = String)]
    currency: Currency,
    subtotal: i64,
    discount: i64,
    shipping: i64,
    total: i64,
    address: serde_json::Value,
    #[diesel(deserialize_as = String)]
    payment_method: PaymentMethod,
    #[diesel(deserialize_as = String)]
    payment_status: PaymentStatus,
    shipping_method: String,
    source: String,
    reference: Option<String>,
    version: i64,
    placed_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    cancelled_at: Option<DateTime<Utc>>,
}

type OrderColumns = (
    BigInt,
    BigInt,
    Text,
    Text,
    BigInt,
    BigInt,
    BigInt,
    BigInt,
    Jsonb,
    Text,
    Text,
    Text,
    Text,
    Nullable<Text>,
    BigInt,
    Timestamptz,
    Timestamptz,
    Nullable<Timestamptz>,
);

macro_rules! select_orders {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.user_id, o.status, o.currency, o.subtotal_minor, o.discount_minor, \
                    o.shipping_minor, o.total_minor, o.address, o.payment_method, \
                    coalesce(p.status, 'notRequired'), o.shipping_method, o.source, o.reference, \
                    o.version, o.placed_at, o.updated_at, o.cancelled_at \
               FROM ordering.orders o LEFT JOIN ordering.payments p ON p.order_id = o.id ",
            $rest
        )
    };
}

db::statement! {
    struct FindOrder { id: i64 => BigInt } -> OrderColumns =
    select_orders!("WHERE o.id = $1")
}

db::statement! {
    struct ListOrders { before: i64 => BigInt, limit: i64 => BigInt } -> OrderColumns =
    select_orders!("WHERE o.id < $1 ORDER BY o.id DESC LIMIT $2")
}

db::statement! {
    struct ListOrdersOfUser { before: i64 => BigInt, limit: i64 => BigInt, user_id: i64 => BigInt } -> OrderColumns =
    select_orders!("WHERE o.id < $1 AND o.user_id = $3 ORDER BY o.id DESC LIMIT $2")
}

db::statement! {
    struct TimelineOf { order_id: i64 => BigInt }
        -> (BigInt, Text, Nullable<Text>, Nullable<Text>, Nullable<BigInt>, Nullable<Text>, Timestamptz) =
    "SELECT version, kind, from_status, to_status, actor_id, note, occurred_at \
       FROM ordering.order_timeline WHERE order_id = $1 ORDER BY version"
}

/// Finds an order with its lines.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: OrderId) -> QueryResult<Option<Order>> {
    let row = FindOrder { id: id.get() }
        .get_result::<OrderRow>(conn)
        .optional()?;
    row.map(|row| {
        let lines = lines_of(conn, row.id.get())?;
        let mut parts = Parts::of(conn, &lines)?;
        assemble(row, lines.into_iter(), &mut parts)
    })
    .transpose()
}

/// Lists orders, newest first.
///
/// `user_id` limits the list to one customer; `before` is the id to go on below. A page ends sooner
/// than `size` says where its orders have more than [`PAGE_LINES`] lines together.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    user_id: Option<UserId>,
    before: Option<i64>,
    size: PageSize,
) -> QueryResult<Page<Order>> {
    let (before, limit) = (before.unwrap_or(i64::MAX), size.get() + 1);
    let rows: Vec<OrderRow> = match user_id {
        None => ListOrders { before, limit }.load(conn)?,
        Some(user) => ListOrdersOfUser {
            before,
            limit,
            user_id: user.get(),
        }
        .load(conn)?,
    };
    let mut page = Page::from_overfetched(rows, size, |row| row.id.get());
    let lines = lines_of_page(conn, &mut page)?;
    let parts = Parts::of(conn, &lines)?;
    Ok(Page {
        items: assemble_all(page.items, lines, parts)?,
        next_cursor: page.next_cursor,
    })
}

/// Lines that a page of orders has at most, unless its first order alone has more. With the parts that a bundle may have it
/// bounds the memory that a request takes.
pub const PAGE_LINES: usize = 1_000;

/// Reads the lines of a page's orders, and ends the page before the order that exceeds it.
fn lines_of_page(conn: &mut PgConnection, page: &mut Page<OrderRow>) -> QueryResult<Vec<LineRow>> {
    let order_ids: Vec<i64> = page.items.iter().map(|row| row.id.get()).collect();
    let limit = i64::try_from(PAGE_LINES + 1).unwrap_or(i64::MAX);
    let mut lines = lines::load(conn, order_ids, limit)?;
    let (true, Some(last)) = (lines.len() > PAGE_LINES, lines.last().map(|l| l.order_id)) else {
        return Ok(lines);
    };
    let fitting = page.items.iter().position(|row| row.id.get() == last);
    let kept = fitting.unwrap_or_default().max(1);
    lines.retain(|line| line.order_id != last);
    if fitting == Some(0) {
        lines = lines_of(conn, last)?;
    }
    if kept < page.items.len() {
        page.items.truncate(kept);
        page.next_cursor = page.items.last().map(|row| Cursor::at(row.id.get()));
    }
    Ok(lines)
}

fn lines_of(conn: &mut PgConnection, order_id: i64) -> QueryResult<Vec<LineRow>> {
    lines::load(conn, vec![order_id], i64::MAX)
}

/// Lists what happened to an order, oldest first.
///
/// # Errors
///
/// Those of the database.
pub fn timeline(conn: &mut PgConnection, id: OrderId) -> QueryResult<Vec<TimelineEntry>> {
    TimelineOf { order_id: id.get() }.load(conn)
}

/// The orders of a page with their lines, which come order by order.
fn assemble_all(
    rows: Vec<OrderRow>,
    lines: Vec<LineRow>,
    mut parts: Parts,
) -> QueryResult<Vec<Order>> {
    let mut lines = lines.into_iter();
    let orders = rows.into_iter().map(|row| {
        let is_own = |line: &&LineRow| line.order_id == row.id.get();
        let own = lines.as_slice().iter().take_while(is_own).count();
        assemble(row, lines.by_ref().take(own), &mut parts)
    });
    orders.collect()
}

fn assemble(
    row: OrderRow,
    rows_of_lines: impl ExactSizeIterator<Item = LineRow>,
    parts: &mut Parts,
) -> QueryResult<Order> {
    let money = |minor| Money::new(minor, row.currency);
    let mut lines = Vec::with_capacity(rows_of_lines.len());
    for line in rows_of_lines {
        lines.push(line.into_line(row.currency, parts)?);
    }
    Ok(Order {
        id: row.id,
        user_id: row.user_id,
        status: row.status,
        totals: Totals {
            subtotal: money(row.subtotal),
            discount: money(row.discount),
            shipping: money(row.shipping),
            total: money(row.total),
        },
        address: serde_json::from_value(row.address)
            .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?,
        payment_method: row.payment_method,
        payment_status: row.payment_status,
        shipping_method: row.shipping_method,
        source: if row.source == Source::Staff.code() {
            Source::Staff
        } else {
            Source::Web
        },
        reference: row.reference,
        version: row.version,
        placed_at: row.placed_at,
        updated_at: row.updated_at,
        cancelled_at: row.cancelled_at,
        lines,
    })
}
