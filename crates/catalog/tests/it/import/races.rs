//! Imports beside other writers.

use std::fmt::Write as _;
use std::thread;

use catalog::editing;
use catalog::import::Summary;
use diesel::connection::SimpleConnection;
use domain::Money;

use super::{find, import, outcomes};
use crate::{USD, count, create, database, product};

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
    assert_eq!(find(watcher, "A").price_minor(), 950);
}
