//! What a row says of its product beside the name, from texts to values that cannot be wrong.

use chrono::{DateTime, Datelike, SubsecRound, Utc};
use domain::{Slug, TaxClass};

use super::custom::Cell;
use super::row::{Cells, Refusal, checked_text, refuse, said};
use super::translated::{self, Said};
use crate::categories::MAX_DEPTH;
use crate::categories::paths::Path;
use crate::editing::Publication;
use crate::texts::{MAX_HTML, MAX_TAGS_OF_HTML, sanitise};

/// Most tags of a product.
const MAX_TAGS: usize = 50;
/// Most categories that one row may name.
const MAX_CATEGORIES: usize = 1_000;

/// What a row says of its product; `None` leaves what is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Details {
    pub description: Option<String>,
    pub image: Option<String>,
    pub slug: Option<Slug>,
    pub brand: Option<String>,
    pub tags: Option<Vec<String>>,
    /// Sanitised.
    pub description_html: Option<String>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub publication: Option<Publication>,
    pub unpublish_at: Option<DateTime<Utc>>,
    pub tax_class: Option<TaxClass>,
    /// Values of custom fields, by their keys.
    pub custom: Vec<(String, Cell)>,
    /// What it says in other languages; texts are checked, and values of custom fields are not.
    pub translations: Vec<Said>,
    /// All that it is to be in, each once.
    pub categories: Option<Vec<Path>>,
}

impl Details {
    pub(super) fn check(cells: &Cells) -> Result<Self, Refusal> {
        Ok(Self {
            description: checked_text("description", &cells.description, 20_000)?,
            image: checked_text("image", &cells.image, 2_000)?,
            slug: said(&cells.slug).map(own).transpose()?,
            brand: checked_text("brand", &cells.brand, 100)?,
            tags: tags(&cells.tags)?,
            description_html: rich_text(&cells.description_html)?,
            seo_title: checked_text("seo_title", &cells.seo_title, 200)?,
            seo_description: checked_text("seo_description", &cells.seo_description, 500)?,
            publication: publication(&cells.status, &cells.publish_at)?,
            unpublish_at: said(&cells.unpublish_at)
                .map(|text| moment("unpublish_at", text))
                .transpose()?,
            tax_class: said(&cells.tax_class).map(taxed).transpose()?,
            custom: cells.custom.clone(),
            translations: translated::check(&cells.translations)?,
            categories: categories(&cells.categories)?,
        })
    }
}

/// A slug that cannot be taken for one that a product without its own has.
fn own(text: &str) -> Result<Slug, Refusal> {
    let slug: Slug = text
        .parse()
        .map_err(|error: domain::InvalidSlug| refuse("slug", error.to_string()))?;
    if slug.product_id().is_some() {
        return Err(refuse(
            "slug",
            "must not end in a p and a number, as slugs of products do that have none of their own",
        ));
    }
    Ok(slug)
}

fn taxed(text: &str) -> Result<TaxClass, Refusal> {
    let parsed = text.parse();
    parsed.map_err(|error: domain::InvalidTaxClass| refuse("tax_class", error.to_string()))
}

/// Each once, whatever its case; as it is written where it comes first.
fn tags(texts: &[String]) -> Result<Option<Vec<String>>, Refusal> {
    let mut tags: Vec<String> = Vec::new();
    for text in texts {
        let tag = checked_text("tags", text, 60)?;
        let is_new = |tag: &String| !tags.iter().any(|t| t.to_lowercase() == tag.to_lowercase());
        let tag = tag.filter(is_new);
        tags.extend(tag);
    }
    if tags.len() > MAX_TAGS {
        return Err(refuse("tags", format!("must be at most {MAX_TAGS}")));
    }
    Ok(Some(tags).filter(|tags| !tags.is_empty()))
}

/// To repair text that opens many tags takes time and space by the square of their number, so that is bounded.
pub(super) fn rich_text(html: &str) -> Result<Option<String>, Refusal> {
    let field = "description_html";
    let Some(html) = checked_text(field, html, MAX_HTML)? else {
        return Ok(None);
    };
    if html.matches('<').count() > MAX_TAGS_OF_HTML {
        let message = format!("must have at most {MAX_TAGS_OF_HTML} tags");
        return Err(refuse(field, message));
    }
    checked_text(field, &sanitise(&html), MAX_HTML)
}

fn publication(status: &str, publish_at: &str) -> Result<Option<Publication>, Refusal> {
    match (said(status), said(publish_at)) {
        (Some(_), Some(_)) => Err(refuse("publish_at", "excludes a status")),
        (Some("active"), None) => Ok(Some(Publication::Now)),
        (Some("draft"), None) => Ok(Some(Publication::Never)),
        (Some(_), None) => Err(refuse("status", "must be draft or active")),
        (None, Some(text)) => Ok(Some(Publication::At(moment("publish_at", text)?))),
        (None, None) => Ok(None),
    }
}

/// A time that a database and a calendar know, in microseconds as the database has them.
pub(super) fn moment(field: &'static str, text: &str) -> Result<DateTime<Utc>, Refusal> {
    let rule = "must be a time of the years 1970 to 9999 as in 2026-01-31T23:59:00Z";
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|time| time.with_timezone(&Utc).trunc_subsecs(6))
        .filter(|time| (1970..=9999).contains(&time.year()))
        .ok_or_else(|| refuse(field, rule))
}

fn categories(wanted: &[Vec<String>]) -> Result<Option<Vec<Path>>, Refusal> {
    let field = "categories";
    if wanted.len() > MAX_CATEGORIES {
        return Err(refuse(field, format!("must be at most {MAX_CATEGORIES}")));
    }
    let mut paths: Vec<Path> = Vec::new();
    for names in wanted {
        if names.len() > MAX_DEPTH {
            let message = format!("must have at most {MAX_DEPTH} levels");
            return Err(refuse(field, message));
        }
        let name = |name: &String| {
            let name = checked_text(field, name, 300)?;
            name.ok_or_else(|| refuse(field, "must have a name on each level"))
        };
        let path: Path = names.iter().map(name).collect::<Result<_, _>>()?;
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    Ok(Some(paths).filter(|paths| !paths.is_empty()))
}
