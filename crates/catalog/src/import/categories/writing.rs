//! Writes what rows say of categories, a row after the other.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use domain::{CategoryId, CustomResource, ProductOrder};
use serde_json::Map;

use super::telling::{self, not_written};
use super::{Digest, Place, Row};
use crate::categories::editing::{self, CategoryChanges, NewCategory};
use crate::categories::placing::{self, Parent};
use crate::categories::{self, filing};
use crate::custom_fields::attributes::{self, AttributeChanges};
use crate::custom_fields::{CustomField, writing};
use crate::import::custom;
use crate::import::kinds::Unwritten;
use crate::import::row::{Refusal, refuse};
use crate::import::{Outcome, finding};

const CATEGORY: CustomResource = CustomResource::Category;

db::statement! {
    /// Also those that are archived, whose slugs are taken.
    struct FindSlugs { slugs: Vec<String> => Array<Text> } -> (Text, BigInt, Bool) =
    "SELECT slug, id, archived_at IS NOT NULL FROM catalog.categories WHERE slug = ANY($1)"
}

/// What is known while a chunk is written.
struct Shop<'i> {
    /// By their slugs, and whether they are archived.
    known: HashMap<String, (CategoryId, bool)>,
    fields: Vec<CustomField>,
    imagined: &'i HashSet<Digest>,
}

