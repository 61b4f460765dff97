//! The pictures of a product, as staff orders them.

use actix_web::web::{Data, Path};
use actix_web::{get, put};
use catalog::media::products::{self, SetError};
use catalog::media::wanted;
use catalog::products::managed;
use diesel::PgConnection;
use domain::{Currency, ProductId};

use super::media_bodies::{MissingPictureBody, NewProductMediaListBody, ProductMediaListBody};
use crate::http::{Answer, Body, Change, Problem, Staff, idempotency};
use crate::routes::money::ProblemBody;
use crate::routes::product_bodies::ProductMediaBody;
use crate::routes::product_writes;
use crate::routes::products::{not_found, product_id};
use crate::state::State;

/// Lists the pictures of a product in their order, with the ETag of the product. Staff only.
#[utoipa::path(
    tag = "media",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = ProductMediaListBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/media")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let currency = state.config.shop.currency;
    state.db.run(move |conn| read(conn, id, currency)).await
}

/// Gives a product these pictures in this order, in place of those that it had. Staff only.
///
/// The first one stands for the product in lists.
#[utoipa::path(
    tag = "media",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = NewProductMediaListBody,
    responses(
        (status = 200, body = ProductMediaListBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/products/{id}/media")]
pub async fn put(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<NewProductMediaListBody>,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let currency = state.config.shop.currency;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let wanted = body.value.checked()?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        products::set(conn, id, &wanted, expected, Some(actor)).map_err(refuse)?;
        read(conn, id, currency)
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}

fn read(conn: &mut PgConnection, id: ProductId, currency: Currency) -> Result<Answer, Problem> {
    let product = managed::find(conn, id, currency)?.ok_or_else(not_found)?;
    let media = products::list(conn, id)?;
    let media = media.into_iter().map(ProductMediaBody::for_staff).collect();
    let waiting = wanted::find(conn, id, None)?;
    let missing = waiting.map(MissingPictureBody::of).unwrap_or_default();
    Ok(Answer::ok(&ProductMediaListBody { media, missing }).with_version(product.version))
}

fn refuse(error: SetError) -> Problem {
    match error {
        SetError::Edit(error) => product_writes::refuse(error),
        SetError::Unknown(index) => {
            let rule = "there is no such picture";
            Problem::invalid(format!("media[{index}].id"), "unknown", rule)
        }
        SetError::UnknownVariant(index, place) => {
            let field = format!("media[{index}].variantIds[{place}]");
            Problem::invalid(field, "unknown", "the product has no such variant")
        }
        SetError::Db(error) => error.into(),
    }
}
