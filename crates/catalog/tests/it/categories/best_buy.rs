//! A real graph: the 4,584 categories of Best Buy, which is not a tree.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use catalog::categories;
use catalog::categories::editing::{self, NewCategory};
use catalog::categories::placing::{Parent, Place};
use catalog::custom_fields::attributes::AttributeChanges;
use diesel::connection::SimpleConnection as _;
use domain::{CategoryId, PageSize, ProductOrder, Slug};
use serde::Deserialize;

use super::{find, findings, path};
use crate::{SETTINGS, conn, count};

/// Beside the repository, where data lies that is too much for it.
const DATA: &str = "../../../shared/data/bestbuy-categories-stores/categories.json.gz";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    name: Option<String>,
    /// From the root down to the category itself.
    path: Vec<Link>,
    sub_categories: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    id: String,
}

/// `None` where the data is not there, which is said.
fn records() -> Option<Vec<Record>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(DATA);
    if !file.exists() {
        eprintln!("SKIPPED: {} is not here.", file.display());
        return None;
    }
    let unpacked = Command::new("gzip").arg("-dc").arg(&file).output().unwrap();
    assert!(unpacked.status.success(), "{unpacked:?}");
    Some(serde_json::from_slice(&unpacked.stdout).unwrap())
}

/// Who lists each category, and at which place; the one its own path leads through comes first.
fn parents(records: &[Record]) -> HashMap<&str, Vec<(&str, i64)>> {
    let mut parents: HashMap<&str, Vec<(&str, i64)>> = HashMap::new();
    for record in records {
        for (child, position) in record.sub_categories.iter().zip(0..) {
            let of_child = parents.entry(&child.id).or_default();
            of_child.push((&record.id, position));
        }
    }
    for record in records {
        if let ([.., first, _], Some(of_record)) =
            (&record.path[..], parents.get_mut(record.id.as_str()))
        {
            of_record.sort_by_key(|(parent, _)| *parent != first.id);
        }
    }
    parents
}

fn new(record: &Record, parents: &[(CategoryId, i64)]) -> NewCategory {
    let parent = |(id, position): &(CategoryId, i64)| Parent {
        id: *id,
        position: Some(*position),
    };
    NewCategory {
        // Names repeat, and one is missing; ids do not.
        slug: Slug::from_title(&record.id).unwrap(),
        name: record.name.clone().unwrap_or_else(|| record.id.clone()),
        description: String::new(),
        image: String::new(),
        product_order: ProductOrder::Manual,
        place: match parents {
            [] => Place::Root(None),
            parents => Place::Below(parents.iter().map(parent).collect()),
        },
        attributes: AttributeChanges::default(),
    }
}

/// Of 428 that are listed under more than one parent, 355 have a record of their own. 2,100 have none: retired
/// ones, which are no categories here. Nobody who has a record lists 350, which so are roots.
#[test]
fn the_graph_of_a_real_shop_is_held_as_it_is() {
    let Some(records) = records() else { return };
    let conn = &mut conn();
    conn.batch_execute(SETTINGS).unwrap();
    let listed = parents(&records);
    let mut made: HashMap<&str, CategoryId> = HashMap::new();
    let mut waiting: Vec<&Record> = records.iter().collect();
    // A category is made once all its parents are; a cycle would wait for ever.
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|record| {
            let parents = listed.get(record.id.as_str()).into_iter().flatten();
            let parents: Option<Vec<(CategoryId, i64)>> = parents
                .map(|(parent, position)| Some((*made.get(parent)?, *position)))
                .collect();
            let Some(parents) = parents else { return true };
            let id = editing::create(conn, new(record, &parents), None).unwrap();
            made.insert(&record.id, id);
            false
        });
        assert!(waiting.len() < before, "{} are in a cycle", waiting.len());
    }

    let several = listed.values().filter(|parents| parents.len() > 1).count();
    let without_record = listed.keys().filter(|id| !made.contains_key(*id)).count();
    assert_eq!((made.len(), several, without_record), (4_584, 428, 2_100));
    let several =
        "(SELECT FROM catalog.category_parents GROUP BY category_id HAVING count(*) > 1) several";
    assert_eq!(count(conn, several), 355);
    assert_eq!(count(conn, "catalog.category_parents"), 4_734);
    assert_eq!(
        count(conn, "catalog.categories WHERE root_position IS NOT NULL"),
        350
    );
    for record in records.iter().step_by(50) {
        let id = made[record.id.as_str()];
        let children = record.sub_categories.iter();
        let expected: Vec<CategoryId> = children
            .filter_map(|child| made.get(child.id.as_str()).copied())
            .collect();
        assert_eq!(
            find(conn, id).child_count,
            i64::try_from(expected.len()).unwrap()
        );
        let shown = categories::list(conn, Some(id), (0, 0), PageSize::MAX).unwrap();
        let shown: Vec<CategoryId> = shown.iter().take(100).map(|child| child.id).collect();
        assert_eq!(shown, expected[..expected.len().min(100)]);
        let ours = path(conn, id);
        assert!(ours.len() < 9, "the longest way has nine levels: {ours:?}");
    }
    assert_eq!(findings(conn), [""; 0]);
}
