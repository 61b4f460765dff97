//! Read models as finished bytes: in this process, then in Redis, then from Postgres.
//!
//! An entry is valid as long as the generation of its namespace is the one it was loaded under; the
//! generation is read *before* loading. So a load that raced with a change can store its result,
//! but nobody will ever use it. Without Redis, or with a slow, full or flushed one, everything
//! works the same, only slower.
//!
//! - [`Key`]: what can be cached
//! - [`shared`]: the tier in Redis, behind a circuit breaker
//! - [`changes`]: how replicas hear of changes

mod breaker;
pub mod changes;
mod generations;
mod key;
mod moments;
pub mod shared;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use db::Db;
use domain::ProductId;
use sha2::{Digest, Sha256};

pub use self::generations::Namespace;
pub use self::key::{Among, Key, Which};

use self::generations::Generations;
use self::moments::Moments;
use self::shared::SharedTier;
use crate::config;
use crate::http::Problem;
use crate::pulse;

/// A finished answer.
#[derive(Debug)]
pub struct Cached {
    pub body: Bytes,
    pub etag: HeaderValue,
    namespace: Namespace,
    generation: u64,
    expires: Instant,
}

/// The two tiers and what keeps them honest.
pub struct Cache {
    local: moka::future::Cache<Key, Arc<Cached>>,
    generations: Generations,
    moments: Moments,
    shared: Option<SharedTier>,
    ttl: Duration,
    read_again: metrics::Counter,
}

/// Where products are shown together, a single one among them.
const LISTS: [Namespace; 2] = [Namespace::ProductLists, Namespace::Search];
/// What is read of categories and collections: themselves, and where products are shown together.
const CATEGORIES: [Namespace; 3] = [
    Namespace::Categories,
    Namespace::ProductLists,
    Namespace::Search,
];

/// How often a load that raced with a change is tried again before its result is used once.
const MAX_LOADS: usize = 3;

impl Cache {
    /// An empty cache; `shared` is the tier in Redis, where there is one.
    #[must_use]
    pub fn new(config: &config::Cache, shared: Option<SharedTier>, db: Db) -> Self {
        let ttl = Duration::from_secs(config.ttl_seconds);
        let local = moka::future::Cache::builder()
            .max_capacity(config.max_bytes)
            .weigher(|key: &Key, value: &Arc<Cached>| {
                u32::try_from(value.body.len() + key.len() + 200).unwrap_or(u32::MAX)
            })
            .expire_after(WhenItSays)
            .build();
        Self {
            local,
            generations: Generations::default(),
            moments: Moments::new(db, ttl),
            shared,
            ttl,
            read_again: metrics::counter!("cache_reads_total", "tier" => "local"),
        }
    }

    /// The bytes for `key`, from the nearest tier; `load` reads Postgres, once for all who wait.
    ///
    /// `None` when `load` finds nothing; that is not remembered.
    ///
    /// # Errors
    ///
    /// Those of `load`.
    pub async fn get<L, F>(&self, key: Key, load: L) -> Result<Option<Arc<Cached>>, Problem>
    where
        L: Fn() -> F,
        F: Future<Output = Result<Option<Vec<u8>>, Problem>>,
    {
        let namespace = key.namespace();
        if let Some(hit) = self.local.get(&key).await {
            if self.is_current(&hit, Instant::now()) {
                return Ok(Some(hit));
            }
            self.local.invalidate(&key).await;
        }
        let mut loads = 0;
        loop {
            loads += 1;
            let fill = self.fill(&key, namespace, &load);
            let entry = match self.local.try_get_with_by_ref(&key, fill).await {
                Ok(entry) => entry,
                Err(missed) => return missed.as_ref().clone().map_or(Ok(None), Err),
            };
            let is_good = self.is_unchanged(&entry) && Instant::now() < entry.expires;
            if is_good || loads == MAX_LOADS {
                return Ok(Some(entry));
            }
            self.local.invalidate(&key).await;
        }
    }

    /// Whether bytes that were read before still count. Each yes is a read of the local tier.
    ///
    /// After a standstill nothing does for a moment: what was told of changes meanwhile is still to be read.
    #[must_use]
    pub fn is_current(&self, cached: &Cached, now: Instant) -> bool {
        let is_current = now < cached.expires && self.is_unchanged(cached) && !pulse::is_suspect();
        if is_current {
            self.read_again.increment(1);
        }
        is_current
    }

    fn is_unchanged(&self, cached: &Cached) -> bool {
        cached.generation == self.generations.current(cached.namespace)
    }

