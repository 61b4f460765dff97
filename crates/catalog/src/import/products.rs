//! The products that the rows of a chunk belong to, as they become row by row.

use std::collections::HashSet;

use domain::{Choices, InvalidChoices, Options};

use super::row::{Refusal, Row, refuse};
use crate::variants::{MAX_VARIANTS, as_json};

/// A product to which rows belong.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    /// `None` until it is written.
    pub id: Option<i64>,
    pub is_archived: bool,
    pub name: String,
    pub description: String,
    pub image: String,
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
    pub(super) fn begin(row: &Row) -> Result<Self, Refusal> {
        let name = row.name.clone();
        let name = name.ok_or_else(|| refuse("name", "is required where a product begins"))?;
        Ok(Self {
            name,
            description: row.description.clone().unwrap_or_default(),
            image: row.image.clone().unwrap_or_default(),
            options: row.options.clone(),
            variants: 1,
            taken: HashSet::from_iter(wanted(row)),
            is_claimed: true,
            is_described: true,
            ..Self::default()
        })
    }

    /// Takes name, description and image from a row, and tells whether that changes anything.
    pub(super) fn describe(&mut self, row: &Row) -> bool {
        self.is_described = true;
        let texts = [
            (&mut self.name, &row.name),
            (&mut self.description, &row.description),
            (&mut self.image, &row.image),
        ];
        let mut is_new = false;
        for (old, new) in texts {
            if let Some(new) = new.as_ref().filter(|new| *new != old) {
                old.clone_from(new);
                is_new = true;
            }
        }
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
    pub(super) fn add(&mut self, row: &Row) -> Result<Choices, Refusal> {
        if self.is_archived {
            return Err(refuse("product", "is archived"));
        }
        if usize::try_from(self.variants).is_ok_and(|all| all >= MAX_VARIANTS) {
            let message = format!("has {MAX_VARIANTS} variants already");
            return Err(refuse("product", message));
        }
        let choices = self.choose(row)?;
        if !self.is_described {
            self.describe(row);
        }
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
