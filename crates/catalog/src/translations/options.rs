//! Translations of options and their values: `Colour` and `red` are `Farbe` and `Rot`, of whatever product they are.
//!
//! A product goes on being chosen by its own names; what is here is put beside them. So what two products have in common is translated
//! once, and may be before there is any product that has it.

use std::collections::{BTreeMap, HashMap};

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};
use domain::{Event, Locale, OptionId, UserId};

use super::{TranslationError, Written, locales, was_there, within_bounds};
use crate::editing::CHANGES_CHANNEL;

/// Most values of an option that are translated into a locale.
pub const MAX_VALUES: usize = 2_000;

/// How an option is called; `None`, and values that are not there, where the wider locale or the shop's own word is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub name: Option<String>,
    /// By the values themselves.
    pub values: BTreeMap<String, String>,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    #[error("the translations have changed to version {0}")]
    Stale(i64),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// Words in a locale, as far as they are translated.
#[derive(Clone, Debug, Default)]
pub struct Labels(HashMap<(String, String), String>);

impl Labels {
    /// What the option is called.
    #[must_use]
    pub fn of_option(&self, name: &str) -> Option<&str> {
        self.of_value(name, "")
    }

    /// What a value of the option is called.
    #[must_use]
    pub fn of_value(&self, name: &str, value: &str) -> Option<&str> {
        let label = self.0.get(&(name.to_owned(), value.to_owned()));
        label.map(String::as_str)
    }
}

db::statement! {
    /// Word by word, as they are named: the empty one is the option itself.
    struct FindLabels {
        names: Vec<String> => Array<Text>,
        values: Vec<String> => Array<Text>,
        locales: Vec<String> => Array<Text>,
    } -> (Text, Text, Text) =
    "SELECT w.name, w.value, l.label FROM unnest($1::text[], $2::text[]) AS w (name, value) CROSS JOIN LATERAL ( \
            SELECT t.label FROM catalog.translated_options o \
             CROSS JOIN LATERAL (SELECT label, locale FROM catalog.option_translations \
                    WHERE option_id = o.id AND value = w.value COLLATE \"C\" AND locale = ANY ($3) OFFSET 0) t \
             WHERE o.name = w.name COLLATE \"C\" ORDER BY array_position($3, t.locale COLLATE \"default\") LIMIT 1) l"
}

db::statement! {
    struct ListTexts { name: String => Text } -> (Text, Text, Text) =
    "SELECT t.locale, t.value, t.label FROM catalog.translated_options o JOIN catalog.option_translations t ON t.option_id = o.id \
      WHERE o.name = $1 ORDER BY t.locale, t.value"
}

db::statement! {
    struct FindVersion { name: String => Text } -> BigInt = "SELECT version FROM catalog.translated_options WHERE name = $1"
}

db::statement! {
    struct MakeKnown { name: String => Text } -> BigInt =
    "INSERT INTO catalog.translated_options (name, version) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING"
}

db::statement! {
    struct LockOption { name: String => Text } -> (BigInt, BigInt) =
    "SELECT id, version FROM catalog.translated_options WHERE name = $1 FOR NO KEY UPDATE"
}

db::statement! {
    struct TouchOption { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.translated_options SET version = version + 1 WHERE id = $1 RETURNING version"
}

db::statement! {
    struct ForgetTexts { id: i64 => BigInt, locale: String => Text } -> BigInt =
    "DELETE FROM catalog.option_translations WHERE option_id = $1 AND locale = $2"
}

db::statement! {
    struct WriteTexts {
        id: i64 => BigInt,
        locale: String => Text,
        values: Vec<String> => Array<Text>,
        labels: Vec<String> => Array<Text>,
    } -> BigInt =
    "INSERT INTO catalog.option_translations (option_id, locale, value, label) \
     SELECT $1, $2, w.* FROM unnest($3::text[], $4::text[]) w"
}

db::statement! {
    struct CountOthers { id: i64 => BigInt, locale: String => Text } -> BigInt =
    "SELECT count(DISTINCT locale) FROM catalog.option_translations WHERE option_id = $1 AND locale <> $2"
}

/// Finds how options and values are called by readers of `locale`, in one statement; a value beside the option it is of.
///
/// # Errors
///
/// Those of the database.
pub fn find_all<'a>(
    conn: &mut PgConnection,
    wanted: impl Iterator<Item = (&'a str, &'a str)>,
    locale: &Locale,
) -> QueryResult<Labels> {
    let (mut names, mut values) = (Vec::<String>::new(), Vec::<String>::new());
    for (name, value) in wanted {
        // Values come with their option again and again.
        if names.last().is_none_or(|last| last != name) {
            names.push(name.to_owned());
            values.push(String::new());
        }
        names.push(name.to_owned());
        values.push(value.to_owned());
    }
    if names.is_empty() {
        return Ok(Labels::default());
    }
    let find = FindLabels {
        names,
        values,
        locales: locales(locale),
    };
    let found: Vec<(String, String, String)> = find.load(conn)?;
    let label = |(name, value, label)| ((name, value), label);
    Ok(Labels(found.into_iter().map(label).collect()))
}

