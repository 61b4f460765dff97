//! What a product is shown beside, as staff says it.

use std::collections::HashSet;

use actix_web::web::{Data, Path};
use actix_web::{get, put};
use catalog::products::related::{self, MAX_RELATED, RelateError};
use diesel::PgConnection;
use domain::{ProductId, ProductRelation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Answer, Body, Change, Problem, Staff, idempotency};
use crate::routes::money::ProblemBody;
use crate::routes::product_writes;
use crate::routes::products::{not_found, product_id};
use crate::state::State;

/// What a path names: a product, and a relation.
type Ids = (String, String);

/// Products that are shown beside one, on sale or not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffRelatedProducts)]
pub struct RelatedIdsBody {
    #[schema(value_type = i64)]
    product_id: ProductId,
    /// `related`, `up_sell` or `cross_sell`.
    #[schema(value_type = String, example = "cross_sell")]
    relation: ProductRelation,
    /// In the order they are shown.
    product_ids: Vec<i64>,
}

/// Products that are to be shown beside one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewRelatedProducts)]
pub struct NewRelatedBody {
    /// In the order they are shown; none for none.
    #[schema(value_type = Vec<i64>, max_items = 50)]
    product_ids: Vec<ProductId>,
}

impl NewRelatedBody {
    fn checked(self, product: ProductId) -> Result<Vec<ProductId>, Problem> {
        if self.product_ids.len() > MAX_RELATED {
            let rule = format!("must have at most {MAX_RELATED} products");
            return Err(Problem::invalid("productIds", "length", rule));
        }
        let mut named = HashSet::new();
        for (index, id) in self.product_ids.iter().enumerate() {
            let (code, rule) = match (*id == product, named.insert(*id)) {
                (true, _) => ("itself", "is the product itself"),
                (_, false) => ("repeated", "is there twice"),
                (false, true) => continue,
            };
            return Err(Problem::invalid(format!("productIds[{index}]"), code, rule));
        }
        Ok(self.product_ids)
    }
}

/// Reads which products are shown beside a product. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    params(("id" = i64, Path), ("relation" = String, Path)),
    responses(
        (status = 200, body = RelatedIdsBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/related/{relation}")]
pub async fn get(state: Data<State>, _staff: Staff, ids: Path<Ids>) -> Result<Answer, Problem> {
    let (product, relation) = parse(&ids)?;
    let read = move |conn: &mut PgConnection| read(conn, product, relation);
    state.db.run(read).await
}

/// Says which products are shown beside a product. Staff only.
#[utoipa::path(
    tag = "products",
    security(("token" = [])),
    params(
        ("id" = i64, Path),
        ("relation" = String, Path),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    request_body = NewRelatedBody,
    responses(
        (status = 200, body = RelatedIdsBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/products/{id}/related/{relation}")]
pub async fn set(
    state: Data<State>,
    change: Change,
    ids: Path<Ids>,
    body: Body<NewRelatedBody>,
) -> Result<Answer, Problem> {
    let (product, relation) = parse(&ids)?;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let wanted = body.value.checked(product)?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        related::set(conn, product, relation, &wanted, expected, Some(actor)).map_err(refuse)?;
        read(conn, product, relation)
    })
    .await?;
    state.cache.products_changed(&[product]).await;
    Ok(answer)
}

fn read(
    conn: &mut PgConnection,
    product_id: ProductId,
    relation: ProductRelation,
) -> Result<Answer, Problem> {
    let found = related::find(conn, product_id, relation)?;
    let (version, product_ids) = found.ok_or_else(not_found)?;
    let body = RelatedIdsBody {
        product_id,
        relation,
        product_ids,
    };
    Ok(Answer::ok(&body).with_version(version))
}

fn parse((id, relation): &Ids) -> Result<(ProductId, ProductRelation), Problem> {
    let relation = relation
        .parse()
        .map_err(|error: domain::UnknownProductRelation| {
            Problem::not_found("unknown_relation", "There is no such relation")
                .detail(error.to_string())
        })?;
    Ok((product_id(id)?, relation))
}

fn refuse(error: RelateError) -> Problem {
    match error {
        RelateError::Unknown(index) => {
            Problem::unprocessable("unknown_product", "A product does not exist").field(
                format!("productIds[{index}]"),
                "unknown",
                "names no product",
            )
        }
        RelateError::Edit(error) => product_writes::refuse(error),
    }
}
