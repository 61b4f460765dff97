//! Making price lists, and changing when and for whom they apply. What they said before stays known.

use chrono::{DateTime, Utc};
use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use domain::{Event, PriceListId, Slug, UserId};

use super::{MAX_LISTS, PriceList, Terms};
use crate::editing::CHANGES_CHANNEL;
use crate::prices::market::group_names;

/// Why a price list was not written.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("no such price list")]
    NotFound,
    #[error("the price list has version {0} by now")]
    Stale(i64),
    #[error("the code is taken")]
    CodeTaken,
    #[error("a shop has at most {MAX_LISTS} price lists")]
    TooMany,
    #[error("a price list starts before it ends")]
    EndsBeforeStart,
    #[error(transparent)]
    Db(DieselError),
}

impl From<DieselError> for ListError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("price_lists_code_key") =>
            {
                Self::CodeTaken
            }
            _ => Self::Db(error),
        }
    }
}

/// What is to be different; `None` stays as it is, and the inner `None` of a time is "always" or "never".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChanges {
    pub name: Option<String>,
    pub priority: Option<i32>,
    pub is_active: Option<bool>,
    pub starts_at: Option<Option<DateTime<Utc>>>,
    pub ends_at: Option<Option<DateTime<Utc>>>,
    pub countries: Option<Vec<domain::Country>>,
    pub customer_groups: Option<Vec<Slug>>,
}

db::statement! {
    struct CountLists {} -> BigInt = "SELECT count(*) FROM catalog.price_lists"
}

db::statement! {
    struct InsertList { code: String => Text, name: String => Text } -> BigInt =
    "INSERT INTO catalog.price_lists (code, name, version, priority, is_active, starts_at, ends_at, countries, customer_groups) \
     VALUES ($1, $2, 0, 0, false, '-infinity', 'infinity', '{}', '{}') RETURNING id"
}

db::statement! {
    struct LockList { id: i64 => BigInt } -> BigInt =
    "SELECT version FROM catalog.price_lists WHERE id = $1 FOR NO KEY UPDATE"
}

db::statement! {
    /// Says it, and remembers that it was said.
    struct Say {
        id: i64 => BigInt,
        name: String => Text,
        priority: i32 => Integer,
        is_active: bool => Bool,
        starts_at: Option<DateTime<Utc>> => Nullable<Timestamptz>,
        ends_at: Option<DateTime<Utc>> => Nullable<Timestamptz>,
        countries: Vec<String> => Array<Text>,
        customer_groups: Vec<String> => Array<Text>,
    } -> BigInt =
    "WITH said AS ( \
       UPDATE catalog.price_lists SET name = $2, priority = $3, is_active = $4, starts_at = coalesce($5, '-infinity'), \
              ends_at = coalesce($6, 'infinity'), countries = $7, customer_groups = $8, version = version + 1, updated_at = now() \
        WHERE id = $1 RETURNING * \
     ) INSERT INTO catalog.price_list_terms \
              (list_id, version, priority, is_active, starts_at, ends_at, countries, customer_groups) \
       SELECT id, version, priority, is_active, starts_at, ends_at, countries, customer_groups FROM said RETURNING version"
}

/// Makes a price list and returns its id. It has no prices yet.
///
/// # Errors
///
/// [`ListError::CodeTaken`], [`ListError::TooMany`] and [`ListError::EndsBeforeStart`].
pub fn create(
    conn: &mut PgConnection,
    code: &Slug,
    name: String,
    terms: Terms,
    actor: Option<UserId>,
) -> Result<PriceListId, ListError> {
    let existing: i64 = CountLists {}.get_result(conn)?;
    if existing >= MAX_LISTS {
        return Err(ListError::TooMany);
    }
    let insert = InsertList {
        code: code.to_string(),
        name: name.clone(),
    };
    let id = insert.get_result::<i64>(conn)?;
    let id = PriceListId::try_from(id).map_err(crate::prices::damaged)?;
    say(conn, id, name, terms, actor)?;
    Ok(id)
}

/// Changes when and for whom a price list applies. What is there already is no change.
///
/// # Errors
///
/// [`ListError::NotFound`], [`ListError::Stale`] when `expected_version` is not the current one, and
/// [`ListError::EndsBeforeStart`].
pub fn update(
    conn: &mut PgConnection,
    id: PriceListId,
    changes: ListChanges,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), ListError> {
    let locked: Option<i64> = LockList { id: id.get() }.get_result(conn).optional()?;
    let version = locked.ok_or(ListError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != version) {
        return Err(ListError::Stale(version));
    }
    let PriceList { name, terms, .. } = super::find(conn, id)?.ok_or(ListError::NotFound)?;
    let said = (name.clone(), terms.clone());
    let terms = Terms {
        priority: changes.priority.unwrap_or(terms.priority),
        is_active: changes.is_active.unwrap_or(terms.is_active),
        starts_at: changes.starts_at.unwrap_or(terms.starts_at),
        ends_at: changes.ends_at.unwrap_or(terms.ends_at),
        countries: changes.countries.unwrap_or(terms.countries),
        customer_groups: changes.customer_groups.unwrap_or(terms.customer_groups),
    };
    let name = changes.name.unwrap_or(name);
    if said == (name.clone(), terms.clone()) {
        return Ok(()); // nothing to remember, and nobody to tell
    }
    say(conn, id, name, terms, actor)
}

fn say(
    conn: &mut PgConnection,
    id: PriceListId,
    name: String,
    terms: Terms,
    actor: Option<UserId>,
) -> Result<(), ListError> {
    if let (Some(starts_at), Some(ends_at)) = (terms.starts_at, terms.ends_at)
        && starts_at.timestamp_micros() >= ends_at.timestamp_micros()
    {
        return Err(ListError::EndsBeforeStart);
    }
    let say = Say {
        id: id.get(),
        name,
        priority: terms.priority,
        is_active: terms.is_active,
        starts_at: terms.starts_at,
        ends_at: terms.ends_at,
        countries: terms.countries.into_iter().map(String::from).collect(),
        customer_groups: group_names(&terms.customer_groups),
    };
    let version: i64 = say.get_result(conn)?;
    let event = Event::PriceListChanged { price_list_id: id };
    outbox::write(conn, &[Entry::new(event, version, actor)])?;
    // It may have prices of any product.
    Ok(db::listen::notify(conn, CHANGES_CHANNEL, "*")?)
}
