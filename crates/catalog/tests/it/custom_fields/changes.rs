//! A definition makes sense, and never contradicts a value.

use catalog::custom_fields::defining::{self, DefineError, FieldChanges, NewField};
use catalog::custom_fields::{self, MAX_FIELDS, Rules};
use db::testing::count;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{CustomResource, CustomType as T, PageSize};
use serde_json::json;

use super::{
    change, create_with, define, field, findings, one_of, refused, ruled, set_values, shown,
};
use crate::{conn, create, product};

#[test]
fn a_change_that_values_contradict_is_refused_with_their_number() {
    let conn = &mut conn();
    let id = define(
        conn,
        field("material", T::Enum, one_of(&["wool", "silk", "hemp"])),
    );
    for (number, value) in ["wool", "silk", "silk"].into_iter().enumerate() {
        let given = set_values(&[("material", json!(value))]);
        create_with(conn, &format!("OF-{number}"), given).unwrap();
    }
    create(conn, product("OF-NONE"));

    let narrower = change(conn, id, &ruled(one_of(&["wool", "hemp"])));
    assert!(
        matches!(narrower, Err(DefineError::Conflicts(2))),
        "{narrower:?}"
    );
    let to_int = FieldChanges {
        of: Some(T::Int),
        ..ruled(Rules::default())
    };
    let other_type = change(conn, id, &to_int);
    assert!(
        matches!(other_type, Err(DefineError::Conflicts(3))),
        "{other_type:?}"
    );
    let required = Rules {
        required: true,
        ..one_of(&["wool", "silk", "hemp"])
    };
    let lacking = change(conn, id, &ruled(required));
    assert!(
        matches!(lacking, Err(DefineError::Lacking(1))),
        "{lacking:?}"
    );
    let new = field(
        "new",
        T::Text,
        Rules {
            required: true,
            ..Rules::default()
        },
    );
    let lacking = refused(conn, new);
    assert!(matches!(lacking, DefineError::Lacking(4)), "{lacking:?}");

    assert_eq!(
        change(conn, id, &ruled(one_of(&["wool", "silk"]))).unwrap(),
        None
    );
    let to_text = FieldChanges {
        of: Some(T::Text),
        ..ruled(Rules::default())
    };
    assert_eq!(change(conn, id, &to_text).unwrap(), None);
    let now = custom_fields::find(conn, id).unwrap().unwrap();
    assert_eq!((now.of, now.version, now.is_applied()), (T::Text, 3, true));
    let stale = conn.transaction(|conn| defining::update(conn, id, &shown(true), Some(1), None));
    assert!(matches!(stale, Err(DefineError::Stale(3))), "{stale:?}");
    let events =
        format!("platform.outbox WHERE kind = 'customField.changed' AND resource_id = {id}");
    assert_eq!(count(conn, &events), 3);
}

#[test]
fn rules_that_make_no_sense_are_named() {
    let conn = &mut conn();
    let text = |text: &str| Some(text.to_owned());
    let pattern = |text: &str| Some(text.to_owned().into());
    let rules = Rules::default();
    let list = |item| Rules {
        item_type: Some(item),
        ..Rules::default()
    };
    for (of, rules, place) in [
        (
            T::Int,
            Rules {
                max_length: Some(3),
                ..rules.clone()
            },
            "maxLength",
        ),
        (
            T::Text,
            Rules {
                min: text("1"),
                ..rules.clone()
            },
            "min",
        ),
        (
            T::Text,
            Rules {
                max_length: Some(16_001),
                ..rules.clone()
            },
            "maxLength",
        ),
        (
            T::Text,
            Rules {
                min_length: Some(4),
                max_length: Some(3),
                ..rules.clone()
            },
            "minLength",
        ),
        (
            T::Text,
            Rules {
                pattern: pattern("("),
                ..rules.clone()
            },
            "pattern",
        ),
        (
            T::Text,
            Rules {
                pattern: pattern("a)|(b"),
                ..rules.clone()
            },
            "pattern",
        ),
        (
            T::Text,
            Rules {
                pattern: pattern(r"(a)\1"),
                ..rules.clone()
            },
            "pattern",
        ),
        (
            T::Text,
            Rules {
                pattern: pattern("(?=a)b"),
                ..rules.clone()
            },
            "pattern",
        ),
        (
            T::Text,
            Rules {
                pattern: pattern("((a{100}){100}){100}"),
                ..rules.clone()
            },
            "pattern",
        ),
        (
            T::Int,
            Rules {
                pattern: pattern("a"),
                ..rules.clone()
            },
            "pattern",
        ),
        (
            T::Int,
            Rules {
                min: text("1.5"),
                ..rules.clone()
            },
            "min",
        ),
        (
            T::Decimal,
            Rules {
                min: text("2"),
                max: text("1.9"),
                ..rules.clone()
            },
            "min",
        ),
        (
            T::Date,
            Rules {
                max: text("2024-02-30"),
                ..rules.clone()
            },
            "max",
        ),
        (T::Enum, rules.clone(), "values"),
        (T::Enum, one_of(&["a", "a"]), "values[1]"),
        (T::Enum, one_of(&[" a"]), "values[0]"),
        (T::Text, one_of(&["a"]), "values"),
        (T::Reference, rules.clone(), "references"),
        (
            T::Text,
            Rules {
                references: Some(CustomResource::Product),
                ..rules.clone()
            },
            "references",
        ),
        (T::List, rules.clone(), "itemType"),
        (T::List, list(T::List), "itemType"),
        (T::List, list(T::Json), "itemType"),
        (
            T::List,
            Rules {
                max_items: Some(501),
                ..list(T::Int)
            },
            "maxItems",
        ),
        (
            T::Text,
            Rules {
                max_items: Some(1),
                ..rules.clone()
            },
            "maxItems",
        ),
    ] {
        let fault = match refused(conn, field("ruled", of, rules.clone())) {
            DefineError::Fault(fault) => fault,
            other => panic!("{rules:?} came to {other:?}"),
        };
        assert_eq!(fault.field, format!("validation.{place}"), "{rules:?}");
    }
    let filter = |of, rules| NewField {
        is_filterable: true,
        ..field("ruled", of, rules)
    };
    let longer = Rules {
        max_length: Some(201),
        ..rules.clone()
    };
    for (new, place) in [
        (
            NewField {
                is_public: false,
                ..filter(T::Int, rules.clone())
            },
            "filterable",
        ),
        (
            NewField {
                resource: CustomResource::Category,
                ..filter(T::Int, rules.clone())
            },
            "filterable",
        ),
        (filter(T::Json, rules.clone()), "filterable"),
        (filter(T::Text, longer.clone()), "validation.maxLength"),
        (
            NewField {
                resource: CustomResource::Variant,
                ..field(
                    "ruled",
                    T::Int,
                    Rules {
                        required: true,
                        ..rules.clone()
                    },
                )
            },
            "validation.required",
        ),
    ] {
        let fault = refused(conn, new);
        assert!(
            matches!(&fault, DefineError::Fault(fault) if fault.field == place),
            "{fault:?}"
        );
    }
    assert_eq!(count(conn, "catalog.custom_fields"), 0);
}

