//! What belongs to exported products and is a thing of its own: parts, products beside them, collections and pictures.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Jsonb, Text};
use serde_json::Value;

use super::Scope;
use crate::import::references::{Component, Image, NamedCollection};
use crate::media::{Hash, exchange};

/// What is beside a product; texts without the white space around them.
#[derive(Clone, Debug, Default)]
pub(super) struct Beside {
    /// By their slugs.
    pub collections: Vec<NamedCollection>,
    /// SKUs of default variants, in the order in which they are shown, as in the next two.
    pub related: Vec<String>,
    pub up_sell: Vec<String>,
    pub cross_sell: Vec<String>,
    /// In the order in which they are shown.
    pub images: Vec<Image>,
}

db::statement! {
    struct ListCollections { product_ids: Vec<i64> => Array<BigInt> } -> (BigInt, Text, Text) =
    "SELECT cp.product_id, c.slug, c.name FROM catalog.collection_products cp \
       JOIN catalog.collections c ON c.id = cp.collection_id AND c.archived_at IS NULL AND c.rules IS NULL \
      WHERE cp.product_id = ANY($1) ORDER BY c.slug COLLATE \"C\""
}

db::statement! {
    /// Those that are exported too: any other one would have no SKU in the file.
    struct ListRelated { on_sale_only: bool => Bool, product_ids: Vec<i64> => Array<BigInt> } -> (BigInt, Text, Text) =
    "SELECT r.product_id, r.relation, v.sku FROM catalog.related_products r \
       JOIN catalog.products p ON p.id = r.related_id AND p.archived_at IS NULL \
        AND (NOT $1 OR p.published_at <= now() AND p.unpublished_at > now()) \
       JOIN catalog.variants v ON v.product_id = p.id AND v.is_default \
      WHERE r.product_id = ANY($2) \
        AND EXISTS (SELECT FROM catalog.prices WHERE variant_id = v.id AND valid_from <= now()) \
      ORDER BY r.product_id, r.relation, r.position"
}

db::statement! {
    /// Variants that are archived are shown no more.
    struct ListPictures { product_ids: Vec<i64> => Array<BigInt> }
        -> (BigInt, Binary, Text, Text, Jsonb, Array<Text>) =
    "SELECT pm.product_id, coalesce(m.source_hash, m.hash), m.content_type, pm.alt, pm.alts, \
            ARRAY(SELECT v.sku FROM unnest(pm.variant_ids) WITH ORDINALITY AS w (id, place) \
                    JOIN catalog.variants v ON v.id = w.id AND v.archived_at IS NULL ORDER BY w.place) \
       FROM catalog.product_media pm JOIN catalog.media m ON m.id = pm.media_id \
      WHERE pm.product_id = ANY($1) ORDER BY pm.product_id, pm.position"
}

db::statement! {
    /// Those that are gone too: without one of its parts a bundle is another one.
    struct ListComponents { bundle_ids: Vec<i64> => Array<BigInt> } -> (BigInt, Text, BigInt) =
    "SELECT b.bundle_id, v.sku, b.quantity FROM catalog.bundle_parts b JOIN catalog.variants v ON v.id = b.part_id \
      WHERE b.bundle_id = ANY($1) ORDER BY b.bundle_id, b.position"
}

/// A picture of a product: its source, its type, what is said of it, also in other languages, and SKUs of what it shows.
type Picture = (i64, Vec<u8>, String, String, Value, Vec<String>);

/// Reads what is beside products.
pub(super) fn of(
    conn: &mut PgConnection,
    scope: Scope,
    ids: Vec<i64>,
) -> QueryResult<HashMap<i64, Beside>> {
    let mut all: HashMap<i64, Beside> = HashMap::new();
    let product_ids = ids.clone();
    let collections = ListCollections { product_ids };
    for (id, slug, name) in collections.load::<(i64, String, String)>(conn)? {
        let name = name.trim().to_owned();
        let collections = &mut all.entry(id).or_default().collections;
        collections.push(NamedCollection { slug, name });
    }
    let product_ids = ids.clone();
    let related = ListRelated {
        on_sale_only: scope == Scope::OnSale,
        product_ids,
    };
    for (id, relation, sku) in related.load::<(i64, String, String)>(conn)? {
        let beside = all.entry(id).or_default();
        match relation.as_str() {
            "up_sell" => beside.up_sell.push(sku),
            "cross_sell" => beside.cross_sell.push(sku),
            _ => beside.related.push(sku),
        }
    }
    let pictures = ListPictures { product_ids: ids };
    for (id, source, content_type, alt, alts, skus) in pictures.load::<Picture>(conn)? {
        let source = Hash::try_from(source)
            .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
        let images = &mut all.entry(id).or_default().images;
        let src = exchange::name_of_source(source, &content_type);
        let alt = alt.trim().to_owned();
        // It may have come twice.
        if !images.iter().any(|known| known.src == src) {
            let alts = texts(&alts);
            images.push(Image {
                src,
                alt,
                skus,
                alts,
            });
        }
    }
    Ok(all)
}

fn texts(alts: &Value) -> BTreeMap<String, String> {
    let alts = alts.as_object().into_iter().flatten();
    let texts =
        alts.filter_map(|(locale, alt)| Some((locale.clone(), alt.as_str()?.trim().to_owned())));
    texts.filter(|(_, alt)| !alt.is_empty()).collect()
}

/// Reads what bundles are made of.
pub(super) fn components(
    conn: &mut PgConnection,
    bundle_ids: Vec<i64>,
) -> QueryResult<HashMap<i64, Vec<Component>>> {
    let mut all: HashMap<i64, Vec<Component>> = HashMap::new();
    if bundle_ids.is_empty() {
        return Ok(all);
    }
    let components = ListComponents { bundle_ids };
    for (id, sku, quantity) in components.load::<(i64, String, i64)>(conn)? {
        all.entry(id).or_default().push(Component { sku, quantity });
    }
    Ok(all)
}
