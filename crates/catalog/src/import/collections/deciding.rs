//! Decides about the rows of a chunk, and writes what they say of collections.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text};
use domain::{CategoryId, CollectionId, Currency, ProductOrder};

use super::placing::{self, Members};
use super::{Digest, Row};
use crate::categories::CategoryError;
use crate::categories::paths::{self, Led, Missing, Path};
use crate::collections::editing::{self, CollectionChanges, NewCollection};
use crate::collections::{CollectionError, Rules};
use crate::import::kinds::Unwritten;
use crate::import::row::{Refusal, refuse};
use crate::import::{Outcome, finding};

db::statement! {
    /// Also those that are archived, whose slugs are taken. By id, as all who lock several of them do.
    struct LockCollections { slugs: Vec<String> => Array<Text> }
        -> (Text, BigInt, Text, Text, Text, Text, Nullable<Jsonb>, Bool) =
    "SELECT slug, id, name, description, image, product_order, rules, archived_at IS NOT NULL FROM catalog.collections \
      WHERE slug = ANY($1) ORDER BY id FOR NO KEY UPDATE"
}

/// A collection as it is by now.
#[derive(Debug, Queryable)]
struct Known {
    slug: String,
    #[diesel(deserialize_as = i64)]
    id: CollectionId,
    name: String,
    description: String,
    image: String,
    #[diesel(deserialize_as = String)]
    product_order: ProductOrder,
    rules: Option<Rules>,
    is_archived: bool,
}

/// New collections, and whether they have rules.
pub(super) type Made = Vec<(Digest, bool)>;

/// What is known while a chunk is decided.
struct Shop<'i> {
    currency: Currency,
    known: HashMap<String, Known>,
    led: Led,
    imagined: &'i HashMap<Digest, bool>,
    made: Made,
}

/// Writes rows that are checked, and tells what became of each, and what is new: also a collection whose row is refused for the product
/// that it names.
pub(super) fn write(
    conn: &mut PgConnection,
    rows: &[Row],
    currency: Currency,
    imagined: &HashMap<Digest, bool>,
) -> QueryResult<(Vec<Outcome>, Made)> {
    finding::begin(conn)?;
    let slugs = rows.iter().map(|row| row.slug.to_string()).collect();
    let known: Vec<Known> = LockCollections { slugs }.load(conn)?;
    let paths = rows.iter().filter_map(|row| row.rules.as_ref());
    let paths: Vec<Path> = paths.flat_map(|rules| rules.paths()).cloned().collect();
    let mut shop = Shop {
        currency,
        known: known
            .into_iter()
            .map(|one| (one.slug.clone(), one))
            .collect(),
        led: lead(conn, &paths)?,
        imagined,
        made: Vec::new(),
    };
    let mut outcomes = Vec::with_capacity(rows.len());
    let mut members = Members::find(conn, rows.iter().filter_map(|row| row.member.as_ref()))?;
    for (at, row) in rows.iter().enumerate() {
        let told = shop.describe(conn, row)?.and_then(|outcome| {
            let Some((sku, position)) = &row.member else {
                return Ok(outcome);
            };
            match shop.known.get(row.slug.as_str()) {
                Some(known) if known.rules.is_some() => Err(refuse(
                    "product",
                    "is not placed: rules say what is in the collection",
                )),
                Some(known) => members.name(at, known.id, sku, *position).map(|()| outcome),
                None => Ok(outcome),
            }
        });
        outcomes.push(told.unwrap_or_else(Outcome::Refused));
    }
    placing::place(conn, members, &mut outcomes)?;
    Ok((outcomes, shop.made))
}

/// The categories that rules name; none is made.
fn lead(conn: &mut PgConnection, paths: &[Path]) -> QueryResult<Led> {
    if paths.is_empty() {
        return Ok(Led::new());
    }
    let led = paths::lead(conn, paths, &HashMap::new(), Missing::Numbered(0));
    led.map_err(|error| match error {
        CategoryError::Db(error) => error,
        other => diesel::result::Error::QueryBuilderError(other.into()),
    })
}

