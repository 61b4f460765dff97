use std::fmt::Write as _;
use std::thread;

use catalog::editing;
use catalog::import::{self, ImportError, Outcome, Summary};
use catalog::products;
use catalog::stock::{self, Change};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{Money, ProductId};

use crate::{
    EUR, NewProduct, USD, cause, conn, count, create, create_variant, database, product, text,
    unexplained,
};

type Report = Vec<(u64, String, Outcome)>;

fn import(conn: &mut PgConnection, file: impl AsRef<[u8]>) -> (Summary, Report) {
    let mut report = Vec::new();
    let summary = import::products(conn, file.as_ref(), false, |line, sku, outcome| {
        report.push((line, sku.to_owned(), outcome.clone()));
    });
    report.sort_by_key(|(line, ..)| *line);
    (summary.unwrap(), report)
}

fn refuse_file(conn: &mut PgConnection, file: &[u8]) -> ImportError {
    import::products(conn, file, false, |_, _, _| panic!("a row was read")).unwrap_err()
}

/// The column at fault and the message of the only row.
fn refusal(conn: &mut PgConnection, file: impl AsRef<[u8]>) -> (&'static str, String) {
    let (summary, mut report) = import(conn, file);
    assert_eq!((summary.rows, summary.refused), (1, 1), "{report:?}");
    match report.remove(0).2 {
        Outcome::Refused(refusal) => (refusal.field, refusal.message),
        other => panic!("{other:?}"),
    }
}

fn outcomes(report: &Report) -> Vec<(&str, &Outcome)> {
    report
        .iter()
        .map(|(_, sku, outcome)| (sku.as_str(), outcome))
        .collect()
}

fn find(conn: &mut PgConnection, sku: &str) -> products::Product {
    let id = format!("(SELECT product_id::text FROM catalog.variants WHERE sku = '{sku}')");
    let id: i64 = text(conn, &id).parse().unwrap();
    products::find(conn, ProductId::try_from(id).unwrap(), USD)
        .unwrap()
        .unwrap()
}

