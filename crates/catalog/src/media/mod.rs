//! Pictures and other files: what is known of them, and which products have them. Their bytes are the business of whoever
//! calls. What is no picture has no pixels, and values of custom fields name it (see [`crate::custom_fields::files`]).
//!
//! A row is there before its bytes are (`incoming`), and until they are gone (`dropped`); in between it is `kept`. So
//! no bytes are lost of which a row says that they are kept, and none stay behind that no row knows.
//!
//! - [`uploading`]: a picture comes in
//! - [`editing`]: what it is called, and its end
//! - [`exchange`]: what it is called on its way to another shop
//! - [`keeping`]: its smaller renditions, and what is to be removed
//! - [`products`]: the pictures of a product, in their order
//! - [`wanted`]: those that are still to be fetched

pub mod editing;
pub mod exchange;
pub mod keeping;
pub mod products;
pub mod uploading;
pub mod wanted;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz};
use domain::{Locale, MediaId};
use serde::Deserialize;
use serde_json::Value;

pub use self::editing::MediaError;

/// The kind of the job that makes the renditions of a picture.
pub const JOB: &str = "renderMedia";
/// The queue of these jobs.
pub const QUEUE: &str = "media";

/// The most characters of an alternative text.
pub const MAX_ALT_CHARS: usize = 1_000;
/// The most characters of a name.
pub const MAX_NAME_CHARS: usize = 200;

/// SHA-256 of the bytes of a picture; written in 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Says that a text is not a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 of the digits 0-9 and a-f")]
pub struct InvalidHash;

impl std::str::FromStr for Hash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hash = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        if text.len() != 64 || !text.bytes().all(is_hash) {
            return Err(InvalidHash);
        }
        let mut hash = [0; 32];
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| InvalidHash)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| InvalidHash)?;
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for Hash {
    type Error = InvalidHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<Vec<u8>> for Hash {
    type Error = InvalidHash;

    fn try_from(bytes: Vec<u8>) -> Result<Self, Self::Error> {
        bytes.try_into().map(Self).map_err(|_| InvalidHash)
    }
}

/// A picture, or another file, that is kept.
#[derive(Clone, Debug, Queryable)]
pub struct Media {
    #[diesel(deserialize_as = i64)]
    pub id: MediaId,
    #[diesel(deserialize_as = Vec<u8>)]
    pub hash: Hash,
    pub content_type: String,
    pub bytes: i64,
    /// Of the original, as is the height, in pixels; 0 for what is no picture.
    pub width: i32,
    pub height: i32,
    /// Of the renditions there are, or will be, the smallest first.
    pub widths: Vec<i32>,
    pub name: String,
    pub alt: String,
    /// The same for readers of other languages, by their locales: an object of texts.
    pub alts: Value,
    /// When the renditions were there; `None` as long as they are not.
    pub rendered_at: Option<DateTime<Utc>>,
    /// Counts the changes, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

type Columns = (
    BigInt,
    Binary,
    Text,
    BigInt,
    Integer,
    Integer,
    Array<Integer>,
    Text,
    Text,
    Jsonb,
    Nullable<Timestamptz>,
    BigInt,
    Timestamptz,
    Timestamptz,
);

macro_rules! select_media {
    ($rest:literal) => {
        concat!(
            "SELECT id, hash, content_type, bytes, width, height, widths, name, alt, alts, rendered_at, version, created_at, updated_at \
               FROM catalog.media WHERE state = 'kept' AND ",
            $rest
        )
    };
}

db::statement! {
    struct FindMedia { id: i64 => BigInt } -> Columns = select_media!("id = $1")
}

db::statement! {
    struct ListMedia { before: i64 => BigInt, limit: i64 => BigInt } -> Columns =
    select_media!("id < $1 ORDER BY id DESC LIMIT $2")
}

/// Finds a picture.
///
/// # Errors
///
/// Those of the database.
pub fn find(conn: &mut PgConnection, id: MediaId) -> QueryResult<Option<Media>> {
    FindMedia { id: id.get() }.get_result(conn).optional()
}

/// Lists pictures, newest first, those before an id.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, before: i64, limit: i64) -> QueryResult<Vec<Media>> {
    ListMedia { before, limit }.load(conn)
}

/// Texts by their locales, as they are stored.
fn as_json(alts: &BTreeMap<Locale, Option<String>>) -> Value {
    let member = |(locale, text): (&Locale, &Option<String>)| {
        let text = text.as_deref().map_or(Value::Null, Value::from);
        (locale.to_string(), text)
    };
    Value::Object(alts.iter().map(member).collect())
}

/// Where the bytes are that have a hash.
#[derive(Clone, Debug, Queryable)]
pub struct Stored {
    /// Names them in the store.
    pub file: String,
    pub content_type: String,
    pub widths: Vec<i32>,
    pub is_rendered: bool,
    /// What staff calls it.
    pub name: String,
}

db::statement! {
    /// Several pictures may have the same bytes.
    struct FindStored { hash: Vec<u8> => Binary } -> (Text, Text, Array<Integer>, Bool, Text) =
    "SELECT file::text, content_type, widths, rendered_at IS NOT NULL, name FROM catalog.media \
      WHERE hash = $1 AND state = 'kept' ORDER BY rendered_at, id LIMIT 1"
}

/// Finds where bytes are, those with renditions first.
///
/// # Errors
///
/// Those of the database.
pub fn find_stored(conn: &mut PgConnection, hash: Hash) -> QueryResult<Option<Stored>> {
    let hash = hash.0.to_vec();
    FindStored { hash }.get_result(conn).optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_spelling() {
        let text = "00ff".repeat(16);
        assert_eq!(text.parse::<Hash>().unwrap().to_string(), text);
        for bad in [
            "",
            "00",
            &"00FF".repeat(16),
            &"0g".repeat(32),
            &"é".repeat(32),
        ] {
            assert_eq!(bad.parse::<Hash>(), Err(InvalidHash), "{bad}");
        }
    }
}
