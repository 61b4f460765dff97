//! Writes one chunk of rows in one transaction.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use domain::{ProductId, VariantId};

use super::{ImportError, Outcome, Refusal, Row};
use crate::editing::{self, EditError, NewProduct};
use crate::stock::{self, Cause, Change};

/// What a known SKU looks like now.
#[derive(Clone, Debug, Queryable)]
struct Existing {
    sku: String,
    product_id: i64,
    variant_id: i64,
    archived: bool,
    /// Rows of other variants say nothing of the product.
    is_default: bool,
    name: String,
    description: String,
    image: String,
    /// The price in force in the row's currency.
    price_minor: Option<i64>,
    on_hand: i64,
    reserved: i64,
    /// The smallest count that keeps the promises made.
    least_on_hand: i64,
}

db::statement! {
    /// One chunk at a time: two imports that create the same SKUs in another order would deadlock.
    struct LockImports {} -> BigInt =
    "SELECT 1::bigint FROM pg_advisory_xact_lock(hashtextextended('catalog.import', 0))"
}

db::statement! {
    /// Locks products in id order, then stock in variant order, as every writer does.
    struct LockExisting { skus: Vec<String> => Array<Text> } -> BigInt =
    "WITH known AS MATERIALIZED ( \
       SELECT v.id AS variant_id FROM unnest($1::text[]) AS w (sku) \
         JOIN catalog.variants v ON v.sku = w.sku JOIN catalog.products p ON p.id = v.product_id \
        ORDER BY p.id FOR UPDATE OF p) \
     SELECT s.variant_id FROM known k \
       JOIN catalog.stock_levels s ON s.variant_id = k.variant_id AND s.location_id = 1 \
      ORDER BY s.variant_id FOR UPDATE OF s"
}

db::statement! {
    /// Not in the statement that waits for the locks: it would see prices as they were before.
    struct FindExisting { skus: Vec<String> => Array<Text>, currencies: Vec<&'static str> => Array<Text> }
        -> (Text, BigInt, BigInt, Bool, Bool, Text, Text, Text, Nullable<BigInt>, BigInt, BigInt, BigInt) =
    "SELECT v.sku, p.id, v.id, p.archived_at IS NOT NULL OR v.archived_at IS NOT NULL, v.is_default, p.name, p.description, p.image, \
            (SELECT amount_minor FROM catalog.prices WHERE variant_id = v.id AND currency = w.currency \
               AND valid_from <= statement_timestamp() ORDER BY valid_from DESC, id DESC LIMIT 1), \
            s.on_hand, s.reserved, s.reserved + s.safety - s.backorder_limit \
       FROM unnest($1::text[], $2::text[]) AS w (sku, currency) \
       JOIN catalog.variants v ON v.sku = w.sku JOIN catalog.products p ON p.id = v.product_id \
       JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1"
}

db::statement! {
    struct UpdateProducts {
        ids: Vec<i64> => Array<BigInt>,
        names: Vec<String> => Array<Text>,
        descriptions: Vec<String> => Array<Text>,
        images: Vec<String> => Array<Text>,
    } -> (BigInt, BigInt) =
    "UPDATE catalog.products p SET name = i.name, description = i.description, image = i.image, \
            version = version + 1, updated_at = now() \
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS i (id, name, description, image) \
      WHERE p.id = i.id RETURNING p.id, p.version"
}

db::statement! {
    struct InsertPrices {
        variant_ids: Vec<i64> => Array<BigInt>,
        currencies: Vec<&'static str> => Array<Text>,
        amounts: Vec<i64> => Array<BigInt>,
    } -> BigInt =
    "WITH set AS (INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
       SELECT i.*, clock_timestamp() FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS i RETURNING variant_id) \
     UPDATE catalog.variants v SET version = v.version + 1 FROM set WHERE v.id = set.variant_id RETURNING v.id"
}

pub(super) fn apply<'r>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = &'r Row>,
    dry_run: bool,
) -> Result<Vec<Outcome>, ImportError> {
    let rows: Vec<&Row> = rows.collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut attempts = 0;
    loop {
        let mut outcomes = Vec::new();
        let done = conn.transaction(|conn| {
            outcomes = write(conn, &rows)?;
            if dry_run {
                Err(EditError::Db(DieselError::RollbackTransaction))
            } else {
                Ok(())
            }
        });
        attempts += 1;
        match done {
            Ok(()) | Err(EditError::Db(DieselError::RollbackTransaction)) => return Ok(outcomes),
            // Somebody created one of the SKUs between our look and our write: look again.
            Err(EditError::SkuTaken) if attempts < 3 => {}
            Err(EditError::Db(error)) => return Err(error.into()),
            Err(other) => return Err(DieselError::QueryBuilderError(other.into()).into()),
        }
    }
}

