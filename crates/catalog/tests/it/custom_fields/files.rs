//! Files of products tell of custom fields, and what is exported is what is imported.

use catalog::custom_fields::Rules;
use catalog::custom_fields::defining::NewField;
use catalog::export::{self, Form, Scope};
use catalog::import::{self, How, Outcome, Report, Start};
use diesel::prelude::*;
use domain::{CustomResource, CustomType as T};
use serde_json::{Value, json};

use super::{create_with, define, field, findings, kept, one_of, set_values};
use crate::{create, database, product, read_csv};

/// A field of each type that a file has a place for, every other one private.
fn define_all(conn: &mut PgConnection) {
    let list = |item| Rules {
        item_type: Some(item),
        ..Rules::default()
    };
    for (number, (key, of, rules)) in [
        ("text", T::Text, Rules::default()),
        ("html", T::RichText, Rules::default()),
        ("int", T::Int, Rules::default()),
        ("decimal", T::Decimal, Rules::default()),
        ("bool", T::Bool, Rules::default()),
        ("date", T::Date, Rules::default()),
        ("enum", T::Enum, one_of(&["wool", "a|b"])),
        ("money", T::Money, Rules::default()),
        ("texts", T::List, list(T::Text)),
        ("ints", T::List, list(T::Int)),
        ("json", T::Json, Rules::default()),
        ("never", T::Int, Rules::default()),
    ]
    .into_iter()
    .enumerate()
    {
        let is_public = number % 2 == 0;
        define(
            conn,
            NewField {
                is_public,
                ..field(key, of, rules)
            },
        );
    }
    let of_products = Rules {
        references: Some(CustomResource::Product),
        ..Rules::default()
    };
    define(conn, field("reference", T::Reference, of_products));
}

fn exported(conn: &mut PgConnection, form: Form) -> String {
    let mut file = Vec::new();
    export::products(conn, Scope::All, form, &mut file).unwrap();
    String::from_utf8(file).unwrap()
}

fn imported(conn: &mut PgConnection, file: &str, form: Form) -> import::Summary {
    let form = match form {
        Form::Csv => import::Form::Csv,
        Form::Ndjson => import::Form::Ndjson,
    };
    let refused = |line, sku: &str, outcome: &Outcome| {
        assert!(
            !matches!(outcome, Outcome::Refused(_)),
            "{line} {sku} {outcome:?}"
        );
    };
    import::run(
        conn,
        file.as_bytes(),
        form,
        How::default(),
        Report(refused),
        Start::default(),
    )
    .unwrap()
}

#[test]
fn what_is_exported_goes_into_another_shop_and_comes_out_as_it_was() {
    let conn = &mut database().connect();
    define_all(conn);
    let other = create(conn, product("BARE"));
    let all = [
        ("text", json!("a \"b\", c\nd")),
        ("html", json!("<p>Soft <b>wool</b></p>")),
        ("int", json!(-7)),
        ("decimal", json!("-0.125")),
        ("bool", json!(false)),
        ("date", json!("2026-02-28")),
        ("enum", json!("a|b")),
        ("money", json!({"amount": 1990, "currency": "EUR"})),
        ("texts", json!(["a|b", "c\\", "5"])),
        ("ints", json!([3, -4])),
        ("json", json!({"a": [1, null, "x"]})),
        ("reference", json!(other.get())),
    ];
    create_with(conn, "FULL", set_values(&all)).unwrap();
    create_with(
        conn,
        "SOME",
        set_values(&[("json", json!("a text")), ("int", json!(0))]),
    )
    .unwrap();

    let (table, lines) = (exported(conn, Form::Csv), exported(conn, Form::Ndjson));
    let header = table.lines().next().unwrap();
    assert!(
        header.ends_with("custom.texts,custom.ints,custom.json"),
        "{header}"
    );
    assert!(!table.contains("custom.never"));
    for (file, form) in [(&table, Form::Csv), (&lines, Form::Ndjson)] {
        let shop = &mut database().connect();
        define_all(shop);
        assert_eq!(imported(shop, file, form).created, 3);
        assert_eq!(exported(shop, Form::Csv), table);
        assert_eq!(exported(shop, Form::Ndjson), lines);
        assert_eq!(imported(shop, file, form).unchanged, 3);
        assert_eq!(findings(shop), Vec::<String>::new());
    }
}

#[test]
fn a_row_changes_the_values_it_says_and_no_others() {
    let conn = &mut crate::conn();
    define_all(conn);
    let id = create_with(
        conn,
        "ROW",
        set_values(&[("text", json!("a")), ("int", json!(1))]),
    )
    .unwrap();
    let header = "sku,name,price,currency,custom.int,custom.text,custom.decimal";
    let mut told = Vec::new();
    let file = format!("{header}\nROW,Product ROW,9.50,USD,2,,1.50\n");
    read_csv(conn, file.as_bytes(), false, |_, _, outcome| {
        told.push(outcome.clone());
    })
    .unwrap();
    read_csv(conn, file.as_bytes(), false, |_, _, outcome| {
        told.push(outcome.clone());
    })
    .unwrap();
    assert_eq!(told, [Outcome::Updated, Outcome::Unchanged]);
    let all: Value = kept(conn, id).all_values().into();
    assert_eq!(all, json!({"text": "a", "int": 2, "decimal": "1.5"}));

    for (column, cell, message) in [
        ("custom.int", "x", "`int` must be a whole number"),
        ("custom.bool", "yes", "`bool` must be true or false"),
        ("custom.enum", "hemp", "`enum` must be one of wool, a|b"),
        ("custom.money", "1.999 EUR", "`money` must be an amount"),
        ("custom.nothing", "x", "`nothing` is no such custom field"),
        ("custom.reference", "1", "`reference` refers to something"),
    ] {
        let file = format!("sku,name,price,currency,{column}\nROW,Product ROW,9.50,USD,{cell}\n");
        let mut told = Vec::new();
        read_csv(conn, file.as_bytes(), false, |_, _, outcome| {
            told.push(outcome.clone());
        })
        .unwrap();
        let is_named = |outcome: &Outcome| match outcome {
            Outcome::Refused(refusal) => {
                refusal.field == "custom" && refusal.message.starts_with(message)
            }
            _ => false,
        };
        assert!(told.iter().all(is_named), "{column}: {told:?}");
    }
    assert_eq!(Value::from(kept(conn, id).all_values()), all);
}
