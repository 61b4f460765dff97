//! A slice of a long list, and the cursor that leads to the next one.
//!
//! Lists are cut by key, not by number of rows skipped, so the last page costs what the first
//! does, and rows that are added meanwhile shift nothing.

use std::fmt;
use std::str::FromStr;

use crate::text::text_form;

/// How many items a page has at most, from 1 to 100.
///
/// ```
/// use domain::PageSize;
///
/// assert_eq!(PageSize::default().get(), 20);
/// assert!(PageSize::try_from(101).is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "i64"))]
pub struct PageSize(i64);

/// Says that a number is not a page size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a page has 1 to {} items", PageSize::MAX.get())]
pub struct InvalidPageSize;

/// The place after which the next page starts: the key of the last item seen.
///
/// Its text is opaque and safe in a URL. Every position has exactly one text.
///
/// ```
/// use domain::Cursor;
///
/// let text = Cursor::at(17).to_string();
/// assert_eq!(text.parse::<Cursor>()?.position(), 17);
/// assert!("17".parse::<Cursor>().is_err());
/// # Ok::<(), domain::InvalidCursor>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor(i64);

/// Says that a text is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is the text that came with the previous page, unchanged")]
pub struct InvalidCursor;

/// The same for a list that is ordered by a number which may repeat, and then by id.
///
/// ```
/// use domain::PairCursor;
///
/// let text = PairCursor::at(3, 17).to_string();
/// assert_eq!(text.parse::<PairCursor>()?.position(), (3, 17));
/// # Ok::<(), domain::InvalidCursor>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PairCursor(i64, i64);

/// Some items of a list, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "camelCase"))]
pub struct Page<T, C = Cursor> {
    /// The items; at most as many as were asked for.
    pub items: Vec<T>,
    /// Where the next page starts; `None` when this is the last one.
    pub next_cursor: Option<C>,
}

impl PageSize {
    /// The largest page.
    pub const MAX: Self = Self(100);

    /// Returns the greatest number of items.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<i64> for PageSize {
    type Error = InvalidPageSize;

    fn try_from(items: i64) -> Result<Self, Self::Error> {
        if (1..=Self::MAX.0).contains(&items) {
            Ok(Self(items))
        } else {
            Err(InvalidPageSize)
        }
    }
}

impl Cursor {
    /// Makes a cursor that starts after the item with this key.
    #[must_use]
    pub const fn at(position: i64) -> Self {
        Self(position)
    }

    /// Returns the key of the last item seen.
    #[must_use]
    pub const fn position(self) -> i64 {
        self.0
    }
}

/// `c` and sixteen lower-case hexadecimal digits, so that nobody takes it for a page number.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:016x}", self.0.cast_unsigned())
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('c').ok_or(InvalidCursor)?;
        number(digits).map(Self)
    }
}

text_form!(Cursor, InvalidCursor);

impl PairCursor {
    /// Makes a cursor that starts after the item with this number and this id.
    #[must_use]
    pub const fn at(number: i64, id: i64) -> Self {
        Self(number, id)
    }

    /// Returns the number and the id of the last item seen.
    #[must_use]
    pub const fn position(self) -> (i64, i64) {
        (self.0, self.1)
    }
}

/// `p` and twice the digits of a [`Cursor`].
impl fmt::Display for PairCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, id) = (self.0.cast_unsigned(), self.1.cast_unsigned());
        write!(f, "p{number:016x}{id:016x}")
    }
}

impl FromStr for PairCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('p').ok_or(InvalidCursor)?;
        let (first, second) = digits.split_at_checked(16).ok_or(InvalidCursor)?;
        Ok(Self(number(first)?, number(second)?))
    }
}

text_form!(PairCursor, InvalidCursor);

/// Reads sixteen lower-case hexadecimal digits.
fn number(digits: &str) -> Result<i64, InvalidCursor> {
    let strict = digits
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if digits.len() != 16 || !strict {
        return Err(InvalidCursor);
    }
    let bits = u64::from_str_radix(digits, 16).map_err(|_| InvalidCursor)?;
    Ok(bits.cast_signed())
}

impl<T> Page<T> {
    /// Makes a page from a query that asked for one row more than the page has.
    ///
    /// The extra row tells that there is a next page; it is dropped. `position` is the key the
    /// list is ordered by.
    ///
    /// ```
    /// use domain::{Page, PageSize};
    ///
    /// let two = PageSize::try_from(2)?;
    /// let page = Page::from_overfetched(vec![10, 20, 30], two, |key| *key);
    /// assert_eq!(page.items, [10, 20]);
    /// assert_eq!(page.next_cursor.map(|cursor| cursor.position()), Some(20));
    /// # Ok::<(), domain::InvalidPageSize>(())
    /// ```
    pub fn from_overfetched(items: Vec<T>, size: PageSize, position: impl Fn(&T) -> i64) -> Self {
        cut(items, size, |item| Cursor::at(position(item)))
    }
}

