//! The products of a category, as staff places them.

use std::collections::HashSet;

use actix_web::web::{Data, Path};
use actix_web::{get, put};
use catalog::categories::assigning::{self, Assigned, Assignment};
use catalog::categories::{MAX_ASSIGNMENTS, find};
use diesel::PgConnection;
use domain::{Page, PageSize, PairCursor, ProductId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::categories::{refuse, write};
use super::category_bodies::{position, repeated};
use crate::http::{Answer, Body, Change, Params, Problem, Staff};
use crate::routes::categories::{category_id, not_found};
use crate::routes::category_products::PageQuery;
use crate::routes::money::ProblemBody;
use crate::state::State;

/// Which products are to be in a category, and which are not.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CategoryProductChanges)]
pub struct ProductAssignmentsBody {
    /// Together with `remove` 1 to 1,000, none of them twice.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub add: Vec<AssignmentBody>,
    #[serde(default)]
    #[schema(value_type = Vec<i64>, max_items = 1000)]
    pub remove: Vec<ProductId>,
}

/// A product that is to be in a category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CategoryProduct)]
pub struct AssignmentBody {
    #[schema(value_type = i64)]
    product_id: ProductId,
    /// The place where the order is manual; the one it has, or the end, where it is left out.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    position: Option<i64>,
}

impl ProductAssignmentsBody {
    /// Checks what can be checked without the products.
    pub fn checked(self) -> Result<(Vec<Assignment>, Vec<ProductId>), Problem> {
        if !(1..=MAX_ASSIGNMENTS).contains(&(self.add.len() + self.remove.len())) {
            let rule = format!("must have 1 to {MAX_ASSIGNMENTS} products together with remove");
            return Err(Problem::invalid("add", "length", rule));
        }
        let mut seen = HashSet::new();
        let mut add = Vec::with_capacity(self.add.len());
        for (index, wanted) in self.add.into_iter().enumerate() {
            position(&format!("add[{index}].position"), wanted.position)?;
            if !seen.insert(wanted.product_id) {
                return Err(repeated(format!("add[{index}].productId")));
            }
            add.push(Assignment {
                product_id: wanted.product_id,
                position: wanted.position,
            });
        }
        if let Some(index) = self
            .remove
            .iter()
            .position(|product| !seen.insert(*product))
        {
            return Err(repeated(format!("remove[{index}]")));
        }
        Ok((add, self.remove))
    }
}

/// What has become different; products that were as they should be already do not count.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CategoryProductsChanged)]
pub struct OutcomeBody {
    /// How many are there now, and were not, or at another place.
    pub placed: usize,
    /// How many are not there any more.
    pub removed: usize,
}

/// A product in a category, whether it is on sale or not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffCategoryProduct)]
pub struct AssignedProductBody {
    #[schema(value_type = i64)]
    product_id: ProductId,
    name: String,
    /// The place where the order is manual.
    position: i64,
    /// Whether customers see it.
    is_on_sale: bool,
}

/// A page of the products of a category, by their places.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StaffCategoryProductPage)]
pub struct AssignedPageBody {
    products: Vec<AssignedProductBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<PairCursor>,
}

impl AssignedPageBody {
    /// Of rows that may be one more than a page has.
    pub fn new(rows: Vec<Assigned>, size: PageSize) -> Self {
        let position = |product: &Assigned| (product.position, product.product_id.get());
        let page = Page::from_overfetched_pairs(rows, size, position);
        let body = |product: Assigned| AssignedProductBody {
            product_id: product.product_id,
            name: product.name,
            position: product.position,
            is_on_sale: product.is_on_sale,
        };
        Self {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            products: page.items.into_iter().map(body).collect(),
        }
    }
}

/// Lists the products of a category by their places, whatever its order and whether they are on sale or not; the
/// ETag is the category's. Staff only.
#[utoipa::path(
    tag = "categories",
    security(("token" = [])),
    params(("id" = i64, Path), PageQuery),
    responses(
        (status = 200, body = AssignedPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/categories/{id}/products")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    id: Path<String>,
    query: Params<PageQuery>,
) -> Result<Answer, Problem> {
    let id = category_id(&id)?;
    let (size, after) = query.0.part()?;
    let read = move |conn: &mut PgConnection| {
        let category = find(conn, id)?.ok_or_else(not_found)?;
        let rows = assigning::list(conn, id, after, size)?;
        Ok(Answer::ok(&AssignedPageBody::new(rows, size)).with_version(category.version))
    };
    state.db.run(read).await
}

/// Puts products into a category, moves them there and takes them out, 1,000 at a time. Staff only.
#[utoipa::path(
    tag = "categories",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = ProductAssignmentsBody,
    responses(
        (status = 200, body = OutcomeBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/categories/{id}/products")]
pub async fn assign(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<ProductAssignmentsBody>,
) -> Result<Answer, Problem> {
    let id = category_id(&id)?;
    let (add, remove) = body.value.checked()?;
    write(&state, change, &body.bytes, move |conn, expected, actor| {
        let outcome = assigning::assign(conn, id, &add, &remove, expected, Some(actor));
        let outcome = outcome.map_err(refuse)?;
        let category = find(conn, id)?.ok_or_else(Problem::internal)?;
        let body = OutcomeBody {
            placed: outcome.placed.len(),
            removed: outcome.removed.len(),
        };
        Ok(Answer::ok(&body).with_version(category.version))
    })
    .await
}
