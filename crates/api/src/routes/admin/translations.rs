//! Translations of products and categories, as staff writes and reads them.

use actix_web::web::{Data, Path};
use actix_web::{delete, get, put};
use catalog::translations::{MAX_LOCALES, TranslationError, categories, products};
use diesel::PgConnection;
use domain::Locale;

use super::translation_bodies::{
    CategoryTextsBody, CategoryTranslationBody, CategoryTranslationsBody, ProductTextsBody,
    ProductTranslationBody, ProductTranslationsBody,
};
use crate::http::{Answer, Body, Change, Problem, Staff, idempotency};
use crate::routes::categories::{category_id, not_found as category_not_found};
use crate::routes::money::ProblemBody;
use crate::routes::products::{not_found as product_not_found, product_id};
use crate::state::State;

/// Lists the translations of a product by their locales. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = ProductTranslationsBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/products/{id}/translations")]
pub async fn list_of_product(
    state: Data<State>,
    _staff: Staff,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = product_id(&id)?;
    let currency = state.config.shop.currency;
    let read = move |conn: &mut PgConnection| {
        let product = catalog::products::managed::find(conn, id, currency)?;
        let product = product.ok_or_else(product_not_found)?;
        let all = products::list(conn, id)?;
        let body = ProductTranslationsBody::from(all);
        Ok(Answer::ok(&body).with_version(product.version))
    };
    state.db.run(read).await
}

/// Writes the texts of a product in a language, in place of those it had there. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(
        ("id" = i64, Path), ("locale" = String, Path, description = "A language tag (BCP 47)", example = "de"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    request_body = ProductTextsBody,
    responses(
        (status = 200, body = ProductTranslationBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/products/{id}/translations/{locale}")]
pub async fn put_of_product(
    state: Data<State>,
    change: Change,
    path: Path<(String, String)>,
    body: Body<ProductTextsBody>,
) -> Result<Answer, Problem> {
    let id = product_id(&path.0)?;
    let locale = locale(&path.1)?;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let texts = body.value.checked()?;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        let version = products::set(conn, id, &locale, Some(texts), expected, Some(actor));
        let version =
            version.map_err(|error| refuse(error, crate::routes::product_writes::refuse))?;
        let written = of_locale(products::list(conn, id)?, &locale)?;
        Ok(Answer::ok(&ProductTranslationBody::from(written)).with_version(version))
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}

/// Takes the texts of a product in a language away. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(
        ("id" = i64, Path), ("locale" = String, Path, description = "A language tag (BCP 47)", example = "de"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/products/{id}/translations/{locale}")]
pub async fn delete_of_product(
    state: Data<State>,
    change: Change,
    path: Path<(String, String)>,
) -> Result<Answer, Problem> {
    let id = product_id(&path.0)?;
    let locale = locale(&path.1)?;
    let (actor, expected, request_key) = change.bind(&[]);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        products::set(conn, id, &locale, None, expected, Some(actor))
            .map_err(|error| refuse(error, crate::routes::product_writes::refuse))?;
        Ok(Answer::no_content())
    })
    .await?;
    state.cache.products_changed(&[id]).await;
    Ok(answer)
}

/// Lists the translations of a category by their locales. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = CategoryTranslationsBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/categories/{id}/translations")]
pub async fn list_of_category(
    state: Data<State>,
    _staff: Staff,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = category_id(&id)?;
    let read = move |conn: &mut PgConnection| {
        let category = catalog::categories::find(conn, id)?;
        let category = category.ok_or_else(category_not_found)?;
        let all = categories::list(conn, id)?;
        let body = CategoryTranslationsBody::from(all);
        Ok(Answer::ok(&body).with_version(category.version))
    };
    state.db.run(read).await
}

/// Writes the texts of a category in a language, in place of those it had there. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(
        ("id" = i64, Path), ("locale" = String, Path, description = "A language tag (BCP 47)", example = "de"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    request_body = CategoryTextsBody,
    responses(
        (status = 200, body = CategoryTranslationBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/categories/{id}/translations/{locale}")]
pub async fn put_of_category(
    state: Data<State>,
    change: Change,
    path: Path<(String, String)>,
    body: Body<CategoryTextsBody>,
) -> Result<Answer, Problem> {
    let id = category_id(&path.0)?;
    let locale = locale(&path.1)?;
    let texts = body.value.checked()?;
    super::categories::write(&state, change, &body.bytes, move |conn, expected, actor| {
        let version = categories::set(conn, id, &locale, Some(texts), expected, Some(actor));
        let version = version.map_err(|error| refuse(error, super::categories::refuse))?;
        let written = of_locale(categories::list(conn, id)?, &locale)?;
        Ok(Answer::ok(&CategoryTranslationBody::from(written)).with_version(version))
    })
    .await
}

/// Takes the texts of a category in a language away. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(
        ("id" = i64, Path), ("locale" = String, Path, description = "A language tag (BCP 47)", example = "de"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/categories/{id}/translations/{locale}")]
pub async fn delete_of_category(
    state: Data<State>,
    change: Change,
    path: Path<(String, String)>,
) -> Result<Answer, Problem> {
    let id = category_id(&path.0)?;
    let locale = locale(&path.1)?;
    super::categories::write(&state, change, &[], move |conn, expected, actor| {
        categories::set(conn, id, &locale, None, expected, Some(actor))
            .map_err(|error| refuse(error, super::categories::refuse))?;
        Ok(Answer::no_content())
    })
    .await
}

/// What was just written, as it is kept.
fn of_locale<T>(all: Vec<(String, T)>, locale: &Locale) -> Result<(String, T), Problem> {
    let locale = locale.to_string();
    let written = all.into_iter().find(|(known, _)| *known == locale);
    written.ok_or_else(Problem::internal)
}

pub(super) fn locale(text: &str) -> Result<Locale, Problem> {
    text.parse().map_err(|error: domain::InvalidLocale| {
        Problem::invalid("locale", "invalid", error.to_string())
    })
}

pub(super) fn refuse<E>(error: TranslationError<E>, other: fn(E) -> Problem) -> Problem {
    match error {
        TranslationError::NotThere => Problem::not_found(
            "translation_not_found",
            "There is no translation into this language",
        ),
        TranslationError::TooMany => {
            let rule = format!("there are at most {MAX_LOCALES}");
            Problem::conflict("too_many_translations", "There are too many translations")
                .detail(rule)
        }
        TranslationError::Edit(error) => other(error),
    }
}
