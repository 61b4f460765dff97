//! What price lists make of the prices of lines; asked only where a variant is in any.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::{Address, VariantId};

use super::Request;
use super::quoting::Quoted;

db::statement! {
    /// One row per line, in their order; NULL where no list has a price.
    struct ChargedPrices {
        user_ids: Vec<i64> => Array<BigInt>,
        countries: Vec<Option<String>> => Array<Nullable<Text>>,
        variant_ids: Vec<i64> => Array<BigInt>,
        currencies: Vec<&'static str> => Array<Text>,
        pieces: Vec<i64> => Array<BigInt>,
    } -> Nullable<BigInt> =
    "SELECT catalog.charged_price(l.variant_id, l.currency, l.pieces, u.customer_groups, l.country) \
       FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) \
            WITH ORDINALITY AS l (user_id, country, variant_id, currency, pieces, position) \
       LEFT JOIN LATERAL (SELECT customer_groups FROM accounts.users WHERE id = l.user_id LIMIT 1) u ON true \
      ORDER BY l.position"
}

/// Replaces the prices of lines that a list has another one for: for that customer, where the order goes, and as many pieces
/// as the whole order has of the variant.
pub(super) fn charge(
    conn: &mut PgConnection,
    requests: &[&Request],
    quoted: &mut [Quoted],
) -> QueryResult<()> {
    let mut asked = ChargedPrices {
        user_ids: Vec::new(),
        countries: Vec::new(),
        variant_ids: Vec::new(),
        currencies: Vec::new(),
        pieces: Vec::new(),
    };
    let mut prices = Vec::new();
    for (request, quoted) in requests.iter().zip(quoted) {
        let pieces = pieces(request, quoted);
        for quote in quoted.lines.iter_mut().flatten().filter(|q| q.in_lists) {
            asked.user_ids.push(request.user_id.get());
            asked.countries.push(country(request));
            asked.variant_ids.push(quote.variant_id.get());
            asked.currencies.push(quote.currency.code());
            asked.pieces.push(pieces[&quote.variant_id]);
            prices.push(&mut quote.price_minor);
        }
    }
    if prices.is_empty() {
        return Ok(());
    }
    let charged: Vec<Option<i64>> = asked.load(conn)?;
    for (price, charged) in prices.into_iter().zip(charged) {
        *price = charged.unwrap_or(*price);
    }
    Ok(())
}

/// How many of each variant an order has in all its lines.
fn pieces(request: &Request, quoted: &Quoted) -> BTreeMap<VariantId, i64> {
    let mut pieces = BTreeMap::new();
    for (line, quote) in request.lines.iter().zip(&quoted.lines) {
        if let Some(quote) = quote {
            *pieces.entry(quote.variant_id).or_default() += line.quantity.get();
        }
    }
    pieces
}

fn country(request: &Request) -> Option<String> {
    match &request.address {
        Address::Text(_) => None,
        Address::Postal(address) => address.country.clone(),
    }
}
