//! Writes what was decided about a chunk: a fixed number of statements, however many rows.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text};
use domain::{Choices, LocationId, ProductId, VariantId, VariantKind};

use super::chunk::{Chunk, Plan};
use super::products::Target;
use super::row::Row;
use super::telling;
use crate::categories::filing;
use crate::custom_fields::{CustomField, writing};
use crate::editing::{self, EditError};
use crate::stock::{self, Cause, Change};
use crate::translations::{self, products::Texts};
use crate::variants::adding::{self, Addition};
use crate::variants::{Traits, as_json};

db::statement! {
    /// What is NULL stays.
    struct SetVariants {
        skus: Vec<String> => Array<Text>,
        choices: Vec<Option<serde_json::Value>> => Array<Nullable<Jsonb>>,
        titles: Vec<Option<String>> => Array<Nullable<Text>>,
        barcodes: Vec<Option<String>> => Array<Nullable<Text>>,
        weights: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        lengths: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        widths: Vec<Option<i64>> => Array<Nullable<BigInt>>,
        heights: Vec<Option<i64>> => Array<Nullable<BigInt>>,
    } -> BigInt =
    "UPDATE catalog.variants v SET choices = coalesce(i.choices, v.choices), title = coalesce(i.title, v.title), \
            barcode = coalesce(i.barcode, v.barcode), weight_grams = coalesce(i.weight, v.weight_grams), \
            length_mm = coalesce(i.length, v.length_mm), width_mm = coalesce(i.width, v.width_mm), \
            height_mm = coalesce(i.height, v.height_mm), version = v.version + 1 \
       FROM unnest($1::text[], $2::jsonb[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) \
         AS i (sku, choices, title, barcode, weight, length, width, height) \
      WHERE v.sku = i.sku RETURNING v.id"
}

db::statement! {
    /// In the order of the rows: where the preferred currency is missing, the newest price counts.
    struct InsertPrices {
        skus: Vec<String> => Array<Text>,
        currencies: Vec<&'static str> => Array<Text>,
        amounts: Vec<i64> => Array<BigInt>,
    } -> BigInt =
    "WITH set AS (INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
       SELECT v.id, i.currency, i.amount, clock_timestamp() \
         FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS i (sku, currency, amount, position) \
         JOIN catalog.variants v ON v.sku = i.sku ORDER BY i.position RETURNING variant_id) \
     UPDATE catalog.variants v SET version = v.version + 1 FROM set WHERE v.id = set.variant_id RETURNING v.id"
}

pub(super) fn write(conn: &mut PgConnection, chunk: &mut Chunk) -> Result<(), EditError> {
    let mut versions = telling::begin(conn, &chunk.plan.begun, &mut chunk.targets)?;
    add(conn, &chunk.plan, &chunk.targets)?;
    set(conn, &chunk.plan.set)?;
    versions.extend(telling::update(conn, &chunk.plan.begun, &chunk.targets)?);
    file(conn, &chunk.targets)?;
    keep(conn, &chunk.targets, &chunk.shop.fields)?;
    translate(conn, &chunk.targets)?;
    price(conn, &chunk.plan.priced)?;
    count(conn, &chunk.plan.counted)?;
    let version = |(id, version): (i64, i64)| Some((ProductId::try_from(id).ok()?, version));
    let versions: Vec<_> = versions.into_iter().filter_map(version).collect();
    Ok(editing::announce(conn, &versions, None)?)
}

fn add(conn: &mut PgConnection, plan: &Plan, targets: &[Target]) -> QueryResult<()> {
    if plan.added.is_empty() {
        return Ok(());
    }
    let mut begun = plan.begun.iter().peekable();
    let new: Vec<Addition> = plan
        .added
        .iter()
        .filter_map(|(at, row, choices)| {
            Some(Addition {
                product_id: targets[*at].id?,
                // The first one of a product that begins.
                is_default: begun.next_if_eq(&at).is_some(),
                sku: &row.sku,
                choices,
                price: row.price,
                // A bundle is physical until it has its parts, and nobody can have any of it.
                kind: row
                    .kind
                    .filter(|kind| *kind != VariantKind::Bundle)
                    .unwrap_or(VariantKind::Physical),
                on_hand: row.on_hand.unwrap_or(0),
                traits: &row.traits,
            })
        })
        .collect();
    adding::insert_all(conn, &new, None)?;
    Ok(())
}

