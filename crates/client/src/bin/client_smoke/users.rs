//! Registering, logging in and out.

use client::{Client, IdempotencyKey, Session, User};
use domain::UserId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::check::{Check, Kind, USER, request, send, with_body};

const PASSWORD: &str = "correct horse battery";

/// Checks registration and sessions; returns a user who never logs in.
pub async fn check(shop: &Client) -> Check<UserId> {
    let run = IdempotencyKey::fresh().map_err(|error| error.to_string())?;
    let buyer = check_registration(shop, &format!("smoke-{run}@example.com")).await?;
    check_session(shop, &format!("smoke-login-{run}@example.com")).await?;
    Ok(buyer)
}

fn registration(email: &str, password: &str) -> Value {
    json!({"name": "Smoke Test", "email": email, "password": password})
}

async fn check_registration(shop: &Client, email: &str) -> Check<UserId> {
    let post = |body: &Value| with_body(Method::POST, "/api/users", body);
    let made = send(shop, "registration", post(&registration(email, PASSWORD))?).await?;
    let made = made.status(201)?;
    made.fields(&made.body, USER)?;
    made.field("/name", "Smoke Test")?;
    made.field("/email", email)?;
    made.field("/phoneNumber", Value::Null)?;
    made.field("/isAdmin", false)?;
    let user: User = made.read(&made.body)?;

    let again = send(
        shop,
        "same registration",
        post(&registration(email, PASSWORD))?,
    )
    .await?;
    let again = again.status(200)?;
    again.must(
        again.body == made.body,
        "it is not the user of the first registration",
    )?;

    let louder = registration(&email.to_uppercase(), PASSWORD);
    let same = send(shop, "registration in upper case", post(&louder)?)
        .await?
        .status(200)?;
    same.field("/id", user.id.get())?;

    let other = registration(email, "another password");
    send(shop, "taken e-mail", post(&other)?)
        .await?
        .refused(409, "email_taken")?;

    let short = registration(&format!("x{email}"), "1234567");
    send(shop, "short password", post(&short)?)
        .await?
        .status(422)?;
    let mut odd = registration(&format!("y{email}"), PASSWORD);
    odd["shoeSize"] = json!(42);
    send(shop, "registration with an unknown field", post(&odd)?)
        .await?
        .status(422)?;
    Ok(user.id)
}

async fn check_session(shop: &Client, email: &str) -> Check {
    let me = || request(Method::GET, "/api/users/me");
    send(shop, "nobody's own user", me()).await?.status(401)?;
    let mut body = registration(email, PASSWORD);
    body["phoneNumber"] = json!("+44 20 7946 0000");
    let post = with_body(Method::POST, "/api/users", &body)?;
    let made = send(shop, "registration with a phone", post)
        .await?
        .status(201)?;
    made.field("/phoneNumber", "+44 20 7946 0000")?;

    let login = |email: &str, password: &str| {
        let body = json!({"email": email, "password": password});
        with_body(Method::POST, "/api/sessions", &body)
    };
    let opened = send(shop, "login", login(email, PASSWORD)?)
        .await?
        .status(201)?;
    opened.fields(
        &opened.body,
        &[("token", Kind::Text), ("expiresAt", Kind::Time)],
    )?;
    opened.fields(&opened.body["user"], USER)?;
    let session: Session = opened.read(&opened.body)?;

    let customer = shop.with_token(session.token);
    let own = send(&customer, "own user", me()).await?.status(200)?;
    own.must(
        own.body == made.body,
        "it is not the user that was registered",
    )?;
    send(
        &customer,
        "logout",
        request(Method::DELETE, "/api/sessions/current"),
    )
    .await?
    .status(204)?;
    send(&customer, "own user after logout", me())
        .await?
        .status(401)?;

    let wrong = send(shop, "wrong password", login(email, "wrong password")?).await?;
    wrong.refused(401, "invalid_credentials")?;
    let nobody = login(&format!("nobody-{email}"), PASSWORD)?;
    send(shop, "unknown e-mail", nobody)
        .await?
        .refused(401, "invalid_credentials")
        .map(drop)
}
