//! A place in the log.

use std::fmt;
use std::str::FromStr;

/// A place in the log: everything up to it has been read.
///
/// Ids are given out in another order than transactions commit, so an id alone is no position.
/// The order is that of transaction ids, and of ids within a transaction; a reader stays below the
/// oldest transaction that is still running, where nothing can appear any more.
///
/// ```
/// use db::outbox::Position;
///
/// let text = Position { xid: 740, id: 17 }.to_string();
/// assert_eq!(text.parse(), Ok(Position { xid: 740, id: 17 }));
/// assert!("17".parse::<Position>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The transaction; 64 bits in Postgres, of which the first is never used.
    pub xid: i64,
    pub id: i64,
}

/// Says that a text is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is the text that came with the previous page, unchanged")]
pub struct InvalidPosition;

impl Position {
    /// Before the first event.
    pub const START: Self = Self { xid: 0, id: 0 };
}

/// `e` and 32 lower-case hexadecimal digits: opaque, and safe in a URL.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{:016x}{:016x}", self.xid, self.id)
    }
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('e').ok_or(InvalidPosition)?;
        let strict = digits
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if digits.len() != 32 || !strict {
            return Err(InvalidPosition);
        }
        let (xid, id) = digits.split_at(16);
        let number = |digits| i64::from_str_radix(digits, 16).map_err(|_| InvalidPosition);
        Ok(Self {
            xid: number(xid)?,
            id: number(id)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_positions_are_read() {
        let good = Position { xid: 255, id: 1 }.to_string();
        assert_eq!(good, "e00000000000000ff0000000000000001");
        let (upper, short, long) = (good.to_uppercase(), &good[..32], format!("{good}0"));
        let beyond = format!("e{}", "f".repeat(32));
        for wrong in ["", "e", "17", &upper, short, &long, &beyond] {
            assert_eq!(wrong.parse::<Position>(), Err(InvalidPosition), "{wrong:?}");
        }
    }
}
