//! Collections, and what is in them.

use catalog::export;
use catalog::import::{Form, How, OnError, Spelling};
use diesel::prelude::*;
use serde_json::json;

use super::super::whole::{exported, read, refusals};
use super::{COLLECTIONS, fill, outcomes};
use crate::{USD, conn, count, create, product, text};

#[test]
fn products_come_to_their_places_and_a_second_time_changes_nothing() {
    let conn = &mut conn();
    for sku in ["A", "B", "C"] {
        create(conn, product(sku));
    }
    let file = "\
slug,name,product,position
summer,Summer sale,B,5
summer,,NONE,1
summer,,A,
winter,Winter,,
summer,,B,7
";
    let (done, told) = read(conn, file, COLLECTIONS, How::default());
    assert_eq!(
        outcomes(&told),
        [
            ("summer", "created"),
            ("summer", "refused"),
            ("summer", "updated"),
            ("winter", "created"),
            ("summer", "refused")
        ]
    );
    assert_eq!(
        (done.rows, done.created, done.updated, done.refused),
        (5, 2, 1, 2)
    );
    let places = "(SELECT string_agg(p.name || ' ' || cp.position, ', ' ORDER BY cp.position) \
                     FROM catalog.collection_products cp JOIN catalog.products p ON p.id = cp.product_id)";
    assert_eq!(text(conn, places), "Product B 5, Product A 6");

    let moved = "slug,product,position\nsummer,B,9\nsummer,A,\nsummer,C,1\n";
    let (done, _) = read(conn, moved, COLLECTIONS, How::default());
    assert_eq!((done.updated, done.unchanged), (2, 1));
    assert_eq!(text(conn, places), "Product C 1, Product A 6, Product B 9");
    let version = "(SELECT version::text FROM catalog.collections WHERE slug = 'summer')";
    let before = text(conn, version);
    let (done, _) = read(conn, moved, COLLECTIONS, How::default());
    assert_eq!((done.unchanged, text(conn, version)), (3, before));
}

