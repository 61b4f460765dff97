//! What a product can be chosen by: sizes, colours, and the variants they multiply to.

use std::collections::{BTreeMap, HashSet};

use unicode_normalization::UnicodeNormalization;

/// One thing to choose, with all there is to choose from.
///
/// ```
/// use domain::ProductOption;
///
/// let size = ProductOption { name: "Size".into(), values: vec!["S".into(), "M".into()] };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProductOption {
    /// What customers are asked for, such as `Size`.
    pub name: String,
    /// In the order they are shown.
    pub values: Vec<String>,
}

/// The options of a product, in the order they are asked for.
///
/// ```
/// use domain::{Options, ProductOption};
///
/// let option = |name: &str, values: &[&str]| ProductOption {
///     name: name.into(),
///     values: values.iter().map(|value| (*value).into()).collect(),
/// };
/// let options = Options::new(&[option("Size", &["S", "M"]), option("Colour", &["red"])])?;
/// let titles: Vec<String> = options.matrix().map(|choices| choices.title()).collect();
/// assert_eq!(titles, ["S / red", "M / red"]);
/// # Ok::<(), domain::InvalidOptions>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "Vec<ProductOption>", into = "Vec<ProductOption>")
)]
pub struct Options(Vec<ProductOption>);

/// One value of each option, in their order; none for a product without options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Choices(Vec<(String, String)>);

/// Says what is wrong with the options of a product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOptions {
    /// There are too many.
    #[error("a product has at most {} options", Options::MAX_OPTIONS)]
    TooMany,
    /// An option has no value, or too many.
    #[error("the option `{0}` needs 1 to {max} values", max = Options::MAX_VALUES)]
    Values(String),
    /// A name or a value is empty, too long, or holds what cannot be seen.
    #[error("`{0}` is no name: 1 to {max} characters, none of them a control character", max = Options::MAX_CHARS)]
    Text(String),
    /// The same twice, without regard to case.
    #[error("`{0}` is there twice")]
    Repeated(String),
}

/// Says why something cannot be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidChoices {
    /// The product asks for it.
    #[error("a value for `{0}` is missing")]
    Missing(String),
    /// The same option twice, but for white space around its name.
    #[error("an option is there twice")]
    Repeated,
    /// The product does not ask for it.
    #[error("the product has no option `{0}`")]
    UnknownOption(String),
    /// The option does not have it.
    #[error("`{option}` cannot be `{value}`; it is one of {known}")]
    UnknownValue {
        /// The option.
        option: String,
        /// What was to be chosen.
        value: String,
        /// What there is, for people.
        known: String,
    },
}

impl Options {
    /// The most options of a product.
    pub const MAX_OPTIONS: usize = 10;
    /// The most values of an option.
    pub const MAX_VALUES: usize = 1_000;
    /// The most characters of a name and of a value.
    pub const MAX_CHARS: usize = 100;

    /// Checks options. White space around names and values is dropped, and Unicode is composed (NFC).
    ///
    /// # Errors
    ///
    /// [`InvalidOptions`].
    pub fn new(options: &[ProductOption]) -> Result<Self, InvalidOptions> {
        if options.len() > Self::MAX_OPTIONS {
            return Err(InvalidOptions::TooMany);
        }
        let names = distinct(options.iter().map(|option| option.name.as_str()))?;
        let named = names.into_iter().zip(options).map(|(name, option)| {
            if !(1..=Self::MAX_VALUES).contains(&option.values.len()) {
                return Err(InvalidOptions::Values(name));
            }
            let values = distinct(option.values.iter().map(String::as_str))?;
            Ok(ProductOption { name, values })
        });
        named.collect::<Result<_, _>>().map(Self)
    }

    /// Checks the name of an option, or a value, by itself, and tidies it as [`Options::new`] does.
    ///
    /// # Errors
    ///
    /// [`InvalidOptions::Text`].
    pub fn word(text: &str) -> Result<String, InvalidOptions> {
        let word = tidy(text);
        let is_short = (1..=Self::MAX_CHARS).contains(&word.chars().count());
        if !is_short || word.contains(|c: char| c.is_control()) {
            return Err(InvalidOptions::Text(word.chars().take(40).collect()));
        }
        Ok(word)
    }

