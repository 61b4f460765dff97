//! What all values written as text share: their conversions, and which characters are unseen.

/// Opens every door to a type that has `FromStr` and `Display`.
///
/// `TryFrom<&str>` and `TryFrom<String>` parse, `String::from` writes; with the feature `serde`
/// the value is a string that is checked when it is read.
macro_rules! text_form {
    ($type:ident, $error:ty) => {
        impl TryFrom<&str> for $type {
            type Error = $error;

            fn try_from(text: &str) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// Declares an enum whose variants are known by a code, in the API and in the database alike.
macro_rules! coded {
    (
        $(#[$doc:meta])*
        $type:ident, $what:literal, $unknown:ident {
            $($(#[$variant_doc:meta])* $variant:ident => $code:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        #[doc = concat!("Says that a text is not the code of ", $what, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
        #[error("{} is one of {}", $what, $type::ALL.map($type::code).join(", "))]
        pub struct $unknown;

        impl $type {
            /// All of them.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$variant),+];

            /// Returns the name used in the API and in the database.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }

        impl FromStr for $type {
            type Err = $unknown;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.into_iter().find(|known| known.code() == text).ok_or($unknown)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.code())
            }
        }

        text_form!($type, $unknown);
    };
}

pub(crate) use {coded, text_form};

/// Tells whether a character leaves no trace on the screen or reorders its neighbours.
///
/// These are the `Default_Ignorable_Code_Point`s of Unicode (zero-width and bidirectional
/// controls, fillers, variation selectors, tags), the line and paragraph separators and the
/// interlinear annotation marks. Two names that differ only in these look the same to a person.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}'
            | '\u{034f}'
            | '\u{061c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_width_and_bidirectional_characters_are_unseen() {
        for c in [
            '\u{200b}',
            '\u{200d}',
            '\u{202e}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert!(is_unseen(c), "{c:?}");
        }
    }

    #[test]
    fn letters_digits_and_spaces_are_seen() {
        assert!(!"Ab9 é漢ع\u{a0}\u{3000}".chars().any(is_unseen));
    }
}
