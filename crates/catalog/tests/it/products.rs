use catalog::editing::{self, ProductChanges};
use catalog::products::{self, Start, find, list};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{Currency, Money, PageSize, ProductId};

use crate::{EUR, NewProduct, USD, conn, create, product};

fn size(items: i64) -> PageSize {
    PageSize::try_from(items).unwrap()
}

fn skus(found: Vec<products::Product>) -> Vec<String> {
    found.into_iter().map(|p| p.sku.to_string()).collect()
}

fn search(conn: &mut PgConnection, text: &str) -> Vec<String> {
    skus(list(conn, Some(text), Start::After(0), size(100), USD).unwrap())
}

fn set_price(conn: &mut PgConnection, id: ProductId, price: Money) {
    let changes = ProductChanges {
        price: Some(price),
        ..ProductChanges::default()
    };
    editing::update(conn, id, changes, None, None).unwrap();
}

#[test]
fn a_product_is_found_as_it_was_created() {
    let conn = &mut conn();
    let mug = NewProduct {
        name: "Becher „Übergröße“ 🫖".into(),
        description: "Holds 0.3 l.\n\"Dishwasher safe\"".into(),
        image: "https://example.com/mug.jpg".into(),
        price: Money::new(1_250, EUR),
        ..product("MUG-1")
    };

    let id = create(conn, mug.clone());
    let found = find(conn, id, EUR).unwrap().unwrap();

    assert_eq!((found.id, found.version), (id, 1));
    assert_eq!(found.sku, mug.sku);
    assert_eq!(found.name, mug.name);
    assert_eq!(found.description, mug.description);
    assert_eq!(found.image, mug.image);
    assert_eq!((found.price_minor(), found.currency), (1_250, EUR));
    assert_eq!(found.created_at, found.updated_at);
}

#[test]
fn an_unknown_product_is_none() {
    let conn = &mut conn();
    let unknown = ProductId::try_from(i64::MAX).unwrap();

    assert!(find(conn, unknown, USD).unwrap().is_none());
    assert_eq!(products::find_default_variant(conn, unknown), Ok(None));
}

#[test]
fn the_preferred_currency_is_shown_where_there_is_one() {
    let conn = &mut conn();
    let id = create(conn, product("A"));
    set_price(conn, id, Money::new(900, EUR));
    let mut price = |currency| {
        let found = find(conn, id, currency).unwrap().unwrap();
        (found.price_minor(), found.currency)
    };

    assert_eq!(price(USD), (950, USD));
    assert_eq!(price(EUR), (900, EUR));
    let newest_of_any = price("GBP".parse::<Currency>().unwrap());
    assert_eq!(newest_of_any, (900, EUR));
}

#[test]
fn a_price_is_in_force_from_its_time_on() {
    let conn = &mut conn();
    let id = create(conn, product("A"));
    let at = |amount: i64, hours: i64| {
        format!(
            "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
             SELECT id, 'USD', {amount}, now() + interval '1 hour' * {hours} FROM catalog.variants \
              WHERE product_id = {id}"
        )
    };

    conn.batch_execute(&format!("{}; {}", at(1, 1), at(2, -1)))
        .unwrap();

    assert_eq!(find(conn, id, USD).unwrap().unwrap().price_minor(), 950);
}

#[test]
fn a_product_without_a_price_is_not_shown() {
    let conn = &mut conn();
    let id = create(conn, product("A"));

    conn.batch_execute("DELETE FROM catalog.prices").unwrap();

    assert!(find(conn, id, USD).unwrap().is_none());
    assert_eq!(search(conn, "A"), Vec::<String>::new());
}

