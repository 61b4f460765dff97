//! Values in other languages than the shop's own, and values that nobody is to see any more.

use catalog::categories::editing::{self as category_editing, NewCategory};
use catalog::categories::{CategoryError, placing::Place};
use catalog::custom_fields::Rules;
use catalog::custom_fields::attributes::AttributeChanges;
use catalog::custom_fields::defining::{self, DefineError, FieldChanges, NewField};
use catalog::editing::EditError;
use catalog::products;
use catalog::translations::{TranslationError, categories, custom, products as texts};
use db::testing::count;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{CustomResource, CustomType as T, Locale, ProductId, ProductOrder};
use serde_json::{Map, Value, json};

use super::{
    apply, change, create_with, define, field, findings, kept, object, refused, ruled, set,
    set_values, shown,
};
use crate::{USD, conn, create, product, statements};

fn translatable(key: &str, of: T, rules: Rules) -> NewField {
    NewField {
        is_translatable: true,
        ..field(key, of, rules)
    }
}

fn locale(text: &str) -> Locale {
    text.parse().unwrap()
}

fn say(
    conn: &mut PgConnection,
    id: ProductId,
    of: &str,
    values: &[(&str, Value)],
) -> Result<i64, TranslationError<EditError>> {
    let said = texts::Texts {
        custom: object(values),
        ..texts::Texts::default()
    };
    let mut written = Err(TranslationError::NotThere);
    let _ = conn.transaction(|conn| {
        written = texts::set(conn, id, &locale(of), Some(said), None, None);
        match &written {
            Ok(_) => Ok(()),
            Err(_) => Err(diesel::result::Error::RollbackTransaction),
        }
    });
    written
}

fn said(conn: &mut PgConnection, id: ProductId, of: &str) -> Map<String, Value> {
    custom::find(conn, CustomResource::Product, id.get(), &locale(of)).unwrap()
}

fn list_of_texts() -> Rules {
    Rules {
        item_type: Some(T::Text),
        max_length: Some(20),
        ..Rules::default()
    }
}

#[test]
fn each_value_is_that_of_the_language_or_of_a_wider_one() {
    let conn = &mut conn();
    define(conn, translatable("care", T::Text, Rules::default()));
    define(conn, translatable("story", T::RichText, Rules::default()));
    define(conn, translatable("parts", T::List, list_of_texts()));
    let given = set_values(&[
        ("care", json!("Wash cold")),
        ("story", json!("<p>Once</p>")),
        ("parts", json!(["lid", "cup"])),
    ]);
    let id = create_with(conn, "SAID", given).unwrap();

    let german = [
        ("care", json!("Kalt waschen")),
        ("story", json!("<p>Einmal<script>x()</script></p>")),
        ("parts", json!(["Deckel", "Tasse"])),
    ];
    say(conn, id, "de", &german).unwrap();
    say(conn, id, "de-AT", &[("care", json!("Kühl waschen"))]).unwrap();

    let austrian = said(conn, id, "de-at");
    assert_eq!(austrian["care"], "Kühl waschen");
    assert_eq!(austrian["story"], "<p>Einmal</p>");
    assert_eq!(austrian["parts"], json!(["Deckel", "Tasse"]));
    assert_eq!(said(conn, id, "de-CH")["care"], "Kalt waschen");
    assert_eq!(said(conn, id, "fr"), Map::new());
    let all = texts::list(conn, id).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].1.custom, object(&[("care", json!("Kühl waschen"))]));
    // What is written is all there is then, and what takes the translation away takes them along.
    say(
        conn,
        id,
        "de",
        &[("care", json!("Kalt")), ("story", Value::Null)],
    )
    .unwrap();
    assert_eq!(said(conn, id, "de"), object(&[("care", json!("Kalt"))]));
    texts::set(conn, id, &locale("de"), None, None, None).unwrap();
    assert_eq!(said(conn, id, "de"), Map::new());
    assert_eq!(kept(conn, id).public["care"], "Wash cold");
    assert_eq!(findings(conn), Vec::<String>::new());
}

#[test]
fn a_value_in_another_language_is_checked_as_values_are() {
    let conn = &mut conn();
    let short = Rules {
        max_length: Some(5),
        ..Rules::default()
    };
    define(conn, translatable("care", T::Text, short));
    define(conn, translatable("parts", T::List, list_of_texts()));
    define(conn, translatable("story", T::RichText, Rules::default()));
    define(conn, field("plain", T::Text, Rules::default()));
    let id = create(conn, product("SAID-BAD"));
    for (key, bad, place, code) in [
        ("care", json!("abcdef"), "care", "length"),
        ("care", json!(7), "care", "type"),
        ("care", json!("a\u{0}"), "care", "characters"),
        ("parts", json!(["a", 7]), "parts[1]", "type"),
        (
            "story",
            json!("<b>".repeat(1_001)),
            "story",
            "too_many_tags",
        ),
        ("plain", json!("x"), "plain", "not_translatable"),
        ("nothing", json!("x"), "nothing", "unknown"),
    ] {
        match say(conn, id, "de", &[(key, bad.clone())]) {
            Err(TranslationError::Edit(EditError::Fault(fault))) => {
                assert_eq!(fault.field, format!("customFields.{place}"));
                assert_eq!(fault.code, code, "{bad}");
            }
            other => panic!("{bad} came to {other:?}"),
        }
    }
    assert_eq!(count(conn, "catalog.product_translations"), 0);
    assert_eq!(count(conn, "catalog.custom_translations"), 0);
}

