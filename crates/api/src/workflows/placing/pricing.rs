//! What can be decided from what was read: refusals, repeats, and the totals of the rest.

use std::collections::BTreeMap;

use catalog::quotes::Quote;
use domain::{Currency, LineToPrice, Money, OrderToPrice, PaymentMethod, VariantId, price_order};
use ordering::placing::{NewOrder, NewPayment};
use ordering::{Line, shipping};

use super::quoting::Quoted;
use super::{Customer, LineShortage, PlaceError, Placed, Request};
use crate::workflows::units_of;

/// How a request goes on.
pub(super) enum Next {
    /// It is to be written, if the versions it was priced by still hold.
    Write(Box<Priced>),
    /// It has its order already.
    Placed(Placed),
}

/// An order to be written.
pub(super) struct Priced {
    pub order: NewOrder,
    /// What each line was quoted by.
    pub product_versions: Vec<i64>,
    pub price_ids: Vec<i64>,
}

/// Decides a request.
pub(super) fn decide(request: &Request, quoted: Quoted) -> Result<Next, PlaceError> {
    // Before the key: what is not the caller's stays hidden, also where an answer is stored.
    let may_buy = match request.customer {
        Customer::Caller => true,
        Customer::AnyUser => quoted.customer_exists,
        Customer::OpenUser => quoted.customer_is_open,
        Customer::Nobody => false,
    };
    if !may_buy {
        return Err(PlaceError::CustomerNotFound);
    }
    if let Some(placed) = find_repeat(request, &quoted)? {
        return Ok(Next::Placed(placed));
    }
    let (quotes, currency) = common_currency(request, quoted.lines)?;
    let is_sent = quotes.iter().any(|quote| quote.stock().next().is_some());
    let shipping = match (quoted.shipping_is_free, quoted.shipping_rate) {
        (None, _) => return Err(PlaceError::UnknownShipping { known: Vec::new() }),
        (Some(_), _) if !is_sent => Money::zero(currency),
        (Some(is_free), rate) => {
            shipping::rate(is_free, rate, currency).ok_or(PlaceError::NoShippingRate(currency))?
        }
    };
    let (lines, totals) = price(request, &quotes, currency, shipping)?;
    refuse_what_is_sold_out(&lines, &quotes)?;

    let charges_card = request.payment_method == PaymentMethod::Card && totals.total.minor() > 0;
    let card_provider = request.card_provider.filter(|_| charges_card);
    let request_id = (!request.request_id.is_empty()).then(|| request.request_id.clone());
    let order = NewOrder {
        user_id: request.user_id,
        lines,
        totals,
        address: request.address.clone(),
        payment_method: request.payment_method,
        payment: card_provider.map(|provider| NewPayment {
            provider,
            token: request.payment_token.clone(),
        }),
        shipping_method: request.shipping_method.clone(),
        source: request.source,
        reference: request.reference.clone(),
        request: request
            .key
            .as_ref()
            .map(|key| (key.scope.clone(), key.key.clone(), key.fingerprint)),
        request_id,
        actor: request.actor,
        placed_at: quoted.at,
    };
    Ok(Next::Write(Box::new(Priced {
        order,
        product_versions: quotes.iter().map(|quote| quote.product_version).collect(),
        price_ids: quotes.iter().map(|quote| quote.price_id).collect(),
    })))
}

/// What an earlier request with the same key came to.
fn find_repeat(request: &Request, quoted: &Quoted) -> Result<Option<Placed>, PlaceError> {
    let Some(key) = &request.key else {
        return Ok(None);
    };
    if let Some(known) = &quoted.key {
        return Placed::of_known(known.clone().recognise(key));
    }
    match &quoted.placed_before {
        None => Ok(None),
        Some((_, fingerprint)) if fingerprint.as_deref() != Some(&key.fingerprint[..]) => {
            Err(PlaceError::KeyReused)
        }
        Some((id, _)) => Ok((*id).try_into().ok().map(Placed::LongAgo)),
    }
}

/// One quote per line, all in one currency.
fn common_currency(
    request: &Request,
    lines: Vec<Option<Quote>>,
) -> Result<(Vec<Quote>, Currency), PlaceError> {
    let unknown = |(line, quote): (usize, &Option<Quote>)| quote.is_none().then_some(line);
    let unknown: Vec<usize> = lines.iter().enumerate().filter_map(unknown).collect();
    if !unknown.is_empty() {
        return Err(PlaceError::UnknownProducts(unknown));
    }
    let quotes: Vec<Quote> = lines.into_iter().flatten().collect();
    let currency = request
        .currency
        .or(quotes.first().map(|quote| quote.currency))
        .unwrap_or(request.preferred_currency);
    match quotes.iter().position(|quote| quote.currency != currency) {
        Some(line) => Err(PlaceError::NoPrice { line, currency }),
        None => Ok((quotes, currency)),
    }
}

fn price(
    request: &Request,
    quotes: &[Quote],
    currency: Currency,
    shipping: Money,
) -> Result<(Vec<Line>, domain::Totals), PlaceError> {
    let to_price = OrderToPrice {
        currency,
        lines: request
            .lines
            .iter()
            .zip(quotes)
            .map(|(line, quote)| LineToPrice {
                list_price: Money::new(quote.price_minor, quote.currency),
                negotiated_price: line.negotiated_price,
                quantity: line.quantity,
            })
            .collect(),
        discount: Money::zero(currency),
        shipping,
    };
    let priced = price_order(&to_price)?;
    let lines = priced
        .lines
        .into_iter()
        .zip(quotes)
        .map(|(line, quote)| Line {
            product_id: quote.product_id,
            variant_id: quote.variant_id,
            sku: quote.sku.clone(),
            title: quote.title.clone(),
            kind: quote.kind,
            tax_class: Some(quote.tax_class.clone()),
            parts: quote.parts.iter().map(sold_part).collect(),
            quantity: line.quantity,
            list_price: line.list_price,
            unit_price: line.unit_price,
            price_source: line.source,
            discount: line.discount,
            total: line.total,
        });
    Ok((lines.collect(), priced.totals))
}

fn sold_part(part: &catalog::quotes::Part) -> ordering::Part {
    ordering::Part {
        variant_id: part.variant_id,
        sku: part.sku.clone(),
        title: part.title.clone(),
        kind: part.kind,
        quantity: part.quantity,
    }
}

/// Says no before anything is written, when a plain read already shows that stock falls short.
fn refuse_what_is_sold_out(lines: &[Line], quotes: &[Quote]) -> Result<(), PlaceError> {
    let available: BTreeMap<VariantId, i64> = quotes.iter().flat_map(Quote::stock).collect();
    let available = |variant| available.get(&variant).copied().unwrap_or(0);
    let mut short = units_of(lines);
    short.retain(|variant, units| available(*variant) < *units);
    if short.is_empty() {
        return Ok(());
    }
    let of_variant = |variant| {
        let is_short = short.contains_key(&variant);
        is_short.then(|| available(variant).max(0))
    };
    Err(PlaceError::OutOfStock(shortages(lines, of_variant)))
}

/// Names the lines that fall short, where `available` knows of what is taken for them how much is left.
pub(super) fn shortages(
    lines: &[Line],
    available: impl Fn(VariantId) -> Option<i64>,
) -> Vec<LineShortage> {
    let shortage = |(index, line): (usize, &Line)| {
        let available = line.available(&available)?;
        Some(LineShortage {
            line: index,
            sku: line.sku.to_string(),
            available,
        })
    };
    lines.iter().enumerate().filter_map(shortage).collect()
}
