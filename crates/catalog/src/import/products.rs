//! The products that the rows of a chunk belong to, as they become row by row.

use std::collections::{BTreeSet, HashSet};

use domain::{Choices, InvalidChoices, Options};
use serde_json::{Map, Value};

use super::described::Described;
use super::row::{Refusal, Row, refuse};
use super::shop::Shop;
use super::translated::Translations;
use crate::variants::{MAX_VARIANTS, as_json};

/// A product to which rows belong.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    /// `None` until it is written.
    pub id: Option<i64>,
    pub is_archived: bool,
    pub described: Described,
    /// Its own slug until now, and the categories that it was in.
    pub former_slug: Option<String>,
    pub former_categories: BTreeSet<i64>,
    /// Values of custom fields until now.
    pub former_fields: Map<String, Value>,
    /// What it said in other languages until now.
    pub former_translations: Translations,
    pub options: Options,
    /// Those on sale.
    pub variants: i32,
    /// Of those, the ones that rows have added.
    pub added: i32,
    /// Choices that a variant has, of those that rows name.
    pub taken: HashSet<serde_json::Value>,
    /// Whether a handle means it.
    pub is_claimed: bool,
    /// Whether a row of the handle has said what it is called: the first one does.
    pub is_described: bool,
    /// Whether it is not any more what it was.
    pub is_changed: bool,
}

impl Target {
    /// A product that begins with this row.
    pub(super) fn begin(row: &Row, shop: &mut Shop) -> Result<Self, Refusal> {
        if row.name.is_none() {
            return Err(refuse("name", "is required where a product begins"));
        }
        Ok(Self {
            described: Described::default().after(row, None, shop)?,
            options: row.options.clone(),
            variants: 1,
            taken: HashSet::from_iter(wanted(row)),
            is_claimed: true,
            is_described: true,
            is_changed: true,
            ..Self::default()
        })
    }

    /// Becomes what a row has made of it, if one has, and tells whether that changes anything.
    pub(super) fn describe(&mut self, next: Option<Described>) -> bool {
        let Some(next) = next else { return false };
        self.is_described = true;
        let is_new = next != self.described;
        self.described = next;
        self.is_changed |= is_new;
        is_new
    }

    /// Makes room for a variant with the choices of a row, also where a value of them is new.
    pub(super) fn choose(&mut self, row: &Row) -> Result<Choices, Refusal> {
        let refused = |error: InvalidChoices| refuse("option", error.to_string());
        let is_first = self.options.as_slice().is_empty();
        if is_first && row.options.as_slice().is_empty() {
            return Err(refuse("option", "is required: another variant has none"));
        }
        let wider = if is_first {
            row.options.clone()
        } else {
            let wider = self.options.with_values_of(&row.options);
            wider.map_err(|error| refuse("option", error.to_string()))?
        };
        let by_name = row.options.as_slice().iter();
        let by_name = by_name.flat_map(|o| Some((o.name.clone(), o.values.first()?.clone())));
        let choices = wider.choose(&by_name.collect()).map_err(refused)?;
        if !self.taken.insert(as_json(&choices)) {
            let message = format!("another variant is `{}`", choices.title());
            return Err(refuse("option", message));
        }
        self.is_changed |= wider != self.options;
        self.options = wider;
        Ok(choices)
    }

    /// Adds a variant, and returns what is chosen of it.
    pub(super) fn add(&mut self, row: &Row, shop: &mut Shop) -> Result<Choices, Refusal> {
        if self.is_archived {
            return Err(refuse("product", "is archived"));
        }
        if usize::try_from(self.variants).is_ok_and(|all| all >= MAX_VARIANTS) {
            let message = format!("has {MAX_VARIANTS} variants already");
            return Err(refuse("product", message));
        }
        let next = match self.is_described {
            true => None,
            false => Some(self.described.after(row, self.id, shop)?),
        };
        let choices = self.choose(row)?;
        self.describe(next);
        self.variants += 1;
        self.added += 1;
        self.is_changed = true;
        Ok(choices)
    }
}

/// What a row chooses, as it is stored; `None` without options.
pub(super) fn wanted(row: &Row) -> Option<serde_json::Value> {
    chosen(row).map(|choices| as_json(&choices))
}

/// What a row chooses; `None` without options.
pub(super) fn chosen(row: &Row) -> Option<Choices> {
    row.options.matrix().next().filter(|c| !c.is_empty())
}
