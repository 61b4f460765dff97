//! Texts in other languages than the shop's own.

use catalog::categories::editing::NewCategory;
use catalog::categories::placing::Place;
use catalog::custom_fields::attributes::AttributeChanges;
use catalog::editing::EditError;
use catalog::products as catalogue;
use catalog::translations::products::Texts;
use catalog::translations::{MAX_LOCALES, TranslationError, categories, products};
use db::testing::count;
use domain::{Locale, ProductOrder};

use crate::{USD, conn, create, product};

fn locale(text: &str) -> Locale {
    text.parse().unwrap()
}

fn named(name: &str) -> Option<Texts> {
    Some(Texts {
        name: Some(name.to_owned()),
        ..Texts::default()
    })
}

#[test]
fn a_text_that_is_missing_is_looked_for_in_wider_locales() {
    let conn = &mut conn();
    let (a, b) = (
        create(conn, product("TEXT-1")),
        create(conn, product("TEXT-2")),
    );
    let german = Texts {
        description: Some("Blau".into()),
        seo_title: Some(String::new()),
        ..named("Tasse").unwrap()
    };
    products::set(conn, a, &locale("de"), Some(german), Some(1), None).unwrap();
    products::set(conn, a, &locale("de-AT"), named("Häferl"), Some(2), None).unwrap();
    products::set(conn, b, &locale("fr"), named("Mug"), None, None).unwrap();

    let of = |conn: &mut _, text: &str| {
        let ids = vec![a.get(), b.get()];
        products::find_all(conn, ids, &locale(text)).unwrap()
    };
    let austrian = &of(conn, "de-at")[&a];
    assert_eq!(austrian.name.as_deref(), Some("Häferl"));
    assert_eq!(austrian.description.as_deref(), Some("Blau"));
    assert_eq!(austrian.seo_title.as_deref(), Some(""));
    assert_eq!(austrian.seo_description, None);
    let swiss = of(conn, "de-CH");
    assert_eq!(swiss[&a].name.as_deref(), Some("Tasse"));
    assert!(!swiss.contains_key(&b));
    assert!(of(conn, "it").is_empty());
    let all: Vec<String> = products::list(conn, a)
        .unwrap()
        .into_iter()
        .map(|(locale, _)| locale)
        .collect();
    assert_eq!(all, ["de", "de-AT"]);
}

#[test]
fn a_translation_is_a_change_of_its_product_and_refused_when_that_is_another_one() {
    let conn = &mut conn();
    let id = create(conn, product("TEXT-3"));
    let de = locale("de");
    assert_eq!(
        products::set(conn, id, &de, named("Eins"), Some(1), None).unwrap(),
        2
    );
    let stale = products::set(conn, id, &de, named("Zwei"), Some(1), None);
    assert!(
        matches!(stale, Err(TranslationError::Edit(EditError::Stale(2)))),
        "{stale:?}"
    );
    assert_eq!(catalogue::find(conn, id, USD).unwrap().unwrap().version, 2);
    let events = format!("platform.outbox WHERE kind = 'product.changed' AND resource_id = {id}");
    assert_eq!(count(conn, &events), 2);
    assert_eq!(products::set(conn, id, &de, None, None, None).unwrap(), 3);
    let gone = products::set(conn, id, &de, None, None, None);
    assert!(matches!(gone, Err(TranslationError::NotThere)), "{gone:?}");
}

#[test]
fn categories_are_translated_alike_and_there_is_an_end_to_languages() {
    let conn = &mut conn();
    let new = NewCategory {
        slug: "cups".parse().unwrap(),
        name: "Cups".into(),
        description: "For tea".into(),
        image: String::new(),
        product_order: ProductOrder::Manual,
        place: Place::Root(None),
        attributes: AttributeChanges::default(),
    };
    let id = catalog::categories::editing::create(conn, new, None).unwrap();
    let texts = |name: &str| {
        Some(categories::Texts {
            name: Some(name.to_owned()),
            ..categories::Texts::default()
        })
    };
    categories::set(conn, id, &locale("de"), texts("Tassen"), None, None).unwrap();
    let found = categories::find_all(conn, vec![id.get()], &locale("de-LI")).unwrap();
    assert_eq!(found[&id].name.as_deref(), Some("Tassen"));
    assert_eq!(found[&id].description, None);

    let letters = || ('a'..='z').map(String::from);
    let others = letters().flat_map(|a| letters().map(move |b| format!("q{a}{b}")));
    for other in others.take(usize::try_from(MAX_LOCALES).unwrap() - 1) {
        categories::set(conn, id, &locale(&other), texts("x"), None, None).unwrap();
    }
    categories::set(conn, id, &locale("de"), texts("Becher"), None, None).unwrap();
    let more = categories::set(conn, id, &locale("en"), texts("Cups"), None, None);
    assert!(matches!(more, Err(TranslationError::TooMany)), "{more:?}");
}
