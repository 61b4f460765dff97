//! Categories, read from finished bytes.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::custom_fields::attributes;
use catalog::{categories, translations};
use diesel::{PgConnection, QueryResult};
use domain::{CategoryId, CustomResource, Locale, PageSize, PairCursor, Slug};
use serde::Deserialize;
use utoipa::IntoParams;

use super::category_bodies::{CategoryBody, CategoryPageBody};
use super::market::locale;
use super::money::ProblemBody;
use super::products::to_bytes;
use crate::cache::{Among, Key};
use crate::http::{Params, Problem, finished, params};
use crate::state::State;

/// Which categories.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CategoryQuery {
    /// The children of this category; the roots where it is left out.
    #[param(value_type = Option<i64>)]
    parent_id: Option<String>,
    /// The one category with this slug. Not together with `parentId`.
    slug: Option<String>,
    /// Categories on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// The language of texts (BCP 47), where there are translations.
    locale: Option<String>,
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LocaleQuery {
    /// The language of texts (BCP 47), where there are translations.
    locale: Option<String>,
}

impl CategoryQuery {
    fn among(&self) -> Result<Among, Problem> {
        let parent = params::parse::<CategoryId>("parentId", self.parent_id.as_deref())?;
        let slug = params::parse::<Slug>("slug", self.slug.as_deref())?;
        match (parent, slug) {
            (Some(_), Some(_)) => Err(params::invalid(
                "slug",
                "parentId and slug exclude each other",
            )),
            (Some(parent), None) => Ok(Among::ChildrenOf(parent)),
            (None, Some(slug)) => Ok(Among::Named(slug)),
            (None, None) => Ok(Among::Roots),
        }
    }
}

/// Lists the roots, or the children of a category, in their order.
#[utoipa::path(
    tag = "categories",
    params(CategoryQuery),
    responses(
        (status = 200, body = CategoryPageBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/categories")]
pub async fn list(
    state: Data<State>,
    request: HttpRequest,
    query: Params<CategoryQuery>,
) -> Result<HttpResponse, Problem> {
    let among = query.0.among()?;
    let size = params::page_size(query.0.limit.as_deref())?;
    let after = position(query.0.cursor.as_deref())?;
    let locale = locale(query.0.locale.as_deref())?;
    let load = || async {
        let among = among.clone();
        let read = move |conn: &mut PgConnection| read_list(conn, &among, after, size, locale);
        let found = state
            .db
            .run(move |conn| read(conn).map_err(Problem::from))
            .await?;
        found.map(|page| to_bytes(&page)).transpose()
    };
    let key = Key::Categories {
        among: among.clone(),
        after,
        size,
        locale,
    };
    let cached = state.cache.get(key, load).await?.ok_or_else(not_found)?;
    Ok(finished::answer(&request, &cached))
}

/// `None` for the children of what does not exist.
fn read_list(
    conn: &mut PgConnection,
    among: &Among,
    after: (i64, i64),
    size: PageSize,
    locale: Option<Locale>,
) -> QueryResult<Option<CategoryPageBody>> {
    let rows = match among {
        Among::Roots => categories::list(conn, None, after, size)?,
        Among::Named(slug) => Vec::from_iter(categories::find_by_slug(conn, slug)?),
        Among::ChildrenOf(parent) => {
            if categories::find(conn, *parent)?.is_none() {
                return Ok(None);
            }
            categories::list(conn, Some(*parent), after, size)?
        }
    };
    let mut page = CategoryPageBody::new(rows, size);
    let shown = page
        .categories
        .iter_mut()
        .map(CategoryBody::texts)
        .collect();
    translate(conn, shown, locale)?;
    Ok(Some(page))
}

/// Reads a category with its parents and the path that leads to it.
#[utoipa::path(
    tag = "categories",
    params(("id" = i64, Path), LocaleQuery),
    responses(
        (status = 200, body = CategoryBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/categories/{id}")]
pub async fn get(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    query: Params<LocaleQuery>,
) -> Result<HttpResponse, Problem> {
    let id = category_id(&id)?;
    let locale = locale(query.0.locale.as_deref())?;
    let load = || async {
        let read = move |conn: &mut PgConnection| {
            let Some((mut body, _)) = read(conn, id, false)? else {
                return Ok(None);
            };
            translate(conn, body.all_texts(), locale)?;
            body.say(conn, locale)?;
            Ok::<_, Problem>(Some(body))
        };
        let found = state.db.run(read).await?;
        found.map(|body| to_bytes(&body)).transpose()
    };
    let key = Key::Category { id, locale };
    let cached = state.cache.get(key, load).await?.ok_or_else(not_found)?;
    Ok(finished::answer(&request, &cached))
}

/// Puts texts into a language, where they are translated: a name, and a description where one is shown.
fn translate(
    conn: &mut PgConnection,
    shown: Vec<(CategoryId, &mut String, Option<&mut String>)>,
    locale: Option<Locale>,
) -> QueryResult<()> {
    let Some(locale) = locale else {
        return Ok(());
    };
    let ids = shown.iter().map(|(id, ..)| id.get()).collect();
    let translated = translations::categories::find_all(conn, ids, &locale)?;
    for (id, name, description) in shown {
        let Some(texts) = translated.get(&id) else {
            continue;
        };
        if let Some(text) = &texts.name {
            name.clone_from(text);
        }
        if let (Some(description), Some(text)) = (description, &texts.description) {
            description.clone_from(text);
        }
    }
    Ok(())
}

/// A category with all that is told of it, and its version.
pub(super) fn read(
    conn: &mut PgConnection,
    id: CategoryId,
    is_for_staff: bool,
) -> QueryResult<Option<(CategoryBody, i64)>> {
    let Some(category) = categories::find(conn, id)? else {
        return Ok(None);
    };
    let (parents, path) = (categories::parents(conn, id)?, categories::path(conn, id)?);
    let version = category.version;
    let kept = attributes::find(conn, CustomResource::Category, id.get())?;
    let body = CategoryBody::from(category).with_parents(parents, path);
    let body = body.with(kept, is_for_staff);
    Ok(Some((body, version)))
}

/// The position of `cursor`; zeroes are the beginning of a list.
pub(super) fn position(cursor: Option<&str>) -> Result<(i64, i64), Problem> {
    let cursor = params::parse::<PairCursor>("cursor", cursor)?;
    Ok(cursor.map_or((0, 0), PairCursor::position))
}

/// An id from the path.
pub(super) fn category_id(text: &str) -> Result<CategoryId, Problem> {
    text.parse().map_err(|_| not_found())
}

pub(super) fn not_found() -> Problem {
    Problem::not_found("category_not_found", "There is no such category")
}
