//! Each language is searched in its own words.

use catalog::categories::editing::{CategoryChanges, update as update_category};
use catalog::search::rebuilding;
use catalog::translations::{categories, products};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{CategoryId, Locale, PageSize, ProductId, SearchSort};

use super::{everything, find, findings, follow, ids, index_all, named, names, words};
use crate::{USD, conn, count, create, database, product, text};
use catalog::search::Search;

fn locale(text: &str) -> Locale {
    text.parse().unwrap()
}

/// Has a shop of these languages searched.
fn speak(conn: &mut PgConnection, locales: &[&str]) {
    let locales: Vec<String> = locales.iter().map(|it| (*it).to_owned()).collect();
    rebuilding::begin(conn, &locales, USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    conn.transaction(rebuilding::swap).unwrap();
    rebuilding::clear(conn).unwrap();
}

fn translate(
    conn: &mut PgConnection,
    id: ProductId,
    into: &str,
    name: Option<&str>,
    description: Option<&str>,
) {
    let texts = products::Texts {
        name: name.map(str::to_owned),
        description: description.map(str::to_owned),
        ..products::Texts::default()
    };
    products::set(conn, id, &locale(into), Some(texts), None, None).unwrap();
}

fn words_in(locale: &str, text: &str) -> Search {
    Search {
        locale: locale.to_owned(),
        ..words(text)
    }
}

fn found(conn: &mut PgConnection, locale: &str, text: &str) -> Vec<i64> {
    let mut found = ids(conn, &words_in(locale, text));
    found.sort_unstable();
    found
}

#[test]
fn words_are_those_of_the_language_and_what_is_not_translated_falls_back() {
    let conn = &mut conn();
    let (cat, dog) = (named(conn, "T-1", "Cats"), named(conn, "T-2", "Dogs"));
    conn.batch_execute(&format!(
        "UPDATE catalog.products SET description = 'They purr', brand = 'Acme', seo_title = 'Soft' WHERE id = {cat}"
    ))
    .unwrap();
    translate(conn, cat, "de", Some("Katzen"), None);
    translate(conn, cat, "pt", Some("Gatos"), Some("Ronronam"));
    translate(conn, cat, "pt-BR", Some("Gatinhos"), None);
    speak(conn, &["en", "de", "pt", "pt-BR"]);
    let (cat, dog) = (cat.get(), dog.get());

    for (locale, word, expected) in [
        ("en", "cat", vec![cat]),
        ("en", "Katze", vec![]),
        ("de", "Katze", vec![cat]),
        ("de", "KATZEN", vec![cat]),
        ("de", "cats", vec![]),
        // Its description and the other product are not translated.
        ("de", "purr", vec![cat]),
        ("de", "Dogs", vec![dog]),
        ("de", "acme", vec![cat]),
        ("de", "soft", vec![cat]),
        ("pt", "gato", vec![cat]),
        ("pt", "purr", vec![]),
        ("pt", "ronronam", vec![cat]),
        // Text by text: the name from here, and what it says from the wider language.
        ("pt-BR", "gatinho", vec![cat]),
        ("pt-BR", "gatos", vec![]),
        ("pt-BR", "ronronam", vec![cat]),
        ("pt-BR", "soft", vec![cat]),
    ] {
        assert_eq!(found(conn, locale, word), expected, "{word} in {locale}");
    }
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn the_words_of_a_language_are_its_vocabulary() {
    let conn = &mut conn();
    let id = named(conn, "V-1", "Lantern");
    translate(conn, id, "de", Some("Laterne"), None);
    speak(conn, &["en", "de"]);

    let german = find(conn, &words_in("de", "Laternr"));
    assert_eq!(german.did_you_mean.as_deref(), Some("laterne"));
    assert_eq!(german.products.items.len(), 1);
    let english = find(conn, &words_in("en", "Lanternr"));
    assert_eq!(english.did_you_mean.as_deref(), Some("lantern"));
    // Nobody is told of a word that finds nothing in the language.
    let none = find(conn, &words_in("en", "Latarne"));
    assert_eq!((none.did_you_mean, none.products.items.len()), (None, 0));
}

#[test]
fn the_names_of_categories_are_words_in_each_language() {
    let conn = &mut conn();
    let id = named(conn, "C-1", "Mug");
    conn.batch_execute(&format!(
        "INSERT INTO catalog.categories (slug, name, root_position) VALUES ('home', 'Household', 1), ('cups', 'Crockery', NULL); \
         INSERT INTO catalog.category_parents SELECT c.id, p.id, 1, 1 FROM catalog.categories c, catalog.categories p \
          WHERE c.slug = 'cups' AND p.slug = 'home'; \
         INSERT INTO catalog.category_products SELECT id, {id}, 1, 'Mug' FROM catalog.categories WHERE slug = 'cups'"
    ))
    .unwrap();
    let category = |conn: &mut PgConnection, slug: &str| -> CategoryId {
        let id = text(
            conn,
            &format!("(SELECT id::text FROM catalog.categories WHERE slug = '{slug}')"),
        );
        id.parse().unwrap()
    };
    let (home, cups) = (category(conn, "home"), category(conn, "cups"));
    let german = categories::Texts {
        name: Some("Geschirr".to_owned()),
        description: None,
        custom: catalog::translations::custom::Values::new(),
    };
    categories::set(conn, cups, &locale("de"), Some(german), None, None).unwrap();
    speak(conn, &["en", "de"]);

    assert_eq!(names(conn, "crockery"), ["Mug"]);
    assert_eq!(names(conn, "household"), ["Mug"], "of the one above");
    assert_eq!(names(conn, "geschirr"), [""; 0]);
    assert_eq!(found(conn, "de", "Geschirr"), [id.get()]);
    assert_eq!(found(conn, "de", "Household"), [id.get()]);
    assert_eq!(found(conn, "de", "crockery"), [0_i64; 0]);

    let renamed = CategoryChanges {
        name: Some("Kitchen".to_owned()),
        ..CategoryChanges::default()
    };
    update_category(conn, home, renamed, None, None).unwrap();
    assert_eq!(
        findings(conn).len(),
        0,
        "an event that is on its way is not wrong"
    );
    index_all(conn);
    assert_eq!(names(conn, "household"), [""; 0]);
    assert_eq!(names(conn, "kitchen"), ["Mug"]);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn a_changed_translation_is_found_and_one_that_is_gone_is_not() {
    let conn = &mut database().connect();
    let id = create(conn, product("FOLLOW-1"));
    speak(conn, &["en", "de"]);
    follow(conn);
    assert_eq!(found(conn, "de", "Tasse"), [0_i64; 0]);

    translate(conn, id, "de", Some("Tasse"), None);
    follow(conn);
    assert_eq!(found(conn, "de", "Tassen"), [id.get()]);
    assert_eq!(found(conn, "de", "follow"), [id.get()], "by its SKU");
    assert_eq!(found(conn, "en", "product"), [id.get()]);

    // While all is built anew, both indexes hear of it.
    rebuilding::begin(conn, &["en".to_owned(), "de".to_owned()], USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    translate(conn, id, "de", Some("Becher"), None);
    follow(conn);
    assert_eq!(found(conn, "de", "Becher"), [id.get()]);
    conn.transaction(rebuilding::swap).unwrap();
    assert_eq!(found(conn, "de", "Becher"), [id.get()]);
    assert_eq!(found(conn, "de", "Tasse"), [0_i64; 0]);

    products::set(conn, id, &locale("de"), None, None, None).unwrap();
    follow(conn);
    assert_eq!(found(conn, "de", "Becher"), [0_i64; 0]);
    assert_eq!(found(conn, "de", "Product"), [id.get()]);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn a_page_by_name_goes_on_in_the_language() {
    let conn = &mut conn();
    let all = [
        ("N-1", "A", "Zebra"),
        ("N-2", "B", "Yak"),
        ("N-3", "C", "Affe"),
        ("N-4", "D", "Bär"),
    ]
    .map(|(sku, name, german)| {
        let id = named(conn, sku, name);
        translate(conn, id, "de", Some(german), None);
        id.get()
    });
    speak(conn, &["en", "de"]);
    let mut page = Search {
        locale: "de".to_owned(),
        sort: SearchSort::Name,
        size: PageSize::try_from(1).unwrap(),
        ..everything()
    };
    let mut seen = Vec::new();
    loop {
        let shown = find(conn, &page).products;
        seen.extend(shown.items.iter().map(|product| product.id.get()));
        let Some(cursor) = shown.next_cursor else {
            break;
        };
        page.after = Some(cursor.position());
    }
    assert_eq!(seen, [all[2], all[3], all[1], all[0]]);
}

#[test]
fn a_shop_of_one_language_has_one_document_of_each_product() {
    let conn = &mut conn();
    let id = named(conn, "ONE-1", "Mug");
    let fingerprint = |conn: &mut PgConnection| {
        text(
            conn,
            "(SELECT string_agg(fingerprint::text, ',') FROM catalog.search_documents_0)",
        )
    };
    let before = fingerprint(conn);
    // Into a language that nobody looks for: its document is written anew, and says what it said.
    translate(conn, id, "de", Some("Tasse"), None);
    index_all(conn);
    assert_eq!(count(conn, "catalog.search_documents_0"), 1);
    assert_ne!(fingerprint(conn), before);
    assert_eq!(names(conn, "mugs"), ["Mug"]);
    assert_eq!(names(conn, "tasse"), [""; 0]);
}

#[test]
fn an_index_of_a_release_that_found_less_is_built_anew() {
    let conn = &mut conn();
    named(conn, "OLD-1", "Mug");
    let english = ["en".to_owned()];
    assert!(rebuilding::is_suitable(conn, &english, USD).unwrap());
    conn.batch_execute(
        "UPDATE catalog.search_index SET shape = 1; \
         UPDATE catalog.search_documents_0 SET fingerprint = gen_random_uuid()",
    )
    .unwrap();

    assert!(!rebuilding::is_suitable(conn, &english, USD).unwrap());
    assert_eq!(findings(conn), [""; 0], "it is about to be built");
    // One that was begun by the release before ends as what that release knew.
    rebuilding::begin(conn, &english, USD).unwrap();
    conn.batch_execute("UPDATE catalog.search_index SET next_shape = NULL")
        .unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    conn.transaction(rebuilding::swap).unwrap();
    assert!(!rebuilding::is_suitable(conn, &english, USD).unwrap());

    speak(conn, &["en"]);
    assert!(rebuilding::is_suitable(conn, &english, USD).unwrap());
    assert_eq!(findings(conn), [""; 0]);
    assert_eq!(names(conn, "mug"), ["Mug"]);
}
