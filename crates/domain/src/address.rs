//! Where to send an order: one text, or the fields of a postal address.

#[cfg(feature = "serde")]
mod json;

use crate::Country;

/// Where an order goes.
///
/// It comes back out exactly as it was given. With the feature `serde` a string is a text and an
/// object a postal address, checked when they are read; in code, use the two constructors.
///
/// ```
/// use domain::Address;
///
/// let address = Address::text("123 Demo St")?;
/// assert_eq!(address, Address::Text("123 Demo St".to_owned()));
/// assert!(Address::text(" ").is_err());
/// # Ok::<(), domain::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// As a person writes it, in one or more lines: 1 to 500 characters.
    Text(String),
    /// In fields.
    Postal(PostalAddress),
}

/// A postal address in fields; each has at most 200 characters and no control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PostalAddress {
    /// Who receives it.
    pub name: Option<String>,
    /// Street and number; not blank.
    pub line1: String,
    /// Floor, flat, care of.
    pub line2: Option<String>,
    /// The town.
    pub city: Option<String>,
    /// The state, county or province.
    pub region: Option<String>,
    /// The postal code, as the country writes it.
    pub postal_code: Option<String>,
    /// Two upper-case letters, as in ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

/// Says why something is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text is empty or only white space.
    #[error("an address is not blank")]
    BlankText,
    /// The text is too long.
    #[error("an address has at most {} characters", Address::MAX_CHARS)]
    TextTooLong,
    /// The text has a control character that does not start a new line.
    #[error("an address has no control characters except line feeds")]
    TextControl,
    /// The first line of a postal address is empty or only white space.
    #[error("line1 of an address is not blank")]
    BlankLine1,
    /// A field is too long.
    #[error(
        "{field} of an address has at most {} characters",
        PostalAddress::MAX_FIELD_CHARS
    )]
    FieldTooLong {
        /// The name of the field.
        field: &'static str,
    },
    /// A field has a control character.
    #[error("{field} of an address has no control characters")]
    FieldControl {
        /// The name of the field.
        field: &'static str,
    },
    /// The country is not a code.
    #[error("country of an address is two upper-case letters, such as DE")]
    Country,
}

impl Address {
    /// The greatest length of a text in characters (Unicode scalar values).
    pub const MAX_CHARS: usize = 500;

    /// Makes an address from one text.
    ///
    /// # Errors
    ///
    /// [`AddressError`] when the text is blank, too long or has control characters.
    pub fn text(text: impl Into<String>) -> Result<Self, AddressError> {
        let text = text.into();
        if text.chars().nth(Self::MAX_CHARS).is_some() {
            return Err(AddressError::TextTooLong);
        }
        if text.trim().is_empty() {
            return Err(AddressError::BlankText);
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(AddressError::TextControl);
        }
        Ok(Self::Text(text))
    }

    /// Makes an address from fields.
    ///
    /// # Errors
    ///
    /// As [`PostalAddress::checked`].
    pub fn postal(fields: PostalAddress) -> Result<Self, AddressError> {
        fields.checked().map(Self::Postal)
    }
}

impl PostalAddress {
    /// The greatest length of a field in characters (Unicode scalar values).
    pub const MAX_FIELD_CHARS: usize = 200;

    /// Returns the address when all its fields are right.
    ///
    /// # Errors
    ///
    /// [`AddressError`] that names the first field that is too long or has control characters,
    /// when `line1` is blank, or when the country is not two upper-case letters.
    pub fn checked(self) -> Result<Self, AddressError> {
        for (field, text) in self.fields() {
            if text.chars().nth(Self::MAX_FIELD_CHARS).is_some() {
                return Err(AddressError::FieldTooLong { field });
            }
            if text.chars().any(char::is_control) {
                return Err(AddressError::FieldControl { field });
            }
        }
        if self.line1.trim().is_empty() {
            return Err(AddressError::BlankLine1);
        }
        let is_code = |code: &str| Country::try_from(code).is_ok();
        if !self.country.as_deref().is_none_or(is_code) {
            return Err(AddressError::Country);
        }
        Ok(self)
    }

    /// Returns the fields that are given, by the names they have in JSON.
    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("name", self.name.as_deref()),
            ("line1", Some(self.line1.as_str())),
            ("line2", self.line2.as_deref()),
            ("city", self.city.as_deref()),
            ("region", self.region.as_deref()),
            ("postalCode", self.postal_code.as_deref()),
            ("country", self.country.as_deref()),
        ]
        .into_iter()
        .filter_map(|(field, text)| Some((field, text?)))
    }
}

#[cfg(test)]
mod tests;
