//! Orders as they are sent and shown.

use chrono::{DateTime, Utc};
use domain::{
    Address, Currency, Cursor, Money, OrderId, OrderStatus, PaymentMethod, PaymentStatus,
    PriceSource, ProductId, Quantity, Sku, StockHoldId, TaxClass, UserId, VariantId, VariantKind,
};
use ordering::orders::TimelineEntry;
use ordering::{Line, Order, Part};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::money::{AddressBody, MoneyBody};

/// An order to be placed: `lines`, or `productIds`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewOrder)]
pub struct NewOrderBody {
    /// Who buys; the caller where it is left out.
    #[schema(value_type = Option<i64>, example = 2)]
    pub user_id: Option<UserId>,
    #[schema(min_items = 1, max_items = 2000)]
    pub lines: Option<Vec<NewLineBody>>,
    /// One id per unit.
    #[schema(value_type = Option<Vec<i64>>, min_items = 1, max_items = 1000)]
    pub product_ids: Option<Vec<ProductId>>,
    #[schema(value_type = AddressBody)]
    pub address: Address,
    /// `card`, `cod` or `invoice`.
    #[schema(value_type = String, example = "card")]
    pub payment: PaymentMethod,
    /// What the provider is to charge.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,128}$")]
    pub payment_token: Option<String>,
    /// `std` or `exp`.
    #[schema(example = "std")]
    pub shipping: String,
    #[schema(value_type = Option<String>)]
    pub currency: Option<Currency>,
    /// Staff only: the caller's own number for it.
    #[schema(max_length = 64)]
    pub reference: Option<String>,
    /// Staff only: what was kept for the customer goes to this order first.
    #[schema(value_type = Option<i64>)]
    pub hold_id: Option<StockHoldId>,
}

/// One line: a product or a SKU, and how many.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewLine)]
pub struct NewLineBody {
    #[schema(value_type = Option<i64>)]
    pub product_id: Option<ProductId>,
    #[schema(value_type = Option<String>)]
    pub sku: Option<Sku>,
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000)]
    pub quantity: Quantity,
    /// Staff only: a price agreed on with the customer.
    #[schema(value_type = Option<MoneyBody>)]
    pub unit_price: Option<Money>,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
pub struct OrderBody<'o> {
    #[schema(value_type = i64, example = 1)]
    pub order_id: OrderId,
    #[schema(value_type = i64, example = 2)]
    user_id: UserId,
    /// One id per unit; in orders of more than 1,000 units one per line.
    #[schema(value_type = Vec<i64>)]
    product_ids: Vec<ProductId>,
    #[schema(value_type = AddressBody)]
    address: &'o Address,
    #[schema(value_type = String)]
    payment: PaymentMethod,
    shipping: &'o str,
    #[schema(value_type = String, example = "ordered")]
    pub status: OrderStatus,
    #[schema(value_type = String, example = "authorised")]
    payment_status: PaymentStatus,
    /// `web`, or `staff` when staff placed it for somebody.
    source: &'static str,
    #[schema(required = true)]
    reference: Option<&'o str>,
    /// Counts the timeline's entries.
    version: i64,
    lines: Vec<LineBody<'o>>,
    totals: TotalsBody,
    placed_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    #[schema(required = true)]
    cancelled_at: Option<DateTime<Utc>>,
    /// What happened to it, oldest first; only where one order is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Vec<TimelineBody>>,
}

/// A quantity of a product, as it was sold.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderLine)]
struct LineBody<'o> {
    #[schema(value_type = i64)]
    product_id: ProductId,
    #[schema(value_type = String)]
    sku: &'o Sku,
    title: &'o str,
    /// `physical`, `digital` (nothing is sent) or `bundle` (its components are).
    #[schema(value_type = String, example = "physical")]
    kind: VariantKind,
    /// How it is taxed; null where an earlier release sold it.
    #[schema(value_type = Option<String>, required = true, example = "standard")]
    tax_class: Option<&'o TaxClass>,
    /// What a bundle was made of; absent for everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<SoldPartBody>>)]
    components: Option<Vec<SoldPartBody<'o>>>,
    #[schema(value_type = i64)]
    quantity: Quantity,
    #[schema(value_type = MoneyBody)]
    unit_price: Money,
    #[schema(value_type = MoneyBody)]
    list_price: Money,
    /// `list` or `negotiated`.
    #[schema(value_type = String)]
    price_source: PriceSource,
    #[schema(value_type = MoneyBody)]
    total: Money,
}

/// A part of a bundle, as it was sold.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderComponent)]
struct SoldPartBody<'o> {
    #[schema(value_type = i64)]
    variant_id: VariantId,
    #[schema(value_type = String)]
    sku: &'o Sku,
    title: &'o str,
    /// `physical` or `digital`.
    #[schema(value_type = String)]
    kind: VariantKind,
    /// Units in one of the bundle.
    quantity: i64,
}

