//! What became of each row of an import, as a file.

use std::sync::Arc;

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpResponse, get};
use catalog::imports::{self, RowResult};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use utoipa::IntoParams;

use super::imports::{import_id, not_found};
use crate::http::text::inert;
use crate::http::{Params, Problem, Staff, params};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// Which file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResultsQuery {
    /// `csv`, which is what is left out, or `ndjson`.
    format: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Reads what became of each row so far, in the order of the file: line, SKU, outcome, and what was wrong. Staff only.
#[utoipa::path(
    tag = "imports",
    security(("token" = [])),
    params(("id" = i64, Path), ResultsQuery),
    responses(
        (status = 200, description = "A row for each row of the file", content(
            (String = "text/csv"), (String = "application/x-ndjson"),
        )),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/imports/{id}/results")]
pub async fn results(
    state: Data<State>,
    _staff: Staff,
    id: Path<String>,
    query: Params<ResultsQuery>,
) -> Result<HttpResponse, Problem> {
    let id = import_id(&id)?;
    let format = match query.0.format.as_deref() {
        None | Some("csv") => Format::Csv,
        Some("ndjson") => Format::Ndjson,
        Some(_) => return Err(params::invalid("format", "must be csv or ndjson")),
    };
    let found = state
        .db
        .run(move |conn| imports::find(conn, id).map_err(Problem::from))
        .await?;
    found.ok_or_else(not_found)?;
    let header = match format {
        Format::Csv => "line,sku,outcome,field,message\n",
        Format::Ndjson => "",
    };
    let first = stream::once(async move { Ok(Bytes::from_static(header.as_bytes())) });
    // A chunk at a time, as fast as they are taken; an error breaks the answer off.
    let chunks = stream::try_unfold((state.into_inner(), -1), move |(state, after)| async move {
        let next = next(&state, id, after).await?;
        let written = next.map(|(number, rows)| Ok((write(&rows, format)?, (state, number))));
        written.transpose()
    });
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .streaming(
            first
                .chain(chunks)
                .map(|bytes: Result<Bytes, Problem>| bytes),
        ))
}

async fn next(
    state: &Arc<State>,
    id: i64,
    after: i64,
) -> Result<Option<(i64, Vec<RowResult>)>, Problem> {
    state
        .db
        .run(move |conn| imports::results(conn, id, after).map_err(Problem::from))
        .await
}

fn write(rows: &[RowResult], format: Format) -> Result<Bytes, Problem> {
    let mut bytes = Vec::new();
    match format {
        Format::Csv => {
            let mut file = csv::Writer::from_writer(&mut bytes);
            for row in rows {
                let text = |text: &Option<String>| text.as_deref().map(inert).unwrap_or_default();
                let cells = [
                    row.line.to_string(),
                    inert(&row.sku),
                    row.outcome.clone(),
                    text(&row.field),
                    text(&row.message),
                ];
                file.write_record(cells).map_err(|_| Problem::internal())?;
            }
            drop(file);
        }
        Format::Ndjson => {
            for row in rows {
                serde_json::to_writer(&mut bytes, row).map_err(|_| Problem::internal())?;
                bytes.push(b'\n');
            }
        }
    }
    Ok(bytes.into())
}
