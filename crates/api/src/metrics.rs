//! Prometheus metrics, on a port of their own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::web::Data;
use actix_web::{App, HttpResponse, HttpServer, get};
use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::app::StartError;
use crate::config;

/// Seconds; from a cached read to the longest a request may take.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];

/// Seconds; from a job that finds nothing to do to one that counts a whole shop.
const JOB_BUCKETS: [f64; 10] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Starts to count, and to tell when an address is configured.
///
/// # Errors
///
/// [`StartError::Listen`].
pub fn start(config: &config::Metrics) -> Result<Option<Server>, StartError> {
    if config.bind.is_empty() {
        return Ok(None);
    }
    let Some(recorder) = recorder() else {
        return Ok(None);
    };
    let failed = |source| StartError::Listen {
        address: config.bind.clone(),
        source,
    };
    let server = HttpServer::new(move || App::new().app_data(Data::new(recorder)).service(render))
        .workers(1)
        .disable_signals()
        .bind(&config.bind)
        .map_err(failed)?;
    Ok(Some(server.run()))
}

/// Folds what was measured into its buckets, for as long as the process runs: unread samples would
/// pile up while nobody asks for them.
pub async fn keep_up() {
    let mut ticks = tokio::time::interval(UPKEEP_EVERY);
    loop {
        ticks.tick().await;
        if let Some(recorder) = recorder() {
            recorder.run_upkeep();
        }
    }
}

/// One recorder per process, also when a test starts several replicas in one.
fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || {
        let requests = Matcher::Full("http_request_duration_seconds".into());
        let jobs = Matcher::Full("job_run_seconds".into());
        PrometheusBuilder::new()
            .set_buckets_for_metric(requests, &BUCKETS)
            .and_then(|builder| builder.set_buckets_for_metric(jobs, &JOB_BUCKETS))
            .and_then(PrometheusBuilder::install_recorder)
            .inspect_err(|error| log::error!(error:% = error; "no metrics"))
            .ok()
    };
    RECORDER.get_or_init(install).as_ref()
}

/// Counts a request that was answered.
pub fn request_answered(method: &'static str, route: &str, status: u16, took: Duration) {
    OF_ROUTES.with_borrow_mut(|routes| {
        let of_route = match routes.get_mut(route) {
            Some(known) => known,
            None => routes
                .entry(route.to_owned())
                .or_insert_with(|| OfRoute::new(route)),
        };
        of_route.duration.record(took.as_secs_f64());
        of_route.answers(method, route, status).increment(1);
    });
}

thread_local! {
    /// The counters that this thread has used. To find one by its name takes longer than to count.
    static OF_ROUTES: RefCell<HashMap<String, OfRoute>> = RefCell::default();
}

struct OfRoute {
    duration: Histogram,
    /// By method and status; a route has a few.
    answers: Vec<(&'static str, u16, Counter)>,
}

impl OfRoute {
    fn new(route: &str) -> Self {
        Self {
            duration: metrics::histogram!("http_request_duration_seconds", "route" => route.to_owned()),
            answers: Vec::new(),
        }
    }

    fn answers(&mut self, method: &'static str, route: &str, status: u16) -> &Counter {
        let is_it = |(m, s, _): &(&str, u16, Counter)| (*m, *s) == (method, status);
        let place = self.answers.iter().position(is_it).unwrap_or_else(|| {
            let labels = [
                ("method", method.to_owned()),
                ("route", route.to_owned()),
                ("status", status.to_string()),
            ];
            let counter = metrics::counter!("http_requests_total", &labels);
            self.answers.push((method, status, counter));
            self.answers.len() - 1
        });
        &self.answers[place].2
    }
}

#[get("/metrics")]
async fn render(recorder: Data<&'static PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(recorder.render())
}