impl<'o> SoldPartBody<'o> {
    fn new(part: &'o Part) -> Self {
        Self {
            variant_id: part.variant_id,
            sku: &part.sku,
            title: &part.title,
            kind: part.kind,
            quantity: part.quantity,
        }
    }
}

/// What an order comes to: `total` is `subtotal` less `discount` plus `shipping`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Totals)]
struct TotalsBody {
    #[schema(value_type = MoneyBody)]
    subtotal: Money,
    #[schema(value_type = MoneyBody)]
    discount: Money,
    #[schema(value_type = MoneyBody)]
    shipping: Money,
    #[schema(value_type = MoneyBody)]
    total: Money,
}

/// One thing that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TimelineEntry)]
struct TimelineBody {
    version: i64,
    /// `placed`, `status` or `payment`.
    kind: String,
    #[schema(required = true)]
    from: Option<String>,
    #[schema(required = true)]
    to: Option<String>,
    /// The user who did it; absent for the system and for callers without a token.
    #[schema(required = true)]
    actor: Option<i64>,
    #[schema(required = true)]
    note: Option<String>,
    at: DateTime<Utc>,
}

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderPage)]
pub struct OrderPageBody<'o> {
    pub orders: Vec<OrderBody<'o>>,
    pub has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}

/// Where an order is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StatusChange)]
pub struct StatusBody {
    /// A state, or its label.
    #[schema(value_type = String, example = "processed")]
    pub status: OrderStatus,
}

/// Where an order is now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderStatus)]
pub struct OrderStatusBody {
    #[schema(value_type = i64)]
    pub order_id: OrderId,
    #[schema(value_type = String)]
    pub status: OrderStatus,
}

/// A cancelled order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Cancellation)]
pub struct CancellationBody {
    pub success: bool,
    #[schema(value_type = i64)]
    pub order_id: OrderId,
    #[schema(value_type = String)]
    pub status: OrderStatus,
    #[schema(value_type = String)]
    pub payment_status: PaymentStatus,
}

/// Up to so many units `productIds` names one by one: as many as a request by ids may have.
pub const MAX_IDS: usize = 1_000;

impl<'o> OrderBody<'o> {
    /// An order without its timeline.
    #[must_use]
    pub fn new(order: &'o Order) -> Self {
        let totals = &order.totals;
        Self {
            order_id: order.id,
            user_id: order.user_id,
            product_ids: product_ids(&order.lines),
            address: &order.address,
            payment: order.payment_method,
            shipping: &order.shipping_method,
            status: order.status,
            payment_status: order.payment_status,
            source: order.source.code(),
            reference: order.reference.as_deref(),
            version: order.version,
            lines: order.lines.iter().map(LineBody::new).collect(),
            totals: TotalsBody {
                subtotal: totals.subtotal,
                discount: totals.discount,
                shipping: totals.shipping,
                total: totals.total,
            },
            placed_at: order.placed_at,
            updated_at: order.updated_at,
            cancelled_at: order.cancelled_at,
            timeline: None,
        }
    }

    /// The order with what happened to it.
    #[must_use]
    pub fn with_timeline(mut self, entries: Vec<TimelineEntry>) -> Self {
        let body = |entry: TimelineEntry| TimelineBody {
            version: entry.version,
            kind: entry.kind,
            from: entry.from,
            to: entry.to,
            actor: entry.actor_id,
            note: entry.note,
            at: entry.occurred_at,
        };
        self.timeline = Some(entries.into_iter().map(body).collect());
        self
    }
}

impl<'o> LineBody<'o> {
    fn new(line: &'o Line) -> Self {
        Self {
            product_id: line.product_id,
            sku: &line.sku,
            title: &line.title,
            kind: line.kind,
            tax_class: line.tax_class.as_ref(),
            components: (line.kind == VariantKind::Bundle)
                .then(|| line.parts.iter().map(SoldPartBody::new).collect()),
            quantity: line.quantity,
            unit_price: line.unit_price,
            list_price: line.list_price,
            price_source: line.price_source,
            total: line.total,
        }
    }
}

fn product_ids(lines: &[Line]) -> Vec<ProductId> {
    let units = |line: &Line| usize::try_from(line.quantity.get()).unwrap_or(usize::MAX);
    let all = lines.iter().map(units).fold(0, usize::saturating_add);
    let repeats = |line| if all <= MAX_IDS { units(line) } else { 1 };
    lines
        .iter()
        .flat_map(|line| std::iter::repeat_n(line.product_id, repeats(line)))
        .collect()
}
