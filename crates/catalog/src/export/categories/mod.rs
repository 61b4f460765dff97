//! Categories, where they stand, and what they are called in other languages.

mod spelling;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use domain::CustomResource;
use serde_json::{Map, Value};

use super::translated::{kept, translatable};
use super::{ExportError, Form};
use crate::categories::MAX_DEPTH;
use crate::custom_fields::{self, CustomField, attributes};
use crate::import::translated::{IN, Of};
use crate::import::{CATEGORY_COLUMNS, CUSTOM, is_portable};
use crate::translations::categories::{self, Texts};
use spelling::{line, row};

const CATEGORY: CustomResource = CustomResource::Category;
/// Categories that are read at a time.
const PAGE: usize = 200;

db::statement! {
    struct ListAll {} -> (BigInt, Text, Array<BigInt>) =
    "SELECT c.id, c.slug, ARRAY(SELECT e.parent_id FROM catalog.category_parents e WHERE e.category_id = c.id) \
       FROM catalog.categories c WHERE c.archived_at IS NULL"
}

db::statement! {
    struct ListCategories { ids: Vec<i64> => Array<BigInt> }
        -> (BigInt, Text, Text, Text, Text, Text, Nullable<BigInt>, Array<Text>, Array<BigInt>) =
    "SELECT c.id, c.slug, c.name, c.description, c.image, c.product_order, c.root_position, \
            ARRAY(SELECT p.slug FROM catalog.category_parents e JOIN catalog.categories p ON p.id = e.parent_id \
                   WHERE e.category_id = c.id ORDER BY e.rank, e.parent_id), \
            ARRAY(SELECT e.position FROM catalog.category_parents e WHERE e.category_id = c.id ORDER BY e.rank, e.parent_id) \
       FROM unnest($1::bigint[]) WITH ORDINALITY AS w (id, number) JOIN catalog.categories c ON c.id = w.id ORDER BY w.number"
}

db::statement! {
    struct ListTexts {} -> (Text, Bool, Bool) =
    "SELECT t.locale, coalesce(bool_or(t.name ~ '\\S'), false), coalesce(bool_or(t.description ~ '\\S'), false) \
       FROM catalog.category_translations t JOIN catalog.categories c ON c.id = t.category_id AND c.archived_at IS NULL \
      GROUP BY t.locale"
}

db::statement! {
    struct ListKeys {} -> (Text, Nullable<Text>) =
    "SELECT DISTINCT k.key, NULL::text FROM catalog.custom_values v \
       JOIN catalog.categories c ON c.id = v.resource_id AND c.archived_at IS NULL \
      CROSS JOIN LATERAL jsonb_object_keys(v.public_values || v.private_values) AS k (key) WHERE v.resource = 'category' \
      UNION ALL \
     SELECT DISTINCT k.key, t.locale FROM catalog.custom_translations t \
       JOIN catalog.categories c ON c.id = t.resource_id AND c.archived_at IS NULL \
      CROSS JOIN LATERAL jsonb_object_keys(t.texts) AS k (key) WHERE t.resource = 'category'"
}

#[derive(Debug, Queryable)]
struct Category {
    id: i64,
    slug: String,
    name: String,
    description: String,
    image: String,
    product_order: String,
    root_position: Option<i64>,
    /// Slugs, and in the same order the places among their children.
    parents: Vec<String>,
    positions: Vec<i64>,
}

/// What has a column beside those that every file has.
struct Columns {
    fields: Vec<CustomField>,
    translatable: Vec<CustomField>,
    texts: Vec<(Of, String)>,
}

