//! Which ticks are due, as a pure function of two moments.

use std::str::FromStr as _;

use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use domain::MissedTicks;

/// A tick that is noticed later than this was missed.
const ON_TIME: TimeDelta = TimeDelta::seconds(30);
/// How many ticks are caught up with at a time; the others follow at the next look.
const CATCH_UP_AT_ONCE: usize = 100;

/// When a schedule is due.
#[derive(Clone, Debug)]
pub enum Timing {
    /// So many seconds apart, at least 1.
    Every { seconds: i32 },
    /// A cron expression of five fields, in UTC: a time that a change of clocks could skip or
    /// repeat would have to be defended tick by tick.
    Cron(Box<Cron>),
}

/// Says that a text is not a cron expression, or one that is never due.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cron expression of five fields that is ever due: {0}")]
pub struct InvalidCron(String);

/// What to do about a schedule that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The ticks to run, oldest first.
    pub run: Vec<DateTime<Utc>>,
    /// The tick to wait for.
    pub next: DateTime<Utc>,
    /// How many were missed and left out; for a cron expression at least.
    pub skipped: u64,
}

impl Timing {
    /// Reads a cron expression.
    ///
    /// # Errors
    ///
    /// [`InvalidCron`].
    pub fn cron(text: &str) -> Result<Self, InvalidCron> {
        if text.split_whitespace().count() != 5 {
            return Err(InvalidCron(format!("`{text}`")));
        }
        let cron = Cron::from_str(text).map_err(|error| InvalidCron(error.to_string()))?;
        Ok(Self::Cron(Box::new(cron)))
    }

    /// The two columns that hold it.
    pub(super) fn columns(&self) -> (Option<i32>, Option<String>) {
        match self {
            Self::Every { seconds } => (Some(*seconds), None),
            Self::Cron(cron) => (None, Some(cron.pattern.to_string())),
        }
    }

    pub(super) fn read(
        every_seconds: Option<i32>,
        cron: Option<&str>,
    ) -> Result<Self, InvalidCron> {
        match (every_seconds, cron) {
            (Some(seconds), _) => Ok(Self::Every { seconds }),
            (None, text) => Self::cron(text.unwrap_or_default()),
        }
    }

