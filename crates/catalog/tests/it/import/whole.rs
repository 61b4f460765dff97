//! A whole shop goes out in files and into an empty one, with all that it says in other languages.

use std::collections::BTreeMap;

use catalog::categories::assigning::Assignment;
use catalog::categories::editing::{self as categories, NewCategory};
use catalog::categories::placing::{self, Parent, Place};
use catalog::collections::assigning;
use catalog::collections::editing::{self as collections, NewCollection};
use catalog::collections::rules::{Condition, Match, PriceRange, Rules};
use catalog::custom_fields::Rules as FieldRules;
use catalog::custom_fields::attributes::AttributeChanges;
use catalog::custom_fields::defining::{self, NewField};
use catalog::export::{self, Form, Scope, What};
use catalog::import::{self, How, Outcome, Report, Spelling, Start, Summary};
use catalog::translations;
use diesel::prelude::*;
use domain::{CategoryId, CustomResource, CustomType, Locale, ProductId, ProductOrder};
use serde_json::{Map, Value, json};

use crate::{USD, conn, create, database, product, statements};

/// In the order in which they are imported: each names only what is before it.
const ALL: [What; 4] = [
    What::Categories,
    What::Products(Scope::All),
    What::Collections,
    What::Options,
];

pub(crate) fn exported(conn: &mut PgConnection, what: What, form: Form) -> String {
    let mut file = Vec::new();
    export::write(conn, what, form, &mut file).unwrap();
    String::from_utf8(file).unwrap()
}

fn form(what: What, form: Form) -> import::Form {
    let spelling = match form {
        Form::Csv => Spelling::Csv,
        Form::Ndjson => Spelling::Ndjson,
    };
    match (what, form) {
        (What::Products(_), Form::Csv) => import::Form::Csv,
        (What::Products(_), Form::Ndjson) => import::Form::Ndjson,
        (What::Collections, _) => import::Form::Collections(spelling, USD),
        (What::Categories, _) => import::Form::Categories(spelling),
        (What::Options, _) => import::Form::Options(spelling),
    }
}

/// The line, the key and what became of each row.
pub(crate) fn read(
    conn: &mut PgConnection,
    file: &str,
    form: import::Form,
    how: How,
) -> (Summary, Vec<(String, Outcome)>) {
    let mut told = Vec::new();
    let report = Report(|_, key: &str, outcome: &Outcome| {
        told.push((key.to_owned(), outcome.clone()));
    });
    let done = import::run(conn, file.as_bytes(), form, how, report, Start::default()).unwrap();
    (done, told)
}

/// The field and the message of each row that is refused.
pub(crate) fn refusals(
    conn: &mut PgConnection,
    file: &str,
    form: import::Form,
) -> Vec<(String, String)> {
    let (_, told) = read(conn, file, form, How::default());
    told.into_iter()
        .filter_map(|(_, outcome)| match outcome {
            Outcome::Refused(refusal) => Some((refusal.field.into_owned(), refusal.message)),
            _ => None,
        })
        .collect()
}

pub(crate) fn define(conn: &mut PgConnection, resource: CustomResource, key: &str) {
    let new = NewField {
        resource,
        key: key.into(),
        of: CustomType::Text,
        name: String::new(),
        rules: FieldRules::default(),
        is_public: true,
        is_filterable: false,
        is_translatable: true,
    };
    defining::create(conn, new, None).unwrap();
}

pub(crate) fn locale(text: &str) -> Locale {
    text.parse().unwrap()
}

fn object(key: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), json!(value))])
}

fn say(conn: &mut PgConnection, id: ProductId, of: &str, name: Option<&str>, care: Option<&str>) {
    let texts = translations::products::Texts {
        name: name.map(str::to_owned),
        description_html: name.map(|name| format!("<p>{name}, <b>weich</b></p>")),
        custom: care.map(|care| object("care", care)).unwrap_or_default(),
        ..Default::default()
    };
    translations::products::set(conn, id, &locale(of), Some(texts), None, None).unwrap();
}

