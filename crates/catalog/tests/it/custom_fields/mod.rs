//! What a shop keeps beside what every shop does.

mod changes;
mod documents;
mod files;
mod filters;
mod following;
mod many;
mod reading;
mod translated;
mod values;

use catalog::custom_fields::applying::{self, Step};
use catalog::custom_fields::attributes::{self, AttributeChanges, Attributes};
use catalog::custom_fields::defining::{self, DefineError, FieldChanges, NewField};
use catalog::custom_fields::{Fault, Rules};
use catalog::editing::{self, DetailChanges, EditError, ProductChanges};
use diesel::prelude::*;
use domain::{CustomFieldId, CustomResource, CustomType, JobId, ProductId};
use serde_json::{Map, Value};

use crate::product;

/// A public field of products.
fn field(key: &str, of: CustomType, rules: Rules) -> NewField {
    NewField {
        resource: CustomResource::Product,
        key: key.to_owned(),
        name: String::new(),
        of,
        rules,
        is_public: true,
        is_filterable: false,
        is_translatable: false,
    }
}

fn define(conn: &mut PgConnection, new: NewField) -> CustomFieldId {
    conn.transaction(|conn| defining::create(conn, new, None))
        .unwrap()
}

fn refused(conn: &mut PgConnection, new: NewField) -> DefineError {
    conn.transaction(|conn| defining::create(conn, new, None))
        .unwrap_err()
}

/// An enum of these texts.
fn one_of(values: &[&str]) -> Rules {
    Rules {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        ..Rules::default()
    }
}

fn change(
    conn: &mut PgConnection,
    id: CustomFieldId,
    changes: &FieldChanges,
) -> Result<Option<JobId>, DefineError> {
    conn.transaction(|conn| defining::update(conn, id, changes, None, None))
}

fn ruled(rules: Rules) -> FieldChanges {
    FieldChanges {
        rules: Some(rules),
        ..FieldChanges::default()
    }
}

fn shown(is_public: bool) -> FieldChanges {
    FieldChanges {
        is_public: Some(is_public),
        ..FieldChanges::default()
    }
}

fn object(members: &[(&str, Value)]) -> Map<String, Value> {
    let member = |(key, value): &(&str, Value)| ((*key).to_owned(), value.clone());
    members.iter().map(member).collect()
}

fn set_values(values: &[(&str, Value)]) -> AttributeChanges {
    AttributeChanges {
        values: object(values),
        ..AttributeChanges::default()
    }
}

fn create_with(
    conn: &mut PgConnection,
    sku: &str,
    given: AttributeChanges,
) -> Result<ProductId, EditError> {
    let details = DetailChanges::default();
    conn.transaction(|conn| editing::create(conn, product(sku), details, given, None))
}

fn set(
    conn: &mut PgConnection,
    id: ProductId,
    attributes: AttributeChanges,
) -> Result<i64, EditError> {
    let changes = ProductChanges {
        attributes,
        ..ProductChanges::default()
    };
    conn.transaction(|conn| editing::update(conn, id, changes, None, None))
}

/// What is wrong with values of a product.
fn fault(conn: &mut PgConnection, id: ProductId, values: &[(&str, Value)]) -> Fault {
    match set(conn, id, set_values(values)) {
        Err(EditError::Fault(fault)) => fault,
        other => panic!("{values:?} came to {other:?}"),
    }
}

fn kept(conn: &mut PgConnection, id: ProductId) -> Attributes {
    attributes::find(conn, CustomResource::Product, id.get()).unwrap()
}

/// Lets values follow a definition, as the job does, and tells how many steps that took.
fn apply(conn: &mut PgConnection, id: CustomFieldId) -> usize {
    let version = applying::begin(conn, id).unwrap().unwrap();
    let (mut after, mut steps) = (0, 0);
    while let Step::After(last) = conn
        .transaction(|conn| applying::step(conn, id, after))
        .unwrap()
    {
        after = last;
        steps += 1;
    }
    conn.transaction(|conn| applying::end(conn, id, version))
        .unwrap();
    steps
}

/// What the doctor finds wrong with values.
fn findings(conn: &mut PgConnection) -> Vec<String> {
    let checks = catalog::doctor::checks().into_iter();
    let about = checks.filter(|check| check.id == "S16");
    about
        .flat_map(|check| db::doctor::examine(conn, check).unwrap().findings)
        .map(|found| format!("{} {}", found.subject, found.message))
        .collect()
}
