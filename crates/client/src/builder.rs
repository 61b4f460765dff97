//! How a client reaches the server, and how long it keeps trying.

use std::time::Duration;

use reqwest::Url;

use crate::retry::RetryPolicy;
use crate::{Client, Error, Secret};

/// How long a connection is kept that nobody uses: less than the server keeps it (30 s in `nginx.conf`), because what is sent while
/// it closes has no answer.
const LONGEST_IDLE: Duration = Duration::from_secs(20);

/// Settings of a [`Client`].
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    base_url: String,
    user_agent: String,
    token: Option<Secret>,
    policy: RetryPolicy,
}

impl ClientBuilder {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            user_agent: concat!("cartwright-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            token: None,
            policy: RetryPolicy {
                tries: 6,
                timeout: Duration::from_secs(10),
                deadline: Duration::from_secs(60),
                first_pause: Duration::from_millis(100),
                longest_pause: Duration::from_secs(5),
            },
        }
    }

    /// Sets how long one try may take (10 s).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.policy.timeout = timeout;
        self
    }

    /// Sets how long all tries of one call may take together (60 s).
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.policy.deadline = deadline;
        self
    }

    /// Sets how many times a call is tried again after the first time (5).
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.policy.tries = retries.saturating_add(1);
        self
    }

    /// Sets the pause before the first retry, which doubles, and the longest (100 ms, 5 s).
    #[must_use]
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.policy.first_pause = first;
        self.policy.longest_pause = longest;
        self
    }

    /// Sets what the client calls itself in the server's log.
    #[must_use]
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        user_agent.clone_into(&mut self.user_agent);
        self
    }

    /// Sets the token of a session that was opened before.
    #[must_use]
    pub fn token(mut self, token: impl Into<Secret>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an address that is not `http` or `https`, [`Error::Transport`] when
    /// TLS cannot be set up.
    pub fn build(self) -> Result<Client, Error> {
        let base = Url::parse(&self.base_url).map_err(|_| Error::Invalid("the base URL"))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(Error::Invalid(
                "the base URL: it starts with http:// or https://",
            ));
        }
        // It fails only where the process has chosen a provider already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());

        let mut http = reqwest::Client::builder()
            .user_agent(self.user_agent)
            .connect_timeout(self.policy.timeout)
            .pool_idle_timeout(LONGEST_IDLE)
            // A redirected write would be sent a second time, perhaps to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            // Retries are ours: they must keep the key, and say when an outcome is not known.
            .retry(reqwest::retry::never());
        if base.scheme() == "http" {
            // Without certificates of the system, as in a small container, TLS cannot be set up.
            http = http.tls_certs_only([]);
        }
        let http = http.build().map_err(Error::Transport)?;
        Ok(Client::new(http, base, self.policy, self.token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_taken() {
        for wrong in ["localhost:8080", "ftp://shop.example", "", "http://"] {
            let result = ClientBuilder::new(wrong).build();
            assert!(matches!(result, Err(Error::Invalid(_))), "{wrong}");
        }
        assert!(
            ClientBuilder::new("https://shop.example/store/")
                .build()
                .is_ok()
        );
    }
}
