//! Priced orders on their way into the database.
//!
//! `ordering.insert_orders` writes any number of them in one statement. It is called from within the
//! transaction that also takes their stock and stores their keys, so what is here is its input: a
//! column for each of its parameters.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Jsonb, Nullable, Text, Timestamptz};
use domain::{
    Address, OrderId, OrderStatus, PaymentMethod, PaymentStatus, PriceSource, Totals, UserId,
};

use crate::lines::{Line, Part};
use crate::orders::{Order, Source};

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
    /// The id of the request that its events tell of.
    pub request_id: Option<String>,
    /// Who places it; `None` for callers without a token.
    pub actor: Option<UserId>,
    /// The database's time when it was priced.
    pub placed_at: DateTime<Utc>,
}

/// A payment that a provider is to authorise.
#[derive(Clone, Debug)]
pub struct NewPayment {
    pub provider: &'static str,
    pub token: Option<String>,
}

impl NewOrder {
    /// The order as it is once it was written.
    #[must_use]
    pub fn into_placed(self, id: OrderId) -> Order {
        Order {
            id,
            user_id: self.user_id,
            status: OrderStatus::Ordered,
            totals: self.totals,
            address: self.address,
            payment_method: self.payment_method,
            payment_status: match self.payment {
                Some(_) => PaymentStatus::Pending,
                None => PaymentStatus::NotRequired,
            },
            shipping_method: self.shipping_method,
            source: self.source,
            reference: self.reference,
            version: 1,
            placed_at: self.placed_at,
            updated_at: self.placed_at,
            cancelled_at: None,
            lines: self.lines,
        }
    }
}

/// Declares the columns once: their names, what they are in Rust and in SQL, and how they are bound.
macro_rules! columns {
    ($($name:ident : $rust:ty => $sql_type:ty),* $(,)?) => {
        /// The parameters of `ordering.insert_orders` after the orders' ids, in its order.
        #[derive(Debug, Default)]
        pub struct OrderColumns { $($name: Vec<$rust>),* }

        impl OrderColumns {
            /// Binds all of them, as the statement's next parameters.
            ///
            /// # Errors
            ///
            /// Those of serialisation.
            pub fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                $(out.push_bind_param_value_only::<Array<$sql_type>, Vec<$rust>>(&self.$name)?;)*
                Ok(())
            }
        }
    };
}

columns! {
    // One entry per order.
    user_ids: i64 => BigInt,
    currencies: &'static str => Text,
    subtotals: i64 => BigInt,
    discounts: i64 => BigInt,
    shippings: i64 => BigInt,
    totals: i64 => BigInt,
    addresses: serde_json::Value => Jsonb,
    payment_methods: &'static str => Text,
    shipping_methods: String => Text,
    sources: &'static str => Text,
    references: Option<String> => Nullable<Text>,
    request_scopes: Option<String> => Nullable<Text>,
    request_keys: Option<String> => Nullable<Text>,
    fingerprints: Option<Vec<u8>> => Nullable<Binary>,
    actor_ids: Option<i64> => Nullable<BigInt>,
    notes: Option<String> => Nullable<Text>,
    request_ids: Option<String> => Nullable<Text>,
    providers: Option<&'static str> => Nullable<Text>,
    tokens: Option<String> => Nullable<Text>,
    placed: DateTime<Utc> => Timestamptz,
    // One entry per line; the orders are counted from 1.
    line_orders: i32 => Integer,
    positions: i32 => Integer,
    product_ids: i64 => BigInt,
    variant_ids: i64 => BigInt,
    skus: String => Text,
    titles: String => Text,
    quantities: i64 => BigInt,
    list_prices: i64 => BigInt,
    unit_prices: i64 => BigInt,
    price_sources: &'static str => Text,
    line_discounts: i64 => BigInt,
    line_totals: i64 => BigInt,
    kinds: &'static str => Text,
    tax_classes: Option<String> => Nullable<Text>,
    // One entry per part of a bundle; the lines are counted from 1.
    part_lines: i32 => Integer,
    part_variant_ids: i64 => BigInt,
    part_skus: String => Text,
    part_titles: String => Text,
    part_kinds: &'static str => Text,
    part_quantities: i64 => BigInt,
}

