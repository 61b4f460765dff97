//! Who is asking.

use std::future::ready;

use accounts::{Permissions, Role, User, sessions};
use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};
use domain::{Permission, UserId};
use futures_util::future::LocalBoxFuture;

use super::{Problem, permissions};
use crate::config::Access;
use crate::state::State;

/// Whoever sends a request. A token that is not valid is a 401, never "no token".
#[derive(Clone, Debug)]
pub enum Caller {
    /// No token. What that allows depends on [`Access`].
    Anonymous(Access),
    User(Box<User>),
}

impl Caller {
    /// The user, where a token told us.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        match self {
            Self::Anonymous(_) => None,
            Self::User(user) => Some(user),
        }
    }

    /// The user's id, for timelines and ledgers.
    #[must_use]
    pub fn id(&self) -> Option<UserId> {
        self.user().map(|user| user.id)
    }

    /// Whether this is somebody who may do that everywhere: staff with this permission, or an administrator.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.user().is_some_and(|user| user.may(permission))
    }

    /// Refuses whoever can do nothing at all without a token.
    ///
    /// # Errors
    ///
    /// 401.
    pub fn known_or_open(&self) -> Result<(), Problem> {
        match self {
            Self::Anonymous(Access::Required) => Err(Problem::unauthorized()),
            Self::Anonymous(Access::Open) | Self::User(_) => Ok(()),
        }
    }

    /// Whether this caller may act for `user`: who is somebody else needs `permission` for it.
    #[must_use]
    pub fn may_act_for(&self, user: &User, permission: Permission) -> bool {
        match self {
            Self::User(caller) => caller.id == user.id || caller.may(permission),
            Self::Anonymous(Access::Open) => user.is_open,
            Self::Anonymous(Access::Required) => false,
        }
    }

    /// The part of an idempotency key's scope that tells callers apart.
    #[must_use]
    pub fn scope(&self) -> String {
        match self.id() {
            Some(id) => format!("user:{id}"),
            None => "anonymous".into(),
        }
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let state = request.app_data::<Data<State>>().cloned();
        let token = bearer_token(request);
        Box::pin(async move {
            let state = state.ok_or_else(Problem::internal)?;
            let Some(token) = token? else {
                return Ok(Self::Anonymous(state.config.access));
            };
            let found = state
                .db
                .run(move |conn| sessions::find_user(conn, &token).map_err(Problem::from))
                .await?;
            found
                .map(|user| Self::User(Box::new(user)))
                .ok_or_else(Problem::unauthorized)
        })
    }
}

/// The token of an `Authorization` header, or an error for a header that holds none.
pub fn bearer_token(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get(AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value.to_str().ok().and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.to_owned())
    });
    token.map(Some).ok_or_else(Problem::unauthorized)
}

/// A caller who is staff, with the permission that the route needs, or an administrator.
#[derive(Clone, Debug)]
pub struct Staff(pub Box<User>);

impl Staff {
    /// Refuses who lacks a permission that this request needs besides that of its route.
    ///
    /// # Errors
    ///
    /// 403.
    pub fn needs(&self, permission: Permission) -> Result<(), Problem> {
        if self.0.may(permission) {
            Ok(())
        } else {
            Err(Problem::lacking(permission))
        }
    }

    /// Refuses who may not put things on sale that have a price, and stock where some is given.
    ///
    /// # Errors
    ///
    /// 403.
    pub fn needs_for_sale(&self, on_hand: i64) -> Result<(), Problem> {
        self.needs(Permission::PriceWrite)?;
        if on_hand == 0 {
            return Ok(());
        }
        self.needs(Permission::StockWrite)
    }
}

impl FromRequest for Staff {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        // Who was looked at before all else; see `staff_first`.
        if let Some(known) = request.extensions().get::<Self>().cloned() {
            return Box::pin(ready(Ok(known)));
        }
        let caller = Caller::from_request(request, payload);
        let route = request.match_pattern().unwrap_or_default();
        let needed = permissions::needed(request.method(), &route);
        Box::pin(async move {
            let user = known(caller.await?)?;
            match needed {
                _ if !user.role.is_staff() => Err(Problem::forbidden()),
                Some(needed) if !user.may(needed) => Err(Problem::lacking(needed)),
                None if user.permissions != Permissions::All => Err(Problem::forbidden()),
                _ => Ok(Self(user)),
            }
        })
    }
}

/// A caller who is an administrator.
#[derive(Clone, Debug)]
pub struct Admin(pub Box<User>);

impl FromRequest for Admin {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        Box::pin(async move {
            let user = known(caller.await?)?;
            match user.role {
                Role::Admin => Ok(Self(user)),
                Role::Staff | Role::Customer => Err(Problem::forbidden()),
            }
        })
    }
}

fn known(caller: Caller) -> Result<Box<User>, Problem> {
    match caller {
        Caller::User(user) => Ok(user),
        Caller::Anonymous(_) => Err(Problem::unauthorized()),
    }
}