    /// Err(None): there is nothing to cache.
    async fn fill<L, F>(
        &self,
        key: &Key,
        namespace: Namespace,
        load: &L,
    ) -> Result<Arc<Cached>, Option<Problem>>
    where
        L: Fn() -> F,
        F: Future<Output = Result<Option<Vec<u8>>, Problem>>,
    {
        let generation = self.generations.current(namespace);
        let lease = match &self.shared {
            None => None,
            Some(shared) => match shared.get(key).await {
                Some(shared::Found::Body(body)) => {
                    metrics::counter!("cache_reads_total", "tier" => "shared").increment(1);
                    let etag = etag(&body);
                    return Ok(Arc::new(Cached {
                        expires: Instant::now() + self.lifetime(&etag),
                        body,
                        etag,
                        namespace,
                        generation,
                    }));
                }
                Some(shared::Found::Nothing(lease)) => Some(lease),
                None => None,
            },
        };
        metrics::counter!("cache_reads_total", "tier" => "postgres").increment(1);
        // Before it is read: what the clock changes meanwhile must end the answer, not be missed by it.
        let until = self.holds_until(namespace).await.map_err(Some)?;
        let body = Bytes::from(load().await.map_err(Some)?.ok_or(None)?);
        let etag = etag(&body);
        let lifetime = self.lifetime(&etag);
        if let (Some(shared), Some(lease)) = (&self.shared, lease) {
            // Whoever finds it there at its end keeps it for another lifetime.
            let longest = Instant::now() + self.ttl.mul_f64(1.1);
            let holds = until.map(|until| until.saturating_duration_since(longest));
            shared.put(key, &lease, &body, holds).await;
        }
        let lives = Instant::now() + lifetime;
        Ok(Arc::new(Cached {
            expires: until.map_or(lives, |until| lives.min(until)),
            body,
            etag,
            namespace,
            generation,
        }))
    }

    /// Until when what is read after this holds if nobody changes anything, where the clock alone will change it.
    async fn holds_until(&self, namespace: Namespace) -> Result<Option<Instant>, Problem> {
        match namespace {
            Namespace::Categories => Ok(None),
            Namespace::Product(_) | Namespace::ProductLists | Namespace::Search => {
                let generation = self.generations.current(Namespace::ProductLists);
                self.moments.next(generation).await
            }
        }
    }

    /// How long an answer is kept at most.
    ///
    /// It is spread by ±10 %, so that entries made together do not end together. The ETag is a hash, so its bytes are
    /// as good as random.
    fn lifetime(&self, etag: &HeaderValue) -> Duration {
        let last = etag.as_bytes().iter().rev().nth(1).copied();
        self.ttl
            .mul_f64(0.9 + f64::from(last.unwrap_or_default() % 32) / 160.0)
    }

    /// Forgets products in both tiers and tells the other replicas. To be called after COMMIT; a dry request has none.
    pub async fn products_changed(&self, ids: &[ProductId]) {
        if db::request::is_dry() {
            return;
        }
        // Lists first: a product that is read again must not be kept until a moment that was known before.
        for namespace in LISTS {
            self.forget(namespace).await;
        }
        for id in ids {
            self.forget(Namespace::Product(*id)).await;
        }
        if let Some(shared) = &self.shared {
            for id in ids {
                shared.publish(&id.to_string()).await;
            }
        }
    }

    /// Forgets categories and collections in both tiers, with the products they list, and tells the other replicas. To be called
    /// after COMMIT; a dry request has none.
    pub async fn categories_changed(&self) {
        if db::request::is_dry() {
            return;
        }
        for namespace in CATEGORIES {
            self.forget(namespace).await;
        }
        if let Some(shared) = &self.shared {
            shared.publish(catalog::categories::CHANGED).await;
        }
    }

    /// The same for so many products that everything may as well be forgotten.
    pub async fn many_products_changed(&self) {
        if db::request::is_dry() {
            return;
        }
        self.everything_changed().await;
        if let Some(shared) = &self.shared {
            shared.publish("*").await;
        }
    }

    /// Forgets what was found in both tiers, because other documents are to be found, and tells the other replicas. To be
    /// called after COMMIT.
    pub async fn search_changed(&self) {
        self.forget(Namespace::Search).await;
        if let Some(shared) = &self.shared {
            shared.publish(catalog::search::following::CHANGED).await;
        }
    }

    /// Forgets everything in both tiers: also after a pause in which changes may have gone unheard.
    pub async fn everything_changed(&self) {
        if let Some(shared) = &self.shared {
            shared.invalidate_all().await; // Redis first, as in `forget`
        }
        self.generations.bump_all();
    }

    pub(crate) async fn forget(&self, namespace: Namespace) {
        // Redis first: a reader that finds the local generation changed must not find the old
        // bytes one tier further.
        if let Some(shared) = &self.shared {
            shared.invalidate(namespace).await;
        }
        self.generations.bump(namespace);
    }

    /// How the tier in Redis is doing; `None` when there is none.
    pub async fn shared_is_up(&self) -> Option<bool> {
        match &self.shared {
            None => None,
            Some(shared) => Some(shared.is_up().await),
        }
    }
}

/// A strong validator: a hash of the bytes.
#[must_use]
pub fn etag(body: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(body);
    let hex: String = digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::from_str(&format!("\"{hex}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

struct WhenItSays;

impl moka::Expiry<Key, Arc<Cached>> for WhenItSays {
    fn expire_after_create(&self, _: &Key, value: &Arc<Cached>, now: Instant) -> Option<Duration> {
        Some(value.expires.saturating_duration_since(now))
    }
}