    /// Returns them in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[ProductOption] {
        &self.0
    }

    /// Takes one value for each option, by the option's name.
    ///
    /// # Errors
    ///
    /// [`InvalidChoices`].
    pub fn choose(&self, wanted: &BTreeMap<String, String>) -> Result<Choices, InvalidChoices> {
        let tidied: BTreeMap<String, String> = wanted
            .iter()
            .map(|(name, value)| (tidy(name), tidy(value)))
            .collect();
        if tidied.len() < wanted.len() {
            return Err(InvalidChoices::Repeated);
        }
        let wanted = tidied;
        let is_known = |name: &&String| self.0.iter().any(|option| option.name == **name);
        if let Some(unknown) = wanted.keys().find(|name| !is_known(name)) {
            return Err(InvalidChoices::UnknownOption(unknown.clone()));
        }
        let chosen = self.0.iter().map(|option| {
            let Some(value) = wanted.get(&option.name) else {
                return Err(InvalidChoices::Missing(option.name.clone()));
            };
            if !option.values.contains(value) {
                return Err(InvalidChoices::UnknownValue {
                    option: option.name.clone(),
                    value: value.clone(),
                    known: option.values.join(", "),
                });
            }
            Ok((option.name.clone(), value.clone()))
        });
        chosen.collect::<Result<_, _>>().map(Choices)
    }

    /// Returns these options with the values that `other` has besides, behind those that are here.
    ///
    /// Options that only `other` has are left out.
    ///
    /// # Errors
    ///
    /// [`InvalidOptions`]: together they may be too many, or differ only in case.
    pub fn with_values_of(&self, other: &Self) -> Result<Self, InvalidOptions> {
        let mut all = self.0.clone();
        for option in &mut all {
            let same = other.0.iter().filter(|more| more.name == option.name);
            for value in same.flat_map(|more| &more.values) {
                if !option.values.contains(value) {
                    option.values.push(value.clone());
                }
            }
        }
        Self::new(&all)
    }

    /// Returns how many variants the options multiply to; `None` beyond `usize`. One without options.
    #[must_use]
    pub fn combinations(&self) -> Option<usize> {
        let mut counts = self.0.iter().map(|option| option.values.len());
        counts.try_fold(1_usize, usize::checked_mul)
    }

    /// Goes through all combinations; the last option changes fastest.
    pub fn matrix(&self) -> impl Iterator<Item = Choices> + '_ {
        let total = self.combinations().unwrap_or(usize::MAX);
        (0..total).map(|number| {
            let mut rest = number;
            let mut choices: Vec<(String, String)> = self
                .0
                .iter()
                .rev()
                .map(|option| {
                    let value = option.values[rest % option.values.len()].clone();
                    rest /= option.values.len();
                    (option.name.clone(), value)
                })
                .collect();
            choices.reverse();
            Choices(choices)
        })
    }
}

impl Choices {
    /// Returns the values for people: `M / red`; empty without options.
    #[must_use]
    pub fn title(&self) -> String {
        let values: Vec<&str> = self.values().collect();
        values.join(" / ")
    }

    /// Returns the values in the order of the options.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, value)| value.as_str())
    }

    /// Returns option and value.
    #[must_use]
    pub fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }

    /// Tells whether there is nothing to choose.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<ProductOption>> for Options {
    type Error = InvalidOptions;

    fn try_from(options: Vec<ProductOption>) -> Result<Self, InvalidOptions> {
        Self::new(&options)
    }
}

impl From<Options> for Vec<ProductOption> {
    fn from(options: Options) -> Self {
        options.0
    }
}

fn tidy(text: &str) -> String {
    text.trim().nfc().collect()
}

