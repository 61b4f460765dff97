//! What files of products say in other languages.

use catalog::import::{Form, How, ImportError, Outcome, Report, Start};
use catalog::translations::products::{self, Texts};
use diesel::prelude::*;
use domain::CustomResource;
use serde_json::json;

use super::whole::{define, read, refusals};
use super::{find, refuse_file};
use crate::{conn, count};

fn said(conn: &mut PgConnection, sku: &str) -> Vec<(String, Texts)> {
    let id = find(conn, sku).id;
    products::list(conn, id).unwrap()
}

#[test]
fn texts_are_sanitised_trimmed_and_kept_where_a_cell_is_empty() {
    let conn = &mut conn();
    define(conn, CustomResource::Product, "care");
    let file = "\
product,sku,name,price,currency,name@de,description_html@DE,custom.care@pt-br,seo_title@de
tee,A,Tee,1,USD, Hemd ,<p onclick=\"x()\">a</p><script>x()</script>,Lavar,Titel
tee,B,,1,USD,Nicht dies,,,
";
    let (done, _) = read(conn, file, Form::Csv, How::default());
    assert_eq!((done.created, done.refused), (1, 1), "B lacks an option");
    let all = said(conn, "A");
    let german = Texts {
        name: Some("Hemd".into()),
        description_html: Some("<p>a</p>".into()),
        seo_title: Some("Titel".into()),
        ..Texts::default()
    };
    assert_eq!(all[0], ("de".into(), german.clone()));
    assert_eq!(
        (all[1].0.as_str(), &all[1].1.custom["care"]),
        ("pt-BR", &json!("Lavar"))
    );
    let version = find(conn, "A").version;

    let again = "sku,name,price,currency,name@de,seo_title@de\nA,Tee,1,USD,,Anders\n";
    let (done, _) = read(conn, again, Form::Csv, How::default());
    assert_eq!(done.updated, 1);
    let changed = Texts {
        seo_title: Some("Anders".into()),
        ..german
    };
    assert_eq!(said(conn, "A")[0].1, changed);
    assert_eq!(find(conn, "A").version, version + 1);
    let (done, _) = read(conn, again, Form::Csv, How::default());
    assert_eq!(done.unchanged, 1);
}

#[test]
fn a_dry_run_tells_of_texts_and_writes_none() {
    let conn = &mut conn();
    let file = "sku,name,price,currency,name@de\nA,Tee,1,USD,Hemd\n";
    read(
        conn,
        "sku,name,price,currency\nA,Tee,1,USD\n",
        Form::Csv,
        How::default(),
    );
    let dry = How {
        dry_run: true,
        ..How::default()
    };
    let (tried, _) = read(conn, file, Form::Csv, dry);
    assert_eq!(tried.updated, 1);
    assert_eq!(count(conn, "catalog.product_translations"), 0);
}

#[test]
fn what_the_api_would_refuse_is_refused_by_its_column() {
    let conn = &mut conn();
    define(conn, CustomResource::Product, "care");
    let long = |length: usize| "ä".repeat(length);
    for (column, cell, message) in [
        ("name@de", long(301), "at most 300 characters"),
        ("description@de", long(20_001), "at most 20000 characters"),
        (
            "description_html@de",
            long(50_001),
            "at most 50000 characters",
        ),
        (
            "description_html@de",
            "<b>".repeat(1_001),
            "at most 1000 tags",
        ),
        ("seo_title@de", long(201), "at most 200 characters"),
        ("seo_description@de", long(501), "at most 500 characters"),
        ("name@de", "a\u{7}b".into(), "control characters"),
        ("custom.nothing@de", "x".into(), "is no such custom field"),
        ("custom.care@zh-Hant", "a\u{7}b".into(), "control"),
    ] {
        let file = format!("sku,name,price,currency,{column}\nA,Tee,1,USD,{cell}\n");
        let refused = refusals(conn, &file, Form::Csv);
        let [(field, said)] = &refused[..] else {
            panic!("{column}: {refused:?}");
        };
        assert_eq!(field, column);
        assert!(said.contains(message), "{column}: {said}");
    }
    assert_eq!(count(conn, "catalog.products WHERE name = 'Tee'"), 0);
}

