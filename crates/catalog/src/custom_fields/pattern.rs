//! A pattern that texts have to match.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

const MAX_CHARS: usize = 300;
/// Bytes of a compiled pattern: to match takes time by the length of the text, and by this.
const SIZE: usize = 256 * 1024;

/// A regular expression that the whole of a text has to match. It is compiled for the first text that is held against it,
/// and not for those after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Pattern {
    written: String,
    /// `None` inside where it makes no sense.
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// As staff wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether it makes sense, and what would.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=MAX_CHARS).contains(&self.written.chars().count()) {
            return Err(format!("must have 1 to {MAX_CHARS} characters"));
        }
        if self.written.contains(char::is_control) {
            return Err("must not contain control characters".into());
        }
        if self.compiled().is_none() {
            return Err(
                "must be a regular expression, without references and look-around, and not too large"
                    .into(),
            );
        }
        Ok(())
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.compiled()
            .is_some_and(|pattern| pattern.is_match(text))
    }

    fn compiled(&self) -> Option<&Regex> {
        let compile = || {
            // By itself first: what closes a bracket too many would else end the group around it.
            build(&self.written)?;
            build(&format!("^(?:{})$", self.written))
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

fn build(written: &str) -> Option<Regex> {
    RegexBuilder::new(written)
        .size_limit(SIZE)
        .dfa_size_limit(SIZE)
        .nest_limit(20)
        .build()
        .ok()
}

impl From<String> for Pattern {
    fn from(written: String) -> Self {
        Self {
            written,
            compiled: OnceLock::new(),
        }
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.written
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_text_is_held_against_what_was_compiled_for_the_first() {
        let pattern = Pattern::from("[a-z]+".to_owned());
        assert!(pattern.is_match("wool") && !pattern.is_match("wool 7"));
        let first = pattern.compiled().map(std::ptr::from_ref);
        assert!(!pattern.is_match("7"));
        assert_eq!(pattern.compiled().map(std::ptr::from_ref), first);
    }
}
