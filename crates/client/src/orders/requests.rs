//! What is sent about orders.

use domain::{
    Address, Currency, Money, PaymentMethod, ProductId, Quantity, Sku, StockHoldId, UserId,
};
use serde::Serialize;

/// An order to be placed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceOrder {
    /// Who buys; `None` is the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// What is bought.
    #[serde(flatten)]
    pub items: Items,
    /// Where it goes.
    pub address: Address,
    /// How it is paid.
    pub payment: PaymentMethod,
    /// What the provider is to charge, for cards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_token: Option<String>,
    /// How it is sent: `std` or `exp`.
    pub shipping: String,
    /// The currency whose prices apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The caller's own number for the order. Staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What was kept for the customer goes to this order first. Staff only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_id: Option<StockHoldId>,
}

/// What is bought, in one of two spellings.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Items {
    /// Products with quantities, 1 to 2,000.
    Lines(Vec<Line>),
    /// One id for each piece, 1 to 1,000.
    ProductIds(Vec<ProductId>),
}

/// A quantity of a product.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Of what.
    #[serde(flatten)]
    pub item: LineItem,
    /// How many.
    pub quantity: Quantity,
    /// A price that was agreed, for one piece. Staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
}

/// A product, by either of its names.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LineItem {
    /// The shop's number.
    ProductId(ProductId),
    /// The merchant's name.
    Sku(Sku),
}

/// Which orders to list.
#[derive(Debug, Clone, Default)]
pub struct OrderQuery {
    /// Whose; `None` is the caller's own, or everybody's for staff.
    pub user_id: Option<UserId>,
    /// 1 to 100; 20 when `None`.
    pub limit: Option<u32>,
    /// The `next_cursor` of the answer before.
    pub cursor: Option<String>,
}

impl PlaceOrder {
    /// Describes an order of lines, bought by the caller.
    #[must_use]
    pub fn of_lines(
        lines: Vec<Line>,
        address: Address,
        payment: PaymentMethod,
        shipping: &str,
    ) -> Self {
        Self::of(Items::Lines(lines), address, payment, shipping)
    }

    /// Describes an order of items, bought by the caller.
    #[must_use]
    pub fn of(items: Items, address: Address, payment: PaymentMethod, shipping: &str) -> Self {
        Self {
            user_id: None,
            items,
            address,
            payment,
            payment_token: None,
            shipping: shipping.to_owned(),
            currency: None,
            reference: None,
            hold_id: None,
        }
    }

    /// Returns the order as bought by somebody.
    #[must_use]
    pub fn for_user(self, user_id: UserId) -> Self {
        Self {
            user_id: Some(user_id),
            ..self
        }
    }
}

impl Line {
    /// Makes a line of a product at its list price.
    #[must_use]
    pub fn of_product(id: ProductId, quantity: Quantity) -> Self {
        Self {
            item: LineItem::ProductId(id),
            quantity,
            unit_price: None,
        }
    }

    /// Makes a line of a SKU at its list price.
    #[must_use]
    pub fn of_sku(sku: Sku, quantity: Quantity) -> Self {
        Self {
            item: LineItem::Sku(sku),
            quantity,
            unit_price: None,
        }
    }

    /// Returns the line at a price that was agreed.
    #[must_use]
    pub fn at(self, unit_price: Money) -> Self {
        Self {
            unit_price: Some(unit_price),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_and_ids_have_the_documented_form() {
        let address = Address::text("123 Demo St").unwrap();
        let id = |number| ProductId::try_from(number).unwrap();
        let lines = vec![
            Line::of_product(id(1), Quantity::try_from(2).unwrap()),
            Line::of_sku("TEE-M".parse().unwrap(), Quantity::ONE)
                .at(Money::new(255, Currency::GBP)),
        ];
        let by_lines = PlaceOrder::of_lines(lines, address.clone(), PaymentMethod::Invoice, "std");
        let ids = Items::ProductIds(vec![id(1), id(1)]);
        let by_ids = PlaceOrder::of(ids, address, PaymentMethod::Card, "exp")
            .for_user(UserId::try_from(2).unwrap());

        assert_eq!(
            serde_json::to_value(&by_lines).unwrap(),
            json!({
                "lines": [
                    {"productId": 1, "quantity": 2},
                    {"sku": "TEE-M", "quantity": 1,
                     "unitPrice": {"amount": 255, "currency": "GBP"}}
                ],
                "address": "123 Demo St", "payment": "invoice", "shipping": "std"
            })
        );
        assert_eq!(
            serde_json::to_value(&by_ids).unwrap(),
            json!({"userId": 2, "productIds": [1, 1], "address": "123 Demo St",
                   "payment": "card", "shipping": "exp"})
        );
    }
}