/// How many parameters [`OrderColumns::bind`] binds.
pub const COLUMNS: usize = 40;

impl OrderColumns {
    /// Adds an order and its lines.
    ///
    /// # Errors
    ///
    /// [`diesel::result::Error::SerializationError`] for an address that does not serialise.
    pub fn push(&mut self, new: &NewOrder) -> QueryResult<()> {
        let address = serde_json::to_value(&new.address)
            .map_err(|error| diesel::result::Error::SerializationError(error.into()))?;
        let request = new.request.as_ref();
        self.user_ids.push(new.user_id.get());
        self.currencies.push(new.totals.total.currency().code());
        self.subtotals.push(new.totals.subtotal.minor());
        self.discounts.push(new.totals.discount.minor());
        self.shippings.push(new.totals.shipping.minor());
        self.totals.push(new.totals.total.minor());
        self.addresses.push(address);
        self.payment_methods.push(new.payment_method.code());
        self.shipping_methods.push(new.shipping_method.clone());
        self.sources.push(new.source.code());
        self.references.push(new.reference.clone());
        self.request_scopes
            .push(request.map(|(scope, ..)| scope.clone()));
        self.request_keys
            .push(request.map(|(_, key, _)| key.clone()));
        self.fingerprints
            .push(request.map(|(.., fingerprint)| fingerprint.to_vec()));
        self.actor_ids.push(new.actor.map(UserId::get));
        self.notes.push(negotiated_note(&new.lines));
        self.request_ids.push(new.request_id.clone());
        self.providers
            .push(new.payment.as_ref().map(|payment| payment.provider));
        self.tokens
            .push(new.payment.as_ref().and_then(|p| p.token.clone()));
        self.placed.push(new.placed_at);
        let order = i32::try_from(self.user_ids.len()).unwrap_or(i32::MAX);
        for (position, line) in (1..).zip(&new.lines) {
            self.push_line(order, position, line);
        }
        Ok(())
    }

    fn push_line(&mut self, order: i32, position: i32, line: &Line) {
        self.line_orders.push(order);
        self.positions.push(position);
        self.product_ids.push(line.product_id.get());
        self.variant_ids.push(line.variant_id.get());
        self.skus.push(line.sku.as_str().to_owned());
        self.titles.push(line.title.clone());
        self.quantities.push(line.quantity.get());
        self.list_prices.push(line.list_price.minor());
        self.unit_prices.push(line.unit_price.minor());
        self.price_sources.push(line.price_source.code());
        self.line_discounts.push(line.discount.minor());
        self.line_totals.push(line.total.minor());
        self.kinds.push(line.kind.code());
        self.tax_classes
            .push(line.tax_class.as_ref().map(ToString::to_string));
        for part in &line.parts {
            self.push_part(part);
        }
    }

    /// Adds a part of the last line.
    fn push_part(&mut self, part: &Part) {
        let line = i32::try_from(self.line_orders.len()).unwrap_or(i32::MAX);
        self.part_lines.push(line);
        self.part_variant_ids.push(part.variant_id.get());
        self.part_skus.push(part.sku.as_str().to_owned());
        self.part_titles.push(part.title.clone());
        self.part_kinds.push(part.kind.code());
        self.part_quantities.push(part.quantity);
    }
}

/// Tells the timeline which prices somebody set by hand.
fn negotiated_note(lines: &[Line]) -> Option<String> {
    let negotiated = lines
        .iter()
        .filter(|l| l.price_source == PriceSource::Negotiated)
        .count();
    (negotiated > 0).then(|| format!("negotiated price on {negotiated} of {} lines", lines.len()))
}
