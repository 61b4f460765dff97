//! What rows change.

use std::fmt::Write as _;

use catalog::editing;
use catalog::import::{Decided, Follow, Form, How, ImportError, Outcome, Start, Summary};
use catalog::stock::{self, Change};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::LocationId;

use super::{find, import, refusal};
use crate::{
    NewProduct, cause, conn, count, create, create_variant, database, product, text, unexplained,
};

#[test]
fn the_second_run_of_a_file_changes_nothing() {
    let conn = &mut conn();
    let mut file = "sku,name,description,price,currency,image,on_hand\n".to_owned();
    for n in 0..2_000 {
        let (cents, on_hand) = (
            n % 100,
            if n % 3 == 0 {
                String::new()
            } else {
                n.to_string()
            },
        );
        writeln!(
            file,
            "N-{n},Number {n},Text {n},{n}.{cents:02},GBP,/{n}.jpg,{on_hand}"
        )
        .unwrap();
    }
    let written = |conn: &mut PgConnection| {
        [
            "catalog.prices",
            "catalog.stock_movements",
            "platform.outbox",
        ]
        .map(|t| count(conn, t))
    };

    let (first, _) = import(conn, &file);
    let after_first = written(conn);
    let (second, report) = import(conn, &file);

    let all = 2_000;
    assert_eq!(
        first,
        Summary {
            rows: all,
            created: all,
            products: all,
            prices: all,
            ..Summary::default()
        }
    );
    assert_eq!(
        second,
        Summary {
            rows: all,
            unchanged: all,
            ..Summary::default()
        }
    );
    assert_eq!(written(conn), after_first);
    assert_eq!(report[0].0, 2);
    assert_eq!(report[1_999], (2_001, "N-1999".into(), Outcome::Unchanged));
    let units: i64 = (0..2_000).filter(|n| n % 3 != 0).sum();
    let counted = text(
        conn,
        "(SELECT sum(on_hand)::text FROM catalog.stock_levels)",
    );
    assert_eq!(counted, units.to_string());
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn empty_cells_and_absent_columns_leave_what_is_there() {
    let conn = &mut conn();
    let old = NewProduct {
        description: "Kept".into(),
        image: "kept.jpg".into(),
        ..product("A")
    };
    create(conn, old);

    let (summary, _) = import(
        conn,
        "sku,name,description,price,currency\nA,New name,,9.50,USD\n",
    );

    let found = find(conn, "A");
    assert_eq!(summary.updated, 1);
    assert_eq!(
        (found.name.as_str(), found.description.as_str()),
        ("New name", "Kept")
    );
    assert_eq!(
        (found.image.as_str(), found.price_minor(), found.version),
        ("kept.jpg", 950, 2)
    );
    assert_eq!(count(conn, "catalog.prices"), 1);
    assert_eq!(count(conn, "catalog.stock_movements"), 1);
}

#[test]
fn each_changed_cell_is_an_update() {
    let conn = &mut conn();
    create_variant(conn, "A", 10);
    let header = "sku,name,description,price,currency,image,on_hand";
    let changes = [
        "A,Product A,New,9.50,USD,,",
        "A,Product A,,9.50,USD,new.jpg,",
        "A,Product A,,9.51,USD,,",
        "A,Product A,,8,EUR,,",
        "A,Product A,,9.51,USD,,12",
    ];
    for (change, version) in changes.into_iter().zip(2..) {
        let (summary, _) = import(conn, format!("{header}\n{change}\n"));
        assert_eq!((summary.rows, summary.updated), (1, 1), "{change}");
        assert_eq!(find(conn, "A").version, version);
    }

    let history =
        "(SELECT string_agg(currency || amount_minor, ' ' ORDER BY id) FROM catalog.prices)";
    assert_eq!(text(conn, history), "USD950 USD951 EUR800");
    let movement = "catalog.stock_movements WHERE reason = 'import' AND on_hand_delta = 2";
    assert_eq!(count(conn, movement), 1);
    let told = "(SELECT string_agg(concat_ws(' ', kind, sequence), ', ' ORDER BY kind, sequence) \
                  FROM platform.outbox)";
    let expected = "product.changed 1, product.changed 2, product.changed 3, product.changed 4, \
                    product.changed 5, product.changed 6, stock.adjusted 1";
    assert_eq!(text(conn, told), expected);
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn a_count_below_what_orders_hold_is_refused_for_its_row_only() {
    let conn = &mut conn();
    let variants = ["A", "B", "C"].map(|sku| create_variant(conn, sku, 10));
    let reserve = |variant_id| Change {
        variant_id,
        location_id: LocationId::MAIN,
        on_hand: 0,
        reserved: 4,
    };
    stock::move_all(conn, &variants.map(reserve), &cause("order")).unwrap();
    conn.batch_execute(&format!(
        "UPDATE catalog.stock_levels SET safety = 2 WHERE variant_id = {}; \
         UPDATE catalog.stock_levels SET backorder_limit = 3 WHERE variant_id = {}",
        variants[1], variants[2]
    ))
    .unwrap();
    let mut set = |counts: [i64; 3]| {
        let [a, b, c] = counts;
        let header = "sku,name,price,currency,on_hand";
        let row = |sku, count| format!("{sku},Product {sku},9.50,USD,{count}");
        let file = [header.to_owned(), row("A", a), row("B", b), row("C", c)].join("\n");
        import(conn, file)
            .1
            .into_iter()
            .map(|(_, _, outcome)| outcome)
            .collect::<Vec<_>>()
    };

    let refused = set([3, 5, 0]);
    let accepted = set([4, 6, 1]);

    for outcome in &refused {
        let Outcome::Refused(refusal) = outcome else {
            panic!("{refused:?}");
        };
        assert_eq!(refusal.field, "on_hand");
        assert_eq!(refusal.message, "4 units are reserved by open orders");
    }
    assert_eq!(
        accepted,
        [Outcome::Updated, Outcome::Updated, Outcome::Updated]
    );
}

#[test]
fn an_archived_product_is_not_sold_again() {
    let conn = &mut conn();
    let id = create(conn, product("A"));
    editing::archive(conn, id, None, None).unwrap();

    let (field, message) = refusal(conn, "sku,name,price,currency\nA,Product A,9.50,USD\n");

    assert_eq!(
        (field.as_ref(), message.as_str()),
        ("sku", "belongs to an archived product")
    );
}

#[test]
fn a_dry_run_tells_what_would_happen_and_writes_nothing() {
    let conn = &mut database().connect();
    create(conn, product("OLD"));
    create(conn, product("SAME"));
    let before = count(conn, "platform.outbox");
    let mut file =
        "sku,name,price,currency\nOLD,New name,9.50,USD\nSAME,Product SAME,9.50,USD\nBAD,,1,USD\n"
            .to_owned();
    for n in 0..600 {
        writeln!(file, "N-{n},New,1,USD").unwrap();
    }

    let summary = crate::read_csv(conn, file.as_bytes(), true, |_, _, _| {}).unwrap();

    let expected = Summary {
        rows: 603,
        created: 600,
        updated: 1,
        unchanged: 1,
        refused: 1,
        products: 600,
        prices: 600,
    };
    assert_eq!(summary, expected);
    assert_eq!(count(conn, "catalog.products"), 2);
    assert_eq!(count(conn, "platform.outbox"), before);
    assert_eq!(find(conn, "OLD").name, "Product OLD");
    assert_eq!(import(conn, &file).0, expected);
}

/// Counts the rows of each transaction.
struct Chunks(Vec<usize>);

impl Follow for &mut Chunks {
    fn decided(&mut self, _: &mut PgConnection, decided: &Decided) -> Result<(), ImportError> {
        self.0.push(decided.rows.len());
        Ok(())
    }
}

#[test]
fn rows_with_long_texts_are_written_fewer_at_a_time() {
    let conn = &mut conn();
    let html = format!("<p>{}</p>", "x".repeat(45_000));
    let rows = (0..200).map(|n| format!("L-{n},Long,1,USD,{html}\n"));
    let file: String = ["sku,name,price,currency,description_html\n".to_owned()]
        .into_iter()
        .chain(rows)
        .collect();
    let mut chunks = Chunks(Vec::new());
    let done = catalog::import::run(
        conn,
        file.as_bytes(),
        Form::Csv,
        How::default(),
        &mut chunks,
        Start::default(),
    )
    .unwrap();
    assert_eq!((done.created, chunks.0), (200, vec![93, 93, 14]));
}
