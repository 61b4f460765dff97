//! When to try again, and how long to wait before.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use crate::error::Problem;

/// The limits within which a call is tried again.
#[derive(Debug, Clone)]
pub(crate) struct RetryPolicy {
    /// How many times a request is sent at most, at least 1.
    pub tries: u32,
    /// How long one try may take.
    pub timeout: Duration,
    /// How long all tries and the pauses between them may take together.
    pub deadline: Duration,
    /// The pause before the second try; it doubles from then on.
    pub first_pause: Duration,
    /// The longest pause that this client chooses by itself.
    pub longest_pause: Duration,
}

impl RetryPolicy {
    /// Returns the pause after a number of tries: what the server asked for, or a growing one.
    ///
    /// `random` picks a point in the upper half of the pause, so that clients that failed together
    /// do not come back together.
    pub(crate) fn pause(&self, tries: u32, asked: Option<Duration>, random: u64) -> Duration {
        let doubled = 2_u32.saturating_pow(tries.saturating_sub(1));
        let longest = self
            .first_pause
            .saturating_mul(doubled)
            .min(self.longest_pause);
        let half = longest / 2;
        let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        let own = half + Duration::from_nanos(random % nanos.saturating_add(1));
        asked.map_or(own, |asked| asked.max(own))
    }
}

/// Tells whether the same request may bring a better answer a little later.
pub(crate) fn is_worth_retrying(status: StatusCode, body: &[u8]) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => true,
        StatusCode::CONFLICT => Problem::read(409, body).code == "idempotency_in_progress",
        _ => false,
    }
}

/// Tells whether a request with this answer may nevertheless have had its effect.
///
/// A gateway's error says nothing about the server behind it, and a server's own may come from the
/// moment of its commit. A key that is in progress belongs to an earlier try of ours.
pub(crate) fn leaves_outcome_open(status: StatusCode, body: &[u8]) -> bool {
    status.is_server_error() || (status == StatusCode::CONFLICT && is_worth_retrying(status, body))
}

/// Tells whether an answer says nothing about an earlier try that may have had its effect.
///
/// These are given before the key is looked up: a token that expired meanwhile, a full server.
pub(crate) fn ignores_earlier_tries(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED || status == StatusCode::TOO_MANY_REQUESTS
}

/// Reads `Retry-After`: seconds, or a moment.
pub(crate) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = DateTime::parse_from_rfc2822(text).ok()?;
    Some(
        moment
            .signed_duration_since(now)
            .to_std()
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy {
            tries: 5,
            timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(60),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(1),
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let longest = [1, 2, 3, 4, 5, 40].map(|tries| policy().pause(tries, None, 0).as_millis());

        assert_eq!(longest, [50, 100, 200, 400, 500, 500]);
    }

    #[test]
    fn chance_moves_a_pause_within_its_upper_half() {
        for random in [0, 1, 49_999_999, 50_000_000, u64::MAX] {
            let pause = policy().pause(1, None, random).as_millis();
            assert!((50..=100).contains(&pause), "{random}: {pause}");
        }
    }

    #[test]
    fn the_server_may_ask_for_a_longer_pause() {
        let asked = Some(Duration::from_secs(7));

        assert_eq!(policy().pause(1, asked, 0), Duration::from_secs(7));
        assert_eq!(
            policy().pause(1, Some(Duration::ZERO), 0),
            Duration::from_millis(50)
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_moment() {
        let now = DateTime::parse_from_rfc3339("2026-03-01T12:00:00Z")
            .unwrap()
            .to_utc();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers, now)
        };

        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(
            read("Sun, 01 Mar 2026 12:00:09 GMT"),
            Some(Duration::from_secs(9))
        );
        assert_eq!(read("Sun, 01 Mar 2026 11:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn only_one_conflict_is_worth_retrying() {
        let body = |code| format!(r#"{{"status":409,"code":"{code}","title":"t"}}"#);

        let busy = body("idempotency_in_progress");
        assert!(is_worth_retrying(StatusCode::CONFLICT, busy.as_bytes()));
        assert!(!is_worth_retrying(
            StatusCode::CONFLICT,
            body("out_of_stock").as_bytes()
        ));
    }
}
