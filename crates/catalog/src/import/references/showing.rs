//! What a product is in, what it is shown beside, and which pictures it has.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use domain::{CollectionId, Locale, MediaId, ProductId, ProductRelation, Slug};

use super::linking::{Names, UNKNOWN, Undo};
use super::pictures::Picture;
use super::{Image, NamedCollection};
use crate::categories::assigning::Assignment;
use crate::collections::editing::{self as collections, NewCollection};
use crate::collections::{CollectionError, assigning};
use crate::editing::EditError;
use crate::import::row::refuse;
use crate::media::products::{self as media, SetError, Wanted};
use crate::media::wanted;
use crate::products::related::{self, RelateError};
use crate::translations::MAX_LOCALES;

db::statement! {
    struct FindCollections { slugs: Vec<String> => Array<Text> } -> (Text, BigInt, Bool, Bool) =
    "SELECT slug, id, rules IS NOT NULL, archived_at IS NOT NULL FROM catalog.collections WHERE slug = ANY($1)"
}

db::statement! {
    struct LockCollections { product_id: i64 => BigInt, slugs: Vec<String> => Array<Text> } -> BigInt =
    "SELECT id FROM catalog.collections WHERE slug = ANY($2) \
         OR id IN (SELECT collection_id FROM catalog.collection_products WHERE product_id = $1) ORDER BY id FOR NO KEY UPDATE"
}

db::statement! {
    struct ListMemberships { product_id: i64 => BigInt } -> BigInt =
    "SELECT cp.collection_id FROM catalog.collection_products cp JOIN catalog.collections c ON c.id = cp.collection_id \
      WHERE cp.product_id = $1 AND c.archived_at IS NULL AND c.rules IS NULL"
}

db::statement! {
    struct ListRelated { product_id: i64 => BigInt, relation: &'static str => Text } -> BigInt =
    "SELECT r.related_id FROM catalog.related_products r JOIN catalog.products p ON p.id = r.related_id \
      WHERE r.product_id = $1 AND r.relation = $2 AND p.archived_at IS NULL ORDER BY r.position"
}

/// Locks the collections that a product is to be in, and those that it is in.
pub(super) fn lock_collections(
    conn: &mut PgConnection,
    id: ProductId,
    wanted: &[NamedCollection],
) -> QueryResult<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let slugs = wanted.iter().map(|collection| collection.slug.clone());
    let lock = LockCollections {
        product_id: id.get(),
        slugs: slugs.collect(),
    };
    lock.execute(conn).map(drop)
}

/// Puts a product into these collections, at the end of each, and takes it out of all others that are lists by hand.
/// Tells whether that changes anything.
pub(super) fn collect(
    conn: &mut PgConnection,
    id: ProductId,
    wanted: &[NamedCollection],
) -> Result<bool, Undo> {
    if wanted.is_empty() {
        return Ok(false);
    }
    let slugs = wanted.iter().map(|collection| collection.slug.clone());
    let found = FindCollections {
        slugs: slugs.collect(),
    };
    let found: Vec<(String, i64, bool, bool)> = found.load(conn)?;
    let found: HashMap<String, (i64, bool, bool)> = found
        .into_iter()
        .map(|(slug, id, has_rules, is_archived)| (slug, (id, has_rules, is_archived)))
        .collect();
    let now: Vec<i64> = ListMemberships {
        product_id: id.get(),
    }
    .load(conn)?;
    // By id, as all who lock several of them do; and whether the product is to be in it.
    let mut changes: BTreeMap<i64, bool> = now.iter().map(|id| (*id, false)).collect();
    for NamedCollection { slug, name } in wanted {
        let refused = |rule: &str| refuse("collections", format!("`{slug}` {rule}"));
        let id = match found.get(slug) {
            Some((_, true, _)) => return Err(refused("has rules, which say what is in it").into()),
            Some((_, _, true)) => return Err(refused("is archived").into()),
            Some((id, ..)) => *id,
            None => create(conn, slug, name)?.get(),
        };
        if changes.remove(&id).is_none() {
            changes.insert(id, true);
        }
    }
    for (collection, is_added) in &changes {
        let collection = CollectionId::try_from(*collection)
            .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
        let added = Assignment {
            product_id: id,
            position: None,
        };
        let (add, remove) = match is_added {
            true => (vec![added], vec![]),
            false => (vec![], vec![id]),
        };
        assigning::assign(conn, collection, &add, &remove, None, None).map_err(not_collected)?;
    }
    Ok(!changes.is_empty())
}

fn create(conn: &mut PgConnection, slug: &str, name: &str) -> Result<CollectionId, Undo> {
    let new = NewCollection {
        slug: Slug::try_from(slug.to_owned())
            .map_err(|error| refuse("collections", error.to_string()))?,
        name: match name {
            "" => named(slug),
            name => name.to_owned(),
        },
        description: String::new(),
        image: String::new(),
        product_order: None,
        rules: None,
    };
    collections::create(conn, new, None).map_err(not_collected)
}

