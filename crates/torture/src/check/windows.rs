//! I12: a request fails for want of a server only while Postgres, or every replica, was out of
//! somebody's reach, give or take two seconds.

use super::{Evidence, Finding};
use crate::history::{Call, Kind, Seen};
use crate::nemesis::Window;

const CHECK: &str = "I12";
/// How far beside a window a failure is still excused.
const SLACK_NS: u64 = 2_000_000_000;

/// Looks for 5xx, resets and time-outs without an excuse.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let failures = evidence
        .history
        .calls
        .iter()
        .filter(|call| is_failure(call) && !is_excused(call, evidence.windows));
    let finding = |call: &Call| {
        let status = call
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let message = format!(
            "{} came to {status} while Postgres and a replica were up: {}",
            call.action.name(),
            said(call)
        );
        Finding::new(CHECK, "unexcused", message, &[call])
    };
    failures.map(finding).collect()
}

/// Whether a request through nginx brought no proper answer.
///
/// A key that is still being worked on is an answer. So is a payment that cannot be had because the
/// provider is scripted to be away. A replica asked directly may be down by itself.
#[must_use]
pub fn is_failure(call: &Call) -> bool {
    let is_answer = match &call.seen {
        Some(Seen::Refused { code }) => {
            code == "idempotency_in_progress"
                || (code == "payment_unavailable" && call.action.is_unpayable())
        }
        _ => false,
    };
    call.kind == Kind::Info && call.replica.is_none() && !is_answer
}

/// Whether a window of Postgres, or of all replicas, overlaps a call.
#[must_use]
pub fn is_excused(call: &Call, windows: &[Window]) -> bool {
    windows
        .iter()
        .filter(|window| window.fault.excuses())
        .any(|window| {
            let begins = window.begins_ns.saturating_sub(SLACK_NS);
            call.invoked_ns <= window.ends_ns.saturating_add(SLACK_NS) && begins <= call.ended_ns
        })
}

fn said(call: &Call) -> String {
    match &call.seen {
        Some(Seen::Refused { code }) => code.clone(),
        Some(Seen::Other { note }) => note.clone(),
        _ => "nothing".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{SECOND, Story};
    use super::*;
    use crate::nemesis::Fault;

    #[test]
    fn failures_near_a_window_are_excused_and_in_progress_is_none() {
        let mut story = Story::new();
        story.lost("a", 1);
        let busy = Seen::Refused {
            code: "idempotency_in_progress".into(),
        };
        story
            .call(super::super::story::buy(1), Some("b"), Kind::Info, busy)
            .invoked_ns += 60 * SECOND;
        story.window(Fault::PgKill9, 2 * SECOND, 3 * SECOND);
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn failures_far_from_one_or_beside_a_lesser_fault_are_not() {
        let mut story = Story::new();
        story.lost("a", 1);
        story.window(Fault::Kill9, SECOND, 2 * SECOND);
        story.window(Fault::PgKill9, 20 * SECOND, 30 * SECOND);
        assert_eq!(story.found(check), ["unexcused"]);
    }
}
