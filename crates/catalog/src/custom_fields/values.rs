//! Whether a value is what its definition says, and the one form in which such a value is kept.

use domain::{Currency, CustomResource, CustomType as T, Money};
use serde_json::{Value, json};

use super::rules::{MAX_TEXT, USUAL_ITEMS, date, position};
use super::{CustomField, Rules};
use crate::texts::{MAX_TAGS_OF_HTML, sanitise};

/// Most bytes of one value as JSON.
pub const MAX_BYTES: usize = 65_536;
/// Digits of a decimal number before and after its point.
const MAX_DIGITS: usize = 18;
const MAX_FRACTION: usize = 9;

/// What is wrong with a value: its place where it is an item of a list, a code, and what would be right.
pub(crate) type Wrong = (Option<usize>, &'static str, String);

/// The value in the form in which it is kept; `value` is not null.
pub(crate) fn check(field: &CustomField, value: &Value) -> Result<Value, Wrong> {
    let kept = match (field.of, value) {
        (T::List, Value::Array(items)) => {
            let most = field.rules.max_items.unwrap_or(USUAL_ITEMS);
            if items.is_empty() || usize::try_from(most).is_ok_and(|most| items.len() > most) {
                return Err((None, "length", format!("must have 1 to {most} values")));
            }
            let of = field.rules.scalar(T::List);
            let item = |(index, item)| {
                scalar(of, &field.rules, item)
                    .map_err(|(code, message)| (Some(index), code, message))
            };
            let kept: Vec<Value> = items
                .iter()
                .enumerate()
                .map(item)
                .collect::<Result<_, _>>()?;
            if let Some(twice) = (1..kept.len()).find(|at| kept[..*at].contains(&kept[*at])) {
                return Err((Some(twice), "repeated", "is there twice".into()));
            }
            Value::Array(kept)
        }
        (T::List, _) => return Err((None, "type", "must be a list".into())),
        (of, value) => {
            scalar(of, &field.rules, value).map_err(|(code, message)| (None, code, message))?
        }
    };
    if size(&kept) > MAX_BYTES {
        return Err((
            None,
            "too_large",
            format!("must have at most {MAX_BYTES} bytes"),
        ));
    }
    Ok(kept)
}

/// Bytes of a value as JSON.
pub(crate) fn size(value: &Value) -> usize {
    value.to_string().len()
}

fn scalar(of: T, rules: &Rules, value: &Value) -> Result<Value, (&'static str, String)> {
    let of_type = |rule: &str| ("type", format!("must be {rule}"));
    let text = |rule| value.as_str().ok_or_else(|| of_type(rule));
    match of {
        T::Text => checked_text(rules, text("a text")?).map(Value::from),
        T::RichText => {
            let html = text("a text")?;
            if html.matches('<').count() > MAX_TAGS_OF_HTML {
                let rule = format!("must have at most {MAX_TAGS_OF_HTML} tags");
                return Err(("too_many_tags", rule));
            }
            // The length of what is kept: it has to be good enough to be written back.
            checked_text(rules, html)?;
            checked_text(rules, &sanitise(html)).map(Value::from)
        }
        T::Int => {
            let number = value.as_i64().ok_or_else(|| of_type("a whole number"))?;
            bounded(of, rules, &number.to_string())?;
            Ok(value.clone())
        }
        T::Decimal => {
            let rule = "a decimal number as a text, such as \"1.5\"";
            let (_, kept) = decimal(text(rule)?).ok_or_else(|| of_type(rule))?;
            bounded(of, rules, &kept)?;
            Ok(kept.into())
        }
        T::Bool => value
            .as_bool()
            .map(Value::from)
            .ok_or_else(|| of_type("true or false")),
        T::Date => {
            let rule = "a date such as \"2026-12-31\"";
            let written = text(rule)?;
            date(written).ok_or_else(|| of_type(rule))?;
            bounded(of, rules, written)?;
            Ok(value.clone())
        }
        T::Enum => {
            let written = text("a text")?;
            if !rules.values.iter().any(|known| known == written) {
                let known = rules.values.join(", ");
                return Err(("unknown", format!("must be one of {known}")));
            }
            Ok(value.clone())
        }
        T::Money => money(value).ok_or_else(|| {
            of_type(
                "an amount that is not negative, such as {\"amount\": 1990, \"currency\": \"EUR\"}",
            )
        }),
        T::Reference | T::File => {
            let id = value.as_i64().filter(|id| *id > 0);
            id.map(Value::from).ok_or_else(|| of_type("an id"))
        }
        T::Json => free_of_nul(value).map(|()| value.clone()),
        T::List => Err(of_type("no list")), // rules refuse a list of lists
    }
}

fn checked_text<'t>(rules: &Rules, text: &'t str) -> Result<&'t str, (&'static str, String)> {
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(("characters", "must not contain control characters".into()));
    }
    // What says nothing is no value, and files have no place for it.
    let (least, most) = (
        rules.min_length.unwrap_or(1).max(1),
        rules.max_length.unwrap_or(MAX_TEXT),
    );
    let length = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    if !(least..=most).contains(&length) || text.trim().is_empty() {
        return Err(("length", format!("must have {least} to {most} characters")));
    }
    if let Some(pattern) = &rules.pattern
        && !pattern.is_match(text)
    {
        return Err(("pattern", format!("must match {}", pattern.as_str())));
    }
    Ok(text)
}

