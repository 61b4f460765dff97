//! Values are what their definition says, in one form each.

use catalog::categories::editing as categories;
use catalog::categories::placing::Place;
use catalog::categories::{CategoryError, editing::NewCategory};
use catalog::custom_fields::attributes::{self, AttributeChanges, MAX_ALL_BYTES};
use catalog::custom_fields::metadata::MAX_METADATA;
use catalog::custom_fields::{Rules, defining::NewField};
use catalog::editing::EditError;
use catalog::import::Outcome;
use catalog::variants::{VariantError, editing};
use domain::{CustomResource, CustomType as T, ProductOrder};
use serde_json::{Map, Value, json};

use super::{create_with, define, fault, field, findings, kept, object, one_of, set, set_values};
use crate::{conn, create, product, read_csv};

/// A definition, values with the form in which they are kept, and values that are refused with a code.
struct Case {
    of: T,
    rules: Rules,
    good: Vec<(Value, Value)>,
    bad: Vec<(Value, &'static str)>,
}

fn same(values: &[Value]) -> Vec<(Value, Value)> {
    values
        .iter()
        .map(|value| (value.clone(), value.clone()))
        .collect()
}

fn cases() -> Vec<Case> {
    let text = |text: &str| Some(text.to_owned());
    let pattern = |text: &str| Some(text.to_owned().into());
    vec![
        Case {
            of: T::Text,
            rules: Rules {
                min_length: Some(2),
                max_length: Some(5),
                pattern: pattern("[a-zé漢]+|x{4}"),
                ..Rules::default()
            },
            good: same(&[json!("ab"), json!("é漢"), json!("xxxx")]),
            bad: vec![
                (json!("a"), "length"),
                (json!("abcdef"), "length"),
                (json!("ab1"), "pattern"),
                (json!("a\nb"), "pattern"),
                (json!("a\u{0}"), "characters"),
                (json!(7), "type"),
                (json!(["ab"]), "type"),
            ],
        },
        Case {
            of: T::RichText,
            rules: Rules::default(),
            good: vec![(
                json!("<p onclick=x()>Soft<script>y()</script></p>"),
                json!("<p>Soft</p>"),
            )],
            bad: vec![
                (json!("<b>".repeat(1_001)), "too_many_tags"),
                (json!("<script>x()</script>"), "length"),
                (json!({}), "type"),
            ],
        },
        Case {
            of: T::Int,
            rules: Rules {
                min: text("-3"),
                max: text("9007199254740993"),
                ..Rules::default()
            },
            good: same(&[json!(-3), json!(0), json!(9_007_199_254_740_993_i64)]),
            bad: vec![
                (json!(-4), "out_of_range"),
                (json!(i64::MAX), "out_of_range"),
                (json!(u64::MAX), "type"),
                (json!(1.5), "type"),
                (json!("1"), "type"),
            ],
        },
        Case {
            of: T::Decimal,
            rules: Rules {
                min: text("0.5"),
                max: text("10"),
                ..Rules::default()
            },
            good: vec![
                (json!("0.50"), json!("0.5")),
                (json!("10.000"), json!("10")),
            ],
            bad: vec![
                (json!("0.499999999"), "out_of_range"),
                (json!("10.1"), "out_of_range"),
                (json!("1e1"), "type"),
                (json!("٣"), "type"),
                (json!(1.5), "type"),
            ],
        },
        Case {
            of: T::Bool,
            rules: Rules::default(),
            good: same(&[json!(true), json!(false)]),
            bad: vec![(json!("true"), "type"), (json!(1), "type")],
        },
        Case {
            of: T::Date,
            rules: Rules {
                min: text("2020-01-01"),
                ..Rules::default()
            },
            good: same(&[json!("2020-01-01"), json!("2024-02-29")]),
            bad: vec![
                (json!("2019-12-31"), "out_of_range"),
                (json!("2023-02-29"), "type"),
                (json!("2024-2-9"), "type"),
                (json!("20240229"), "type"),
                (json!("+12024-02-29"), "type"),
            ],
        },
        Case {
            of: T::Enum,
            rules: one_of(&["wool", "silk"]),
            good: same(&[json!("silk")]),
            bad: vec![(json!("Silk"), "unknown"), (json!(["silk"]), "type")],
        },
        Case {
            of: T::Money,
            rules: Rules::default(),
            good: same(&[json!({"amount": 1990, "currency": "EUR"})]),
            bad: vec![
                (json!({"amount": -1, "currency": "EUR"}), "type"),
                (json!({"amount": 1.5, "currency": "EUR"}), "type"),
                (json!({"amount": 1, "currency": "EURO"}), "type"),
                (json!({"amount": 1, "currency": "EUR", "x": 1}), "type"),
                (json!("19.90 EUR"), "type"),
            ],
        },
        Case {
            of: T::Reference,
            rules: Rules {
                references: Some(CustomResource::Product),
                ..Rules::default()
            },
            good: same(&[json!(1)]),
            bad: vec![
                (json!(999_999_999), "unknown"),
                (json!(0), "type"),
                (json!("1"), "type"),
            ],
        },
        Case {
            of: T::List,
            rules: Rules {
                item_type: Some(T::Decimal),
                max_items: Some(2),
                ..Rules::default()
            },
            good: vec![(json!(["1.0", "2"]), json!(["1", "2"]))],
            bad: vec![
                (json!([]), "length"),
                (json!(["1", "2", "3"]), "length"),
                (json!(["1", "1.0"]), "repeated"),
                (json!(["1", 2]), "type"),
                (json!("1"), "type"),
            ],
        },
        Case {
            of: T::Json,
            rules: Rules::default(),
            good: same(&[
                json!({"a": [1, null, {"b": "c"}]}),
                json!("x"),
                json!(false),
            ]),
            bad: vec![
                (json!({"a": ["\u{0}"]}), "characters"),
                (json!({"\u{0}": 1}), "characters"),
                (json!("x".repeat(65_536)), "too_large"),
            ],
        },
    ]
}

#[test]
fn each_type_takes_what_it_is_and_names_what_it_is_not() {
    let conn = &mut conn();
    let other = create(conn, product("OTHER"));
    let id = create(conn, product("FIELDS"));
    for (number, case) in cases().into_iter().enumerate() {
        let key = format!("field{number}");
        let mut of_products = field(&key, case.of, case.rules);
        of_products.is_public = number % 2 == 0;
        define(conn, of_products);
        let real = |value: &Value| match case.of {
            T::Reference if *value == 1 => json!(other.get()),
            _ => value.clone(),
        };
        for (written, form) in case.good {
            set(conn, id, set_values(&[(&key, real(&written))])).unwrap();
            assert_eq!(kept(conn, id).all_values()[&key], real(&form), "{key}");
        }
        let before = kept(conn, id);
        for (bad, code) in case.bad {
            let fault = fault(conn, id, &[(&key, bad.clone())]);
            assert!(fault.field.starts_with(&format!("customFields.{key}")));
            assert_eq!(fault.code, code, "{key}: {bad}");
        }
        assert_eq!(kept(conn, id), before);
    }
    let item = fault(conn, id, &[("field9", json!(["1", "x"]))]);
    assert_eq!(item.field, "customFields.field9[1]");
    let unknown = fault(conn, id, &[("nothing", json!(1))]);
    assert_eq!(
        (unknown.field.as_str(), unknown.code),
        ("customFields.nothing", "unknown")
    );
    assert_eq!(findings(conn), Vec::<String>::new());
}

#[test]
fn what_is_unset_is_as_if_it_had_never_been_set() {
    let conn = &mut conn();
    define(conn, field("size", T::Int, Rules::default()));
    let never = create(conn, product("NEVER"));
    let once = create_with(conn, "ONCE", set_values(&[("size", json!(7))])).unwrap();
    let null = create_with(conn, "NULL", set_values(&[("size", Value::Null)])).unwrap();
    let both = AttributeChanges {
        metadata: object(&[("erp", json!({"id": 7}))]),
        private_metadata: object(&[("cost", json!(1))]),
        ..AttributeChanges::default()
    };
    set(conn, once, both).unwrap();
    assert_eq!(kept(conn, once).metadata["erp"]["id"], 7);

    let nothing = AttributeChanges {
        values: object(&[("size", Value::Null)]),
        metadata: object(&[("erp", Value::Null), ("no", Value::Null)]),
        private_metadata: object(&[("cost", Value::Null)]),
    };
    set(conn, once, nothing).unwrap();

    assert_eq!(kept(conn, once), kept(conn, never));
    assert_eq!(kept(conn, null), kept(conn, never));
}

#[test]
fn values_and_metadata_have_an_end() {
    let conn = &mut conn();
    for key in ["a", "b", "c"] {
        define(conn, field(key, T::Json, Rules::default()));
    }
    let id = create(conn, product("LARGE"));
    let half = json!("x".repeat(MAX_ALL_BYTES / 2 - 100));
    set(
        conn,
        id,
        set_values(&[("a", half.clone()), ("b", half.clone())]),
    )
    .unwrap();
    let more = fault(conn, id, &[("c", half)]);
    assert_eq!(
        (more.field.as_str(), more.code),
        ("customFields", "too_large")
    );

    let metadata = |members: Map<String, Value>| AttributeChanges {
        metadata: members,
        ..AttributeChanges::default()
    };
    let many = (0..101).map(|n| (n.to_string(), json!(n))).collect();
    for bad in [
        many,
        object(&[("x", json!("y".repeat(MAX_METADATA)))]),
        object(&[("", json!(1))]),
        object(&[("a\u{0}", json!(1))]),
        object(&[("a", json!("\u{0}"))]),
    ] {
        let refused = set(conn, id, metadata(bad));
        assert!(
            matches!(&refused, Err(EditError::Fault(fault)) if fault.field == "metadata"),
            "{refused:?}"
        );
    }
}

#[test]
fn variants_and_categories_keep_values_of_their_own_fields() {
    let conn = &mut conn();
    for resource in [CustomResource::Variant, CustomResource::Category] {
        let of_it = field("care", T::Text, Rules::default());
        define(conn, NewField { resource, ..of_it });
    }
    let id = create(conn, product("CARED"));
    let variant = catalog::products::find_default_variant(conn, id)
        .unwrap()
        .unwrap();
    let change = |value: Value| editing::VariantChanges {
        attributes: set_values(&[("care", value)]),
        ..editing::VariantChanges::default()
    };
    editing::update(conn, (id, variant), change(json!("cold")), None, None).unwrap();
    let of_variant = attributes::find(conn, CustomResource::Variant, variant.get()).unwrap();
    assert_eq!(of_variant.public["care"], "cold");
    let refused = editing::update(conn, (id, variant), change(json!(1)), None, None);
    assert!(
        matches!(refused, Err(VariantError::Fault(0, _))),
        "{refused:?}"
    );
    assert_eq!(fault(conn, id, &[("care", json!("cold"))]).code, "unknown");

    let new = NewCategory {
        slug: "cared".parse().unwrap(),
        name: "Cared".into(),
        description: String::new(),
        image: String::new(),
        product_order: ProductOrder::Manual,
        place: Place::Root(None),
        attributes: set_values(&[("care", json!("warm"))]),
    };
    let category = categories::create(conn, new.clone(), None).unwrap();
    let of_category = attributes::find(conn, CustomResource::Category, category.get()).unwrap();
    assert_eq!(of_category.public["care"], "warm");
    let wrong = NewCategory {
        slug: "wrong".parse().unwrap(),
        attributes: set_values(&[("care", json!(["warm"]))]),
        ..new
    };
    let refused = categories::create(conn, wrong, None);
    assert!(
        matches!(refused, Err(CategoryError::Fault(_))),
        "{refused:?}"
    );
}

#[test]
fn what_is_required_is_there_whoever_makes_the_product() {
    let conn = &mut conn();
    let required = Rules {
        required: true,
        ..Rules::default()
    };
    define(conn, field("origin", T::Text, required.clone()));
    let bare = create_with(conn, "BARE", AttributeChanges::default());
    assert!(
        matches!(&bare, Err(EditError::Fault(fault)) if fault.code == "required"),
        "{bare:?}"
    );
    let plain = catalog::editing::create_all(conn, &[product("PLAIN")], None);
    assert!(matches!(plain, Err(EditError::Fault(_))), "{plain:?}");
    let mut told = Vec::new();
    let file = "sku,name,price,currency\nFILE,Of a file,1.00,USD\n";
    read_csv(conn, file.as_bytes(), false, |_, _, outcome| {
        told.push(outcome.clone());
    })
    .unwrap();
    assert!(
        matches!(&told[..], [Outcome::Refused(refusal)] if refusal.message == "`origin` is required"),
        "{told:?}"
    );

    let whole = create_with(conn, "WHOLE", set_values(&[("origin", json!("Bergen"))])).unwrap();
    assert_eq!(
        fault(conn, whole, &[("origin", Value::Null)]).code,
        "required"
    );
    assert_eq!(kept(conn, whole).public["origin"], "Bergen");
}
