//! What staff may do, as administrators set it.

use db::outbox::{self, Entry};
use diesel::prelude::*;
use domain::{Event, Permission, UserId};

use crate::Role;
use crate::schema::users;

/// What a member of staff may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permissions {
    /// All that staff may do, also what a later release adds.
    All,
    /// Sorted by their codes, each once.
    Only(Vec<Permission>),
}

/// What a member of staff may do, and the version of the account it was read at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub permissions: Permissions,
    /// Counts the changes to the account, from 1.
    pub version: i64,
}

/// Why permissions were not read or set.
#[derive(Debug, thiserror::Error)]
pub enum PermissionsError {
    #[error("no such user")]
    NotFound,
    #[error("customers have no permissions, and administrators have all of them")]
    NotStaff,
    #[error("the account has version {0} by now")]
    Stale(i64),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

impl Permissions {
    /// These and no others.
    #[must_use]
    pub fn only(mut permissions: Vec<Permission>) -> Self {
        permissions.sort_unstable_by_key(|permission| permission.code());
        permissions.dedup();
        Self::Only(permissions)
    }

    /// Whether they are enough for what needs `needed`.
    #[must_use]
    pub fn include(&self, needed: Permission) -> bool {
        match self {
            Self::All => true,
            Self::Only(granted) => granted.iter().any(|permission| permission.includes(needed)),
        }
    }

    /// As the database has them.
    pub(crate) fn codes(&self) -> Option<Vec<&'static str>> {
        match self {
            Self::All => None,
            Self::Only(granted) => {
                Some(granted.iter().map(|permission| permission.code()).collect())
            }
        }
    }
}

impl From<Option<Vec<String>>> for Permissions {
    /// What this release does not know allows nothing here.
    fn from(codes: Option<Vec<String>>) -> Self {
        let known =
            |codes: Vec<String>| codes.iter().filter_map(|code| code.parse().ok()).collect();
        codes.map_or(Self::All, |codes| Self::only(known(codes)))
    }
}

/// Finds what a member of staff may do.
///
/// # Errors
///
/// [`PermissionsError::NotFound`] and [`PermissionsError::NotStaff`].
pub fn find(conn: &mut PgConnection, id: UserId) -> Result<Granted, PermissionsError> {
    let found = users::table.find(id.get()).select(COLUMNS).first(conn);
    of_staff(found.optional()?)
}

/// Has a member of staff be allowed this and nothing else, from its next request on. What is so already is no change.
///
/// # Errors
///
/// Those of [`find`], and [`PermissionsError::Stale`] when `expected_version` is not the current one.
pub fn set(
    conn: &mut PgConnection,
    id: UserId,
    permissions: Permissions,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<Granted, PermissionsError> {
    let locked = users::table.find(id.get()).select(COLUMNS);
    let current = of_staff(locked.for_no_key_update().first(conn).optional()?)?;
    if expected_version.is_some_and(|expected| expected != current.version) {
        return Err(PermissionsError::Stale(current.version));
    }
    if current.permissions == permissions {
        return Ok(current);
    }
    let version: i64 = diesel::update(users::table.find(id.get()))
        .set((
            users::permissions.eq(permissions.codes()),
            users::version.eq(users::version + 1),
        ))
        .returning(users::version)
        .get_result(conn)?;
    let event = Event::UserPermissionsChanged { user_id: id };
    outbox::write(conn, &[Entry::new(event, version, actor)])?;
    Ok(Granted {
        permissions,
        version,
    })
}

const COLUMNS: (users::role, users::permissions, users::version) =
    (users::role, users::permissions, users::version);

type Found = (String, Option<Vec<String>>, i64);

fn of_staff(found: Option<Found>) -> Result<Granted, PermissionsError> {
    let (role, permissions, version) = found.ok_or(PermissionsError::NotFound)?;
    if role != Role::Staff.code() {
        return Err(PermissionsError::NotStaff);
    }
    Ok(Granted {
        permissions: permissions.into(),
        version,
    })
}
