//! Argon2id, bounded so that logins cannot starve the rest.
//!
//! One hash takes 7 MiB and tens of milliseconds of a core: of the settings that OWASP's Password
//! Storage Cheat Sheet calls equal, the one with the least memory. No more run at once than there
//! are cores, and four at most, so that memory does not grow with the machine. A queue that is too
//! long is refused instead of growing. Hashes made with other settings verify too: each carries its
//! own.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// Characters a password has. NIST SP 800-63B: at least 8, and no rules of composition; the upper
/// limit keeps hashing cheap.
pub const LENGTH: RangeInclusive<usize> = 8..=128;

/// Passwords that are hashed at the same time, however many cores there are.
const MAX_AT_ONCE: usize = 4;

/// Requests that may wait for a core before new ones are refused.
const MAX_WAITING: usize = 256;

/// Hashes and verifies passwords on blocking threads. Cloning shares the limits.
#[derive(Clone)]
pub struct PasswordService {
    cores: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// Why a password was neither hashed nor verified.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("too many passwords are being checked")]
    Overloaded,
    #[error("password hashing failed: {0}")]
    Failed(String),
}

impl PasswordService {
    /// A service that keeps at most `cores` threads busy, and never more than four.
    #[must_use]
    pub fn new(cores: usize) -> Self {
        Self {
            cores: Arc::new(Semaphore::new(cores.clamp(1, MAX_AT_ONCE))),
            waiting: Arc::default(),
        }
    }

    /// Hashes a password with a new salt, in PHC form.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Overloaded`] when too many are waiting.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(move || hash(&password)).await?
    }

    /// Tells whether `password` is the one of `hash`.
    ///
    /// Without a hash it takes just as long and says no, so that time does not tell who is known.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Overloaded`] when too many are waiting.
    pub async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or_else(|| nobody());
            verify(&password, hash) && known
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _waiting = Waiting::enter(&self.waiting)?;
        let permit = Arc::clone(&self.cores)
            .acquire_owned()
            .await
            .map_err(|_| PasswordError::Overloaded)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the bounded place the ban points to"
        )]
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        task.await
            .map_err(|error| PasswordError::Failed(error.to_string()))
    }
}

struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(count: &Arc<AtomicUsize>) -> Result<Self, PasswordError> {
        let guard = Self(Arc::clone(count));
        if count.fetch_add(1, Ordering::AcqRel) >= MAX_WAITING {
            return Err(PasswordError::Overloaded);
        }
        Ok(guard)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Tells whether a password may be set; see [`LENGTH`].
#[must_use]
pub fn has_good_length(password: &str) -> bool {
    LENGTH.contains(&password.chars().count())
}

/// Hashes a password with a new salt, in PHC form, on the caller's thread.
///
/// # Errors
///
/// [`PasswordError::Failed`] when the system has no randomness.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    hasher()?
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| PasswordError::Failed(error.to_string()))
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    const MEMORY_KIB: u32 = 7 * 1024;
    const ITERATIONS: u32 = 5;
    let params = Params::new(MEMORY_KIB, ITERATIONS, 1, None)
        .map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Tells whether `password` is the one of `hash`, on the caller's thread.
#[must_use]
pub fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

/// A hash that belongs to nobody, with the cost of a real one.
fn nobody() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash("nobody has this password").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_8_to_128_characters_of_any_kind() {
        for good in [
            "ä".repeat(8),
            " ".repeat(8),
            "0".repeat(128),
            "漢".repeat(128),
        ] {
            assert!(has_good_length(&good), "{good}");
        }
        for bad in ["", "1234567", "äääääää", &"0".repeat(129)] {
            assert!(!has_good_length(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let service = PasswordService::new(2);
        let hash = service.hash("correct horse".into()).await.unwrap();

        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(
            service
                .verify("correct horse".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !service
                .verify("wrong horse".into(), Some(hash))
                .await
                .unwrap()
        );
        assert!(
            !service
                .verify("nobody has this password".into(), None)
                .await
                .unwrap()
        );
        assert!(
            !service
                .verify("anything".into(), Some("not a hash".into()))
                .await
                .unwrap()
        );
    }

    #[test]
    fn a_large_machine_hashes_no_more_than_four_at_once() {
        let threads = |cores| PasswordService::new(cores).cores.available_permits();
        assert_eq!([0, 1, 2, 64].map(threads), [1, 1, 2, 4]);
    }

    #[tokio::test]
    async fn a_queue_that_is_too_long_is_refused() {
        let service = PasswordService::new(1);
        service.waiting.store(MAX_WAITING, Ordering::Release);
        let refused = service.verify("x".into(), None).await;
        assert!(matches!(refused, Err(PasswordError::Overloaded)));
        assert_eq!(service.waiting.load(Ordering::Acquire), MAX_WAITING);
    }
}