fn write(conn: &mut PgConnection, rows: &[&Row]) -> Result<Vec<Outcome>, EditError> {
    let existing = find_existing(conn, rows)?;
    let mut created: Vec<NewProduct> = Vec::new();
    let mut updated: Vec<(&Row, &Existing)> = Vec::new();
    let outcomes = rows
        .iter()
        .map(|row| match existing.get(row.sku.as_str()) {
            None => {
                created.push(new_product(row));
                Outcome::Created
            }
            Some(found) => match judge(row, found) {
                Outcome::Updated => {
                    updated.push((row, found));
                    Outcome::Updated
                }
                other => other,
            },
        })
        .collect();
    if !created.is_empty() {
        editing::create_all(conn, &created, None)?;
    }
    if !updated.is_empty() {
        update(conn, &updated)?;
    }
    Ok(outcomes)
}

fn find_existing(conn: &mut PgConnection, rows: &[&Row]) -> QueryResult<HashMap<String, Existing>> {
    let skus: Vec<String> = rows.iter().map(|row| row.sku.as_str().to_owned()).collect();
    LockImports {}.execute(conn)?;
    LockExisting { skus: skus.clone() }.execute(conn)?;
    let statement = FindExisting {
        skus,
        currencies: rows.iter().map(|row| row.price.currency().code()).collect(),
    };
    let found: Vec<Existing> = statement.load(conn)?;
    Ok(found
        .into_iter()
        .map(|existing| (existing.sku.clone(), existing))
        .collect())
}

fn judge(row: &Row, found: &Existing) -> Outcome {
    let refuse = |field, message: String| Outcome::Refused(Refusal { field, message });
    let same_text = |new: &Option<String>, old: &String| new.as_ref().is_none_or(|new| new == old);
    if found.archived {
        return refuse("sku", "belongs to an archived product".into());
    }
    if row.on_hand.is_some_and(|units| units < found.least_on_hand) {
        return refuse(
            "on_hand",
            format!("{} units are reserved by open orders", found.reserved),
        );
    }
    let says_the_same = row.name == found.name
        && same_text(&row.description, &found.description)
        && same_text(&row.image, &found.image);
    let unchanged = (says_the_same || !found.is_default)
        && found.price_minor == Some(row.price.minor())
        && row.on_hand.is_none_or(|on_hand| on_hand == found.on_hand);
    if unchanged {
        Outcome::Unchanged
    } else {
        Outcome::Updated
    }
}

fn update(conn: &mut PgConnection, updated: &[(&Row, &Existing)]) -> QueryResult<()> {
    let texts = texts_of_products(updated);
    let versions: Vec<(i64, i64)> = UpdateProducts {
        ids: texts.keys().copied().collect(),
        names: texts.values().map(|[name, ..]| name.clone()).collect(),
        descriptions: texts.values().map(|[_, text, _]| text.clone()).collect(),
        images: texts.values().map(|[.., image]| image.clone()).collect(),
    }
    .load(conn)?;
    let repriced = || {
        updated
            .iter()
            .filter(|(row, f)| f.price_minor != Some(row.price.minor()))
    };
    InsertPrices {
        variant_ids: repriced().map(|(_, found)| found.variant_id).collect(),
        currencies: repriced()
            .map(|(row, _)| row.price.currency().code())
            .collect(),
        amounts: repriced().map(|(row, _)| row.price.minor()).collect(),
    }
    .execute(conn)?;
    recount(conn, updated)?;
    let products: Vec<(ProductId, i64)> = versions
        .into_iter()
        .filter_map(|(id, version)| Some((id.try_into().ok()?, version)))
        .collect();
    editing::announce(conn, &products, None)
}

/// Name, description and image of each product, once: the row of the default variant says them, and
/// without one they stay.
fn texts_of_products(updated: &[(&Row, &Existing)]) -> BTreeMap<i64, [String; 3]> {
    let mut texts = BTreeMap::new();
    for (row, found) in updated {
        let old = [&found.name, &found.description, &found.image].map(Clone::clone);
        if !found.is_default {
            texts.entry(found.product_id).or_insert(old);
            continue;
        }
        let [_, description, image] = old;
        let new = [
            row.name.clone(),
            row.description.clone().unwrap_or(description),
            row.image.clone().unwrap_or(image),
        ];
        texts.insert(found.product_id, new);
    }
    texts
}

fn recount(conn: &mut PgConnection, updated: &[(&Row, &Existing)]) -> QueryResult<()> {
    let changes: Vec<Change> = updated
        .iter()
        .filter_map(|(row, found)| {
            let on_hand = row.on_hand? - found.on_hand;
            let variant_id = VariantId::try_from(found.variant_id).ok()?;
            (on_hand != 0).then_some(Change {
                variant_id,
                on_hand,
                reserved: 0,
            })
        })
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    let cause = Cause {
        reason: "import",
        order_id: None,
        actor: None,
        note: None,
    };
    stock::adjust_all(conn, &changes, &cause).map_err(|error| match error {
        stock::StockError::Db(error) => error,
        // `judge` has compared with the levels, which are locked.
        other => DieselError::QueryBuilderError(other.into()),
    })
}

fn new_product(row: &Row) -> NewProduct {
    NewProduct {
        sku: row.sku.clone(),
        name: row.name.clone(),
        description: row.description.clone().unwrap_or_default(),
        image: row.image.clone().unwrap_or_default(),
        price: row.price,
        on_hand: row.on_hand.unwrap_or(0),
    }
}