/// Tidies names, none of which is another one in other letters.
fn distinct<'n>(names: impl Iterator<Item = &'n str>) -> Result<Vec<String>, InvalidOptions> {
    let mut seen = HashSet::new();
    names
        .map(|name| {
            let name = Options::word(name)?;
            if !seen.insert(name.to_lowercase()) {
                return Err(InvalidOptions::Repeated(name));
            }
            Ok(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn option(name: &str, values: &[&str]) -> ProductOption {
        ProductOption {
            name: name.into(),
            values: values.iter().map(|value| (*value).into()).collect(),
        }
    }

    fn tee() -> Options {
        Options::new(&[
            option("Size", &["S", "M"]),
            option("Colour", &["red", "blue", "green"]),
        ])
        .unwrap()
    }

    fn wanted(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect()
    }

    #[test]
    fn names_are_tidied_and_may_not_repeat() {
        let options = Options::new(&[option(" Gro\u{308}ße ", &["M "])]).unwrap();
        assert_eq!(options.as_slice(), [option("Größe", &["M"])]);
        let long = "x".repeat(101);
        let wrong = [
            (
                vec![option("", &["M"])],
                InvalidOptions::Text(String::new()),
            ),
            (
                vec![option("a\0", &["M"])],
                InvalidOptions::Text("a\0".into()),
            ),
            (
                vec![option("Size", &[&long])],
                InvalidOptions::Text("x".repeat(40)),
            ),
            (
                vec![option("Size", &[])],
                InvalidOptions::Values("Size".into()),
            ),
            (
                vec![option("Size", &["M", "m"])],
                InvalidOptions::Repeated("m".into()),
            ),
            (
                vec![option("Size", &["M"]), option("SIZE", &["M"])],
                InvalidOptions::Repeated("SIZE".into()),
            ),
            (
                (0..11).map(|n| option(&n.to_string(), &["M"])).collect(),
                InvalidOptions::TooMany,
            ),
        ];
        for (options, error) in wrong {
            assert_eq!(Options::new(&options), Err(error));
        }
    }

    #[test]
    fn one_value_of_each_option_is_chosen() {
        let choices = tee()
            .choose(&wanted(&[("Colour", "blue"), ("Size", "M")]))
            .unwrap();
        assert_eq!(choices.title(), "M / blue");
        let wrong = [
            (
                wanted(&[("Size", "M")]),
                InvalidChoices::Missing("Colour".into()),
            ),
            (
                wanted(&[("Size", "M"), ("Colour", "red"), ("Fit", "slim")]),
                InvalidChoices::UnknownOption("Fit".into()),
            ),
            (
                wanted(&[("Size", "XXL"), ("Colour", "red")]),
                InvalidChoices::UnknownValue {
                    option: "Size".into(),
                    value: "XXL".into(),
                    known: "S, M".into(),
                },
            ),
        ];
        let twice = wanted(&[("Size", "M"), (" Size", "S"), ("Colour", "red")]);
        assert_eq!(tee().choose(&twice), Err(InvalidChoices::Repeated));
        for (wanted, error) in wrong {
            assert_eq!(tee().choose(&wanted), Err(error));
        }
        assert!(Options::default().choose(&wanted(&[])).unwrap().is_empty());
    }

    #[test]
    fn values_of_others_come_behind_and_options_of_others_do_not() {
        let more = Options::new(&[option("Size", &["XL", "M"]), option("Fit", &["slim"])]).unwrap();
        let all = tee().with_values_of(&more).unwrap();
        assert_eq!(all.as_slice()[0], option("Size", &["S", "M", "XL"]));
        assert_eq!(all.as_slice()[1..], tee().as_slice()[1..]);
        let same = Options::new(&[option("Size", &["m"])]).unwrap();
        let repeated = InvalidOptions::Repeated("m".into());
        assert_eq!(tee().with_values_of(&same), Err(repeated));
    }

    #[test]
    fn the_matrix_has_each_combination_once() {
        let titles: Vec<String> = tee().matrix().map(|choices| choices.title()).collect();
        let expected = [
            "S / red",
            "S / blue",
            "S / green",
            "M / red",
            "M / blue",
            "M / green",
        ];
        assert_eq!(titles, expected);
        assert_eq!(Options::default().matrix().count(), 1);
    }

    #[test]
    fn more_combinations_than_can_be_counted_are_none() {
        let values: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
        let option = |n: usize| ProductOption {
            name: n.to_string(),
            values: values.clone(),
        };
        let options = Options::new(&(0..10).map(option).collect::<Vec<_>>()).unwrap();
        assert_eq!(options.combinations(), None);
    }

    proptest! {
        #[test]
        fn what_the_matrix_has_can_be_chosen(sizes in 1_usize..6, colours in 1_usize..6) {
            let values = |count: usize| (0..count).map(|n| n.to_string()).collect();
            let options = Options::new(&[
                ProductOption { name: "Size".into(), values: values(sizes) },
                ProductOption { name: "Colour".into(), values: values(colours) },
            ]).unwrap();
            let all: HashSet<Choices> = options.matrix().collect();
            prop_assert_eq!(all.len(), sizes * colours);
            for choices in all {
                let wanted = choices.as_slice().iter().cloned().collect();
                prop_assert_eq!(options.choose(&wanted), Ok(choices));
            }
        }
    }
}
