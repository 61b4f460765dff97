//! Stock that staff keeps for somebody: a quotation, an order by telephone.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, patch, post};
use catalog::stock::holds::{self, HoldError, Outcome};
use catalog::stock::transferring::{self, TransferError};
use diesel::PgConnection;
use domain::{StockHoldId, VariantId};

use super::hold_bodies::{CheckedHold, HoldBody, HoldChangesBody, HoldPageBody, NewHoldBody};
use super::locations::PartQuery;
use super::stock::keyless;
use super::transfers::unknown_variant;
use crate::http::{Answer, Body, Caller, Key, Params, Problem, Staff, idempotency, params};
use crate::routes::money::ProblemBody;
use crate::routes::order_refusals::hold_over;
use crate::routes::stock::not_stocked;
use crate::state::State;

/// Keeps stock for somebody until a moment, all lines or none. Staff only.
///
/// An `Idempotency-Key` is needed, because a repeat without it would keep twice as much.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    request_body = NewHoldBody,
    responses(
        (status = 201, body = HoldBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/stock/holds")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewHoldBody>,
) -> Result<Answer, Problem> {
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let CheckedHold {
        lines,
        seconds,
        note,
    } = body.value.checked()?;
    if request_key.is_none() {
        return Err(keyless("A hold needs an Idempotency-Key"));
    }
    idempotency::once(&state.db, request_key, move |conn| {
        let named: Vec<_> = lines.iter().map(|(moved, _)| moved).collect();
        let variants = transferring::variants_of(conn, &named).map_err(|error| match error {
            TransferError::UnknownVariant(line) => unknown_variant(line),
            other => Problem::internal().detail(other.to_string()),
        })?;
        let units = lines.iter().map(|(_, units)| *units);
        let wanted: Vec<(VariantId, i64)> = variants.into_iter().zip(units).collect();
        let id = holds::create(conn, &wanted, seconds, note, Some(actor))
            .map_err(|error| refuse(error, &wanted))?;
        let (hold, lines) = holds::find(conn, id)?.ok_or_else(not_found)?;
        let path = format!("/api/admin/stock/holds/{id}");
        Ok(Answer::created(path, &HoldBody::new(hold, Some(lines))))
    })
    .await
}

/// Lists holds, newest first. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(PartQuery),
    responses(
        (status = 200, body = HoldPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/stock/holds")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<PartQuery>,
) -> Result<Answer, Problem> {
    let (size, before) = query.0.part(i64::MAX)?;
    let read = move |conn: &mut PgConnection| {
        let rows = holds::list(conn, before, size)?;
        Ok(Answer::ok(&HoldPageBody::new(rows, size)))
    };
    state.db.run(read).await
}

/// Reads a hold. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = HoldBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/stock/holds/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = hold_id(&id)?;
    state.db.run(move |conn| read(conn, id)).await
}

/// Keeps what a hold keeps for longer, or for less long. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path)),
    request_body = HoldChangesBody,
    responses(
        (status = 200, body = HoldBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/stock/holds/{id}")]
pub async fn refresh(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
    body: Body<HoldChangesBody>,
) -> Result<Answer, Problem> {
    let id = hold_id(&id)?;
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let seconds = body.value.checked()?;
    idempotency::once(&state.db, request_key, move |conn| {
        holds::refresh(conn, id, seconds, Some(actor)).map_err(|error| refuse(error, &[]))?;
        read(conn, id)
    })
    .await
}

/// Gives back what a hold keeps. One that is over already stays as it is. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = HoldBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/stock/holds/{id}")]
pub async fn release(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = hold_id(&id)?;
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &[]);
    idempotency::once(&state.db, request_key, move |conn| {
        let locked = holds::lock(conn, id, &[]).map_err(|error| refuse(error, &[]))?;
        if locked.is_open() {
            let outcome = if locked.holds() {
                Outcome::Released
            } else {
                Outcome::Expired
            };
            holds::end(conn, &locked, outcome, Some(actor))?;
        }
        read(conn, id)
    })
    .await
}

fn read(conn: &mut PgConnection, id: StockHoldId) -> Result<Answer, Problem> {
    let (hold, lines) = holds::find(conn, id)?.ok_or_else(not_found)?;
    Ok(Answer::ok(&HoldBody::new(hold, Some(lines))))
}

fn hold_id(text: &str) -> Result<StockHoldId, Problem> {
    params::path_id(text, "hold_not_found", "There is no such hold")
}

fn not_found() -> Problem {
    Problem::not_found("hold_not_found", "There is no such hold")
}

/// What is wrong, with the name of the field. `wanted` has the variant of each line.
fn refuse(error: HoldError, wanted: &[(VariantId, i64)]) -> Problem {
    match error {
        HoldError::NotFound => not_found(),
        HoldError::Over => hold_over(),
        HoldError::NotStocked(id) => {
            let is_it = |(variant, _): &(VariantId, i64)| *variant == id;
            let line = wanted.iter().position(is_it).unwrap_or_default();
            not_stocked().field(format!("lines[{line}]"), "not_stocked", "is digital")
        }
        HoldError::Insufficient(short) => {
            let problem = Problem::conflict("out_of_stock", "Not enough stock");
            short.into_iter().fold(problem, |problem, short| {
                let is_it = |(id, _): &(VariantId, i64)| *id == short.variant_id;
                let line = wanted.iter().position(is_it).unwrap_or_default();
                let left = format!("{} are available", short.available);
                problem.field(format!("lines[{line}].quantity"), "out_of_stock", left)
            })
        }
        HoldError::Db(error) => error.into(),
    }
}
