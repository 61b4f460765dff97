//! Everything that placing orders needs to know, without a lock: in one statement, where no variant is in a price list.

use std::collections::HashMap;

use catalog::quotes::{Quote, Wanted};
use chrono::{DateTime, Utc};
use db::idempotency::KnownKey;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz,
};
use domain::Currency;

use super::{Request, RequestLine, listed};

/// What was found for one request.
#[derive(Debug)]
pub(super) struct Quoted {
    /// The database's time.
    pub at: DateTime<Utc>,
    pub customer_exists: bool,
    pub customer_is_open: bool,
    pub key: Option<KnownKey>,
    /// The order that a request with this key placed, however long ago, and that request's fingerprint.
    pub placed_before: Option<(i64, Option<Vec<u8>>)>,
    /// Whether the shipping method is known, and whether it is free where it has no rate.
    pub shipping_is_free: Option<bool>,
    /// Minor units of the first line's currency.
    pub shipping_rate: Option<i64>,
    /// One per line; `None` for what is unknown or not on sale.
    pub lines: Vec<Option<Quote>>,
}

#[derive(Queryable)]
struct Row {
    at: DateTime<Utc>,
    customer_is_open: Option<bool>,
    fingerprint: Option<Vec<u8>>,
    resource_id: Option<i64>,
    status: Option<i16>,
    location: Option<String>,
    body: Option<Vec<u8>>,
    order_id: Option<i64>,
    order_fingerprint: Option<Vec<u8>>,
    shipping_is_free: Option<bool>,
    shipping_rate: Option<i64>,
    variant_id: Option<i64>,
    product_id: Option<i64>,
    product_version: Option<i64>,
    sku: Option<String>,
    title: Option<String>,
    price_id: Option<i64>,
    price_minor: Option<i64>,
    currency: Option<String>,
    available: Option<i64>,
    in_lists: Option<bool>,
    kind: Option<String>,
    tax_class: Option<String>,
    parts: Option<serde_json::Value>,
}

type Columns = (
    Timestamptz,
    Nullable<Bool>,
    Nullable<Binary>,
    Nullable<BigInt>,
    Nullable<SmallInt>,
    Nullable<Text>,
    Nullable<Binary>,
    Nullable<BigInt>,
    Nullable<Binary>,
    Nullable<Bool>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<Bool>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Jsonb>,
);

db::statement! {
    /// One row for each that the lines of an order name, in their order. LIMIT 1 has each row looked up by itself, also in
    /// a plan that was made while the tables were empty.
    struct QuoteOrders {
        user_ids: Vec<i64> => Array<BigInt>,
        scopes: Vec<Option<String>> => Array<Nullable<Text>>,
        keys: Vec<Option<String>> => Array<Nullable<Text>>,
        shipping_methods: Vec<String> => Array<Text>,
        currencies: Vec<&'static str> => Array<Text>,
        line_orders: Vec<i32> => Array<Integer>,
        product_ids: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        skus: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> Columns =
    "WITH orders AS MATERIALIZED ( \
       SELECT m.position, m.currency, m.shipping, u.is_open, k.fingerprint, k.resource_id, k.status, k.location, k.body, \
              o.id AS order_id, o.request_fingerprint, s.is_free \
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) \
              WITH ORDINALITY AS m (user_id, scope, key, shipping, currency, position) \
         LEFT JOIN LATERAL (SELECT is_open FROM accounts.users WHERE id = m.user_id LIMIT 1) u ON true \
         LEFT JOIN LATERAL platform.find_key(m.scope, m.key) k ON true \
         LEFT JOIN LATERAL (SELECT id, request_fingerprint FROM ordering.orders \
                             WHERE request_scope = m.scope AND request_key = m.key LIMIT 1) o ON true \
         LEFT JOIN ordering.shipping_methods s ON s.code = m.shipping AND s.is_active) \
     SELECT statement_timestamp(), o.is_open, o.fingerprint, o.resource_id, o.status, o.location, o.body, \
            o.order_id, o.request_fingerprint, o.is_free, r.amount_minor, \
            q.variant_id, q.product_id, q.product_version, q.sku, q.title, q.price_id, q.price_minor, q.currency, \
            q.available, q.in_lists, q.kind, q.tax_class, q.parts \
       FROM unnest($6::int[], $7::bigint[], $8::text[]) WITH ORDINALITY AS l (of, product_id, sku, position) \
       JOIN orders o ON o.position = l.of \
       LEFT JOIN LATERAL catalog.quote_line(l.product_id, l.sku, o.currency) q ON true \
       LEFT JOIN ordering.shipping_rates r ON r.method_code = o.shipping AND r.currency = q.currency \
      ORDER BY l.position"
}

/// Reads what is needed for each request, in their order. Each has at least one line.
pub(super) fn quote_all(
    conn: &mut PgConnection,
    requests: &[&Request],
) -> QueryResult<Vec<Quoted>> {
    let named: Vec<Named> = requests.iter().map(|r| Named::of(&r.lines)).collect();
    let rows: Vec<Row> = statement(requests, &named).load(conn)?;
    let mut rows = rows.into_iter();
    let mut all = Vec::with_capacity(requests.len());
    for named in &named {
        let (mut quotes, mut quoted) = (Vec::with_capacity(named.all.len()), None);
        for _ in &named.all {
            let row = rows.next().ok_or(diesel::result::Error::NotFound)?;
            let (quote, of_order) = row.split()?;
            quotes.push(quote);
            quoted.get_or_insert(of_order);
        }
        let mut quoted = quoted.ok_or(diesel::result::Error::NotFound)?;
        let of_lines = named.of_lines.iter();
        quoted.lines = of_lines.map(|place| quotes[*place].clone()).collect();
        all.push(quoted);
    }
    listed::charge(conn, requests, &mut all)?;
    Ok(all)
}

/// What the lines of an order name, each once: to quote a bundle is to look at all its parts.
struct Named<'r> {
    all: Vec<&'r Wanted>,
    /// For each line, the place of what it names.
    of_lines: Vec<usize>,
}

