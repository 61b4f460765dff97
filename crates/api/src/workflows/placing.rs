//! A request becomes an order.
//!
//! Prices and names are read in the transaction and copied; stock is taken last. Where a provider
//! is to be asked for the money, the order is committed with its payment pending, the provider is
//! asked without a transaction, and [`settling`](super::settling) does the rest: no crash in
//! between can lose the order, charge twice or keep the stock.

use catalog::quotes::{self, Quote, Wanted};
use catalog::stock::{self, Cause, StockError};
use db::idempotency::RequestKey;
use diesel::PgConnection;
use domain::{
    Address, Currency, LineToPrice, Money, OrderToPrice, PaymentMethod, PaymentOperationId,
    PricingError, Quantity, UserId, price_order,
};
use ordering::placing::{NewOrder, NewPayment};
use ordering::shipping::{self, ShippingError};
use ordering::{Line, Order, Source, placing};

/// What somebody wants to buy. Prices, stock and totals are ours to find out.
#[derive(Clone, Debug)]
pub struct Request {
    pub user_id: UserId,
    pub lines: Vec<RequestLine>,
    pub address: Address,
    pub payment_method: PaymentMethod,
    pub payment_token: Option<String>,
    pub shipping_method: String,
    /// The currency asked for; otherwise `preferred_currency` where all lines have a price in it.
    pub currency: Option<Currency>,
    pub preferred_currency: Currency,
    pub source: Source,
    pub reference: Option<String>,
    pub actor: Option<UserId>,
    /// Who authorises card payments; `None` where there are none.
    pub card_provider: Option<&'static str>,
}

/// One line of a request.
#[derive(Clone, Debug)]
pub struct RequestLine {
    pub wanted: Wanted,
    pub quantity: Quantity,
    /// A price that staff agreed on with the customer.
    pub negotiated_price: Option<Money>,
}

/// Why there is no order. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Indices of lines that name nothing on sale.
    #[error("{} line(s) name no product on sale", .0.len())]
    UnknownProducts(Vec<usize>),
    #[error("line {line} has no price in {currency}")]
    NoPrice { line: usize, currency: Currency },
    #[error("not enough stock for {} line(s)", .0.len())]
    OutOfStock(Vec<LineShortage>),
    #[error(transparent)]
    Pricing(#[from] PricingError),
    #[error(transparent)]
    Shipping(#[from] ShippingError),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// A line of which less can be had than wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineShortage {
    pub line: usize,
    pub sku: String,
    pub available: i64,
}

/// Writes an order in the caller's transaction, after the request's key was claimed. What it sells is
/// the caller's only after [`take_stock`], the last thing before COMMIT.
///
/// Beside the order comes what its payment provider has to be asked after COMMIT.
///
/// # Errors
///
/// [`PlaceError`]; the transaction is to be rolled back.
pub fn write(
    conn: &mut PgConnection,
    request: Request,
    key: Option<&RequestKey>,
) -> Result<(Order, Option<PaymentOperationId>), PlaceError> {
    let quotes = quote_lines(conn, &request)?;
    let currency = quotes
        .first()
        .map_or(request.preferred_currency, |quote| quote.currency);
    let shipping = shipping::rate(conn, &request.shipping_method, currency)?;
    let (lines, totals) = price(&request, &quotes, currency, shipping)?;
    refuse_what_is_sold_out(&lines, &quotes)?;

    let charges_card = request.payment_method == PaymentMethod::Card && totals.total.minor() > 0;
    let card_provider = request.card_provider.filter(|_| charges_card);
    let new = NewOrder {
        user_id: request.user_id,
        lines,
        totals,
        address: request.address,
        payment_method: request.payment_method,
        payment: card_provider.map(|provider| NewPayment {
            provider,
            token: request.payment_token,
        }),
        shipping_method: request.shipping_method,
        source: request.source,
        reference: request.reference,
        request: key.map(|key| (key.scope.clone(), key.key.clone(), key.fingerprint)),
        actor: request.actor,
    };
    Ok(placing::insert(conn, new)?)
}

/// One quote per line, all in one currency.
fn quote_lines(conn: &mut PgConnection, request: &Request) -> Result<Vec<Quote>, PlaceError> {
    let wanted: Vec<Wanted> = request
        .lines
        .iter()
        .map(|line| line.wanted.clone())
        .collect();
    let preferred = request.currency.unwrap_or(request.preferred_currency);
    let quotes = quotes::quote(conn, &wanted, preferred)?;
    let has_quote = |line: &usize| {
        quotes
            .iter()
            .any(|q| usize::try_from(q.position) == Ok(*line))
    };
    let unknown: Vec<usize> = (0..wanted.len()).filter(|line| !has_quote(line)).collect();
    if !unknown.is_empty() {
        return Err(PlaceError::UnknownProducts(unknown));
    }
    let currency = match (request.currency, quotes.first()) {
        (Some(currency), _) => currency,
        (None, Some(first)) => first.currency,
        (None, None) => preferred,
    };
    match quotes.iter().position(|quote| quote.currency != currency) {
        Some(line) => Err(PlaceError::NoPrice { line, currency }),
        None => Ok(quotes),
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
            quantity: line.quantity,
            list_price: line.list_price,
            unit_price: line.unit_price,
            price_source: line.source,
            discount: line.discount,
            total: line.total,
        });
    Ok((lines.collect(), priced.totals))
}

