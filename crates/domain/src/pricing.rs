//! What an order costs: one pure function from lines and terms to every amount.
//!
//! Taxes are not computed here: amounts are as the price list says them.

use std::fmt;
use std::str::FromStr;

use crate::text::{coded, text_form};
use crate::{Currency, Money, MoneyError, Quantity};

/// A quantity of one variant, before it is priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineToPrice {
    /// The catalogue price of one piece; not negative.
    pub list_price: Money,
    /// The price of one piece that was agreed with this customer; `None` means the list price.
    pub negotiated_price: Option<Money>,
    /// How many pieces.
    pub quantity: Quantity,
}

/// An order before it is priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderToPrice {
    /// The currency of every amount in the order.
    pub currency: Currency,
    /// What is bought; at least one line.
    pub lines: Vec<LineToPrice>,
    /// What is taken off the whole order; from zero to the sum of the lines.
    pub discount: Money,
    /// What sending it costs; not negative, never discounted.
    pub shipping: Money,
}

coded! {
    /// Where the price of a line comes from.
    PriceSource, "a price source", UnknownPriceSource {
        /// The catalogue.
        List => "list",
        /// An agreement with the customer.
        Negotiated => "negotiated",
    }
}

/// A line with all its amounts, in the currency of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedLine {
    /// The price of one piece that was applied.
    pub unit_price: Money,
    /// The catalogue price of one piece.
    pub list_price: Money,
    /// Which of the two it was.
    pub source: PriceSource,
    /// How many pieces.
    pub quantity: Quantity,
    /// Unit price times quantity.
    pub subtotal: Money,
    /// This line's part of the order's discount; from zero to `subtotal`.
    pub discount: Money,
    /// `subtotal` less `discount`.
    pub total: Money,
}

/// The amounts of a whole order, in its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// The sum of the lines' subtotals.
    pub subtotal: Money,
    /// The sum of the lines' discounts.
    pub discount: Money,
    /// What sending it costs.
    pub shipping: Money,
    /// The sum of the lines' totals, and shipping: what the customer pays.
    pub total: Money,
}

/// An order with all its amounts; the lines are in the order they were given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedOrder {
    /// The lines, as many as were given.
    pub lines: Vec<PricedLine>,
    /// The amounts of the whole order.
    pub totals: Totals,
}

/// Says why an order has no price. Lines are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// There is nothing to price.
    #[error("an order has at least one line")]
    NoLines,
    /// A price of a line is in another currency than the order.
    #[error("line {line} must be priced in {expected}, not in {found}")]
    CurrencyMismatch {
        /// The position of the line.
        line: usize,
        /// The currency of the order.
        expected: Currency,
        /// The currency of the price.
        found: Currency,
    },
    /// The discount or the shipping cost is in another currency than the order.
    #[error("discount and shipping must be in {expected}, not in {found}")]
    TermsCurrencyMismatch {
        /// The currency of the order.
        expected: Currency,
        /// The currency of the discount or the shipping cost.
        found: Currency,
    },
    /// A price of a line is below zero.
    #[error("line {line} must have a price of zero or more")]
    NegativePrice {
        /// The position of the line.
        line: usize,
    },
    /// The discount is below zero.
    #[error("a discount must be zero or more")]
    NegativeDiscount,
    /// The shipping cost is below zero.
    #[error("a shipping cost must be zero or more")]
    NegativeShipping,
    /// More would be taken off than the lines cost.
    #[error("a discount must be at most the {subtotal} that the lines cost, not {discount}")]
    DiscountAboveSubtotal {
        /// The discount that was asked for.
        discount: Money,
        /// What the lines cost.
        subtotal: Money,
    },
    /// An amount does not fit into `i64` minor units.
    #[error("the amounts of an order must fit into {} minor units", i64::MAX)]
    Overflow,
}

