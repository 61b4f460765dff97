//! The connection pool and the one way from async code to Diesel.

mod connections;
mod dry;
mod threads;
mod waiting;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::PgConnection;
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use self::connections::connect;

use self::connections::{Client, LogConnectError, Manager};
use self::threads::Threads;
use self::waiting::{Claim, Lent, Runner, Waiting, Work};
use crate::error::DbError;
use crate::faults;

/// How many connections a replica holds, and how long it waits for one.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// `postgres://user:password@host:port/database`, TLS by `?sslmode=`; or a libpq string.
    pub url: String,
    /// Connections of the pool.
    pub size: u32,
    /// How long a request waits for a free connection before it is refused.
    pub acquire_timeout: Duration,
    /// The longest any statement may run.
    pub statement_timeout: Duration,
}

/// The database of one replica. Cloning is cheap and shares the pool.
#[derive(Clone)]
pub struct Db {
    pool: r2d2::Pool<Manager>,
    waiting: Arc<Waiting>,
    acquire_timeout: Duration,
    losses: Arc<AtomicU64>,
    threads: Arc<Threads>,
}

impl Db {
    /// Builds the pool without connecting: a server that is away now may be back later.
    ///
    /// All work is done by threads of its own, one for each connection at most.
    ///
    /// # Errors
    ///
    /// [`DbError::Unavailable`] when the pool's threads cannot be started.
    pub fn new(config: &PoolConfig) -> Result<Self, DbError> {
        crate::survive_exit();
        let losses = Arc::new(AtomicU64::new(0));
        let manager = Manager::new(config, Arc::clone(&losses));
        let pool = r2d2::Pool::builder()
            .max_size(config.size)
            .min_idle(Some(config.size.min(2)))
            .connection_timeout(config.acquire_timeout)
            .test_on_check_out(false) // would cost every request a round trip
            .error_handler(Box::new(LogConnectError))
            .build_unchecked(manager);
        Ok(Self {
            pool,
            waiting: Arc::default(),
            acquire_timeout: config.acquire_timeout,
            losses,
            threads: Arc::new(Threads::new(config.size)?),
        })
    }

    /// Builds one pool of `config.size` for requests, and one of half as many for what no request waits for. Below four there is
    /// one for both.
    ///
    /// A server process keeps its plans, and is quick while the caches of the processor have them: so requests go to few of them,
    /// which nobody else takes meanwhile. And neither has to wait for the other's connections.
    ///
    /// # Errors
    ///
    /// Those of [`Db::new`].
    pub fn parted(config: &PoolConfig) -> Result<(Self, Self), DbError> {
        let requests = Self::new(config)?;
        if config.size < 4 {
            return Ok((requests.clone(), requests));
        }
        let aside = Self::new(&PoolConfig {
            size: config.size / 2,
            ..config.clone()
        })?;
        Ok((requests, aside))
    }

    /// Runs `work` with a connection on a blocking thread, as part of the caller's request. Of a dry
    /// request nothing is kept, whatever `work` commits.
    ///
    /// # Errors
    ///
    /// Whatever `work` returns, and [`DbError::Busy`] or [`DbError::Unavailable`] when no
    /// connection could be had in time.
    pub async fn run<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&mut PgConnection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let (reply, mut answer) = oneshot::channel();
        let claim = Claim::default();
        let (request, is_dry) = (crate::request::current(), crate::request::is_dry());
        let run = move |conn: Lent<'_>| {
            let work = |conn: &mut PgConnection| {
                // One call of it, so that it is compiled once.
                if is_dry {
                    dry::begin(conn).map_err(DbError::from)?;
                }
                let outcome = work(conn);
                if is_dry {
                    let undone = dry::end(conn, outcome.is_ok()).map_err(DbError::from);
                    return outcome.and_then(|value| undone.map(|()| value).map_err(E::from));
                }
                outcome
            };
            let outcome = conn
                .map_err(E::from)
                .and_then(|conn| crate::request::carry(request, || work(conn)));
            faults::point("after_commit_before_reply");
            let _ = reply.send(outcome);
        };
        self.hand_over(Work {
            claim: claim.clone(),
            run: Box::new(run),
        });
        let abandoned = Abandoned(&claim);
        let outcome = match timeout(self.acquire_timeout, &mut answer).await {
            Ok(outcome) => outcome,
            Err(_) if claim.take() => {
                return Err(DbError::Busy("no free connection".into()).into());
            }
            Err(_) => answer.await,
        };
        drop(abandoned);
        outcome.map_err(|_| DbError::Panicked)?
    }

    fn hand_over(&self, work: Work) {
        let max_runners = self.pool.max_size() as usize;
        if let Some(runner) = self.waiting.add(work, max_runners) {
            let db = self.clone();
            self.threads.start(move || db.do_what_waits(runner));
        }
    }

    fn do_what_waits(&self, mut runner: Runner) {
        let mut held = None;
        while let Some(work) = runner.next() {
            let done = catch_unwind(AssertUnwindSafe(|| match self.connection(&mut held) {
                Ok(client) => (work.run)(Ok(&mut client.conn)),
                Err(error) => (work.run)(Err(error)),
            }));
            if let (Err(_), Some(client)) = (done, &held) {
                // The hook has told of the panic, and the caller hears of it by the lost channel.
                client.broken.store(true, Ordering::Release);
            }
        }
    }

    /// The connection a runner holds if it is still good, or another one.
    fn connection<'h>(
        &self,
        held: &'h mut Option<r2d2::PooledConnection<Manager>>,
    ) -> Result<&'h mut Client, DbError> {
        let losses = self.losses.load(Ordering::Acquire);
        if let Some(client) = &mut *held
            && (client.opened_after != losses || client.is_broken())
        {
            *held = None; // r2d2 looks at it again, and drops it
        }
        match held {
            Some(client) => Ok(client),
            None => Ok(held.insert(self.checkout()?)),
        }
    }

    /// Takes a connection that was opened after the last loss of the server.
    fn checkout(&self) -> Result<r2d2::PooledConnection<Manager>, DbError> {
        loop {
            let client = self
                .pool
                .get()
                .map_err(|e| DbError::Unavailable(e.to_string()))?;
            if client.opened_after == self.losses.load(Ordering::Acquire) {
                return Ok(client);
            }
            client.broken.store(true, Ordering::Release); // r2d2 drops it on return
        }
    }
}

/// A caller that is dropped while it waits: what it asked for need not be begun any more.
struct Abandoned<'c>(&'c Claim);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}
