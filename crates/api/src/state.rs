//! What all requests of a replica share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use accounts::passwords::PasswordService;
use db::Db;

use crate::cache::Cache;
use crate::config::Config;
use crate::fetching::Fetcher;
use crate::media::Media;
use crate::providers::Providers;
use crate::routes::order_placing::ANSWER_FORM;
use crate::routes::product_reads::ProductReads;
use crate::workflows::placing::queue::Queue;

/// The parts of a running replica. No truth lives here.
pub struct State {
    pub config: Config,
    /// For requests.
    pub db: Db,
    /// For what no request waits for.
    pub background: Db,
    pub cache: Arc<Cache>,
    pub passwords: PasswordService,
    pub providers: Providers,
    pub placing: Arc<Queue>,
    pub product_reads: Arc<ProductReads>,
    pub media: Media,
    pub fetcher: Fetcher,
    draining: AtomicBool,
}

impl State {
    /// Puts the parts together.
    #[must_use]
    pub fn new(config: Config, (db, background): (Db, Db), cache: Arc<Cache>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let providers = Providers::new(config.payments.card_provider);
        let placing = Arc::new(Queue::new(config.orders.limits(), ANSWER_FORM));
        let patience = Duration::from_millis(config.database.acquire_timeout_ms);
        let product_reads = Arc::new(ProductReads::new(db.clone(), patience));
        let media = Media::new(&config.media);
        let fetcher = Fetcher::new(config.media.fetch_private);
        Self {
            config,
            db,
            background,
            cache,
            passwords: PasswordService::new(cores),
            providers,
            placing,
            product_reads,
            media,
            fetcher,
            draining: AtomicBool::new(false),
        }
    }

    /// Turns readiness off; what is under way is finished.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether this replica is about to stop.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}
