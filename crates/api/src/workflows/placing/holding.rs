//! An order takes the place of a hold: what was kept for the customer goes to the order first.

use catalog::stock::holds::{self, HoldError, Locked, Outcome};
use diesel::prelude::*;
use domain::{OrderId, StockHoldId, VariantId};
use ordering::payments;

use super::pricing::{Next, decide};
use super::quoting::quote_all;
use super::{ATTEMPTS, AnswerForm, Decision, PlaceError, Placed, Request, try_to_place};

/// Places an order by itself in place of a hold, in one transaction: both happen, or neither. What the hold
/// keeps beyond the order is free again.
///
/// Stock is locked before the key here, so the key is not waited for: whoever has it may wait for the stock.
///
/// # Errors
///
/// As of [`place`](super::place).
pub fn place_from_hold(
    conn: &mut PgConnection,
    request: &Request,
    hold: StockHoldId,
    form: AnswerForm,
) -> QueryResult<Result<Placed, PlaceError>> {
    for _ in 0..ATTEMPTS {
        let mut done = None;
        let committed = conn.transaction(|conn| {
            // All of the stock at once, in the one order there is: that of the order too.
            let variants = variants_of(conn, request)?;
            let locked = match holds::lock(conn, hold, &variants) {
                Ok(locked) => locked,
                Err(HoldError::Db(error)) => return Err(error),
                Err(_) => {
                    done = Some(Err(PlaceError::NoHold));
                    return Ok(());
                }
            };
            if !locked.holds() {
                done = Some(find_placed(conn, request)?);
                return Ok(());
            }
            holds::end(conn, &locked, Outcome::Ordered, request.actor)?;
            let decided = try_to_place(conn, &[request], form, false)?.pop();
            let Some(Decision::Done(decided)) = decided else {
                return Err(diesel::result::Error::RollbackTransaction);
            };
            let note = match &decided {
                Ok(placed) => note_order(conn, &locked, placed, form),
                Err(_) => Err(diesel::result::Error::RollbackTransaction),
            };
            done = Some(decided);
            note
        });
        match (committed, done) {
            (Ok(()) | Err(diesel::result::Error::RollbackTransaction), Some(done)) => {
                return Ok(done);
            }
            (Err(diesel::result::Error::RollbackTransaction) | Ok(()), None) => {}
            (Err(error), _) => return Err(error),
        }
    }
    Ok(Err(PlaceError::Unsteady))
}

/// What the lines take stock of, where they name what is on sale.
fn variants_of(conn: &mut PgConnection, request: &Request) -> QueryResult<Vec<VariantId>> {
    let quoted = quote_all(conn, &[request])?;
    let lines = quoted.into_iter().flat_map(|quoted| quoted.lines);
    let stock = lines.flatten().flat_map(|quote| {
        let variants: Vec<VariantId> = quote.stock().map(|(variant, _)| variant).collect();
        variants
    });
    Ok(stock.collect())
}

/// The hold is over: perhaps because this very request was answered before.
fn find_placed(
    conn: &mut PgConnection,
    request: &Request,
) -> QueryResult<Result<Placed, PlaceError>> {
    let quoted = quote_all(conn, &[request])?.pop();
    let quoted = quoted.ok_or(diesel::result::Error::NotFound)?;
    Ok(match decide(request, quoted) {
        Ok(Next::Placed(placed)) => Ok(placed),
        Err(error @ (PlaceError::CustomerNotFound | PlaceError::KeyReused)) => Err(error),
        _ => Err(PlaceError::HoldOver),
    })
}

/// Only an order that was placed now takes the place of the hold.
fn note_order(
    conn: &mut PgConnection,
    locked: &Locked,
    placed: &Placed,
    form: AnswerForm,
) -> QueryResult<()> {
    let order: Option<OrderId> = match placed {
        Placed::New(answer) => {
            let location = answer.location.as_deref();
            location
                .and_then(|location| location.strip_prefix(form.location_head))
                .and_then(|id| id.parse().ok())
        }
        Placed::Unsettled(operation) => {
            payments::find(conn, *operation)?.map(|operation| operation.order_id)
        }
        Placed::Replay(_) | Placed::LongAgo(_) => None,
    };
    let order = order.ok_or(diesel::result::Error::RollbackTransaction)?;
    holds::note_order(conn, locked, order)
}
