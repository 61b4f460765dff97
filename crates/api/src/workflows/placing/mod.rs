//! Requests become orders.
//!
//! Two statements place any number of orders; a third one is asked where price lists have a say. The first reads all they need to know; the second is a
//! transaction of its own, in which Postgres checks that what was read still holds, takes the stock
//! and writes everything. No lock is held over a trip between us and Postgres. Each order is decided
//! by itself: whatever becomes of one, the others are not touched.
//!
//! Where a provider is to be asked for the money, the order is committed with its payment pending,
//! the provider is asked without a transaction, and [`settling`](super::settling) does the rest: no
//! crash in between can lose the order, charge twice or keep the stock.
//!
//! - [`queue`]: requests that come together are placed together
//! - [`quoting`]: the first statement
//! - [`listed`]: what price lists make of the prices it read
//! - [`pricing`]: what is decided between the two
//! - [`writing`]: the second statement
//! - [`holding`]: both, in place of a hold

mod holding;
mod listed;
mod pricing;
pub mod queue;
mod quoting;
mod writing;

use std::time::{Duration, Instant};

use catalog::quotes::Wanted;
use db::faults;
use db::idempotency::{Claim, RequestKey, StoredAnswer};
use diesel::{PgConnection, QueryResult};
use domain::{
    Address, Currency, Money, OrderId, PaymentMethod, PaymentOperationId, PricingError, Quantity,
    StockHoldId, UserId,
};
use ordering::{Order, Source};

pub use self::holding::place_from_hold;
use self::pricing::Next;
use self::writing::Verdict;

/// What somebody wants to buy. Prices, stock and totals are ours to find out.
#[derive(Clone, Debug)]
pub struct Request {
    pub user_id: UserId,
    pub customer: Customer,
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
    /// What was kept for the customer, and goes to this order first.
    pub hold: Option<StockHoldId>,
    pub actor: Option<UserId>,
    /// Who authorises card payments; `None` where there are none.
    pub card_provider: Option<&'static str>,
    pub key: Option<RequestKey>,
    /// The id of the HTTP request, for the events.
    pub request_id: String,
    /// When it came to this replica.
    pub received: Instant,
}

/// For whom the caller may buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Customer {
    /// It is the caller, whom a token proved to exist.
    Caller,
    /// Anybody who exists.
    AnyUser,
    /// Users who were registered while access was open.
    OpenUser,
    /// The customer is somebody else, and the caller no staff.
    Nobody,
}

/// One line of a request.
#[derive(Clone, Debug)]
pub struct RequestLine {
    pub wanted: Wanted,
    pub quantity: Quantity,
    /// A price that staff agreed on with the customer.
    pub negotiated_price: Option<Money>,
}

/// How the answer to a placed order is written, before the id of the order is known: Postgres puts
/// it between two texts and stores the whole under the request's key.
#[derive(Clone, Copy)]
pub struct AnswerForm {
    pub location_head: &'static str,
    pub body_head: &'static str,
    pub body_tail: fn(&Order) -> String,
}

/// There is an order.
#[derive(Debug)]
pub enum Placed {
    /// It was placed, and nobody has to be asked.
    New(StoredAnswer),
    /// A request with this key was answered before.
    Replay(StoredAnswer),
    /// It is committed, and the provider has to be asked this.
    Unsettled(PaymentOperationId),
    /// A request with this key placed this order so long ago that its answer is forgotten.
    LongAgo(OrderId),
}