/// Writes rows that are checked, and tells what became of each.
pub(super) fn write(
    conn: &mut PgConnection,
    rows: &[Row],
    imagined: &HashSet<Digest>,
) -> QueryResult<Vec<Outcome>> {
    finding::begin(conn)?;
    // Each savepoint in which the graph is locked once more makes that lock dearer, so there are some only where a row is
    // refused and has to be taken back.
    let together = conn.transaction(|conn| {
        let mut shop = Shop::look(conn, rows, imagined)?;
        let each = rows.iter().map(|row| shop.take(conn, row));
        each.collect::<Result<Vec<Outcome>, Unwritten>>()
    });
    match together {
        Ok(outcomes) => return Ok(outcomes),
        Err(Unwritten::Db(error)) => return Err(error),
        Err(Unwritten::Refused(_)) => {}
    }
    let mut shop = Shop::look(conn, rows, imagined)?;
    let each = rows.iter().map(|row| {
        let taken = conn.transaction(|conn| shop.take(conn, row));
        match taken {
            Ok(outcome) => Ok(outcome),
            Err(Unwritten::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
            Err(Unwritten::Db(error)) => Err(error),
        }
    });
    each.collect()
}

impl<'i> Shop<'i> {
    /// Reads what rows are about, and locks it.
    fn look(
        conn: &mut PgConnection,
        rows: &[Row],
        imagined: &'i HashSet<Digest>,
    ) -> QueryResult<Self> {
        // The graph comes before any category, and these by their ids.
        categories::lock_tree(conn)?;
        let own = rows.iter().map(|row| row.slug.to_string());
        let above = rows.iter().filter_map(|row| match &row.place {
            Some(Place::Below(parents)) => Some(parents),
            _ => None,
        });
        let above = above.flatten().map(|(slug, _)| slug.to_string());
        let slugs = own.chain(above).collect();
        let found: Vec<(String, i64, bool)> = FindSlugs { slugs }.load(conn)?;
        let known = found.into_iter().filter_map(|(slug, id, is_archived)| {
            Some((slug, (CategoryId::try_from(id).ok()?, is_archived)))
        });
        let mut shop = Shop {
            known: known.collect(),
            fields: Vec::new(),
            imagined,
        };
        let ids = rows
            .iter()
            .filter_map(|row| shop.known.get(row.slug.as_str()));
        let ids: BTreeSet<i64> = ids.map(|(id, _)| id.get()).collect();
        filing::lock(conn, &ids)?;
        shop.fields = writing::share(conn, CATEGORY)?;
        Ok(shop)
    }

    fn take(&mut self, conn: &mut PgConnection, row: &Row) -> Result<Outcome, Unwritten> {
        let (id, outcome) = self.write(conn, row)?;
        self.known.insert(row.slug.to_string(), (id, false));
        Ok(outcome)
    }

    fn write(
        &self,
        conn: &mut PgConnection,
        row: &Row,
    ) -> Result<(CategoryId, Outcome), Unwritten> {
        let place = row.place.as_ref().map(|place| self.place(place));
        let place = place.transpose()?;
        match self.known.get(row.slug.as_str()) {
            Some((_, true)) => Err(refuse("slug", "is archived").into()),
            Some((id, false)) => {
                let mut is_new = self.update(conn, *id, row)?;
                is_new |= move_to(conn, *id, (row, place))?;
                is_new |= telling::translate(conn, *id, &row.translations, &self.fields)?;
                let outcome = match is_new {
                    true => Outcome::Updated,
                    false => Outcome::Unchanged,
                };
                Ok((*id, outcome))
            }
            None => {
                let id = self.create(conn, row, place)?;
                telling::translate(conn, id, &row.translations, &self.fields)?;
                Ok((id, Outcome::Created))
            }
        }
    }

    /// The categories that it is to be below. Those that a dry run would have made are left out.
    fn place(&self, place: &Place) -> Result<placing::Place, Refusal> {
        let parents = match place {
            Place::Root(position) => return Ok(placing::Place::Root(Some(*position))),
            Place::Below(parents) => parents,
        };
        let mut below = Vec::new();
        for (slug, position) in parents {
            match self.known.get(slug.as_str()) {
                Some((id, false)) => below.push(Parent {
                    id: *id,
                    position: *position,
                }),
                _ if self.imagined.contains(&Digest::of(slug.as_str())) => {}
                _ => {
                    let rule = format!("`{slug}` is the slug of no category");
                    return Err(refuse("parents", rule));
                }
            }
        }
        Ok(match below.is_empty() {
            true => placing::Place::Root(None),
            false => placing::Place::Below(below),
        })
    }

    fn create(
        &self,
        conn: &mut PgConnection,
        row: &Row,
        place: Option<placing::Place>,
    ) -> Result<CategoryId, Unwritten> {
        let missing = || refuse("name", "is required where a category begins");
        let mut values = Map::new();
        for (key, cell) in &row.custom {
            custom::set(&mut values, &self.fields, key, cell)?;
        }
        let new = NewCategory {
            slug: row.slug.clone(),
            name: row.name.clone().ok_or_else(missing)?,
            description: row.description.clone().unwrap_or_default(),
            image: row.image.clone().unwrap_or_default(),
            product_order: row.product_order.unwrap_or(ProductOrder::Manual),
            place: place.unwrap_or(placing::Place::Root(None)),
            attributes: AttributeChanges {
                values,
                ..AttributeChanges::default()
            },
        };
        editing::create(conn, new, None).map_err(|error| not_written(error, row.place.as_ref()))
    }

    fn update(
        &self,
        conn: &mut PgConnection,
        id: CategoryId,
        row: &Row,
    ) -> Result<bool, Unwritten> {
        let known = categories::find(conn, id)?;
        let known = known.ok_or_else(|| refuse("slug", "changed meanwhile; try again"))?;
        let kept = match row.custom.is_empty() {
            true => Map::new(),
            false => attributes::find(conn, CATEGORY, id.get())?.all_values(),
        };
        let mut values = Map::new();
        for (key, cell) in &row.custom {
            custom::set(&mut values, &self.fields, key, cell)?;
        }
        values.retain(|key, value| kept.get(key) != Some(value));
        let new = |said: &Option<String>, now: &String| {
            let said = said.as_ref().filter(|said| *said != now.trim());
            said.cloned()
        };
        let changes = CategoryChanges {
            slug: None,
            name: new(&row.name, &known.name),
            description: new(&row.description, &known.description),
            image: new(&row.image, &known.image),
            product_order: row
                .product_order
                .filter(|said| *said != known.product_order),
            attributes: AttributeChanges {
                values,
                ..AttributeChanges::default()
            },
        };
        if changes == CategoryChanges::default() {
            return Ok(false);
        }
        let updated = editing::update(conn, id, changes, None, None);
        updated.map_err(|error| not_written(error, row.place.as_ref()))?;
        Ok(true)
    }
}

/// Puts a category where it is to stand, unless it stands there.
fn move_to(
    conn: &mut PgConnection,
    id: CategoryId,
    (row, place): (&Row, Option<placing::Place>),
) -> Result<bool, Unwritten> {
    let Some(place) = place else { return Ok(false) };
    let now = categories::parents(conn, id)?;
    let is_there = match &place {
        placing::Place::Below(parents) => {
            let same = |(wanted, now): (&Parent, &categories::CategoryRef)| {
                wanted.id == now.id && wanted.position.is_none_or(|at| at == now.position)
            };
            parents.len() == now.len() && parents.iter().zip(&now).all(same)
        }
        placing::Place::Root(position) => {
            let root = categories::find(conn, id)?.and_then(|category| category.root_position);
            root.is_some() && (position.is_none() || root == *position)
        }
    };
    if is_there {
        return Ok(false);
    }
    let placed = placing::place(conn, id, &place, None, None);
    placed.map_err(|error| not_written(error, row.place.as_ref()))?;
    Ok(true)
}
