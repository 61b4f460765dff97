//! Prices and counts of variants that are there.

use catalog::import::{self, Form, How, OnError, Outcome, Report, Start, Summary};
use catalog::stock::{self, Change};
use diesel::prelude::*;

use super::find;
use crate::{cause, conn, count, create, create_variant, product, text, unexplained};

type Told = Vec<(u64, String, Result<String, (String, String)>)>;

fn import(conn: &mut PgConnection, form: Form, how: How, file: &str) -> (Summary, Told) {
    let mut told = Vec::new();
    let report = Report(|line, sku: &str, outcome: &Outcome| {
        let outcome = match outcome {
            Outcome::Refused(refusal) => Err((refusal.field.to_string(), refusal.message.clone())),
            other => Ok(format!("{other:?}")),
        };
        told.push((line, sku.to_owned(), outcome));
    });
    let done = import::run(conn, file.as_bytes(), form, how, report, Start::default());
    (done.unwrap(), told)
}

fn fields(told: &Told) -> Vec<(u64, &str)> {
    told.iter()
        .filter_map(|(line, _, outcome)| Some((*line, outcome.as_ref().err()?.0.as_str())))
        .collect()
}

#[test]
fn prices_are_set_now_and_for_later_and_a_second_run_changes_nothing() {
    let conn = &mut conn();
    for sku in ["A", "B"] {
        create(conn, product(sku));
    }
    let file = "sku,price,currency,valid_from\nA,12.00,USD,\nA,11.00,EUR,\nA,9.00,USD,2999-01-01T00:00:00Z\n\
                B,9.50,USD,\nNONE,1,USD,\nB,1,USD,2020-01-01T00:00:00Z\nB,7,USD,\nB,-1,EUR,\nB,1,EUR,soon\n,1,USD,\n";

    let (dry, dry_told) = import(
        conn,
        Form::Prices,
        How {
            dry_run: true,
            ..How::default()
        },
        file,
    );
    assert_eq!(find(conn, "A").price_minor(), 950);
    let (first, told) = import(conn, Form::Prices, How::default(), file);
    let events = count(conn, "platform.outbox");
    let (second, _) = import(
        conn,
        Form::Prices,
        How::default(),
        &file[..file.find("A,9.00").unwrap()],
    );

    assert_eq!((dry, dry_told), (first, told.clone()));
    let expected = Summary {
        rows: 10,
        updated: 3,
        unchanged: 1,
        refused: 6,
        prices: 3,
        ..Summary::default()
    };
    assert_eq!(first, expected, "{told:?}");
    assert_eq!(
        fields(&told),
        [
            (6, "sku"),
            (7, "valid_from"),
            (8, "sku"),
            (9, "price"),
            (10, "valid_from"),
            (11, "sku")
        ]
    );
    assert_eq!(find(conn, "A").price_minor(), 1_200);
    assert_eq!(
        (second.unchanged, count(conn, "platform.outbox")),
        (2, events)
    );
    assert_eq!(count(conn, "catalog.prices WHERE scheduled"), 1);
}

#[test]
fn stock_is_what_was_counted_and_never_below_what_orders_hold() {
    let conn = &mut conn();
    let variant = create_variant(conn, "A", 10);
    create(conn, product("B"));
    let held = Change {
        variant_id: variant,
        location_id: domain::LocationId::MAIN,
        on_hand: 0,
        reserved: 4,
    };
    stock::move_all(conn, &[held], &cause("order")).unwrap();
    let file = "sku,on_hand\nA,3\nB,25\nNONE,1\nB,25\nA,\nA,-1\nA,4\n";

    let (first, told) = import(conn, Form::Stock, How::default(), file);

    let expected = Summary {
        rows: 7,
        updated: 1,
        refused: 6,
        ..Summary::default()
    };
    assert_eq!(first, expected, "{told:?}");
    assert_eq!(
        fields(&told),
        [
            (2, "on_hand"),
            (4, "sku"),
            (5, "sku"),
            (6, "on_hand"),
            (7, "on_hand"),
            (8, "sku")
        ]
    );
    let counted = "(SELECT string_agg(v.sku || s.on_hand, ' ' ORDER BY v.sku) FROM catalog.stock_levels s \
                     JOIN catalog.variants v ON v.id = s.variant_id)";
    assert_eq!(text(conn, counted), "A10 B25");
    let (second, _) = import(
        conn,
        Form::Stock,
        How::default(),
        "sku,on_hand\nA,4\nB,25\n",
    );
    assert_eq!((second.updated, second.unchanged), (1, 1));
    assert_eq!(
        count(conn, "catalog.stock_movements WHERE reason = 'import'"),
        2
    );
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn a_refusal_that_stops_leaves_what_is_before_it() {
    let conn = &mut conn();
    for sku in ["A", "B", "C"] {
        create(conn, product(sku));
    }
    for dry_run in [true, false] {
        let how = How {
            dry_run,
            on_error: OnError::Stop,
        };
        let (stock, _) = import(conn, Form::Stock, how, "sku,on_hand\nA,1\nNONE,1\nB,1\n");
        let file = "sku,price,currency\nA,1,USD\nB,2,USD\nNONE,1,USD\nC,1,USD\n";
        let (prices, _) = import(conn, Form::Prices, how, file);
        assert_eq!((stock.rows, stock.updated, stock.refused), (2, 1, 1));
        assert_eq!((prices.rows, prices.updated, prices.prices), (3, 2, 2));
        let expected = if dry_run { (950, 950) } else { (100, 950) };
        assert_eq!(
            (find(conn, "A").price_minor(), find(conn, "C").price_minor()),
            expected
        );
    }
    assert_eq!(count(conn, "catalog.stock_levels WHERE on_hand = 1"), 1);
}

#[test]
fn columns_are_these_and_no_others() {
    let message = |form, file: &str| {
        let report = Report(|_, _: &str, _: &Outcome| panic!("a row was read"));
        let (how, start) = (How::default(), Start::default());
        import::run(&mut conn(), file.as_bytes(), form, how, report, start)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(Form::Stock, "sku,name\n"),
        "unknown column `name`; known are sku, on_hand"
    );
    assert_eq!(
        message(Form::Stock, "sku\n"),
        "the header lacks the column `on_hand`"
    );
    assert_eq!(
        message(Form::Prices, "sku,price\n"),
        "the header lacks the column `currency`"
    );
    assert_eq!(
        message(Form::Prices, "sku,sku\n"),
        "column `sku` appears twice"
    );
}
