//! What a product has beside its name, picture and price, from what staff sends.

use std::collections::HashSet;

use catalog::editing::{DetailChanges, Publication};
use catalog::texts::{MAX_HTML, MAX_TAGS_OF_HTML, sanitise};
use chrono::{DateTime, Datelike, Utc};
use domain::{Slug, TaxClass};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{Problem, text};

const MAX_TAGS: usize = 50;

/// A status that staff can give; a product is archived by `DELETE`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(try_from = "String")]
#[schema(rename_all = "camelCase")]
pub enum NewStatus {
    Draft,
    Active,
}

impl TryFrom<String> for NewStatus {
    type Error = &'static str;

    /// By hand: a number would else count as malformed JSON, which names no field.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "draft" => Ok(Self::Draft),
            "active" => Ok(Self::Active),
            _ => Err("must be draft or active"),
        }
    }
}

/// The fields that making and changing a product share.
#[derive(Debug, Default)]
pub struct Details {
    pub slug: Option<Option<Slug>>,
    pub brand: Option<String>,
    pub tags: Option<Vec<String>>,
    pub tax_class: Option<TaxClass>,
    pub description_html: Option<String>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub status: Option<NewStatus>,
    pub publish_at: Option<Option<DateTime<Utc>>>,
    pub unpublish_at: Option<Option<DateTime<Utc>>>,
}

impl Details {
    /// Checks what can be checked without the product.
    pub fn checked(self) -> Result<DetailChanges, Problem> {
        let written = |field, value: Option<String>, most| {
            let check = |value| text(field, value, 0, most);
            value.map(check).transpose()
        };
        let end =
            |end: Option<DateTime<Utc>>| end.map(|end| moment("unpublishAt", end)).transpose();
        Ok(DetailChanges {
            slug: self
                .slug
                .map(|slug| slug.map(own).transpose())
                .transpose()?,
            brand: written("brand", self.brand, 100)?,
            tags: self.tags.map(tags).transpose()?,
            tax_class: self.tax_class,
            description_html: self.description_html.map(rich_text).transpose()?,
            seo_title: written("seoTitle", self.seo_title, 200)?,
            seo_description: written("seoDescription", self.seo_description, 500)?,
            publication: publication(self.status, self.publish_at)?,
            unpublish_at: self.unpublish_at.map(end).transpose()?,
        })
    }
}

/// Rich text without what could run.
///
/// To repair text that opens many tags takes time and space by the square of their number, so that is bounded.
pub(super) fn rich_text(html: String) -> Result<String, Problem> {
    let html = text("descriptionHtml", html, 0, MAX_HTML)?;
    if html.matches('<').count() > MAX_TAGS_OF_HTML {
        let rule = format!("must have at most {MAX_TAGS_OF_HTML} tags");
        return Err(Problem::invalid("descriptionHtml", "too_many_tags", rule));
    }
    // Once more: what is read has to be good enough to be written back.
    text("descriptionHtml", sanitise(&html), 0, MAX_HTML)
}

/// A slug that cannot be taken for one that a product without its own has.
fn own(slug: Slug) -> Result<Slug, Problem> {
    if slug.product_id().is_some() {
        let rule =
            "must not end in a p and a number, as slugs of products do that have none of their own";
        return Err(Problem::invalid("slug", "reserved", rule));
    }
    Ok(slug)
}

fn tags(tags: Vec<String>) -> Result<Vec<String>, Problem> {
    if tags.len() > MAX_TAGS {
        let rule = format!("must have at most {MAX_TAGS} tags");
        return Err(Problem::invalid("tags", "length", rule));
    }
    let mut seen = HashSet::new();
    let mut checked = Vec::with_capacity(tags.len());
    for (index, tag) in tags.into_iter().enumerate() {
        let within = |problem: Problem| problem.within(&format!("tags[{index}]"));
        let tag = text("tag", tag, 1, 60).map_err(within)?.trim().to_owned();
        if !seen.insert(tag.to_lowercase()) {
            return Err(within(Problem::invalid(
                "tag",
                "repeated",
                "is there twice",
            )));
        }
        checked.push(tag);
    }
    Ok(checked)
}

fn publication(
    status: Option<NewStatus>,
    publish_at: Option<Option<DateTime<Utc>>>,
) -> Result<Option<Publication>, Problem> {
    match (status, publish_at) {
        (Some(_), Some(_)) => {
            let rule =
                "excludes status: a time to come makes a draft, one that is past an active product";
            Err(Problem::invalid("publishAt", "excluded", rule))
        }
        (Some(NewStatus::Active), None) => Ok(Some(Publication::Now)),
        (Some(NewStatus::Draft), None) => Ok(Some(Publication::Never)),
        (None, Some(None)) => Ok(Some(Publication::Never)),
        (None, Some(Some(begin))) => Ok(Some(Publication::At(moment("publishAt", begin)?))),
        (None, None) => Ok(None),
    }
}

/// A time that a database and a calendar know.
pub(in crate::routes) fn moment(
    field: &'static str,
    time: DateTime<Utc>,
) -> Result<DateTime<Utc>, Problem> {
    if (1970..=9999).contains(&time.year()) {
        return Ok(time);
    }
    let rule = "must be a time of the years 1970 to 9999";
    Err(Problem::invalid(field, "out_of_range", rule))
}
