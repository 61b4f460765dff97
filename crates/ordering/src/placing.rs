//! Writes a priced order, its lines, its first timeline entry and its payment in one statement.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Jsonb, Nullable, Text, Timestamptz};
use domain::{
    Address, Event, OrderId, OrderStatus, PaymentMethod, PaymentOperationId, PaymentStatus,
    PriceSource, Totals, UserId,
};

use crate::orders::{Line, Order, Source};

/// An order that was priced and may be written.
#[derive(Clone, Debug)]
pub struct NewOrder {
    pub user_id: UserId,
    pub lines: Vec<Line>,
    pub totals: Totals,
    pub address: Address,
    pub payment_method: PaymentMethod,
    /// Who is to be asked for the money, and with which token; `None` when nobody is.
    pub payment: Option<NewPayment>,
    pub shipping_method: String,
    pub source: Source,
    pub reference: Option<String>,
    /// The idempotency key of the request: scope, key and fingerprint.
    pub request: Option<(String, String, [u8; 32])>,
    /// Who places it; `None` for callers without a token.
    pub actor: Option<UserId>,
}

/// A payment that a provider is to authorise.
#[derive(Clone, Debug)]
pub struct NewPayment {
    pub provider: &'static str,
    pub token: Option<String>,
}

db::statement! {
    struct InsertOrder {
        user_id: i64 => BigInt,
        currency: &'static str => Text,
        subtotal: i64 => BigInt,
        discount: i64 => BigInt,
        shipping: i64 => BigInt,
        total: i64 => BigInt,
        address: serde_json::Value => Jsonb,
        payment_method: &'static str => Text,
        shipping_method: String => Text,
        source: &'static str => Text,
        reference: Option<String> => Nullable<Text>,
        request_scope: Option<String> => Nullable<Text>,
        request_key: Option<String> => Nullable<Text>,
        request_fingerprint: Option<Vec<u8>> => Nullable<Binary>,
        actor_id: Option<i64> => Nullable<BigInt>,
        note: Option<String> => Nullable<Text>,
        product_ids: Vec<i64> => Array<BigInt>,
        variant_ids: Vec<i64> => Array<BigInt>,
        skus: Vec<String> => Array<Text>,
        titles: Vec<String> => Array<Text>,
        quantities: Vec<i64> => Array<BigInt>,
        list_prices: Vec<i64> => Array<BigInt>,
        unit_prices: Vec<i64> => Array<BigInt>,
        price_sources: Vec<&'static str> => Array<Text>,
        discounts: Vec<i64> => Array<BigInt>,
        totals: Vec<i64> => Array<BigInt>,
        provider: Option<&'static str> => Nullable<Text>,
        token: Option<String> => Nullable<Text>,
    } -> (BigInt, Timestamptz, Nullable<BigInt>) =
    "WITH o AS ( \
       INSERT INTO ordering.orders (user_id, status, currency, subtotal_minor, discount_minor, shipping_minor, \
         total_minor, address, payment_method, shipping_method, source, reference, request_scope, request_key, \
         request_fingerprint) \
       VALUES ($1, 'ordered', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id, placed_at \
     ), lines AS ( \
       INSERT INTO ordering.order_lines (order_id, position, product_id, variant_id, sku, title, quantity, \
         list_price_minor, unit_price_minor, price_source, discount_minor, total_minor) \
       SELECT o.id, l.position, l.product_id, l.variant_id, l.sku, l.title, l.quantity, l.list_price, \
              l.unit_price, l.price_source, l.discount, l.total \
         FROM o, unnest($17::bigint[], $18::bigint[], $19::text[], $20::text[], $21::bigint[], $22::bigint[], \
                        $23::bigint[], $24::text[], $25::bigint[], $26::bigint[]) WITH ORDINALITY \
              AS l (product_id, variant_id, sku, title, quantity, list_price, unit_price, price_source, \
                    discount, total, position) \
     ), timeline AS ( \
       INSERT INTO ordering.order_timeline (order_id, version, kind, to_status, actor_id, note) \
       SELECT id, 1, 'placed', 'ordered', $15, $16 FROM o \
     ), payment AS ( \
       INSERT INTO ordering.payments (order_id, provider, status, amount_minor, currency, token) \
       SELECT id, $27, 'pending', $6, $2, $28 FROM o WHERE $27 IS NOT NULL RETURNING id \
     ), operation AS ( \
       INSERT INTO ordering.payment_operations (payment_id, kind, actor_id) \
       SELECT id, 'authorise', $15 FROM payment RETURNING id \
     ) SELECT o.id, o.placed_at, operation.id FROM o LEFT JOIN operation ON true"
}

