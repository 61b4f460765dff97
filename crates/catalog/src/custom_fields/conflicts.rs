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

db::statement! {
    struct ListValues { resource: &'static str => Text, key: String => Text, after: i64 => BigInt, limit: i64 => BigInt }
        -> (BigInt, Jsonb) =
    "SELECT resource_id, coalesce(public_values -> $2, private_values -> $2) FROM catalog.custom_values \
      WHERE resource = $1 AND resource_id > $3 AND (public_values ? $2 OR private_values ? $2) ORDER BY resource_id LIMIT $4"
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
    if resource != CustomResource::Product {
        return fault("filterable", "is only for products".into());
    }
    if !is_public {
        return fault("filterable", "is only for what is public".into());
    }
    match rules.scalar(of) {
        T::RichText | T::Money | T::Json => {
            fault("filterable", format!("is not for {}", rules.scalar(of)))
        }
        T::Text
            if rules
                .max_length
                .is_none_or(|longest| longest > MAX_FILTER_TEXT) =>
        {
            let rule = format!("must be at most {MAX_FILTER_TEXT} where a text is filterable");
            fault("validation.maxLength", rule)
        }
        _ => Ok(()),
    }
}

/// Counts the values that are not what the new definition says, or would be kept in another form.
pub(super) fn refuse_conflicts(
    conn: &mut PgConnection,
    old: &CustomField,
    new: &CustomField,
) -> Result<(), DefineError> {
    let (mut after, mut conflicts) = (0, 0);
    // That they are there was checked of other things.
    let refers_anew = old.rules.references != new.rules.references;
    loop {
        let page: Vec<(i64, Value)> = ListValues {
            resource: old.resource.code(),
            key: old.key.clone(),
            after,
            limit: PAGE,
        }
        .load(conn)?;
        let is_wrong = |value: &Value| {
            refers_anew || !check(new, value).is_ok_and(|checked| checked == *value)
        };
        let wrong = page.iter().filter(|(_, value)| is_wrong(value)).count();
        conflicts += i64::try_from(wrong).unwrap_or(i64::MAX);
        match page.last() {
            Some((id, _)) => after = *id,
            None if conflicts > 0 => return Err(DefineError::Conflicts(conflicts)),
            None => return Ok(()),
        }
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
