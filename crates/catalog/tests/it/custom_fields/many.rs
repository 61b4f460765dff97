//! Values of many things, in as many statements as of one.

use catalog::custom_fields::Rules;
use catalog::custom_fields::applying::{self, Step};
use catalog::custom_fields::attributes::{self, AttributeChanges};
use catalog::custom_fields::defining::NewField;
use catalog::variants::adding::{self, NewVariant};
use catalog::variants::{VariantError, choosing};
use db::testing::count;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{CustomResource, CustomType as T, ProductId};
use serde_json::{Value, json};

use super::{change, define, field, set_values, shown};
use crate::variants::{options, variant};
use crate::{conn, create, product, statements};

const SIZES: [&str; 7] = ["1", "2", "3", "4", "5", "6", "7"];

/// A product of seven sizes; its variants have a shade, a secret number, a product they refer to and a manual.
fn shoe(conn: &mut PgConnection) -> ProductId {
    let id = create(conn, product("SHOE"));
    choosing::set_options(conn, id, &options(&[("Size", &SIZES)]), None, None).unwrap();
    let of_variants = |new: NewField| NewField {
        resource: CustomResource::Variant,
        ..new
    };
    let of_products = Rules {
        references: Some(CustomResource::Product),
        ..Rules::default()
    };
    define(conn, of_variants(field("shade", T::Text, Rules::default())));
    define(
        conn,
        of_variants(field("manual", T::File, Rules::default())),
    );
    define(
        conn,
        of_variants(field("goesWith", T::Reference, of_products)),
    );
    let secret = NewField {
        is_public: false,
        ..field("secret", T::Int, Rules::default())
    };
    define(conn, of_variants(secret));
    id
}

fn sized(size: &str, values: &[(&str, Value)]) -> NewVariant {
    NewVariant {
        attributes: set_values(values),
        ..variant(&format!("SHOE-{size}"), size)
    }
}

#[test]
fn many_variants_are_given_values_in_as_many_statements_as_one_is() {
    let conn = &mut conn();
    let id = shoe(conn);
    let with = |size: &&str| {
        let values = [
            ("shade", json!(format!("shade {size}"))),
            ("secret", json!(7)),
            ("goesWith", json!(id)),
        ];
        sized(size, &values)
    };
    let one = statements(conn, |conn| {
        adding::create_all(conn, id, &[with(&SIZES[0])], None).unwrap();
    });

    let mut more: Vec<NewVariant> = SIZES[1..].iter().map(with).collect();
    more[3].attributes = AttributeChanges::default();
    let mut made = Vec::new();
    let many = statements(conn, |conn| {
        made = adding::create_all(conn, id, &more, None).unwrap();
    });

    assert_eq!(many, one);
    for (size, variant) in SIZES[1..].iter().zip(made) {
        let kept = attributes::find(conn, CustomResource::Variant, variant.get()).unwrap();
        if *size == "5" {
            assert_eq!(kept.all_values().len(), 0);
            continue;
        }
        assert_eq!(kept.public["shade"], format!("shade {size}"));
        assert_eq!(kept.public["goesWith"], json!(id));
        assert_eq!(kept.private["secret"], 7);
    }
}

#[test]
fn of_many_variants_the_one_whose_value_is_wrong_is_named() {
    let conn = &mut conn();
    let id = shoe(conn);
    let good = || sized("1", &[("shade", json!("red")), ("goesWith", json!(id))]);
    for (key, wrong, code) in [
        ("secret", json!("7"), "type"),
        ("goesWith", json!(999_999_999), "unknown"),
        ("manual", json!(999_999_999), "unknown"),
    ] {
        let new = [good(), sized("2", &[]), sized("3", &[(key, wrong)])];
        let refused = conn.transaction(|conn| adding::create_all(conn, id, &new, None));
        assert!(
            matches!(&refused, Err(VariantError::Fault(2, fault))
                     if fault.field == format!("customFields.{key}") && fault.code == code),
            "{refused:?}"
        );
    }
}

#[test]
fn many_categories_are_told_of_in_as_many_statements_as_one_is() {
    let conn = &mut conn();
    let new = NewField {
        resource: CustomResource::Category,
        ..field("season", T::Int, Rules::default())
    };
    let id = define(conn, new);
    let fill = |conn: &mut PgConnection, from: i32, to: i32| {
        conn.batch_execute(&format!(
            "WITH made AS (INSERT INTO catalog.categories (slug, name, root_position) \
               SELECT 'c-' || n, 'C', n FROM generate_series({from}, {to}) n RETURNING id) \
             INSERT INTO catalog.custom_values (resource, resource_id, public_values) \
             SELECT 'category', id, '{{\"season\": 1}}' FROM made"
        ))
        .unwrap();
    };
    let step = |conn: &mut PgConnection| {
        statements(conn, |conn| {
            let step = applying::step(conn, id, 0).unwrap();
            assert!(matches!(step, Step::After(_)));
        })
    };
    fill(conn, 1, 1);
    change(conn, id, &shown(false)).unwrap();
    let one = step(conn);

    fill(conn, 2, 30);
    let many = step(conn);

    assert_eq!(many, one);
    assert_eq!(count(conn, "catalog.categories WHERE version = 2"), 30);
    let told = "platform.outbox WHERE kind = 'category.updated'";
    assert_eq!(count(conn, told), 30);
}