/// Why there is no order. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("there is no such customer, or not for this caller")]
    CustomerNotFound,
    #[error("the key belongs to another request")]
    KeyReused,
    #[error("the first request with this key is still running")]
    KeyBusy,
    /// Indices of lines that name nothing on sale.
    #[error("{} line(s) name no product on sale", .0.len())]
    UnknownProducts(Vec<usize>),
    #[error("line {line} has no price in {currency}")]
    NoPrice { line: usize, currency: Currency },
    #[error("not enough stock for {} line(s)", .0.len())]
    OutOfStock(Vec<LineShortage>),
    #[error(transparent)]
    Pricing(#[from] PricingError),
    #[error("unknown shipping method; known are {}", .known.join(", "))]
    UnknownShipping { known: Vec<String> },
    #[error("this shipping method has no rate in {0}")]
    NoShippingRate(Currency),
    #[error("there is no such hold")]
    NoHold,
    /// It was released, has expired or became another order.
    #[error("the hold is over")]
    HoldOver,
    /// It came so long ago that whoever sent it may have sent it again by now, to another replica.
    #[error("the request waited too long")]
    Late,
    /// The catalogue changed again and again while we looked.
    #[error("prices keep changing")]
    Unsteady,
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

/// What became of one member of a set.
#[derive(Debug)]
pub enum Decision {
    Done(Result<Placed, PlaceError>),
    /// Its key is held by another transaction, or the catalogue has changed: to be placed alone, where
    /// waiting delays nobody else. Nothing was written for it.
    Alone,
}

/// How old a request may be when it is written. A replica that was frozen goes on with what it had
/// before: by then the proxy has given it up (after 3 s), and somebody else has answered. What is
/// written later than this would be an order that nobody knows of. A request is read at most 1 s
/// late (see [`pulse`](crate::pulse)), and Postgres refuses quotes older than 0.7 s: in all 2.9 s, and
/// what it waits for the lock of a stock level after that.
const PATIENCE: Duration = Duration::from_millis(1_200);

/// How often a request is quoted again because the catalogue changed meanwhile.
const ATTEMPTS: usize = 5;

/// Places a set of orders, first come, first served, each by itself. No two of them have the same key.
///
/// # Errors
///
/// Those of the database; then none was placed, or, where the connection was lost, nobody knows.
pub fn place_all(
    conn: &mut PgConnection,
    requests: &[&Request],
    form: AnswerForm,
) -> QueryResult<Vec<Decision>> {
    try_to_place(conn, requests, form, false)
}

/// Places an order by itself: it waits for a key that is held elsewhere, and is quoted again where
/// the catalogue changed meanwhile.
///
/// # Errors
///
/// As of [`place_all`].
pub fn place(
    conn: &mut PgConnection,
    request: &Request,
    form: AnswerForm,
) -> QueryResult<Result<Placed, PlaceError>> {
    for _ in 0..ATTEMPTS {
        let decided = try_to_place(conn, &[request], form, true)?.pop();
        if let Some(Decision::Done(done)) = decided {
            return Ok(done);
        }
    }
    Ok(Err(PlaceError::Unsteady))
}

/// Reads, decides and writes once. Only the last step has effects, so an error leaves none behind:
/// what was placed is never tried again because somebody else has to be.
fn try_to_place(
    conn: &mut PgConnection,
    requests: &[&Request],
    form: AnswerForm,
    patience: bool,
) -> QueryResult<Vec<Decision>> {
    let mut decisions: Vec<Decision> = Vec::with_capacity(requests.len());
    let mut orders = Vec::with_capacity(requests.len());
    for (index, quoted) in quoting::quote_all(conn, requests)?.into_iter().enumerate() {
        decisions.push(match pricing::decide(requests[index], quoted) {
            Ok(Next::Write(_)) if requests[index].received.elapsed() > PATIENCE => {
                Decision::Done(Err(PlaceError::Late))
            }
            Ok(Next::Write(order)) => {
                orders.push((index, *order));
                Decision::Alone
            }
            Ok(Next::Placed(placed)) => Decision::Done(Ok(placed)),
            Err(PlaceError::UnknownShipping { .. }) => {
                let known = ordering::shipping::list_codes(conn)?;
                Decision::Done(Err(PlaceError::UnknownShipping { known }))
            }
            Err(error) => Decision::Done(Err(error)),
        });
    }
    let (indices, orders): (Vec<usize>, Vec<_>) = orders.into_iter().unzip();
    faults::point("before_set");
    let verdicts = writing::write_all(conn, orders, form, patience)?;
    faults::point("after_set");
    for (index, verdict) in indices.into_iter().zip(verdicts) {
        decisions[index] = match verdict {
            Verdict::Placed(placed) => Decision::Done(Ok(placed)),
            Verdict::Short(short) => Decision::Done(Err(PlaceError::OutOfStock(short))),
            Verdict::Busy if patience => Decision::Done(Err(PlaceError::KeyBusy)),
            Verdict::Busy | Verdict::LookAgain => Decision::Alone,
        };
    }
    Ok(decisions)
}

impl Placed {
    /// What a key that is known already means for a request.
    fn of_known(claim: Claim) -> Result<Option<Self>, PlaceError> {
        match claim {
            Claim::Fresh => Ok(None),
            Claim::Answered(answer) => Ok(Some(Self::Replay(answer))),
            Claim::Unanswered { resource_id } => {
                Ok(resource_id.try_into().ok().map(Self::Unsettled))
            }
            Claim::Reused => Err(PlaceError::KeyReused),
            Claim::Busy => Err(PlaceError::KeyBusy),
        }
    }
}
