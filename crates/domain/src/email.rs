//! E-mail addresses that can be stored, compared and sent to.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::text::{is_unseen, text_form};

/// An address of one mailbox (RFC 5321, and RFC 6531 for letters beyond ASCII).
///
/// It is kept as it was given; [`Email::normalised`] is what makes two of them the same person.
/// Quoted local parts and address literals (`"a b"@[127.0.0.1]`) are refused: nobody types them.
///
/// ```
/// use domain::Email;
///
/// let email: Email = "Ann.Lee@Bücher.example".parse()?;
/// assert_eq!(email.as_str(), "Ann.Lee@Bücher.example");
/// assert_eq!(email.normalised(), "ann.lee@xn--bcher-kva.example");
/// # Ok::<(), domain::EmailError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email {
    given: String,
    normalised: String,
}

/// Says why a text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// The whole is longer than a mail server takes.
    #[error("an e-mail address has at most {} bytes", Email::MAX_BYTES)]
    TooLong,
    /// There is white space, a control character, or one that is zero-width or bidirectional.
    #[error("an e-mail address has only visible characters, no spaces or zero-width characters")]
    Unseen,
    /// There is no `@`, or more than one.
    #[error("an e-mail address has exactly one @, as in ann@example.com")]
    At,
    /// What stands before the `@` is empty or longer than a mail server takes.
    #[error("what stands before the @ has 1 to {} bytes", Email::MAX_LOCAL_BYTES)]
    LocalLength,
    /// A dot stands first, last or beside another dot before the `@`.
    #[error("dots before the @ stand between other characters, one at a time")]
    LocalDots,
    /// There is a character before the `@` that needs quotes or is no letter or digit.
    #[error("what stands before the @ has only letters, digits and .!#$%&'*+-/=?^_`{{|}}~")]
    LocalCharacter,
    /// Letters of ASCII stand beside letters that imitate or are foreign to them.
    #[error("what stands before the @ has letters of one script only")]
    MixedScripts,
    /// What stands after the `@` is not the name of a host.
    #[error("what stands after the @ is a domain name, as in ann@example.com")]
    Domain,
}

impl Email {
    /// The greatest length of a whole address (RFC 5321, section 4.5.3.1.3, without brackets).
    pub const MAX_BYTES: usize = 254;
    /// The greatest length before the `@` (RFC 5321, section 4.5.3.1.1).
    pub const MAX_LOCAL_BYTES: usize = 64;

    /// Returns the address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.given
    }

    /// Returns the form whose equality means "the same mailbox".
    ///
    /// The local part is in lower case and normal form KC, the domain in the ASCII form of IDNA.
    #[must_use]
    pub fn normalised(&self) -> &str {
        &self.normalised
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || is_unseen(c))
        {
            return Err(EmailError::Unseen);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailError::At)?;
        if domain.contains('@') {
            return Err(EmailError::At);
        }

        // Normal form KC can turn one harmless-looking character into `@`, dots or a space, so
        // the rules hold for both forms.
        let normal_local = normalise_local(local);
        check_local(local)?;
        check_local(&normal_local)?;
        let ascii_domain = idna::domain_to_ascii_strict(domain).map_err(|_| EmailError::Domain)?;

        let normalised = format!("{normal_local}@{ascii_domain}");
        if normalised.len() > Self::MAX_BYTES {
            return Err(EmailError::TooLong);
        }
        Ok(Self {
            given: text.to_owned(),
            normalised,
        })
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.given)
    }
}

text_form!(Email, EmailError);

fn normalise_local(local: &str) -> String {
    let lower = local.nfkc().collect::<String>().to_lowercase();
    // Lowering can leave a letter and an accent apart that belong together.
    lower.nfkc().collect()
}

fn check_local(local: &str) -> Result<(), EmailError> {
    if !(1..=Email::MAX_LOCAL_BYTES).contains(&local.len()) {
        return Err(EmailError::LocalLength);
    }
    if local.split('.').any(str::is_empty) {
        return Err(EmailError::LocalDots);
    }
    if !local.chars().all(|c| c == '.' || is_atom_character(c)) {
        return Err(EmailError::LocalCharacter);
    }
    // Taken apart, `ü` is the ASCII letter `u` and a mark, while a Cyrillic `а` stays what it is.
    let mut letters = local
        .nfkd()
        .filter(|c| c.is_alphabetic() && !is_combining_mark(*c));
    if let Some(first) = letters.next()
        && letters.any(|letter| letter.is_ascii() != first.is_ascii())
    {
        return Err(EmailError::MixedScripts);
    }
    Ok(())
}

/// Tells whether a character may stand between dots: `atext` of RFC 5322, and letters, digits and
/// marks beyond ASCII.
fn is_atom_character(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        c.is_alphanumeric() || is_combining_mark(c)
    }
}

#[cfg(test)]
mod tests;
