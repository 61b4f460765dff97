//! Categories, and where they stand.

use catalog::import::{Form, How, Spelling};
use diesel::RunQueryDsl as _;
use domain::CustomResource;
use serde_json::json;

use super::super::whole::{define, read, refusals};
use super::{CATEGORIES, outcomes};
use crate::{conn, count};

#[test]
fn categories_find_their_parents_and_close_no_cycle() {
    let conn = &mut conn();
    define(conn, CustomResource::Category, "hint");
    let file = "\
slug,name,parents,position,name@de,custom.hint,custom.hint@fr
men,Men,,4,Herren,h,
shirts,Shirts,men > 2,,Hemden,,é
low,Low,shirts|men,,,,
";
    assert_eq!(refusals(conn, file, CATEGORIES), []);
    let (done, _) = read(conn, file, CATEGORIES, How::default());
    assert_eq!(done.unchanged, 3);
    for (row, field, message) in [
        (
            json!({"slug": "men", "parents": [{"slug": "low"}]}),
            "parents",
            "`low` is the category itself, or below it",
        ),
        (
            json!({"slug": "men", "parents": [{"slug": "men"}]}),
            "parents",
            "`men` is the category itself",
        ),
        (
            json!({"slug": "men", "parents": [{"slug": "nowhere"}]}),
            "parents",
            "`nowhere` is the slug of no category",
        ),
        (
            json!({"slug": "low", "parents": [{"slug": "men"}, {"slug": "men"}]}),
            "parents",
            "named twice",
        ),
        (
            json!({"slug": "low", "parents": [{"slug": "men"}], "position": 1}),
            "position",
            "it has parents",
        ),
        (
            json!({"slug": "low", "parents": [{"slug": "MÄN"}]}),
            "parents",
            "`MÄN`",
        ),
        (
            json!({"slug": "new"}),
            "name",
            "is required where a category begins",
        ),
        (
            json!({"slug": "low", "productOrder": "x"}),
            "productOrder",
            "must be",
        ),
        (
            json!({"slug": "low", "customFields": {"none": "x"}}),
            "customFields",
            "`none` is no such custom field",
        ),
        (
            json!({"slug": "low", "translations": {"xx-yy-zz": {"name": "x"}}}),
            "translations.xx-yy-zz",
            "language tag",
        ),
        (
            json!({"slug": "low", "translations": {"de": {"name": "x".repeat(301)}}}),
            "translations.de.name",
            "at most 300",
        ),
        (
            json!({"slug": "low", "translations": {"de": {"seoTitle": "x"}}}),
            "line",
            "unknown field",
        ),
    ] {
        let refused = refusals(conn, &row.to_string(), Form::Categories(Spelling::Ndjson));
        let [(at, said)] = &refused[..] else {
            panic!("{row}: {refused:?}");
        };
        assert_eq!(at, field, "{row}: {said}");
        assert!(said.contains(message), "{row}: {said}");
    }
    let top = "slug,position\nshirts,1\n";
    let (done, _) = read(conn, top, CATEGORIES, How::default());
    assert_eq!(done.updated, 1);
    assert_eq!(count(conn, "catalog.category_parents"), 2);
}

#[test]
fn a_refused_row_holds_up_no_other_and_leaves_nothing() {
    let conn = &mut conn();
    define(conn, CustomResource::Category, "hint");
    let long = "x".repeat(16_001);
    let file = format!(
        "slug,name,parents,custom.hint@de\nmen,Men,,\nwomen,Women,men,{long}\nshirts,Shirts,men,Hemden\nlow,Low,women,\n"
    );

    let (_, told) = read(conn, &file, CATEGORIES, How::default());

    let expected = [
        ("men", "created"),
        ("women", "refused"),
        ("shirts", "created"),
        ("low", "refused"),
    ];
    assert_eq!(outcomes(&told), expected);
    assert_eq!(count(conn, "catalog.categories"), 2);
    let events = "platform.outbox WHERE kind = 'category.created'";
    assert_eq!(count(conn, events), 2);
}

#[test]
fn texts_of_a_field_that_is_being_removed_hold_up_nobody() {
    let conn = &mut conn();
    define(conn, CustomResource::Category, "hint");
    let file = "slug,name,name@de,name@fr,custom.hint@de\nmen,Men,Herren,Hommes,Hallo\n";
    assert_eq!(refusals(conn, file, CATEGORIES), []);
    let begin = "UPDATE catalog.custom_fields SET removed_at = now(), version = version + 1";
    diesel::sql_query(begin).execute(conn).unwrap();
    let version = "catalog.categories WHERE slug = 'men' AND version";
    assert_eq!(count(conn, &format!("{version} = 2")), 1);

    let file = "slug,name@de,name@fr\nmen,Männer,Messieurs\n";
    let (done, _) = read(conn, file, CATEGORIES, How::default());

    assert_eq!((done.updated, done.refused), (1, 0));
    let texts = "catalog.category_translations WHERE name IN ('Männer', 'Messieurs')";
    assert_eq!(count(conn, texts), 2);
    let once = format!("{version} = 3");
    assert_eq!(count(conn, &once), 1, "several languages are one change");
}