/// Puts products into their categories, at the end of each, and out of those that are not named.
fn file(conn: &mut PgConnection, targets: &[Target]) -> QueryResult<()> {
    let (mut placed, mut removed) = (Vec::new(), Vec::new());
    for target in targets.iter().filter(|target| target.is_changed) {
        let Some(id) = target.id else { continue };
        let (now, before) = (&target.described.categories, &target.former_categories);
        placed.extend(now.difference(before).map(|category| (*category, id)));
        removed.extend(before.difference(now).map(|category| (*category, id)));
    }
    filing::file(conn, &placed, &removed, None)
}

/// Writes values of custom fields that are not what they were.
fn keep(conn: &mut PgConnection, targets: &[Target], fields: &[CustomField]) -> QueryResult<()> {
    let is_new = |target: &&Target| target.described.fields != target.former_fields;
    let changed = targets
        .iter()
        .filter(|target| target.is_changed)
        .filter(is_new);
    let values = changed.filter_map(|target| Some((target.id?, target.described.fields.clone())));
    writing::replace_values(conn, fields, values.collect())
}

/// Writes what is said in other languages than before, or otherwise.
fn translate(conn: &mut PgConnection, targets: &[Target]) -> QueryResult<()> {
    let changed = targets.iter().filter(|target| target.is_changed);
    let said = changed.filter_map(|target| {
        let former = &target.former_translations;
        let is_new = |locale: &String, texts: &Texts| former.get(locale) != Some(texts);
        let all = target.described.translations.iter();
        let new = all.filter(move |(locale, texts)| is_new(locale, texts));
        Some((target.id?, new))
    });
    let said = said.flat_map(|(id, new)| new.map(move |(locale, texts)| (id, locale, texts)));
    translations::products::write_all(conn, &said.collect::<Vec<_>>())
}

fn set(conn: &mut PgConnection, rows: &[(&Row, Option<Choices>)]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let traits = |field: fn(&Traits) -> Option<i64>| {
        rows.iter().map(|(row, _)| field(&row.traits)).collect()
    };
    SetVariants {
        skus: skus(rows.iter().map(|(row, _)| *row)),
        choices: rows.iter().map(|(_, c)| c.as_ref().map(as_json)).collect(),
        titles: rows
            .iter()
            .map(|(_, c)| c.as_ref().map(Choices::title))
            .collect(),
        barcodes: rows
            .iter()
            .map(|(row, _)| row.traits.barcode.clone())
            .collect(),
        weights: traits(|t| t.weight_grams),
        lengths: traits(|t| t.length_mm),
        widths: traits(|t| t.width_mm),
        heights: traits(|t| t.height_mm),
    }
    .execute(conn)?;
    Ok(())
}

fn price(conn: &mut PgConnection, rows: &[&Row]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    InsertPrices {
        skus: skus(rows.iter().copied()),
        currencies: rows.iter().map(|row| row.price.currency().code()).collect(),
        amounts: rows.iter().map(|row| row.price.minor()).collect(),
    }
    .execute(conn)?;
    Ok(())
}

fn count(conn: &mut PgConnection, counted: &[(i64, i64)]) -> QueryResult<()> {
    if counted.is_empty() {
        return Ok(());
    }
    let change = |(variant_id, on_hand): &(i64, i64)| {
        Some(Change {
            variant_id: VariantId::try_from(*variant_id).ok()?,
            location_id: LocationId::MAIN,
            on_hand: *on_hand,
            reserved: 0,
        })
    };
    let changes: Vec<Change> = counted.iter().filter_map(change).collect();
    let cause = Cause {
        reason: "import",
        order_id: None,
        actor: None,
        note: None,
    };
    stock::adjust_all(conn, &changes, &cause).map_err(|error| match error {
        stock::StockError::Db(error) => error,
        // The rows were compared with the levels, which are locked.
        other => DieselError::QueryBuilderError(other.into()),
    })
}

fn skus<'r>(rows: impl Iterator<Item = &'r Row>) -> Vec<String> {
    rows.map(|row| row.sku.as_str().to_owned()).collect()
}
