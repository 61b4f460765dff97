//! Prices of lists are what is searched by, where everybody there pays them.

use catalog::prices::lists::Terms;
use catalog::prices::lists::editing::{self, ListChanges};
use catalog::prices::lists::setting::{self, NewListPrice};
use catalog::search::{Search, following};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{Facet, PriceListId};

use super::{everything, find, findings, follow};
use crate::{USD, create, database, product, sku};

pub const ANYONE: Terms = Terms {
    priority: 0,
    is_active: true,
    starts_at: None,
    ends_at: None,
    countries: Vec::new(),
    customer_groups: Vec::new(),
};

/// A list in which a product costs 5.00 USD.
pub fn list(conn: &mut PgConnection, code: &str, terms: Terms) -> PriceListId {
    let price = NewListPrice {
        sku: sku("SALE-1"),
        currency: USD,
        min_quantity: 1,
        amount_minor: Some(500),
        compare_at_minor: None,
        valid_from: None,
    };
    let code = code.parse().unwrap();
    conn.transaction(|conn| editing::create(conn, &code, "A list".to_owned(), terms, None))
        .inspect(|id| {
            conn.transaction(|conn| setting::set_all(conn, *id, &[price], None))
                .unwrap();
        })
        .unwrap()
}

/// The lowest and the highest price, in a country if any.
pub fn range_in(conn: &mut PgConnection, country: Option<&str>) -> (i64, i64) {
    let mut prices = Search {
        facets: vec![Facet::Price],
        ..everything()
    };
    prices.market.country = country.map(|code| code.parse().unwrap());
    let facets = find(conn, &prices).facets.unwrap();
    facets.prices.unwrap().range.unwrap()
}

fn range(conn: &mut PgConnection) -> (i64, i64) {
    range_in(conn, None)
}

#[test]
fn a_list_for_everybody_counts_while_it_is_in_force() {
    let conn = &mut database().connect();
    create(conn, product("SALE-1"));
    let sale = list(conn, "sale", ANYONE);
    follow(conn);
    assert_eq!(range(conn), (500, 500));

    let off = ListChanges {
        is_active: Some(false),
        ..ListChanges::default()
    };
    conn.transaction(|conn| editing::update(conn, sale, off, None, None))
        .unwrap();
    follow(conn);
    assert_eq!(range(conn), (950, 950));
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn a_list_for_some_is_searched_by_in_its_countries_and_not_for_its_groups() {
    let conn = &mut database().connect();
    create(conn, product("SALE-1"));
    let (trade, germany) = (
        Terms {
            customer_groups: vec!["trade".parse().unwrap()],
            ..ANYONE
        },
        Terms {
            countries: vec!["DE".parse().unwrap()],
            ..ANYONE
        },
    );
    list(conn, "trade", trade);
    list(conn, "germany", germany);
    follow(conn);

    assert_eq!(range(conn), (950, 950));
    assert_eq!(range_in(conn, Some("AT")), (950, 950));
    assert_eq!(range_in(conn, Some("DE")), (500, 500));
    let mut in_germany = everything();
    in_germany.market.country = Some("DE".parse().unwrap());
    let shown = find(conn, &in_germany).products.items;
    assert_eq!(shown[0].price_minor(), 500);
}

#[test]
fn a_list_begins_and_ends_by_the_clock() {
    let conn = &mut database().connect();
    create(conn, product("SALE-1"));
    list(conn, "sale", ANYONE);
    let shift = |conn: &mut PgConnection, starts: &str, ends: &str| {
        let moments = format!(
            "UPDATE catalog.price_lists SET starts_at = now() + interval '{starts}', ends_at = now() + interval '{ends}'"
        );
        conn.batch_execute(&moments).unwrap();
    };
    shift(conn, "30 minutes", "90 minutes");
    follow(conn);
    assert_eq!(range(conn), (950, 950));
    assert_eq!(following::refresh(conn).unwrap(), 0);

    // Its moment comes, which the document has kept.
    for (starts, ends, expected) in [
        ("-30 minutes", "30 minutes", 500),
        ("-2 hours", "-1 hour", 950),
    ] {
        shift(conn, starts, ends);
        let pass = "UPDATE catalog.search_documents_0 SET changes_at = changes_at - interval '1 hour' WHERE changes_at > now()";
        conn.batch_execute(pass).unwrap();
        assert_eq!(following::refresh(conn).unwrap(), 1);
        assert_eq!(range(conn), (expected, expected));
    }
    assert_eq!(following::refresh(conn).unwrap(), 0);
    assert_eq!(findings(conn), [""; 0]);
}
