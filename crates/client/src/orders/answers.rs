//! What comes back about orders.

use chrono::{DateTime, Utc};
use domain::{
    Address, Money, OrderId, OrderStatus, PaymentMethod, PaymentStatus, ProductId, Quantity, Sku,
    TaxClass, UserId, VariantId, VariantKind,
};
use serde::Deserialize;

/// An order, as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Names the order.
    pub order_id: OrderId,
    /// Who bought.
    pub user_id: UserId,
    /// One id for each piece, or for each line of an order with more than 1,000 pieces.
    pub product_ids: Vec<ProductId>,
    /// As it was given.
    pub address: Address,
    /// How it is paid.
    pub payment: PaymentMethod,
    /// How it is sent.
    pub shipping: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// Where its payment stands.
    pub payment_status: PaymentStatus,
    /// `web`, or `staff` when staff placed it for somebody.
    pub source: String,
    /// The number that staff gave it.
    pub reference: Option<String>,
    /// Grows with every change.
    pub version: i64,
    /// What was bought, in the order it was given.
    pub lines: Vec<SoldLine>,
    /// What it costs.
    pub totals: OrderTotals,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// `None` while it is not cancelled.
    pub cancelled_at: Option<DateTime<Utc>>,
}

/// A quantity of a product as it was sold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SoldLine {
    /// Of what.
    pub product_id: ProductId,
    /// What the merchant called it then.
    pub sku: Sku,
    /// What customers called it then.
    pub title: String,
    /// What was taken from stock for it. `None`: the server is older.
    pub kind: Option<VariantKind>,
    /// How it is taxed; `None` where nobody knew when it was sold.
    pub tax_class: Option<TaxClass>,
    /// What one of a bundle was made of; empty for everything else.
    #[serde(default)]
    pub components: Vec<SoldComponent>,
    /// How many.
    pub quantity: Quantity,
    /// What one piece cost.
    pub unit_price: Money,
    /// What one piece cost in the catalogue.
    pub list_price: Money,
    /// `list`, or `negotiated` when staff set the price.
    pub price_source: String,
    /// Unit price times quantity.
    pub total: Money,
}

/// A part of a bundle as it was sold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SoldComponent {
    /// Of what.
    pub variant_id: VariantId,
    /// What the merchant called it then.
    pub sku: Sku,
    /// What customers called it then.
    pub title: String,
    /// Physical or digital.
    pub kind: VariantKind,
    /// Pieces in one of the bundle.
    pub quantity: i64,
}

/// The amounts of a whole order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct OrderTotals {
    /// The sum of the lines.
    pub subtotal: Money,
    /// What was taken off.
    pub discount: Money,
    /// What sending it costs.
    pub shipping: Money,
    /// What the customer pays.
    pub total: Money,
}

/// An order with everything that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderDetails {
    /// The order, as it is.
    #[serde(flatten)]
    pub order: Order,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// One thing that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TimelineEntry {
    /// The order's version afterwards.
    pub version: i64,
    /// What kind of thing it was.
    pub kind: String,
    /// The status before, where the status changed.
    pub from: Option<String>,
    /// The status afterwards, where the status changed.
    pub to: Option<String>,
    /// Who did it; `None` is the system, or a caller without a token.
    pub actor: Option<UserId>,
    /// What there is to say about it.
    pub note: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Some orders of a longer list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderPage {
    /// Newest first.
    pub orders: Vec<Order>,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// The answer to a change of status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusChanged {
    /// Which order.
    pub order_id: OrderId,
    /// Where it stands now.
    pub status: OrderStatus,
}

/// The answer to a cancellation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancelled {
    /// True.
    pub success: bool,
    /// Which order.
    pub order_id: OrderId,
    /// `cancelled`.
    pub status: OrderStatus,
    /// What became of its payment.
    pub payment_status: PaymentStatus,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_documented_order_can_be_read() {
        let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
        let details: OrderDetails = serde_json::from_value(json!({
            "orderId": 1, "userId": 2, "productIds": [1, 1], "address": "123 Demo St",
            "payment": "card", "shipping": "std", "status": "ordered",
            "paymentStatus": "authorised", "source": "web", "reference": null, "version": 2,
            "lines": [{"productId": 1, "sku": "MACBOOK-AIR", "title": "MacBook Air",
                "kind": "bundle", "taxClass": "standard", "components": [{"variantId": 7, "sku": "AIR",
                    "title": "Air", "kind": "physical", "quantity": 3}], "quantity": 2, "unitPrice": usd(99_999), "listPrice": usd(99_999),
                "priceSource": "list", "total": usd(199_998)}],
            "totals": {"subtotal": usd(199_998), "discount": usd(0), "shipping": usd(0),
                "total": usd(199_998)},
            "placedAt": "2026-03-01T12:00:00Z", "updatedAt": "2026-03-01T12:00:00Z",
            "cancelledAt": null,
            "timeline": [{"version": 1, "kind": "placed", "from": null, "to": "ordered",
                "actor": 2, "note": null, "at": "2026-03-01T12:00:00Z"}]
        }))
        .unwrap();

        assert_eq!(details.order.totals.total.minor(), 199_998);
        assert_eq!(details.order.lines[0].quantity.get(), 2);
        assert_eq!(details.order.lines[0].components[0].quantity, 3);
        assert_eq!(details.timeline[0].to.as_deref(), Some("ordered"));
    }
}
