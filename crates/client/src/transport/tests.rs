use std::time::{Duration, Instant};

use domain::{OrderId, UserId};
use reqwest::Method;

use crate::test_server::{Reply, TestServer};
use crate::{Client, Error, NewUser, Request};

const USER: &str = r#"{"id":2,"name":"Ann","email":"ann@example.com","phoneNumber":null,
    "isAdmin":false,"shoeSize":38}"#;

fn created() -> Reply {
    Reply::With("201 Created", &["Location: /api/users/2"], USER.to_owned())
}

fn refused(status: &'static str, code: &str) -> Reply {
    let number = &status[..3];
    let body = format!(r#"{{"status":{number},"code":"{code}","title":"No","requestId":"r-7"}}"#);
    Reply::With(status, &[], body)
}

fn ann() -> NewUser {
    NewUser::new("Ann", "ann@example.com".parse().unwrap(), "hunter-22")
}

fn order() -> OrderId {
    OrderId::try_from(7).unwrap()
}

#[tokio::test]
async fn a_write_is_retried_with_the_key_of_its_first_try() {
    let server = TestServer::start(vec![
        Reply::HangUp,
        refused("503 Service Unavailable", "unavailable"),
        Reply::Silence,
        refused("409 Conflict", "idempotency_in_progress"),
        created(),
    ])
    .await;

    let answer = server
        .client()
        .build()
        .unwrap()
        .register(&ann())
        .await
        .unwrap();

    assert_eq!((answer.status, answer.tries), (201, 5));
    assert_eq!(answer.location(), Some("/api/users/2"));
    assert_eq!(answer.body.id, UserId::try_from(2).unwrap());
    let keys = server.headers("idempotency-key");
    assert_eq!(keys.len(), 5);
    assert!(keys[0].as_ref().is_some_and(|key| key.len() >= 16));
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn two_calls_have_two_keys() {
    let server = TestServer::start(vec![created(), created()]).await;
    let client = server.client().build().unwrap();

    client.register(&ann()).await.unwrap();
    client.register(&ann()).await.unwrap();

    let keys = server.headers("idempotency-key");
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let busy = Reply::With("429 Too Many Requests", &["Retry-After: 1"], String::new());
    let server = TestServer::start(vec![busy, created()]).await;
    let started = Instant::now();

    server
        .client()
        .build()
        .unwrap()
        .register(&ann())
        .await
        .unwrap();

    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_not_begun() {
    let busy = Reply::With(
        "429 Too Many Requests",
        &["Retry-After: 3600"],
        String::new(),
    );
    let server = TestServer::start(vec![busy, created()]).await;

    let error = server
        .client()
        .build()
        .unwrap()
        .register(&ann())
        .await
        .unwrap_err();

    assert!(
        matches!(error, Error::Api(_)),
        "nothing has happened: {error}"
    );
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_write_that_timed_out_is_unknown_and_not_failed() {
    let server = TestServer::start(vec![Reply::Silence, Reply::Silence]).await;
    let client = server.client().retries(1).build().unwrap();

    let error = client.cancel_order(order()).await.unwrap_err();

    let sent = server.headers("idempotency-key")[0].clone();
    let Error::Unknown {
        key,
        tries: 2,
        last,
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(Some(key.as_str()), sent.as_deref());
    assert!(matches!(*last, Error::Transport(error) if error.is_timeout()));
}

#[tokio::test]
async fn a_refusal_of_the_retry_settles_what_the_first_try_left_open() {
    let server =
        TestServer::start(vec![Reply::HangUp, refused("409 Conflict", "out_of_stock")]).await;

    let error = server
        .client()
        .build()
        .unwrap()
        .register(&ann())
        .await
        .unwrap_err();

    let problem = error.problem().unwrap();
    assert!(matches!(error, Error::Api(_)));
    assert_eq!(
        (problem.code.as_str(), problem.status),
        ("out_of_stock", 409)
    );
    assert_eq!(problem.request_id.as_deref(), Some("r-7"));
}

#[tokio::test]
async fn a_refusal_that_did_not_look_at_the_key_settles_nothing() {
    let expired = refused("401 Unauthorized", "invalid_token");
    let server = TestServer::start(vec![Reply::HangUp, expired]).await;

    let error = server
        .client()
        .build()
        .unwrap()
        .cancel_order(order())
        .await
        .unwrap_err();

    assert!(
        matches!(error, Error::Unknown { tries: 2, .. }),
        "{error:?}"
    );
    assert_eq!(error.status(), 401);
}

#[tokio::test]
async fn a_server_that_broke_may_have_written() {
    let server =
        TestServer::start(vec![refused("500 Internal Server Error", "internal_error")]).await;

    let error = server
        .client()
        .build()
        .unwrap()
        .cancel_order(order())
        .await
        .unwrap_err();

    assert!(
        matches!(error, Error::Unknown { tries: 1, .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn without_a_connection_nothing_has_happened() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::builder(&format!("http://{free}"))
        .retries(2)
        .pauses(Duration::from_millis(1), Duration::from_millis(2))
        .build()
        .unwrap();

    let error = client.cancel_order(order()).await.unwrap_err();

    assert!(matches!(error, Error::Transport(_)), "{error:?}");
}

#[tokio::test]
async fn a_read_has_no_key_and_no_unknown_outcome() {
    let server = TestServer::start(vec![Reply::HangUp, Reply::HangUp]).await;
    let client = server.client().retries(1).build().unwrap();

    let error = client.get_order(order()).await.unwrap_err();

    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert_eq!(server.headers("idempotency-key"), [None, None]);
}

#[tokio::test]
async fn an_answer_that_is_not_json_names_the_request() {
    let server = TestServer::start(vec![Reply::With("200 OK", &[], "hello".to_owned())]).await;

    let error = server
        .client()
        .build()
        .unwrap()
        .get_order(order())
        .await
        .unwrap_err();

    assert!(
        error
            .to_string()
            .starts_with("cannot read the answer to GET /api/orders/7")
    );
}

#[tokio::test]
async fn logging_in_gives_a_client_that_sends_the_token() {
    let session =
        format!(r#"{{"token":"tok-123","expiresAt":"2026-03-01T12:00:00Z","user":{USER}}}"#);
    let user = Reply::With("200 OK", &[], USER.to_owned());
    let server = TestServer::start(vec![Reply::With("201 Created", &[], session), user]).await;
    let anonymous = server.client().build().unwrap();

    let ann = anonymous.login(&ann().email, "hunter-22").await.unwrap();
    ann.me().await.unwrap();

    assert_eq!(
        server.headers("authorization"),
        [None, Some("Bearer tok-123".to_owned())]
    );
    assert!(!format!("{ann:?}").contains("tok-123"));
}

#[tokio::test]
async fn a_dry_client_tries_its_writes_and_reads_as_ever() {
    let tried = Reply::With("201 Created", &["Dry-Run: true"], USER.to_owned());
    let read = Reply::With("200 OK", &[], USER.to_owned());
    let server = TestServer::start(vec![tried, read, created()]).await;
    let client = server.client().build().unwrap();

    let answer = client.dry_run().register(&ann()).await.unwrap();
    client.dry_run().me().await.unwrap();
    let wet = client.register(&ann()).await.unwrap();

    assert!(answer.is_dry() && !wet.is_dry());
    let heard = server.heard();
    assert!(heard[0].starts_with("POST /api/users?dryRun=true "));
    assert!(heard[1].starts_with("GET /api/users/me "));
    assert!(heard[2].starts_with("POST /api/users "));
}

#[tokio::test]
async fn a_server_that_does_what_was_to_be_tried_is_told_of() {
    let refusal = refused("400 Bad Request", "dry_run_unsupported");
    let server = TestServer::start(vec![created(), refusal]).await;
    let client = server.client().build().unwrap().dry_run();

    let error = client.register(&ann()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /api/users was to be tried, and the server did it"
    );
    let error = client.register(&ann()).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, "dry_run_unsupported");
}

#[test]
fn a_query_is_encoded_and_a_base_path_kept() {
    let client = Client::builder("http://shop.example/store/")
        .build()
        .unwrap();
    let request = Request::new(Method::GET, "/api/products").query("q", &"tea & cake");

    let url = client.url(&request);

    assert_eq!(
        url.as_str(),
        "http://shop.example/store/api/products?q=tea+%26+cake"
    );
}
