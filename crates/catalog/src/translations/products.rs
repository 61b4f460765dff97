//! Translations of products.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::{CustomResource, Locale, ProductId, UserId};

use super::custom::{self, Values};
use super::{TranslationError, Written, fill, locales, was_there, within_bounds};
use crate::editing::{self, EditError, ProductChanges};

const PRODUCT: CustomResource = CustomResource::Product;

/// Texts of a product; `None` where the wider locale or the shop's own language is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub name: Option<String>,
    pub description: Option<String>,
    /// Sanitised.
    pub description_html: Option<String>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    /// Values of custom fields, by their keys; empty where texts are found for lists.
    pub custom: Values,
}

type Row = (
    BigInt,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
);

db::statement! {
    struct FindTexts { ids: Vec<i64> => Array<BigInt>, locales: Vec<String> => Array<Text> } -> Row =
    "SELECT product_id, locale, name, description, description_html, seo_title, seo_description \
       FROM catalog.product_translations WHERE product_id = ANY($1) AND locale = ANY($2) \
      ORDER BY product_id, array_position($2, locale)"
}

db::statement! {
    struct ListTexts { id: i64 => BigInt } -> Row =
    "SELECT product_id, locale, name, description, description_html, seo_title, seo_description \
       FROM catalog.product_translations WHERE product_id = $1 ORDER BY locale"
}

db::statement! {
    struct WriteTexts {
        id: i64 => BigInt,
        locale: String => Text,
        name: Option<String> => Nullable<Text>,
        description: Option<String> => Nullable<Text>,
        description_html: Option<String> => Nullable<Text>,
        seo_title: Option<String> => Nullable<Text>,
        seo_description: Option<String> => Nullable<Text>,
    } -> BigInt =
    "INSERT INTO catalog.product_translations VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (product_id, locale) DO UPDATE SET name = $3, description = $4, description_html = $5, \
            seo_title = $6, seo_description = $7 \
     RETURNING (SELECT count(*) FROM catalog.product_translations WHERE product_id = $1 AND locale <> $2)"
}

db::statement! {
    struct ForgetTexts { id: i64 => BigInt, locale: String => Text } -> BigInt =
    "DELETE FROM catalog.product_translations WHERE product_id = $1 AND locale = $2 RETURNING product_id"
}

/// Finds what is to be shown of products to readers of `locale`, in one statement; those without any text are left out.
///
/// # Errors
///
/// Those of the database.
pub fn find_all(
    conn: &mut PgConnection,
    ids: Vec<i64>,
    locale: &Locale,
) -> QueryResult<HashMap<ProductId, Texts>> {
    let locales = locales(locale);
    let mut found: HashMap<ProductId, Texts> = HashMap::new();
    for (id, _, wider) in read(FindTexts { ids, locales }.load(conn)?) {
        let texts = found.entry(id).or_default();
        fill(&mut texts.name, wider.name);
        fill(&mut texts.description, wider.description);
        fill(&mut texts.description_html, wider.description_html);
        fill(&mut texts.seo_title, wider.seo_title);
        fill(&mut texts.seo_description, wider.seo_description);
    }
    Ok(found)
}

type Columns = (
    i64,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

fn read(rows: Vec<Columns>) -> Vec<(ProductId, String, Texts)> {
    let text = |(id, locale, name, description, description_html, seo_title, seo_description)| {
        let texts = Texts {
            name,
            description,
            description_html,
            seo_title,
            seo_description,
            custom: Values::new(),
        };
        Some((ProductId::try_from(id).ok()?, locale, texts))
    };
    rows.into_iter().filter_map(text).collect()
}

/// Lists all translations of a product by their locales.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, id: ProductId) -> QueryResult<Vec<(String, Texts)>> {
    let rows = ListTexts { id: id.get() }.load(conn)?;
    let mut values = custom::list(conn, PRODUCT, id.get())?;
    let whole = |(_, locale, texts): (ProductId, String, Texts)| {
        let custom = values.remove(&locale).unwrap_or_default();
        (locale, Texts { custom, ..texts })
    };
    Ok(read(rows).into_iter().map(whole).collect())
}

db::statement! {
    struct ListAll { ids: Vec<i64> => Array<BigInt> } -> Row =
    "SELECT product_id, locale, name, description, description_html, seo_title, seo_description \
       FROM catalog.product_translations WHERE product_id = ANY($1)"
}

