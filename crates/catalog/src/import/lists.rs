//! Several things in one cell: items with `|` between them, and the names of a path with `>`.

/// Between the items of a list.
pub(crate) const ITEM: char = '|';
/// Between the names of a path.
pub(crate) const STEP: char = '>';
/// Before a separator, or another one of these, that belongs to the text.
const ESCAPE: char = '\\';

/// Splits at the separators that nothing escapes; the pieces keep their escapes.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut pieces, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == separator && !is_escaped {
            pieces.push(text[start..at].trim());
            start = at + c.len_utf8();
        }
        is_escaped = c == ESCAPE && !is_escaped;
    }
    pieces.push(text[start..].trim());
    pieces
}

/// The texts of a list; what is between two separators and is nothing counts as nothing.
pub(super) fn items(cell: &str) -> Vec<String> {
    let said = split(cell, ITEM).into_iter();
    said.filter(|item| !item.is_empty()).map(plain).collect()
}

/// The paths of a list, each by its names.
pub(super) fn paths(cell: &str) -> Vec<Vec<String>> {
    let path = |item: &str| split(item, STEP).into_iter().map(plain).collect();
    let said = split(cell, ITEM).into_iter();
    said.filter(|item| !item.is_empty()).map(path).collect()
}

/// The text without its escapes.
fn plain(piece: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(piece.len()), piece.chars());
    while let Some(c) = rest.next() {
        text.push(match c {
            ESCAPE => rest.next().unwrap_or(ESCAPE),
            other => other,
        });
    }
    text
}

/// Writes what [`plain`] reads; `separators` are those that stand around it.
pub(crate) fn escaped(text: &str, separators: &[char]) -> String {
    let mut piece = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if c == ESCAPE || separators.contains(&c) {
            piece.push(ESCAPE);
        }
        piece.push(c);
    }
    piece
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_comes_back_whatever_it_holds() {
        for text in ["a", "a|b", "a>b", "\\", "|", "\\|", ">\\>", "a\\", "日|本"] {
            let item = escaped(text, &[ITEM]);
            assert_eq!(items(&format!("{item} | {item}")), [text, text]);
            let step = escaped(text, &[ITEM, STEP]);
            let path = [text.to_owned(), text.to_owned()];
            assert_eq!(
                paths(&format!("{step}>{step}|{step} > {step}")),
                [path.clone(), path]
            );
        }
    }

    #[test]
    fn nothing_between_separators_is_no_item_but_a_name_that_is_missing() {
        assert_eq!(items(" | a || b |"), ["a", "b"]);
        assert_eq!(items(""), [""; 0]);
        assert_eq!(paths("a>>b|"), [["a", "", "b"]]);
    }
}