/// Says no before anything is written, when a plain read already shows that stock falls short.
fn refuse_what_is_sold_out(lines: &[Line], quotes: &[Quote]) -> Result<(), PlaceError> {
    let mut short = super::stock_changes(lines, 0, 1);
    short.retain(|change| {
        let quote = quotes
            .iter()
            .find(|quote| quote.variant_id == change.variant_id);
        quote.is_none_or(|quote| quote.available < change.reserved)
    });
    if short.is_empty() {
        return Ok(());
    }
    let available = |line: &Line| {
        short
            .iter()
            .any(|change| change.variant_id == line.variant_id)
            .then(|| {
                let quote = quotes
                    .iter()
                    .find(|quote| quote.variant_id == line.variant_id);
                quote.map_or(0, |quote| quote.available.max(0))
            })
    };
    Err(PlaceError::OutOfStock(shortages(lines, available)))
}

/// Takes the stock of an order, all or none. It stays locked until the transaction ends.
///
/// # Errors
///
/// [`PlaceError::OutOfStock`]; the transaction is to be rolled back.
pub fn take_stock(
    conn: &mut PgConnection,
    order: &Order,
    actor: Option<UserId>,
) -> Result<(), PlaceError> {
    let cause = Cause {
        reason: "order_placed",
        order_id: Some(order.id),
        actor,
    };
    let changes = super::stock_changes(&order.lines, 0, 1);
    stock::move_all(conn, &changes, &cause).map_err(|error| match error {
        StockError::Db(error) => PlaceError::Db(error),
        StockError::Insufficient(short) => {
            let available = |line: &Line| {
                short
                    .iter()
                    .find(|s| s.variant_id == line.variant_id)
                    .map(|s| s.available)
            };
            PlaceError::OutOfStock(shortages(&order.lines, available))
        }
        StockError::NotStocked(_) | StockError::Changed { .. } => {
            PlaceError::OutOfStock(shortages(&order.lines, |_| Some(0)))
        }
    })
}

fn shortages(lines: &[Line], available: impl Fn(&Line) -> Option<i64>) -> Vec<LineShortage> {
    let shortage = |(index, line): (usize, &Line)| {
        let available = available(line)?;
        Some(LineShortage {
            line: index,
            sku: line.sku.to_string(),
            available,
        })
    };
    lines.iter().enumerate().filter_map(shortage).collect()
}
