//! Text that people write: names, descriptions, notes.

use super::Problem;

/// Checks a text's length in characters, and that it holds no control characters.
pub fn text(field: &'static str, text: String, min: usize, max: usize) -> Result<String, Problem> {
    if !(min..=max).contains(&text.trim().chars().count()) || text.chars().count() > max {
        let rule = format!("must have {min} to {max} characters");
        return Err(Problem::invalid(field, "length", rule));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Problem::invalid(
            field,
            "characters",
            "must not contain control characters",
        ));
    }
    Ok(text)
}

/// Keeps spreadsheets from running a cell as a formula (OWASP ASVS 5.0, 1.2.10).
#[must_use]
pub fn inert(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) {
        return format!("'{cell}");
    }
    cell.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(written: &str) -> Option<String> {
        let problem = text("name", written.into(), 1, 5).err()?;
        Some(problem.to_json()["errors"][0]["code"].as_str()?.to_owned())
    }

    #[test]
    fn a_length_is_counted_in_characters() {
        for good in ["a", "漢字漢字漢", " a ", "a\n\r\tb"] {
            assert_eq!(code(good), None, "{good:?}");
        }
        for bad in ["", "   ", "abcdef", "a     "] {
            assert_eq!(code(bad).as_deref(), Some("length"), "{bad:?}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for bad in ["a\0", "a\u{1b}[m", "a\u{7f}", "a\u{85}"] {
            assert_eq!(code(bad).as_deref(), Some("characters"), "{bad:?}");
        }
    }
}