fn category(conn: &mut PgConnection, slug: &str, place: Place) -> CategoryId {
    let new = NewCategory {
        slug: slug.parse().unwrap(),
        name: format!("Category \"{slug}\", all of it"),
        description: String::new(),
        image: String::new(),
        product_order: ProductOrder::Name,
        place,
        attributes: AttributeChanges {
            values: object("hint", "a|b"),
            ..AttributeChanges::default()
        },
    };
    categories::create(conn, new, None).unwrap()
}

fn collection(conn: &mut PgConnection, slug: &str, rules: Option<Rules>) -> domain::CollectionId {
    let new = NewCollection {
        slug: slug.parse().unwrap(),
        name: format!("Für {slug} 日本"),
        description: "Of\nmore lines".into(),
        image: "/x.jpg".into(),
        product_order: None,
        rules,
    };
    collections::create(conn, new, None).unwrap()
}

/// Has all of what files tell of.
fn fill(conn: &mut PgConnection) {
    define(conn, CustomResource::Product, "care");
    define(conn, CustomResource::Category, "hint");
    let root = category(conn, "root", Place::Root(Some(7)));
    // Made before what is above it, whose slug comes later too.
    let below = category(conn, "a-low", Place::Root(None));
    let other = category(conn, "z-high", Place::Root(Some(3)));
    let parents = [(other, Some(9)), (root, None)].map(|(id, position)| Parent { id, position });
    placing::place(conn, below, &Place::Below(parents.into()), None, None).unwrap();
    let said = translations::categories::Texts {
        name: Some("Unten".into()),
        description: None,
        custom: object("hint", "ä"),
    };
    translations::categories::set(conn, below, &locale("pt-BR"), Some(said), None, None).unwrap();

    let ids: Vec<ProductId> = ["A", "B", "C"].map(|sku| create(conn, product(sku))).into();
    say(
        conn,
        ids[0],
        "de",
        Some("Tasse, blau"),
        Some("Kalt waschen"),
    );
    say(conn, ids[0], "pt-BR", Some("日本"), None);
    say(conn, ids[1], "fr", None, Some("froid"));

    let by_hand = collection(conn, "summer", None);
    let place = |product: usize, position| Assignment {
        product_id: ids[product],
        position: Some(position),
    };
    let wanted = [place(2, 1), place(0, 40), place(1, 40)];
    assigning::assign(conn, by_hand, &wanted, &[], None, None).unwrap();
    collection(conn, "empty-one", None);
    let price = PriceRange {
        currency: USD,
        min: Some(500),
        max: None,
    };
    let conditions = vec![
        Condition::Category(below),
        Condition::Brand("A, \"b\"".into()),
        Condition::Tag("neu".into()),
        Condition::Price(price),
        Condition::InStock(false),
        Condition::MadeWithinDays(30),
    ];
    let rules = Rules {
        matching: Match::Any,
        conditions,
    };
    collection(conn, "by-rules", Some(rules));

    let said = translations::options::Texts {
        name: Some("Farbe".into()),
        values: BTreeMap::from_iter([("red".to_owned(), "Rot, hell".to_owned())]),
    };
    translations::options::set(conn, "Colour", &locale("de"), Some(said), None, None).unwrap();
    let said = translations::options::Texts {
        name: None,
        values: BTreeMap::from_iter([("M".to_owned(), "中".to_owned())]),
    };
    translations::options::set(conn, "Size@de", &locale("zh-Hant"), Some(said), None, None)
        .unwrap();
}

fn everything(conn: &mut PgConnection, spelling: Form) -> [String; 4] {
    ALL.map(|what| exported(conn, what, spelling))
}

