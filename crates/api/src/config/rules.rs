//! What no value may be, whoever set it.

use std::net::SocketAddr;

use accounts::passwords;

use super::{Access, Config, ConfigError, DEMO_PASSWORD, Media, MediaStore};

impl Config {
    /// The settings, if all of them are in range.
    pub(super) fn checked(self) -> Result<Self, ConfigError> {
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
                are_locales(&self.search.locales),
                "search.locales",
                "must be 1 to 10 languages such as en or pt-BR, none twice",
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
                (1..=86_400).contains(&self.cache.ttl_seconds),
                "cache.ttl_seconds",
                "must be 1 to 86400 (a day)",
            ),
            (
                (1..=86_400).contains(&self.cache.shared_ttl_seconds),
                "cache.shared_ttl_seconds",
                "must be 1 to 86400 (a day)",
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
                (1_024..=68_719_476_736).contains(&self.imports.max_bytes),
                "imports.max_bytes",
                "must be 1024 to 68719476736 (64 GiB)",
            ),
            (
                (1..=3_650).contains(&self.imports.keep_days),
                "imports.keep_days",
                "must be 1 to 3650",
            ),
            (
                self.media.store != MediaStore::Local
                    || !self.media.directory.as_os_str().is_empty(),
                "media.directory",
                "must not be empty",
            ),
            (
                is_endpoint(&self.media.endpoint),
                "media.endpoint",
                "must begin with https:// or http://, or be empty",
            ),
            (
                self.media.store != MediaStore::S3 || !self.media.bucket.is_empty(),
                "media.bucket",
                "must not be empty where media.store is s3",
            ),
            (
                self.media.store != MediaStore::S3 || has_keys(&self.media),
                "media.access_key",
                "must not be empty where media.store is s3, and neither must media.secret_key and media.region",
            ),
            (
                (1_024..=104_857_600).contains(&self.media.max_bytes),
                "media.max_bytes",
                "must be 1024 to 104857600 (100 MiB)",
            ),
            (
                (1_024..=1_073_741_824).contains(&self.media.max_file_bytes),
                "media.max_file_bytes",
                "must be 1024 to 1073741824 (1 GiB)",
            ),
            (
                (10_000..=100_000_000).contains(&self.media.max_pixels),
                "media.max_pixels",
                "must be 10000 to 100000000",
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
}

fn is_endpoint(endpoint: &str) -> bool {
    let rest = endpoint
        .strip_prefix("https://")
        .or_else(|| endpoint.strip_prefix("http://"));
    endpoint.is_empty() || rest.is_some_and(|host| !host.is_empty())
}

fn has_keys(media: &Media) -> bool {
    [
        media.access_key.reveal(),
        media.secret_key.reveal(),
        &media.region,
    ]
    .iter()
    .all(|value| !value.is_empty())
}

fn are_locales(locales: &[String]) -> bool {
    let is_code = |code: &str| {
        let locale = code.parse::<domain::Locale>();
        locale.is_ok_and(|locale| locale.to_string() == code)
    };
    let is_new = |(index, code): (usize, &String)| !locales[..index].contains(code);
    (1..=10).contains(&locales.len())
        && locales.iter().all(|code| is_code(code))
        && locales.iter().enumerate().all(is_new)
}
