//! What a product is like, and what it becomes by what a row says of it.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use super::custom;
use super::details::Details;
use super::row::{Refusal, Row, refuse};
use super::shop::Shop;
use super::translated::{self, Translations};
use crate::editing::Publication;

/// Since when a product is on sale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Begin {
    #[default]
    Always,
    At(DateTime<Utc>),
    /// It is a draft.
    Never,
}

/// What is said of a product as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Described {
    pub name: String,
    pub description: String,
    pub image: String,
    /// Its own one.
    pub slug: Option<String>,
    pub brand: String,
    pub tags: Vec<String>,
    pub description_html: String,
    pub seo_title: String,
    pub seo_description: String,
    /// Empty for a product that begins: the usual one.
    pub tax_class: String,
    pub begin: Begin,
    /// When it goes off sale; `None` for never.
    pub end: Option<DateTime<Utc>>,
    /// Values of custom fields, by their keys, where that is known or said.
    pub fields: Map<String, Value>,
    /// What it says in other languages, where that is known or said.
    pub translations: Translations,
    /// Those it is in, where that is known or said.
    pub categories: BTreeSet<i64>,
}

impl Described {
    /// What it is after a row; what the row does not say stays. `product` is its id, if it has one yet.
    pub(super) fn after(
        &self,
        row: &Row,
        product: Option<i64>,
        shop: &mut Shop,
    ) -> Result<Self, Refusal> {
        let mut next = self.clone();
        let said = &row.details;
        for (text, new) in [
            (&mut next.name, &row.name),
            (&mut next.description, &said.description),
            (&mut next.image, &said.image),
            (&mut next.brand, &said.brand),
            (&mut next.description_html, &said.description_html),
            (&mut next.seo_title, &said.seo_title),
            (&mut next.seo_description, &said.seo_description),
        ] {
            if let Some(new) = new {
                text.clone_from(new);
            }
        }
        if let Some(tags) = &said.tags {
            next.tags.clone_from(tags);
        }
        if let Some(class) = &said.tax_class {
            next.tax_class = class.to_string();
        }
        next.publish(said, shop.clock)?;
        if let Some(paths) = &said.categories {
            next.categories = shop.lead(paths)?;
        }
        for (key, cell) in &said.custom {
            custom::set(&mut next.fields, &shop.fields, key, cell)?;
        }
        shop.require(&next.fields)?;
        translated::set(&mut next.translations, &said.translations, &shop.fields)?;
        if let Some(slug) = said.slug.as_ref().map(|slug| slug.as_str()) {
            shop.take_slug(slug, product)?;
            next.slug = Some(slug.to_owned());
        }
        Ok(next)
    }

    /// As staff's changes do: who puts on sale what is off sale takes back an end that has passed.
    fn publish(&mut self, said: &Details, clock: DateTime<Utc>) -> Result<(), Refusal> {
        let has_ended = |end: Option<DateTime<Utc>>| end.is_some_and(|end| end <= clock);
        let ended = has_ended(self.end);
        let begin = match said.publication {
            None => self.begin,
            Some(Publication::Never) => Begin::Never,
            Some(Publication::At(begin)) => Begin::At(begin),
            Some(Publication::Now) if self.begin > Begin::At(clock) => Begin::At(clock),
            // The end that the row gives has passed as well.
            Some(Publication::Now) if ended && !has_ended(said.unpublish_at) => Begin::At(clock),
            Some(Publication::Now) => self.begin,
        };
        if begin != self.begin && begin != Begin::Never && ended {
            self.end = None;
        }
        self.begin = begin;
        self.end = said.unpublish_at.or(self.end);
        match (self.begin, self.end) {
            (Begin::At(begin), Some(end)) if begin >= end => Err(refuse(
                "unpublish_at",
                "is not after the time of publishing",
            )),
            _ => Ok(()),
        }
    }

    /// As Postgres reads it.
    pub(super) fn begin_text(&self) -> String {
        match self.begin {
            Begin::Always => "-infinity".into(),
            Begin::At(begin) => exact(begin),
            Begin::Never => "infinity".into(),
        }
    }

    /// As Postgres reads it.
    pub(super) fn end_text(&self) -> String {
        self.end.map_or_else(|| "infinity".into(), exact)
    }
}

/// To the microsecond, which is what the database keeps.
pub(crate) fn exact(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}
