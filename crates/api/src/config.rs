//! Settings: one typed struct, checked at the start.
//!
//! Defaults stand in `default.toml` inside the binary; a file and then `CARTWRIGHT__…` variables
//! override them. A name that is not a setting is an error, so a typo cannot go unnoticed.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use accounts::passwords;
use domain::{Currency, Email};
use serde::{Deserialize, Deserializer};

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
    pub orders: Orders,
    pub payments: Payments,
    pub jobs: Jobs,
    pub admin: Admin,
    pub cors: Cors,
}

/// Who may do something without a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Nobody, but for reading products, registering and logging in.
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

/// A value that never shows in a log.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value that is to stay out of logs.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "(empty)"
        } else {
            "(secret)"
        })
    }
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

    fn checked(self) -> Result<Self, ConfigError> {
        let rules = [
            (
                (1..=500).contains(&self.database.pool_size),
                "database.pool_size",
                "must be 1 to 500",
            ),
            (
                self.database.acquire_timeout_ms > 0,
                "database.acquire_timeout_ms",
                "must be above 0",
            ),
            (
                self.database.statement_timeout_ms > 0,
                "database.statement_timeout_ms",
                "must be above 0",
            ),
            (
                (1..=100).contains(&self.orders.writers),
                "orders.writers",
                "must be 1 to 100",
            ),
            (
                (1..=500).contains(&self.orders.set_size),
                "orders.set_size",
                "must be 1 to 500",
            ),
            (self.orders.queue > 0, "orders.queue", "must be above 0"),
            (
                self.http.max_body_bytes >= 1024,
                "http.max_body_bytes",
                "must be at least 1024",
            ),
            (
                self.redis.timeout_ms > 0,
                "redis.timeout_ms",
                "must be above 0",
            ),
            (
                self.cache.ttl_seconds > 0,
                "cache.ttl_seconds",
                "must be above 0",
            ),
            (
                self.cache.shared_ttl_seconds > 0,
                "cache.shared_ttl_seconds",
                "must be above 0",
            ),
            (
                self.metrics.bind.is_empty() || self.metrics.bind.parse::<SocketAddr>().is_ok(),
                "metrics.bind",
                "must be an address such as 127.0.0.1:9090, or empty",
            ),
            (
                (0..=525_600).contains(&self.orders.unpaid_expiry_minutes),
                "orders.unpaid_expiry_minutes",
                "must be 0 (never) to 525600 (a year)",
            ),
            (
                (1..=100).contains(&self.jobs.parallelism),
                "jobs.parallelism",
                "must be 1 to 100",
            ),
            (
                self.jobs.lease_seconds > 0,
                "jobs.lease_seconds",
                "must be above 0",
            ),
            (
                (10..=60_000).contains(&self.jobs.poll_ms),
                "jobs.poll_ms",
                "must be 10 to 60000",
            ),
            (
                (1..=87_600).contains(&self.jobs.keep_succeeded_hours),
                "jobs.keep_succeeded_hours",
                "must be 1 to 87600",
            ),
            (
                (1..=3_650).contains(&self.jobs.keep_failed_days),
                "jobs.keep_failed_days",
                "must be 1 to 3650",
            ),
            (
                self.jobs.doctor_cron.is_empty()
                    || db::schedules::Timing::cron(&self.jobs.doctor_cron).is_ok(),
                "jobs.doctor_cron",
                "must be a cron expression of five fields, or empty",
            ),
            (
                self.admin.password.reveal().is_empty()
                    || passwords::has_good_length(self.admin.password.reveal()),
                "admin.password",
                "must have 8 to 128 characters, or be empty",
            ),
        ];
        if let Some((_, setting, rule)) = rules.into_iter().find(|(holds, ..)| !holds) {
            return Err(ConfigError::Invalid { setting, rule });
        }
        if self.access == Access::Required && self.admin.password.reveal() == DEMO_PASSWORD {
            return Err(ConfigError::DemoPassword);
        }
        Ok(self)
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