impl Shop<'_> {
    fn describe(
        &mut self,
        conn: &mut PgConnection,
        row: &Row,
    ) -> QueryResult<Result<Outcome, Refusal>> {
        let rules = row.rules.as_ref().map(|rules| {
            let find = |path: &Path| {
                let id = self.led.get(path)?.as_ref().ok()?;
                CategoryId::try_from(*id).ok()
            };
            rules.read(self.currency, find)
        });
        let rules = match rules.transpose() {
            Ok(rules) => rules,
            Err(rule) => return Ok(Err(refuse("rules", rule))),
        };
        let written = match self.known.get(row.slug.as_str()) {
            Some(known) if known.is_archived => return Ok(Err(refuse("slug", "is archived"))),
            Some(known) => update(conn, known, row, rules),
            None => self.create(conn, row, rules),
        };
        match written {
            Ok((known, outcome)) => {
                if let (Some(new), Outcome::Created) = (&known, &outcome) {
                    self.made
                        .push((Digest::of(new.slug.as_str()), new.rules.is_some()));
                }
                let new = known.map(|known| (known.slug.clone(), known));
                self.known.extend(new);
                Ok(Ok(outcome))
            }
            Err(Unwritten::Refused(refusal)) => Ok(Err(refusal)),
            Err(Unwritten::Db(error)) => Err(error),
        }
    }

    fn create(
        &self,
        conn: &mut PgConnection,
        row: &Row,
        rules: Option<Rules>,
    ) -> Result<(Option<Known>, Outcome), Unwritten> {
        let imagined = self.imagined.get(&Digest::of(row.slug.as_str()));
        // As an earlier chunk would have made it: nothing of this stays.
        let placeholder = imagined.map(|_| row.slug.to_string());
        let rules = rules.or_else(|| imagined.filter(|has| **has).map(|_| Rules::any_stock()));
        let name = row.name.clone().or(placeholder);
        let name = name.ok_or_else(|| refuse("name", "is required where a collection begins"))?;
        let new = NewCollection {
            slug: row.slug.clone(),
            name,
            description: row.description.clone().unwrap_or_default(),
            image: row.image.clone().unwrap_or_default(),
            product_order: row.product_order,
            rules,
        };
        let known = |id, new: &NewCollection| Known {
            slug: new.slug.to_string(),
            id,
            name: new.name.clone(),
            description: new.description.clone(),
            image: new.image.clone(),
            product_order: new.order(),
            rules: new.rules.clone(),
            is_archived: false,
        };
        let made = conn.transaction(|conn| editing::create(conn, new.clone(), None));
        let made = known(made.map_err(not_written)?, &new);
        let outcome = match imagined {
            Some(_) => Outcome::Updated,
            None => Outcome::Created,
        };
        Ok((Some(made), outcome))
    }
}

fn update(
    conn: &mut PgConnection,
    known: &Known,
    row: &Row,
    rules: Option<Rules>,
) -> Result<(Option<Known>, Outcome), Unwritten> {
    let new = |said: &Option<String>, now: &String| said.clone().filter(|said| said != now.trim());
    let changes = CollectionChanges {
        slug: None,
        name: new(&row.name, &known.name),
        description: new(&row.description, &known.description),
        image: new(&row.image, &known.image),
        product_order: row
            .product_order
            .filter(|said| *said != known.product_order),
        rules: rules.filter(|rules| known.rules.as_ref() != Some(rules)),
    };
    if changes == CollectionChanges::default() {
        return Ok((None, Outcome::Unchanged));
    }
    let is = Known {
        slug: known.slug.clone(),
        id: known.id,
        name: changes.name.clone().unwrap_or_else(|| known.name.clone()),
        description: changes
            .description
            .clone()
            .unwrap_or_else(|| known.description.clone()),
        image: changes.image.clone().unwrap_or_else(|| known.image.clone()),
        product_order: changes.product_order.unwrap_or(known.product_order),
        rules: changes.rules.clone().or_else(|| known.rules.clone()),
        is_archived: false,
    };
    editing::update(conn, known.id, changes, None, None).map_err(not_written)?;
    Ok((Some(is), Outcome::Updated))
}

fn not_written(error: CollectionError) -> Unwritten {
    Unwritten::Refused(match error {
        CollectionError::Db(error) => return Unwritten::Db(error),
        CollectionError::HasNoRules => refuse("rules", "are none of a list by hand, which it is"),
        CollectionError::ManualOrder => refuse("product_order", "what rules find has no places"),
        CollectionError::UnknownCategory(_) => refuse("rules", "name a category that is gone"),
        // Somebody else was faster.
        other => refuse("slug", format!("changed meanwhile: {other}")),
    })
}