    /// The first tick of a new schedule.
    pub(super) fn first(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, InvalidCron> {
        match self {
            Self::Every { .. } => Ok(now),
            Self::Cron(_) => self.following(now),
        }
    }

    /// Decides about a schedule whose tick at `next` is due.
    ///
    /// # Errors
    ///
    /// [`InvalidCron`] for an expression that is never due again.
    pub fn plan(
        &self,
        missed: MissedTicks,
        next: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Plan, InvalidCron> {
        if missed == MissedTicks::CatchUp {
            return self.catch_up(next, now);
        }
        let latest = self.latest(next, now)?;
        let between = match self {
            Self::Every { seconds } => (latest - next).num_seconds() / i64::from(*seconds).max(1),
            Self::Cron(_) => i64::from(latest > next),
        };
        let left_out = u64::try_from(between).unwrap_or(0);
        let next = self.following(latest)?;
        let plan = |run: Vec<_>, skipped| Ok(Plan { run, next, skipped });
        match missed {
            MissedTicks::Skip if now - latest > ON_TIME => plan(Vec::new(), left_out + 1),
            _ => plan(vec![latest], left_out),
        }
    }

    fn catch_up(&self, next: DateTime<Utc>, now: DateTime<Utc>) -> Result<Plan, InvalidCron> {
        let (mut run, mut tick) = (Vec::new(), next);
        while tick <= now && run.len() < CATCH_UP_AT_ONCE {
            run.push(tick);
            tick = self.following(tick)?;
        }
        Ok(Plan {
            run,
            next: tick,
            skipped: 0,
        })
    }

    /// The last tick that is not after `now`.
    fn latest(
        &self,
        next: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, InvalidCron> {
        match self {
            Self::Every { seconds } => {
                let step = i64::from(*seconds).max(1);
                let steps = (now - next).num_seconds() / step;
                Ok(next + TimeDelta::seconds(steps * step))
            }
            Self::Cron(cron) => {
                let found = cron.find_previous_occurrence(&now, true);
                let latest = found.map_err(|error| InvalidCron(error.to_string()))?;
                Ok(latest.max(next)) // `next` may come from an older expression
            }
        }
    }

    /// The tick after this one.
    fn following(&self, tick: DateTime<Utc>) -> Result<DateTime<Utc>, InvalidCron> {
        match self {
            Self::Every { seconds } => Ok(tick + TimeDelta::seconds(i64::from(*seconds).max(1))),
            Self::Cron(cron) => cron
                .find_next_occurrence(&tick, false)
                .map_err(|error| InvalidCron(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn every_minute() -> Timing {
        Timing::Every { seconds: 60 }
    }

    const NEXT: &str = "2026-03-01T10:00:00Z";

    fn plan(timing: &Timing, missed: MissedTicks, now: &str) -> (Vec<DateTime<Utc>>, String, u64) {
        let plan = timing.plan(missed, at(NEXT), at(now)).unwrap();
        (plan.run, plan.next.to_rfc3339(), plan.skipped)
    }

    #[test]
    fn a_tick_that_is_noticed_in_time_runs_whatever_the_policy() {
        for missed in MissedTicks::ALL {
            for timing in [every_minute(), Timing::cron("* * * * *").unwrap()] {
                let (run, next, skipped) = plan(&timing, missed, "2026-03-01T10:00:29Z");
                assert_eq!(run, [at(NEXT)], "{missed} {timing:?}");
                assert_eq!((next.as_str(), skipped), ("2026-03-01T10:01:00+00:00", 0));
            }
        }
    }

    #[test]
    fn missed_ticks_are_skipped_run_once_or_caught_up_with() {
        for timing in [every_minute(), Timing::cron("* * * * *").unwrap()] {
            let now = "2026-03-01T10:03:45Z";
            let (run, next, _) = plan(&timing, MissedTicks::Skip, now);
            assert_eq!((run, next.as_str()), (vec![], "2026-03-01T10:04:00+00:00"));

            let (run, next, _) = plan(&timing, MissedTicks::RunOnce, now);
            assert_eq!(run, [at("2026-03-01T10:03:00Z")]);
            assert_eq!(next, "2026-03-01T10:04:00+00:00");

            let (run, next, skipped) = plan(&timing, MissedTicks::CatchUp, now);
            let all = [0, 1, 2, 3].map(|minutes| at(NEXT) + TimeDelta::minutes(minutes));
            assert_eq!(run, all);
            assert_eq!((next.as_str(), skipped), ("2026-03-01T10:04:00+00:00", 0));
        }
    }

    #[test]
    fn a_skipping_schedule_still_runs_the_tick_that_is_not_late() {
        let (run, _, skipped) = plan(&every_minute(), MissedTicks::Skip, "2026-03-01T10:05:10Z");
        assert_eq!((run, skipped), (vec![at("2026-03-01T10:05:00Z")], 5));
        let (_, _, skipped) = plan(&every_minute(), MissedTicks::Skip, "2026-03-01T10:05:40Z");
        assert_eq!(skipped, 6);
    }

    #[test]
    fn after_a_year_only_a_part_is_caught_up_with_at_a_time() {
        let now = "2027-03-01T10:00:00Z";
        let (run, next, _) = plan(&every_minute(), MissedTicks::CatchUp, now);
        assert_eq!(run.len(), CATCH_UP_AT_ONCE);
        assert_eq!(next, "2026-03-01T11:40:00+00:00");
        let (run, next, _) = plan(&every_minute(), MissedTicks::RunOnce, now);
        assert_eq!(run, [at(now)]);
        assert_eq!(next, "2027-03-01T10:01:00+00:00");
    }

    #[test]
    fn a_cron_expression_has_five_fields_and_is_due_some_day() {
        assert!(Timing::cron("17 4 * * *").is_ok());
        for wrong in [
            "",
            "@daily",
            "0 17 4 * * *",
            "17 4 * *",
            "61 4 * * *",
            "a b c d e",
        ] {
            assert!(Timing::cron(wrong).is_err(), "{wrong}");
        }
        let never = Timing::cron("0 0 30 2 *");
        assert!(never.and_then(|timing| timing.first(at(NEXT))).is_err());
        let daily = Timing::cron("17 4 * * *").unwrap();
        assert_eq!(daily.first(at(NEXT)), Ok(at("2026-03-02T04:17:00Z")));
    }
}
