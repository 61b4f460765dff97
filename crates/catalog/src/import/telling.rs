//! Writes products themselves: those that begin, and those that are told of anew.

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text};

use super::described::Described;
use super::products::Target;

db::statement! {
    struct InsertProducts {
        names: Vec<String> => Array<Text>,
        descriptions: Vec<String> => Array<Text>,
        images: Vec<String> => Array<Text>,
        slugs: Vec<Option<String>> => Array<Nullable<Text>>,
        brands: Vec<String> => Array<Text>,
        tags: Vec<serde_json::Value> => Array<Jsonb>,
        descriptions_html: Vec<String> => Array<Text>,
        seo_titles: Vec<String> => Array<Text>,
        seo_descriptions: Vec<String> => Array<Text>,
        begins: Vec<String> => Array<Text>,
        ends: Vec<String> => Array<Text>,
        options: Vec<serde_json::Value> => Array<Jsonb>,
        variants: Vec<i32> => Array<Integer>,
        tax_classes: Vec<String> => Array<Text>,
    } -> BigInt =
    "WITH input AS MATERIALIZED ( \
       SELECT nextval('catalog.products_id_seq') AS id, i.* \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::text[], $8::text[], \
                     $9::text[], $10::text[], $11::text[], $12::jsonb[], $13::integer[], $14::text[]) WITH ORDINALITY \
           AS i (name, description, image, slug, brand, tags, html, seo_title, seo_description, begins, ends, options, \
                 variants, tax_class, position) \
     ), products AS ( \
       INSERT INTO catalog.products (id, name, description, image, slug, brand, tags, description_html, seo_title, \
                                     seo_description, published_at, unpublished_at, options, variant_count, tax_class) \
              OVERRIDING SYSTEM VALUE \
       SELECT id, name, description, image, slug, brand, ARRAY(SELECT jsonb_array_elements_text(tags)), html, seo_title, \
              seo_description, begins::timestamptz, ends::timestamptz, options, variants, \
              coalesce(nullif(tax_class, ''), 'standard') FROM input \
     ) SELECT id FROM input ORDER BY position"
}

db::statement! {
    struct UpdateProducts {
        ids: Vec<i64> => Array<BigInt>,
        names: Vec<String> => Array<Text>,
        descriptions: Vec<String> => Array<Text>,
        images: Vec<String> => Array<Text>,
        slugs: Vec<Option<String>> => Array<Nullable<Text>>,
        brands: Vec<String> => Array<Text>,
        tags: Vec<serde_json::Value> => Array<Jsonb>,
        descriptions_html: Vec<String> => Array<Text>,
        seo_titles: Vec<String> => Array<Text>,
        seo_descriptions: Vec<String> => Array<Text>,
        begins: Vec<String> => Array<Text>,
        ends: Vec<String> => Array<Text>,
        options: Vec<serde_json::Value> => Array<Jsonb>,
        added: Vec<i32> => Array<Integer>,
        tax_classes: Vec<String> => Array<Text>,
    } -> (BigInt, BigInt) =
    "UPDATE catalog.products p SET name = i.name, description = i.description, image = i.image, slug = i.slug, \
            brand = i.brand, tags = ARRAY(SELECT jsonb_array_elements_text(i.tags)), description_html = i.html, \
            seo_title = i.seo_title, seo_description = i.seo_description, published_at = i.begins::timestamptz, \
            unpublished_at = i.ends::timestamptz, options = i.options, variant_count = variant_count + i.added, \
            tax_class = i.tax_class, version = version + 1, updated_at = now() \
       FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::text[], \
                   $9::text[], $10::text[], $11::text[], $12::text[], $13::jsonb[], $14::integer[], $15::text[]) \
         AS i (id, name, description, image, slug, brand, tags, html, seo_title, seo_description, begins, ends, options, \
               added, tax_class) \
      WHERE p.id = i.id RETURNING p.id, p.version"
}

db::statement! {
    /// After the products have them: whoever gave one up in the meantime has written that it had it.
    struct TakeOverSlugs { slugs: Vec<String> => Array<Text> } -> Text =
    "DELETE FROM catalog.former_slugs WHERE slug = ANY($1) RETURNING slug"
}

db::statement! {
    struct KeepFormerSlugs { slugs: Vec<String> => Array<Text>, product_ids: Vec<i64> => Array<BigInt> } -> Text =
    "INSERT INTO catalog.former_slugs (slug, product_id) SELECT * FROM unnest($1::text[], $2::bigint[]) \
         ON CONFLICT (slug) DO UPDATE SET product_id = excluded.product_id RETURNING slug"
}

