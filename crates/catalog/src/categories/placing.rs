//! Where a category stands: its parents, and its place among their children.

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable};
use domain::{CategoryId, Event, UserId};

use super::lock::{lock_category, lock_tree, touch};
use super::{CategoryError, MAX_DEPTH};

/// A parent that a category is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    pub id: CategoryId,
    /// The place among the parent's children; `None` is the one it has, and the last one for a new child.
    pub position: Option<i64>,
}

/// Where a category is to stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Below these, none of which is there twice; the path to it leads through the first one.
    Below(Vec<Parent>),
    /// At the top. The place among the roots; `None` is the one it has, and the last one for a new root.
    Root(Option<i64>),
}

type Judgement = (
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

db::statement! {
    /// Goes up from each of the new parents and down from the category, no further than [`MAX_DEPTH`] allows.
    /// Counts parents from 0: one that is not there, one from which the category is reached, and the deepest one.
    struct JudgeParents { id: i64 => BigInt, parents: Vec<i64> => Array<BigInt> }
        -> (Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>) =
    "WITH RECURSIVE parents (id, number) AS ( \
       SELECT w.id, w.number - 1 FROM unnest($2::bigint[]) WITH ORDINALITY AS w (id, number) \
     ), up (number, id, level) AS ( \
       SELECT number, id, 1::bigint FROM parents \
        UNION \
       SELECT up.number, e.parent_id, up.level + 1 FROM up \
         JOIN catalog.category_parents e ON e.category_id = up.id WHERE up.level <= 20 \
     ), down (id, level) AS ( \
       SELECT $1::bigint, 1::bigint \
        UNION \
       SELECT e.category_id, down.level + 1 FROM down \
         JOIN catalog.category_parents e ON e.parent_id = down.id WHERE down.level <= 20 \
     ), deepest AS ( \
       SELECT number, level FROM up ORDER BY level DESC, number LIMIT 1 \
     ) SELECT (SELECT min(number) FROM parents w WHERE NOT EXISTS ( \
                      SELECT FROM catalog.categories c WHERE c.id = w.id AND c.archived_at IS NULL)), \
              (SELECT min(number) FROM up WHERE id = $1), \
              (SELECT number FROM deepest), (SELECT level FROM deepest), \
              (SELECT max(level) FROM down)"
}

db::statement! {
    struct SetParents {
        id: i64 => BigInt,
        parents: Vec<i64> => Array<BigInt>,
        positions: Vec<Option<i64>> => Array<Nullable<BigInt>>,
    } -> BigInt =
    "WITH gone AS ( \
       DELETE FROM catalog.category_parents WHERE category_id = $1 AND parent_id <> ALL ($2::bigint[]) \
     ) INSERT INTO catalog.category_parents (category_id, parent_id, position, rank) \
       SELECT $1, w.parent_id, \
              coalesce(w.position, k.position, (SELECT coalesce(max(s.position), 0) + 1 \
                       FROM catalog.category_parents s WHERE s.parent_id = w.parent_id)), w.rank \
         FROM unnest($2::bigint[], $3::bigint[]) WITH ORDINALITY AS w (parent_id, position, rank) \
         LEFT JOIN catalog.category_parents k ON k.category_id = $1 AND k.parent_id = w.parent_id \
           ON CONFLICT (category_id, parent_id) DO UPDATE SET position = excluded.position, rank = excluded.rank \
       RETURNING parent_id"
}

db::statement! {
    struct ClearParents { id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.category_parents WHERE category_id = $1 RETURNING parent_id"
}

db::statement! {
    struct SetRoot { id: i64 => BigInt, position: Option<i64> => Nullable<BigInt> } -> BigInt =
    "UPDATE catalog.categories SET root_position = coalesce($2, root_position, \
            (SELECT coalesce(max(root_position), 0) + 1 FROM catalog.categories \
              WHERE root_position IS NOT NULL AND archived_at IS NULL)) \
      WHERE id = $1 RETURNING id"
}

db::statement! {
    struct ClearRoot { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.categories SET root_position = NULL WHERE id = $1 RETURNING id"
}

/// Puts a category below other parents, or at the top.
///
/// # Errors
///
/// [`CategoryError::NotFound`], [`CategoryError::Stale`], and [`CategoryError::UnknownParent`],
/// [`CategoryError::Cycle`] and [`CategoryError::TooDeep`] with the parent that is at fault.
pub fn place(
    conn: &mut PgConnection,
    id: CategoryId,
    place: &Place,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), CategoryError> {
    lock_tree(conn)?;
    lock_category(conn, id, expected_version)?;
    check(conn, Some(id), place)?;
    set(conn, id, place)?;
    let event = Event::CategoryUpdated { category_id: id };
    touch(conn, id, event, actor)?;
    Ok(())
}

/// Refuses parents that are not there, that the category is above, or that are too deep. Needs the lock
/// of the graph; `None` is a category that is about to be made.
pub(super) fn check(
    conn: &mut PgConnection,
    id: Option<CategoryId>,
    place: &Place,
) -> Result<(), CategoryError> {
    let Place::Below(parents) = place else {
        return Ok(());
    };
    let (unknown, closing, deepest, above, below): Judgement = JudgeParents {
        id: id.map_or(0, CategoryId::get),
        parents: ids(parents),
    }
    .get_result(conn)?;
    let index = |number: i64| usize::try_from(number).unwrap_or_default();
    if let Some(number) = unknown {
        return Err(CategoryError::UnknownParent(index(number)));
    }
    if let Some(number) = closing {
        return Err(CategoryError::Cycle(index(number)));
    }
    let levels = above.unwrap_or_default() + below.unwrap_or_default();
    if usize::try_from(levels).is_ok_and(|levels| levels > MAX_DEPTH) {
        return Err(CategoryError::TooDeep(index(deepest.unwrap_or_default())));
    }
    Ok(())
}

/// Writes what was checked.
pub(super) fn set(conn: &mut PgConnection, id: CategoryId, place: &Place) -> QueryResult<()> {
    match place {
        Place::Below(parents) => {
            SetParents {
                id: id.get(),
                parents: ids(parents),
                positions: parents.iter().map(|parent| parent.position).collect(),
            }
            .execute(conn)?;
            ClearRoot { id: id.get() }.execute(conn)?;
        }
        Place::Root(position) => {
            ClearParents { id: id.get() }.execute(conn)?;
            SetRoot {
                id: id.get(),
                position: *position,
            }
            .execute(conn)?;
        }
    }
    Ok(())
}

fn ids(parents: &[Parent]) -> Vec<i64> {
    parents.iter().map(|parent| parent.id.get()).collect()
}
