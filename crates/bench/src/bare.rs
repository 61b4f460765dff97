//! The limit of a read: an actix handler that sends finished bytes and does nothing else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Args;

use crate::http::Connection;

#[derive(Args)]
pub struct Options {
    /// Where to listen.
    #[arg(long)]
    bind: SocketAddr,
    /// `host:port` of the server whose answers are repeated.
    #[arg(long)]
    of: String,
    /// Paths with their query strings; each is asked for once, at the start.
    #[arg(required = true)]
    paths: Vec<String>,
}

/// Answers by path and query.
type Answers = HashMap<String, Finished>;

struct Finished {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
}

/// Asks for every path once, then serves the answers until SIGTERM.
pub fn run(options: &Options) -> std::io::Result<()> {
    actix_web::rt::System::new().block_on(async {
        let answers = Arc::new(fetch(options).await?);
        HttpServer::new(move || {
            App::new()
                .app_data(Data::from(Arc::clone(&answers)))
                .default_service(web::to(answer))
        })
        .bind(options.bind)?
        .run()
        .await
    })
}

async fn answer(answers: Data<Answers>, request: HttpRequest) -> HttpResponse {
    let path = request
        .uri()
        .path_and_query()
        .map_or("", |path| path.as_str());
    let Some(finished) = answers.get(path) else {
        return HttpResponse::NotFound().finish();
    };
    let mut response = HttpResponse::Ok();
    for (name, value) in &finished.headers {
        response.insert_header((name.clone(), value.clone()));
    }
    response.body(finished.body.clone())
}

async fn fetch(options: &Options) -> std::io::Result<Answers> {
    let mut connection = Connection::open(&options.of).await?;
    let mut answers = Answers::new();
    for path in &options.paths {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", options.of);
        let answer = connection.send(request.as_bytes()).await?;
        if answer.status != 200 {
            let message = format!("{path} is answered with {}", answer.status);
            return Err(std::io::Error::other(message));
        }
        let finished = Finished {
            headers: answer.head.lines().filter_map(header).collect(),
            body: Bytes::copy_from_slice(answer.body),
        };
        answers.insert(path.clone(), finished);
    }
    Ok(answers)
}

/// A header to be sent again; not those that the server writes by itself.
fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(": ")?;
    let own = ["content-length", "date", "connection"];
    if own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return None;
    }
    Some((name.parse().ok()?, value.parse().ok()?))
}
