//! Changing and archiving categories.

use catalog::categories::editing::{self, CategoryChanges};
use catalog::categories::{self, CategoryError};
use domain::ProductOrder;

use super::{child, events, find, findings, new, path, place, root, slugs};
use crate::{conn, database};

#[test]
fn a_category_changes_only_what_is_said() {
    let conn = &mut conn();
    let id = root(conn, "cameras");
    let renamed = CategoryChanges {
        name: Some("Photo".into()),
        product_order: Some(ProductOrder::Name),
        ..CategoryChanges::default()
    };
    editing::update(conn, id, renamed, Some(1), None).unwrap();

    let category = find(conn, id);
    assert_eq!(
        (
            category.name.as_str(),
            category.slug.as_str(),
            category.version
        ),
        ("Photo", "cameras", 2)
    );
    assert_eq!(category.product_order, ProductOrder::Name);
    let stale = editing::update(conn, id, CategoryChanges::default(), Some(1), None);
    assert!(matches!(stale, Err(CategoryError::Stale(2))));
    assert_eq!(events(conn, id, "category.created"), 1);
    assert_eq!(events(conn, id, "category.updated"), 1);
}

#[test]
fn a_slug_belongs_to_one_category_for_ever() {
    let database = database();
    let conn = &mut database.connect();
    let (a, b) = (root(conn, "a"), root(conn, "b"));
    let as_a = CategoryChanges {
        slug: Some("a".parse().unwrap()),
        ..CategoryChanges::default()
    };
    let taken = editing::update(conn, b, as_a, None, None);
    assert!(matches!(taken, Err(CategoryError::SlugTaken)));
    editing::archive(conn, a, None, None).unwrap();
    let again = editing::create(conn, new("a", super::Place::Root(None)), None);
    assert!(matches!(again, Err(CategoryError::SlugTaken)));
    let slug = "b".parse().unwrap();
    let found = categories::find_by_slug(conn, &slug).unwrap().unwrap();
    assert_eq!(found.id, b);
    let slug = "a".parse().unwrap();
    assert!(categories::find_by_slug(conn, &slug).unwrap().is_none());
}

#[test]
fn what_others_are_only_below_stays_and_what_they_are_also_below_goes() {
    let conn = &mut conn();
    let (a, b) = (root(conn, "a"), root(conn, "b"));
    let both = child(conn, "both", &[a, b]);
    let only = child(conn, "only", &[a]);

    let refused = editing::archive(conn, a, None, None);
    assert!(matches!(refused, Err(CategoryError::HasChildren(id)) if id == only));
    place(conn, only, &[b]).unwrap();
    let stale = editing::archive(conn, a, Some(7), None);
    assert!(matches!(stale, Err(CategoryError::Stale(1))));
    editing::archive(conn, a, None, None).unwrap();

    assert_eq!(slugs(conn, None), ["b"]);
    assert_eq!(slugs(conn, Some(b)), ["both", "only"]);
    assert_eq!(path(conn, both), ["b"]);
    assert_eq!(find(conn, both).version, 2, "it has a parent less");
    assert_eq!(events(conn, a, "category.archived"), 1);
    assert_eq!(events(conn, both, "category.updated"), 1);
    let again = editing::archive(conn, a, None, None);
    assert!(matches!(again, Err(CategoryError::NotFound)));
    let lost = place(conn, b, &[a]).unwrap_err();
    assert!(matches!(lost, CategoryError::UnknownParent(0)));
    assert_eq!(findings(conn), [""; 0]);
}
