//! Stock is put from locations into others.

use actix_web::web::{Data, Path};
use actix_web::{get, post};
use catalog::stock::MAX_ON_HAND;
use catalog::stock::transferring::{self, TransferError};
use diesel::PgConnection;
use domain::StockTransferId;

use super::stock::keyless;
use super::transfer_bodies::{NewTransferBody, TransferBody};
use crate::http::{Answer, Body, Caller, Key, Problem, Staff, idempotency, params};
use crate::routes::money::ProblemBody;
use crate::routes::stock::{no_location, not_stocked};
use crate::state::State;

/// Most errors that one answer names.
const MAX_ERRORS: usize = 100;

/// Puts stock from locations into others at once, all lines or none. Staff only.
///
/// What is reserved or kept back stays where it is. An `Idempotency-Key` is needed, because a repeat without
/// it would move twice.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    request_body = NewTransferBody,
    responses(
        (status = 201, body = TransferBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/stock/transfers")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewTransferBody>,
) -> Result<Answer, Problem> {
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &body.bytes);
    let (lines, note) = body.value.checked()?;
    if request_key.is_none() {
        return Err(keyless("A transfer needs an Idempotency-Key"));
    }
    idempotency::once(&state.db, request_key, move |conn| {
        let id = transferring::transfer(conn, &lines, note, Some(actor)).map_err(refuse)?;
        let transfer = transferring::find(conn, id)?.ok_or_else(not_found)?;
        let path = format!("/api/admin/stock/transfers/{id}");
        Ok(Answer::created(path, &TransferBody::from(transfer)))
    })
    .await
}

/// Reads a transfer. Staff only.
#[utoipa::path(
    tag = "stock",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = TransferBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/stock/transfers/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id: StockTransferId =
        params::path_id(&id, "transfer_not_found", "There is no such transfer")?;
    let read = move |conn: &mut PgConnection| {
        let transfer = transferring::find(conn, id)?.ok_or_else(not_found)?;
        Ok(Answer::ok(&TransferBody::from(transfer)))
    };
    state.db.run(read).await
}

fn not_found() -> Problem {
    Problem::not_found("transfer_not_found", "There is no such transfer")
}

/// What is wrong, with the name of the field.
fn refuse(error: TransferError) -> Problem {
    match error {
        TransferError::UnknownVariant(line) => unknown_variant(line),
        TransferError::NotStocked(line) => not_stocked().field(
            format!("lines[{line}]"),
            "not_stocked",
            "has no stock of its own",
        ),
        TransferError::UnknownLocation { line, location } => {
            no_location(format!("lines[{line}]")).detail(format!("there is no location {location}"))
        }
        TransferError::Insufficient(short) => {
            let problem = Problem::conflict("insufficient_stock", "Not enough stock is free");
            let name = |problem: Problem, (line, free): &(usize, i64)| {
                let rule = format!("{free} are neither reserved nor kept back there");
                problem.field(format!("lines[{line}].quantity"), "insufficient", rule)
            };
            short.iter().take(MAX_ERRORS).fold(problem, name)
        }
        TransferError::TooMany(line) => Problem::invalid(
            format!("lines[{line}].quantity"),
            "out_of_range",
            format!("a shop counts at most {MAX_ON_HAND} of a variant"),
        ),
        TransferError::Db(error) => error.into(),
    }
}

/// 422: a variant that is named does not exist.
pub(super) fn unknown_variant(line: usize) -> Problem {
    Problem::unprocessable("unknown_variant", "A variant does not exist").field(
        format!("lines[{line}]"),
        "unknown",
        "there is no such variant",
    )
}
