//! I4: all answers to a key are the same, byte for byte; no two keys share an order; a key that is
//! used for something else is refused.

use std::collections::BTreeMap;

use super::{Evidence, Finding};
use crate::history::{Action, Kind, Seen};

const CHECK: &str = "I4";

/// Looks for answers that differ, ids that two keys share, and reuses that were let through.
#[must_use]
pub fn check(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut owners = BTreeMap::<i64, &str>::new();
    for intent in evidence.intents.values() {
        // 409, 429 and 5xx say nothing of an effect, and are not kept.
        let settles = |status: Option<u16>| {
            status.is_some_and(|status| (200..300).contains(&status) || status == 402)
        };
        let mut answers = intent
            .calls
            .iter()
            .filter(|call| settles(call.status) && call.hash.is_some());
        if let Some(first) = answers.next()
            && let Some(other) = answers.find(|call| call.hash != first.hash)
        {
            let message = format!("key {} was answered in two ways", intent.key);
            findings.push(Finding::new(CHECK, "two-answers", message, &[first, other]));
        }
        if let (Action::Order { .. }, Some(order)) = (intent.action, intent.order())
            && let Some(other) = owners.insert(order.id, intent.key)
        {
            let message = format!(
                "order {} is the answer to {other} and to {}",
                order.id, intent.key
            );
            findings.push(Finding::new(CHECK, "shared-id", message, &intent.calls));
        }
    }
    for call in evidence
        .history
        .calls
        .iter()
        .filter(|call| call.key.is_some())
    {
        if let (Kind::Fail, Some(Seen::Refused { code })) = (call.kind, &call.seen)
            && !refusals(&call.action).contains(&code.as_str())
        {
            let message = format!(
                "key {} was refused with {code}",
                call.key.as_deref().unwrap_or_default()
            );
            findings.push(Finding::new(CHECK, "refusal", message, &[call]));
        }
        if matches!(call.action, Action::Reuse { .. }) && call.kind == Kind::Ok {
            let message = format!(
                "key {} was let through with another body",
                call.key.as_deref().unwrap_or_default()
            );
            findings.push(Finding::new(CHECK, "reuse", message, &[call]));
        }
    }
    findings
}

/// What a write of the workload may be refused for. Anything else would be a key that was forgotten,
/// or one that was stored without its effect.
fn refusals(action: &Action) -> &'static [&'static str] {
    match action {
        Action::Order { .. } => &["out_of_stock", "payment_declined"],
        Action::Reuse { .. } => &["idempotency_key_reused"],
        Action::Cancel { .. } => &["invalid_transition"],
        Action::Advance { .. } => &["invalid_transition", "payment_in_progress"],
        Action::Restock { .. } => &["stock_changed", "stock_reserved"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, order, other};
    use super::*;

    #[test]
    fn repeats_and_refusals_that_are_not_kept_are_fine() {
        let mut story = Story::new();
        story.placed("a", 1, 1);
        story.placed("a", 1, 1);
        story.lost("a", 1);
        story
            .call(
                Action::Reuse { lines: vec![] },
                Some("a"),
                Kind::Fail,
                other(),
            )
            .status = Some(422);
        assert_eq!(story.found(check), [""; 0]);
    }

    #[test]
    fn a_second_answer_that_differs_is_found() {
        let mut story = Story::new();
        story.placed("a", 1, 1);
        story.placed("a", 1, 1).hash = Some("another".into());
        assert_eq!(story.found(check), ["two-answers"]);
    }

    #[test]
    fn an_id_belongs_to_one_key() {
        let mut story = Story::new();
        story.placed("a", 1, 1);
        story.placed("b", 1, 1);
        assert_eq!(story.found(check), ["shared-id"]);
    }

    #[test]
    fn a_key_that_points_to_nothing_is_found() {
        let mut story = Story::new();
        let gone = Seen::Refused {
            code: "order_not_found".into(),
        };
        story.call(super::super::story::buy(1), Some("a"), Kind::Fail, gone);
        assert_eq!(story.found(check), ["refusal"]);
    }

    #[test]
    fn a_key_with_another_body_must_be_refused() {
        let mut story = Story::new();
        story.placed("a", 1, 1);
        let seen = Seen::Order {
            order: order("a", 2, 1),
        };
        story.call(Action::Reuse { lines: vec![] }, Some("a"), Kind::Ok, seen);
        assert_eq!(story.found(check), ["reuse"]);
    }
}