/// What a slug says, as a name.
fn named(slug: &str) -> String {
    let words = slug.replace('-', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn not_collected(error: CollectionError) -> Undo {
    Undo::Refused(match error {
        CollectionError::Db(error) => return Undo::Db(error),
        CollectionError::UnknownProduct(_) => refuse("sku", UNKNOWN),
        // Somebody else was faster.
        other => refuse("collections", format!("changed meanwhile: {other}")),
    })
}

/// Shows these products beside one, in their order. Tells whether that changes anything.
pub(super) fn relate(
    conn: &mut PgConnection,
    id: ProductId,
    (relation, field): (ProductRelation, &'static str),
    wanted: &[ProductId],
) -> Result<bool, Undo> {
    let now: Vec<i64> = ListRelated {
        product_id: id.get(),
        relation: relation.code(),
    }
    .load(conn)?;
    if now
        .iter()
        .eq(wanted.iter().map(|id| id.get()).collect::<Vec<_>>().iter())
    {
        return Ok(false);
    }
    let set = related::set(conn, id, relation, wanted, None, None);
    set.map_err(|error| match error {
        RelateError::Edit(EditError::Db(error)) => Undo::Db(error),
        RelateError::Unknown(_) => refuse(field, "changed meanwhile: a product is gone").into(),
        RelateError::Edit(_) => refuse("sku", UNKNOWN).into(),
    })?;
    Ok(true)
}

/// Gives a product these pictures, in their order. Tells whether that changes anything.
pub(super) fn show(
    conn: &mut PgConnection,
    (id, row): (ProductId, Option<(i64, i64)>),
    images: &[Image],
    pictures: &[Picture],
    names: &Names,
) -> Result<bool, Undo> {
    if images.is_empty() {
        return Ok(false);
    }
    let now = media::list(conn, id)?;
    if pictures.contains(&Picture::Away) {
        wait(conn, (id, row), (images, pictures), (&now, names))?;
        return Ok(true);
    }
    let mut wanted: Vec<Wanted> = Vec::new();
    for (image, picture) in images.iter().zip(pictures) {
        let Picture::Kept(media) = *picture else {
            continue;
        };
        // Two names of one picture.
        if wanted.iter().any(|known| known.id == media) {
            continue;
        }
        wanted.push(Wanted {
            id: media,
            alt: alt(image, media, &now),
            alts: alts(image, media, &now)?,
            variant_ids: variants(image, id, names)?,
        });
    }
    let is_same = now.len() == wanted.len()
        && now.iter().zip(&wanted).all(|(shown, wanted)| {
            let says_same = wanted.alt.as_ref() == Some(&shown.alt)
                && wanted.alts.as_ref() == Some(&shown.said());
            shown.id == wanted.id && says_same && shown.variant_ids == wanted.variant_ids
        });
    if is_same {
        return Ok(false);
    }
    media::set(conn, id, &wanted, None, None).map_err(|error| match error {
        SetError::Db(error) | SetError::Edit(EditError::Db(error)) => Undo::Db(error),
        SetError::Edit(_) => refuse("sku", UNKNOWN).into(),
        SetError::Unknown(_) => refuse("images", "changed meanwhile: a picture is gone").into(),
        SetError::UnknownVariant(..) => {
            refuse("images", "changed meanwhile: a variant is gone").into()
        }
    })?;
    Ok(true)
}

/// Has pictures fetched that are elsewhere: a job gives the product all of them together.
fn wait(
    conn: &mut PgConnection,
    (id, row): (ProductId, Option<(i64, i64)>),
    (images, pictures): (&[Image], &[Picture]),
    (now, names): (&[media::Shown], &Names),
) -> Result<(), Undo> {
    let mut wanted = Vec::with_capacity(images.len());
    for (image, picture) in images.iter().zip(pictures) {
        let kept = match picture {
            Picture::Kept(media) => Some(*media),
            _ => None,
        };
        let said = Some(image.alt.clone()).filter(|alt| !alt.is_empty());
        wanted.push(wanted::Image {
            src: image.src.clone(),
            media_id: kept.map(|media| media.get()),
            alt: said.or_else(|| alt(image, kept?, now)),
            alts: image.alts.clone(),
            variant_ids: variants(image, id, names)?,
        });
    }
    Ok(wanted::want(conn, id, &wanted, row)?)
}

/// What is said, or else what the product says of the picture by now.
fn alt(image: &Image, media: MediaId, now: &[media::Shown]) -> Option<String> {
    if !image.alt.is_empty() {
        return Some(image.alt.clone());
    }
    let shown = now.iter().find(|shown| shown.id == media)?;
    Some(shown.alt.clone())
}

/// The same in other languages.
fn alts(
    image: &Image,
    media: MediaId,
    now: &[media::Shown],
) -> Result<Option<BTreeMap<Locale, Option<String>>>, Undo> {
    let said = media::said(now, media, &image.alts);
    let languages = said.as_ref().map_or(0, BTreeMap::len);
    if i64::try_from(languages).is_ok_and(|all| all > MAX_LOCALES) {
        let rule = format!("there are at most {MAX_LOCALES} languages");
        return Err(refuse("images", rule).into());
    }
    Ok(said)
}

fn variants(image: &Image, id: ProductId, names: &Names) -> Result<Vec<i64>, Undo> {
    let variant = |sku: &String| match names.get(sku) {
        Some(named) if named.product_id == id => Ok(named.id.get()),
        _ => Err(refuse("images", format!("`{sku}` is no variant of the product")).into()),
    };
    image.skus.iter().map(variant).collect()
}
