//! What a product has beside its name, picture and price: texts, its address, and when it is on sale.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use domain::{ProductId, Slug, TaxClass};

use super::EditError;

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetailChanges {
    /// `Some(None)` lets its name and id make the slug again.
    pub slug: Option<Option<Slug>>,
    pub brand: Option<String>,
    pub tags: Option<Vec<String>>,
    pub tax_class: Option<TaxClass>,
    /// Sanitised.
    pub description_html: Option<String>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub publication: Option<Publication>,
    /// When it goes off sale by itself; `Some(None)` for never.
    pub unpublish_at: Option<Option<DateTime<Utc>>>,
}

/// From when on a product is on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// From now on, by the clock of the database; one that is on sale stays so.
    Now,
    At(DateTime<Utc>),
    /// It is a draft.
    Never,
}

db::statement! {
    struct SetDetails {
        id: i64 => BigInt,
        brand: Option<String> => Nullable<Text>,
        tags: Option<Vec<String>> => Nullable<Array<Text>>,
        description_html: Option<String> => Nullable<Text>,
        seo_title: Option<String> => Nullable<Text>,
        seo_description: Option<String> => Nullable<Text>,
        tax_class: Option<String> => Nullable<Text>,
    } -> BigInt =
    "UPDATE catalog.products SET brand = coalesce($2, brand), tags = coalesce($3, tags), \
            description_html = coalesce($4, description_html), seo_title = coalesce($5, seo_title), \
            seo_description = coalesce($6, seo_description), tax_class = coalesce($7, tax_class) \
      WHERE id = $1 RETURNING id"
}

db::statement! {
    /// Each time is written where the flag before it says so. To publish takes back an end that has passed.
    /// An end that has passed is none, unless it is there already.
    struct SetPublication {
        id: i64 => BigInt,
        publishes_now: bool => Bool,
        sets_begin: bool => Bool,
        begin: Option<DateTime<Utc>> => Nullable<Timestamptz>,
        sets_end: bool => Bool,
        end: Option<DateTime<Utc>> => Nullable<Timestamptz>,
    } -> BigInt =
    "UPDATE catalog.products p SET \
            published_at = CASE WHEN $2 AND NOT catalog.is_on_sale(p) THEN statement_timestamp() \
                                WHEN $3 THEN coalesce($4, 'infinity') ELSE published_at END, \
            unpublished_at = CASE WHEN $5 THEN coalesce($6, 'infinity') \
                                  WHEN ($2 OR $4 IS NOT NULL) AND unpublished_at <= statement_timestamp() THEN 'infinity' \
                                  ELSE unpublished_at END \
      WHERE id = $1 AND ($6 IS NULL OR $6 > statement_timestamp() OR $6 = unpublished_at) RETURNING id"
}

db::statement! {
    struct SetSlug { id: i64 => BigInt, slug: Option<String> => Nullable<Text> } -> Nullable<Text> =
    "WITH old AS (SELECT slug FROM catalog.products WHERE id = $1) \
     UPDATE catalog.products SET slug = $2 WHERE id = $1 RETURNING (SELECT slug FROM old)"
}

db::statement! {
    /// After the product has it: whoever gave it up in the meantime has written that it had it.
    struct TakeOverSlug { slug: String => Text } -> Text =
    "DELETE FROM catalog.former_slugs WHERE slug = $1 RETURNING slug"
}

db::statement! {
    struct KeepFormerSlug { slug: String => Text, product_id: i64 => BigInt } -> Text =
    "INSERT INTO catalog.former_slugs (slug, product_id) VALUES ($1, $2) \
         ON CONFLICT (slug) DO UPDATE SET product_id = $2 RETURNING slug"
}

/// Writes the details of a product that is locked or not yet seen by anybody.
pub(super) fn write(
    conn: &mut PgConnection,
    id: ProductId,
    changes: DetailChanges,
) -> Result<(), EditError> {
    SetDetails {
        id: id.get(),
        brand: changes.brand,
        tags: changes.tags,
        description_html: changes.description_html,
        seo_title: changes.seo_title,
        seo_description: changes.seo_description,
        tax_class: changes.tax_class.map(String::from),
    }
    .execute(conn)?;
    if changes.publication.is_some() || changes.unpublish_at.is_some() {
        let begin = match changes.publication {
            Some(Publication::At(begin)) => Some(begin),
            _ => None,
        };
        let set = SetPublication {
            id: id.get(),
            publishes_now: changes.publication == Some(Publication::Now),
            sets_begin: begin.is_some() || changes.publication == Some(Publication::Never),
            begin,
            sets_end: changes.unpublish_at.is_some(),
            end: changes.unpublish_at.flatten(),
        };
        if set.execute(conn)? == 0 {
            return Err(EditError::EndsBeforeItBegins);
        }
    }
    if let Some(slug) = changes.slug {
        set_slug(conn, id, slug)?;
    }
    Ok(())
}

fn set_slug(conn: &mut PgConnection, id: ProductId, slug: Option<Slug>) -> Result<(), EditError> {
    let slug = slug.map(|slug| slug.to_string());
    let set = SetSlug {
        id: id.get(),
        slug: slug.clone(),
    };
    let old: Option<String> = set.get_result(conn)?;
    if let Some(slug) = &slug {
        TakeOverSlug { slug: slug.clone() }.execute(conn)?;
    }
    if let Some(old) = old.filter(|old| Some(old) != slug.as_ref()) {
        KeepFormerSlug {
            slug: old,
            product_id: id.get(),
        }
        .execute(conn)?;
    }
    Ok(())
}