#[test]
fn what_is_wrong_with_a_collection_is_told_by_its_column() {
    let conn = &mut conn();
    create(conn, product("A"));
    let archived = "INSERT INTO catalog.collections (slug, name, product_order, archived_at) VALUES ('gone', 'Gone', 'manual', now())";
    diesel::sql_query(archived).execute(conn).unwrap();
    let first = "slug,name,rules\nruled,Ruled,\"{\"\"match\"\":\"\"all\"\",\"\"conditions\"\":[{\"\"inStock\"\":true}]}\"\nhand,Hand,\n";
    assert_eq!(refusals(conn, first, COLLECTIONS), []);
    let rules = |conditions: serde_json::Value| json!({"match": "all", "conditions": conditions});
    let long = "x".repeat(301);
    for (line, field, message) in [
        (json!({"slug": ""}), "slug", "is required"),
        (json!({"slug": "12"}), "slug", "must have a letter"),
        (json!({"slug": "Sömmer"}), "slug", ""),
        (json!({"slug": "gone", "name": "G"}), "slug", "is archived"),
        (
            json!({"slug": "new"}),
            "name",
            "is required where a collection begins",
        ),
        (json!({"slug": "new", "name": long}), "name", "at most 300"),
        (json!({"slug": "new", "name": "a\u{0}"}), "name", "control"),
        (
            json!({"slug": "new", "name": "N", "productOrder": "price"}),
            "productOrder",
            "must be",
        ),
        (
            json!({"slug": "ruled", "productOrder": "manual"}),
            "productOrder",
            "no places",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": "{"}),
            "rules",
            "are no rules",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": {"match": "some", "conditions": []}}),
            "rules",
            "are no rules",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([]))}),
            "rules",
            "1 to 20 conditions",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{}]))}),
            "rules",
            "exactly one of",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"tag": "a", "brand": "b"}]))}),
            "rules",
            "exactly one of",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"colour": "a"}]))}),
            "rules",
            "unknown field",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"category": ["No", "where"]}]))}),
            "rules",
            "`No > where` leads to no category",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"category": []}]))}),
            "rules",
            "names no category",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"category": ["a\u{0}"]}]))}),
            "rules",
            "conditions[0] names no category",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!(vec![json!({"tag": "a"}); 21]))}),
            "rules",
            "1 to 20 conditions",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"price": {"min": "-1"}}]))}),
            "rules",
            "conditions[0]",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"price": {"min": "2", "max": "1"}}]))}),
            "rules",
            "must not be above max",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"price": {"currency": "EUR", "min": "2"}}]))}),
            "rules",
            "another currency than USD",
        ),
        (
            json!({"slug": "new", "name": "N", "rules": rules(json!([{"madeWithinDays": 0}]))}),
            "rules",
            "must be 1 to 3650",
        ),
        (
            json!({"slug": "hand", "rules": rules(json!([{"inStock": true}]))}),
            "rules",
            "list by hand",
        ),
        (
            json!({"slug": "hand", "products": [{"sku": "NONE"}]}),
            "products",
            "`NONE` is the SKU of no variant on sale",
        ),
        (
            json!({"slug": "hand", "products": [{"sku": " "}]}),
            "products",
            "",
        ),
        (
            json!({"slug": "hand", "products": [{"sku": "A", "position": 1_000_000_001_u64}]}),
            "products",
            "whole number",
        ),
        (
            json!({"slug": "hand", "products": [{"sku": "A", "position": -1}]}),
            "line",
            "",
        ),
        (
            json!({"slug": "ruled", "products": [{"sku": "A"}]}),
            "products",
            "rules say",
        ),
        (json!({"slug": "hand", "sku": "A"}), "line", "unknown field"),
        (json!(["hand"]), "line", "must be a JSON object"),
    ] {
        let form = Form::Collections(Spelling::Ndjson, USD);
        let before = count(conn, "catalog.collections");
        let refused = refusals(conn, &line.to_string(), form);
        if line == json!({"slug": "hand", "products": [{"sku": " "}]}) {
            assert_eq!(refused, [], "a product without a SKU is none");
            continue;
        }
        let [(at, said)] = &refused[..] else {
            panic!("{line}: {refused:?}");
        };
        assert_eq!(at, field, "{line}: {said}");
        assert!(said.contains(message), "{line}: {said}");
        assert_eq!(count(conn, "catalog.collections"), before, "{line}");
    }
    let twice = "slug,product,position\nhand,A,1\nhand,A,2\n,A,3\nhand,,4\n";
    let fields: Vec<String> = refusals(conn, twice, COLLECTIONS)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["product", "slug", "product"]);
}

#[test]
fn an_import_that_stops_keeps_what_is_before_the_refused_row() {
    let conn = &mut conn();
    let how = How {
        on_error: OnError::Stop,
        ..How::default()
    };
    let file = "slug,name,product\na,A,\nb,B,NONE\nc,C,\n";
    let (done, _) = read(conn, file, COLLECTIONS, how);
    assert_eq!((done.rows, done.created, done.refused), (2, 1, 1));
    assert_eq!(count(conn, "catalog.collections"), 1);
}

#[test]
fn a_large_collection_goes_out_in_several_lines_and_in_again() {
    let conn = &mut crate::database().connect();
    let mut file = "slug,name,product,position\n".to_owned();
    fill(conn, 2_050);
    for n in 1..2_050 {
        file += &format!("all,All of them,P-{n},{}\n", 5_000 - n);
    }
    let (done, _) = read(conn, &file, COLLECTIONS, How::default());
    assert_eq!((done.created, done.updated), (1, 2_048));
    for (form, import) in [
        (export::Form::Csv, COLLECTIONS),
        (
            export::Form::Ndjson,
            Form::Collections(Spelling::Ndjson, USD),
        ),
    ] {
        let written = exported(conn, export::What::Collections, form);
        let lines = written.lines().count();
        assert_eq!(lines, if form == export::Form::Csv { 2_050 } else { 3 });
        let first = if form == export::Form::Csv {
            ",P-2049,2951"
        } else {
            "\"P-2049\",\"position\":2951"
        };
        assert!(written.contains(first), "{written:.300}");
        let (again, _) = read(conn, &written, import, How::default());
        assert_eq!((again.rows, again.unchanged), (2_049, 2_049));
    }
}