#[test]
fn pages_by_number_and_by_cursor_agree() {
    let conn = &mut conn();
    let all: Vec<String> = (0..25).map(|n| format!("P-{n:02}")).collect();
    let new: Vec<_> = all.iter().map(|sku| product(sku)).collect();
    let ids = editing::create_all(conn, &new, None).unwrap();
    editing::archive(conn, ids[3], None, None).unwrap();

    let mut by_number = Vec::new();
    let mut by_cursor = Vec::new();
    let mut after = 0;
    for number in 1..=3 {
        let mut page = list(conn, None, Start::Page(number), size(10), USD).unwrap();
        assert_eq!(
            page.len(),
            if number == 3 { 4 } else { 11 },
            "one more tells of a next page"
        );
        page.truncate(10);
        by_number.extend(skus(page));
        let mut page = list(conn, None, Start::After(after), size(10), USD).unwrap();
        page.truncate(10);
        after = page.last().unwrap().id.get();
        by_cursor.extend(skus(page));
    }

    let on_sale: Vec<_> = all.into_iter().filter(|sku| sku != "P-03").collect();
    assert_eq!(by_number, on_sale);
    assert_eq!(by_cursor, on_sale);
    let beyond = [
        Start::Page(4),
        Start::Page(u32::MAX),
        Start::After(i64::MAX),
    ];
    for start in beyond {
        assert!(list(conn, None, start, size(10), USD).unwrap().is_empty());
    }
    assert_eq!(
        skus(list(conn, None, Start::Page(0), size(1), USD).unwrap()),
        ["P-00", "P-01"],
        "page 0 is the first"
    );
}

#[test]
fn a_search_looks_anywhere_in_name_and_description_in_any_case() {
    let conn = &mut conn();
    let described = NewProduct {
        name: "Teapot".into(),
        description: "Made of STONEWARE".into(),
        ..product("T-1")
    };
    create(conn, described);
    create(conn, product("X-1"));

    for part in ["teapot", "EAPO", "stoneware", "Teapot Made", "Ware"] {
        assert_eq!(search(conn, part), ["T-1"], "{part}");
    }
    assert_eq!(search(conn, "kettle"), Vec::<String>::new());
    assert_eq!(search(conn, ""), ["T-1", "X-1"]);
}

#[test]
fn a_search_takes_wildcards_for_what_they_are() {
    let conn = &mut conn();
    for (sku, name) in [
        ("A", "100% cotton"),
        ("B", "snake_case"),
        ("C", r"back\slash"),
        ("D", "plain"),
    ] {
        let name = name.into();
        create(
            conn,
            NewProduct {
                name,
                ..product(sku)
            },
        );
    }

    assert_eq!(search(conn, "%"), ["A"]);
    assert_eq!(search(conn, "_"), ["B"]);
    assert_eq!(search(conn, r"\"), ["C"]);
    assert_eq!(search(conn, r"k\s"), ["C"]);
    assert_eq!(search(conn, "a_n"), Vec::<String>::new());
}

#[test]
fn a_search_knows_the_letters_of_other_alphabets() {
    let conn = &mut conn();
    for (sku, name) in [
        ("A", "Übergröße"),
        ("B", "ΟΔΟΣ Αθήνα"),
        ("C", "Чайник"),
        ("D", "急須"),
    ] {
        let name = name.into();
        create(
            conn,
            NewProduct {
                name,
                ..product(sku)
            },
        );
    }

    assert_eq!(search(conn, "ÜBERGR"), ["A"]);
    assert_eq!(
        search(conn, "ΟΔΟΣ"),
        ["B"],
        "the same word, with its final letter"
    );
    assert_eq!(search(conn, "ЧАЙ"), ["C"]);
    assert_eq!(search(conn, "急須"), ["D"]);
}

#[test]
fn a_search_finds_a_sku_by_its_beginning() {
    let conn = &mut conn();
    for (n, text) in ["TEE-M", "tee-xl", "TEE_M", "GREY-TEE", "Ärmel-1"]
        .into_iter()
        .enumerate()
    {
        let name = format!("number {n}");
        create(
            conn,
            NewProduct {
                name,
                ..product(text)
            },
        );
    }

    assert_eq!(search(conn, "tee"), ["TEE-M", "tee-xl", "TEE_M"]);
    assert_eq!(search(conn, "Tee-"), ["TEE-M", "tee-xl"]);
    assert_eq!(search(conn, "tee_"), ["TEE_M"]);
    assert_eq!(search(conn, "TEE-M"), ["TEE-M"]);
    assert_eq!(search(conn, "ärm"), ["Ärmel-1"]);
    assert_eq!(search(conn, "ee"), Vec::<String>::new());
}

#[test]
fn an_archived_product_is_hidden_everywhere() {
    let conn = &mut conn();
    let id = create(conn, product("A"));

    editing::archive(conn, id, None, None).unwrap();

    assert!(find(conn, id, USD).unwrap().is_none());
    assert_eq!(products::find_default_variant(conn, id), Ok(None));
    assert_eq!(search(conn, "Product A"), Vec::<String>::new());
    assert_eq!(search(conn, "A"), Vec::<String>::new());
}