/// Lists all translations of an option by their locales, with their version: 0 where there never were any.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, name: &str) -> QueryResult<(i64, Vec<(String, Texts)>)> {
    let name = name.to_owned();
    let version: Option<i64> = FindVersion { name: name.clone() }
        .get_result(conn)
        .optional()?;
    let rows: Vec<(String, String, String)> = ListTexts { name }.load(conn)?;
    let mut all = BTreeMap::<String, Texts>::new();
    for (locale, value, label) in rows {
        let texts = all.entry(locale).or_default();
        if value.is_empty() {
            texts.name = Some(label);
        } else {
            texts.values.insert(value, label);
        }
    }
    Ok((version.unwrap_or(0), all.into_iter().collect()))
}

/// Writes what an option and its values are called in a locale, in place of what was said there before. `None` takes the translation
/// away.
///
/// # Errors
///
/// [`OptionError::Stale`] when `expected_version` is not the current one, [`TranslationError::TooMany`], and
/// [`TranslationError::NotThere`] where there is none to take away.
pub fn set(
    conn: &mut PgConnection,
    name: &str,
    locale: &Locale,
    texts: Option<Texts>,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Written<OptionError> {
    let (id, version) = lock(conn, name).map_err(edit)?;
    if expected_version.is_some_and(|expected| expected != version) {
        return Err(TranslationError::Edit(OptionError::Stale(version)));
    }
    let locale = locale.to_string();
    let forget = ForgetTexts {
        id,
        locale: locale.clone(),
    };
    let forgotten = forget.execute(conn).map_err(edit)?;
    let Some(texts) = texts else {
        was_there::<OptionError>(forgotten, version)?;
        return touch(conn, id, actor).map_err(edit);
    };
    let name = texts.name.map(|label| (String::new(), label));
    let (values, labels) = name.into_iter().chain(texts.values).unzip();
    let write = WriteTexts {
        id,
        locale: locale.clone(),
        values,
        labels,
    };
    write.execute(conn).map_err(edit)?;
    let others: i64 = CountOthers { id, locale }.get_result(conn).map_err(edit)?;
    within_bounds::<OptionError>(others, version)?;
    touch(conn, id, actor).map_err(edit)
}

/// A word in a language.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub(crate) struct Label {
    pub option_id: i64,
    /// Empty for the option itself.
    pub value: String,
    pub locale: String,
    pub label: String,
}

db::statement! {
    struct MakeAllKnown { names: Vec<String> => Array<Text> } -> BigInt =
    "INSERT INTO catalog.translated_options (name, version) SELECT w.name, 0 FROM unnest($1::text[]) AS w (name) \
      WHERE NOT EXISTS (SELECT FROM catalog.translated_options o WHERE o.name = w.name COLLATE \"C\") \
      ORDER BY w.name ON CONFLICT (name) DO NOTHING RETURNING id"
}

db::statement! {
    struct LockAll { names: Vec<String> => Array<Text> } -> (Text, BigInt) =
    "SELECT name, id FROM catalog.translated_options WHERE name = ANY($1) ORDER BY name FOR NO KEY UPDATE"
}

db::statement! {
    struct FindWords { ids: Vec<i64> => Array<BigInt>, values: Vec<String> => Array<Text> } -> (BigInt, Text, Text, Text) =
    "SELECT t.option_id, t.value, t.locale, t.label FROM unnest($1::bigint[], $2::text[]) AS w (id, value) \
       JOIN catalog.option_translations t ON t.option_id = w.id AND t.value = w.value COLLATE \"C\""
}

