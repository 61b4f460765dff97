//! Places where a test may end or freeze the process, and bugs that a test must find.
//!
//! Only with the cargo feature `faults`, which no image and no default build has. Without it both
//! functions are empty, and neither their names nor this code are in the binary.
//!
//! - `CARTWRIGHT_FAULTS=before_commit=kill:0.01,after_key_claim=freeze:0.001` sets points off: by
//!   chance, one time in a hundred and in a thousand
//! - `CARTWRIGHT_MUTANT=lost_conflict` turns one planted bug on

#[cfg(feature = "faults")]
pub use armed::{mutant, point};

/// A place where a test may end or freeze the process.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn point(_name: &'static str) {}

/// Whether a planted bug is turned on.
#[cfg(not(feature = "faults"))]
#[inline(always)]
#[must_use]
pub const fn mutant(_name: &'static str) -> bool {
    false
}

#[cfg(feature = "faults")]
mod armed {
    use std::sync::LazyLock;

    use rustix::process::{Signal, getpid, kill_process};

    /// What is done at a point.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Action {
        /// SIGKILL: no destructor runs, as in a power cut.
        Kill,
        /// SIGSTOP, until somebody sends SIGCONT.
        Freeze,
        Panic,
    }

    /// A point that is set off, so many times in a million.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Armed {
        name: String,
        action: Action,
        per_million: u128,
    }

    static POINTS: LazyLock<Vec<Armed>> = LazyLock::new(|| {
        let text = std::env::var("CARTWRIGHT_FAULTS").unwrap_or_default();
        parse(&text).unwrap_or_else(|wrong| panic!("CARTWRIGHT_FAULTS: {wrong}"))
    });
    static MUTANT: LazyLock<String> =
        LazyLock::new(|| std::env::var("CARTWRIGHT_MUTANT").unwrap_or_default());

    /// A place where a test may end or freeze the process.
    ///
    /// # Panics
    ///
    /// When that is what `CARTWRIGHT_FAULTS` asks for, or when it cannot be read.
    pub fn point(name: &'static str) {
        let Some(armed) = POINTS.iter().find(|armed| armed.name == name) else {
            return;
        };
        if uuid::Uuid::new_v4().as_u128() % 1_000_000 >= armed.per_million {
            return;
        }
        eprintln!("fault point {name}: {:?}", armed.action);
        let signal = match armed.action {
            Action::Kill => Signal::KILL,
            Action::Freeze => Signal::STOP,
            Action::Panic => panic!("fault point {name}"),
        };
        let _ = kill_process(getpid(), signal);
    }

    /// Whether a planted bug is turned on.
    #[must_use]
    pub fn mutant(name: &'static str) -> bool {
        *MUTANT == name
    }

    fn parse(text: &str) -> Result<Vec<Armed>, String> {
        let words = text.split(',').filter(|word| !word.is_empty());
        let read = |word: &str| {
            let (name, rest) = word.split_once('=')?;
            let (action, chance) = rest.split_once(':').unwrap_or((rest, "1"));
            let action = match action {
                "kill" => Action::Kill,
                "freeze" => Action::Freeze,
                "panic" => Action::Panic,
                _ => return None,
            };
            let (whole, digits) = chance.split_once('.').unwrap_or((chance, ""));
            let millionths: u128 = format!("{digits:0<6}").get(..6)?.parse().ok()?;
            let per_million = whole.parse::<u128>().ok()? * 1_000_000 + millionths;
            Some(Armed {
                name: name.to_owned(),
                action,
                per_million,
            })
        };
        words
            .map(|word| {
                read(word).ok_or_else(|| format!("`{word}` is not name=kill|freeze|panic:chance"))
            })
            .collect()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn points_are_named_with_an_action_and_a_chance() {
            let parsed =
                parse("before_commit=kill:0.01,after_key_claim=freeze,x=panic:0.000001").unwrap();
            let chances: Vec<u128> = parsed.iter().map(|armed| armed.per_million).collect();
            assert_eq!(chances, [10_000, 1_000_000, 1]);
            assert_eq!(parsed[1].action, Action::Freeze);
            for wrong in ["before_commit", "x=burn:1", "x=kill:often"] {
                assert!(parse(wrong).is_err(), "{wrong}");
            }
        }
    }
}