#[test]
fn all_that_a_catalogue_says_goes_into_an_empty_shop_and_comes_out_as_it_was() {
    let conn = &mut database().connect();
    fill(conn);
    let (tables, lines) = (everything(conn, Form::Csv), everything(conn, Form::Ndjson));

    for (files, spelling) in [(&tables, Form::Csv), (&lines, Form::Ndjson)] {
        let shop = &mut database().connect();
        define(shop, CustomResource::Product, "care");
        define(shop, CustomResource::Category, "hint");
        for (what, file) in ALL.into_iter().zip(files) {
            let form = form(what, spelling);
            let dry = How {
                dry_run: true,
                ..How::default()
            };
            let (tried, expected) = read(shop, file, form, dry);
            let (done, told) = read(shop, file, form, How::default());
            assert_eq!((done.refused, told), (0, expected), "{what:?} {spelling:?}");
            assert_eq!((tried.rows, tried.created), (done.rows, done.created));
            assert!(done.created > 0, "{what:?}: {done:?}");
            let (again, _) = read(shop, file, form, How::default());
            assert_eq!(again.unchanged, again.rows, "{what:?} {spelling:?}");
        }
        assert_eq!(everything(shop, Form::Csv), tables, "{spelling:?}");
        assert_eq!(everything(shop, Form::Ndjson), lines, "{spelling:?}");
    }

    let [categories, products, collections, options] = tables;
    let header = categories.lines().next().unwrap();
    assert_eq!(
        header,
        "slug,name,description,image,product_order,parents,position,custom.hint,name@pt-BR,custom.hint@pt-BR"
    );
    let slugs: Vec<&str> = categories
        .lines()
        .map(|row| row.split(',').next().unwrap())
        .collect();
    assert_eq!(slugs, ["slug", "root", "z-high", "a-low"]);
    assert!(
        categories.contains(",z-high > 9|root > 1,,"),
        "{categories}"
    );
    let header = products.lines().next().unwrap();
    assert!(
        header.ends_with(
            ",name@de,name@pt-BR,description_html@de,description_html@pt-BR,custom.care@de,custom.care@fr"
        ),
        "{header}"
    );
    let places = collections.lines().filter(|row| row.starts_with("summer,"));
    let ends = [",C,1", ",A,40", ",B,40"];
    assert_eq!(collections.matches("\nsummer,").count(), 3, "{collections}");
    assert!(
        places
            .zip(ends)
            .skip(1)
            .all(|(row, end)| row.ends_with(end)),
        "{collections}"
    );
    assert_eq!(
        options,
        "option,value,label@de,label@zh-Hant\nColour,,Farbe,\nColour,red,\"Rot, hell\",\nSize@de,M,,中\n"
    );
}

#[test]
fn a_file_without_other_languages_costs_no_statement_and_a_page_of_them_two() {
    let conn = &mut conn();
    let file = |columns: &str, cells: &str| {
        format!("sku,name,price,currency{columns}\nA,A,1,USD{cells}\nB,B,1,USD{cells}\n")
    };
    let (plain, absent) = (file("", ""), file(",name@de,seo_title@fr", ",,"));
    let mut sent = Vec::new();
    for text in [plain, absent, file(",name@de,seo_title@fr", ",Ä,É")] {
        crate::read_csv(conn, text.as_bytes(), false, |_, _, _| {}).unwrap();
        sent.push(statements(conn, |conn| {
            crate::read_csv(conn, text.as_bytes(), false, |_, _, _| {}).unwrap();
        }));
    }
    assert_eq!((sent[0], sent[0] + 2), (sent[1], sent[2]));
}

#[test]
fn a_page_of_an_export_reads_other_languages_in_as_many_statements_whatever_it_has() {
    let conn = &mut database().connect();
    define(conn, CustomResource::Product, "care");
    let mut sent = Vec::new();
    for skus in [["A", "B"], ["C", "D"]] {
        for sku in skus {
            let id = create(conn, product(sku));
            for of in ["de", "fr", "pt-BR"] {
                say(conn, id, of, Some("x"), Some("y"));
            }
        }
        for form in [Form::Csv, Form::Ndjson] {
            sent.push(statements(conn, |conn| {
                exported(conn, What::Products(Scope::All), form);
            }));
        }
    }
    assert_eq!(sent[..2], sent[2..]);
}
