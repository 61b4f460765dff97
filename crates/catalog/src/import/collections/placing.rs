//! Puts products into collections by hand, many at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use domain::{CollectionId, ProductId, Sku};

use crate::categories::assigning::Assignment;
use crate::collections::{CollectionError, assigning};
use crate::import::Outcome;
use crate::import::row::{Refusal, refuse};

db::statement! {
    struct FindProducts { skus: Vec<String> => Array<Text> } -> (Text, BigInt, Bool) =
    "SELECT v.sku, v.product_id, v.archived_at IS NULL AND p.archived_at IS NULL \
       FROM unnest($1::text[]) AS w (sku) JOIN catalog.variants v ON v.sku = w.sku \
       JOIN catalog.products p ON p.id = v.product_id"
}

db::statement! {
    /// All of them before any collection gets its own, by id as everybody does.
    struct LockProducts { ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT id FROM catalog.products WHERE id = ANY($1) AND archived_at IS NULL ORDER BY id FOR SHARE"
}

db::statement! {
    struct ListPlaces { collection_ids: Vec<i64> => Array<BigInt>, product_ids: Vec<i64> => Array<BigInt> }
        -> (BigInt, BigInt, BigInt) =
    "SELECT cp.collection_id, cp.product_id, cp.position \
       FROM unnest($1::bigint[], $2::bigint[]) AS w (collection_id, product_id) \
       JOIN catalog.collection_products cp ON cp.collection_id = w.collection_id AND cp.product_id = w.product_id"
}

/// A product that a row puts into a collection.
struct Member {
    /// Of the row.
    at: usize,
    product: ProductId,
    position: Option<i64>,
}

/// What rows put into collections, by these.
pub(super) struct Members {
    by_sku: HashMap<String, (i64, bool)>,
    named: BTreeMap<CollectionId, Vec<Member>>,
    seen: HashSet<(CollectionId, ProductId)>,
}

impl Members {
    /// Finds the products that rows name.
    pub(super) fn find<'r>(
        conn: &mut PgConnection,
        named: impl Iterator<Item = &'r (Sku, Option<i64>)>,
    ) -> QueryResult<Self> {
        let skus: Vec<String> = named.map(|(sku, _)| sku.to_string()).collect();
        let found: Vec<(String, i64, bool)> = match skus.is_empty() {
            true => Vec::new(),
            false => FindProducts { skus }.load(conn)?,
        };
        let by_sku = found.into_iter();
        Ok(Self {
            by_sku: by_sku
                .map(|(sku, id, on_sale)| (sku, (id, on_sale)))
                .collect(),
            named: BTreeMap::new(),
            seen: HashSet::new(),
        })
    }

    /// Takes a product of a row into account.
    pub(super) fn name(
        &mut self,
        at: usize,
        collection: CollectionId,
        sku: &Sku,
        position: Option<i64>,
    ) -> Result<(), Refusal> {
        let unknown = || {
            refuse(
                "product",
                format!("`{sku}` is the SKU of no variant on sale"),
            )
        };
        let found = self
            .by_sku
            .get(sku.as_str())
            .filter(|(_, on_sale)| *on_sale);
        let (id, _) = found.ok_or_else(unknown)?;
        let product = ProductId::try_from(*id).map_err(|_| unknown())?;
        if !self.seen.insert((collection, product)) {
            let rule = format!("`{sku}` is a product that another row has put there");
            return Err(refuse("product", rule));
        }
        let members = self.named.entry(collection).or_default();
        members.push(Member {
            at,
            product,
            position,
        });
        Ok(())
    }
}

/// Puts all of them there, and says of rows that change something by it that they do.
pub(super) fn place(
    conn: &mut PgConnection,
    members: Members,
    outcomes: &mut [Outcome],
) -> QueryResult<()> {
    if members.named.is_empty() {
        return Ok(());
    }
    let all = members.named.iter();
    let pairs = all.flat_map(|(id, all)| all.iter().map(|member| (id.get(), member.product.get())));
    let (collection_ids, product_ids): (Vec<i64>, Vec<i64>) = pairs.unzip();
    let ids = product_ids.clone();
    let locked: Vec<i64> = LockProducts { ids }.load(conn)?;
    let locked: HashSet<i64> = locked.into_iter().collect();
    let places = ListPlaces {
        collection_ids,
        product_ids,
    };
    let places: Vec<(i64, i64, i64)> = places.load(conn)?;
    let places: HashMap<(i64, i64), i64> = places
        .into_iter()
        .map(|(collection, product, position)| ((collection, product), position))
        .collect();
    for (collection, members) in members.named {
        let mut add = Vec::new();
        for member in members {
            let now = places.get(&(collection.get(), member.product.get()));
            if !locked.contains(&member.product.get()) {
                let rule = "changed meanwhile: it is archived";
                outcomes[member.at] = Outcome::Refused(refuse("product", rule));
                continue;
            }
            if now.is_some_and(|now| member.position.is_none_or(|wanted| wanted == *now)) {
                continue;
            }
            if outcomes[member.at] == Outcome::Unchanged {
                outcomes[member.at] = Outcome::Updated;
            }
            add.push(Assignment {
                product_id: member.product,
                position: member.position,
            });
        }
        // The end is behind those that come to places of their own.
        let (placed, last): (Vec<Assignment>, Vec<Assignment>) = add
            .into_iter()
            .partition(|member| member.position.is_some());
        for add in [placed, last] {
            if !add.is_empty() {
                let done = assigning::assign(conn, collection, &add, &[], None, None);
                done.map_err(not_assigned)?;
            }
        }
    }
    Ok(())
}

fn not_assigned(error: CollectionError) -> diesel::result::Error {
    match error {
        CollectionError::Db(error) => error,
        // The collection and the products are locked, and were looked at.
        other => diesel::result::Error::QueryBuilderError(other.into()),
    }
}
