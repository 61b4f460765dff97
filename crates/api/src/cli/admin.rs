//! `cartwright admin`: who runs the shop.

use std::io::Read;
use std::process::ExitCode;

use accounts::permissions::{self, Permissions};
use accounts::users::{self, NewUser, Role};
use accounts::{passwords, sessions};
use diesel::Connection as _;
use domain::{Email, Permission};

use super::{CliError, database_url};
use crate::config::{Access, Config, DEMO_PASSWORD};

pub(super) fn create_staff(
    config: &Config,
    email: &str,
    name: String,
    admin: bool,
    permissions: Vec<Permission>,
) -> Result<ExitCode, CliError> {
    let email = Email::try_from(email)?;
    let user = NewUser {
        name,
        email,
        phone_number: None,
        role: if admin { Role::Admin } else { Role::Staff },
        permissions: given(permissions),
        password_hash: Some(passwords::hash(&read_password(config)?)?),
        is_open: false,
    };
    let mut conn = db::connect(database_url(config)?)?;
    let user = users::create(&mut conn, &user, None)?
        .ok_or("this e-mail address is registered already")?;
    println!("user {} may log in", user.id);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn set_permissions(
    config: &Config,
    email: &str,
    permissions: Vec<Permission>,
) -> Result<ExitCode, CliError> {
    let email = Email::try_from(email)?;
    let mut conn = db::connect(database_url(config)?)?;
    let (user, _) = users::find_credential(&mut conn, &email)?.ok_or(NO_SUCH_USER)?;
    let set = |conn: &mut _| permissions::set(conn, user.id, given(permissions), None, None);
    conn.transaction(set)?;
    println!("user {} may do this from its next request on", user.id);
    Ok(ExitCode::SUCCESS)
}

/// Without any, all that staff may do.
fn given(permissions: Vec<Permission>) -> Permissions {
    if permissions.is_empty() {
        Permissions::All
    } else {
        Permissions::only(permissions)
    }
}

const NO_SUCH_USER: &str = "no user has this e-mail address";

pub(super) fn set_password(config: &Config, email: &str) -> Result<ExitCode, CliError> {
    let email = Email::try_from(email)?;
    let hash = passwords::hash(&read_password(config)?)?;
    let mut conn = db::connect(database_url(config)?)?;
    let (user, _) = users::find_credential(&mut conn, &email)?.ok_or(NO_SUCH_USER)?;
    let closed = conn.transaction(|conn| {
        users::set_password(conn, user.id, &hash)?;
        sessions::close_all(conn, user.id)
    })?;
    println!(
        "user {} has a new password; {closed} sessions closed",
        user.id
    );
    Ok(ExitCode::SUCCESS)
}

/// One line of standard input: not an argument, which every process list would show.
fn read_password(config: &Config) -> Result<String, CliError> {
    let mut text = String::new();
    std::io::stdin().take(1024).read_to_string(&mut text)?;
    let password = text.lines().next().unwrap_or_default().to_owned();
    if !passwords::has_good_length(&password) {
        let (min, max) = passwords::LENGTH.into_inner();
        let rule = format!("send a password of {min} to {max} characters on standard input");
        return Err(rule.into());
    }
    if password == DEMO_PASSWORD && config.access == Access::Required {
        return Err("this is the public demo password; choose another".into());
    }
    Ok(password)
}
