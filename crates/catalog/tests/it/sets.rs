//! The functions that a set of orders is placed with.

use catalog::editing::{self, ProductChanges};
use catalog::quotes::{Quote, Wanted};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text};
use domain::{Money, ProductId};

use crate::{USD, conn, count, create, create_variant, product, quote, text};

db::statement! {
    struct FindOutdated {
        line_orders: Vec<i32> => Array<Integer>,
        product_ids: Vec<i64> => Array<BigInt>,
        product_versions: Vec<i64> => Array<BigInt>,
        variant_ids: Vec<i64> => Array<BigInt>,
        price_ids: Vec<i64> => Array<BigInt>,
        currencies: Vec<&'static str> => Array<Text>,
    } -> Nullable<Array<Integer>> =
    "SELECT catalog.find_outdated($1, $2, $3, $4, $5, $6)"
}

fn find_outdated(conn: &mut PgConnection, quotes: &[Quote]) -> Vec<i32> {
    let statement = FindOutdated {
        line_orders: (1..).take(quotes.len()).collect(),
        product_ids: quotes.iter().map(|q| q.product_id.get()).collect(),
        product_versions: quotes.iter().map(|q| q.product_version).collect(),
        variant_ids: quotes.iter().map(|q| q.variant_id.get()).collect(),
        price_ids: quotes.iter().map(|q| q.price_id).collect(),
        currencies: quotes.iter().map(|q| q.currency.code()).collect(),
    };
    let found: Option<Vec<i32>> = statement.get_result(conn).unwrap();
    found.unwrap_or_default()
}

#[test]
fn a_quote_is_outdated_by_another_price_another_name_and_the_end_of_the_product() {
    let conn = &mut conn();
    let ids: Vec<ProductId> = ["A", "B", "C", "D"]
        .iter()
        .map(|sku| create(conn, product(sku)))
        .collect();
    let wanted: Vec<Wanted> = ids.iter().map(|id| Wanted::Product(*id)).collect();
    let quotes: Vec<Quote> = quote(conn, &wanted, USD)
        .into_iter()
        .map(|(_, quote)| quote)
        .collect();
    assert!(find_outdated(conn, &quotes).is_empty());

    let price = ProductChanges {
        price: Some(Money::new(1, USD)),
        ..Default::default()
    };
    editing::update(conn, ids[0], price, None, None).unwrap();
    editing::archive(conn, ids[2], None, None).unwrap();
    let scheduled = "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
                     SELECT variant_id, currency, amount_minor + 1, \
                            now() + CASE $2 WHEN 'later' THEN interval '1 hour' ELSE interval '-1 second' END \
                       FROM catalog.prices WHERE variant_id = $1";
    for (quote, when) in [(&quotes[1], "later"), (&quotes[3], "by now")] {
        diesel::sql_query(
            "UPDATE catalog.prices SET valid_from = now() - interval '1 day' WHERE variant_id = $1",
        )
        .bind::<BigInt, _>(quote.variant_id.get())
        .execute(conn)
        .unwrap();
        diesel::sql_query(scheduled)
            .bind::<BigInt, _>(quote.variant_id.get())
            .bind::<Text, _>(when)
            .execute(conn)
            .unwrap();
    }

    assert_eq!(find_outdated(conn, &quotes), [1, 3, 4]);
}

/// Grants stock to orders of (variant, quantity) lines; returns what falls short, as text.
fn grant(conn: &mut PgConnection, orders: &[&[(i64, i64)]]) -> String {
    let lines = |column: fn(usize, &(i64, i64)) -> i64| {
        let numbers = (1..).zip(orders).flat_map(|(number, lines)| {
            lines
                .iter()
                .map(move |line| column(number, line).to_string())
        });
        numbers.collect::<Vec<_>>().join(",")
    };
    let number = lines(|number, _| i64::try_from(number).unwrap());
    let (variants, quantities) = (lines(|_, line| line.0), lines(|_, line| line.1));
    text(
        conn,
        &format!(
            "(SELECT coalesce(string_agg(format('%s lacks %s: %s left', o, v, a), '; ' ORDER BY o, v), 'all') \
               FROM catalog.grant_stock('{{{number}}}', '{{{variants}}}', '{{{quantities}}}') g, \
                    unnest(g.short_orders, g.short_variants, g.short_available) AS s (o, v, a))"
        ),
    )
}

#[test]
fn stock_goes_to_those_who_came_first_and_a_refused_order_takes_none() {
    let conn = &mut conn();
    let (a, b) = (
        create_variant(conn, "A", 5).get(),
        create_variant(conn, "B", 1).get(),
    );

    assert_eq!(grant(conn, &[&[(a, 2)], &[(a, 1), (b, 1), (a, 2)]]), "all");
    // The second falls short of both; what it wanted of A is there for the third and the fourth.
    assert_eq!(
        grant(
            conn,
            &[
                &[(a, 2)],
                &[(b, 2), (a, 4)],
                &[(a, 3)],
                &[(b, 1)],
                &[(a, 1)]
            ]
        ),
        format!("2 lacks {a}: 3 left; 2 lacks {b}: 1 left; 5 lacks {a}: 0 left")
    );
    let unknown = i64::MAX;
    assert_eq!(
        grant(conn, &[&[(unknown, 1)], &[(b, 1)]]),
        format!("1 lacks {unknown}: 0 left")
    );
    assert_eq!(grant(conn, &[]), "all");
}

#[test]
fn reserving_leaves_a_movement_for_each_order_and_variant() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 5), create_variant(conn, "B", 5));

    let (x, y) = (a.get(), b.get());
    text(
        conn,
        &format!(
            "(catalog.reserve_stock('{{7,7,7,8}}', '{{1,1,1,NULL}}', '{{{x},{y},{x},{x}}}', '{{1,2,1,1}}')::text)"
        ),
    );

    let moved = "(SELECT string_agg(concat_ws(' ', order_id, variant_id, reserved_delta, actor_id), '; ' \
                  ORDER BY order_id, variant_id) FROM catalog.stock_movements WHERE reason = 'order_placed')";
    assert_eq!(text(conn, moved), format!("7 {x} 2 1; 7 {y} 2 1; 8 {x} 1"));
    assert_eq!(
        count(
            conn,
            &format!("catalog.stock_levels WHERE (variant_id, reserved) IN (({x}, 3), ({y}, 2))")
        ),
        2
    );
}
