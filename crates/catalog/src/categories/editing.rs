//! Making, changing and archiving categories.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use domain::{CategoryId, CustomResource, Event, ProductOrder, Slug, UserId};

use super::CategoryError;
use super::lock::{announce, lock_category, lock_tree, touch};
use super::placing::{self, Place};
use crate::custom_fields::attributes::AttributeChanges;
use crate::custom_fields::writing;

/// A category to be made.
#[derive(Clone, Debug)]
pub struct NewCategory {
    pub slug: Slug,
    /// 1 to 300 characters.
    pub name: String,
    pub description: String,
    /// Address or path of an image; empty for none.
    pub image: String,
    pub product_order: ProductOrder,
    pub place: Place,
    pub attributes: AttributeChanges,
}

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CategoryChanges {
    pub slug: Option<Slug>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub image: Option<String>,
    pub product_order: Option<ProductOrder>,
    pub attributes: AttributeChanges,
}

db::statement! {
    struct InsertCategory {
        slug: String => Text,
        name: String => Text,
        description: String => Text,
        image: String => Text,
        product_order: &'static str => Text,
    } -> BigInt =
    "INSERT INTO catalog.categories (slug, name, description, image, product_order) \
     VALUES ($1, $2, $3, $4, $5) RETURNING id"
}

db::statement! {
    struct UpdateCategory {
        id: i64 => BigInt,
        slug: Option<String> => Nullable<Text>,
        name: Option<String> => Nullable<Text>,
        description: Option<String> => Nullable<Text>,
        image: Option<String> => Nullable<Text>,
        product_order: Option<&'static str> => Nullable<Text>,
    } -> BigInt =
    "UPDATE catalog.categories SET slug = coalesce($2, slug), name = coalesce($3, name), \
            description = coalesce($4, description), image = coalesce($5, image), \
            product_order = coalesce($6, product_order) \
      WHERE id = $1 RETURNING id"
}

db::statement! {
    struct FindOnlyChild { id: i64 => BigInt } -> BigInt =
    "SELECT e.category_id FROM catalog.category_parents e WHERE e.parent_id = $1 \
        AND NOT EXISTS (SELECT FROM catalog.category_parents o \
                         WHERE o.category_id = e.category_id AND o.parent_id <> $1) \
      ORDER BY e.category_id LIMIT 1"
}

db::statement! {
    /// Its children have one parent less, which changes them too.
    struct ArchiveCategory { id: i64 => BigInt } -> (BigInt, BigInt) =
    "WITH edges AS ( \
       DELETE FROM catalog.category_parents WHERE category_id = $1 OR parent_id = $1 RETURNING category_id \
     ) UPDATE catalog.categories c SET version = version + 1, updated_at = now(), \
              archived_at = CASE WHEN c.id = $1 THEN now() END \
        WHERE c.id IN (SELECT $1 UNION SELECT category_id FROM edges) RETURNING c.id, c.version"
}

/// Makes a category and returns its id.
///
/// # Errors
///
/// [`CategoryError::SlugTaken`], also by an archived category, [`CategoryError::Fault`], and those of [`placing::place`].
pub fn create(
    conn: &mut PgConnection,
    new: NewCategory,
    actor: Option<UserId>,
) -> Result<CategoryId, CategoryError> {
    lock_tree(conn)?;
    placing::check(conn, None, &new.place)?;
    writing::refuse_bare(conn, CustomResource::Category, &new.attributes)?;
    let id: i64 = InsertCategory {
        slug: new.slug.to_string(),
        name: new.name,
        description: new.description,
        image: new.image,
        product_order: new.product_order.code(),
    }
    .get_result(conn)?;
    let id = CategoryId::try_from(id)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    placing::set(conn, id, &new.place)?;
    writing::write(conn, CustomResource::Category, id.get(), new.attributes)?;
    let event = Event::CategoryCreated { category_id: id };
    announce(conn, vec![(event, 1)], actor)?;
    Ok(id)
}

/// Changes what is shown of a category and returns its new version.
///
/// # Errors
///
/// [`CategoryError::NotFound`], [`CategoryError::Stale`] when `expected_version` is not the current one,
/// [`CategoryError::SlugTaken`] and [`CategoryError::Fault`].
pub fn update(
    conn: &mut PgConnection,
    id: CategoryId,
    changes: CategoryChanges,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<i64, CategoryError> {
    lock_category(conn, id, expected_version)?;
    UpdateCategory {
        id: id.get(),
        slug: changes.slug.map(String::from),
        name: changes.name,
        description: changes.description,
        image: changes.image,
        product_order: changes.product_order.map(ProductOrder::code),
    }
    .execute(conn)?;
    writing::write(conn, CustomResource::Category, id.get(), changes.attributes)?;
    let event = Event::CategoryUpdated { category_id: id };
    Ok(touch(conn, id, event, actor)?)
}

/// Takes a category out of the shop. Its products stay on sale, and its children below their other parents.
///
/// # Errors
///
/// [`CategoryError::NotFound`], [`CategoryError::Stale`], and [`CategoryError::HasChildren`] with a child that has no
/// other parent.
pub fn archive(
    conn: &mut PgConnection,
    id: CategoryId,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), CategoryError> {
    lock_tree(conn)?;
    lock_category(conn, id, expected_version)?;
    let only_child: Option<i64> = FindOnlyChild { id: id.get() }.get_result(conn).optional()?;
    if let Some(child) = only_child.and_then(|child| child.try_into().ok()) {
        return Err(CategoryError::HasChildren(child));
    }
    let changed: Vec<(i64, i64)> = ArchiveCategory { id: id.get() }.load(conn)?;
    let events = changed.into_iter().filter_map(|(changed, version)| {
        let category_id = CategoryId::try_from(changed).ok()?;
        let event = if category_id == id {
            Event::CategoryArchived { category_id }
        } else {
            Event::CategoryUpdated { category_id }
        };
        Some((event, version))
    });
    Ok(announce(conn, events.collect(), actor)?)
}
