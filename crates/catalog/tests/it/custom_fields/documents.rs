//! Values that name files, and files that stay as long as one does.

use std::sync::Barrier;
use std::thread;

use catalog::custom_fields::Rules;
use catalog::custom_fields::defining::{self, DefineError, FieldChanges};
use catalog::editing::EditError;
use catalog::media::{MediaError, editing, uploading};
use catalog::products;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{CustomType as T, MediaId, ProductId};
use serde_json::{Value, json};

use super::{
    apply, change, create_with, define, fault, field, findings, kept, set, set_values, shown,
};
use crate::media::{kept_file, new};
use crate::{USD, conn, create, database, product};

fn list_of_files() -> Rules {
    Rules {
        item_type: Some(T::File),
        ..Rules::default()
    }
}

fn delete(conn: &mut PgConnection, id: MediaId) -> Result<(), MediaError> {
    conn.transaction(|conn| editing::delete(conn, id, None, None))
}

fn public_files(conn: &mut PgConnection, id: ProductId) -> Vec<MediaId> {
    let found = products::find(conn, id, USD).unwrap().unwrap();
    found.files().iter().map(|file| file.id).collect()
}

#[test]
fn a_file_stays_as_long_as_a_value_names_it() {
    let conn = &mut conn();
    define(conn, field("manual", T::File, Rules::default()));
    let mut sheets = field("sheets", T::List, list_of_files());
    sheets.is_public = false;
    define(conn, sheets);
    let (a, b, c) = (kept_file(conn, 1), kept_file(conn, 2), kept_file(conn, 3));
    let given = set_values(&[("manual", json!(a)), ("sheets", json!([a, b]))]);
    let id = create_with(conn, "FILED", given).unwrap();

    assert_eq!(public_files(conn, id), [a]);
    let found = products::find(conn, id, USD).unwrap().unwrap().files();
    assert_eq!(
        (found[0].name.as_str(), found[0].content_type.as_str()),
        ("Manual.pdf", "application/pdf")
    );
    assert_eq!(kept(conn, id).files.len(), 3);
    for named in [a, b] {
        assert!(matches!(delete(conn, named), Err(MediaError::InUse)));
    }
    set(conn, id, set_values(&[("sheets", json!([c]))])).unwrap();
    delete(conn, b).unwrap();
    assert!(matches!(delete(conn, c), Err(MediaError::InUse)));
    let other = set_values(&[("manual", Value::Null), ("sheets", json!([c, a]))]);
    set(conn, id, other).unwrap();
    assert_eq!(public_files(conn, id), []);
    assert!(matches!(delete(conn, a), Err(MediaError::InUse)));
    assert_eq!(findings(conn), Vec::<String>::new());
    set(conn, id, set_values(&[("sheets", Value::Null)])).unwrap();
    delete(conn, a).unwrap();
    delete(conn, c).unwrap();
    assert_eq!(kept(conn, id).files, []);
}

#[test]
fn a_value_names_only_files_that_are_there() {
    let conn = &mut conn();
    define(conn, field("manual", T::File, Rules::default()));
    define(conn, field("sheets", T::List, list_of_files()));
    let id = create(conn, product("NO-FILE"));
    let there = kept_file(conn, 1);
    let gone = kept_file(conn, 2);
    delete(conn, gone).unwrap();
    let (coming, _) = uploading::begin(conn, new(3)).unwrap();
    for missing in [json!(gone), json!(coming), json!(999_999_999)] {
        let single = fault(conn, id, &[("manual", missing.clone())]);
        assert_eq!(
            (single.field.as_str(), single.code),
            ("customFields.manual", "unknown")
        );
        let of_list = fault(conn, id, &[("sheets", json!([there, missing]))]);
        assert_eq!(
            (of_list.field.as_str(), of_list.code),
            ("customFields.sheets", "unknown")
        );
    }
    for (bad, code) in [
        (json!("1"), "type"),
        (json!(-1), "type"),
        (json!(1.5), "type"),
        (json!({"id": 1}), "type"),
    ] {
        assert_eq!(fault(conn, id, &[("manual", bad)]).code, code);
    }
    let twice = fault(conn, id, &[("sheets", json!([there, there]))]);
    assert_eq!(twice.field, "customFields.sheets[1]");
    // A picture is a file as well.
    let (picture, _) = uploading::begin(conn, new(4)).unwrap();
    uploading::complete(conn, picture, None).unwrap();
    set(conn, id, set_values(&[("manual", json!(picture))])).unwrap();
    assert_eq!(public_files(conn, id), [picture]);
}

#[test]
fn what_a_field_named_goes_with_it_and_its_files_may_go_then() {
    let conn = &mut conn();
    let of = define(conn, field("manual", T::File, Rules::default()));
    let file = kept_file(conn, 1);
    let given = set_values(&[("manual", json!(file))]);
    let id = create_with(conn, "UNFILED", given).unwrap();
    // Ids of files would become ids of something else.
    let to_int = FieldChanges {
        of: Some(T::Int),
        ..FieldChanges::default()
    };
    let refused = change(conn, of, &to_int);
    assert!(
        matches!(refused, Err(DefineError::Conflicts(1))),
        "{refused:?}"
    );
    change(conn, of, &shown(false)).unwrap();
    assert_eq!(public_files(conn, id), []);
    apply(conn, of);
    assert!(matches!(delete(conn, file), Err(MediaError::InUse)));

    conn.transaction(|conn| defining::remove(conn, of, None, None))
        .unwrap();
    apply(conn, of);

    delete(conn, file).unwrap();
    assert_eq!(findings(conn), Vec::<String>::new());
}

#[test]
fn a_file_is_not_deleted_while_a_value_comes_to_name_it() {
    let database = database();
    let conn = &mut database.connect();
    define(conn, field("manual", T::File, Rules::default()));
    for round in 0..20_u8 {
        let id = create(conn, product(&format!("FILE-RACE-{round}")));
        let file = kept_file(conn, round);
        let start = Barrier::new(2);
        let (named, deleted) = thread::scope(|scope| {
            let name = scope.spawn(|| {
                let conn = &mut database.connect();
                start.wait();
                set(conn, id, set_values(&[("manual", json!(file))]))
            });
            let delete = scope.spawn(|| {
                let conn = &mut database.connect();
                start.wait();
                delete(conn, file)
            });
            (name.join().unwrap(), delete.join().unwrap())
        });

        match (&named, &deleted) {
            (Ok(_), Err(MediaError::InUse)) => assert_eq!(public_files(conn, id), [file]),
            (Err(EditError::Fault(fault)), Ok(())) => assert_eq!(fault.code, "unknown"),
            _ => panic!("{named:?} {deleted:?}"),
        }
    }
    assert_eq!(findings(conn), Vec::<String>::new());
}

#[test]
fn the_doctor_finds_a_value_whose_file_is_not_kept_for_it() {
    let conn = &mut conn();
    define(conn, field("manual", T::File, Rules::default()));
    let file = kept_file(conn, 1);
    let given = set_values(&[("manual", json!(file))]);
    let id = create_with(conn, "LOST-FILE", given).unwrap();
    assert_eq!(findings(conn), Vec::<String>::new());
    conn.batch_execute("DELETE FROM catalog.custom_files")
        .unwrap();
    assert_eq!(
        findings(conn),
        [format!(
            "product {id} has file {file} as its manual, which is not kept for it"
        )]
    );
}
