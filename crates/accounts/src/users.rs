//! People, unique by their normalised e-mail address.

use chrono::{DateTime, Utc};
use db::outbox::{self, Entry};
use diesel::prelude::*;
use domain::{Email, Event, PageSize, Permission, UserId};

use crate::permissions::Permissions;
use crate::schema::users;

/// What a user may do, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Customer,
    Staff,
    Admin,
}

impl Role {
    /// The name in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Admin => "admin",
        }
    }

    /// Whether this is staff, or more.
    #[must_use]
    pub fn is_staff(self) -> bool {
        self >= Self::Staff
    }
}

/// A role nobody has.
#[derive(Debug, thiserror::Error)]
#[error("unknown role `{0}`; known are customer, staff, admin")]
pub struct UnknownRole(String);

impl TryFrom<String> for Role {
    type Error = UnknownRole;

    fn try_from(code: String) -> Result<Self, UnknownRole> {
        [Self::Customer, Self::Staff, Self::Admin]
            .into_iter()
            .find(|role| role.code() == code)
            .ok_or(UnknownRole(code))
    }
}

/// A user, without the credential.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub struct User {
    #[diesel(deserialize_as = i64)]
    pub id: UserId,
    pub name: String,
    #[diesel(deserialize_as = String)]
    pub email: Email,
    pub phone_number: Option<String>,
    #[diesel(deserialize_as = String)]
    pub role: Role,
    /// Registered without a token while access was open, and never logged in since.
    pub is_open: bool,
    pub created_at: DateTime<Utc>,
    /// What it may do, if it is staff.
    #[diesel(deserialize_as = Option<Vec<String>>)]
    pub permissions: Permissions,
}

impl User {
    /// Whether the role and the permissions are enough for what needs this one.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        match self.role {
            Role::Customer => false,
            Role::Staff => self.permissions.include(permission),
            Role::Admin => true,
        }
    }
}

/// What is known of somebody who registers.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub name: String,
    pub email: Email,
    pub phone_number: Option<String>,
    pub role: Role,
    /// What it may do, if it is staff.
    pub permissions: Permissions,
    /// Argon2id in PHC form; `None`: nobody can log in.
    pub password_hash: Option<String>,
    pub is_open: bool,
}

/// Inserts a user with its event; `None` when the e-mail address is taken.
///
/// # Errors
///
/// Those of the database.
pub fn create(
    conn: &mut PgConnection,
    user: &NewUser,
    actor: Option<UserId>,
) -> QueryResult<Option<User>> {
    conn.transaction(|conn| {
        let Some(created) = insert(conn, user)? else {
            return Ok(None);
        };
        let registered = Event::UserRegistered {
            user_id: created.id,
        };
        outbox::write(conn, &[Entry::new(registered, 1, actor)])?;
        Ok(Some(created))
    })
}

fn insert(conn: &mut PgConnection, user: &NewUser) -> QueryResult<Option<User>> {
    diesel::insert_into(users::table)
        .values((
            users::name.eq(&user.name),
            users::email.eq(user.email.as_str()),
            users::email_normalised.eq(user.email.normalised()),
            users::phone_number.eq(&user.phone_number),
            users::role.eq(user.role.code()),
            users::permissions.eq(user.permissions.codes()),
            users::password_hash.eq(&user.password_hash),
            users::is_open.eq(user.is_open),
        ))
        .on_conflict(users::email_normalised)
        .do_nothing()
        .returning(User::as_returning())
        .get_result(conn)
        .optional()
}

/// Finds a user.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: UserId) -> QueryResult<Option<User>> {
    users::table
        .find(id.get())
        .select(User::as_select())
        .first(conn)
        .optional()
}

/// Finds a user and the hash of its password by e-mail address.
///
/// # Errors
///
/// Those of the database.
pub fn find_credential(
    conn: &mut PgConnection,
    email: &Email,
) -> QueryResult<Option<(User, Option<String>)>> {
    users::table
        .filter(users::email_normalised.eq(email.normalised()))
        .select((User::as_select(), users::password_hash))
        .first(conn)
        .optional()
}

/// Lists the e-mail addresses and password hashes of administrators who can log in.
///
/// # Errors
///
/// Those of the database.
pub fn list_admin_credentials(conn: &mut PgConnection) -> QueryResult<Vec<(String, String)>> {
    users::table
        .filter(users::role.eq(Role::Admin.code()))
        .filter(users::password_hash.is_not_null())
        .order(users::id)
        .select((users::email, users::password_hash.assume_not_null()))
        .load(conn)
}

/// Sets the hash of a user's password.
///
/// # Errors
///
/// Those of the database.
pub fn set_password(conn: &mut PgConnection, id: UserId, hash: &str) -> QueryResult<usize> {
    diesel::update(users::table.find(id.get()))
        .set(users::password_hash.eq(hash))
        .execute(conn)
}

/// Lists users by id, one more than `size` where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, after: i64, size: PageSize) -> QueryResult<Vec<User>> {
    users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .limit(size.get() + 1)
        .select(User::as_select())
        .load(conn)
}
