//! Files of other servers: what somebody names by an address, and nobody knows who answers there.
//!
//! Only public addresses are connected to, unless the settings say otherwise: else whoever writes a file would have this
//! server ask what stands behind the firewall. Names are resolved here, and what is connected to is what was looked at,
//! after each redirect too.

mod addresses;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use catalog::media::Hash;
use reqwest::header::{ACCEPT_ENCODING, LOCATION};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use self::addresses::Resolver;

/// How long a connection may take to come about, and the next bytes on it.
const CONNECT: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(15);
const MAX_REDIRECTS: usize = 4;

/// Fetches files.
pub struct Fetcher {
    /// Also from addresses that are not public.
    private: bool,
    /// Made when it is first needed.
    client: OnceLock<Client>,
}

/// Why a file was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It never will be.
    #[error("{0}")]
    Refused(String),
    /// It may be another time.
    #[error("{0}")]
    Failed(String),
}

impl From<std::io::Error> for FetchError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(format!("cannot be held on the disk: {error}"))
    }
}

/// How much of a file is taken, and how long that may take in all.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: u64,
    pub time: Duration,
}

impl Fetcher {
    #[must_use]
    pub fn new(private: bool) -> Self {
        Self {
            private,
            client: OnceLock::new(),
        }
    }

    /// Reads the address of a file.
    ///
    /// # Errors
    ///
    /// [`FetchError::Refused`], also for one that names an address which is not public.
    pub fn check(&self, address: &str) -> Result<Url, FetchError> {
        let refused = |rule: &str| FetchError::Refused(rule.to_owned());
        let url = Url::parse(address).map_err(|_| refused("is no address"))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(refused("is not http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("must not carry a name or a password"));
        }
        let host = url.host_str().ok_or_else(|| refused("is no address"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        // It would not be resolved.
        if let Ok(ip) = host.parse()
            && !self.private
            && !addresses::is_public(ip)
        {
            return Err(refused(addresses::NOT_PUBLIC));
        }
        Ok(url)
    }

    /// Fetches a file to a path, and returns SHA-256 of it and how many bytes it has.
    ///
    /// # Errors
    ///
    /// [`FetchError`].
    pub async fn fetch(
        &self,
        address: &str,
        limits: Limits,
        to: &Path,
    ) -> Result<(Hash, u64), FetchError> {
        let mut file = tokio::fs::File::create(to).await?;
        let mut digest = Sha256::new();
        let mut bytes = 0_u64;
        let all = async {
            let mut response = self.ask(address).await?;
            while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
                bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
                if bytes > limits.bytes {
                    return Err(too_large(limits.bytes));
                }
                digest.update(&piece);
                file.write_all(&piece).await?;
            }
            Ok(file.flush().await?)
        };
        match tokio::time::timeout(limits.time, all).await {
            Ok(done) => done?,
            Err(_) => return Err(FetchError::Failed("takes too long".into())),
        }
        Ok((Hash(digest.finalize().into()), bytes))
    }

    /// Follows redirects to whoever answers.
    async fn ask(&self, address: &str) -> Result<Response, FetchError> {
        let mut url = self.check(address)?;
        for _ in 0..=MAX_REDIRECTS {
            let request = self.client()?.get(url.clone());
            let sent = request.header(ACCEPT_ENCODING, "identity").send().await;
            let response = sent.map_err(|error| failed(&error))?;
            let is_public = |address: std::net::SocketAddr| addresses::is_public(address.ip());
            if !self.private && !response.remote_addr().is_some_and(is_public) {
                return Err(FetchError::Refused(addresses::NOT_PUBLIC.into()));
            }
            if !response.status().is_redirection() {
                return answered(response);
            }
            let location = response.headers().get(LOCATION);
            let next = location.and_then(|to| url.join(to.to_str().ok()?).ok());
            let lost = || FetchError::Refused("redirects to nowhere".into());
            let next = self.check(next.ok_or_else(lost)?.as_str());
            url = next.map_err(|error| FetchError::Refused(format!("redirects: it {error}")))?;
        }
        let rule = format!("redirects more than {MAX_REDIRECTS} times");
        Err(FetchError::Refused(rule))
    }

    fn client(&self) -> Result<&Client, FetchError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            // A proxy would resolve names by itself.
            .no_proxy()
            .dns_resolver(Arc::new(Resolver {
                private: self.private,
            }))
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            // A connection that stays open is one that nobody looks at again.
            .pool_max_idle_per_host(0)
            .user_agent(concat!("cartwright/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| FetchError::Failed(error.to_string()))?;
        Ok(self.client.get_or_init(|| client))
    }
}

fn answered(response: Response) -> Result<Response, FetchError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let message = format!("answers {status}");
    let may_change = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if status.is_server_error() || may_change.contains(&status) {
        return Err(FetchError::Failed(message));
    }
    Err(FetchError::Refused(message))
}

fn too_large(limit: u64) -> FetchError {
    FetchError::Refused(format!("has more than {limit} bytes"))
}

/// What went wrong first, without the address.
fn failed(error: &reqwest::Error) -> FetchError {
    let mut cause: &dyn std::error::Error = error;
    loop {
        if cause.is::<addresses::NotPublic>() {
            return FetchError::Refused(addresses::NOT_PUBLIC.into());
        }
        match cause.source() {
            Some(next) => cause = next,
            None => break,
        }
    }
    let what = match (error.is_timeout(), error.is_connect()) {
        (true, _) => "does not answer in time",
        (false, true) => "cannot be connected to",
        (false, false) => "breaks off",
    };
    FetchError::Failed(format!("{what}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_not_public_is_refused_however_it_is_written() {
        let fetcher = Fetcher::new(false);
        for bad in [
            "http://127.0.0.1/a.png",
            "http://2130706433/a.png",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0/",
            "http://[::1]:9200/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "https://user@203.0.113.9/",
            "https://:secret@example.com/",
            "ftp://example.com/a.png",
            "file:///etc/passwd",
            "http://",
            "a.png",
            "",
        ] {
            let refused = fetcher.check(bad);
            assert!(matches!(refused, Err(FetchError::Refused(_))), "{bad}");
        }
        for good in [
            "https://example.com/a.png",
            "http://1.1.1.1:8080/",
            "http://[2606:4700::1111]/",
        ] {
            assert!(fetcher.check(good).is_ok(), "{good}");
        }
        assert!(Fetcher::new(true).check("http://127.0.0.1/a.png").is_ok());
        assert!(Fetcher::new(true).check("ftp://127.0.0.1/a.png").is_err());
    }
}
