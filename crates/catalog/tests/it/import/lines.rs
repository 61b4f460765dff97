//! Products as NDJSON: what is read, and what is refused with its line and member.

use catalog::import::{self, Form, How, Outcome, Report, Start, Summary};
use diesel::prelude::*;

use super::find;
use crate::{conn, count};

type Told = (u64, String, Outcome);

fn import(conn: &mut PgConnection, file: impl AsRef<[u8]>) -> (Summary, Vec<Told>) {
    let mut told = Vec::new();
    let report = Report(|line, sku: &str, outcome: &Outcome| {
        told.push((line, sku.to_owned(), outcome.clone()));
    });
    let (how, start) = (How::default(), Start::default());
    let done = import::run(conn, file.as_ref(), Form::Ndjson, how, report, start);
    (done.unwrap(), told)
}

const TEE: &str = r#"{"product":"tee","name":"Tee","brand":"Loom","tags":["a|b"],"categories":[["Men","Shirts > T"]],"options":["Size","Colour"],"variants":[{"sku":"TEE-S","choices":{"Colour":"red","Size":"S"},"onHand":3,"prices":[{"currency":"USD","price":"19.00"},{"currency":"EUR","price":"17.00"}]},{"sku":"TEE-M","choices":{"Colour":"red","Size":"M"},"prices":[{"currency":"USD","price":"19.50"}]}]}"#;

#[test]
fn a_line_is_a_product_with_all_of_its_variants_and_prices() {
    let conn = &mut conn();
    let file = format!(
        "\u{feff}{TEE}\r\n\n{{\"name\":\"Mug\",\"image\":null,\"variants\":[{{\"sku\":\"MUG\",\"prices\":[{{\"currency\":\"USD\",\"price\":\"9.5\"}}]}}]}}"
    );

    let (first, told) = import(conn, &file);
    let (second, _) = import(conn, &file);

    let expected = Summary {
        rows: 4,
        created: 3,
        updated: 1,
        products: 2,
        prices: 4,
        ..Summary::default()
    };
    assert_eq!(first, expected);
    let lines: Vec<_> = told
        .iter()
        .map(|(line, sku, _)| (*line, sku.as_str()))
        .collect();
    assert_eq!(
        lines,
        [(1, "TEE-S"), (1, "TEE-S"), (1, "TEE-M"), (3, "MUG")]
    );
    assert_eq!((second.unchanged, second.refused), (4, 0));
    assert_eq!(find(conn, "TEE-M").price_minor(), 1_900); // of the default variant
    assert_eq!(count(conn, "catalog.variants WHERE title = 'M / red'"), 1);
    assert_eq!(count(conn, "catalog.products WHERE tags = '{a|b}'"), 1);
    assert_eq!(
        count(conn, "catalog.categories WHERE name = 'Shirts > T'"),
        1
    );
}

