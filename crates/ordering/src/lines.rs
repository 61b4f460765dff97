//! The lines of orders: what was sold, as it was sold.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use domain::{
    Currency, Money, PriceSource, ProductId, Quantity, Sku, TaxClass, VariantId, VariantKind,
};

/// A quantity of a variant, as it was sold.
#[derive(Clone, Debug)]
pub struct Line {
    pub product_id: ProductId,
    pub variant_id: VariantId,
    pub sku: Sku,
    pub title: String,
    pub kind: VariantKind,
    /// How it is taxed; `None` where the release that sold it did not know.
    pub tax_class: Option<TaxClass>,
    /// What a bundle was made of; empty for everything else.
    pub parts: Vec<Part>,
    pub quantity: Quantity,
    pub list_price: Money,
    pub unit_price: Money,
    pub price_source: PriceSource,
    pub discount: Money,
    pub total: Money,
}

/// A part of a bundle, as it was sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub variant_id: VariantId,
    pub sku: Sku,
    pub title: String,
    /// Physical or digital: a part is no bundle.
    pub kind: VariantKind,
    /// Units in one of the bundle.
    pub quantity: i64,
}

impl Line {
    /// The units that are taken from stock for it, by the variant that they are of. One variant is named once.
    pub fn units(&self) -> impl Iterator<Item = (VariantId, i64)> {
        let own = self.kind.keeps_stock().then_some((self.variant_id, 1));
        let parts = self.parts.iter().filter(|part| part.kind.keeps_stock());
        let parts = parts.map(|part| (part.variant_id, part.quantity));
        let quantity = self.quantity.get();
        own.into_iter()
            .chain(parts)
            .map(move |(variant, units)| (variant, units.saturating_mul(quantity)))
    }

    /// How many can be had of it where so many units of each variant can be had that falls short; `None` where none does.
    pub fn available(&self, short: impl Fn(VariantId) -> Option<i64>) -> Option<i64> {
        let quantity = self.quantity.get();
        let of_units =
            |(variant, units): (VariantId, i64)| Some(short(variant)? / (units / quantity));
        self.units().filter_map(of_units).min()
    }
}

#[derive(Queryable)]
pub(crate) struct LineRow {
    pub(crate) order_id: i64,
    position: i32,
    #[diesel(deserialize_as = i64)]
    product_id: ProductId,
    #[diesel(deserialize_as = i64)]
    variant_id: VariantId,
    #[diesel(deserialize_as = String)]
    sku: Sku,
    title: String,
    #[diesel(deserialize_as = String)]
    kind: VariantKind,
    tax_class: Option<String>,
    #[diesel(deserialize_as = i64)]
    quantity: Quantity,
    list_price: i64,
    unit_price: i64,
    #[diesel(deserialize_as = String)]
    price_source: PriceSource,
    discount: i64,
    total: i64,
}

#[derive(Queryable)]
struct PartRow {
    order_id: i64,
    position: i32,
    #[diesel(deserialize_as = i64)]
    variant_id: VariantId,
    #[diesel(deserialize_as = String)]
    sku: Sku,
    title: String,
    #[diesel(deserialize_as = String)]
    kind: VariantKind,
    quantity: i64,
}

type LineColumns = (
    BigInt,
    Integer,
    BigInt,
    BigInt,
    Text,
    Text,
    Text,
    Nullable<Text>,
    BigInt,
    BigInt,
    BigInt,
    Text,
    BigInt,
    BigInt,
);

db::statement! {
    /// Order by order as they are named, because the join has to be a nested loop; the lines of each by position.
    struct LinesOf { order_ids: Vec<i64> => Array<BigInt>, limit: i64 => BigInt } -> LineColumns =
    "SELECT l.* FROM unnest($1::bigint[]) AS o (id) CROSS JOIN LATERAL ( \
            SELECT order_id, position, product_id, variant_id, sku, title, kind, tax_class, quantity, list_price_minor, \
                   unit_price_minor, price_source, discount_minor, total_minor \
              FROM ordering.order_lines WHERE order_id = o.id ORDER BY position) l LIMIT $2"
}

