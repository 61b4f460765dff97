//! Settings: one typed struct, checked at the start.
//!
//! Defaults stand in `default.toml` inside the binary; a file and then `CARTWRIGHT__…` variables
//! override them. A name that is not a setting is an error, so a typo cannot go unnoticed.
//!
//! - [`rules`]: which values are refused
//! - [`secret`]: values that never show in a log

mod rules;
mod secret;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use domain::{Currency, Email};
use serde::{Deserialize, Deserializer};

pub use secret::Secret;

/// The password of demonstrations. It is public, so it opens nothing that matters.
pub const DEMO_PASSWORD: &str = "demo-admin-password";

/// All settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub access: Access,
    pub http: Http,
    pub metrics: Metrics,
    pub database: Database,
    pub redis: Redis,
    pub cache: Cache,
    pub log: Log,
    pub shop: Shop,
    pub search: Search,
    pub orders: Orders,
    pub payments: Payments,
    pub jobs: Jobs,
    pub imports: Imports,
    pub media: Media,
    pub admin: Admin,
    pub cors: Cors,
}

/// Who may do something without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Nobody, but for reading products, categories and collections, registering and logging in.
    Required,
    /// Anyone, for users who were registered this way and never logged in.
    Open,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub bind: SocketAddr,
    /// 0: one per core.
    pub workers: usize,
    pub keep_alive_seconds: u64,
    pub max_body_bytes: usize,
    pub compress: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Empty: none.
    pub bind: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: Secret,
    pub pool_size: u32,
    pub acquire_timeout_ms: u64,
    pub statement_timeout_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// Empty: the cache lives in the process alone.
    pub url: Secret,
    /// Keeps shops apart that share a server.
    pub prefix: String,
    pub timeout_ms: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    pub max_bytes: u64,
    pub ttl_seconds: u64,
    pub shared_ttl_seconds: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    pub name: String,
    /// The currency preferred where a product has prices in several.
    pub currency: Currency,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// The languages in which words are looked for: a list, or one text with commas between them. The first one counts where
    /// a request names none.
    #[serde(deserialize_with = "list")]
    pub locales: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// Sets of orders that are placed at the same time.
    pub writers: usize,
    /// Orders in a set.
    pub set_size: usize,
    /// Orders that may wait.
    pub queue: usize,
    /// An order whose payment is still unknown after so many minutes is cancelled. 0: never.
    pub unpaid_expiry_minutes: i32,
}

impl Orders {
    /// How orders wait and are taken.
    #[must_use]
    pub fn limits(&self) -> crate::workflows::placing::queue::Limits {
        crate::workflows::placing::queue::Limits {
            writers: self.writers,
            set_size: self.set_size,
            waiting: self.queue,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// How many jobs one worker runs side by side.
    pub parallelism: usize,
    /// How long a worker that does not answer keeps its jobs.
    pub lease_seconds: u16,
    /// How long a worker without work waits before it looks again.
    pub poll_ms: u64,
    pub keep_succeeded_hours: i32,
    /// Failed and cancelled ones.
    pub keep_failed_days: i32,
    /// When the doctor comes: five fields, in UTC. Empty: only when asked for.
    pub doctor_cron: String,
}

/// Files that staff sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imports {
    /// Of one file.
    pub max_bytes: u64,
    /// How long results are kept.
    pub keep_days: i32,
}

/// Pictures that staff sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    pub store: MediaStore,
    /// Of the local store; all replicas see the same one.
    pub directory: PathBuf,
    /// Of another S3-compatible store than that of Amazon; empty for that.
    pub endpoint: String,
    pub bucket: String,
    pub region: String,
    pub access_key: Secret,
    pub secret_key: Secret,
    /// Of one picture that is sent.
    pub max_bytes: u64,
    /// Of one file that is no picture.
    pub max_file_bytes: u64,
    /// Of one picture.
    pub max_pixels: u64,
    /// Whether files are also fetched from addresses that are not public.
    pub fetch_private: bool,
}

/// Where bytes of pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaStore {
    /// In a directory.
    Local,
    /// In a bucket of an S3-compatible store.
    S3,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    pub card_provider: CardProvider,
}

/// Who handles card payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CardProvider {
    /// The built-in one, which moves no money.
    Test,
    /// Nobody: cards are not accepted.
    None,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    pub email: Email,
    /// Empty: nobody can log in as administrator yet.
    pub password: Secret,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// A list, or one text with commas between them.
    #[serde(deserialize_with = "list")]
    pub origins: Vec<String>,
}

fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::List(items) => items,
        Written::Text(text) => text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("settings: {0}")]
    Read(#[from] config::ConfigError),
    #[error(
        "admin.password is the public demo password, which access = \"required\" refuses; \
         set CARTWRIGHT__ADMIN__PASSWORD to one of your own"
    )]
    DemoPassword,
    #[error("{setting} {rule}")]
    Invalid {
        setting: &'static str,
        rule: &'static str,
    },
}

impl Config {
    /// Reads defaults, then `file`, then the environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for an unknown name, a value of the wrong kind, or one out of range.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::read(file, None)
    }

    /// `variables` stand for those of the environment.
    fn read(
        file: Option<&Path>,
        variables: Option<config::Map<String, String>>,
    ) -> Result<Self, ConfigError> {
        // Values stay text until the type of their setting is known. The crate's `try_parsing` would
        // take a password of digits for a number and change it.
        let environment = config::Environment::with_prefix("CARTWRIGHT")
            .prefix_separator("__")
            .separator("__")
            .source(variables);
        let mut builder = config::Config::builder().add_source(config::File::from_str(
            include_str!("default.toml"),
            config::FileFormat::Toml,
        ));
        if let Some(path) = file {
            builder = builder.add_source(config::File::from(path));
        }
        builder
            .add_source(environment)
            .build()?
            .try_deserialize::<Self>()?
            .checked()
    }

    /// The pool these settings ask for.
    #[must_use]
    pub fn pool(&self) -> db::PoolConfig {
        use std::time::Duration;
        db::PoolConfig {
            url: self.database.url.reveal().to_owned(),
            size: self.database.pool_size,
            acquire_timeout: Duration::from_millis(self.database.acquire_timeout_ms),
            statement_timeout: Duration::from_millis(self.database.statement_timeout_ms),
        }
    }
}

#[cfg(test)]
mod tests;
