//! Customer groups: names that a user has, and others ask for, such as price lists.

use db::outbox::{self, Entry};
use diesel::prelude::*;
use domain::{Event, Slug, UserId};

use crate::schema::users;

/// The most groups of one user.
pub const MAX_GROUPS: usize = 100;

/// The groups of a user, and the version of the account they were read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Sorted, each once.
    pub names: Vec<Slug>,
    /// Counts the changes to the account, from 1.
    pub version: i64,
}

/// Why groups were not set.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    #[error("no such user")]
    NotFound,
    #[error("the account has version {0} by now")]
    Stale(i64),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// Finds the groups of a user.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: UserId) -> QueryResult<Option<Groups>> {
    let found: Option<(Vec<String>, i64)> = users::table
        .find(id.get())
        .select((users::customer_groups, users::version))
        .first(conn)
        .optional()?;
    found.map(read).transpose()
}

fn read((names, version): (Vec<String>, i64)) -> QueryResult<Groups> {
    let names = names.into_iter().map(Slug::try_from);
    let names = names
        .collect::<Result<_, _>>()
        .map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
    Ok(Groups { names, version })
}

/// Makes a user one of these groups and of no others. What is so already is no change.
///
/// # Errors
///
/// [`GroupsError::NotFound`], and [`GroupsError::Stale`] when `expected_version` is not the current one.
pub fn set(
    conn: &mut PgConnection,
    id: UserId,
    mut names: Vec<Slug>,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<Groups, GroupsError> {
    names.sort_unstable();
    names.dedup();
    let locked: Option<(Vec<String>, i64)> = users::table
        .find(id.get())
        .select((users::customer_groups, users::version))
        .for_no_key_update()
        .first(conn)
        .optional()?;
    let current = locked.map(read).transpose()?.ok_or(GroupsError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != current.version) {
        return Err(GroupsError::Stale(current.version));
    }
    if current.names == names {
        return Ok(current);
    }
    let texts: Vec<&str> = names.iter().map(Slug::as_str).collect();
    let version: i64 = diesel::update(users::table.find(id.get()))
        .set((
            users::customer_groups.eq(texts),
            users::version.eq(users::version + 1),
        ))
        .returning(users::version)
        .get_result(conn)?;
    let event = Event::UserGroupsChanged { user_id: id };
    outbox::write(conn, &[Entry::new(event, version, actor)])?;
    Ok(Groups { names, version })
}
