//! A replica: built from settings, the same way for `main` and for tests.

use std::net::{SocketAddr, TcpListener};
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_cors::Cors;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::web::{Data, PayloadConfig};
use actix_web::{App, HttpServer, dev::Server, web};
use db::Db;
use utoipa_swagger_ui::SwaggerUi;

use crate::cache::changes::{self, Listeners};
use crate::cache::{Cache, shared::SharedTier};
use crate::config::{self, Access, CardProvider, Config};
use crate::http::finished::Given;
use crate::http::observe::observe;
use crate::http::{dry_run, staff_first};
use crate::metrics;
use crate::pulse;
use crate::relay::{self, Relay};
use crate::routes::{self, docs, service};
use crate::state::State;
use crate::worker::{self, Worker};

/// How long requests under way may take after SIGTERM.
const SHUTDOWN_SECONDS: u64 = 20;
/// How long a client may take to send a request's head, counted from when the connection was opened, also while this process stands
/// still. What is over by then is a 408, which no proxy asks another replica about: so it is much longer than a proxy waits.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A replica that listens, and is served once [`Application::run`] is awaited.
pub struct Application {
    server: Server,
    metrics: Option<Server>,
    state: Arc<State>,
    address: SocketAddr,
    _listeners: Listeners,
    relay: Relay,
    worker: Option<Worker>,
    background: Vec<tokio::task::JoinHandle<()>>,
}

/// What a replica does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers requests.
    Serve,
    /// The same, and runs jobs.
    ServeAndWork,
    /// Runs jobs; of all requests it answers only those about its health.
    Work,
}

/// Why a replica does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: String,
        source: std::io::Error,
    },
    #[error("redis.url: {0}")]
    Redis(#[from] deadpool_redis::CreatePoolError),
    #[error(transparent)]
    Database(#[from] db::DbError),
}

impl Application {
    /// Listens on the configured addresses. The database is migrated already.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn build(config: &Config, role: Role) -> Result<Self, StartError> {
        pulse::start();
        let metrics = metrics::start(&config.metrics)?;
        let (db, background) = match role {
            Role::Serve | Role::ServeAndWork => Db::parted(&config.pool())?,
            Role::Work => {
                let db = Db::new(&config.pool())?;
                (db.clone(), db)
            }
        };
        let shared = SharedTier::new(&config.redis, &config.cache)?;
        let cache = Arc::new(Cache::new(&config.cache, shared, db.clone()));
        let listeners = changes::listen(
            &cache,
            config.database.url.reveal().to_owned(),
            config.redis.url.reveal(),
        );
        let state = Data::new(State::new(config.clone(), (db, background), cache));
        let relay = relay::start(&state);
        let mut background = Vec::new();
        if metrics.is_some() {
            background.push(tokio::spawn(metrics::keep_up()));
        }
        let (address, server) = match role {
            Role::Serve | Role::ServeAndWork => {
                serve(&config.http, config.cors.clone(), state.clone())?
            }
            Role::Work => serve_health(&config.http, state.clone())?,
        };
        let worker = match role {
            Role::Serve => None,
            Role::ServeAndWork | Role::Work => Some(worker::start(Arc::clone(&state))),
        };
        if config.access == Access::Open && role != Role::Work {
            log::warn!("access is open: anyone who reaches this address can place demo orders");
        }
        if config.access == Access::Required && config.payments.card_provider == CardProvider::Test
        {
            log::warn!("card payments go to the test provider, which moves no money");
        }
        let state = state.into_inner();
        Ok(Self {
            server,
            metrics,
            state,
            address,
            _listeners: listeners,
            relay,
            worker,
            background,
        })
    }

    /// Where it listens; the port is a free one where none was configured.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` completes, then finishes what is under way.
    ///
    /// # Errors
    ///
    /// When the server fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        let handle = self.server.handle();
        let metrics = self.metrics.as_ref().map(Server::handle);
        let metrics_task = self.metrics.map(tokio::spawn);
        let mut server = tokio::spawn(self.server);
        tokio::select! {
            () = stop => {}
            ended = &mut server => return ended.map_err(std::io::Error::other)?,
        }
        log::info!("stopping: finishing requests under way");
        self.state.drain();
        let stop_worker = async {
            if let Some(worker) = self.worker {
                worker.stop().await;
            }
        };
        // What is committed from here on is delivered by another replica, or by the next start.
        tokio::join!(handle.stop(true), self.relay.stop(), stop_worker);
        self.background
            .iter()
            .for_each(tokio::task::JoinHandle::abort);
        if let (Some(metrics), Some(task)) = (metrics, metrics_task) {
            metrics.stop(false).await;
            let _ = task.await;
        }
        server.await.map_err(std::io::Error::other)?
    }
}

fn serve(
    config: &config::Http,
    cors: config::Cors,
    state: Data<State>,
) -> Result<(SocketAddr, Server), StartError> {
    let failed = |source| StartError::Listen {
        address: config.bind.to_string(),
        source,
    };
    let listener = TcpListener::bind(config.bind).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (max_body, compress) = (config.max_body_bytes, config.compress);
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        workers => workers,
    };
    let server = HttpServer::new(move || {
        let mut app = App::new()
            .app_data(state.clone())
            .app_data(PayloadConfig::new(max_body))
            .configure(routes::configure);
        // Answers to other origins' pages carry more than finished bytes.
        if cors.origins.is_empty() {
            app = app.app_data(Rc::new(Given::to_one_of(workers, &state.config.cache)));
        }
        app.service(service::welcome)
            .service(docs::openapi_json)
            .service(docs::reference)
            .service(
                SwaggerUi::new("/api/docs/{_:.*}")
                    .config(utoipa_swagger_ui::Config::from("/api/openapi.json")),
            )
            .default_service(web::to(routes::unmatched))
            .wrap(from_fn(dry_run::guard))
            .wrap(from_fn(staff_first::guard))
            .wrap(Condition::new(compress, Compress::default()))
            .wrap(Condition::new(
                !cors.origins.is_empty(),
                cross_origin(&cors),
            ))
            .wrap(from_fn(observe))
    })
    .workers(workers)
    .keep_alive(Duration::from_secs(config.keep_alive_seconds))
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals();
    Ok((address, server.listen(listener).map_err(failed)?.run()))
}

/// Health alone, for whoever starts and watches a worker.
fn serve_health(
    config: &config::Http,
    state: Data<State>,
) -> Result<(SocketAddr, Server), StartError> {
    let failed = |source| StartError::Listen {
        address: config.bind.to_string(),
        source,
    };
    let listener = TcpListener::bind(config.bind).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .service(service::livez)
            .service(service::readyz)
            .default_service(web::to(routes::unmatched))
            .wrap(from_fn(observe))
    })
    .workers(1)
    .client_request_timeout(HEAD_TIMEOUT)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals();
    Ok((address, server.listen(listener).map_err(failed)?.run()))
}

/// Which other origins' pages may call us; none, unless configured.
fn cross_origin(config: &config::Cors) -> Cors {
    let cors = config
        .origins
        .iter()
        .fold(Cors::default(), |cors, origin| match origin.as_str() {
            "*" => cors.allow_any_origin(),
            origin => cors.allowed_origin(origin),
        });
    cors.allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "x-request-id",
        ])
        .expose_headers([
            "dry-run",
            "etag",
            "idempotent-replayed",
            "location",
            "retry-after",
            "x-request-id",
        ])
        .max_age(3600)
}
