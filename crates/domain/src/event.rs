//! What happened, as it is written to the outbox and told to the rest of the world.

use crate::{
    CategoryId, CollectionId, CustomFieldId, LocationId, MediaId, Money, OptionId, OrderId,
    OrderStatus, PaymentId, PaymentStatus, PriceListId, ProductId, StockHoldId, StockTransferId,
    UserId, VariantId,
};

/// A fact, told once it is true.
///
/// With the feature `serde` it is written as an object of its fields alone; its [`Event::kind`]
/// and [`Event::resource`] stand beside it, where they can be searched.
///
/// ```
/// use domain::{Event, ProductId};
///
/// let event = Event::ProductChanged { product_id: ProductId::try_from(3)? };
/// assert_eq!(event.kind(), "product.changed");
/// assert_eq!(event.resource(), ("product", 3));
/// # Ok::<(), domain::InvalidId>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(untagged, rename_all_fields = "camelCase"))]
pub enum Event {
    /// What is shown of a product is different: made, described, priced or archived.
    ProductChanged {
        /// The product.
        product_id: ProductId,
    },
    /// A category was made.
    CategoryCreated {
        /// The category.
        category_id: CategoryId,
    },
    /// What is shown of a category is different, or it has other parents.
    CategoryUpdated {
        /// The category.
        category_id: CategoryId,
    },
    /// A category is not shown any more.
    CategoryArchived {
        /// The category.
        category_id: CategoryId,
    },
    /// Other products are in a category, or in another order.
    CategoryProductsChanged {
        /// The category.
        category_id: CategoryId,
        /// Products that are there now, and were not, or at another place.
        placed: Vec<ProductId>,
        /// Products that are not there any more.
        removed: Vec<ProductId>,
    },
    /// A collection was made, is shown otherwise, has other products or rules, or is not shown any more. What its rules find
    /// is changes of products.
    CollectionChanged {
        /// The collection.
        collection_id: CollectionId,
    },
    /// There is another place where stock is kept.
    LocationCreated {
        /// The location.
        location_id: LocationId,
    },
    /// A location is called, ranked or used otherwise.
    LocationUpdated {
        /// The location.
        location_id: LocationId,
        /// Whether it is used from now on; `None` where that is as before.
        is_active: Option<bool>,
    },
    /// A location is gone, at which nothing ever was.
    LocationDeleted {
        /// The location.
        location_id: LocationId,
    },
    /// A picture was sent, and is there.
    MediaCreated {
        /// The picture.
        media_id: MediaId,
    },
    /// A picture is called or described otherwise. What products say of it are changes of products.
    MediaUpdated {
        /// The picture.
        media_id: MediaId,
    },
    /// A picture is gone, which no product had.
    MediaDeleted {
        /// The picture.
        media_id: MediaId,
    },
    /// An option or its values are called otherwise in another language, whatever products have them.
    OptionTranslated {
        /// The translations of the option.
        option_id: OptionId,
    },
    /// A price list was made, or counts for others or at other times. Its prices are changes of products.
    PriceListChanged {
        /// The price list.
        price_list_id: PriceListId,
    },
    /// A custom field was defined, is defined otherwise, or is no more. Its values are changes of what has them.
    CustomFieldChanged {
        /// The definition.
        custom_field_id: CustomFieldId,
    },
    /// Pieces came or went, apart from orders.
    StockAdjusted {
        /// The variant that is counted.
        variant_id: VariantId,
        /// Where.
        location_id: LocationId,
        /// How many pieces more are on hand, or fewer when negative.
        on_hand_delta: i64,
    },
    /// Another part of what is on hand may be sold, or orders may go further beyond it.
    StockLimitsChanged {
        /// The variant that is counted.
        variant_id: VariantId,
        /// Where.
        location_id: LocationId,
        /// Pieces that are kept back.
        safety: i64,
        /// Pieces that may be sold beyond what is on hand.
        backorder_limit: i64,
        /// As many available pieces, or fewer, are low; `None` where nobody wants to know.
        low_at: Option<i64>,
    },
    /// Pieces are at another location than before.
    StockTransferred {
        /// The variant that was moved.
        variant_id: VariantId,
        /// What it was moved with.
        transfer_id: StockTransferId,
        /// How many pieces, at least 1.
        quantity: i64,
        /// Where they were.
        from_location_id: LocationId,
        /// Where they are.
        to_location_id: LocationId,
    },
    /// What can be promised at a location has come down to where staff wants to know.
    StockLow {
        /// The variant that is counted.
        variant_id: VariantId,
        /// Where.
        location_id: LocationId,
        /// Pieces that can still be promised there.
        available: i64,
        /// As many, or fewer, are low.
        low_at: i64,
    },
    /// It is more than that again, or nobody wants to know any more.
    StockBack {
        /// The variant that is counted.
        variant_id: VariantId,
        /// Where.
        location_id: LocationId,
        /// Pieces that can be promised there.
        available: i64,
        /// As many, or fewer, are low; `None` when there is no such limit any more.
        low_at: Option<i64>,
    },
    /// Pieces are kept for somebody until a moment.
    HoldCreated {
        /// The hold.
        hold_id: StockHoldId,
    },
    /// They are kept until another moment.
    HoldRefreshed {
        /// The hold.
        hold_id: StockHoldId,
    },
    /// They are kept no more.
    HoldEnded {
        /// The hold.
        hold_id: StockHoldId,
        /// Why: `released`, `expired` or `ordered`.
        outcome: &'static str,
    },
    /// Somebody has a new account.
    UserRegistered {
        /// The account.
        user_id: UserId,
    },
    /// Somebody is of other customer groups.
    UserGroupsChanged {
        /// The account.
        user_id: UserId,
    },
    /// A member of staff may do other things.
    UserPermissionsChanged {
        /// The account.
        user_id: UserId,
    },
    /// An order was accepted.
    OrderPlaced {
        /// The order.
        order_id: OrderId,
        /// Whose order it is.
        user_id: UserId,
        /// What the customer pays.
        total: Money,
    },
    /// An order took a step.
    OrderStatusChanged {
        /// The order.
        order_id: OrderId,
        /// The status before.
        from: OrderStatus,
        /// The status now.
        to: OrderStatus,
    },
    /// An order will not be sent.
    OrderCancelled {
        /// The order.
        order_id: OrderId,
        /// Why, in words for people.
        reason: String,
    },
    /// The payment of an order has another status.
    PaymentChanged {
        /// The order that is paid.
        order_id: OrderId,
        /// The payment.
        payment_id: PaymentId,
        /// The status now.
        status: PaymentStatus,
    },
}

