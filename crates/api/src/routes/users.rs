//! Users: registration, and who is who.

use accounts::passwords::{self, PasswordError};
use accounts::users::{self, NewUser, Role};
use accounts::{Permissions, User};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{get, post};
use domain::{Cursor, Email, Page, Permission, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::money::ProblemBody;
use crate::config::Access;
use crate::http::{Answer, Body, Caller, Key, Params, Problem, Staff, idempotency, params, text};
use crate::state::State;

/// Somebody who registers.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Registration)]
pub struct RegistrationBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(value_type = String, example = "ann@example.com")]
    email: Email,
    #[schema(min_length = 8, max_length = 128)]
    password: String,
    #[schema(max_length = 40)]
    phone_number: Option<String>,
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserBody {
    #[schema(value_type = i64, example = 2)]
    id: UserId,
    name: String,
    email: String,
    #[schema(required = true)]
    phone_number: Option<String>,
    /// Whether this is an administrator.
    is_admin: bool,
    /// What it may do, for staff and administrators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, example = json!(["catalog:read", "stock:write"]))]
    permissions: Option<Vec<Permission>>,
}

impl From<&User> for UserBody {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            name: user.name.clone(),
            email: user.email.as_str().to_owned(),
            phone_number: user.phone_number.clone(),
            is_admin: user.role == Role::Admin,
            permissions: user.role.is_staff().then(|| granted(user)),
        }
    }
}

fn granted(user: &User) -> Vec<Permission> {
    let all = Permission::ALL.into_iter();
    all.filter(|permission| user.may(*permission)).collect()
}

/// A page of users.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserPage)]
pub struct UserPageBody {
    users: Vec<UserBody>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Entries on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Registers a user. The same registration again is a 200 with the existing user.
#[utoipa::path(
    tag = "users",
    request_body = RegistrationBody,
    responses(
        (status = 201, body = UserBody), (status = 200, body = UserBody),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/users")]
pub async fn register(
    state: Data<State>,
    caller: Caller,
    key: Key,
    body: Body<RegistrationBody>,
) -> Result<Answer, Problem> {
    let request_key = key.bind(&caller, &without_password(&body.bytes));
    let registration = checked(body.value)?;
    let repeated = idempotency::find_answer(&state.db, request_key.clone()).await?;
    match (existing(&state, &registration).await, repeated) {
        (Ok(Some(answer)), first) => return Ok(first.unwrap_or(answer)),
        (Err(problem), Some(_)) if problem.code() == TAKEN => return Err(idempotency::reused()),
        (Err(problem), _) => return Err(problem),
        (Ok(None), _) => {}
    }
    let password_hash = state
        .passwords
        .hash(registration.password.clone())
        .await
        .map_err(refuse)?;
    let new = NewUser {
        name: registration.name.clone(),
        email: registration.email.clone(),
        phone_number: registration.phone_number.clone(),
        role: Role::Customer,
        permissions: Permissions::All,
        password_hash: Some(password_hash),
        is_open: matches!(caller, Caller::Anonymous(Access::Open)),
    };
    let actor = caller.id();
    let created = idempotency::once(&state.db, request_key, move |conn| {
        let user = users::create(conn, &new, actor)?.ok_or_else(taken)?;
        Ok(Answer::created(
            format!("/api/users/{}", user.id),
            &UserBody::from(&user),
        ))
    })
    .await;
    match created {
        // Somebody was faster with this address: perhaps the same person, twice at once.
        Err(problem) if problem.code() == TAKEN => {
            existing(&state, &registration).await?.ok_or(problem)
        }
        other => other,
    }
}

/// What a key is bound to: not even a fast hash of a password is kept. A repeat has to know it.
fn without_password(bytes: &[u8]) -> Vec<u8> {
    let mut body: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("password");
    }
    body.to_string().into_bytes()
}

/// The answer for an address that is taken: 200 for the right password, 409 for another.
async fn existing(state: &State, body: &RegistrationBody) -> Result<Option<Answer>, Problem> {
    let email = body.email.clone();
    let found = state
        .db
        .run(move |conn| users::find_credential(conn, &email).map_err(Problem::from))
        .await?;
    let Some((user, hash)) = found else {
        return Ok(None);
    };
    if state
        .passwords
        .verify(body.password.clone(), hash)
        .await
        .map_err(refuse)?
    {
        return Ok(Some(Answer::ok(&UserBody::from(&user))));
    }
    Err(taken())
}

fn checked(body: RegistrationBody) -> Result<RegistrationBody, Problem> {
    password_length(&body.password)?;
    let phone_number = body
        .phone_number
        .map(|phone| text("phoneNumber", phone, 1, 40))
        .transpose()?;
    Ok(RegistrationBody {
        name: text("name", body.name, 1, 200)?,
        phone_number,
        ..body
    })
}

fn password_length(password: &str) -> Result<(), Problem> {
    if passwords::has_good_length(password) {
        return Ok(());
    }
    let (min, max) = passwords::LENGTH.into_inner();
    let rule = format!("must have {min} to {max} characters");
    Err(Problem::invalid("password", "length", rule))
}

/// Reads the caller.
#[utoipa::path(
    tag = "users",
    security(("token" = [])),
    responses(
        (status = 200, body = UserBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/users/me")]
pub async fn me(caller: Caller) -> Result<Answer, Problem> {
    let user = caller.user().ok_or_else(Problem::unauthorized)?;
    Ok(Answer::ok(&UserBody::from(user)))
}

/// Lists users. Staff only.
#[utoipa::path(
    tag = "users",
    security(("token" = [])),
    params(PageQuery),
    responses(
        (status = 200, body = UserPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/users")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<PageQuery>,
) -> Result<Answer, Problem> {
    let size = params::page_size(query.0.limit.as_deref())?;
    let after = params::position(query.0.cursor.as_deref())?.unwrap_or(0);
    let rows = state
        .db
        .run(move |conn| users::list(conn, after, size).map_err(Problem::from))
        .await?;
    let page = Page::from_overfetched(rows, size, |user: &User| user.id.get());
    Ok(Answer::ok(&UserPageBody {
        users: page.items.iter().map(UserBody::from).collect(),
        has_more: page.next_cursor.is_some(),
        next_cursor: page.next_cursor,
    }))
}

/// Reads a user: oneself, or anyone for staff.
#[utoipa::path(
    tag = "users",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = UserBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/users/{id}")]
pub async fn get(state: Data<State>, caller: Caller, id: Path<String>) -> Result<Answer, Problem> {
    let asking = caller.user().ok_or_else(Problem::unauthorized)?;
    let id: UserId = id.parse().map_err(|_| not_found())?;
    if asking.id != id && !caller.may(Permission::CustomerRead) {
        return Err(not_found());
    }
    let user = state
        .db
        .run(move |conn| users::find(conn, id).map_err(Problem::from))
        .await?;
    Ok(Answer::ok(&UserBody::from(&user.ok_or_else(not_found)?)))
}

pub(super) fn not_found() -> Problem {
    Problem::not_found("user_not_found", "There is no such user")
}

const TAKEN: &str = "email_taken";

fn taken() -> Problem {
    Problem::conflict(TAKEN, "This e-mail address is registered already").field(
        "email",
        "taken",
        "log in, or register with another address",
    )
}

pub(super) fn refuse(error: PasswordError) -> Problem {
    match error {
        PasswordError::Overloaded => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many passwords at once",
        )
        .retry_after(1),
        PasswordError::Failed(reason) => {
            log::error!(reason = reason.as_str(); "password hashing failed");
            Problem::internal()
        }
    }
}
