//! Files of collections, of categories and of options.

mod categories;
mod collections;
mod options;

use catalog::import::{Decided, Follow, Form, How, ImportError, Outcome, Report, Spelling, Start};
use diesel::prelude::*;

use super::whole::read;
use crate::{USD, count, product};

const COLLECTIONS: Form = Form::Collections(Spelling::Csv, USD);
const CATEGORIES: Form = Form::Categories(Spelling::Csv);
const OPTIONS: Form = Form::Options(Spelling::Csv);

fn outcomes(told: &[(String, Outcome)]) -> Vec<(&str, &str)> {
    told.iter()
        .map(|(key, outcome)| (key.as_str(), outcome.name()))
        .collect()
}

/// Products `P-1` and so on, up to a number that none has.
fn fill(conn: &mut PgConnection, end: usize) {
    let products: Vec<_> = (1..end).map(|n| product(&format!("P-{n}"))).collect();
    catalog::editing::create_all(conn, &products, None).unwrap();
}

#[test]
fn a_dry_run_of_many_rows_knows_what_earlier_ones_would_have_made() {
    let conn = &mut crate::database().connect();
    let dry = How {
        dry_run: true,
        ..How::default()
    };
    let (mut collections, mut categories) = (
        "slug,name,product\nc,C,\n".to_owned(),
        "slug,name,parents\nc-0,C 0,\n".to_owned(),
    );
    fill(conn, 1_100);
    for n in 1..1_100 {
        collections += &format!("c,,P-{n}\n");
        categories += &format!("c-{n},C {n},c-{}\n", n / 100);
    }
    for (file, form, table) in [
        (&collections, COLLECTIONS, "catalog.collection_products"),
        (&categories, CATEGORIES, "catalog.category_parents"),
    ] {
        let (tried, expected) = read(conn, file, form, dry);
        assert_eq!((tried.refused, count(conn, table)), (0, 0));
        let (_, told) = read(conn, file, form, How::default());
        assert_eq!(told, expected);
        assert_eq!(count(conn, table), 1_099);
    }
}

#[test]
fn a_dry_run_refuses_what_the_run_refuses_though_the_row_that_makes_a_collection_is_refused() {
    let conn = &mut crate::database().connect();
    let dry = How {
        dry_run: true,
        ..How::default()
    };
    fill(conn, 600);
    let mut file = "slug,name,product\nc,C,NOT-THERE\n".to_owned();
    for n in 1..600 {
        file += &format!("c,,P-{n}\n");
    }
    let (tried, expected) = read(conn, &file, COLLECTIONS, dry);
    assert_eq!((tried.refused, tried.updated), (1, 599));
    let (_, told) = read(conn, &file, COLLECTIONS, How::default());
    assert_eq!(told, expected);
    assert_eq!(count(conn, "catalog.collection_products"), 599);
}

#[test]
fn files_with_other_columns_are_not_read() {
    let conn = &mut crate::database().connect();
    let mut message = |form: Form, header: &str| {
        let report = Report(|_, _: &str, _: &Outcome| panic!("a row was read"));
        let (how, start) = (How::default(), Start::default());
        let done = catalog::import::run(conn, header.as_bytes(), form, how, report, start);
        done.unwrap_err()
    };
    for (form, header) in [
        (COLLECTIONS, "slug,nom\n"),
        (COLLECTIONS, "slug,name@de\n"),
        (CATEGORIES, "slug,custom.\n"),
        (CATEGORIES, "slug,seo_title@de\n"),
        (OPTIONS, "option,label\n"),
        (OPTIONS, "option,name@de\n"),
    ] {
        let error = message(form, header);
        assert!(
            matches!(error, ImportError::OtherColumn { .. }),
            "{header}: {error}"
        );
    }
    for (form, header) in [
        (COLLECTIONS, "name\n"),
        (CATEGORIES, "name\n"),
        (OPTIONS, "value\n"),
    ] {
        let error = message(form, header);
        assert!(
            matches!(error, ImportError::LacksColumn(_)),
            "{header}: {error}"
        );
    }
    let error = message(OPTIONS, "option,label@nowhere\n");
    assert!(matches!(error, ImportError::UnknownLocale(_)), "{error}");
}

/// Lets one chunk through, and ends the import at the next one.
#[derive(Default)]
struct OneChunk {
    is_over: bool,
    start: Start,
}

impl Follow for &mut OneChunk {
    fn decided(&mut self, _: &mut PgConnection, chunk: &Decided) -> Result<(), ImportError> {
        if self.is_over {
            return Err(ImportError::Ended("enough".into()));
        }
        self.is_over = true;
        self.start.summary = *chunk.summary;
        Ok(())
    }
}

#[test]
fn an_import_that_breaks_off_goes_on_behind_its_last_chunk() {
    let conn = &mut crate::database().connect();
    let mut files = [
        (COLLECTIONS, "slug,name,product\n".to_owned()),
        (
            CATEGORIES,
            "slug,name,parents,name@de\nc-0,C 0,,K\n".to_owned(),
        ),
        (OPTIONS, "option,value,label@de\n".to_owned()),
    ];
    fill(conn, 1_200);
    for n in 1..1_200 {
        files[0].1 += &format!("c-{},C,P-{n}\n", n / 400);
        files[1].1 += &format!("c-{n},C {n},c-{},K\n", n / 100);
        files[2].1 += &format!("O-{},V-{n},W-{n}\n", n / 300);
    }
    for (form, file) in files {
        let (mut follower, mut attempts) = (OneChunk::default(), 0);
        let done = loop {
            follower.is_over = false;
            attempts += 1;
            let start = follower.start.clone();
            let how = How::default();
            match catalog::import::run(conn, file.as_bytes(), form, how, &mut follower, start) {
                Err(ImportError::Ended(_)) => {}
                done => break done.unwrap(),
            }
        };
        assert_eq!((attempts, done.refused), (3, 0), "{form:?}");
        assert_eq!(done.rows, u64::try_from(file.lines().count() - 1).unwrap());
        let (again, _) = read(conn, &file, form, How::default());
        assert_eq!(again.unchanged, again.rows, "{form:?}");
    }
}
