//! Categories by the names on the way to them, as files spell them.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use domain::{CategoryId, ProductOrder, Slug};

use super::editing::{self, NewCategory};
use super::lock::lock_tree;
use super::placing::{Parent, Place};
use super::{CategoryError, MAX_DEPTH};
use crate::custom_fields::attributes::AttributeChanges;

/// The names from a root down to a category.
pub type Path = Vec<String>;

/// Which category each path leads to, or why it leads to none.
pub type Led = HashMap<Path, Result<i64, &'static str>>;

db::statement! {
    /// The first one of the name among the children of a category, or among the roots for 0.
    struct FindByNames { parents: Vec<i64> => Array<BigInt>, names: Vec<String> => Array<Text> } -> (BigInt, BigInt) =
    "SELECT w.number - 1, c.id FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS w (parent_id, name, number) \
      CROSS JOIN LATERAL ( \
           (SELECT id, root_position AS position FROM catalog.categories \
             WHERE w.parent_id = 0 AND root_position IS NOT NULL AND archived_at IS NULL AND btrim(name) = w.name) \
             UNION ALL \
           (SELECT k.id, e.position FROM catalog.category_parents e JOIN catalog.categories k ON k.id = e.category_id \
             WHERE e.parent_id = w.parent_id AND k.archived_at IS NULL AND btrim(k.name) = w.name) \
           ORDER BY position, id LIMIT 1) c"
}

db::statement! {
    struct FindSlugs { slug: String => Text } -> Text =
    "SELECT slug FROM catalog.categories WHERE slug = $1 OR slug LIKE $1 || '-%'"
}

db::statement! {
    /// All that are not archived, each by the path through the first parent of each.
    struct ListPaths {} -> (BigInt, Array<Text>) =
    "WITH RECURSIVE above (category_id, parent_id) AS ( \
       SELECT DISTINCT ON (category_id) category_id, parent_id FROM catalog.category_parents \
        ORDER BY category_id, rank, parent_id \
     ), tree (id, names) AS ( \
       SELECT id, ARRAY[btrim(name)] FROM catalog.categories WHERE root_position IS NOT NULL AND archived_at IS NULL \
        UNION ALL \
       SELECT c.id, tree.names || btrim(c.name) FROM tree JOIN above ON above.parent_id = tree.id \
         JOIN catalog.categories c ON c.id = above.category_id AND c.archived_at IS NULL \
        WHERE cardinality(tree.names) < 20 \
     ) SELECT id, names FROM tree"
}

/// Lists all categories with their paths.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection) -> QueryResult<Vec<(i64, Path)>> {
    ListPaths {}.load(conn)
}

/// What becomes of a category that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is made, in the order of the paths.
    Made,
    /// It gets a number that is no category's: the ones below this one, which is not above zero.
    Numbered(i64),
}

/// Finds the categories that paths lead to, going on from what is known already. Where several children of a category
/// have the same name, the first of them is meant.
///
/// # Errors
///
/// [`CategoryError::SlugTaken`] where somebody takes a slug meanwhile, and those of the database.
pub fn lead(
    conn: &mut PgConnection,
    paths: &[Path],
    known: &HashMap<Path, i64>,
    missing_ones: Missing,
) -> Result<Led, CategoryError> {
    let (mut led, mut number) = (Led::new(), 0);
    for level in 1..=MAX_DEPTH {
        let mut seen = HashSet::new();
        let prefixes = paths.iter().filter_map(|path| path.get(..level));
        let prefixes: Vec<&[String]> = prefixes.filter(|prefix| seen.insert(*prefix)).collect();
        let mut missing = Vec::new();
        for prefix in prefixes {
            match (known.get(prefix), parent(&led, prefix)) {
                (Some(id), _) => drop(led.insert(prefix.to_vec(), Ok(*id))),
                (None, Ok(parent)) => missing.push((prefix, parent)),
                (None, Err(error)) => drop(led.insert(prefix.to_vec(), Err(error))),
            }
        }
        find(conn, &mut missing, &mut led)?;
        if missing_ones == Missing::Made && !missing.is_empty() {
            lock_tree(conn)?;
            find(conn, &mut missing, &mut led)?; // somebody may have made it before we had the lock
        }
        for (prefix, parent) in missing {
            let made = match missing_ones {
                Missing::Made => create(conn, prefix, parent)?,
                Missing::Numbered(last) => {
                    number += 1;
                    Ok(last - number)
                }
            };
            led.insert(prefix.to_vec(), made);
        }
    }
    Ok(led)
}

/// The category that the last name is looked for in; 0 for none.
fn parent(led: &Led, prefix: &[String]) -> Result<i64, &'static str> {
    match prefix {
        [] | [_] => Ok(0),
        [above @ .., _] => led.get(above).copied().unwrap_or(Ok(0)),
    }
}

/// Takes those that are there out of the missing ones.
fn find(
    conn: &mut PgConnection,
    missing: &mut Vec<(&[String], i64)>,
    led: &mut Led,
) -> QueryResult<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let last = |prefix: &[String]| prefix.last().cloned().unwrap_or_default();
    let statement = FindByNames {
        parents: missing.iter().map(|(_, parent)| *parent).collect(),
        names: missing.iter().map(|(prefix, _)| last(prefix)).collect(),
    };
    let found: HashMap<i64, i64> = statement.load::<(i64, i64)>(conn)?.into_iter().collect();
    let mut number = 0;
    missing.retain(|(prefix, _)| {
        let id = found.get(&number);
        number += 1;
        led.extend(id.map(|id| (prefix.to_vec(), Ok(*id))));
        id.is_none()
    });
    Ok(())
}

fn create(
    conn: &mut PgConnection,
    path: &[String],
    parent: i64,
) -> Result<Result<i64, &'static str>, CategoryError> {
    let name = path.last().cloned().unwrap_or_default();
    let place = match CategoryId::try_from(parent) {
        Err(_) => Place::Root(None),
        Ok(id) => Place::Below(vec![Parent { id, position: None }]),
    };
    let new = NewCategory {
        slug: free_slug(conn, &name)?,
        name,
        description: String::new(),
        image: String::new(),
        product_order: ProductOrder::Manual,
        place,
        attributes: AttributeChanges::default(),
    };
    match editing::create(conn, new, None) {
        Ok(id) => Ok(Ok(id.get())),
        Err(CategoryError::TooDeep(_)) => Ok(Err("are too deep in the shop")),
        // Gone between the look for it and the lock of the graph.
        Err(CategoryError::UnknownParent(_)) => Ok(Err("changed meanwhile; try again")),
        Err(CategoryError::Fault(_)) => Ok(Err(
            "are new, and categories have to have a custom field that a file has no place for",
        )),
        Err(error) => Err(error),
    }
}

/// A slug that no category has: the name's, with a number where it is taken.
fn free_slug(conn: &mut PgConnection, name: &str) -> Result<Slug, CategoryError> {
    let base = Slug::from_title(name).map_or_else(|| "category".to_owned(), |s| s.to_string());
    let base = &base[..base.len().min(Slug::MAX_LEN - 8)];
    let base = base.trim_end_matches('-').to_owned();
    let taken = FindSlugs { slug: base.clone() };
    let taken: HashSet<String> = taken.load::<String>(conn)?.into_iter().collect();
    let numbered = (2..).map(|number: u64| format!("{base}-{number}"));
    let mut slugs = std::iter::once(base.clone()).chain(numbered);
    let free = slugs.find(|slug| !taken.contains(slug));
    free.and_then(|slug| slug.parse().ok())
        .ok_or(CategoryError::SlugTaken)
}
