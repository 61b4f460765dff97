//! I12: a request fails for want of a server only while Postgres, or every replica, was down, give
//! or take two seconds. What befalls one replica is nobody's business who asks through nginx, with
//! one exception: one that is cut off from Postgres may say so. Where rows are locked or a disk is
//! full, only who needs to write there is refused.

use super::{Evidence, Finding};
use crate::history::{Call, Kind, Seen};
use crate::nemesis::{Excuse, Window};

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

/// Whether a window overlaps a call in which it may be refused.
#[must_use]
pub fn is_excused(call: &Call, windows: &[Window]) -> bool {
    windows
        .iter()
        .filter(|window| match window.fault.excuses() {
            Excuse::Nothing => false,
            Excuse::WordOfOneReplica => is_word_of_a_replica(call),
            Excuse::MovesOfStock => call.action.moves_stock(),
            Excuse::Writes => call.action.is_write(),
            Excuse::Everything => true,
        })
        .any(|window| {
            let begins = window.begins_ns.saturating_sub(SLACK_NS);
            call.invoked_ns <= window.ends_ns.saturating_add(SLACK_NS) && begins <= call.ended_ns
        })
}

/// What a replica answers that gets nothing out of Postgres. An answer of nginx itself, or none at all,
/// means that both replicas failed.
fn is_word_of_a_replica(call: &Call) -> bool {
    const WORDS: [&str; 4] = [
        "busy",
        "database_unavailable",
        "deadline_exceeded",
        "payment_unavailable",
    ];
    let said = match &call.seen {
        Some(Seen::Refused { code }) => code.as_str(),
        _ => "",
    };
    call.status == Some(503) && WORDS.contains(&said)
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
    use super::super::story::{SECOND, Story, buy, other};
    use super::*;
    use crate::history::Action;
    use crate::nemesis::Fault;

    #[test]
    fn failures_near_a_window_are_excused_and_in_progress_is_none() {
        let mut story = Story::new();
        story.lost("a", 1);
        let busy = Seen::Refused {
            code: "idempotency_in_progress".into(),
        };
        story.call(buy(1), Some("b"), Kind::Info, busy).invoked_ns += 60 * SECOND;
        story.window(Fault::PgKill9, 2 * SECOND, 3 * SECOND);
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn what_befalls_one_replica_excuses_nothing() {
        for fault in [Fault::Latency, Fault::Bandwidth, Fault::RedisPartition] {
            let mut story = Story::new();
            story.lost("a", 1);
            story.window(fault, SECOND, 2 * SECOND);
            assert_eq!(story.found(check), ["unexcused"], "{fault}");
        }
    }

    #[test]
    fn a_replica_that_is_cut_off_may_say_so_and_nobody_else() {
        for (code, found) in [
            ("busy", 0),
            ("database_unavailable", 0),
            ("payment_unavailable", 0),
            ("unavailable", 1),
        ] {
            let mut story = Story::new();
            let refused = Seen::Refused { code: code.into() };
            story.call(buy(1), Some("a"), Kind::Info, refused);
            story.window(Fault::PartitionIn, SECOND, 2 * SECOND);
            assert_eq!(story.found(check), vec!["unexcused"; found], "{code}");
        }
        let mut story = Story::new();
        story.lost("a", 1).status = None;
        story.window(Fault::Reset, SECOND, SECOND);
        assert_eq!(story.found(check), ["unexcused"]);
    }

    #[test]
    fn locked_rows_excuse_who_needs_them_and_a_full_disk_who_writes() {
        let price = || Action::Price {
            product: 1,
            amount: 700,
        };
        let read = || Action::ReadStock { product: 1 };
        for (fault, found) in [(Fault::LockHog, 2), (Fault::DiskFull, 1)] {
            let mut story = Story::new();
            story.lost("a", 1);
            story.call(price(), Some("b"), Kind::Info, other());
            story.call(read(), None, Kind::Info, other());
            story.window(fault, SECOND, 2 * SECOND);
            assert_eq!(story.found(check), vec!["unexcused"; found], "{fault}");
        }
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
