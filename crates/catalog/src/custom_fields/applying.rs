//! What follows a change of a definition: its values move to where they are seen by those who may, or go, and are found or
//! not found any more. Step by step; to take a step twice changes nothing.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz};
use domain::{CategoryId, CustomFieldId, CustomResource, Event, ProductId};

use super::writing::share;
use crate::categories::touch_many;
use crate::editing;

/// Things that are looked at in one step.
pub const STEP: i64 = 500;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next one begins behind the thing of this id.
    After(i64),
    /// There is nothing behind it.
    Last,
}

type Current = (
    String,
    String,
    bool,
    i64,
    Option<chrono::DateTime<chrono::Utc>>,
);

db::statement! {
    struct ReadField { id: i64 => BigInt } -> (Text, Text, Bool, BigInt, Nullable<Timestamptz>) =
    "SELECT resource, key, is_public, version, removed_at FROM catalog.custom_fields WHERE id = $1"
}

db::statement! {
    struct ListThings { resource: String => Text, key: String => Text, after: i64 => BigInt, limit: i64 => BigInt } -> (BigInt, Bool) =
    "SELECT v.resource_id, v.public_values ? $2 OR v.private_values ? $2 OR EXISTS ( \
            SELECT FROM catalog.custom_translations t \
             WHERE t.resource = v.resource AND t.resource_id = v.resource_id AND t.texts ? $2) \
       FROM catalog.custom_values v WHERE v.resource = $1 AND v.resource_id > $3 ORDER BY v.resource_id LIMIT $4"
}

