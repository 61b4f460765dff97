//! Categories, where they stand, and what they are called in other languages. What a row does not say stays.

mod reading;
mod telling;
mod writing;

use std::collections::HashSet;

use diesel::PgConnection;
use domain::{ProductOrder, Slug};

pub(crate) use reading::COLUMNS;
pub(super) use reading::{member, read, read_lines};

use super::apply::Applied;
use super::custom::Cell;
use super::kinds::{Kind, write_or_undo};
use super::memory::Digest;
use super::row::{Cells, Refusal, checked_text, refuse, said, whole};
use super::translated::{self, Said};
use super::{ImportError, Outcome, Summary};
use crate::categories::{MAX_PARENTS, MAX_POSITION};

/// A row as it is checked without the shop.
pub(super) struct Row {
    slug: Slug,
    name: Option<String>,
    description: Option<String>,
    image: Option<String>,
    product_order: Option<ProductOrder>,
    place: Option<Place>,
    /// Values of custom fields, by their keys.
    custom: Vec<(String, Cell)>,
    translations: Vec<Said>,
}

/// Where it is to stand.
enum Place {
    /// Below these, by their slugs, each with the place among the children.
    Below(Vec<(Slug, Option<i64>)>),
    /// At the top.
    Root(i64),
}

/// Categories, each once, and above those that are below them.
#[derive(Default)]
pub(super) struct Categories {
    seen: HashSet<Digest>,
    /// What earlier chunks would have made, if anything were written.
    imagined: HashSet<Digest>,
}

impl Kind for Categories {
    type Row = Row;

    fn check(&mut self, cells: &Cells) -> Result<Row, Refusal> {
        let text = said(&cells.slug).ok_or_else(|| refuse("slug", "is required"))?;
        let slug = slug("slug", text)?;
        let order = said(&cells.product_order).map(|text| {
            let rule = "must be manual, newest, name or best_selling";
            let order = text.parse::<ProductOrder>();
            order.map_err(|_| refuse("product_order", rule))
        });
        if !self.seen.insert(Digest::of(slug.as_str())) {
            return Err(refuse("slug", "appears twice in the file"));
        }
        Ok(Row {
            slug,
            name: checked_text("name", &cells.name, 300)?,
            description: checked_text("description", &cells.description, 20_000)?,
            image: checked_text("image", &cells.image, 2_000)?,
            product_order: order.transpose()?,
            place: place(cells)?,
            custom: cells.custom.clone(),
            translations: translated::check(&cells.translations)?,
        })
    }

    fn apply(
        &mut self,
        conn: &mut PgConnection,
        rows: &[Row],
        _: &mut Summary,
        how: (bool, bool),
    ) -> Result<Applied, ImportError> {
        let imagined = &self.imagined;
        let applied = write_or_undo(conn, rows, how, |conn, rows| {
            writing::write(conn, rows, imagined)
        })?;
        let (is_dry, _) = how;
        if is_dry {
            let told = rows.iter().zip(&applied.outcomes);
            let made = told.filter(|(_, outcome)| **outcome == Outcome::Created);
            let made = made.map(|(row, _)| Digest::of(row.slug.as_str()));
            self.imagined.extend(made);
        }
        Ok(applied)
    }
}

fn slug(field: &'static str, text: &str) -> Result<Slug, Refusal> {
    let parsed = text.trim().parse();
    parsed.map_err(|error: domain::InvalidSlug| refuse(field, format!("`{text:.80}`: {error}")))
}

fn place(cells: &Cells) -> Result<Option<Place>, Refusal> {
    let position = whole("position", &cells.position, MAX_POSITION)?;
    if cells.parents.is_empty() {
        return Ok(position.map(Place::Root));
    }
    if position.is_some() {
        return Err(refuse(
            "position",
            "is that of a category at the top: it has parents",
        ));
    }
    if cells.parents.len() > MAX_PARENTS {
        return Err(refuse("parents", format!("must be at most {MAX_PARENTS}")));
    }
    let mut parents: Vec<(Slug, Option<i64>)> = Vec::new();
    for (text, position) in &cells.parents {
        let parent = slug("parents", text)?;
        if parents.iter().any(|(known, _)| *known == parent) {
            return Err(refuse("parents", format!("`{parent}` is named twice")));
        }
        let position = whole("parents", position, MAX_POSITION)?;
        parents.push((parent, position));
    }
    Ok(Some(Place::Below(parents)))
}
