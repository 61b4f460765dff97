//! Registering, logging in and out, the groups a customer is of, and what staff may do.

use chrono::{DateTime, Utc};
use domain::{Email, Permission, Slug, UserId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Answer, Client, Error, Request, Secret};

/// A customer or a member of staff.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Names the user in orders.
    pub id: UserId,
    /// What the user is called.
    pub name: String,
    /// In normalised form.
    pub email: String,
    /// `None` when none was given.
    pub phone_number: Option<String>,
    /// Whether this is an administrator.
    pub is_admin: bool,
    /// What it may do; `None` for a customer.
    pub permissions: Option<Vec<Permission>>,
}

/// A registration.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    /// What the user is called.
    pub name: String,
    /// What the user logs in with.
    pub email: Email,
    /// 8 to 128 characters.
    pub password: Secret,
    /// Left out when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
}

/// A session, just opened.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Proves who is calling.
    pub token: Secret,
    /// When the token ends.
    pub expires_at: DateTime<Utc>,
    /// Who logged in.
    pub user: User,
}

#[derive(Serialize)]
struct Credentials<'a> {
    email: &'a Email,
    password: &'a str,
}

impl NewUser {
    /// Describes a user without a phone number.
    #[must_use]
    pub fn new(name: impl Into<String>, email: Email, password: impl Into<Secret>) -> Self {
        Self {
            name: name.into(),
            email,
            password: password.into(),
            phone_number: None,
        }
    }
}

/// The groups a customer is of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerGroups {
    /// Sorted, each once.
    pub customer_groups: Vec<Slug>,
}

/// What a member of staff may do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct StaffPermissions {
    /// Sorted, each once; `None` for all that staff may do.
    pub permissions: Option<Vec<Permission>>,
}

impl Client {
    /// Registers a user: status 201, or 200 for one who was registered with the same password.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `email_taken` when the password is another one.
    pub async fn register(&self, user: &NewUser) -> Result<Answer<User>, Error> {
        self.fetch(Request::new(Method::POST, "/api/users").json(user)?)
            .await
    }

    /// Returns whom the token belongs to.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 401 without a token.
    pub async fn me(&self) -> Result<Answer<User>, Error> {
        self.fetch(Request::new(Method::GET, "/api/users/me")).await
    }

    /// Opens a session.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `invalid_credentials`, whichever of the two is wrong.
    pub async fn open_session(
        &self,
        email: &Email,
        password: &str,
    ) -> Result<Answer<Session>, Error> {
        let body = Credentials { email, password };
        self.fetch(Request::new(Method::POST, "/api/sessions").json(&body)?)
            .await
    }

    /// Opens a session and returns a client that acts in it.
    ///
    /// # Errors
    ///
    /// Those of [`Client::open_session`].
    pub async fn login(&self, email: &Email, password: &str) -> Result<Self, Error> {
        let session = self.open_session(email, password).await?;
        Ok(self.with_token(session.body.token))
    }

    /// Ends the session; the token is dead afterwards, also in clones of this client.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 401 when it was dead before.
    pub async fn logout(self) -> Result<(), Error> {
        self.accept(Request::new(Method::DELETE, "/api/sessions/current"))
            .await?;
        Ok(())
    }

    /// Reads the groups of a customer. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown user.
    pub async fn get_customer_groups(&self, id: UserId) -> Result<Answer<CustomerGroups>, Error> {
        let path = format!("/api/admin/users/{id}/customer-groups");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Makes a customer one of these groups and of no others. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn put_customer_groups(
        &self,
        id: UserId,
        groups: &CustomerGroups,
        etag: Option<&str>,
    ) -> Result<Answer<CustomerGroups>, Error> {
        let path = format!("/api/admin/users/{id}/customer-groups");
        let request = Request::new(Method::PUT, path).json(groups)?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Reads what a member of staff may do. Administrators.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown user, and with the code `not_staff` for one who is no staff.
    pub async fn get_permissions(&self, id: UserId) -> Result<Answer<StaffPermissions>, Error> {
        let path = format!("/api/admin/users/{id}/permissions");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Has a member of staff be allowed this and nothing else. Administrators.
    ///
    /// # Errors
    ///
    /// Those of [`Client::get_permissions`], and [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn put_permissions(
        &self,
        id: UserId,
        permissions: &StaffPermissions,
        etag: Option<&str>,
    ) -> Result<Answer<StaffPermissions>, Error> {
        let path = format!("/api/admin/users/{id}/permissions");
        let request = Request::new(Method::PUT, path).json(permissions)?;
        self.fetch(request.if_match(etag)?).await
    }
}
