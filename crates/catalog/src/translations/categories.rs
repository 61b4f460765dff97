//! Translations of categories.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::{CategoryId, CustomResource, Locale, UserId};

use super::custom::{self, Values};
use super::{TranslationError, Written, fill, locales, was_there, within_bounds};
use crate::categories::CategoryError;
use crate::categories::editing::{self, CategoryChanges};

const CATEGORY: CustomResource = CustomResource::Category;

/// Texts of a category; `None` where the wider locale or the shop's own language is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub name: Option<String>,
    pub description: Option<String>,
    /// Values of custom fields, by their keys; empty where texts are found for lists.
    pub custom: Values,
}

type Row = (BigInt, Text, Nullable<Text>, Nullable<Text>);

db::statement! {
    struct FindTexts { ids: Vec<i64> => Array<BigInt>, locales: Vec<String> => Array<Text> } -> Row =
    "SELECT category_id, locale, name, description FROM catalog.category_translations \
      WHERE category_id = ANY($1) AND locale = ANY($2) ORDER BY category_id, array_position($2, locale)"
}

db::statement! {
    struct ListTexts { id: i64 => BigInt } -> Row =
    "SELECT category_id, locale, name, description FROM catalog.category_translations WHERE category_id = $1 ORDER BY locale"
}

db::statement! {
    struct WriteTexts {
        id: i64 => BigInt,
        locale: String => Text,
        name: Option<String> => Nullable<Text>,
        description: Option<String> => Nullable<Text>,
    } -> BigInt =
    "INSERT INTO catalog.category_translations VALUES ($1, $2, $3, $4) \
         ON CONFLICT (category_id, locale) DO UPDATE SET name = $3, description = $4 \
     RETURNING (SELECT count(*) FROM catalog.category_translations WHERE category_id = $1 AND locale <> $2)"
}

db::statement! {
    struct ForgetTexts { id: i64 => BigInt, locale: String => Text } -> BigInt =
    "DELETE FROM catalog.category_translations WHERE category_id = $1 AND locale = $2 RETURNING category_id"
}

/// Finds what is to be shown of categories to readers of `locale`, in one statement; those without any text are left out.
///
/// # Errors
///
/// Those of the database.
pub fn find_all(
    conn: &mut PgConnection,
    ids: Vec<i64>,
    locale: &Locale,
) -> QueryResult<HashMap<CategoryId, Texts>> {
    let locales = locales(locale);
    let mut found: HashMap<CategoryId, Texts> = HashMap::new();
    for (id, _, wider) in read(FindTexts { ids, locales }.load(conn)?) {
        let texts = found.entry(id).or_default();
        fill(&mut texts.name, wider.name);
        fill(&mut texts.description, wider.description);
    }
    Ok(found)
}

type Columns = (i64, String, Option<String>, Option<String>);

fn read(rows: Vec<Columns>) -> Vec<(CategoryId, String, Texts)> {
    let text = |(id, locale, name, description): Columns| {
        let custom = Values::new();
        let texts = Texts {
            name,
            description,
            custom,
        };
        Some((CategoryId::try_from(id).ok()?, locale, texts))
    };
    rows.into_iter().filter_map(text).collect()
}

/// Lists all translations of a category by their locales.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, id: CategoryId) -> QueryResult<Vec<(String, Texts)>> {
    let rows = ListTexts { id: id.get() }.load(conn)?;
    let mut values = custom::list(conn, CATEGORY, id.get())?;
    let whole = |(_, locale, texts): (CategoryId, String, Texts)| {
        let custom = values.remove(&locale).unwrap_or_default();
        (locale, Texts { custom, ..texts })
    };
    Ok(read(rows).into_iter().map(whole).collect())
}

db::statement! {
    struct ListAll { ids: Vec<i64> => Array<BigInt> } -> Row =
    "SELECT category_id, locale, name, description FROM catalog.category_translations WHERE category_id = ANY($1)"
}

/// Lists all translations of categories, in two statements; each by its locale.
pub(crate) fn list_all(
    conn: &mut PgConnection,
    ids: Vec<i64>,
) -> QueryResult<HashMap<i64, BTreeMap<String, Texts>>> {
    let mut all: HashMap<i64, BTreeMap<String, Texts>> = HashMap::new();
    let list = ListAll { ids: ids.clone() };
    for (id, locale, texts) in read(list.load(conn)?) {
        all.entry(id.get()).or_default().insert(locale, texts);
    }
    for (id, locale, values) in custom::list_all(conn, CATEGORY, ids)? {
        let texts = all.entry(id).or_default().entry(locale).or_default();
        texts.custom = values;
    }
    Ok(all)
}

db::statement! {
    struct WriteAll {
        id: i64 => BigInt,
        locales: Vec<String> => Array<Text>,
        names: Vec<Option<String>> => Array<Nullable<Text>>,
        descriptions: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> BigInt =
    "INSERT INTO catalog.category_translations (category_id, locale, name, description) \
     SELECT $1, w.* FROM unnest($2::text[], $3::text[], $4::text[]) AS w \
         ON CONFLICT (category_id, locale) DO UPDATE SET name = excluded.name, description = excluded.description \
     RETURNING category_id"
}

/// Writes checked translations of a category that is locked, in place of what was said in these languages before.
pub(crate) fn write_all(
    conn: &mut PgConnection,
    id: CategoryId,
    all: BTreeMap<String, Texts>,
) -> QueryResult<()> {
    let mut write = WriteAll {
        id: id.get(),
        locales: Vec::new(),
        names: Vec::new(),
        descriptions: Vec::new(),
    };
    let mut values = Vec::new();
    for (locale, texts) in all {
        if !texts.custom.is_empty() {
            values.push((id.get(), locale.clone(), texts.custom));
        }
        write.locales.push(locale);
        write.names.push(texts.name);
        write.descriptions.push(texts.description);
    }
    write.execute(conn)?;
    custom::write_all(conn, CATEGORY, values)
}

/// Writes what a category is called in a locale, in place of what was said there before. `None` takes the translation away.
///
/// # Errors
///
/// Those of [`editing::update`], [`TranslationError::TooMany`] and [`TranslationError::NotThere`].
pub fn set(
    conn: &mut PgConnection,
    id: CategoryId,
    locale: &Locale,
    texts: Option<Texts>,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Written<CategoryError> {
    let edit = |error: diesel::result::Error| TranslationError::Edit(CategoryError::from(error));
    let unchanged = CategoryChanges::default();
    let version = editing::update(conn, id, unchanged, expected_version, actor)
        .map_err(TranslationError::Edit)?;
    let (id, locale) = (id.get(), locale.to_string());
    match texts {
        Some(Texts {
            name,
            description,
            custom,
        }) => {
            let write = WriteTexts {
                id,
                locale: locale.clone(),
                name,
                description,
            };
            let others: i64 = write.get_result(conn).map_err(edit)?;
            custom::write(conn, CATEGORY, id, &locale, custom)
                .map_err(|error| TranslationError::Edit(error.into()))?;
            within_bounds(others, version)
        }
        None => {
            custom::forget(conn, CATEGORY, id, &locale).map_err(edit)?;
            let gone = ForgetTexts { id, locale };
            was_there(gone.execute(conn).map_err(edit)?, version)
        }
    }
}
