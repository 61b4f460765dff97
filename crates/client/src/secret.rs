//! Tokens and passwords, which never appear in a log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Returns the text, to be sent and not to be printed.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use crate::{Client, NewUser};

    #[test]
    fn neither_tokens_nor_passwords_show_in_debug() {
        let client = Client::builder("http://localhost:8080")
            .token("tok-123")
            .build()
            .unwrap();
        let user = NewUser::new("Ann", "ann@example.com".parse().unwrap(), "hunter-22");

        let shown = format!("{client:?} {user:?}");

        assert!(shown.contains("[redacted]"), "{shown}");
        assert!(
            !shown.contains("tok-123") && !shown.contains("hunter-22"),
            "{shown}"
        );
    }
}
