//! Placing an order over HTTP: at most once per key, whatever happens in between.

use db::idempotency::RequestKey;
use domain::OrderId;
use ordering::{Order, orders};

use super::order_answers::First;
use super::order_bodies::OrderBody;
use super::order_refusals::not_queued;
use super::order_requests::Parsed;
use crate::http::{Answer, Problem};
use crate::state::State;
use crate::workflows::placing::{AnswerForm, Placed};

/// How a placed order is shown. Its id comes first, so that the rest can be written before there is one.
pub const ANSWER_FORM: AnswerForm = AnswerForm {
    location_head: LOCATION,
    body_head: BODY_HEAD,
    body_tail,
};

const LOCATION: &str = "/api/orders/";
const BODY_HEAD: &str = "{\"orderId\":";

/// Places the order and settles its payment.
pub async fn place(
    state: &State,
    parsed: Parsed,
    key: Option<RequestKey>,
) -> Result<Answer, Problem> {
    let (request, names) = parsed.split();
    let placed = state.placing.place(&state.db, request).await;
    match placed.map_err(|error| not_queued(error, &|line| names.field(line)))? {
        Placed::New(answer) => Ok(Answer::first(answer)),
        Placed::Replay(answer) => Ok(Answer::replay(answer)),
        Placed::LongAgo(id) => show(state, id).await,
        Placed::Unsettled(operation) => {
            let first = First::Unsettled(operation);
            first.complete(state, key, |order| Ok(created(order))).await
        }
    }
}

/// 200 with the order that a very late repeat finds.
async fn show(state: &State, id: OrderId) -> Result<Answer, Problem> {
    let find = move |conn: &mut _| {
        let order = orders::find(conn, id)?.ok_or_else(Problem::internal)?;
        Ok(Answer::ok(&OrderBody::new(&order)))
    };
    state.db.run(find).await
}

fn created(order: &Order) -> Answer {
    Answer::created(format!("{LOCATION}{}", order.id), &OrderBody::new(order))
}

/// What follows the id.
fn body_tail(order: &Order) -> String {
    let body = serde_json::to_string(&OrderBody::new(order)).unwrap_or_default();
    let head = format!("{BODY_HEAD}{}", order.id);
    body.strip_prefix(&head).unwrap_or_default().to_owned()
}
