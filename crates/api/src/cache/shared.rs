//! The tier in Redis.
//!
//! A value is stored behind the tokens of its namespace and of the whole shop as they were before
//! it was loaded, and read together with the present ones; it counts only when they are equal. A
//! change replaces a token by a new random one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::web::Bytes;
use deadpool_redis::redis::{Cmd, FromRedisValue};
use deadpool_redis::{Config, Pool, Runtime, Timeouts};

use super::breaker::Breaker;
use super::{Key, Namespace};
use crate::config;

/// Redis, behind a time-out and a circuit breaker: it never costs more than a moment.
pub struct SharedTier {
    pool: Pool,
    prefix: String,
    timeout: Duration,
    ttl_seconds: u64,
    breaker: Breaker,
    /// Invalidations that did not get through, and how many of them one of everything made up for.
    /// Nothing stored counts while they differ.
    missed: AtomicU64,
    made_up_for: AtomicU64,
}

/// What Redis had.
pub enum Found {
    Body(Bytes),
    Nothing(Lease),
}

/// The tokens under which a value that is loaded now may be stored.
pub struct Lease(Vec<u8>);

/// How long a connection may take to come about, while nobody waits for it any more.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes of one token.
const TOKEN: usize = 16;

impl SharedTier {
    /// Connects lazily; `None` when no address is configured.
    ///
    /// # Errors
    ///
    /// When the address cannot be understood.
    pub fn new(
        redis: &config::Redis,
        cache: &config::Cache,
    ) -> Result<Option<Self>, deadpool_redis::CreatePoolError> {
        if redis.url.reveal().is_empty() {
            return Ok(None);
        }
        let mut config = Config::from_url(redis.url.reveal());
        config.pool = Some(deadpool_redis::PoolConfig {
            timeouts: Timeouts {
                wait: Some(CONNECT_TIMEOUT),
                create: Some(CONNECT_TIMEOUT),
                recycle: Some(CONNECT_TIMEOUT),
            },
            ..deadpool_redis::PoolConfig::new(16)
        });
        Ok(Some(Self {
            pool: config.create_pool(Some(Runtime::Tokio1))?,
            prefix: redis.prefix.clone(),
            timeout: Duration::from_millis(redis.timeout_ms),
            ttl_seconds: cache.shared_ttl_seconds,
            breaker: Breaker::default(),
            missed: AtomicU64::new(0),
            made_up_for: AtomicU64::new(0),
        }))
    }

    /// Reads a value and the tokens in one trip; `None` when Redis is no help.
    pub async fn get(&self, key: &Key) -> Option<Found> {
        if !self.is_trusted().await {
            return None;
        }
        let names = [
            self.everything(),
            self.named(&key.namespace().name()),
            self.named(&key.name()),
        ];
        let [all, namespace, value]: [Option<Vec<u8>>; 3] = self.ask(&Cmd::mget(&names)).await?;
        let lease = match (all, namespace) {
            (Some(all), Some(namespace)) if all.len() == TOKEN && namespace.len() == TOKEN => {
                [all, namespace].concat()
            }
            _ => self.make_tokens(&names[..2]).await?,
        };
        match value {
            Some(value) if value.len() > 2 * TOKEN && value.starts_with(&lease) => {
                Some(Found::Body(Bytes::from(value).slice(2 * TOKEN..)))
            }
            _ => Some(Found::Nothing(Lease(lease))),
        }
    }

    /// Stores a value that was loaded after `lease` was read, for as long as it `holds` where that is not long.
    pub async fn put(&self, key: &Key, lease: &Lease, body: &Bytes, holds: Option<Duration>) {
        let ttl = holds.map_or(self.ttl_seconds, |holds| {
            self.ttl_seconds.min(holds.as_secs())
        });
        if ttl == 0 {
            return;
        }
        let (name, value) = (self.named(&key.name()), [&lease.0[..], body].concat());
        self.ask::<()>(&Cmd::set_ex(&name, &value, ttl)).await;
    }

    /// Makes every stored value of a namespace invalid.
    pub async fn invalidate(&self, namespace: Namespace) {
        self.change(self.named(&namespace.name())).await;
    }

    /// Makes every stored value invalid.
    pub async fn invalidate_all(&self) {
        self.change(self.everything()).await;
    }

    async fn change(&self, token: String) {
        if !self.replace_token(token).await {
            self.missed.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Whether what is stored may be looked at; makes up for missed invalidations first.
    async fn is_trusted(&self) -> bool {
        let missed = self.missed.load(Ordering::Acquire);
        if missed == self.made_up_for.load(Ordering::Acquire) {
            return true;
        }
        if self.replace_token(self.everything()).await {
            self.made_up_for.fetch_max(missed, Ordering::AcqRel);
        }
        self.missed.load(Ordering::Acquire) == self.made_up_for.load(Ordering::Acquire)
    }

    /// Tells every replica that listens.
    pub async fn publish(&self, message: &str) {
        let channel = self.channel();
        self.ask::<()>(&Cmd::publish(&channel, message)).await;
    }

    /// The channel on which changes are told.
    #[must_use]
    pub fn channel(&self) -> String {
        self.named("changes")
    }

    /// Whether Redis answers.
    pub async fn is_up(&self) -> bool {
        self.ask::<String>(&Cmd::ping()).await.is_some()
    }

    async fn make_tokens(&self, names: &[String]) -> Option<Vec<u8>> {
        let mut lease = Vec::with_capacity(2 * TOKEN);
        for name in names {
            self.ask::<bool>(&Cmd::set_nx(name, &random_token()[..]))
                .await?;
            let stored = self.ask::<Option<Vec<u8>>>(&Cmd::get(name)).await??;
            if stored.len() != TOKEN {
                // Not ours, so nothing behind it counts; the next reader finds a good one.
                self.replace_token(name.clone()).await;
                return None;
            }
            lease.extend(stored);
        }
        Some(lease)
    }

    async fn replace_token(&self, name: String) -> bool {
        let set = Cmd::set(name, &random_token()[..]);
        self.ask::<()>(&set).await.is_some()
    }

    /// Runs one command within the time-out, unless the circuit is open.
    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Option<T> {
        if !self.breaker.allows() {
            return None;
        }
        let pool = self.pool.clone();
        // A task of its own: a connection that takes longer than the time-out, as with TLS it may,
        // is then there for the next one.
        let connecting = tokio::spawn(async move { pool.get().await });
        let attempt = async {
            let mut connection = connecting.await.ok()?.ok()?;
            command.query_async(&mut connection).await.ok()
        };
        let answer = tokio::time::timeout(self.timeout, attempt)
            .await
            .ok()
            .flatten();
        match &answer {
            Some(_) => self.breaker.succeeded(),
            None => self.breaker.failed(),
        }
        answer
    }

    fn everything(&self) -> String {
        self.named("generation:all")
    }

    fn named(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }
}

fn random_token() -> [u8; TOKEN] {
    *uuid::Uuid::new_v4().as_bytes()
}
