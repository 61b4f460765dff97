//! Imports as staff sees them.

use actix_web::http::StatusCode;
use catalog::import::{Form, How, OnError, Profile, Spelling};
use catalog::imports::Import;
use chrono::{DateTime, Utc};
use domain::{Currency, Cursor};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::{Problem, params};

/// A file that is read into the shop.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Import)]
pub struct ImportBody {
    #[schema(example = 3)]
    id: i64,
    /// `products`, `prices`, `stock`, `collections`, `categories` or `options`.
    kind: String,
    /// `csv`, `ndjson` or `json`.
    format: String,
    /// Where the file is fetched from; `null` where somebody sends it.
    #[schema(required = true)]
    url: Option<String>,
    /// Whose form the file has; `null` for the shop's own.
    #[schema(required = true)]
    profile: Option<String>,
    #[schema(required = true)]
    currency: Option<String>,
    /// `validate` or `apply`.
    mode: String,
    /// `skip` or `stop`.
    on_error: String,
    /// `uploading`, `waiting`, `running`, `succeeded`, `stopped`, `failed` or `cancelled`.
    #[schema(value_type = String, example = "running")]
    state: &'static str,
    /// Of the file.
    bytes: i64,
    rows: RowCountsBody,
    /// Products that began.
    products: i64,
    /// Prices that came into force.
    prices: i64,
    /// Why it failed.
    #[schema(required = true)]
    error: Option<String>,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
}

/// What became of rows so far.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportRows)]
pub struct RowCountsBody {
    read: i64,
    created: i64,
    updated: i64,
    unchanged: i64,
    refused: i64,
}

impl From<Import> for ImportBody {
    fn from(import: Import) -> Self {
        Self {
            id: import.id,
            kind: import.kind,
            format: import.format,
            url: import.url,
            profile: import.profile,
            currency: import.currency,
            mode: import.mode,
            on_error: import.on_error,
            state: import.state.as_str(),
            bytes: import.bytes,
            rows: RowCountsBody {
                read: import.rows,
                created: import.created,
                updated: import.updated,
                unchanged: import.unchanged,
                refused: import.refused,
            },
            products: import.products,
            prices: import.prices,
            error: import.error,
            created_at: import.created_at,
            started_at: import.started_at,
            finished_at: import.finished_at,
        }
    }
}

/// A page of imports.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportPage)]
pub struct ImportPageBody {
    pub imports: Vec<ImportBody>,
    pub has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}

/// How a file is to be read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewImportQuery {
    /// `products`, which is what is left out, `prices`, `stock`, `collections`, `categories` or `options`.
    kind: Option<String>,
    /// `apply`, or `validate` to tell what would happen and write nothing.
    mode: Option<String>,
    /// `skip` refused rows, or `stop` at the first one.
    on_error: Option<String>,
    /// What the file comes from, if it is not of the shop's own form.
    profile: Option<String>,
    /// The currency of all prices, where a file of this profile does not say it.
    currency: Option<String>,
    /// Where the file is, beginning with https:// or http://: a job fetches it, and the body is empty.
    #[param(max_length = 2000)]
    pub url: Option<String>,
}

impl NewImportQuery {
    /// The form of the file, by its profile or else by its type, and what is to be done with it.
    pub fn checked(&self, content_type: &str, shop: Currency) -> Result<(Form, How), Problem> {
        let kinds = [
            "products",
            "prices",
            "stock",
            "collections",
            "categories",
            "options",
        ];
        let kind = one_of("kind", self.kind.as_deref(), &kinds)?;
        let mode = one_of("mode", self.mode.as_deref(), &["apply", "validate"])?;
        let on_error = one_of("onError", self.on_error.as_deref(), &["skip", "stop"])?;
        let profile: Option<Profile> = params::parse("profile", self.profile.as_deref())?;
        let currency: Option<Currency> = params::parse("currency", self.currency.as_deref())?;
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        let is_lines = [
            "application/x-ndjson",
            "application/ndjson",
            "application/jsonl",
        ]
        .contains(&essence.as_str());
        if kind.is_some_and(|kind| kind != "products") && profile.is_some() {
            return Err(params::invalid("profile", "is for products alone"));
        }
        let form = match profile {
            Some(profile) if profile.is_json() && essence == "application/json" => {
                Form::Of(profile, currency)
            }
            Some(profile) if !profile.is_json() && essence == "text/csv" => {
                Form::Of(profile, currency)
            }
            None if currency.is_some() => {
                return Err(params::invalid("currency", "needs a profile"));
            }
            None if essence == "text/csv" => match kind {
                Some("prices") => Form::Prices,
                Some("stock") => Form::Stock,
                Some("collections") => Form::Collections(Spelling::Csv, shop),
                Some("categories") => Form::Categories(Spelling::Csv),
                Some("options") => Form::Options(Spelling::Csv),
                _ => Form::Csv,
            },
            None if is_lines && kind == Some("collections") => {
                Form::Collections(Spelling::Ndjson, shop)
            }
            None if is_lines && kind == Some("categories") => Form::Categories(Spelling::Ndjson),
            None if is_lines && kind == Some("options") => Form::Options(Spelling::Ndjson),
            None if is_lines && matches!(kind, None | Some("products")) => Form::Ndjson,
            None if matches!(kind, Some("prices" | "stock")) => {
                return Err(not_understood("send `Content-Type: text/csv`"));
            }
            _ => return Err(not_understood(&types_of(profile))),
        };
        let how = How {
            dry_run: mode == Some("validate"),
            on_error: match on_error {
                Some("stop") => OnError::Stop,
                _ => OnError::Skip,
            },
        };
        Ok((form, how))
    }
}

/// 415, with what would be right.
pub fn not_understood(rule: &str) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        "The body is not a file of a known kind",
    )
    .detail(rule)
}

fn types_of(profile: Option<Profile>) -> String {
    match profile {
        Some(profile) if profile.is_json() => {
            format!("a file from {profile} is `Content-Type: application/json`")
        }
        Some(profile) => format!("a file from {profile} is `Content-Type: text/csv`"),
        None => "send `Content-Type: text/csv` or `application/x-ndjson`".to_owned(),
    }
}

fn one_of<'t>(
    name: &'static str,
    text: Option<&'t str>,
    known: &[&str],
) -> Result<Option<&'t str>, Problem> {
    match text {
        Some(other) if !known.contains(&other) => Err(params::invalid(
            name,
            &format!("must be {}", known.join(" or ")),
        )),
        text => Ok(text),
    }
}
