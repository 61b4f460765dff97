//! What documents say of countries, and what becomes of those of the release before.

use catalog::prices::lists::Terms;
use catalog::search::rebuilding;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

use crate::search::lists::{ANYONE, list, range_in};
use crate::search::{findings, index_all};
use crate::{USD, conn, create, product, text};

const UP: &str =
    include_str!("../../../../migrations/2026-11-29-110000_search_prices_of_countries/up.sql");
const DOWN: &str =
    include_str!("../../../../migrations/2026-11-29-110000_search_prices_of_countries/down.sql");

fn only_in(countries: &[&str], priority: i32) -> Terms {
    Terms {
        priority,
        countries: countries.iter().map(|code| code.parse().unwrap()).collect(),
        ..ANYONE
    }
}

/// What the only document says.
fn entries(conn: &mut PgConnection) -> String {
    text(
        conn,
        "(SELECT currencies::text || amounts::text FROM catalog.search_documents_0)",
    )
}

fn is_suitable(conn: &mut PgConnection) -> bool {
    rebuilding::is_suitable(conn, &["en".to_owned()], USD).unwrap()
}

#[test]
fn a_document_says_of_countries_what_is_not_so_in_general() {
    let conn = &mut conn();
    create(conn, product("SALE-1"));
    index_all(conn);
    assert_eq!(entries(conn), "{USD}{950}");

    list(conn, "germany", only_in(&["DE", "AT", "DE"], 1));
    index_all(conn);
    assert_eq!(entries(conn), "{USD,USD/AT,USD/DE}{950,500,500}");

    // For everybody it is as cheap, and nowhere cheaper.
    list(conn, "all", ANYONE);
    index_all(conn);
    assert_eq!(entries(conn), "{USD}{500}");

    conn.batch_execute("UPDATE catalog.list_prices SET amount_minor = 400")
        .unwrap();
    let group = Terms {
        customer_groups: vec!["trade".parse().unwrap()],
        ..only_in(&["CH"], 3)
    };
    list(conn, "trade", group);
    list(conn, "abroad", only_in(&["CH", "AT"], 2));
    index_all(conn);
    assert_eq!(entries(conn), "{USD,USD/AT,USD/CH}{400,500,500}");
}

#[test]
fn documents_are_made_anew_after_an_upgrade_where_a_list_is_for_countries() {
    let conn = &mut conn();
    create(conn, product("SALE-1"));
    index_all(conn);
    assert!(is_suitable(conn));
    conn.batch_execute(DOWN).unwrap();
    assert!(is_suitable(conn), "by the release before");
    list(conn, "all", ANYONE);
    index_all(conn);
    conn.batch_execute(UP).unwrap();
    assert!(is_suitable(conn), "nothing is new of these");
    assert_eq!(findings(conn), [""; 0]);

    list(conn, "germany", only_in(&["DE"], 1));
    conn.batch_execute("UPDATE catalog.list_prices SET amount_minor = 400 WHERE list_id = (SELECT max(id) FROM catalog.price_lists)")
        .unwrap();
    index_all(conn);
    assert_eq!(range_in(conn, Some("DE")), (400, 400));
    conn.batch_execute(DOWN).unwrap();
    assert!(!is_suitable(conn), "they say what nobody reads");
    index_all(conn);
    conn.batch_execute("UPDATE catalog.search_index SET shape = 2")
        .unwrap();
    assert_eq!(findings(conn), [""; 0]);

    conn.batch_execute(UP).unwrap();
    assert!(!is_suitable(conn));
    assert_eq!(range_in(conn, Some("DE")), (500, 500), "until they are");
    assert_eq!(findings(conn), [""; 0], "they are about to be");
    rebuilding::begin(conn, &["en".to_owned()], USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    conn.transaction(rebuilding::swap).unwrap();

    assert!(is_suitable(conn));
    assert_eq!(range_in(conn, Some("DE")), (400, 400));
    assert_eq!(findings(conn), [""; 0]);
}

/// It runs beside this one, and asks as it always did.
#[test]
fn rules_without_a_country_find_what_they_found() {
    let conn = &mut conn();
    let id = create(conn, product("SALE-1"));
    list(conn, "germany", only_in(&["DE"], 1));
    index_all(conn);
    let mut found = |arguments: &str| {
        let rules =
            r#"{"match": "all", "conditions": [{"price": {"currency": "USD", "max": 600}}]}"#;
        text(
            conn,
            &format!(
                "(SELECT product_ids::text FROM catalog.list_by_rules('{rules}', {arguments}))"
            ),
        )
    };

    assert_eq!(found("'newest', 0, 0, 10"), "{}");
    assert_eq!(found("NULL, 'newest', 0, 0, 10"), "{}");
    assert_eq!(found("'AT', 'name', 0, 0, 10"), "{}");
    for order in ["newest", "name", "best_selling"] {
        let after = if order == "best_selling" {
            "NULL, NULL"
        } else {
            "0, 0"
        };
        assert_eq!(
            found(&format!("'DE', '{order}', {after}, 10")),
            format!("{{{id}}}")
        );
    }
}
