//! Weights and lengths in the units of others, as whole grams and millimetres.

use crate::import::row::{Refusal, refuse};

/// Millionths of a gram, or of a millimetre, in one unit.
const UNITS: [(&str, i128); 10] = [
    ("g", 1_000_000),
    ("kg", 1_000_000_000),
    ("lb", 453_592_370),
    ("oz", 28_349_523), // 28.349523125
    ("mm", 1_000_000),
    ("cm", 10_000_000),
    ("dm", 100_000_000),
    ("m", 1_000_000_000),
    ("in", 25_400_000),
    ("ft", 304_800_000),
];

/// Most digits of a number that is converted; far more than a scale has.
const MAX_DIGITS: usize = 18;

/// Converts a decimal in `unit` to whole grams or millimetres, rounded half up; nothing to nothing.
pub(super) fn whole(field: &'static str, decimal: &str, unit: &str) -> Result<String, Refusal> {
    if decimal.is_empty() {
        return Ok(String::new());
    }
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let Some((_, millionths)) = known else {
        return Err(refuse(field, format!("has the unknown unit `{unit}`")));
    };
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    let digits = format!("{whole}{fraction}");
    let are_digits = digits.bytes().all(|b| b.is_ascii_digit());
    let number = Some(&digits)
        .filter(|digits| are_digits && digits.len() <= MAX_DIGITS)
        .and_then(|digits| digits.parse::<i128>().ok())
        .ok_or_else(|| refuse(field, format!("`{decimal}` is no decimal number")))?;
    let one = fraction.bytes().fold(1_000_000_i128, |one, _| one * 10);
    Ok(((number * millionths + one / 2) / one).to_string())
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn units_are_converted_and_rounded_half_up() {
        let cases = [
            ("19.8", "lb", "8981"), // 8981.128926
            ("13.8", "in", "351"),  // 350.52
            ("1000.0", "g", "1000"),
            ("1.5", "mm", "2"),
            ("", "lb", ""),
            ("0", "kg", "0"),
        ];
        for (decimal, unit, expected) in cases {
            assert_eq!(whole("weight", decimal, unit).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_measure_is_refused() {
        let long = "9".repeat(1_000);
        for (decimal, unit) in [
            ("1", "stone"),
            ("-1", "g"),
            ("1e3", "g"),
            (".", "g"),
            (long.as_str(), "g"),
            ("1.2.3", "g"),
        ] {
            assert!(whole("weight", decimal, unit).is_err(), "{decimal} {unit}");
        }
    }
}
