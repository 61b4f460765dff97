//! I13: within ten seconds of the last heal every probe is good, and stays so.

use super::{Evidence, Finding};
use crate::clock::nanoseconds;
use crate::history::{Kind, Phase};
use crate::workload::finish::RECOVERY;

const CHECK: &str = "I13";

/// Looks for probes that failed when all should have been well again.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let Some(healed) = healed(evidence) else {
        return Vec::new();
    };
    let probes = evidence
        .history
        .calls
        .iter()
        .filter(|call| call.phase == Phase::Probe);
    let deadline = healed + nanoseconds(RECOVERY);
    let late = probes.filter(|call| call.kind != Kind::Ok && call.ended_ns >= deadline);
    late.map(|call| {
        let message = format!(
            "a probe of {} ms after the last heal failed {} ms after it",
            call.invoked_ns.saturating_sub(healed) / 1_000_000,
            (call.ended_ns - healed) / 1_000_000
        );
        Finding::new(CHECK, "not-recovered", message, &[call])
    })
    .collect()
}

/// When the shop was well for good after the last heal, in milliseconds from there.
#[must_use]
pub fn recovered_ms(evidence: &Evidence<'_>) -> Option<u64> {
    let healed = healed(evidence)?;
    let bad = evidence
        .history
        .calls
        .iter()
        .filter(|call| call.phase == Phase::Probe && call.kind != Kind::Ok);
    let last_bad = bad.map(|call| call.ended_ns).max().unwrap_or(healed);
    Some(last_bad.saturating_sub(healed) / 1_000_000)
}

/// The last heal, or the first probe where there was no fault.
fn healed(evidence: &Evidence<'_>) -> Option<u64> {
    let first = evidence
        .history
        .calls
        .iter()
        .find(|call| call.phase == Phase::Probe)?
        .invoked_ns;
    let last = evidence.windows.iter().map(|window| window.ends_ns).max();
    Some(last.unwrap_or(first).min(first))
}

#[cfg(test)]
mod tests {
    use super::super::story::{SECOND, Story, buy, other};
    use super::*;
    use crate::nemesis::Fault;

    fn story_with_a_bad_probe(after: u64) -> Story {
        let mut story = Story::new();
        story.window(Fault::PgKill9, SECOND / 2, SECOND);
        story.placed("a", 1, 1).phase = Phase::Probe;
        let probe = story.call(buy(1), Some("b"), Kind::Info, other());
        probe.phase = Phase::Probe;
        probe.invoked_ns += after;
        probe.ended_ns += after;
        story
    }

    #[test]
    fn ten_seconds_are_given_and_not_more() {
        assert_eq!(story_with_a_bad_probe(8 * SECOND).found(check), [""; 0]);
        assert_eq!(
            story_with_a_bad_probe(11 * SECOND).found(check),
            ["not-recovered"]
        );
    }

    #[test]
    fn a_probe_that_hangs_is_late_when_it_ends() {
        let mut story = story_with_a_bad_probe(3 * SECOND);
        let hangs = story.history.calls.last_mut().unwrap();
        hangs.ended_ns += 8 * SECOND;
        assert_eq!(story.found(check), ["not-recovered"]);
    }
}
