//! What is in the way of a definition: values, and rules that make no sense together.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Text};
use domain::{CustomResource, CustomType as T};
use serde_json::Value;

use super::defining::DefineError;
use super::rules::MAX_FILTER_TEXT;
use super::values::check;
use super::{CustomField, Fault, Rules};

/// Values that are compared with a changed definition at a time.
const PAGE: i64 = 2_000;
/// Since ever.
pub(super) const ALL: &str = "0";

db::statement! {
    /// The oldest transaction that has not ended: what all before it have written is seen from now on.
    struct BeginLook {} -> Text = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
}

db::statement! {
    /// What was written by a transaction from `since` on; of all where that is 0, which is none.
    struct ListValues {
        resource: &'static str => Text,
        key: String => Text,
        since: String => Text,
        after: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, Jsonb) =
    "SELECT resource_id, coalesce(public_values -> $2, private_values -> $2) FROM catalog.custom_values \
      WHERE resource = $1 AND resource_id > $4 AND age(xmin) <= age($3::text::xid8::xid) \
        AND (public_values ? $2 OR private_values ? $2) ORDER BY resource_id LIMIT $5"
}

db::statement! {
    struct ListTranslated {
        resource: &'static str => Text,
        key: String => Text,
        since: String => Text,
        after: i64 => BigInt,
        after_locale: String => Text,
        limit: i64 => BigInt,
    } -> (BigInt, Text, Jsonb) =
    "SELECT resource_id, locale, texts -> $2 FROM catalog.custom_translations \
      WHERE resource = $1 AND (resource_id, locale) > ($4, $5) AND age(xmin) <= age($3::text::xid8::xid) \
        AND texts ? $2 ORDER BY resource_id, locale LIMIT $6"
}

db::statement! {
    struct CountLackingProducts { key: String => Text } -> BigInt =
    "SELECT count(*) FROM catalog.products p WHERE p.archived_at IS NULL AND NOT EXISTS ( \
       SELECT FROM catalog.custom_values v WHERE v.resource = 'product' AND v.resource_id = p.id \
          AND (v.public_values ? $1 OR v.private_values ? $1))"
}

db::statement! {
    struct CountLackingCategories { key: String => Text } -> BigInt =
    "SELECT count(*) FROM catalog.categories c WHERE c.archived_at IS NULL AND NOT EXISTS ( \
       SELECT FROM catalog.custom_values v WHERE v.resource = 'category' AND v.resource_id = c.id \
          AND (v.public_values ? $1 OR v.private_values ? $1))"
}

pub(super) fn check_rules(
    resource: CustomResource,
    of: T,
    rules: &Rules,
    is_public: bool,
    is_filterable: bool,
) -> Result<(), DefineError> {
    let fault = |field: &str, message: String| {
        Err(DefineError::Fault(Fault::new(field, "invalid", message)))
    };
    rules.check(of).map_err(DefineError::Fault)?;
    if rules.required && resource == CustomResource::Variant {
        let rule = "is not for variants: the first one is made with its product";
        return fault("validation.required", rule.into());
    }
    if !is_filterable {
        return Ok(());
    }
    if resource == CustomResource::Category {
        return fault("filterable", "is only for products and variants".into());
    }
    if !is_public {
        return fault("filterable", "is only for what is public".into());
    }
    match rules.scalar(of) {
        T::RichText | T::Money | T::File | T::Json => {
            fault("filterable", format!("is not for {}", rules.scalar(of)))
        }
        T::Text if rules.max_length > Some(MAX_FILTER_TEXT) => {
            let rule = format!("must be at most {MAX_FILTER_TEXT} where a text is filterable");
            fault("validation.maxLength", rule)
        }
        _ => Ok(()),
    }
}