fn bounded(of: T, rules: &Rules, text: &str) -> Result<(), (&'static str, String)> {
    let at = position(of, text);
    let bound = |bound: &Option<String>| bound.as_ref().and_then(|bound| position(of, bound));
    let is_low = bound(&rules.min).is_some_and(|min| at < Some(min));
    let is_high = bound(&rules.max).is_some_and(|max| at > Some(max));
    if !is_low && !is_high {
        return Ok(());
    }
    let rule = match (&rules.min, &rules.max) {
        (Some(min), Some(max)) => format!("must be {min} to {max}"),
        (Some(min), None) => format!("must be at least {min}"),
        (_, max) => format!("must be at most {}", max.as_deref().unwrap_or_default()),
    };
    Err(("out_of_range", rule))
}

/// A decimal number in thousand millionths, and its shortest spelling.
pub(crate) fn decimal(text: &str) -> Option<(i128, String)> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let ends_in_point = digits.ends_with('.');
    if whole.is_empty() || ends_in_point || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = fraction.trim_end_matches('0');
    if whole.len() > MAX_DIGITS || fraction.len() > MAX_FRACTION {
        return None;
    }
    let units: i128 = format!("{whole}{fraction:0<MAX_FRACTION$}").parse().ok()?;
    let sign = if is_negative && units != 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    let units = if is_negative { -units } else { units };
    Some((units, format!("{sign}{whole}{point}{fraction}")))
}

/// As all of the API writes it: minor units beside a currency.
fn money(value: &Value) -> Option<Value> {
    let object = value.as_object().filter(|object| object.len() == 2)?;
    let minor = object.get("amount")?.as_i64().filter(|minor| *minor >= 0)?;
    let currency: Currency = object.get("currency")?.as_str()?.parse().ok()?;
    let money = Money::new(minor, currency);
    Some(json!({"amount": money.minor(), "currency": money.currency().code()}))
}

/// Postgres keeps no text with a NUL in it.
pub(super) fn free_of_nul(value: &Value) -> Result<(), (&'static str, String)> {
    let is_bad = |text: &str| text.contains('\0');
    let bad = match value {
        Value::String(text) => is_bad(text),
        Value::Array(items) => return items.iter().try_for_each(free_of_nul),
        Value::Object(members) => {
            let names = members.keys().any(|name| is_bad(name));
            members.values().try_for_each(free_of_nul)?;
            names
        }
        _ => false,
    };
    if bad {
        return Err(("characters", "must not contain U+0000".into()));
    }
    Ok(())
}

/// The ids that a value refers to, with what they are ids of.
pub(super) fn references(field: &CustomField, value: &Value) -> Vec<(CustomResource, i64)> {
    let Some(target) = field.rules.references else {
        return Vec::new();
    };
    ids(value).map(|id| (target, id)).collect()
}

/// The id that a value is, or those that a list has.
pub(super) fn ids(value: &Value) -> impl Iterator<Item = i64> {
    let items = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_number_has_one_spelling_and_no_rounding() {
        for (written, kept) in [
            ("1.50", "1.5"),
            ("007", "7"),
            ("-0.0", "0"),
            ("-0.000000001", "-0.000000001"),
            (
                "999999999999999999.999999999",
                "999999999999999999.999999999",
            ),
        ] {
            assert_eq!(
                decimal(written).map(|(_, kept)| kept).as_deref(),
                Some(kept)
            );
        }
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "1e3",
            "+1",
            "1,5",
            "٣",
            " 1",
            "1.0000000001",
            "NaN",
        ] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
        let ordered = ["-10", "-9.5", "0", "0.1", "9", "10"].map(|n| decimal(n).unwrap().0);
        assert!(ordered.is_sorted());
    }
}
