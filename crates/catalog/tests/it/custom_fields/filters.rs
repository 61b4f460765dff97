//! What is found by custom fields, held against looking at every product.

use std::collections::{BTreeMap, BTreeSet};

use catalog::custom_fields::Rules;
use catalog::custom_fields::defining::{self, DefineError, FieldChanges, NewField};
use catalog::products;
use catalog::search::facets::Count;
use catalog::search::{self, Search, SearchError, Selection, following};
use catalog::variants::adding::{self, NewVariant};
use catalog::variants::editing::VariantChanges;
use catalog::variants::{self, choosing};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{
    CustomFieldId, CustomResource, CustomType as T, Facet, PageSize, ProductId, SearchSort,
};
use serde_json::{Map, Value, json};

use super::{apply, create_with, define, field, one_of, set_values};
use crate::variants::{options, variant};
use crate::{USD, conn};

const MATERIALS: [&str; 3] = ["wool", "silk: raw", "O'Hemp"];
const PRODUCTS: usize = 60;

fn looking_for(fields: &[(&str, &str)]) -> Search {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Search {
        text: None,
        locale: "en".to_owned(),
        market: USD.into(),
        selection: Selection {
            fields: fields.iter().map(owned).collect(),
            ..Selection::default()
        },
        sort: SearchSort::Newest,
        size: PageSize::MAX,
        after: None,
        facets: vec![Facet::Fields],
    }
}

fn index_all(conn: &mut PgConnection) {
    conn.batch_execute(
        "INSERT INTO catalog.search_stale (product_id) SELECT id FROM catalog.products",
    )
    .unwrap();
    while following::refresh(conn).unwrap() > 0 {}
}

/// What the doctor finds wrong with the index.
fn findings(conn: &mut PgConnection) -> Vec<String> {
    let checks = catalog::doctor::checks().into_iter();
    let about = checks.filter(|check| check.id == "S13");
    about
        .flat_map(|check| db::doctor::examine(conn, check).unwrap().findings)
        .map(|found| format!("{} {}", found.subject, found.message))
        .collect()
}

fn filter(conn: &mut PgConnection, key: &str, of: T, rules: Rules) -> CustomFieldId {
    let new = NewField {
        is_filterable: true,
        ..field(key, of, rules)
    };
    define(conn, new)
}

const SHADES: [&str; 4] = ["navy", "sky", "moss", "sand"];

/// Gives some products two more variants, and their variants values of a filter: all that they have between them.
fn shade(conn: &mut PgConnection, id: ProductId, number: usize) -> BTreeSet<&'static str> {
    let mut shades = BTreeSet::new();
    if number.is_multiple_of(3) {
        return shades;
    }
    let default = products::find_default_variant(conn, id).unwrap().unwrap();
    let said = |shade: &str| set_values(&[("shade", json!(shade))]);
    let changes = VariantChanges {
        attributes: said(SHADES[number % 4]),
        ..VariantChanges::default()
    };
    variants::editing::update(conn, (id, default), changes, None, None).unwrap();
    shades.insert(SHADES[number % 4]);
    if number.is_multiple_of(2) {
        let sizes = options(&[("Size", &["S", "M"])]);
        choosing::set_options(conn, id, &sizes, None, None).unwrap();
        let new = |size: &str, shade: usize| NewVariant {
            attributes: said(SHADES[shade % 4]),
            ..variant(&format!("FILTER-{number}-{size}"), size)
        };
        let two = [new("S", number / 2), new("M", number / 5)];
        adding::create_all(conn, id, &two, None).unwrap();
        shades.extend([SHADES[number / 2 % 4], SHADES[number / 5 % 4]]);
    }
    if number.is_multiple_of(10) {
        let all = variants::list(conn, id, 0, PageSize::MAX, USD).unwrap();
        let last = all.last().unwrap().id;
        variants::editing::archive(conn, (id, last), None, None).unwrap();
        shades = BTreeSet::from([SHADES[number % 4], SHADES[number / 2 % 4]]);
    }
    shades
}