impl Event {
    /// All names under which others subscribe.
    pub const KINDS: [&'static str; 30] = [
        "product.changed",
        "category.created",
        "category.updated",
        "category.archived",
        "category.productsChanged",
        "collection.changed",
        "location.created",
        "location.updated",
        "location.deleted",
        "media.created",
        "media.updated",
        "media.deleted",
        "option.translated",
        "priceList.changed",
        "customField.changed",
        "stock.adjusted",
        "stock.limitsChanged",
        "stock.transferred",
        "stock.low",
        "stock.back",
        "hold.created",
        "hold.refreshed",
        "hold.ended",
        "user.registered",
        "user.groupsChanged",
        "user.permissionsChanged",
        "order.placed",
        "order.statusChanged",
        "order.cancelled",
        "payment.changed",
    ];

    /// Returns the name under which others subscribe.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ProductChanged { .. } => "product.changed",
            Self::CategoryCreated { .. } => "category.created",
            Self::CategoryUpdated { .. } => "category.updated",
            Self::CategoryArchived { .. } => "category.archived",
            Self::CategoryProductsChanged { .. } => "category.productsChanged",
            Self::CollectionChanged { .. } => "collection.changed",
            Self::LocationCreated { .. } => "location.created",
            Self::LocationUpdated { .. } => "location.updated",
            Self::LocationDeleted { .. } => "location.deleted",
            Self::MediaCreated { .. } => "media.created",
            Self::MediaUpdated { .. } => "media.updated",
            Self::MediaDeleted { .. } => "media.deleted",
            Self::OptionTranslated { .. } => "option.translated",
            Self::PriceListChanged { .. } => "priceList.changed",
            Self::CustomFieldChanged { .. } => "customField.changed",
            Self::StockAdjusted { .. } => "stock.adjusted",
            Self::StockLimitsChanged { .. } => "stock.limitsChanged",
            Self::StockTransferred { .. } => "stock.transferred",
            Self::StockLow { .. } => "stock.low",
            Self::StockBack { .. } => "stock.back",
            Self::HoldCreated { .. } => "hold.created",
            Self::HoldRefreshed { .. } => "hold.refreshed",
            Self::HoldEnded { .. } => "hold.ended",
            Self::UserRegistered { .. } => "user.registered",
            Self::UserGroupsChanged { .. } => "user.groupsChanged",
            Self::UserPermissionsChanged { .. } => "user.permissionsChanged",
            Self::OrderPlaced { .. } => "order.placed",
            Self::OrderStatusChanged { .. } => "order.statusChanged",
            Self::OrderCancelled { .. } => "order.cancelled",
            Self::PaymentChanged { .. } => "payment.changed",
        }
    }

    /// Returns the kind and the id of what it happened to.
    ///
    /// Events of one resource are delivered in their order. A payment is part of its order, so
    /// that a payment and a cancellation of the same order cannot overtake each other.
    #[must_use]
    pub const fn resource(&self) -> (&'static str, i64) {
        match self {
            Self::ProductChanged { product_id } => ("product", product_id.get()),
            Self::CategoryCreated { category_id }
            | Self::CategoryUpdated { category_id }
            | Self::CategoryArchived { category_id }
            | Self::CategoryProductsChanged { category_id, .. } => ("category", category_id.get()),
            Self::CollectionChanged { collection_id } => ("collection", collection_id.get()),
            Self::LocationCreated { location_id }
            | Self::LocationUpdated { location_id, .. }
            | Self::LocationDeleted { location_id } => ("location", location_id.get()),
            Self::MediaCreated { media_id }
            | Self::MediaUpdated { media_id }
            | Self::MediaDeleted { media_id } => ("media", media_id.get()),
            Self::StockAdjusted { variant_id, .. }
            | Self::StockLimitsChanged { variant_id, .. }
            | Self::StockTransferred { variant_id, .. }
            | Self::StockLow { variant_id, .. }
            | Self::StockBack { variant_id, .. } => ("variant", variant_id.get()),
            Self::HoldCreated { hold_id }
            | Self::HoldRefreshed { hold_id }
            | Self::HoldEnded { hold_id, .. } => ("hold", hold_id.get()),
            Self::OptionTranslated { option_id } => ("option", option_id.get()),
            Self::PriceListChanged { price_list_id } => ("priceList", price_list_id.get()),
            Self::CustomFieldChanged { custom_field_id } => ("customField", custom_field_id.get()),
            Self::UserRegistered { user_id }
            | Self::UserGroupsChanged { user_id }
            | Self::UserPermissionsChanged { user_id } => ("user", user_id.get()),
            Self::OrderPlaced { order_id, .. }
            | Self::OrderStatusChanged { order_id, .. }
            | Self::OrderCancelled { order_id, .. }
            | Self::PaymentChanged { order_id, .. } => ("order", order_id.get()),
        }
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;
    use crate::Currency;

    #[test]
    fn an_event_is_an_object_of_its_fields() {
        let event = Event::OrderPlaced {
            order_id: OrderId::try_from(17).unwrap(),
            user_id: UserId::try_from(2).unwrap(),
            total: Money::new(99_999, Currency::USD),
        };

        assert_eq!(
            (event.kind(), event.resource()),
            ("order.placed", ("order", 17))
        );
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({
                "orderId": 17,
                "userId": 2,
                "total": {"amount": 99_999, "currency": "USD"},
            })
        );
    }

    #[test]
    fn every_kind_is_known() {
        let (order_id, user_id) = (OrderId::try_from(1).unwrap(), UserId::try_from(2).unwrap());
        let category_id = CategoryId::try_from(3).unwrap();
        let variant_id = VariantId::try_from(1).unwrap();
        let location_id = LocationId::try_from(2).unwrap();
        let hold_id = StockHoldId::try_from(4).unwrap();
        let media_id = MediaId::try_from(5).unwrap();
        let events = [
            Event::ProductChanged {
                product_id: ProductId::try_from(1).unwrap(),
            },
            Event::CategoryCreated { category_id },
            Event::CategoryUpdated { category_id },
            Event::CategoryArchived { category_id },
            Event::CategoryProductsChanged {
                category_id,
                placed: vec![ProductId::try_from(1).unwrap()],
                removed: Vec::new(),
            },
            Event::CollectionChanged {
                collection_id: CollectionId::try_from(1).unwrap(),
            },
            Event::LocationCreated { location_id },
            Event::LocationUpdated {
                location_id,
                is_active: None,
            },
            Event::LocationDeleted { location_id },
            Event::MediaCreated { media_id },
            Event::MediaUpdated { media_id },
            Event::MediaDeleted { media_id },
            Event::OptionTranslated {
                option_id: OptionId::try_from(1).unwrap(),
            },
            Event::PriceListChanged {
                price_list_id: PriceListId::try_from(1).unwrap(),
            },
            Event::CustomFieldChanged {
                custom_field_id: CustomFieldId::try_from(1).unwrap(),
            },
            Event::StockAdjusted {
                variant_id,
                location_id,
                on_hand_delta: -1,
            },
            Event::StockLimitsChanged {
                variant_id,
                location_id,
                safety: 2,
                backorder_limit: 0,
                low_at: None,
            },
            Event::StockTransferred {
                variant_id,
                transfer_id: StockTransferId::try_from(1).unwrap(),
                quantity: 1,
                from_location_id: LocationId::MAIN,
                to_location_id: location_id,
            },
            Event::StockLow {
                variant_id,
                location_id,
                available: 2,
                low_at: 2,
            },
            Event::StockBack {
                variant_id,
                location_id,
                available: 3,
                low_at: None,
            },
            Event::HoldCreated { hold_id },
            Event::HoldRefreshed { hold_id },
            Event::HoldEnded {
                hold_id,
                outcome: "released",
            },
            Event::UserRegistered { user_id },
            Event::UserGroupsChanged { user_id },
            Event::UserPermissionsChanged { user_id },
            Event::OrderPlaced {
                order_id,
                user_id,
                total: Money::new(1, Currency::USD),
            },
            Event::OrderStatusChanged {
                order_id,
                from: OrderStatus::Ordered,
                to: OrderStatus::Processed,
            },
            Event::OrderCancelled {
                order_id,
                reason: "late".into(),
            },
            Event::PaymentChanged {
                order_id,
                payment_id: PaymentId::try_from(1).unwrap(),
                status: PaymentStatus::Captured,
            },
        ];

        assert_eq!(events.each_ref().map(Event::kind), Event::KINDS);
    }

    #[test]
    fn states_are_written_as_codes() {
        let event = Event::OrderStatusChanged {
            order_id: OrderId::try_from(1).unwrap(),
            from: OrderStatus::Processed,
            to: OrderStatus::InTransit,
        };

        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({"orderId": 1, "from": "processed", "to": "inTransit"})
        );
    }
}