db::statement! {
    struct WriteAll {
        ids: Vec<i64> => Array<BigInt>,
        locales: Vec<String> => Array<Text>,
        names: Vec<Option<String>> => Array<Nullable<Text>>,
        descriptions: Vec<Option<String>> => Array<Nullable<Text>>,
        descriptions_html: Vec<Option<String>> => Array<Nullable<Text>>,
        seo_titles: Vec<Option<String>> => Array<Nullable<Text>>,
        seo_descriptions: Vec<Option<String>> => Array<Nullable<Text>>,
    } -> BigInt =
    "INSERT INTO catalog.product_translations \
            (product_id, locale, name, description, description_html, seo_title, seo_description) \
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) \
         ON CONFLICT (product_id, locale) DO UPDATE SET name = excluded.name, description = excluded.description, \
            description_html = excluded.description_html, seo_title = excluded.seo_title, \
            seo_description = excluded.seo_description \
     RETURNING product_id"
}

/// Lists all translations of products, in two statements; each by its locale.
pub(crate) fn list_all(
    conn: &mut PgConnection,
    ids: Vec<i64>,
) -> QueryResult<HashMap<i64, BTreeMap<String, Texts>>> {
    let mut all: HashMap<i64, BTreeMap<String, Texts>> = HashMap::new();
    let list = ListAll { ids: ids.clone() };
    for (id, locale, texts) in read(list.load(conn)?) {
        all.entry(id.get()).or_default().insert(locale, texts);
    }
    for (id, locale, values) in custom::list_all(conn, PRODUCT, ids)? {
        let texts = all.entry(id).or_default().entry(locale).or_default();
        texts.custom = values;
    }
    Ok(all)
}

/// Writes checked translations of products that are locked, in place of what was said in these languages before.
pub(crate) fn write_all(
    conn: &mut PgConnection,
    all: &[(i64, &String, &Texts)],
) -> QueryResult<()> {
    if all.is_empty() {
        return Ok(());
    }
    let texts = |field: fn(&Texts) -> &Option<String>| {
        let texts = all.iter().map(|(_, _, texts)| field(texts).clone());
        texts.collect()
    };
    WriteAll {
        ids: all.iter().map(|(id, ..)| *id).collect(),
        locales: all.iter().map(|(_, locale, _)| (*locale).clone()).collect(),
        names: texts(|t| &t.name),
        descriptions: texts(|t| &t.description),
        descriptions_html: texts(|t| &t.description_html),
        seo_titles: texts(|t| &t.seo_title),
        seo_descriptions: texts(|t| &t.seo_description),
    }
    .execute(conn)?;
    let values = all.iter().filter(|(_, _, texts)| !texts.custom.is_empty());
    let values = values.map(|(id, locale, texts)| (*id, (*locale).clone(), texts.custom.clone()));
    custom::write_all(conn, PRODUCT, values.collect())
}

/// Writes what a product is called in a locale, in place of what was said there before. `None` takes the translation away.
///
/// # Errors
///
/// Those of [`editing::update`], also for a value that is not what its definition says, [`TranslationError::TooMany`], and [`TranslationError::NotThere`] where there is none to
/// take away.
pub fn set(
    conn: &mut PgConnection,
    id: ProductId,
    locale: &Locale,
    texts: Option<Texts>,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Written<EditError> {
    let edit = |error: diesel::result::Error| TranslationError::Edit(EditError::from(error));
    // First, because it locks the product.
    let version = editing::update(conn, id, ProductChanges::default(), expected_version, actor)
        .map_err(TranslationError::Edit)?;
    let (id, locale) = (id.get(), locale.to_string());
    match texts {
        Some(texts) => {
            let write = WriteTexts {
                id,
                locale: locale.clone(),
                name: texts.name,
                description: texts.description,
                description_html: texts.description_html,
                seo_title: texts.seo_title,
                seo_description: texts.seo_description,
            };
            let others: i64 = write.get_result(conn).map_err(edit)?;
            custom::write(conn, PRODUCT, id, &locale, texts.custom)
                .map_err(|error| TranslationError::Edit(error.into()))?;
            within_bounds(others, version)
        }
        None => {
            custom::forget(conn, PRODUCT, id, &locale).map_err(edit)?;
            let gone = ForgetTexts { id, locale };
            was_there(gone.execute(conn).map_err(edit)?, version)
        }
    }
}
