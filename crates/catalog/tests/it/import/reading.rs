//! What is read, and what is refused with its line and column.

use std::fmt::Write as _;

use catalog::import::{ImportError, Outcome, Summary};
use diesel::prelude::*;

use super::{find, import, refusal, refuse_file};
use crate::{EUR, USD, conn, count, text, unexplained};

#[test]
fn a_file_with_byte_order_mark_crlf_and_quotes_is_read() {
    let conn = &mut conn();
    let file = "\u{feff}sku,name,description,price,currency,image,on_hand\r\n\
                MUG-1,\"Mug, blue\",\"Holds 0.3 l,\r\n\"\"dishwasher safe\"\"\",9.50,EUR,https://example.com/mug.jpg,7\r\n\
                \r\n\
                 TEE-M , Tee ,,20,USD,,\r\n";

    let (summary, report) = import(conn, file);

    let expected = Summary {
        rows: 2,
        created: 2,
        products: 2,
        prices: 2,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(report[0], (2, "MUG-1".into(), Outcome::Created));
    assert_eq!(report[1], (5, "TEE-M".into(), Outcome::Created));
    let mug = find(conn, "MUG-1");
    assert_eq!(mug.name, "Mug, blue");
    assert_eq!(mug.description, "Holds 0.3 l,\r\n\"dishwasher safe\"");
    assert_eq!((mug.price_minor(), mug.currency), (950, EUR));
    assert_eq!(mug.image, "https://example.com/mug.jpg");
    let tee = find(conn, "TEE-M");
    assert_eq!(
        (tee.name.as_str(), tee.price_minor(), tee.currency),
        ("Tee", 2_000, USD)
    );
    let counted = "(SELECT string_agg(sku || on_hand, ' ' ORDER BY sku) \
                      FROM catalog.stock_levels JOIN catalog.variants ON id = variant_id)";
    assert_eq!(text(conn, counted), "MUG-17 TEE-M0");
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let conn = &mut conn();
    let file =
        "sku,name,price,currency\n\n\nA,\"two\nlines\",1,USD\n\nB,,1,USD\nC,C,1,USD\n\n\nD,D,1,USD";

    for file in [
        file.to_owned(),
        file.replace('\n', "\r\n"),
        format!("{file}\n"),
    ] {
        let (summary, report) = import(conn, &file);
        let lines: Vec<_> = report
            .iter()
            .map(|(line, sku, _)| (*line, sku.as_str()))
            .collect();
        assert_eq!(lines, [(4, "A"), (7, "B"), (8, "C"), (11, "D")], "{file:?}");
        assert_eq!((summary.rows, summary.refused), (4, 1));
    }
}

#[test]
fn the_header_decides_about_the_whole_file() {
    let conn = &mut conn();
    let message =
        |conn: &mut PgConnection, file: &str| refuse_file(conn, file.as_bytes()).to_string();

    let missing = message(conn, "sku,name,price\nA,A,1\n");
    assert_eq!(
        missing,
        "the header lacks the column `currency`; required are sku, name, price and currency"
    );
    let unknown = message(conn, "sku,name,price,currency,onhand\nA,A,1,USD,5\n");
    assert!(
        unknown.starts_with("unknown column `onhand`; known are product, sku, name, description, "),
        "{unknown}"
    );
    let repeated = message(conn, "sku,name,price,currency,name\nA,A,1,USD,B\n");
    assert_eq!(repeated, "column `name` appears twice");
    assert!(message(conn, "").starts_with("the header lacks the column `sku`"));
    assert!(message(conn, "SKU,name,price,currency\n").starts_with("unknown column `SKU`"));
    let invalid = refuse_file(conn, b"sku,n\xffme,price,currency\n");
    assert!(matches!(invalid, ImportError::Read(_)), "{invalid}");
    assert_eq!(count(conn, "catalog.products"), 0);
}

#[test]
fn a_header_alone_and_columns_in_any_order_are_fine() {
    let conn = &mut conn();

    let (nothing, _) = import(conn, "sku,name,price,currency\n");
    let (one, _) = import(conn, "currency, price ,name,sku\nUSD,9.5,Tee,A");

    assert_eq!(nothing, Summary::default());
    assert_eq!(one.created, 1);
    assert_eq!(find(conn, "A").price_minor(), 950);
}

#[test]
fn each_cell_that_is_wrong_is_refused_by_name() {
    let conn = &mut conn();
    let long = |length: usize| "é".repeat(length);
    let all = "sku,name,price,currency,description,image,on_hand";
    let rows = [
        (",A,1,USD,,,".to_owned(), "sku", "is required"),
        (
            format!("{},A,1,USD,,,", long(65)),
            "sku",
            "1 to 64 characters",
        ),
        ("A\u{200b}B,A,1,USD,,,".into(), "sku", "zero-width"),
        ("A,  ,1,USD,,,".into(), "name", "is required"),
        (
            format!("A,{},1,USD,,,", long(301)),
            "name",
            "at most 300 characters",
        ),
        ("A,a\u{1}b,1,USD,,,".into(), "name", "control characters"),
        ("A,a\0b,1,USD,,,".into(), "name", "control characters"),
        ("A,A,,USD,,,".into(), "price", "is required"),
        ("A,A,1e3,USD,,,".into(), "price", ""),
        ("A,A,-1,USD,,,".into(), "price", ""),
        ("A,A,+1,USD,,,".into(), "price", ""),
        ("A,A,$1,USD,,,".into(), "price", ""),
        ("A,A,1.005,USD,,,".into(), "price", ""),
        ("A,A,9.5,JPY,,,".into(), "price", ""),
        ("A,A,99999999999999999999,USD,,,".into(), "price", ""),
        ("A,A,1,,,,".into(), "currency", "is required"),
        ("A,A,1,usd,,,".into(), "currency", ""),
        ("A,A,1,XXQ,,,".into(), "currency", ""),
        (
            format!("A,A,1,USD,{},,", long(20_001)),
            "description",
            "at most 20000 characters",
        ),
        (
            format!("A,A,1,USD,,{},", long(2_001)),
            "image",
            "at most 2000 characters",
        ),
        ("A,A,1,USD,,,-1".into(), "on_hand", "whole number from 0 to"),
        ("A,A,1,USD,,,+1".into(), "on_hand", "whole number from 0 to"),
        (
            "A,A,1,USD,,,1.0".into(),
            "on_hand",
            "whole number from 0 to",
        ),
        (
            "A,A,1,USD,,,many".into(),
            "on_hand",
            "whole number from 0 to",
        ),
        (
            "A,A,1,USD,,,1000000000001".into(),
            "on_hand",
            "whole number from 0 to",
        ),
        (
            "A,A,1,USD,,,9999999999999999999999".into(),
            "on_hand",
            "whole number from 0 to",
        ),
        (
            "A,A,1,USD,Large, blue,a.jpg,5".into(),
            "row",
            "has more cells than the header",
        ),
        ("A,A,1".into(), "currency", "is required"),
    ];
    for (row, field, part) in rows {
        let (found, message) = refusal(conn, format!("{all}\n{row}\n"));
        assert_eq!(found, field, "{row}: {message}");
        assert!(message.contains(part), "{row}: {message}");
    }
    assert_eq!(count(conn, "catalog.products"), 0);
}

#[test]
fn a_row_that_is_not_utf_8_does_not_hold_up_the_others() {
    let conn = &mut conn();
    let file = b"sku,name,price,currency\nA,Tee,1,USD\nB,T\xe9e,1,USD\nC,Tee,1,USD\n";

    let (summary, report) = import(conn, file);

    assert_eq!((summary.rows, summary.created, summary.refused), (3, 2, 1));
    let (line, _, Outcome::Refused(refusal)) = &report[1] else {
        panic!("{report:?}");
    };
    assert_eq!((*line, refusal.field.as_ref()), (3, "row"));
    assert_eq!(refusal.message, "is not valid UTF-8");
}

#[test]
fn a_sku_that_comes_twice_is_refused_at_its_second_row() {
    let conn = &mut conn();
    let mut file = "sku,name,price,currency\nA,First,1,USD\nA,Second,2,USD\n".to_owned();
    for n in 0..600 {
        writeln!(file, "N-{n},Filler,1,USD").unwrap();
    }
    file.push_str("A,In another chunk,3,USD\nB,,1,USD\nB,Good after a bad one,1,USD\n");

    let (summary, report) = import(conn, file);

    assert_eq!((summary.created, summary.refused), (602, 3));
    let twice: Vec<_> = report
        .iter()
        .filter(|(_, sku, outcome)| sku == "A" && *outcome != Outcome::Created)
        .map(|(line, _, outcome)| (*line, outcome))
        .collect();
    let [(3, Outcome::Refused(refusal)), (604, Outcome::Refused(_))] = twice.as_slice() else {
        panic!("{twice:?}");
    };
    assert_eq!(
        (refusal.field.as_ref(), refusal.message.as_str()),
        ("sku", "appears twice in the file")
    );
    assert_eq!(find(conn, "A").name, "First");
    assert_eq!(find(conn, "B").name, "Good after a bad one");
}