/// Sixty products, each with some values of five filters and of one of its variants, and one value that is none.
fn fill(conn: &mut PgConnection) -> BTreeMap<i64, Map<String, Value>> {
    filter(conn, "material", T::Enum, one_of(&MATERIALS));
    filter(conn, "weight", T::Decimal, Rules::default());
    filter(conn, "made", T::Date, Rules::default());
    filter(conn, "washable", T::Bool, Rules::default());
    let sizes = Rules {
        item_type: Some(T::Int),
        ..Rules::default()
    };
    filter(conn, "sizes", T::List, sizes);
    let of_variants = NewField {
        resource: CustomResource::Variant,
        is_filterable: true,
        ..field("shade", T::Enum, one_of(&SHADES))
    };
    define(conn, of_variants);
    define(conn, field("hidden", T::Int, Rules::default()));
    let made = |number: usize| {
        let mut values = vec![("hidden", json!(number))];
        if !number.is_multiple_of(4) {
            values.push(("material", json!(MATERIALS[number % 3])));
        }
        if !number.is_multiple_of(5) {
            values.push(("weight", json!(format!("{}.{}", number % 12, number % 4))));
        }
        if number.is_multiple_of(2) {
            values.push((
                "made",
                json!(format!("20{:02}-0{}-15", number % 30, number % 9 + 1)),
            ));
            values.push(("washable", json!(number.is_multiple_of(3))));
        }
        if number.is_multiple_of(3) {
            values.push(("sizes", json!([number % 5, 9 + number % 2])));
        }
        values
    };
    let mut all = BTreeMap::new();
    for number in 0..PRODUCTS {
        let given = set_values(&made(number));
        let id = create_with(conn, &format!("FILTER-{number}"), given).unwrap();
        let mut values = super::kept(conn, id).public;
        let shades = shade(conn, id, number);
        if !shades.is_empty() {
            values.insert("shade".to_owned(), json!(shades));
        }
        all.insert(id.get(), values);
    }
    index_all(conn);
    all
}

/// The values of a field as texts.
fn texts(values: &Map<String, Value>, key: &str) -> BTreeSet<String> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    match values.get(key) {
        None => BTreeSet::new(),
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(value) => BTreeSet::from([text(value)]),
    }
}

