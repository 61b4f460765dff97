//! What a customer pays for some pieces, now or at any moment, and why.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use domain::{Currency, PriceListId, Sku, Slug};

use super::market::{Market, group_names};

/// What is to be paid for a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Winning {
    pub currency: Currency,
    /// In minor units of `currency`, as are all amounts here.
    pub amount_minor: i64,
    /// Names the price: one of the list, or of the variant itself.
    pub price_id: i64,
    /// The list it comes from, by id and code; `None` for the price of the variant itself.
    pub list: Option<(PriceListId, Slug)>,
    /// What it is reduced from; `None` where it is no reduction.
    pub compare_at_minor: Option<i64>,
    /// The lowest price in the thirty days before a reduction (Directive 98/6/EC, Article 6a); `None` where it is none.
    pub lowest_30d_minor: Option<i64>,
}

#[derive(Queryable)]
struct Row {
    currency: Option<String>,
    amount_minor: Option<i64>,
    price_id: Option<i64>,
    list_id: Option<i64>,
    list_code: Option<String>,
    compare_at_minor: Option<i64>,
    lowest_30d_minor: Option<i64>,
}

db::statement! {
    /// One row for each SKU, in their order. The currency is the one preferred, or else that of the newest price.
    struct LookUp {
        skus: Vec<String> => Array<Text>,
        quantities: Vec<i64> => Array<BigInt>,
        currency: &'static str => Text,
        country: Option<String> => Nullable<Text>,
        groups: Vec<String> => Array<Text>,
        as_of: Option<DateTime<Utc>> => Nullable<Timestamptz>,
    } -> (Nullable<Text>, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>, Nullable<BigInt>, Nullable<BigInt>) =
    "SELECT c.currency, p.amount_minor, p.price_id, p.list_id, (SELECT code FROM catalog.price_lists WHERE id = p.list_id), \
            CASE WHEN p.compare_at_minor > p.amount_minor THEN p.compare_at_minor END, \
            CASE WHEN p.compare_at_minor > p.amount_minor \
                 THEN catalog.lowest_30d(v.id, c.currency, w.pieces, $5, $4, m.moment) END \
       FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS w (sku, pieces, position) \
      CROSS JOIN (SELECT coalesce($6, statement_timestamp()) AS moment) m \
       LEFT JOIN LATERAL (SELECT v.id FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id \
                           WHERE v.sku = w.sku AND ($6 IS NOT NULL OR v.archived_at IS NULL AND catalog.is_on_sale(p))) v ON true \
       LEFT JOIN LATERAL (SELECT currency FROM catalog.prices WHERE variant_id = v.id AND valid_from <= m.moment \
                           ORDER BY (currency = $3) DESC, valid_from DESC, id DESC LIMIT 1) c ON true \
       LEFT JOIN LATERAL catalog.price_at(v.id, c.currency, w.pieces, $5, $4, m.moment) p ON true \
      ORDER BY w.position"
}

/// Looks up what so many pieces of each SKU cost a customer of `groups`, a piece; `None` for an SKU that is unknown, not on
/// sale or has no price. With `as_of`, what they cost then; and then what has left the shop since is looked up too.
///
/// # Errors
///
/// Those of the database.
pub fn look_up(
    conn: &mut PgConnection,
    wanted: &[(Sku, i64)],
    market: Market,
    groups: &[Slug],
    as_of: Option<DateTime<Utc>>,
) -> QueryResult<Vec<Option<Winning>>> {
    let rows: Vec<Row> = LookUp {
        skus: wanted.iter().map(|(sku, _)| sku.to_string()).collect(),
        quantities: wanted.iter().map(|(_, pieces)| *pieces).collect(),
        currency: market.currency.code(),
        country: market.country_code(),
        groups: group_names(groups),
        as_of,
    }
    .load(conn)?;
    rows.into_iter().map(Row::winning).collect()
}

impl Row {
    fn winning(self) -> QueryResult<Option<Winning>> {
        let (Some(currency), Some(amount_minor), Some(price_id)) =
            (self.currency, self.amount_minor, self.price_id)
        else {
            return Ok(None);
        };
        let list = self.list_id.zip(self.list_code).map(|(id, code)| {
            let id = PriceListId::try_from(id).map_err(super::damaged)?;
            Ok::<_, diesel::result::Error>((id, Slug::try_from(code).map_err(super::damaged)?))
        });
        Ok(Some(Winning {
            currency: Currency::try_from(currency).map_err(super::damaged)?,
            amount_minor,
            price_id,
            list: list.transpose()?,
            compare_at_minor: self.compare_at_minor,
            lowest_30d_minor: self.lowest_30d_minor,
        }))
    }
}