impl Columns {
    fn read(conn: &mut PgConnection) -> QueryResult<Self> {
        let mut texts: Vec<(Of, String)> = Vec::new();
        for (locale, name, description) in (ListTexts {}).load::<(String, bool, bool)>(conn)? {
            let there = Of::CATEGORY.into_iter().zip([name, description]);
            let there = there.filter(|(_, is_there)| *is_there);
            texts.extend(there.map(|(of, _)| (of, locale.clone())));
        }
        let keys: Vec<(String, Option<String>)> = ListKeys {}.load(conn)?;
        let said = keys.iter().cloned();
        let said = said.filter_map(|(key, locale)| Some((key, locale?)));
        let said: Vec<(String, String)> = said.collect();
        let own = keys.into_iter().filter(|(_, locale)| locale.is_none());
        let own: HashSet<String> = own.map(|(key, _)| key).collect();
        let translatable = translatable(conn, CATEGORY, &said)?;
        texts.extend(kept(said, &translatable));
        texts.sort();
        let mut fields = custom_fields::all_of(conn, CATEGORY)?;
        fields.retain(|field| is_portable(field) && own.contains(&field.key));
        Ok(Self {
            fields,
            translatable,
            texts,
        })
    }
}

/// A category with what is said of it elsewhere.
struct Told {
    category: Category,
    values: Map<String, Value>,
    translations: BTreeMap<String, Texts>,
}

/// Writes all of them, those above before those below, and tells how many these are.
pub(super) fn write(
    conn: &mut PgConnection,
    form: Form,
    file: &mut impl Write,
) -> Result<u64, ExportError> {
    let columns = Columns::read(conn)?;
    match form {
        Form::Csv => {
            let mut file = csv::Writer::from_writer(file);
            let every = CATEGORY_COLUMNS.map(str::to_owned);
            let fields = columns.fields.iter();
            let fields = fields.map(|field| format!("{CUSTOM}{}", field.key));
            let texts = columns.texts.iter();
            let texts = texts.map(|(of, locale)| format!("{}{IN}{locale}", of.column()));
            file.write_record(every.into_iter().chain(fields).chain(texts))?;
            let rows = walk(conn, |told| Ok(file.write_record(row(told, &columns))?))?;
            file.flush()?;
            Ok(rows)
        }
        Form::Ndjson => walk(conn, |told| {
            let line = line(told, &columns);
            serde_json::to_writer(&mut *file, &line).map_err(std::io::Error::from)?;
            Ok(file.write_all(b"\n")?)
        }),
    }
}

/// Their ids, so that parents come first; beside that by their slugs, which are the same in every shop.
fn order(conn: &mut PgConnection) -> QueryResult<Vec<i64>> {
    let all: Vec<(i64, String, Vec<i64>)> = ListAll {}.load(conn)?;
    let mut levels: HashMap<i64, usize> = all.iter().map(|(id, ..)| (*id, 0)).collect();
    for _ in 0..MAX_DEPTH {
        for (id, _, parents) in &all {
            let above = parents.iter().filter_map(|parent| levels.get(parent)).max();
            let level = above.map_or(0, |above| above + 1).min(MAX_DEPTH);
            levels.insert(*id, level);
        }
    }
    let mut ordered: Vec<(usize, String, i64)> = all
        .into_iter()
        .map(|(id, slug, _)| (levels.get(&id).copied().unwrap_or_default(), slug, id))
        .collect();
    ordered.sort_unstable();
    Ok(ordered.into_iter().map(|(_, _, id)| id).collect())
}

fn walk(
    conn: &mut PgConnection,
    mut write: impl FnMut(&Told) -> Result<(), ExportError>,
) -> Result<u64, ExportError> {
    let mut rows = 0;
    for ids in order(conn)?.chunks(PAGE) {
        let mut kept = attributes::find_all(conn, CATEGORY, ids.to_vec())?;
        let mut said = categories::list_all(conn, ids.to_vec())?;
        let page: Vec<Category> = ListCategories { ids: ids.to_vec() }.load(conn)?;
        for category in page {
            let values = kept.remove(&category.id).unwrap_or_default();
            let translations = said.remove(&category.id).unwrap_or_default();
            write(&Told {
                category,
                values: values.all_values(),
                translations,
            })?;
            rows += 1;
        }
    }
    Ok(rows)
}
