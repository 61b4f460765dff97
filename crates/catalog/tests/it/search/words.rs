//! Words: stems, accents, typing errors, and what counts more.

use catalog::search::STEMMED;
use catalog::search::rebuilding;
use diesel::connection::SimpleConnection as _;

use super::{find, ids, index_all, named, names, words};
use crate::{USD, conn, text};

#[test]
fn words_are_found_in_any_form_and_all_of_them_have_to_be_there() {
    let conn = &mut conn();
    named(conn, "W-1", "Running shoes");
    named(conn, "W-2", "Running socks");

    assert_eq!(names(conn, "shoe"), ["Running shoes"]);
    assert_eq!(names(conn, "RUNS"), ["Running shoes", "Running socks"]);
    assert_eq!(names(conn, "running, socks!"), ["Running socks"]);
    assert_eq!(names(conn, "the shoes"), ["Running shoes"]);
    assert_eq!(names(conn, "shoes socks"), [""; 0]);
    assert_eq!(names(conn, "the"), [""; 0]);
    assert_eq!(names(conn, "?!"), [""; 0]);
}

#[test]
fn accents_and_widths_do_not_matter_on_either_side() {
    let conn = &mut conn();
    named(conn, "A-1", "Crème brûlée");
    named(conn, "A-2", "Creme bag");
    named(conn, "A-3", "Cre\u{300}me bru\u{302}le\u{301}e set");

    let all = [
        "Creme bag",
        "Crème brûlée",
        "Cre\u{300}me bru\u{302}le\u{301}e set",
    ];
    for query in ["creme", "CRÈME", "cre\u{300}me", "ｃｒｅｍｅ"] {
        let mut expected = all.to_vec();
        expected.sort_unstable();
        assert_eq!(names(conn, query), expected, "{query}");
    }
    assert_eq!(names(conn, "brulee").len(), 2);
}

#[test]
fn brands_tags_skus_and_texts_are_found_too() {
    let conn = &mut conn();
    let id = named(conn, "ZX-81-RED", "Computer");
    conn.batch_execute(&format!(
        "UPDATE catalog.products SET brand = 'Sinclair', tags = '{{vintage,8 bit}}', description = 'With a manual', \
                description_html = '<p class=\"grey\">Membrane <b>key</b>board</p>', seo_title = 'Retro' WHERE id = {id}"
    ))
    .unwrap();
    index_all(conn);

    for query in [
        "sinclair",
        "vintage",
        "8 bit",
        "zx-81-red",
        "ZX 81",
        "manual",
        "membrane",
        "retro",
    ] {
        assert_eq!(names(conn, query), ["Computer"], "{query}");
    }
    assert_eq!(names(conn, "grey"), [""; 0], "a tag is no word");
}

#[test]
fn one_typing_error_is_forgiven_in_a_word_that_nothing_has() {
    let conn = &mut conn();
    named(conn, "T-1", "Lantern green");
    named(conn, "T-2", "Tent");

    // Another letter, one more, one less, two that changed places.
    for query in [
        "lamtern", "lanntern", "lantrn", "latnern", "antern", "lanterns",
    ] {
        assert_eq!(names(conn, query), ["Lantern green"], "{query}");
    }
    let found = find(conn, &words("Latnern  gren"));
    assert_eq!(
        found.products.items.len(),
        0,
        "four letters are as they are meant"
    );
    let found = find(conn, &words("latnern grene"));
    assert_eq!(found.did_you_mean.as_deref(), Some("lantern green"));
    assert_eq!(found.products.items.len(), 1);

    named(conn, "T-3", "Amber silver golden purple");
    let three = find(conn, &words("ambre slver goldn purple"));
    assert_eq!(
        three.did_you_mean.as_deref(),
        Some("amber silver golden purple")
    );
    assert_eq!(
        names(conn, "ambre slver goldn purpel"),
        [""; 0],
        "four of them"
    );
    assert_eq!(names(conn, "lanetrns"), [""; 0], "two errors");
    assert_eq!(names(conn, "tant"), [""; 0], "too short");
    assert_eq!(find(conn, &words("lantern")).did_you_mean, None);
}

#[test]
fn a_word_that_is_there_is_not_taken_for_another_one() {
    let conn = &mut conn();
    named(conn, "K-1", "Candle");
    named(conn, "K-2", "Handle");

    assert_eq!(names(conn, "candle"), ["Candle"]);
    assert_eq!(names(conn, "bandle"), ["Candle", "Handle"]);
}

#[test]
fn what_has_the_words_in_its_name_comes_first_and_the_shorter_name_before() {
    let conn = &mut conn();
    let in_text = named(conn, "R-1", "Sleeve").get();
    let in_brand = named(conn, "R-2", "Pouch").get();
    let long = named(conn, "R-3", "Holder for a lumia and more").get();
    let short = named(conn, "R-4", "Lumia").get();
    conn.batch_execute(&format!(
        "UPDATE catalog.products SET description = 'Fits a lumia' WHERE id = {in_text}; \
         UPDATE catalog.products SET brand = 'Lumia' WHERE id = {in_brand}"
    ))
    .unwrap();
    index_all(conn);

    assert_eq!(ids(conn, &words("lumia")), [short, long, in_brand, in_text]);
}

#[test]
fn each_language_has_its_stems() {
    let conn = &mut conn();
    let locales = ["en".to_owned(), "de".to_owned()];
    named(conn, "L-1", "Katzen");
    rebuilding::begin(conn, &locales, USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    rebuilding::swap(conn).unwrap();
    let mut in_german = words("Katze");
    in_german.locale = "de".to_owned();

    assert_eq!(ids(conn, &in_german).len(), 1);
    assert_eq!(
        names(conn, "Katze"),
        ["Katzen"],
        "a typing error in English"
    );
    assert_eq!(find(conn, &in_german).did_you_mean, None);
    assert!(find(conn, &words("Katze")).did_you_mean.is_some());
}

#[test]
fn postgres_knows_the_stems_of_these_languages() {
    let conn = &mut conn();
    for locale in STEMMED {
        let config = text(conn, &format!("catalog.search_config('{locale}')::text"));
        assert_ne!(config, "simple", "{locale}");
    }
    assert_eq!(text(conn, "catalog.search_config('xx')::text"), "simple");
}

#[test]
fn strange_words_find_nothing_and_break_nothing() {
    let conn = &mut conn();
    named(conn, "S-1", "Plain");
    let long = "x".repeat(200);
    let many = "plaim ".repeat(33);
    for query in [
        "'",
        "\\",
        "a & b",
        "!plain:*",
        "<->",
        "plain' OR 1=1 --",
        "%",
        "_",
        "\u{202e}nialp",
        "🦀",
        "\u{0301}",
        "null",
        "½",
        "ﷺ",
        "𝔭𝔩𝔞𝔦𝔫",
        "e\u{301}\u{301}\u{301}\u{301}",
        "1e999",
        "-1.5",
        "a@b.example",
        "http://x.example/?q=1",
        long.as_str(),
        many.as_str(),
    ] {
        let _ = find(conn, &words(query));
    }
    assert_eq!(names(conn, "𝔭𝔩𝔞𝔦𝔫"), ["Plain"], "letters in fancy dress");
    assert_eq!(names(conn, &many), ["Plain"]);
}
