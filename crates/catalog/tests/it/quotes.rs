use catalog::editing;
use catalog::products;
use catalog::quotes::Wanted;
use catalog::stock::{self, Change};
use diesel::connection::SimpleConnection;
use domain::{LocationId, Money, ProductId};

use crate::{EUR, NewProduct, USD, cause, conn, create, product, quote, sku};

#[test]
fn lines_are_quoted_in_order_and_unknown_ones_are_missing() {
    let conn = &mut conn();
    let (a, b) = (create(conn, product("A")), create(conn, product("B")));
    let gone = create(conn, product("C"));
    editing::archive(conn, gone, None, None).unwrap();
    let wanted = [
        Wanted::Sku(sku("B")),
        Wanted::Product(ProductId::try_from(i64::MAX).unwrap()),
        Wanted::Product(a),
        Wanted::Sku(sku("b")),
        Wanted::Product(gone),
        Wanted::Sku(sku("C")),
        Wanted::Product(b),
        Wanted::Sku(sku("A")),
    ];

    let quotes = quote(conn, &wanted, USD);

    let seen: Vec<_> = quotes
        .iter()
        .map(|(position, q)| (*position, q.product_id, q.sku.as_str()))
        .collect();
    assert_eq!(seen, [(0, b, "B"), (2, a, "A"), (6, b, "B"), (7, a, "A")]);
    let variant = products::find_default_variant(conn, a).unwrap().unwrap();
    assert_eq!(
        (quotes[1].1.variant_id, quotes[1].1.title.as_str()),
        (variant, "Product A")
    );
    assert!(quote(conn, &[], USD).is_empty());
}

#[test]
fn a_quote_has_the_preferred_currency_where_there_is_one() {
    let conn = &mut conn();
    let both = create(conn, product("A"));
    let price = Some(Money::new(900, EUR));
    let changes = editing::ProductChanges {
        price,
        ..Default::default()
    };
    editing::update(conn, both, changes, None, None).unwrap();
    create(conn, product("B"));

    let quotes = quote(conn, &[Wanted::Product(both), Wanted::Sku(sku("B"))], EUR);

    let prices: Vec<_> = quotes
        .iter()
        .map(|(_, q)| (q.price_minor, q.currency))
        .collect();
    assert_eq!(prices, [(900, EUR), (950, USD)]);
}

#[test]
fn what_is_available_counts_reservations_safety_and_backorders() {
    let conn = &mut conn();
    let id = create(
        conn,
        NewProduct {
            on_hand: 10,
            ..product("A")
        },
    );
    let variant_id = products::find_default_variant(conn, id).unwrap().unwrap();
    conn.batch_execute("UPDATE catalog.stock_levels SET safety = 2, backorder_limit = 5")
        .unwrap();
    let reserved = Change {
        variant_id,
        location_id: LocationId::MAIN,
        on_hand: 0,
        reserved: 4,
    };

    stock::move_all(conn, &[reserved], &cause("order")).unwrap();

    assert_eq!(quote(conn, &[Wanted::Product(id)], USD)[0].1.available, 9);
    conn.batch_execute("DELETE FROM catalog.stock_movements; DELETE FROM catalog.stock_levels")
        .unwrap();
    let unstocked = quote(conn, &[Wanted::Product(id)], USD);
    assert_eq!(unstocked[0].1.available, 0, "nothing is known of it");
}