/// Writes the order and its event; what the provider is to be asked comes back beside it.
///
/// Stock is the caller's: it is taken after this, as the last thing before COMMIT.
///
/// # Errors
///
/// Those of the database; `orders_request_key` is violated when the same request placed an order.
pub fn insert(
    conn: &mut PgConnection,
    new: NewOrder,
) -> QueryResult<(Order, Option<PaymentOperationId>)> {
    let (id, placed_at, operation): (i64, DateTime<Utc>, Option<i64>) =
        statement(&new)?.get_result(conn)?;
    let id = OrderId::try_from(id)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    let placed = Event::OrderPlaced {
        order_id: id,
        user_id: new.user_id,
        total: new.totals.total,
    };
    db::outbox::write(conn, &[placed])?;
    let payment_status = match new.payment {
        Some(_) => PaymentStatus::Pending,
        None => PaymentStatus::NotRequired,
    };
    let order = Order {
        id,
        user_id: new.user_id,
        status: OrderStatus::Ordered,
        totals: new.totals,
        address: new.address,
        payment_method: new.payment_method,
        payment_status,
        shipping_method: new.shipping_method,
        source: new.source,
        reference: new.reference,
        version: 1,
        placed_at,
        updated_at: placed_at,
        cancelled_at: None,
        lines: new.lines,
    };
    Ok((order, operation.and_then(|id| id.try_into().ok())))
}

fn statement(new: &NewOrder) -> QueryResult<InsertOrder> {
    let address = serde_json::to_value(&new.address)
        .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
    let numbers = |field: fn(&Line) -> i64| new.lines.iter().map(field).collect();
    let texts = |field: fn(&Line) -> &str| new.lines.iter().map(|l| field(l).to_owned()).collect();
    let request = new.request.clone();
    let (request_scope, request_key, fingerprint) = match request {
        Some((scope, key, fingerprint)) => (Some(scope), Some(key), Some(fingerprint.to_vec())),
        None => (None, None, None),
    };
    Ok(InsertOrder {
        user_id: new.user_id.get(),
        currency: new.totals.total.currency().code(),
        subtotal: new.totals.subtotal.minor(),
        discount: new.totals.discount.minor(),
        shipping: new.totals.shipping.minor(),
        total: new.totals.total.minor(),
        address,
        payment_method: new.payment_method.code(),
        shipping_method: new.shipping_method.clone(),
        source: new.source.code(),
        reference: new.reference.clone(),
        request_scope,
        request_key,
        request_fingerprint: fingerprint,
        actor_id: new.actor.map(UserId::get),
        note: negotiated_note(&new.lines),
        product_ids: numbers(|l| l.product_id.get()),
        variant_ids: numbers(|l| l.variant_id.get()),
        skus: texts(|l| l.sku.as_str()),
        titles: texts(|l| &l.title),
        quantities: numbers(|l| l.quantity.get()),
        list_prices: numbers(|l| l.list_price.minor()),
        unit_prices: numbers(|l| l.unit_price.minor()),
        price_sources: new.lines.iter().map(|l| l.price_source.code()).collect(),
        discounts: numbers(|l| l.discount.minor()),
        totals: numbers(|l| l.total.minor()),
        provider: new.payment.as_ref().map(|payment| payment.provider),
        token: new
            .payment
            .as_ref()
            .and_then(|payment| payment.token.clone()),
    })
}

/// Tells the timeline which prices somebody set by hand.
fn negotiated_note(lines: &[Line]) -> Option<String> {
    let negotiated = lines
        .iter()
        .filter(|l| l.price_source == PriceSource::Negotiated)
        .count();
    (negotiated > 0).then(|| format!("negotiated price on {negotiated} of {} lines", lines.len()))
}
