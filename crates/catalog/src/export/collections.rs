//! Collections with the products that somebody has put into them.

use std::collections::HashMap;
use std::io::Write;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text};
use serde::Serialize;

use super::{ExportError, Form};
use crate::categories::paths::{self, Path};
use crate::collections::Rules;
use crate::collections::spelt::SpeltRules;
use crate::import::COLLECTION_COLUMNS;

/// Collections that are read at a time.
const PAGE: i64 = 20;
/// Products of one of them that are read at a time, and that are on one line.
const MEMBERS: i64 = 1_000;

db::statement! {
    /// By their slugs, which are the same in every shop.
    struct ListCollections { after: String => Text, limit: i64 => BigInt }
        -> (BigInt, Text, Text, Text, Text, Text, Nullable<Jsonb>) =
    "SELECT id, slug, name, description, image, product_order, rules FROM catalog.collections \
      WHERE archived_at IS NULL AND slug COLLATE \"C\" > $1 ORDER BY slug COLLATE \"C\" LIMIT $2"
}

db::statement! {
    /// The first ones of each collection, behind a place. Those that files of products have: any other one would have no SKU.
    struct ListMembers {
        collection_ids: Vec<i64> => Array<BigInt>,
        position: i64 => BigInt,
        product_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, BigInt, BigInt, Text) =
    "SELECT w.id, m.position, m.product_id, m.sku FROM unnest($1::bigint[]) WITH ORDINALITY AS w (id, number) \
      CROSS JOIN LATERAL (SELECT cp.position, cp.product_id, v.sku FROM catalog.collection_products cp \
           JOIN catalog.products p ON p.id = cp.product_id AND p.archived_at IS NULL \
           JOIN catalog.variants v ON v.product_id = p.id AND v.is_default \
          WHERE cp.collection_id = w.id AND (cp.position, cp.product_id) > ($2, $3) \
            AND EXISTS (SELECT FROM catalog.prices WHERE variant_id = v.id AND valid_from <= now()) \
          ORDER BY cp.position, cp.product_id LIMIT $4) m ORDER BY w.number, m.position, m.product_id"
}

#[derive(Debug, Queryable)]
struct Collection {
    id: i64,
    slug: String,
    name: String,
    description: String,
    image: String,
    product_order: String,
    rules: Option<Rules>,
}

/// A product in a collection.
struct Member {
    position: i64,
    product_id: i64,
    sku: String,
}

/// An object of the NDJSON form; what says nothing is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'c> {
    slug: &'c str,
    #[serde(flatten)]
    about: Option<&'c About<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    products: Vec<Product<'c>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    image: &'c str,
    product_order: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<SpeltRules>,
}

#[derive(Serialize)]
struct Product<'c> {
    sku: &'c str,
    position: i64,
}

/// Writes all of them, and tells how many rows these are.
pub(super) fn write(
    conn: &mut PgConnection,
    form: Form,
    file: &mut impl Write,
) -> Result<u64, ExportError> {
    match form {
        Form::Csv => {
            let mut file = csv::Writer::from_writer(file);
            file.write_record(COLLECTION_COLUMNS)?;
            let rows = walk(conn, |slug, about, members| {
                table(&mut file, slug, about, members)
            })?;
            file.flush()?;
            Ok(rows)
        }
        Form::Ndjson => walk(conn, |slug, about, members| {
            let products = members.iter().map(|member| Product {
                sku: &member.sku,
                position: member.position,
            });
            let line = Line {
                slug,
                about,
                products: products.collect(),
            };
            serde_json::to_writer(&mut *file, &line).map_err(std::io::Error::from)?;
            Ok(file.write_all(b"\n")?)
        }),
    }
}

/// Tells of some products of a collection at a time, and with the first ones of what else it is.
fn walk(
    conn: &mut PgConnection,
    mut tell: impl FnMut(&str, Option<&About>, &[Member]) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let paths: HashMap<i64, Path> = paths::list(conn)?.into_iter().collect();
    let (mut after, mut rows) = (String::new(), 0);
    loop {
        let limit = PAGE;
        let page: Vec<Collection> = ListCollections { after, limit }.load(conn)?;
        let Some(last) = page.last() else {
            return Ok(rows);
        };
        after = last.slug.clone();
        let by_hand = page.iter().filter(|one| one.rules.is_none());
        let mut members = members(conn, by_hand.map(|one| one.id).collect(), (-1, 0))?;
        for collection in page {
            let rules = collection.rules.as_ref();
            let about = About {
                name: collection.name.trim(),
                description: collection.description.trim(),
                image: collection.image.trim(),
                product_order: &collection.product_order,
                rules: rules.map(|rules| SpeltRules::of(rules, &paths)),
            };
            let mut some = members.remove(&collection.id).unwrap_or_default();
            tell(&collection.slug, Some(&about), &some)?;
            rows += u64::try_from(some.len().max(1)).unwrap_or_default();
            while let Some(last) = some.last().filter(|_| is_full(&some)) {
                let behind = (last.position, last.product_id);
                let mut more = self::members(conn, vec![collection.id], behind)?;
                some = more.remove(&collection.id).unwrap_or_default();
                if !some.is_empty() {
                    tell(&collection.slug, None, &some)?;
                    rows += u64::try_from(some.len()).unwrap_or_default();
                }
            }
        }
    }
}

fn is_full(members: &[Member]) -> bool {
    i64::try_from(members.len()).is_ok_and(|all| all >= MEMBERS)
}

fn members(
    conn: &mut PgConnection,
    collection_ids: Vec<i64>,
    (position, product_id): (i64, i64),
) -> QueryResult<HashMap<i64, Vec<Member>>> {
    let mut members: HashMap<i64, Vec<Member>> = HashMap::new();
    if collection_ids.is_empty() {
        return Ok(members);
    }
    let list = ListMembers {
        collection_ids,
        position,
        product_id,
        limit: MEMBERS,
    };
    for (id, position, product_id, sku) in list.load::<(i64, i64, i64, String)>(conn)? {
        members.entry(id).or_default().push(Member {
            position,
            product_id,
            sku,
        });
    }
    Ok(members)
}

/// A row for each product, the first one of which tells of the collection.
fn table(
    file: &mut csv::Writer<impl Write>,
    slug: &str,
    about: Option<&About>,
    members: &[Member],
) -> Result<(), ExportError> {
    let rules = about.and_then(|about| about.rules.as_ref());
    let rules = rules.map(serde_json::to_string).transpose();
    let rules = rules.map_err(std::io::Error::from)?;
    let mut first = about.map(|about| {
        let rules = rules.as_deref().unwrap_or_default();
        let About {
            name,
            description,
            image,
            product_order,
            ..
        } = *about;
        [name, description, image, product_order, rules]
    });
    if members.is_empty() {
        let about = first.take().unwrap_or_default();
        file.write_record([slug].into_iter().chain(about).chain(["", ""]))?;
    }
    for Member { position, sku, .. } in members {
        let about = first.take().unwrap_or_default();
        let member = [sku.as_str(), &position.to_string()];
        file.write_record([slug].into_iter().chain(about).chain(member))?;
    }
    Ok(())
}