/// Makes the products that begin, and returns them with their version.
pub(super) fn begin(
    conn: &mut PgConnection,
    begun: &[usize],
    targets: &mut [Target],
) -> QueryResult<Vec<(i64, i64)>> {
    if begun.is_empty() {
        return Ok(Vec::new());
    }
    let new: Vec<&Target> = begun.iter().map(|at| &targets[*at]).collect();
    let ids: Vec<i64> = InsertProducts {
        names: texts(&new, |d| &d.name),
        descriptions: texts(&new, |d| &d.description),
        images: texts(&new, |d| &d.image),
        slugs: new.iter().map(|t| t.described.slug.clone()).collect(),
        brands: texts(&new, |d| &d.brand),
        tags: new
            .iter()
            .map(|t| t.described.tags.clone().into())
            .collect(),
        descriptions_html: texts(&new, |d| &d.description_html),
        seo_titles: texts(&new, |d| &d.seo_title),
        seo_descriptions: texts(&new, |d| &d.seo_description),
        begins: new.iter().map(|t| t.described.begin_text()).collect(),
        ends: new.iter().map(|t| t.described.end_text()).collect(),
        options: options(&new)?,
        variants: new.iter().map(|t| t.variants).collect(),
        tax_classes: texts(&new, |d| &d.tax_class),
    }
    .load(conn)?;
    take_over_slugs(conn, &new)?;
    for (at, id) in begun.iter().zip(&ids) {
        targets[*at].id = Some(*id);
    }
    Ok(ids.into_iter().map(|id| (id, 1)).collect())
}

/// Writes the products that are not any more what they were, and returns them with their versions.
pub(super) fn update(
    conn: &mut PgConnection,
    begun: &[usize],
    targets: &[Target],
) -> QueryResult<Vec<(i64, i64)>> {
    let mut begun = begun.iter().peekable();
    let known = targets.iter().enumerate();
    let known = known.filter(|(at, _)| begun.next_if_eq(&at).is_none());
    let changed: Vec<&Target> = known
        .map(|(_, target)| target)
        .filter(|target| target.is_changed && target.id.is_some())
        .collect();
    if changed.is_empty() {
        return Ok(Vec::new());
    }
    let versions = UpdateProducts {
        ids: changed.iter().filter_map(|t| t.id).collect(),
        names: texts(&changed, |d| &d.name),
        descriptions: texts(&changed, |d| &d.description),
        images: texts(&changed, |d| &d.image),
        slugs: changed.iter().map(|t| t.described.slug.clone()).collect(),
        brands: texts(&changed, |d| &d.brand),
        tags: changed
            .iter()
            .map(|t| t.described.tags.clone().into())
            .collect(),
        descriptions_html: texts(&changed, |d| &d.description_html),
        seo_titles: texts(&changed, |d| &d.seo_title),
        seo_descriptions: texts(&changed, |d| &d.seo_description),
        begins: changed.iter().map(|t| t.described.begin_text()).collect(),
        ends: changed.iter().map(|t| t.described.end_text()).collect(),
        options: options(&changed)?,
        added: changed.iter().map(|t| t.added).collect(),
        tax_classes: texts(&changed, |d| &d.tax_class),
    }
    .load(conn)?;
    let renamed = |target: &&&Target| target.described.slug != target.former_slug;
    let renamed: Vec<&Target> = changed.iter().filter(renamed).copied().collect();
    take_over_slugs(conn, &renamed)?;
    let former = renamed
        .iter()
        .filter_map(|t| Some((t.former_slug.clone()?, t.id?)));
    let (slugs, product_ids): (Vec<String>, Vec<i64>) = former.unzip();
    if !slugs.is_empty() {
        KeepFormerSlugs { slugs, product_ids }.execute(conn)?;
    }
    Ok(versions)
}

fn take_over_slugs(conn: &mut PgConnection, of: &[&Target]) -> QueryResult<()> {
    let slugs = of.iter().filter_map(|target| target.described.slug.clone());
    let slugs: Vec<String> = slugs.collect();
    if !slugs.is_empty() {
        TakeOverSlugs { slugs }.execute(conn)?;
    }
    Ok(())
}

fn texts(targets: &[&Target], field: fn(&Described) -> &String) -> Vec<String> {
    targets
        .iter()
        .map(|t| field(&t.described).clone())
        .collect()
}

fn options(targets: &[&Target]) -> QueryResult<Vec<serde_json::Value>> {
    targets
        .iter()
        .map(|target| serde_json::to_value(&target.options))
        .collect::<Result<_, _>>()
        .map_err(|error| DieselError::SerializationError(error.into()))
}
