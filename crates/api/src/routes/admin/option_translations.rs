//! Translations of options and their values, as staff writes and reads them.

use std::collections::BTreeMap;

use actix_web::web::{Data, Path};
use actix_web::{delete, get, put};
use catalog::translations::options::{self, MAX_VALUES, OptionError, Texts};
use diesel::PgConnection;
use domain::{Locale, Options, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::translations::locale;
use crate::http::{Answer, Body, Change, Problem, Staff, idempotency, precondition};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// How an option and its values are called in a language; at least one of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OptionTexts)]
pub struct OptionTextsBody {
    #[schema(min_length = 1, max_length = 100, example = "Farbe")]
    name: Option<String>,
    /// By the values themselves; up to 2,000.
    #[serde(default)]
    #[schema(example = json!({"red": "Rot"}))]
    values: BTreeMap<String, String>,
}

impl OptionTextsBody {
    fn checked(self) -> Result<Texts, Problem> {
        if self.name.is_none() && self.values.is_empty() {
            let rule = "a name or values are needed: to take a translation away, delete it";
            return Err(Problem::invalid("values", "missing", rule));
        }
        if self.values.len() > MAX_VALUES {
            let rule = format!("must have at most {MAX_VALUES}");
            return Err(Problem::invalid("values", "length", rule));
        }
        let mut values = BTreeMap::new();
        for (value, label) in self.values {
            let (value, label) = (word("values", &value)?, word("values", &label)?);
            if values.insert(value.clone(), label).is_some() {
                let rule = format!("`{value}` is there twice");
                return Err(Problem::invalid("values", "repeated", rule));
            }
        }
        Ok(Texts {
            name: self.name.map(|name| word("name", &name)).transpose()?,
            values,
        })
    }
}

/// How an option is called in a language; null, and not there, where the wider language or the shop's own word is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OptionTranslation)]
pub struct OptionTranslationBody {
    #[schema(example = "de")]
    locale: String,
    #[schema(required = true)]
    name: Option<String>,
    values: BTreeMap<String, String>,
}

impl From<(String, Texts)> for OptionTranslationBody {
    fn from((locale, texts): (String, Texts)) -> Self {
        Self {
            locale,
            name: texts.name,
            values: texts.values,
        }
    }
}

/// How an option is called in all languages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OptionTranslations)]
pub struct OptionTranslationsBody {
    translations: Vec<OptionTranslationBody>,
}

/// Lists how an option is called, by languages, whatever products have it. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(("name" = String, Path, description = "The option, by its own name", example = "Colour")),
    responses(
        (status = 200, body = OptionTranslationsBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/options/{name}/translations")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    name: Path<String>,
) -> Result<Answer, Problem> {
    let name = word("option", &name)?;
    let read = move |conn: &mut PgConnection| {
        let (version, all) = options::list(conn, &name)?;
        let translations = all.into_iter().map(Into::into).collect();
        let body = OptionTranslationsBody { translations };
        Ok(Answer::ok(&body).with_version(version))
    };
    state.db.run(read).await
}

/// Writes how an option and its values are called in a language, in place of what was said there before. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(
        ("name" = String, Path, description = "The option, by its own name", example = "Colour"),
        ("locale" = String, Path, description = "A language tag (BCP 47)", example = "de"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    request_body = OptionTextsBody,
    responses(
        (status = 200, body = OptionTranslationBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[put("/api/admin/options/{name}/translations/{locale}")]
pub async fn put(
    state: Data<State>,
    change: Change,
    path: Path<(String, String)>,
    body: Body<OptionTextsBody>,
) -> Result<Answer, Problem> {
    let (name, locale) = (word("option", &path.0)?, locale(&path.1)?);
    let texts = body.value.checked()?;
    let set = move |conn: &mut PgConnection, expected, actor| {
        let said = (locale.to_string(), texts.clone());
        let version = write(conn, &name, &locale, Some(texts), expected, actor)?;
        Ok(Answer::ok(&OptionTranslationBody::from(said)).with_version(version))
    };
    once(&state, change, &body.bytes, set).await
}

/// Takes away how an option and its values are called in a language. Staff only.
#[utoipa::path(
    tag = "translations",
    security(("token" = [])),
    params(
        ("name" = String, Path, description = "The option, by its own name", example = "Colour"),
        ("locale" = String, Path, description = "A language tag (BCP 47)", example = "de"),
        ("If-Match" = Option<String>, Header, description = "The ETag that was read"),
    ),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/options/{name}/translations/{locale}")]
pub async fn delete(
    state: Data<State>,
    change: Change,
    path: Path<(String, String)>,
) -> Result<Answer, Problem> {
    let (name, locale) = (word("option", &path.0)?, locale(&path.1)?);
    let forget = move |conn: &mut PgConnection, expected, actor| {
        write(conn, &name, &locale, None, expected, actor)?;
        Ok(Answer::no_content())
    };
    once(&state, change, &[], forget).await
}

/// Writes once, and then forgets what was cached of any product: each may have the option.
async fn once(
    state: &State,
    change: Change,
    bytes: &[u8],
    write: impl FnOnce(&mut PgConnection, Option<i64>, UserId) -> Result<Answer, Problem>
    + Send
    + 'static,
) -> Result<Answer, Problem> {
    let (actor, expected, request_key) = change.bind(bytes);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        write(conn, expected, actor)
    })
    .await?;
    state.cache.many_products_changed().await;
    Ok(answer)
}

fn write(
    conn: &mut PgConnection,
    name: &str,
    locale: &Locale,
    texts: Option<Texts>,
    expected: Option<i64>,
    actor: UserId,
) -> Result<i64, Problem> {
    let written = options::set(conn, name, locale, texts, expected, Some(actor));
    written.map_err(|error| {
        super::translations::refuse(error, |error| match error {
            OptionError::Stale(_) => precondition::stale(),
            OptionError::Db(error) => error.into(),
        })
    })
}

/// The name of an option, or a value, as products have it; what it is called is one like it.
fn word(field: &'static str, text: &str) -> Result<String, Problem> {
    Options::word(text).map_err(|error| Problem::invalid(field, "invalid", error.to_string()))
}