db::statement! {
    struct PartsOf { order_ids: Vec<i64> => Array<BigInt> } -> (BigInt, Integer, BigInt, Text, Text, Text, BigInt) =
    "SELECT p.* FROM unnest($1::bigint[]) AS o (id) CROSS JOIN LATERAL ( \
            SELECT order_id, position, variant_id, sku, title, kind, quantity \
              FROM ordering.order_line_parts WHERE order_id = o.id ORDER BY position, part) p"
}

/// Units of a product that an order asked for when it was placed; of a bundle those of the bundle itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct Asked {
    pub order_id: i64,
    pub product_id: i64,
    pub units: i64,
    pub placed_at: DateTime<Utc>,
}

db::statement! {
    struct AskedBy { order_ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt, BigInt, Timestamptz) =
    "SELECT l.* FROM unnest($1::bigint[]) AS o (id) CROSS JOIN LATERAL ( \
            SELECT l.order_id, l.product_id, l.quantity, p.placed_at \
              FROM ordering.orders p JOIN ordering.order_lines l ON l.order_id = p.id WHERE p.id = o.id OFFSET 0) l"
}

/// What orders asked for, line by line, whatever became of them.
///
/// # Errors
///
/// Those of the database.
pub fn asked_by(conn: &mut PgConnection, order_ids: Vec<i64>) -> QueryResult<Vec<Asked>> {
    AskedBy { order_ids }.load(conn)
}

/// The lines of orders, as the orders are named; at most so many.
pub(crate) fn load(
    conn: &mut PgConnection,
    order_ids: Vec<i64>,
    limit: i64,
) -> QueryResult<Vec<LineRow>> {
    let rows = LinesOf { order_ids, limit }.load_iter::<LineRow, DefaultLoadingMode>(conn)?;
    let mut lines = Vec::with_capacity(rows.size_hint().0); // collected as a `Result` it would grow by doubling
    for row in rows {
        lines.push(row?);
    }
    Ok(lines)
}

/// What bundles among lines were made of, by order and position. Where there are none, nothing is read.
pub(crate) struct Parts(HashMap<(i64, i32), Vec<Part>>);

impl Parts {
    pub(crate) fn of(conn: &mut PgConnection, lines: &[LineRow]) -> QueryResult<Self> {
        let bundles = lines.iter().filter(|line| line.kind == VariantKind::Bundle);
        let mut order_ids: Vec<i64> = bundles.map(|line| line.order_id).collect();
        order_ids.dedup();
        let mut parts = HashMap::<_, Vec<Part>>::new();
        if order_ids.is_empty() {
            return Ok(Self(parts));
        }
        for row in (PartsOf { order_ids }).load::<PartRow>(conn)? {
            let part = Part {
                variant_id: row.variant_id,
                sku: row.sku,
                title: row.title,
                kind: row.kind,
                quantity: row.quantity,
            };
            parts
                .entry((row.order_id, row.position))
                .or_default()
                .push(part);
        }
        Ok(Self(parts))
    }
}

impl LineRow {
    pub(crate) fn into_line(self, currency: Currency, parts: &mut Parts) -> QueryResult<Line> {
        let money = |minor| Money::new(minor, currency);
        let tax_class = self.tax_class.map(TaxClass::try_from).transpose();
        Ok(Line {
            product_id: self.product_id,
            variant_id: self.variant_id,
            sku: self.sku,
            title: self.title,
            kind: self.kind,
            tax_class: tax_class
                .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?,
            parts: parts
                .0
                .remove(&(self.order_id, self.position))
                .unwrap_or_default(),
            quantity: self.quantity,
            list_price: money(self.list_price),
            unit_price: money(self.unit_price),
            price_source: self.price_source,
            discount: money(self.discount),
            total: money(self.total),
        })
    }
}