db::statement! {
    struct ProductsOf { variant_ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT DISTINCT product_id FROM catalog.variants WHERE id = ANY($1)"
}

db::statement! {
    struct LockCategories { ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT id FROM catalog.categories WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"
}

db::statement! {
    /// A value that is where it belongs stays, and is not told of.
    struct MoveValues {
        resource: String => Text,
        ids: Vec<i64> => Array<BigInt>,
        key: String => Text,
        stays_public: bool => Bool,
        stays_private: bool => Bool,
    } -> BigInt =
    "UPDATE catalog.custom_values SET \
            public_values = CASE WHEN $4 AND private_values ? $3 \
                                 THEN public_values || jsonb_build_object($3, private_values -> $3) \
                                 WHEN $4 THEN public_values ELSE public_values - $3 END, \
            private_values = CASE WHEN $5 AND public_values ? $3 \
                                  THEN private_values || jsonb_build_object($3, public_values -> $3) \
                                  WHEN $5 THEN private_values ELSE private_values - $3 END \
      WHERE resource = $1 AND resource_id = ANY($2) \
        AND (public_values ? $3 AND NOT $4 OR private_values ? $3 AND NOT $5) RETURNING resource_id"
}

db::statement! {
    struct DropFiles { resource: String => Text, ids: Vec<i64> => Array<BigInt>, key: String => Text } -> BigInt =
    "DELETE FROM catalog.custom_files WHERE resource = $1 AND resource_id = ANY($2) AND key = $3 RETURNING media_id"
}

db::statement! {
    struct DropTranslated { resource: String => Text, ids: Vec<i64> => Array<BigInt>, key: String => Text } -> BigInt =
    "UPDATE catalog.custom_translations SET texts = texts - $3 \
      WHERE resource = $1 AND resource_id = ANY($2) AND texts ? $3 RETURNING resource_id"
}

db::statement! {
    struct TouchProducts { ids: Vec<i64> => Array<BigInt> } -> (BigInt, BigInt) =
    "UPDATE catalog.products SET version = version + 1, updated_at = now() WHERE id = ANY($1) RETURNING id, version"
}

db::statement! {
    struct TouchVariants { ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "UPDATE catalog.variants SET version = version + 1 WHERE id = ANY($1) RETURNING id"
}

db::statement! {
    struct MarkFound { ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "INSERT INTO catalog.search_stale (product_id) SELECT unnest($1::bigint[]) RETURNING id"
}

db::statement! {
    struct EndApplied { id: i64 => BigInt, version: i64 => BigInt } -> BigInt =
    "UPDATE catalog.custom_fields SET applied_version = greatest(applied_version, $2) \
      WHERE id = $1 AND removed_at IS NULL RETURNING id"
}

db::statement! {
    /// Not at the end of a walk that began before the removal: what it had passed by then still has values.
    struct EndRemoved { id: i64 => BigInt, version: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.custom_fields WHERE id = $1 AND removed_at IS NOT NULL AND version = $2 RETURNING id"
}

/// The version of a definition, which a walk over all its values makes good; `None` where there is no such one any more.
///
/// # Errors
///
/// Those of the database.
pub fn begin(conn: &mut PgConnection, id: CustomFieldId) -> QueryResult<Option<i64>> {
    let field: Option<Current> = ReadField { id: id.get() }.get_result(conn).optional()?;
    Ok(field.map(|(_, _, _, version, _)| version))
}

/// Lets the values of some things follow, those behind `after`, in the caller's transaction. Those whose values moved are
/// announced, so nobody else has to be told.
///
/// # Errors
///
/// Those of the database.
pub fn step(conn: &mut PgConnection, id: CustomFieldId, after: i64) -> QueryResult<Step> {
    let field: Option<Current> = ReadField { id: id.get() }.get_result(conn).optional()?;
    let Some((resource, key, ..)) = field else {
        return Ok(Step::Last);
    };
    let things: Vec<(i64, bool)> = ListThings {
        resource: resource.clone(),
        key: key.clone(),
        after,
        limit: STEP,
    }
    .load(conn)?;
    let Some((last, _)) = things.last().copied() else {
        return Ok(Step::Last);
    };
    let with_value = things.into_iter().filter(|(_, has_value)| *has_value);
    let ids: Vec<i64> = with_value.map(|(id, _)| id).collect();
    let of = resource.parse::<CustomResource>();
    let of = of.map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    lock_things(conn, of, &ids)?;
    share(conn, of)?;
    // By now somebody may have changed it once more; then another job is to follow, and finds less to do.
    let field: Option<Current> = ReadField { id: id.get() }.get_result(conn).optional()?;
    let Some((_, _, is_public, _, removed_at)) = field else {
        return Ok(Step::Last);
    };
    if removed_at.is_some() {
        take_rest(conn, &resource, &ids, &key)?;
    }
    let moved: Vec<i64> = MoveValues {
        resource,
        ids: ids.clone(),
        key,
        stays_public: removed_at.is_none() && is_public,
        stays_private: removed_at.is_none() && !is_public,
    }
    .load(conn)?;
    announce(conn, of, moved)?;
    let ids = match of {
        CustomResource::Product => ids,
        CustomResource::Variant => ProductsOf { variant_ids: ids }.load(conn)?,
        CustomResource::Category => Vec::new(),
    };
    if !ids.is_empty() {
        MarkFound { ids }.execute(conn)?;
    }
    Ok(Step::After(last))
}

/// Says that all values follow a definition as it was at `version`, or that one that was removed has none any more.
///
/// # Errors
///
/// Those of the database.
pub fn end(conn: &mut PgConnection, id: CustomFieldId, version: i64) -> QueryResult<()> {
    let is_there = EndApplied {
        id: id.get(),
        version,
    }
    .execute(conn)?;
    if is_there == 0 {
        let ended = EndRemoved {
            id: id.get(),
            version,
        };
        ended.execute(conn)?;
    }
    Ok(())
}

/// Products before all else that is locked.
fn lock_things(conn: &mut PgConnection, of: CustomResource, ids: &[i64]) -> QueryResult<()> {
    let ids = ids.to_vec();
    match of {
        CustomResource::Product => editing::lock_all(conn, ids, Vec::new()).map(drop),
        CustomResource::Variant => editing::lock_all(conn, Vec::new(), ids).map(drop),
        CustomResource::Category => LockCategories { ids }.execute(conn).map(drop),
    }
}

/// Takes what is kept apart from the values of a field that was removed.
fn take_rest(conn: &mut PgConnection, resource: &str, ids: &[i64], key: &str) -> QueryResult<()> {
    let (resource, ids, key) = (resource.to_owned(), ids.to_vec(), key.to_owned());
    DropFiles {
        resource: resource.clone(),
        ids: ids.clone(),
        key: key.clone(),
    }
    .execute(conn)?;
    DropTranslated { resource, ids, key }.execute(conn)?;
    Ok(())
}

/// Tells of things whose values moved or went.
fn announce(conn: &mut PgConnection, of: CustomResource, mut moved: Vec<i64>) -> QueryResult<()> {
    if moved.is_empty() {
        return Ok(());
    }
    moved.sort_unstable();
    let products = match of {
        CustomResource::Category => {
            let ids = moved
                .into_iter()
                .filter_map(|id| CategoryId::try_from(id).ok());
            let event = |category_id| Event::CategoryUpdated { category_id };
            return touch_many(conn, ids, event);
        }
        CustomResource::Product => moved,
        CustomResource::Variant => {
            let ids = moved.clone();
            TouchVariants { ids }.execute(conn)?;
            ProductsOf { variant_ids: moved }.load(conn)?
        }
    };
    let touched: Vec<(i64, i64)> = TouchProducts { ids: products }.load(conn)?;
    let version = |(id, version): (i64, i64)| Some((ProductId::try_from(id).ok()?, version));
    let versions: Vec<_> = touched.into_iter().filter_map(version).collect();
    editing::announce(conn, &versions, None)
}
