//! Collections: lists by hand, and rules.

mod lists;
mod plans;
mod rules;

use catalog::categories::assigning::{Assignment, Outcome};
use catalog::collections::editing::{self, NewCollection};
use catalog::collections::rules::{Condition, Match};
use catalog::collections::{self, Collection, Rules, assigning, listing};
use diesel::prelude::*;
use domain::{CollectionId, PageSize, ProductId};

use crate::USD;

/// A collection named after its slug.
fn new(slug: &str, rules: Option<Rules>) -> NewCollection {
    NewCollection {
        slug: slug.parse().unwrap(),
        name: format!("Collection {slug}"),
        description: String::new(),
        image: String::new(),
        product_order: None,
        rules,
    }
}

fn make(conn: &mut PgConnection, slug: &str, rules: Option<Rules>) -> CollectionId {
    editing::create(conn, new(slug, rules), None).unwrap()
}

fn all(conditions: Vec<Condition>) -> Option<Rules> {
    Some(Rules {
        matching: Match::All,
        conditions,
    })
}

fn find(conn: &mut PgConnection, id: CollectionId) -> Collection {
    collections::find(conn, id).unwrap().unwrap()
}

fn at(product_id: ProductId, position: Option<i64>) -> Assignment {
    Assignment {
        product_id,
        position,
    }
}

fn add(conn: &mut PgConnection, id: CollectionId, products: &[ProductId]) -> Outcome {
    let wanted: Vec<Assignment> = products.iter().map(|id| at(*id, None)).collect();
    assigning::assign(conn, id, &wanted, &[], None, None).unwrap()
}

/// All products of a collection, read in small pages.
fn listed(conn: &mut PgConnection, collection: &Collection, size: i64) -> Vec<ProductId> {
    let (mut ids, mut after) = (Vec::new(), (0, 0));
    let size = PageSize::try_from(size).unwrap();
    loop {
        let page = listing::page(conn, collection, after, size, USD).unwrap();
        ids.extend(page.items.iter().map(|product| product.id));
        match page.next_cursor {
            Some(cursor) => after = cursor.position(),
            None => return ids,
        }
    }
}

/// What the doctor finds wrong with collections.
fn findings(conn: &mut PgConnection) -> Vec<String> {
    let checks = catalog::doctor::checks().into_iter();
    let about = checks.filter(|check| check.sql.contains("catalog.collection"));
    about
        .flat_map(|check| db::doctor::examine(conn, check).unwrap().findings)
        .map(|found| format!("{found:?}"))
        .collect()
}