impl<'r> Named<'r> {
    fn of(lines: &'r [RequestLine]) -> Self {
        let (mut all, mut places) = (Vec::new(), HashMap::new());
        let place = |line: &'r RequestLine| {
            *places.entry(&line.wanted).or_insert_with(|| {
                all.push(&line.wanted);
                all.len() - 1
            })
        };
        let of_lines = lines.iter().map(place).collect();
        Self { all, of_lines }
    }
}

fn statement(requests: &[&Request], named: &[Named]) -> QuoteOrders {
    let key = |request: &&Request| request.key.as_ref().map(|key| key.key.clone());
    let scope = |request: &&Request| request.key.as_ref().map(|key| key.scope.clone());
    let currency = |request: &&Request| {
        request
            .currency
            .unwrap_or(request.preferred_currency)
            .code()
    };
    let all = || named.iter().flat_map(|named| &named.all);
    QuoteOrders {
        user_ids: requests
            .iter()
            .map(|request| request.user_id.get())
            .collect(),
        scopes: requests.iter().map(scope).collect(),
        keys: requests.iter().map(key).collect(),
        shipping_methods: requests.iter().map(|r| r.shipping_method.clone()).collect(),
        currencies: requests.iter().map(currency).collect(),
        line_orders: (1..)
            .zip(named)
            .flat_map(|(order, named)| named.all.iter().map(move |_| order))
            .collect(),
        product_ids: all().map(|wanted| wanted.product_id()).collect(),
        skus: all().map(|wanted| wanted.sku()).collect(),
    }
}

impl Row {
    /// The line, and what is the same for all lines of the order.
    fn split(self) -> QueryResult<(Option<Quote>, Quoted)> {
        let key = self.fingerprint.map(|fingerprint| KnownKey {
            fingerprint,
            resource_id: self.resource_id,
            status: self.status,
            location: self.location,
            body: self.body,
        });
        let of_order = Quoted {
            at: self.at,
            customer_exists: self.customer_is_open.is_some(),
            customer_is_open: self.customer_is_open == Some(true),
            key,
            placed_before: self.order_id.map(|id| (id, self.order_fingerprint)),
            shipping_is_free: self.shipping_is_free,
            shipping_rate: self.shipping_rate,
            lines: Vec::new(),
        };
        let (
            Some(variant_id),
            Some(product_id),
            Some(product_version),
            Some(sku),
            Some(title),
            Some(price_id),
            Some(price_minor),
            Some(currency),
            Some(available),
            Some(in_lists),
            Some(kind),
            Some(tax_class),
        ) = (
            self.variant_id,
            self.product_id,
            self.product_version,
            self.sku,
            self.title,
            self.price_id,
            self.price_minor,
            self.currency,
            self.available,
            self.in_lists,
            self.kind,
            self.tax_class,
        )
        else {
            return Ok((None, of_order));
        };
        let mut quote = Quote {
            variant_id: variant_id.try_into().map_err(damaged)?,
            product_id: product_id.try_into().map_err(damaged)?,
            product_version,
            sku: sku.try_into().map_err(damaged)?,
            title,
            kind: kind.try_into().map_err(damaged)?,
            tax_class: tax_class.try_into().map_err(damaged)?,
            parts: match self.parts {
                Some(parts) => serde_json::from_value(parts).map_err(damaged)?,
                None => Vec::new(),
            },
            price_id,
            price_minor,
            currency: Currency::try_from(currency).map_err(damaged)?,
            available,
            in_lists,
        };
        quote.misremember();
        Ok((Some(quote), of_order))
    }
}

fn damaged(error: impl std::error::Error + Send + Sync + 'static) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(error.into())
}

#[cfg(test)]
mod tests {
    use domain::Quantity;

    use super::*;

    fn line(sku: &str, quantity: i64) -> RequestLine {
        RequestLine {
            wanted: Wanted::Sku(sku.parse().unwrap()),
            quantity: Quantity::try_from(quantity).unwrap(),
            negotiated_price: None,
        }
    }

    #[test]
    fn lines_of_one_bundle_are_quoted_once() {
        let lines = [line("KIT", 1), line("MUG", 1), line("KIT", 2)];

        let named = Named::of(&lines);

        assert_eq!(named.all, [&lines[0].wanted, &lines[1].wanted]);
        assert_eq!(named.of_lines, [0, 1, 0]);
    }
}