#[test]
fn a_text_by_which_products_are_found_has_two_hundred_characters_where_nothing_is_said() {
    let conn = &mut conn();
    let list = Rules {
        item_type: Some(T::Text),
        ..Rules::default()
    };
    let plain = define(conn, field("plain", T::Text, Rules::default()));
    let found_by = FieldChanges {
        is_filterable: Some(true),
        ..FieldChanges::default()
    };
    change(conn, plain, &found_by).unwrap();
    let many = NewField {
        is_filterable: true,
        ..field("many", T::List, list)
    };
    let number = NewField {
        is_filterable: true,
        ..field("number", T::Int, Rules::default())
    };
    for (id, longest) in [
        (plain, Some(200)),
        (define(conn, many), Some(200)),
        (define(conn, number), None),
    ] {
        let kept = custom_fields::find(conn, id).unwrap().unwrap();
        assert_eq!(kept.rules.max_length, longest, "{}", kept.key);
    }

    let silent = change(conn, plain, &ruled(Rules::default()));
    silent.unwrap();
    let kept = custom_fields::find(conn, plain).unwrap().unwrap();
    assert_eq!(kept.rules.max_length, Some(200));
}

#[test]
fn there_are_two_hundred_of_a_resource_and_no_two_of_a_key() {
    let conn = &mut conn();
    for number in 0..MAX_FIELDS {
        define(
            conn,
            field(&format!("f{number}"), T::Bool, Rules::default()),
        );
    }
    let more = refused(conn, field("more", T::Bool, Rules::default()));
    assert!(matches!(more, DefineError::TooMany), "{more:?}");
    let of_variants = NewField {
        resource: CustomResource::Variant,
        ..field("f0", T::Bool, Rules::default())
    };
    define(conn, of_variants.clone());
    let again = refused(conn, of_variants);
    assert!(matches!(again, DefineError::KeyTaken), "{again:?}");
    let page = custom_fields::list(conn, Some(CustomResource::Product), 0, PageSize::default());
    assert_eq!(page.unwrap().len(), 21);
}

#[test]
fn the_doctor_finds_what_somebody_wrote_past_the_crate() {
    let conn = &mut conn();
    let new = field("size", T::Int, Rules::default());
    define(conn, new);
    let id = create_with(conn, "BROKEN", set_values(&[("size", json!(7))])).unwrap();
    assert_eq!(findings(conn), Vec::<String>::new());
    for (broken, message) in [
        (
            "public_values = '{\"size\": \"7\"}'",
            "size is of type int and has a string",
        ),
        (
            "public_values = '{\"size\": 7, \"x\": 1}'",
            "has a value of x, which is not defined",
        ),
        (
            "public_values = '{}', private_values = '{\"size\": 7}'",
            "has its value of size among those that only staff sees",
        ),
    ] {
        conn.batch_execute(&format!("UPDATE catalog.custom_values SET {broken}"))
            .unwrap();
        assert_eq!(findings(conn), [format!("product {id} {message}")]);
    }
    let requires = "UPDATE catalog.custom_fields SET rules = '{\"required\": true}'; DELETE FROM catalog.custom_values";
    conn.batch_execute(requires).unwrap();
    assert_eq!(
        findings(conn),
        [format!("product {id} has no size, which is required")]
    );
}