#[test]
fn only_texts_of_products_and_categories_are_translatable() {
    let conn = &mut conn();
    let of_variants = NewField {
        resource: CustomResource::Variant,
        ..translatable("bad", T::Text, Rules::default())
    };
    let list_of_numbers = Rules {
        item_type: Some(T::Int),
        ..Rules::default()
    };
    for bad in [
        of_variants,
        translatable("bad", T::Int, Rules::default()),
        translatable("bad", T::Json, Rules::default()),
        translatable("bad", T::List, list_of_numbers),
    ] {
        let refused = refused(conn, bad);
        assert!(
            matches!(&refused, DefineError::Fault(fault) if fault.field == "translatable"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_definition_does_not_contradict_what_is_said_in_any_language() {
    let conn = &mut conn();
    let of = define(conn, translatable("care", T::Text, Rules::default()));
    let id = create_with(conn, "SAID-1", set_values(&[("care", json!("cold"))])).unwrap();
    say(conn, id, "de", &[("care", json!("kalt waschen"))]).unwrap();
    say(conn, id, "fr", &[("care", json!("froid"))]).unwrap();

    let shorter = Rules {
        max_length: Some(6),
        ..Rules::default()
    };
    let refused = change(conn, of, &ruled(shorter));
    assert!(
        matches!(refused, Err(DefineError::Conflicts(1))),
        "{refused:?}"
    );
    let in_one = FieldChanges {
        is_translatable: Some(false),
        ..FieldChanges::default()
    };
    let refused = change(conn, of, &in_one);
    assert!(
        matches!(refused, Err(DefineError::Conflicts(2))),
        "{refused:?}"
    );
    say(conn, id, "de", &[]).unwrap();
    say(conn, id, "fr", &[]).unwrap();
    assert_eq!(change(conn, of, &in_one).unwrap(), None);

    // What is removed is said in no language when a field of its key is made again.
    let of = define(conn, translatable("story", T::Text, Rules::default()));
    say(conn, id, "de", &[("story", json!("Es war"))]).unwrap();
    conn.transaction(|conn| defining::remove(conn, of, None, None))
        .unwrap();
    apply(conn, of);
    define(conn, translatable("story", T::Text, Rules::default()));
    assert_eq!(said(conn, id, "de"), Map::new());
    conn.batch_execute(
        "UPDATE catalog.custom_translations SET texts = '{\"lost\": \"x\"}' WHERE locale = 'de'",
    )
    .unwrap();
    assert_eq!(
        findings(conn),
        [format!(
            "product {id} says lost in de, which is not translatable"
        )]
    );
}

#[test]
fn categories_say_their_values_alike() {
    let conn = &mut conn();
    let of_it = translatable("season", T::Text, Rules::default());
    define(
        conn,
        NewField {
            resource: CustomResource::Category,
            ..of_it
        },
    );
    let new = NewCategory {
        slug: "said".parse().unwrap(),
        name: "Said".into(),
        description: String::new(),
        image: String::new(),
        product_order: ProductOrder::Manual,
        place: Place::Root(None),
        attributes: set_values(&[("season", json!("Summer"))]),
    };
    let id = category_editing::create(conn, new, None).unwrap();
    let say = |value: Value| {
        Some(categories::Texts {
            custom: object(&[("season", value)]),
            ..categories::Texts::default()
        })
    };
    categories::set(conn, id, &locale("de"), say(json!("Sommer")), None, None).unwrap();
    let found = custom::find(conn, CustomResource::Category, id.get(), &locale("de-LI"));
    assert_eq!(found.unwrap()["season"], "Sommer");
    let refused = categories::set(conn, id, &locale("de"), say(json!(7)), None, None);
    assert!(
        matches!(
            &refused,
            Err(TranslationError::Edit(CategoryError::Fault(_)))
        ),
        "{refused:?}"
    );
}

#[test]
fn what_turns_private_or_is_removed_is_gone_before_any_job_has_come() {
    let conn = &mut conn();
    let cost = define(conn, field("cost", T::Int, Rules::default()));
    let care = define(conn, field("care", T::Int, Rules::default()));
    let given = AttributeChanges {
        metadata: object(&[("m", json!(1))]),
        ..set_values(&[("cost", json!(7)), ("care", json!(8))])
    };
    let id = create_with(conn, "HIDDEN", given).unwrap();
    let public = |conn: &mut PgConnection| {
        let found = products::find(conn, id, USD).unwrap().unwrap();
        let kept = kept(conn, id);
        assert_eq!(found.custom_fields(), Some(&kept.public));
        (kept.public, kept.private)
    };

    change(conn, cost, &shown(false)).unwrap();
    let now = public(conn);
    assert_eq!(now.0, object(&[("care", json!(8))]));
    assert_eq!(now.1, object(&[("cost", json!(7))]));
    // Whoever writes meanwhile leaves it hidden.
    set(conn, id, set_values(&[("care", json!(9))])).unwrap();
    assert_eq!(public(conn).0, object(&[("care", json!(9))]));
    conn.transaction(|conn| defining::remove(conn, care, None, None))
        .unwrap();
    assert_eq!(public(conn).0, Map::new());

    apply(conn, cost);
    apply(conn, care);
    assert_eq!(public(conn), (Map::new(), object(&[("cost", json!(7))])));
    // Seen again once the job has come, and not before.
    change(conn, cost, &shown(true)).unwrap();
    assert_eq!(public(conn).0, Map::new());
    apply(conn, cost);
    assert_eq!(public(conn).0, object(&[("cost", json!(7))]));
    let read = statements(conn, |conn| {
        products::find(conn, id, USD).unwrap().unwrap();
    });
    assert_eq!(read, 1);
    assert_eq!(findings(conn), Vec::<String>::new());
}
