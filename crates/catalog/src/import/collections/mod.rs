//! Collections, and what is in those without rules.
//!
//! A row tells of its collection, of one product in it, or of both, and knows nothing of the rows before it: so a collection may be as
//! large as it likes. What a row does not say stays.

mod deciding;
mod placing;
mod reading;

use std::collections::{HashMap, HashSet};

use diesel::PgConnection;
use domain::{Currency, ProductOrder, Sku, Slug};

pub(crate) use reading::COLUMNS;
pub(super) use reading::{member, read, read_lines};

use super::apply::Applied;
use super::custom::Cell;
use super::kinds::{Kind, write_or_undo};
use super::memory::Digest;
use super::row::{Cells, Refusal, checked_text, refuse, said, whole};
use super::{ImportError, Summary};
use crate::categories::MAX_POSITION;
use crate::collections::spelt::SpeltRules;

/// A row as it is checked without the shop.
pub(super) struct Row {
    slug: Slug,
    name: Option<String>,
    description: Option<String>,
    image: Option<String>,
    product_order: Option<ProductOrder>,
    rules: Option<SpeltRules>,
    /// By a SKU, and the place it is to have.
    member: Option<(Sku, Option<i64>)>,
}

/// Collections, with the currency of the prices in their rules.
pub(super) struct Collections {
    shop: Currency,
    /// Products of collections that rows have named.
    seen: HashSet<Digest>,
    /// What would have been made by earlier chunks, if anything were written, and whether it has rules.
    imagined: HashMap<Digest, bool>,
}

impl Collections {
    pub(super) fn new(shop: Currency) -> Self {
        Self {
            shop,
            seen: HashSet::new(),
            imagined: HashMap::new(),
        }
    }
}

impl Kind for Collections {
    type Row = Row;

    fn check(&mut self, cells: &Cells) -> Result<Row, Refusal> {
        let slug = slug(&cells.slug)?;
        let order = said(&cells.product_order).map(|text| {
            let rule = "must be manual, newest, name or best_selling";
            let order = text.parse::<ProductOrder>();
            order.map_err(|_| refuse("product_order", rule))
        });
        let sku = said(&cells.member).map(|text| {
            let sku = Sku::try_from(text);
            sku.map_err(|error| refuse("product", format!("`{text:.80}`: {error}")))
        });
        let position = whole("position", &cells.position, MAX_POSITION)?;
        let member = match (sku.transpose()?, position) {
            (Some(sku), position) => Some((sku, position)),
            (None, None) => None,
            (None, Some(_)) => return Err(refuse("product", "is required beside a position")),
        };
        if let Some((sku, _)) = &member
            && !self.seen.insert(Digest::of((slug.as_str(), sku.as_str())))
        {
            return Err(refuse("product", "appears twice in the collection"));
        }
        Ok(Row {
            slug,
            name: checked_text("name", &cells.name, 300)?,
            description: checked_text("description", &cells.description, 20_000)?,
            image: checked_text("image", &cells.image, 2_000)?,
            product_order: order.transpose()?,
            rules: cells.rules.as_ref().map(rules).transpose()?.flatten(),
            member,
        })
    }

    fn apply(
        &mut self,
        conn: &mut PgConnection,
        rows: &[Row],
        _: &mut Summary,
        how: (bool, bool),
    ) -> Result<Applied, ImportError> {
        let (shop, imagined) = (self.shop, &self.imagined);
        let mut made = Vec::new();
        let applied = write_or_undo(conn, rows, how, |conn, rows| {
            let (outcomes, new) = deciding::write(conn, rows, shop, imagined)?;
            made = new;
            Ok(outcomes)
        })?;
        let (is_dry, _) = how;
        if is_dry {
            self.imagined.extend(made);
        }
        Ok(applied)
    }
}

/// A slug that cannot be taken for an id.
fn slug(text: &str) -> Result<Slug, Refusal> {
    let text = said(text).ok_or_else(|| refuse("slug", "is required"))?;
    let slug: Slug = text
        .parse()
        .map_err(|error: domain::InvalidSlug| refuse("slug", error.to_string()))?;
    if !slug.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(refuse("slug", "must have a letter"));
    }
    Ok(slug)
}

fn rules(cell: &Cell) -> Result<Option<SpeltRules>, Refusal> {
    if cell.is_empty() {
        return Ok(None);
    }
    let read = match cell {
        Cell::Text(text) => serde_json::from_str(text),
        Cell::Json(value) => serde_json::from_value(value.clone()),
    };
    let wrong = |error: serde_json::Error| refuse("rules", format!("are no rules: {error}"));
    let rules: SpeltRules = read.map_err(wrong)?;
    rules.check().map_err(|rule| refuse("rules", rule))?;
    Ok(Some(rules))
}
