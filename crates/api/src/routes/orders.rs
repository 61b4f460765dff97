//! Orders: placing, reading, advancing, cancelling.

use accounts::{User, users};
use actix_web::web::{Data, Path};
use actix_web::{delete, get, post, put};
use diesel::{PgConnection, QueryResult};
use domain::{OrderId, OrderStatus, Permission, UserId};
use ordering::{Order, orders};
use serde::Deserialize;
use utoipa::IntoParams;

use super::money::ProblemBody;
use super::order_bodies::{
    CancellationBody, NewOrderBody, OrderBody, OrderPageBody, OrderStatusBody, StatusBody,
};
use super::order_refusals::not_found;
use super::users as user_routes;
use super::{order_placing, order_requests, order_steps};
use crate::http::{Answer, Body, Caller, Key, Params, Problem, params};
use crate::state::State;

/// Whose orders, and which part of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// Whose; the caller's own where it is left out, everyone's for staff.
    #[param(value_type = Option<i64>)]
    user_id: Option<String>,
    /// Orders on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Places an order: 409 when a line is out of stock, 402 when the payment is declined.
#[utoipa::path(
    tag = "orders",
    security((), ("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "16 to 255 visible ASCII characters")),
    request_body = NewOrderBody,
    responses(
        (status = 201, body = OrderBody), (status = 200, body = OrderBody, description = "Placed long ago with this key"),
        (status = 402, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/orders")]
pub async fn place(
    state: Data<State>,
    caller: Caller,
    key: Key,
    body: Body<NewOrderBody>,
) -> Result<Answer, Problem> {
    caller.known_or_open()?;
    let request_key = key.bind(&caller, &body.bytes);
    let user_id = body
        .value
        .user_id
        .or(caller.id())
        .ok_or_else(|| Problem::invalid("userId", "missing", "is required without a token"))?;
    let currency = state.config.shop.currency;
    let provider = state.providers.for_cards();
    let key = request_key.clone();
    let parsed = order_requests::parse(body.value, user_id, &caller, currency, provider, key)?;
    order_placing::place(&state, parsed, request_key).await
}

/// Lists orders, newest first.
#[utoipa::path(
    tag = "orders",
    security((), ("token" = [])),
    params(OrderQuery),
    responses(
        (status = 200, body = OrderPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/orders")]
pub async fn list(
    state: Data<State>,
    caller: Caller,
    query: Params<OrderQuery>,
) -> Result<Answer, Problem> {
    caller.known_or_open()?;
    let user_id = params::parse::<UserId>("userId", query.0.user_id.as_deref())?;
    let size = params::page_size(query.0.limit.as_deref())?;
    let before = params::position(query.0.cursor.as_deref())?;
    let of = match (user_id, caller.id()) {
        (Some(id), _) => Some(id),
        (None, Some(_)) if caller.may(Permission::OrderRead) => None,
        (None, Some(own)) => Some(own),
        (None, None) => return Err(params::invalid("userId", "is required without a token")),
    };
    state
        .db
        .run(move |conn| {
            if let Some(id) = of {
                find_user_for(conn, &caller, id)?;
            }
            let page = orders::list(conn, of, before, size)?;
            // Here, because a page may have a thousand lines: as many pages are written at a time as
            // there are connections, and none on a thread that others wait for.
            Ok(Answer::ok(&OrderPageBody {
                orders: page.items.iter().map(OrderBody::new).collect(),
                has_more: page.next_cursor.is_some(),
                next_cursor: page.next_cursor,
            }))
        })
        .await
}

/// Reads an order and what happened to it.
#[utoipa::path(
    tag = "orders",
    security((), ("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = OrderBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/orders/{id}")]
pub async fn get(state: Data<State>, caller: Caller, id: Path<String>) -> Result<Answer, Problem> {
    caller.known_or_open()?;
    let id = order_id(&id)?;
    state
        .db
        .run(move |conn| {
            let order = find_order_for(conn, &caller, id, Permission::OrderRead)?;
            let mut timeline = orders::timeline(conn, id)?;
            // Read a moment later than the order: what happened in between is not part of it yet.
            timeline.retain(|entry| entry.version <= order.version);
            Ok(Answer::ok(&OrderBody::new(&order).with_timeline(timeline)))
        })
        .await
}

/// Moves an order to its next state. Staff, or open access.
#[utoipa::path(
    tag = "orders",
    security((), ("token" = [])),
    params(("id" = i64, Path)),
    request_body = StatusBody,
    responses(
        (status = 200, body = OrderStatusBody),
        (status = 402, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/orders/{id}")]
pub async fn advance(
    state: Data<State>,
    caller: Caller,
    key: Key,
    id: Path<String>,
    body: Body<StatusBody>,
) -> Result<Answer, Problem> {
    caller.known_or_open()?;
    let request_key = key.bind(&caller, &body.bytes);
    let (id, to) = (order_id(&id)?, body.value.status);
    if caller.user().is_some()
        && !caller.may(Permission::OrderWrite)
        && to != OrderStatus::Cancelled
    {
        return Err(Problem::lacking(Permission::OrderWrite));
    }
    // The state that was asked for: by the time of a repeat the order may have moved on.
    let answer = move |order: &Order| {
        Answer::ok(&OrderStatusBody {
            order_id: order.id,
            status: to,
        })
    };
    order_steps::take(&state, caller, request_key, id, to, answer).await
}

/// Cancels an order: its stock returns, its payment is voided or refunded. It stays readable.
#[utoipa::path(
    tag = "orders",
    security((), ("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = CancellationBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/orders/{id}")]
pub async fn cancel(
    state: Data<State>,
    caller: Caller,
    key: Key,
    id: Path<String>,
) -> Result<Answer, Problem> {
    caller.known_or_open()?;
    let request_key = key.bind(&caller, &[]);
    let id = order_id(&id)?;
    let answer = |order: &Order| {
        Answer::ok(&CancellationBody {
            success: true,
            order_id: order.id,
            status: order.status,
            payment_status: order.payment_status,
        })
    };
    order_steps::take(
        &state,
        caller,
        request_key,
        id,
        OrderStatus::Cancelled,
        answer,
    )
    .await
}

fn order_id(text: &str) -> Result<OrderId, Problem> {
    text.parse().map_err(|_| not_found())
}

/// The user, if this caller may act for it.
pub(super) fn find_user_for(
    conn: &mut PgConnection,
    caller: &Caller,
    id: UserId,
) -> Result<User, Problem> {
    find_customer(conn, caller, id)?
        .filter(|user| caller.may_act_for(user, Permission::OrderRead))
        .ok_or_else(user_routes::not_found)
}

fn find_customer(
    conn: &mut PgConnection,
    caller: &Caller,
    id: UserId,
) -> QueryResult<Option<User>> {
    match caller.user() {
        Some(user) if user.id == id => Ok(Some(user.clone())),
        _ => users::find(conn, id),
    }
}

/// The order, if this caller may see it, and a 403 for who may not do what it was looked up for.
pub(super) fn find_order_for(
    conn: &mut PgConnection,
    caller: &Caller,
    id: OrderId,
    permission: Permission,
) -> Result<Order, Problem> {
    let order = orders::find(conn, id)?.ok_or_else(not_found)?;
    let customer = find_customer(conn, caller, order.user_id)?.ok_or_else(not_found)?;
    if !caller.may_act_for(&customer, Permission::OrderRead) {
        return Err(not_found());
    }
    if !caller.may_act_for(&customer, permission) {
        return Err(Problem::lacking(permission));
    }
    Ok(order)
}
