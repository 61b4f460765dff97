//! A seed's plan of faults.

use std::time::Duration;

use super::faults::{Fault, Place};
use crate::rng::Rng;

/// One fault: when it comes, whom it befalls, when it is healed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    pub fault: Fault,
    pub begins: Duration,
    pub ends: Duration,
    /// A replica, from 0, where it befalls one.
    pub replica: usize,
    /// A choice that only some faults make, such as ahead or behind.
    pub choice: u64,
}

/// No fault before this, so that there is something to lose.
const QUIET_START: u64 = 2_000;

/// Plans faults for so long: every kind in turn, in an order of the seed's own, with pauses between
/// them; in one of four cases with a second one, of another place, at the same time.
#[must_use]
pub fn plan(seed: u64, length: Duration, replicas: usize, faults: &[Fault]) -> Vec<Planned> {
    let mut rng = Rng::new(seed, "faults");
    let length = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let mut planned: Vec<Planned> = Vec::new();
    let mut deck = Vec::new();
    let mut at = QUIET_START;
    while let Some(first) = draw(&mut deck, faults, &mut rng, |_| true) {
        let first = one(first, at, replicas, &mut rng);
        let mut end = first.ends;
        let other = |fault: Fault| match (first.fault.place(), fault.place()) {
            (Place::Replica | Place::Replicas, Place::Replica | Place::Replicas) => false,
            // A replica that is to start needs Postgres, and would wait for its heal.
            (Place::Postgres, _) => !fault.starts_replicas() && fault.place() != Place::Postgres,
            (_, Place::Postgres) => !first.fault.starts_replicas(),
            (one, two) => one != two,
        };
        let second = if rng.percent(25) {
            draw(&mut deck, faults, &mut rng, other)
        } else {
            None
        };
        let second =
            second.map(|fault| one(fault, at + rng.between(100, 1_000), replicas, &mut rng));
        end = second.as_ref().map_or(end, |second| end.max(second.ends));
        // All is healed before the end, so that the load meets a healthy shop once more.
        let end = u64::try_from(end.as_millis()).unwrap_or(u64::MAX);
        if end + 1_000 > length {
            break;
        }
        planned.push(first);
        planned.extend(second);
        at = end + rng.between(800, 3_500);
    }
    planned
}

fn one(fault: Fault, at: u64, replicas: usize, rng: &mut Rng) -> Planned {
    let (shortest, longest) = fault.duration_ms();
    let begins = Duration::from_millis(at);
    Planned {
        fault,
        begins,
        ends: begins + Duration::from_millis(rng.between(shortest, longest)),
        replica: rng.index(replicas),
        choice: rng.next_u64(),
    }
}

/// Takes a fitting fault from the deck, which is refilled and shuffled when it is empty.
fn draw(
    deck: &mut Vec<Fault>,
    faults: &[Fault],
    rng: &mut Rng,
    fits: impl Fn(Fault) -> bool,
) -> Option<Fault> {
    if deck.is_empty() {
        deck.extend_from_slice(faults);
        for last in (1..deck.len()).rev() {
            deck.swap(last, rng.index(last + 1));
        }
    }
    let place = deck.iter().rposition(|fault| fits(*fault))?;
    Some(deck.remove(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: Duration = Duration::from_secs(600);

    #[test]
    fn the_same_seed_plans_the_same() {
        assert_eq!(
            plan(1, MINUTES, 2, Fault::ALL),
            plan(1, MINUTES, 2, Fault::ALL)
        );
        assert_ne!(
            plan(1, MINUTES, 2, Fault::ALL),
            plan(2, MINUTES, 2, Fault::ALL)
        );
    }

    #[test]
    fn every_kind_has_its_turn_and_all_are_healed_in_time() {
        let planned = plan(3, MINUTES, 2, Fault::ALL);
        for fault in Fault::ALL {
            assert!(
                planned.iter().any(|planned| planned.fault == *fault),
                "{fault}"
            );
        }
        assert!(
            planned
                .iter()
                .all(|planned| planned.ends < MINUTES && planned.replica < 2)
        );
    }

    #[test]
    fn no_two_faults_share_a_place_at_a_time() {
        for seed in 0..50 {
            let planned = plan(seed, MINUTES, 2, Fault::ALL);
            for (index, one) in planned.iter().enumerate() {
                for other in &planned[index + 1..] {
                    let overlap = one.begins < other.ends && other.begins < one.ends;
                    assert!(
                        !overlap || one.fault.place() != other.fault.place(),
                        "{one:?} {other:?}"
                    );
                }
            }
        }
    }
}
