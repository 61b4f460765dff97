//! Categories: the graph they make, and their products.

mod best_buy;
mod changes;
mod meanwhile;
mod pages;
mod products;
mod tree;

use catalog::categories::assigning::{self, Assignment, Outcome};
use catalog::categories::editing::{self, NewCategory};
use catalog::categories::placing::{Parent, Place};
use catalog::categories::{self, Category, CategoryError, listing};
use catalog::custom_fields::attributes::AttributeChanges;
use diesel::prelude::*;
use domain::{CategoryId, PageSize, ProductId, ProductOrder};

use crate::{USD, count};

/// A category named after its slug.
fn new(slug: &str, place: Place) -> NewCategory {
    NewCategory {
        slug: slug.parse().unwrap(),
        name: format!("Category {slug}"),
        description: String::new(),
        image: String::new(),
        product_order: ProductOrder::Manual,
        place,
        attributes: AttributeChanges::default(),
    }
}

fn below(parents: &[CategoryId]) -> Place {
    let parent = |id: &CategoryId| Parent {
        id: *id,
        position: None,
    };
    Place::Below(parents.iter().map(parent).collect())
}

fn root(conn: &mut PgConnection, slug: &str) -> CategoryId {
    editing::create(conn, new(slug, Place::Root(None)), None).unwrap()
}

fn child(conn: &mut PgConnection, slug: &str, parents: &[CategoryId]) -> CategoryId {
    editing::create(conn, new(slug, below(parents)), None).unwrap()
}

fn place(
    conn: &mut PgConnection,
    id: CategoryId,
    parents: &[CategoryId],
) -> Result<(), CategoryError> {
    categories::placing::place(conn, id, &below(parents), None, None)
}

fn find(conn: &mut PgConnection, id: CategoryId) -> Category {
    categories::find(conn, id).unwrap().unwrap()
}

/// Slugs of the roots, or of the children of a category.
fn slugs(conn: &mut PgConnection, parent: Option<CategoryId>) -> Vec<String> {
    let listed = categories::list(conn, parent, (0, 0), PageSize::MAX).unwrap();
    listed.into_iter().map(|c| c.slug.to_string()).collect()
}

fn path(conn: &mut PgConnection, id: CategoryId) -> Vec<String> {
    let path = categories::path(conn, id).unwrap();
    path.into_iter().map(|step| step.slug.to_string()).collect()
}

fn add(conn: &mut PgConnection, id: CategoryId, products: &[ProductId]) -> Outcome {
    let wanted: Vec<Assignment> = products.iter().map(|id| at(*id, None)).collect();
    assigning::assign(conn, id, &wanted, &[], None, None).unwrap()
}

fn at(product_id: ProductId, position: Option<i64>) -> Assignment {
    Assignment {
        product_id,
        position,
    }
}

/// All products of a category, read in pages of two.
fn listed(conn: &mut PgConnection, id: CategoryId, with_descendants: bool) -> Vec<ProductId> {
    let category = find(conn, id);
    let (mut ids, mut after) = (Vec::new(), (0, 0));
    loop {
        let size = PageSize::try_from(2).unwrap();
        let page = listing::page(conn, &category, with_descendants, after, size, USD).unwrap();
        ids.extend(page.items.iter().map(|product| product.id));
        match page.next_cursor {
            Some(cursor) => after = cursor.position(),
            None => return ids,
        }
    }
}

fn events(conn: &mut PgConnection, id: CategoryId, kind: &str) -> i64 {
    let from = format!(
        "platform.outbox WHERE resource_type = 'category' AND resource_id = {id} AND kind = '{kind}'"
    );
    count(conn, &from)
}

/// What the doctor finds wrong with categories.
fn findings(conn: &mut PgConnection) -> Vec<String> {
    let checks = catalog::doctor::checks().into_iter();
    let about = checks.filter(|check| check.name.contains("categor"));
    about
        .flat_map(|check| db::doctor::examine(conn, check).unwrap().findings)
        .map(|found| format!("{found:?}"))
        .collect()
}