/// Numbers in hundredths, and dates as they are written, in their order.
fn place(key: &str, text: &str) -> (i64, String) {
    if key == "made" {
        return (0, text.to_owned());
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let hundredths: i64 = format!("{whole}{fraction:0<2}").parse().unwrap();
    (hundredths, String::new())
}

fn is_wanted(key: &str, wanted: &str, value: &str) -> bool {
    let ordered = ["weight", "made", "sizes"].contains(&key);
    let Some((min, max)) = wanted.split_once("..").filter(|_| ordered) else {
        return wanted == value;
    };
    let at = place(key, value);
    (min.is_empty() || place(key, min) <= at) && (max.is_empty() || at <= place(key, max))
}

/// Whether values are of each key that is wanted, but for one.
fn matches(values: &Map<String, Value>, wanted: &[(&str, &str)], but: &str) -> bool {
    let keys: BTreeSet<&str> = wanted.iter().map(|(key, _)| *key).collect();
    keys.into_iter().filter(|key| *key != but).all(|key| {
        let alternatives = wanted.iter().filter(|(k, _)| *k == key);
        let mut alternatives = alternatives.map(|(_, value)| *value);
        let own = texts(values, key);
        alternatives.any(|wanted| own.iter().any(|value| is_wanted(key, wanted, value)))
    })
}

#[test]
fn what_is_found_and_counted_is_what_looking_at_every_product_finds() {
    let conn = &mut conn();
    let all = fill(conn);
    let selections: [&[(&str, &str)]; 17] = [
        &[],
        &[("material", "wool")],
        &[("material", "wool"), ("material", "silk: raw")],
        &[("material", "O'Hemp"), ("washable", "true")],
        &[("weight", "3.1")],
        &[("weight", "2..7.5")],
        &[("weight", "..4"), ("weight", "10..")],
        &[("made", "2010-01-01..2019-12-31"), ("material", "wool")],
        &[("made", "..2005-03-15")],
        // More than are compared one by one.
        &[("made", "2002-01-01..")],
        &[("sizes", "9"), ("sizes", "0..1")],
        &[("sizes", "10.."), ("weight", "1.."), ("washable", "false")],
        &[("material", "cotton")],
        &[("shade", "navy")],
        &[("shade", "navy"), ("shade", "moss"), ("material", "wool")],
        &[("shade", "sky"), ("weight", "2..7.5"), ("washable", "true")],
        &[("shade", "red")],
    ];
    for wanted in selections {
        let found = search::find(conn, &looking_for(wanted)).unwrap();
        let ids: BTreeSet<i64> = found.products.items.iter().map(|p| p.id.get()).collect();
        let by_hand = all.iter().filter(|(_, values)| matches(values, wanted, ""));
        let by_hand: BTreeSet<i64> = by_hand.map(|(id, _)| *id).collect();
        assert_eq!(ids, by_hand, "{wanted:?}");
        let facets = found.facets.unwrap();
        assert_eq!(usize::try_from(facets.total).unwrap(), by_hand.len());
        let mut counted = facets.fields.unwrap();
        assert!(!counted.contains_key("hidden"));
        for key in ["material", "weight", "made", "washable", "sizes", "shade"] {
            let mut expected = BTreeMap::<String, i64>::new();
            for values in all.values().filter(|values| matches(values, wanted, key)) {
                for text in texts(values, key) {
                    *expected.entry(text).or_default() += 1;
                }
            }
            let told = counted.remove(key).unwrap_or_default().into_iter();
            let told = told.map(|Count { value, count }| (value, count)).collect();
            assert_eq!(expected, told, "{key} of {wanted:?}");
        }
    }
    assert_eq!(findings(conn), Vec::<String>::new());
}

#[test]
fn a_field_becomes_a_filter_and_ceases_to_be_one_without_more_than_its_job() {
    let conn = &mut conn();
    let id = define(conn, field("size", T::Int, Rules::default()));
    for number in 0..3 {
        let given = set_values(&[("size", json!(number))]);
        create_with(conn, &format!("LATER-{number}"), given).unwrap();
    }
    index_all(conn);
    let of_two = looking_for(&[("size", "1..")]);
    let unknown =
        |found: Result<_, SearchError>| matches!(found, Err(SearchError::UnknownField(_)));
    assert!(unknown(search::find(conn, &of_two)));

    let filtered = |is_filterable| FieldChanges {
        is_filterable: Some(is_filterable),
        ..FieldChanges::default()
    };
    defining::update(conn, id, &filtered(true), None, None).unwrap();
    assert_eq!(
        findings(conn),
        Vec::<String>::new(),
        "what a job is about is no finding"
    );
    apply(conn, id);
    while following::refresh(conn).unwrap() > 0 {}
    let found = search::find(conn, &of_two).unwrap();
    assert_eq!(found.facets.unwrap().total, 2);
    assert_eq!(findings(conn), Vec::<String>::new());

    defining::update(conn, id, &filtered(false), None, None).unwrap();
    let at_once = search::find(conn, &looking_for(&[])).unwrap();
    assert!(at_once.facets.unwrap().fields.unwrap().is_empty());
    apply(conn, id);
    while following::refresh(conn).unwrap() > 0 {}
    assert!(unknown(search::find(conn, &of_two)));
    let found = search::find(conn, &looking_for(&[])).unwrap();
    assert!(found.facets.unwrap().fields.unwrap().is_empty());
    assert_eq!(findings(conn), Vec::<String>::new());
}

/// Back to the release before, and forth again.
const WAYS: [&str; 30] = [
    include_str!("../../../migrations/2026-11-29-170030_correct_three_words/down.sql"),
    include_str!("../../../migrations/2026-11-29-170020_search_price_ranges/down.sql"),
    include_str!("../../../migrations/2026-11-29-170010_search_single_changes_first/down.sql"),
    include_str!("../../../migrations/2026-11-29-160000_search_prices/down.sql"),
    include_str!("../../../migrations/2026-11-29-110010_search_by_country/down.sql"),
    include_str!("../../../migrations/2026-11-29-110000_search_prices_of_countries/down.sql"),
    include_str!("../../../migrations/2026-11-29-080030_filter_variants/down.sql"),
    include_str!("../../../migrations/2026-11-29-080020_translate_custom_fields/down.sql"),
    include_str!("../../../migrations/2026-11-29-080010_validate_files/down.sql"),
    include_str!("../../../migrations/2026-11-29-080000_keep_files/down.sql"),
    include_str!("../../../migrations/2026-11-29-070040_search_by_sales/down.sql"),
    include_str!("../../../migrations/2026-11-29-070030_search_translations/down.sql"),
    include_str!("../../../migrations/2026-11-29-020020_validate_found_fields/down.sql"),
    include_str!("../../../migrations/2026-11-29-020010_filter_custom_fields/down.sql"),
    include_str!("../../../migrations/2026-11-29-020000_create_custom_fields/down.sql"),
    include_str!("../../../migrations/2026-11-29-020000_create_custom_fields/up.sql"),
    include_str!("../../../migrations/2026-11-29-020010_filter_custom_fields/up.sql"),
    include_str!("../../../migrations/2026-11-29-020020_validate_found_fields/up.sql"),
    include_str!("../../../migrations/2026-11-29-070030_search_translations/up.sql"),
    include_str!("../../../migrations/2026-11-29-070040_search_by_sales/up.sql"),
    include_str!("../../../migrations/2026-11-29-080000_keep_files/up.sql"),
    include_str!("../../../migrations/2026-11-29-080010_validate_files/up.sql"),
    include_str!("../../../migrations/2026-11-29-080020_translate_custom_fields/up.sql"),
    include_str!("../../../migrations/2026-11-29-080030_filter_variants/up.sql"),
    include_str!("../../../migrations/2026-11-29-110000_search_prices_of_countries/up.sql"),
    include_str!("../../../migrations/2026-11-29-110010_search_by_country/up.sql"),
    include_str!("../../../migrations/2026-11-29-160000_search_prices/up.sql"),
    include_str!("../../../migrations/2026-11-29-170010_search_single_changes_first/up.sql"),
    include_str!("../../../migrations/2026-11-29-170020_search_price_ranges/up.sql"),
    include_str!("../../../migrations/2026-11-29-170030_correct_three_words/up.sql"),
];

#[test]
fn going_back_a_release_takes_the_fields_along_and_leaves_the_rest_to_be_found() {
    let conn = &mut conn();
    fill(conn);
    let everything = Search {
        facets: Vec::new(),
        ..looking_for(&[])
    };
    for (number, way) in WAYS.into_iter().enumerate() {
        conn.batch_execute(way).unwrap();
        if number + 1 == WAYS.len() / 2 || number + 1 == WAYS.len() {
            index_all(conn);
            let found = search::find(conn, &everything).unwrap();
            assert_eq!(found.products.items.len(), PRODUCTS);
        }
    }
    // The log knows of fields that had the first ids.
    conn.batch_execute("ALTER TABLE catalog.custom_fields ALTER COLUMN id RESTART WITH 1000000")
        .unwrap();
    filter(conn, "weight", T::Int, Rules::default());
    // All documents are of the newest shape by now.
    conn.batch_execute("UPDATE catalog.search_index SET shape = catalog.search_shape()")
        .unwrap();
    assert_eq!(findings(conn), Vec::<String>::new());
}

#[test]
fn a_range_that_is_none_is_refused() {
    let conn = &mut conn();
    filter(conn, "size", T::Int, Rules::default());
    for bad in ["..", "a..", "..1.5", "3..2", "1..2..3"] {
        let refused = search::find(conn, &looking_for(&[("size", bad)]));
        assert!(
            matches!(refused, Err(SearchError::InvalidRange(..))),
            "{bad}"
        );
    }
}

#[test]
fn a_search_has_ten_ranges_and_any_number_of_values_beside_them() {
    let conn = &mut conn();
    filter(conn, "size", T::Int, Rules::default());
    index_all(conn);
    let ranges: Vec<String> = (0..11).map(|n| format!("{n}..{n}")).collect();
    let ranges: Vec<(&str, &str)> = ranges.iter().map(|range| ("size", &**range)).collect();
    let with_values = [&ranges[1..], &[("size", "1"), ("size", "2")]].concat();

    let most = search::find(conn, &looking_for(&with_values));
    let more = search::find(conn, &looking_for(&ranges));

    assert!(
        matches!(most, Ok(_) | Err(SearchError::NotBuilt)),
        "{most:?}"
    );
    assert!(matches!(more, Err(SearchError::TooManyRanges)), "{more:?}");
}

#[test]
fn a_filter_of_variants_follows_them_and_shares_its_key_with_no_other() {
    let conn = &mut conn();
    let shade = NewField {
        resource: CustomResource::Variant,
        ..field("shade", T::Enum, one_of(&SHADES))
    };
    let of = define(conn, shade.clone());
    let id = create_with(conn, "SHADED", set_values(&[])).unwrap();
    let default = products::find_default_variant(conn, id).unwrap().unwrap();
    let set = |conn: &mut PgConnection, value: Value| {
        let changes = VariantChanges {
            attributes: set_values(&[("shade", value)]),
            ..VariantChanges::default()
        };
        variants::editing::update(conn, (id, default), changes, None, None).unwrap();
    };
    set(conn, json!("sky"));
    index_all(conn);
    let total = |conn: &mut PgConnection, wanted: &str| {
        while following::refresh(conn).unwrap() > 0 {}
        let found = search::find(conn, &looking_for(&[("shade", wanted)]));
        found.unwrap().facets.unwrap().total
    };

    let filtered = FieldChanges {
        is_filterable: Some(true),
        ..FieldChanges::default()
    };
    defining::update(conn, of, &filtered, None, None).unwrap();
    apply(conn, of);
    assert_eq!(total(conn, "sky"), 1);
    // What is written is told of as a change of the product, which marks it.
    set(conn, json!("moss"));
    let newest = "(SELECT kind FROM platform.outbox ORDER BY id DESC LIMIT 1)";
    assert_eq!(db::testing::text(conn, newest), "product.changed");
    index_all(conn);
    assert_eq!((total(conn, "sky"), total(conn, "moss")), (0, 1));

    let own = define(conn, field("shade", T::Enum, one_of(&SHADES)));
    let taken = conn.transaction(|conn| defining::update(conn, own, &filtered, None, None));
    assert!(
        matches!(&taken, Err(DefineError::Fault(fault)) if fault.field == "filterable" && fault.code == "taken"),
        "{taken:?}"
    );
    conn.transaction(|conn| defining::remove(conn, of, None, None))
        .unwrap();
    apply(conn, of);
    assert_eq!(findings(conn), Vec::<String>::new());
}