#[test]
fn a_file_with_byte_order_mark_crlf_and_quotes_is_read() {
    let conn = &mut conn();
    let file = "\u{feff}sku,name,description,price,currency,image,on_hand\r\n\
                MUG-1,\"Mug, blue\",\"Holds 0.3 l,\r\n\"\"dishwasher safe\"\"\",9.50,EUR,https://example.com/mug.jpg,7\r\n\
                \r\n\
                 TEE-M , Tee ,,20,USD,,\r\n";

    let (summary, report) = import(conn, file);

    let expected = Summary {
        rows: 2,
        created: 2,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(report[0], (2, "MUG-1".into(), Outcome::Created));
    assert_eq!(report[1], (5, "TEE-M".into(), Outcome::Created));
    let mug = find(conn, "MUG-1");
    assert_eq!(mug.name, "Mug, blue");
    assert_eq!(mug.description, "Holds 0.3 l,\r\n\"dishwasher safe\"");
    assert_eq!((mug.price_minor, mug.currency), (950, EUR));
    assert_eq!(mug.image, "https://example.com/mug.jpg");
    let tee = find(conn, "TEE-M");
    assert_eq!(
        (tee.name.as_str(), tee.price_minor, tee.currency),
        ("Tee", 2_000, USD)
    );
    let counted = "(SELECT string_agg(sku || on_hand, ' ' ORDER BY sku) \
                      FROM catalog.stock_levels JOIN catalog.variants ON id = variant_id)";
    assert_eq!(text(conn, counted), "MUG-17 TEE-M0");
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    let conn = &mut conn();
    let file =
        "sku,name,price,currency\n\n\nA,\"two\nlines\",1,USD\n\nB,,1,USD\nC,C,1,USD\n\n\nD,D,1,USD";

    for file in [
        file.to_owned(),
        file.replace('\n', "\r\n"),
        format!("{file}\n"),
    ] {
        let (summary, report) = import(conn, &file);
        let lines: Vec<_> = report
            .iter()
            .map(|(line, sku, _)| (*line, sku.as_str()))
            .collect();
        assert_eq!(lines, [(4, "A"), (7, "B"), (8, "C"), (11, "D")], "{file:?}");
        assert_eq!((summary.rows, summary.refused), (4, 1));
    }
}

#[test]
fn the_header_decides_about_the_whole_file() {
    let conn = &mut conn();
    let message =
        |conn: &mut PgConnection, file: &str| refuse_file(conn, file.as_bytes()).to_string();

    let missing = message(conn, "sku,name,price\nA,A,1\n");
    assert_eq!(
        missing,
        "the header lacks the column `currency`; required are sku, name, price and currency"
    );
    let unknown = message(conn, "sku,name,price,currency,onhand\nA,A,1,USD,5\n");
    assert!(
        unknown.starts_with("unknown column `onhand`; known are sku, name, description, "),
        "{unknown}"
    );
    let repeated = message(conn, "sku,name,price,currency,name\nA,A,1,USD,B\n");
    assert_eq!(repeated, "column `name` appears twice");
    assert!(message(conn, "").starts_with("the header lacks the column `sku`"));
    assert!(message(conn, "SKU,name,price,currency\n").starts_with("unknown column `SKU`"));
    let invalid = refuse_file(conn, b"sku,n\xffme,price,currency\n");
    assert!(matches!(invalid, ImportError::Read(_)), "{invalid}");
    assert_eq!(count(conn, "catalog.products"), 0);
}

#[test]
fn a_header_alone_and_columns_in_any_order_are_fine() {
    let conn = &mut conn();

    let (nothing, _) = import(conn, "sku,name,price,currency\n");
    let (one, _) = import(conn, "currency, price ,name,sku\nUSD,9.5,Tee,A");

    assert_eq!(nothing, Summary::default());
    assert_eq!(one.created, 1);
    assert_eq!(find(conn, "A").price_minor, 950);
}

#[test]
fn each_cell_that_is_wrong_is_refused_by_name() {
    let conn = &mut conn();
    let long = |length: usize| "é".repeat(length);
    let all = "sku,name,price,currency,description,image,on_hand";
    let rows = [
        (",A,1,USD,,,".to_owned(), "sku", "is required"),
        (
            format!("{},A,1,USD,,,", long(65)),
            "sku",
            "1 to 64 characters",
        ),
        ("A\u{200b}B,A,1,USD,,,".into(), "sku", "zero-width"),
        ("A,  ,1,USD,,,".into(), "name", "is required"),
        (
            format!("A,{},1,USD,,,", long(301)),
            "name",
            "at most 300 characters",
        ),
        ("A,a\u{1}b,1,USD,,,".into(), "name", "control characters"),
        ("A,a\0b,1,USD,,,".into(), "name", "control characters"),
        ("A,A,,USD,,,".into(), "price", "is required"),
        ("A,A,1e3,USD,,,".into(), "price", ""),
        ("A,A,-1,USD,,,".into(), "price", ""),
        ("A,A,+1,USD,,,".into(), "price", ""),
        ("A,A,$1,USD,,,".into(), "price", ""),
        ("A,A,1.005,USD,,,".into(), "price", ""),
        ("A,A,9.5,JPY,,,".into(), "price", ""),
        ("A,A,99999999999999999999,USD,,,".into(), "price", ""),
        ("A,A,1,,,,".into(), "currency", "is required"),
        ("A,A,1,usd,,,".into(), "currency", ""),
        ("A,A,1,XXQ,,,".into(), "currency", ""),
        (
            format!("A,A,1,USD,{},,", long(20_001)),
            "description",
            "at most 20000 characters",
        ),
        (
            format!("A,A,1,USD,,{},", long(2_001)),
            "image",
            "at most 2000 characters",
        ),
        ("A,A,1,USD,,,-1".into(), "on_hand", "whole number from 0 to"),
        ("A,A,1,USD,,,+1".into(), "on_hand", "whole number from 0 to"),
        (
            "A,A,1,USD,,,1.0".into(),
            "on_hand",
            "whole number from 0 to",
        ),
        (
            "A,A,1,USD,,,many".into(),
            "on_hand",
            "whole number from 0 to",
        ),
        (
            "A,A,1,USD,,,1000000000001".into(),
            "on_hand",
            "whole number from 0 to",
        ),
        (
            "A,A,1,USD,,,9999999999999999999999".into(),
            "on_hand",
            "whole number from 0 to",
        ),
        (
            "A,A,1,USD,Large, blue,a.jpg,5".into(),
            "row",
            "has more cells than the header",
        ),
        ("A,A,1".into(), "currency", "is required"),
    ];
    for (row, field, part) in rows {
        let (found, message) = refusal(conn, format!("{all}\n{row}\n"));
        assert_eq!(found, field, "{row}: {message}");
        assert!(message.contains(part), "{row}: {message}");
    }
    assert_eq!(count(conn, "catalog.products"), 0);
}

#[test]
fn a_row_that_is_not_utf_8_does_not_hold_up_the_others() {
    let conn = &mut conn();
    let file = b"sku,name,price,currency\nA,Tee,1,USD\nB,T\xe9e,1,USD\nC,Tee,1,USD\n";

    let (summary, report) = import(conn, file);

    assert_eq!((summary.rows, summary.created, summary.refused), (3, 2, 1));
    let (line, _, Outcome::Refused(refusal)) = &report[1] else {
        panic!("{report:?}");
    };
    assert_eq!((*line, refusal.field), (3, "row"));
    assert_eq!(refusal.message, "is not valid UTF-8");
}

#[test]
fn a_sku_that_comes_twice_is_refused_at_its_second_row() {
    let conn = &mut conn();
    let mut file = "sku,name,price,currency\nA,First,1,USD\nA,Second,2,USD\n".to_owned();
    for n in 0..600 {
        writeln!(file, "N-{n},Filler,1,USD").unwrap();
    }
    file.push_str("A,In another chunk,3,USD\nB,,1,USD\nB,Good after a bad one,1,USD\n");

    let (summary, report) = import(conn, file);

    assert_eq!((summary.created, summary.refused), (602, 3));
    let twice: Vec<_> = report
        .iter()
        .filter(|(_, sku, outcome)| sku == "A" && *outcome != Outcome::Created)
        .map(|(line, _, outcome)| (*line, outcome))
        .collect();
    let [(3, Outcome::Refused(refusal)), (604, Outcome::Refused(_))] = twice.as_slice() else {
        panic!("{twice:?}");
    };
    assert_eq!(
        (refusal.field, refusal.message.as_str()),
        ("sku", "appears twice in the file")
    );
    assert_eq!(find(conn, "A").name, "First");
    assert_eq!(find(conn, "B").name, "Good after a bad one");
}

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
        (found.image.as_str(), found.price_minor, found.version),
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
    editing::archive(conn, id, None).unwrap();

    let (field, message) = refusal(conn, "sku,name,price,currency\nA,Product A,9.50,USD\n");

    assert_eq!(
        (field, message.as_str()),
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

    let summary = import::products(conn, file.as_bytes(), true, |_, _, _| {}).unwrap();

    let expected = Summary {
        rows: 603,
        created: 600,
        updated: 1,
        unchanged: 1,
        refused: 1,
    };
    assert_eq!(summary, expected);
    assert_eq!(count(conn, "catalog.products"), 2);
    assert_eq!(count(conn, "platform.outbox"), before);
    assert_eq!(find(conn, "OLD").name, "Product OLD");
    assert_eq!(import(conn, &file).0, expected);
}

#[test]
fn imports_at_once_create_each_product_once() {
    let database = database();
    let file = |order: &mut dyn Iterator<Item = u32>| {
        order.fold("sku,name,price,currency\n".to_owned(), |mut file, n| {
            writeln!(file, "N-{n},Number {n},1,USD").unwrap();
            file
        })
    };
    let files = [
        file(&mut (0..400)),
        file(&mut (0..400).rev()),
        file(&mut (200..600)),
    ];

    let run = |file| import(&mut database.connect(), file).0;
    let summaries: Vec<Summary> = thread::scope(|scope| {
        let run = &run;
        let imports: Vec<_> = files
            .iter()
            .map(|file| scope.spawn(move || run(file)))
            .collect();
        imports.into_iter().map(|i| i.join().unwrap()).collect()
    });

    let conn = &mut database.connect();
    assert_eq!(count(conn, "catalog.products"), 600);
    assert_eq!(summaries.iter().map(|s| s.created).sum::<u64>(), 600);
    assert_eq!(summaries.iter().map(|s| s.unchanged).sum::<u64>(), 600);
}

#[test]
fn an_import_sees_the_price_of_the_writer_it_waited_for() {
    let database = database();
    let (writer, watcher) = (&mut database.connect(), &mut database.connect());
    let id = create(writer, product("A"));
    let cheaper = editing::ProductChanges {
        price: Some(Money::new(800, USD)),
        ..Default::default()
    };
    writer.batch_execute("BEGIN").unwrap();
    editing::update(writer, id, cheaper, None, None).unwrap();

    let (summary, report) = thread::scope(|scope| {
        let import = scope.spawn(|| {
            let file = "sku,name,price,currency\nA,Product A,9.50,USD\n";
            import(&mut database.connect(), file)
        });
        while count(watcher, "pg_locks WHERE NOT granted") == 0 {
            thread::yield_now();
        }
        writer.batch_execute("COMMIT").unwrap();
        import.join().unwrap()
    });

    assert_eq!(summary.updated, 1, "{:?}", outcomes(&report));
    assert_eq!(find(watcher, "A").price_minor, 950);
}
