//! Placing, reading, advancing and cancelling orders.

mod answers;
mod requests;

use domain::{OrderId, OrderStatus};
use reqwest::Method;
use serde::Serialize;

pub use answers::{
    Cancelled, Order, OrderDetails, OrderPage, OrderTotals, SoldComponent, SoldLine, StatusChanged,
    TimelineEntry,
};
pub use requests::{Items, Line, LineItem, OrderQuery, PlaceOrder};

use crate::{Answer, Client, Error, IdempotencyKey, Request};

impl Client {
    /// Places an order under a fresh key.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `out_of_stock`, `unknown_product`, `no_price`,
    /// `payment_declined` and others; [`Error::Unknown`] carries the key to ask again with.
    pub async fn place_order(&self, order: &PlaceOrder) -> Result<Answer<Order>, Error> {
        self.place_order_with_key(order, &IdempotencyKey::fresh()?)
            .await
    }

    /// Places an order under a key of the caller's, at most once however often it is called.
    ///
    /// # Errors
    ///
    /// Those of [`Client::place_order`], and the code `idempotency_key_reused` when the key was
    /// used for another order.
    pub async fn place_order_with_key(
        &self,
        order: &PlaceOrder,
        key: &IdempotencyKey,
    ) -> Result<Answer<Order>, Error> {
        self.fetch(
            Request::new(Method::POST, "/api/orders")
                .json(order)?
                .key(key)?,
        )
        .await
    }

    /// Lists orders, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for a user whose orders this caller may not see.
    pub async fn list_orders(&self, query: &OrderQuery) -> Result<Answer<OrderPage>, Error> {
        let request = Request::new(Method::GET, "/api/orders")
            .query_if("userId", query.user_id.as_ref())
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads an order with its timeline.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one, and for somebody else's.
    pub async fn get_order(&self, id: OrderId) -> Result<Answer<OrderDetails>, Error> {
        self.fetch(Request::new(Method::GET, format!("/api/orders/{id}")))
            .await
    }

    /// Moves an order to a status. Staff, or open access.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `invalid_transition`; [`crate::Problem::more`] has `allowed`.
    pub async fn set_order_status(
        &self,
        id: OrderId,
        status: OrderStatus,
    ) -> Result<Answer<StatusChanged>, Error> {
        #[derive(Serialize)]
        struct Body {
            status: OrderStatus,
        }
        let request = Request::new(Method::PUT, format!("/api/orders/{id}"));
        self.fetch(request.json(&Body { status })?).await
    }

    /// Cancels an order; one that is cancelled stays so.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 409 once the goods have left.
    pub async fn cancel_order(&self, id: OrderId) -> Result<Answer<Cancelled>, Error> {
        self.fetch(Request::new(Method::DELETE, format!("/api/orders/{id}")))
            .await
    }
}