db::statement! {
    struct CountValues { ids: Vec<i64> => Array<BigInt> } -> (BigInt, Text, BigInt) =
    "SELECT option_id, locale, count(*) FILTER (WHERE value <> '') FROM catalog.option_translations \
      WHERE option_id = ANY($1) GROUP BY option_id, locale"
}

db::statement! {
    struct WriteLabels {
        ids: Vec<i64> => Array<BigInt>,
        values: Vec<String> => Array<Text>,
        locales: Vec<String> => Array<Text>,
        labels: Vec<String> => Array<Text>,
    } -> BigInt =
    "INSERT INTO catalog.option_translations (option_id, value, locale, label) \
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) \
         ON CONFLICT (option_id, value, locale) DO UPDATE SET label = excluded.label RETURNING option_id"
}

/// Keeps everybody else from translating these options until the transaction ends; returns their ids, by their names.
pub(crate) fn lock_all(
    conn: &mut PgConnection,
    mut names: Vec<String>,
) -> QueryResult<HashMap<String, i64>> {
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let made = MakeAllKnown {
        names: names.clone(),
    };
    made.execute(conn)?;
    let locked: Vec<(String, i64)> = LockAll { names }.load(conn)?;
    Ok(locked.into_iter().collect())
}

/// What these words are called in all languages; each is an option and a value of it, which is empty for the option itself.
pub(crate) fn find_labels(
    conn: &mut PgConnection,
    words: Vec<(i64, String)>,
) -> QueryResult<Vec<Label>> {
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, values) = words.into_iter().unzip();
    FindWords { ids, values }.load(conn)
}

/// How many values of options are translated, by the languages in which there is any word.
pub(crate) fn count_values(
    conn: &mut PgConnection,
    ids: Vec<i64>,
) -> QueryResult<HashMap<i64, HashMap<String, usize>>> {
    let mut counts: HashMap<i64, HashMap<String, usize>> = HashMap::new();
    if ids.is_empty() {
        return Ok(counts);
    }
    for (id, locale, values) in (CountValues { ids }).load::<(i64, String, i64)>(conn)? {
        let values = usize::try_from(values).unwrap_or_default();
        counts.entry(id).or_default().insert(locale, values);
    }
    Ok(counts)
}

/// Writes words of options that are locked, beside all others that they have, and tells of each option once.
pub(crate) fn write_all(conn: &mut PgConnection, labels: Vec<Label>) -> QueryResult<()> {
    if labels.is_empty() {
        return Ok(());
    }
    let mut changed: Vec<i64> = labels.iter().map(|label| label.option_id).collect();
    changed.sort_unstable();
    changed.dedup();
    let mut write = WriteLabels {
        ids: Vec::new(),
        values: Vec::new(),
        locales: Vec::new(),
        labels: Vec::new(),
    };
    for label in labels {
        write.ids.push(label.option_id);
        write.values.push(label.value);
        write.locales.push(label.locale);
        write.labels.push(label.label);
    }
    write.execute(conn)?;
    changed
        .into_iter()
        .try_for_each(|id| touch(conn, id, None).map(drop))
}

fn edit(error: diesel::result::Error) -> TranslationError<OptionError> {
    TranslationError::Edit(OptionError::Db(error))
}

/// Keeps everybody else from translating the option until the transaction ends; returns its id and its version.
fn lock(conn: &mut PgConnection, name: &str) -> QueryResult<(i64, i64)> {
    let name = name.to_owned();
    MakeKnown { name: name.clone() }.execute(conn)?;
    LockOption { name }.get_result(conn)
}

/// Raises the version and tells of the change. Any product may be shown with these words.
fn touch(conn: &mut PgConnection, id: i64, actor: Option<UserId>) -> QueryResult<i64> {
    let option_id = OptionId::try_from(id)
        .map_err(|error| diesel::result::Error::DeserializationError(error.into()))?;
    let version: i64 = TouchOption { id }.get_result(conn)?;
    let event = Event::OptionTranslated { option_id };
    outbox::write(conn, &[Entry::new(event, version, actor)])?;
    db::listen::notify(conn, CHANGES_CHANNEL, "*")?;
    Ok(version)
}
