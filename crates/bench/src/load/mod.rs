//! Requests, as many as the server takes (closed loop) or as a clock says (open loop).
//!
//! In the open loop a request's time begins when the clock says, not when a connection is free for
//! it: a server that stalls is charged for everybody who had to wait meanwhile (no coordinated
//! omission). A request that no connection was free for within the patience counts as unsent.

mod clock;
mod report;
mod request;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;

use self::clock::Clock;
use self::report::{Outcome, Tally};
use self::request::Template;
use crate::http::Connection;

#[derive(Args, Clone)]
pub struct Options {
    /// `host:port` of the server.
    #[arg(long)]
    to: String,
    /// Connections that are kept open, and so the most requests at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Requests per second by the clock; without it each connection sends as soon as it is free.
    #[arg(long)]
    rate: Option<f64>,
    /// How long to measure, after the warm-up.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How long to send before anything counts.
    #[arg(long, default_value_t = 0.5)]
    warm_up: f64,
    /// The status of a good answer.
    #[arg(long, default_value_t = 200)]
    expect: u16,
    #[command(flatten)]
    request: request::Options,
}

/// How late a request of the open loop may be sent at all.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(10);

struct Plan {
    options: Options,
    template: Template,
    clock: Clock,
    tally: Mutex<Tally>,
    started: Instant,
}

/// Runs the load and prints the tally.
pub fn run(options: Options) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let length = Duration::from_secs_f64(options.warm_up + options.seconds);
    let started = Instant::now();
    let plan = Arc::new(Plan {
        template: Template::new(&options.request, &options.to),
        clock: Clock::new(started, length, options.rate),
        tally: Mutex::new(Tally::default()),
        started,
        options,
    });
    runtime.block_on(async {
        let shared = Arc::clone(&plan);
        let ticking = std::thread::spawn(move || shared.clock.tick(shared.options.connections));
        let senders: Vec<_> = (0..plan.options.connections)
            .map(|_| tokio::spawn(send(Arc::clone(&plan))))
            .collect();
        for sender in senders {
            sender.await.map_err(std::io::Error::other)?;
        }
        ticking
            .join()
            .map_err(|_| std::io::Error::other("the clock stopped"))
    })?;
    let tally = plan.tally.lock().unwrap_or_else(PoisonError::into_inner);
    println!("{}", tally.to_json(plan.options.seconds));
    Ok(())
}

/// One connection, for as long as there is something to send.
async fn send(plan: Arc<Plan>) {
    let mut connection = None;
    let mut request = Vec::with_capacity(1024);
    while let Some(ticket) = plan.clock.next().await {
        let began = ticket.due.unwrap_or_else(Instant::now);
        if began.elapsed() > PATIENCE {
            plan.note(began, &Outcome::Unsent);
            continue;
        }
        plan.template.write(ticket.index, &mut request);
        let attempt = tokio::time::timeout(TIMEOUT, attempt(&plan, &mut connection, &request));
        let status = match attempt.await {
            Ok(Ok(status)) => Some(status),
            Ok(Err(_)) | Err(_) => {
                connection = None;
                None
            }
        };
        let outcome = match status {
            Some(status) if status == plan.options.expect => Outcome::Good(began.elapsed()),
            Some(status) => Outcome::Refused(status, began.elapsed()),
            None => Outcome::Failed,
        };
        plan.note(began, &outcome);
    }
}

async fn attempt(
    plan: &Plan,
    connection: &mut Option<Connection>,
    request: &[u8],
) -> std::io::Result<u16> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(&plan.options.to).await?),
    };
    let answer = open.send(request).await?;
    let (status, closes) = (answer.status, answer.closes);
    if closes {
        *connection = None;
    }
    Ok(status)
}

impl Plan {
    fn note(&self, began: Instant, outcome: &Outcome) {
        let at = began.duration_since(self.started).as_secs_f64() - self.options.warm_up;
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.count(at, outcome);
    }
}