#[test]
fn a_field_that_is_the_same_in_all_languages_is_not_said_in_one() {
    let conn = &mut conn();
    define(conn, CustomResource::Product, "care");
    let change = "UPDATE catalog.custom_fields SET is_translatable = false";
    diesel::sql_query(change).execute(conn).unwrap();
    let file = "sku,name,price,currency,custom.care@de\nA,Tee,1,USD,x\n";
    assert_eq!(
        refusals(conn, file, Form::Csv),
        [(
            "custom.care@de".into(),
            "is the same in all languages".into()
        )]
    );
}

#[test]
fn columns_in_no_language_or_of_nothing_refuse_the_file() {
    let conn = &mut conn();
    let header = |column: &str| format!("sku,name,price,currency,{column}\nA,Tee,1,USD,x\n");
    for column in [
        "name@german",
        "name@",
        "name@de AT",
        "custom.care@und",
        "seo_title@de_AT",
        "name@日本",
    ] {
        let error = refuse_file(conn, header(column).as_bytes());
        assert!(
            matches!(&error, ImportError::UnknownLocale(name) if name == column),
            "{error}"
        );
        assert!(error.to_string().contains(column), "{error}");
    }
    for column in [
        "brand@de", "sku@de", "price@de", "@de", "label@de", "names@de",
    ] {
        let error = refuse_file(conn, header(column).as_bytes());
        assert!(
            matches!(&error, ImportError::UnknownColumn(name) if name == column),
            "{error}"
        );
    }
    let error = refuse_file(conn, header("name@de,name@DE").as_bytes());
    assert!(
        matches!(&error, ImportError::RepeatedColumn(name) if name == "name@DE"),
        "{error}"
    );
}

#[test]
fn a_line_names_the_member_at_fault() {
    let conn = &mut conn();
    for (translations, field) in [
        (json!({"german": {"name": "x"}}), "translations.german"),
        (
            json!({"de": {"name": "x".repeat(301)}}),
            "translations.de.name",
        ),
        (
            json!({"de": {"seoTitle": "\u{0}"}}),
            "translations.de.seoTitle",
        ),
        (
            json!({"de": {"customFields": {"none": 1}}}),
            "translations.de.customFields.none",
        ),
        (json!({"de": {"brand": "x"}}), "line"),
        (json!({"de": "x"}), "line"),
        (json!([]), "line"),
    ] {
        let line = json!({"name": "Tee", "translations": translations,
            "variants": [{"sku": "A", "prices": [{"currency": "USD", "price": "1"}]}]});
        let refused = refusals(conn, &line.to_string(), Form::Ndjson);
        assert_eq!(refused[0].0, field, "{translations}");
    }
    let said = json!({"de": {"name": null, "description": " "}, "fr": {}});
    let line = json!({"name": "Tee", "translations": said,
        "variants": [{"sku": "A", "prices": [{"currency": "USD", "price": "1"}]}]});
    assert_eq!(refusals(conn, &line.to_string(), Form::Ndjson), []);
    assert_eq!(count(conn, "catalog.product_translations"), 0);
}

#[test]
fn a_product_speaks_two_hundred_languages_and_no_more() {
    let conn = &mut conn();
    let letters = || 'a'..='z';
    let all = letters().flat_map(|a| letters().map(move |b| format!("q{a}{b}")));
    let locales: Vec<String> = all.take(201).collect();
    let header = |locales: &[String]| {
        let names: String = locales.iter().map(|of| format!(",name@{of}")).collect();
        let cells = ",x".repeat(locales.len());
        format!("sku,name,price,currency{names}\nA,Tee,1,USD{cells}\n")
    };
    let refused = refusals(conn, &header(&locales), Form::Csv);
    assert_eq!(refused[0].1, "there are at most 200 languages");
    let mut made = 0;
    let report = Report(|_, _: &str, outcome: &Outcome| {
        made += usize::from(*outcome == Outcome::Created);
    });
    let file = header(&locales[..200]);
    let (how, start) = (How::default(), Start::default());
    catalog::import::run(conn, file.as_bytes(), Form::Csv, how, report, start).unwrap();
    assert_eq!(
        (made, count(conn, "catalog.product_translations")),
        (1, 200)
    );
}
