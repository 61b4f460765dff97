//! Logging in and out.

use accounts::passwords;
use accounts::sessions::{self, SessionError};
use accounts::users;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, delete, post};
use chrono::{DateTime, Utc};
use domain::Email;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::money::ProblemBody;
use super::users::{UserBody, refuse};
use crate::http::{Answer, Body, Caller, Problem, caller};
use crate::state::State;

/// What proves who somebody is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Credentials)]
pub struct CredentialsBody {
    email: String,
    password: String,
}

/// A session. The token is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionBody {
    /// For `Authorization: Bearer …`.
    token: String,
    expires_at: DateTime<Utc>,
    user: UserBody,
}

/// Logs in. The answer is the same, and takes as long, for an unknown address and a wrong password.
///
/// An Idempotency-Key is ignored: the answer holds a secret, which is kept nowhere.
#[utoipa::path(
    tag = "sessions",
    request_body = CredentialsBody,
    responses(
        (status = 201, body = SessionBody),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/sessions")]
pub async fn open(state: Data<State>, body: Body<CredentialsBody>) -> Result<Answer, Problem> {
    let CredentialsBody { email, password } = body.value;
    if password.chars().count() > *passwords::LENGTH.end() {
        return Err(wrong());
    }
    let found = match Email::try_from(email) {
        Err(_) => None,
        Ok(email) => {
            state
                .db
                .run(move |conn| users::find_credential(conn, &email).map_err(Problem::from))
                .await?
        }
    };
    let (user, hash) = found.unzip();
    let hash = hash.flatten();
    let verified = state
        .passwords
        .verify(password, hash.clone())
        .await
        .map_err(refuse)?;
    let (Some(user), Some(hash), true) = (user, hash, verified) else {
        return Err(wrong());
    };
    let id = user.id;
    let session = state
        .db
        .run(move |conn| sessions::open(conn, id, &hash).map_err(Problem::from))
        .await?
        .ok_or_else(wrong)?;
    let body = SessionBody {
        token: session.token.reveal().to_owned(),
        expires_at: session.expires_at,
        user: UserBody::from(&user),
    };
    Ok(Answer::created("/api/sessions/current".into(), &body))
}

/// Logs out: the token is dead at once.
#[utoipa::path(
    tag = "sessions",
    security(("token" = [])),
    responses(
        (status = 204),
    )
)]
#[delete("/api/sessions/current")]
pub async fn close(
    state: Data<State>,
    _caller: Caller,
    request: HttpRequest,
) -> Result<Answer, Problem> {
    let token = caller::bearer_token(&request)?.ok_or_else(Problem::unauthorized)?;
    state
        .db
        .run(move |conn| sessions::close(conn, &token).map_err(Problem::from))
        .await?;
    Ok(Answer::no_content())
}

fn wrong() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_credentials",
        "E-mail address or password is wrong",
    )
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Db(error) => error.into(),
            SessionError::Random(error) => {
                log::error!(error:% = error; "no randomness for a token");
                Self::internal()
            }
        }
    }
}