/// Prices an order.
///
/// The discount is spread over the lines in proportion to their subtotals, by largest remainders
/// ([`Money::allocate`]), so that the lines sum to the order exactly and none falls below zero.
///
/// ```
/// use domain::{Currency, LineToPrice, Money, OrderToPrice, Quantity, price_order};
///
/// let eur = |minor| Money::new(minor, Currency::EUR);
/// let tee = LineToPrice { list_price: eur(2_000), negotiated_price: None, quantity: Quantity::ONE };
/// let order = OrderToPrice {
///     currency: Currency::EUR,
///     lines: vec![tee],
///     discount: eur(500),
///     shipping: eur(490),
/// };
/// assert_eq!(price_order(&order)?.totals.total, eur(1_990));
/// # Ok::<(), domain::PricingError>(())
/// ```
///
/// # Errors
///
/// [`PricingError`] when there are no lines, currencies differ, an amount is negative, the
/// discount is above the subtotal, or an amount leaves the range of `i64`.
pub fn price_order(order: &OrderToPrice) -> Result<PricedOrder, PricingError> {
    if order.lines.is_empty() {
        return Err(PricingError::NoLines);
    }
    check_terms(order)?;

    let mut lines = Vec::with_capacity(order.lines.len());
    for (index, line) in order.lines.iter().enumerate() {
        check_line(index, line, order.currency)?;
        lines.push(price_line(line)?);
    }
    let subtotal = Money::sum(lines.iter().map(|line| line.subtotal), order.currency)?;
    spread_discount(order.discount, subtotal, &mut lines)?;

    let goods = Money::sum(lines.iter().map(|line| line.total), order.currency)?;
    let totals = Totals {
        subtotal,
        discount: order.discount,
        shipping: order.shipping,
        total: goods.plus(order.shipping)?,
    };
    Ok(PricedOrder { lines, totals })
}

fn check_terms(order: &OrderToPrice) -> Result<(), PricingError> {
    for terms in [order.discount, order.shipping] {
        let (expected, found) = (order.currency, terms.currency());
        if found != expected {
            return Err(PricingError::TermsCurrencyMismatch { expected, found });
        }
    }
    if order.discount.is_negative() {
        return Err(PricingError::NegativeDiscount);
    }
    if order.shipping.is_negative() {
        return Err(PricingError::NegativeShipping);
    }
    Ok(())
}

fn check_line(line: usize, prices: &LineToPrice, expected: Currency) -> Result<(), PricingError> {
    for price in [Some(prices.list_price), prices.negotiated_price]
        .into_iter()
        .flatten()
    {
        let found = price.currency();
        if found != expected {
            return Err(PricingError::CurrencyMismatch {
                line,
                expected,
                found,
            });
        }
        if price.is_negative() {
            return Err(PricingError::NegativePrice { line });
        }
    }
    Ok(())
}

/// Prices a line before any discount.
fn price_line(line: &LineToPrice) -> Result<PricedLine, MoneyError> {
    let (unit_price, source) = match line.negotiated_price {
        Some(price) => (price, PriceSource::Negotiated),
        None => (line.list_price, PriceSource::List),
    };
    let subtotal = unit_price.times(line.quantity)?;
    Ok(PricedLine {
        unit_price,
        list_price: line.list_price,
        source,
        quantity: line.quantity,
        subtotal,
        discount: Money::zero(subtotal.currency()),
        total: subtotal,
    })
}

fn spread_discount(
    discount: Money,
    subtotal: Money,
    lines: &mut [PricedLine],
) -> Result<(), PricingError> {
    if discount.minor() > subtotal.minor() {
        return Err(PricingError::DiscountAboveSubtotal { discount, subtotal });
    }
    // Subtotals are not negative here, so taking their size changes nothing.
    let weights: Vec<u64> = lines
        .iter()
        .map(|line| line.subtotal.minor().unsigned_abs())
        .collect();
    for (line, part) in lines.iter_mut().zip(discount.allocate(&weights)?) {
        line.discount = part;
        line.total = line.subtotal.minus(part)?;
    }
    Ok(())
}

/// Currencies are compared before anything is computed, so only the range is left to fail.
impl From<MoneyError> for PricingError {
    fn from(_: MoneyError) -> Self {
        Self::Overflow
    }
}

#[cfg(test)]
mod tests;