impl<T> Page<T, PairCursor> {
    /// The same for a list that is ordered by a number which may repeat, and then by id.
    pub fn from_overfetched_pairs(
        items: Vec<T>,
        size: PageSize,
        position: impl Fn(&T) -> (i64, i64),
    ) -> Self {
        cut(items, size, |item| {
            let (number, id) = position(item);
            PairCursor::at(number, id)
        })
    }
}

fn cut<T, C>(mut items: Vec<T>, size: PageSize, cursor: impl Fn(&T) -> C) -> Page<T, C> {
    let size = usize::try_from(size.get()).unwrap_or(usize::MAX);
    let has_next = items.len() > size;
    items.truncate(size);
    let next_cursor = items.last().filter(|_| has_next).map(cursor);
    Page { items, next_cursor }
}

impl<T, C> Page<T, C> {
    /// Turns each item into something else and keeps the cursor.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U, C> {
        let items = self.items.into_iter().map(change).collect();
        Page {
            items,
            next_cursor: self.next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(rows: i64, size: i64) -> Page<i64> {
        let size = PageSize::try_from(size).unwrap();
        Page::from_overfetched((1..=rows).collect(), size, |row| *row)
    }

    #[test]
    fn the_extra_row_becomes_a_cursor() {
        assert_eq!(
            page(3, 2),
            Page {
                items: vec![1, 2],
                next_cursor: Some(Cursor::at(2))
            }
        );
        assert_eq!(
            page(2, 2),
            Page {
                items: vec![1, 2],
                next_cursor: None
            }
        );
        assert_eq!(
            page(0, 2),
            Page {
                items: vec![],
                next_cursor: None
            }
        );
    }

    #[test]
    fn items_change_and_the_cursor_stays() {
        let names = page(3, 2).map(|row| format!("row {row}"));
        assert_eq!(names.items, ["row 1", "row 2"]);
        assert_eq!(names.next_cursor, Some(Cursor::at(2)));
    }

    #[test]
    fn a_page_has_one_to_a_hundred_items() {
        for wrong in [i64::MIN, -1, 0, 101, i64::MAX] {
            assert_eq!(PageSize::try_from(wrong), Err(InvalidPageSize), "{wrong}");
        }
        assert_eq!(PageSize::try_from(100), Ok(PageSize::MAX));
    }

    #[test]
    fn only_whole_cursors_are_read() {
        let good = Cursor::at(255).to_string();
        assert_eq!(good, "c00000000000000ff");
        let (upper, short, long) = (good.to_uppercase(), &good[..16], format!("{good}0"));
        for wrong in [
            "",
            "c",
            "17",
            &upper,
            short,
            &long,
            "c00000000000000fF",
            "c+0000000000000ff",
        ] {
            assert_eq!(wrong.parse::<Cursor>(), Err(InvalidCursor), "{wrong:?}");
        }
    }

    #[test]
    fn only_whole_pairs_are_read() {
        let good = PairCursor::at(3, 255).to_string();
        assert_eq!(good, "p000000000000000300000000000000ff");
        let half = Cursor::at(3).to_string();
        let (upper, long) = (good.to_uppercase(), format!("{good}0"));
        for wrong in [
            "",
            "p",
            "3",
            &half,
            &upper,
            &good[..32],
            &long,
            "pé00000000000000300000000000000ff",
        ] {
            assert_eq!(wrong.parse::<PairCursor>(), Err(InvalidCursor), "{wrong:?}");
        }
        let rows = vec![(0, 4), (1, 2), (1, 3)];
        let page = Page::from_overfetched_pairs(rows, PageSize(2), |row| *row);
        assert_eq!(page.next_cursor, Some(PairCursor::at(1, 2)));
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_is_in_camel_case() {
        assert_eq!(
            serde_json::to_string(&page(2, 1)).unwrap(),
            r#"{"items":[1],"nextCursor":"c0000000000000001"}"#
        );
        assert!(serde_json::from_str::<PageSize>("0").is_err());
    }

    proptest! {
        #[test]
        fn every_cursor_is_read_back_from_url_safe_text(position: i64) {
            let text = Cursor::at(position).to_string();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            prop_assert_eq!(Cursor::try_from(text), Ok(Cursor::at(position)));
        }

        #[test]
        fn every_pair_is_read_back(number: i64, id: i64) {
            let text = PairCursor::at(number, id).to_string();
            prop_assert_eq!(PairCursor::try_from(text), Ok(PairCursor::at(number, id)));
        }

        #[test]
        fn what_is_read_is_written_alike(text in "[cC0-9a-g+]{15,18}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }
}