pub(super) fn check_translatable(
    resource: CustomResource,
    of: T,
    rules: &Rules,
    is_translatable: bool,
) -> Result<(), DefineError> {
    let fault = |rule: &str| {
        Err(DefineError::Fault(Fault::new(
            "translatable",
            "invalid",
            rule,
        )))
    };
    if is_translatable && resource == CustomResource::Variant {
        return fault("is only for products and categories: variants are not read for a language");
    }
    if is_translatable && !matches!(rules.scalar(of), T::Text | T::RichText) {
        return fault("is only for texts, rich texts and lists of texts");
    }
    Ok(())
}

/// Looks at all values while others write, and returns from when on [`refuse_conflicts`] has to look again once nobody does.
pub(super) fn look(
    conn: &mut PgConnection,
    old: &CustomField,
    new: &CustomField,
) -> Result<String, DefineError> {
    let since = BeginLook {}.get_result(conn)?;
    refuse_conflicts(conn, old, new, ALL)?;
    Ok(since)
}

/// Counts the values written `since`, in all languages, that are not what the new definition says, or would be kept in another
/// form.
pub(super) fn refuse_conflicts(
    conn: &mut PgConnection,
    old: &CustomField,
    new: &CustomField,
    since: &str,
) -> Result<(), DefineError> {
    if what_values_are(new) == what_values_are(old) {
        return Ok(());
    }
    let (mut after, mut conflicts) = (0, 0);
    // That they are there was checked of other things.
    let refers_anew =
        old.rules.references != new.rules.references || old.names_files() != new.names_files();
    let is_wrong =
        |value: &Value| refers_anew || !check(new, value).is_ok_and(|checked| checked == *value);
    loop {
        let page: Vec<(i64, Value)> = ListValues {
            resource: old.resource.code(),
            key: old.key.clone(),
            since: since.to_owned(),
            after,
            limit: PAGE,
        }
        .load(conn)?;
        let wrong = page.iter().filter(|(_, value)| is_wrong(value)).count();
        conflicts += i64::try_from(wrong).unwrap_or(i64::MAX);
        let Some((last, _)) = page.last() else {
            break;
        };
        after = *last;
    }
    let is_wrong = |value: &Value| !new.is_translatable || is_wrong(value);
    conflicts += count_translated(conn, old, since, is_wrong)?;
    if conflicts > 0 {
        return Err(DefineError::Conflicts(conflicts));
    }
    Ok(())
}

/// All that says what values are; that there has to be one is not of that.
fn what_values_are(field: &CustomField) -> (T, Rules, bool) {
    let rules = Rules {
        required: false,
        ..field.rules.clone()
    };
    (field.of, rules, field.is_translatable)
}

fn count_translated(
    conn: &mut PgConnection,
    field: &CustomField,
    since: &str,
    is_wrong: impl Fn(&Value) -> bool,
) -> Result<i64, DefineError> {
    let (mut after, mut count) = ((0, String::new()), 0);
    if !field.is_translatable {
        return Ok(count);
    }
    loop {
        let page: Vec<(i64, String, Value)> = ListTranslated {
            resource: field.resource.code(),
            key: field.key.clone(),
            since: since.to_owned(),
            after: after.0,
            after_locale: after.1,
            limit: PAGE,
        }
        .load(conn)?;
        let wrong = page.iter().filter(|(.., value)| is_wrong(value)).count();
        count += i64::try_from(wrong).unwrap_or(i64::MAX);
        let Some((id, locale, _)) = page.into_iter().last() else {
            return Ok(count);
        };
        after = (id, locale);
    }
}

/// Counts what has no value, where it is not archived.
pub(super) fn refuse_lacking(
    conn: &mut PgConnection,
    resource: CustomResource,
    key: String,
) -> Result<(), DefineError> {
    let lacking: i64 = match resource {
        CustomResource::Product => CountLackingProducts { key }.get_result(conn)?,
        CustomResource::Category => CountLackingCategories { key }.get_result(conn)?,
        CustomResource::Variant => 0, // refused before
    };
    if lacking > 0 {
        return Err(DefineError::Lacking(lacking));
    }
    Ok(())
}