#[test]
fn a_line_that_is_wrong_is_refused_by_name_and_holds_up_no_other() {
    let conn = &mut conn();
    let variant =
        |members: &str| format!("{{\"name\":\"A\",\"variants\":[{{\"sku\":\"A\"{members}}}]}}");
    let priced = |members: &str| {
        variant(&format!(
            ",\"prices\":[{{\"currency\":\"USD\",\"price\":\"1\"}}]{members}"
        ))
    };
    let of_product = |members: &str| {
        format!(
            "{{\"name\":\"A\",{members},\"variants\":[{{\"sku\":\"A\",\"prices\":[{{\"currency\":\"USD\",\"price\":\"1\"}}]}}]}}"
        )
    };
    let long = "x".repeat(5 * 1024 * 1024);
    let cases = [
        ("nonsense".to_owned(), "line", "must be a JSON object"),
        ("[1]".into(), "line", "must be a JSON object"),
        ("{\"name\":\"A\"".into(), "line", "EOF while parsing"),
        (
            "{\"name\":\"A\"}".into(),
            "line",
            "missing field `variants`",
        ),
        ("{} {}".into(), "line", "missing field `variants`"),
        (format!("{TEE}x"), "line", "trailing characters"),
        (
            "{\"name\":\"A\",\"variants\":[]}".into(),
            "variants",
            "one or more",
        ),
        (
            "{\"variants\":[{\"sku\":5}]}".into(),
            "line",
            "variants[0].sku: invalid type",
        ),
        (variant(",\"prices\":[]"), "prices", "one or more"),
        (variant(""), "line", "missing field `prices`"),
        (
            priced(",\"onHand\":-1"),
            "line",
            "variants[0].onHand: invalid value",
        ),
        (
            priced(",\"onHand\":1.5"),
            "line",
            "variants[0].onHand: invalid type",
        ),
        (
            priced(",\"onHand\":\"1\""),
            "line",
            "variants[0].onHand: invalid type",
        ),
        (
            priced(",\"onHand\":18446744073709551615"),
            "onHand",
            "whole number from 0 to",
        ),
        (priced(",\"onhand\":1"), "line", "unknown field `onhand`"),
        (priced(",\"sku\":\"B\""), "line", "duplicate field `sku`"),
        (
            priced(",\"choices\":{\"Size\":1}"),
            "line",
            "variants[0].choices",
        ),
        (
            variant(",\"prices\":[{\"currency\":\"USD\",\"price\":1.5}]"),
            "line",
            "prices[0].price",
        ),
        (
            variant(",\"prices\":[{\"currency\":\"usd\",\"price\":\"1\"}]"),
            "currency",
            "",
        ),
        (
            of_product("\"publishAt\":\"soon\""),
            "publishAt",
            "must be a time",
        ),
        (
            of_product("\"seoTitle\":\"a\\u0000b\""),
            "seoTitle",
            "control characters",
        ),
        (of_product("\"tags\":\"a\""), "line", "tags: invalid type"),
        (
            of_product("\"categories\":[\"a\"]"),
            "line",
            "categories[0]: invalid type",
        ),
        (
            of_product("\"categories\":[[\"a\",\"\"]]"),
            "categories",
            "a name on each level",
        ),
        (
            of_product("\"options\":[\"Size\"],\"brand\":7"),
            "line",
            "brand: invalid type",
        ),
        ("{\"name\":\"a\u{1}b\"}".into(), "line", "control character"),
        (
            format!("{{\"name\":{}", "[".repeat(100_000)),
            "line",
            "name: invalid type",
        ),
        (
            format!("{{\"tags\":{}", "[".repeat(100_000)),
            "line",
            "tags[0]: invalid type",
        ),
        (format!("{{\"name\":\"{long}\"}}"), "line", "is longer than"),
    ];
    let good = "{\"name\":\"Good\",\"variants\":[{\"sku\":\"GOOD\",\"prices\":[{\"currency\":\"USD\",\"price\":\"1\"}]}]}";
    for (line, field, message) in cases {
        let (summary, told) = import(conn, format!("{line}\n{good}\n"));
        let Outcome::Refused(refusal) = &told[0].2 else {
            panic!("{line:.80}: {told:?}");
        };
        assert_eq!(refusal.field, field, "{line:.80}: {}", refusal.message);
        assert!(
            refusal.message.contains(message),
            "{line:.80}: {}",
            refusal.message
        );
        assert_eq!(
            (summary.rows, summary.refused, told[1].0),
            (2, 1, 2),
            "{line:.80}"
        );
    }
    let (summary, told) = import(conn, b"{\"name\":\"\xff\"}\n");
    assert_eq!(summary.refused, 1, "{told:?}");
    assert_eq!(import(conn, "").0, Summary::default());
    assert_eq!(count(conn, "catalog.products"), 1);
}

#[test]
fn a_choice_of_an_option_that_is_not_named_is_refused() {
    let (summary, told) = import(&mut conn(), TEE.replace("\"Size\",\"Colour\"", "\"Size\""));

    assert_eq!(summary.refused, 3, "{told:?}");
    assert!(matches!(&told[0].2, Outcome::Refused(refusal) if refusal.field == "choices"));
}
