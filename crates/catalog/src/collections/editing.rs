//! Making, changing and archiving collections.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text};
use domain::{CollectionId, ProductOrder, Slug, UserId};
use serde_json::Value;

use super::lock::{announce, lock, touch};
use super::{CollectionError, Rules};

/// A collection to be made.
#[derive(Clone, Debug)]
pub struct NewCollection {
    /// Has a letter.
    pub slug: Slug,
    /// 1 to 300 characters.
    pub name: String,
    pub description: String,
    /// Address or path of an image; empty for none.
    pub image: String,
    /// `None` is manual, and the newest first where there are rules.
    pub product_order: Option<ProductOrder>,
    /// `None` for a list by hand, which it then always is.
    pub rules: Option<Rules>,
}

impl NewCollection {
    /// In which its products are listed.
    #[must_use]
    pub fn order(&self) -> ProductOrder {
        let usual = match self.rules {
            Some(_) => ProductOrder::Newest,
            None => ProductOrder::Manual,
        };
        self.product_order.unwrap_or(usual)
    }
}

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectionChanges {
    pub slug: Option<Slug>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub image: Option<String>,
    pub product_order: Option<ProductOrder>,
    pub rules: Option<Rules>,
}

db::statement! {
    struct InsertCollection {
        slug: String => Text,
        name: String => Text,
        description: String => Text,
        image: String => Text,
        product_order: &'static str => Text,
        rules: Option<Value> => Nullable<Jsonb>,
    } -> BigInt =
    "INSERT INTO catalog.collections (slug, name, description, image, product_order, rules) \
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING id"
}

db::statement! {
    struct UpdateCollection {
        id: i64 => BigInt,
        slug: Option<String> => Nullable<Text>,
        name: Option<String> => Nullable<Text>,
        description: Option<String> => Nullable<Text>,
        image: Option<String> => Nullable<Text>,
        product_order: Option<&'static str> => Nullable<Text>,
        rules: Option<Value> => Nullable<Jsonb>,
    } -> BigInt =
    "UPDATE catalog.collections SET slug = coalesce($2, slug), name = coalesce($3, name), \
            description = coalesce($4, description), image = coalesce($5, image), \
            product_order = coalesce($6, product_order), rules = coalesce($7, rules) \
      WHERE id = $1 RETURNING id"
}

db::statement! {
    struct ArchiveCollection { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.collections SET archived_at = now() WHERE id = $1 RETURNING id"
}

db::statement! {
    struct ListCategories { ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT id FROM catalog.categories WHERE id = ANY($1) AND archived_at IS NULL"
}

/// Makes a collection and returns its id.
///
/// # Errors
///
/// [`CollectionError::SlugTaken`], also by an archived one, [`CollectionError::ManualOrder`] and
/// [`CollectionError::UnknownCategory`].
pub fn create(
    conn: &mut PgConnection,
    new: NewCollection,
    actor: Option<UserId>,
) -> Result<CollectionId, CollectionError> {
    check(conn, new.rules.as_ref())?;
    let product_order = new.order();
    if product_order == ProductOrder::Manual && new.rules.is_some() {
        return Err(CollectionError::ManualOrder);
    }
    let id: i64 = InsertCollection {
        slug: new.slug.to_string(),
        name: new.name,
        description: new.description,
        image: new.image,
        product_order: product_order.code(),
        rules: new.rules.as_ref().map(Rules::to_json),
    }
    .get_result(conn)?;
    let id = CollectionId::try_from(id)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    announce(conn, id, 1, actor)?;
    Ok(id)
}

/// Changes what is shown of a collection, or its rules.
///
/// # Errors
///
/// [`CollectionError::NotFound`], [`CollectionError::Stale`] when `expected_version` is not the current one,
/// [`CollectionError::HasNoRules`] for rules of a list by hand, and those of [`create`].
pub fn update(
    conn: &mut PgConnection,
    id: CollectionId,
    changes: CollectionChanges,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), CollectionError> {
    let has_rules = lock(conn, id, expected_version)?;
    if changes.rules.is_some() && !has_rules {
        return Err(CollectionError::HasNoRules);
    }
    if changes.product_order == Some(ProductOrder::Manual) && has_rules {
        return Err(CollectionError::ManualOrder);
    }
    check(conn, changes.rules.as_ref())?;
    UpdateCollection {
        id: id.get(),
        slug: changes.slug.map(String::from),
        name: changes.name,
        description: changes.description,
        image: changes.image,
        product_order: changes.product_order.map(ProductOrder::code),
        rules: changes.rules.as_ref().map(Rules::to_json),
    }
    .execute(conn)?;
    Ok(touch(conn, id, actor)?)
}

/// Takes a collection out of the shop. Its products stay on sale.
///
/// # Errors
///
/// [`CollectionError::NotFound`] and [`CollectionError::Stale`].
pub fn archive(
    conn: &mut PgConnection,
    id: CollectionId,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), CollectionError> {
    lock(conn, id, expected_version)?;
    ArchiveCollection { id: id.get() }.execute(conn)?;
    Ok(touch(conn, id, actor)?)
}

/// Whether the categories of rules are there. One that is archived later has no products.
fn check(conn: &mut PgConnection, rules: Option<&Rules>) -> Result<(), CollectionError> {
    let named: Vec<(usize, i64)> = rules.into_iter().flat_map(Rules::categories).collect();
    if named.is_empty() {
        return Ok(());
    }
    let ids = named.iter().map(|(_, id)| *id).collect();
    let known: Vec<i64> = ListCategories { ids }.load(conn)?;
    match named.iter().find(|(_, id)| !known.contains(id)) {
        Some((index, _)) => Err(CollectionError::UnknownCategory(*index)),
        None => Ok(()),
    }
}
