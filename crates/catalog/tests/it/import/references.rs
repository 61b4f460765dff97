//! What rows say of other things, wherever these stand in the file.

use catalog::import::{
    self, Brought, Follow, Form, How, ImportError, OnError, Outcome, Start, Summary, Told,
};
use catalog::media::uploading::{self, NewMedia};
use catalog::media::{Hash, exchange};
use catalog::{export, stock};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{LocationId, MediaId};

use super::refusal;
use crate::{cause, conn, count, create_variant, database, product, text};

/// A picture whose bytes are there, or would be.
fn picture(conn: &mut PgConnection, byte: u8, alt: &str) -> MediaId {
    let new = NewMedia {
        hash: Hash([byte; 32]),
        source: Hash([byte.wrapping_add(100); 32]),
        content_type: if byte == 1 { "image/png" } else { "image/jpeg" },
        bytes: 9_000,
        width: 40,
        height: 30,
        widths: vec![],
        name: "mug.jpg".into(),
        alt: alt.into(),
    };
    let (id, _) = uploading::begin(conn, new).unwrap();
    assert!(uploading::complete(conn, id, None).unwrap());
    id
}

fn name(byte: u8) -> String {
    let content_type = if byte == 1 { "image/png" } else { "image/jpeg" };
    exchange::name_of_source(Hash([byte.wrapping_add(100); 32]), content_type)
}

/// Everything refers to something that comes later, by rows that come later still.
fn everything() -> String {
    let (one, two) = (name(1), name(2));
    format!(
        "\
product,sku,name,price,currency,on_hand,option:Size,kind,components,tax_class,related,up_sell,cross_sell,collections,images
,SET,Set,30,USD,,,bundle,TEE-M > 2|E-BOOK|M\\|G > 3,reduced,M\\|G|TEE-L|E-BOOK,TEE-M,M\\|G,summer-sale > Summer \\| sale|new,
tee,TEE-S,Tee,10,USD,1,S,physical,,,,,,new,{two} > From \\> behind > TEE-L > TEE-M|{one} >  > TEE-S
tee,TEE-M,,10,USD,2,M,,,,,,,,
,E-BOOK,Book,5,USD,,,digital,,zero,SET,,,,{one}
,DUO,Duo,9,USD,0,,,E-BOOK > 2,,,,,,
tee,TEE-L,,10,USD,3,L,,,,,,,,
,M|G,Mug,4,USD,4,,,,,,,,,
"
    )
}

fn file_of(conn: &mut PgConnection, form: export::Form) -> String {
    let mut file = Vec::new();
    export::products(conn, export::Scope::All, form, &mut file).unwrap();
    String::from_utf8(file).unwrap()
}

fn unsound(conn: &mut PgConnection) -> Vec<String> {
    let found = catalog::doctor::checks().into_iter().flat_map(|check| {
        let findings = db::doctor::examine(conn, check).unwrap().findings;
        findings
            .into_iter()
            .map(|found| format!("{} {}", found.subject, found.message))
    });
    found.collect()
}

#[test]
fn what_a_shop_is_made_of_goes_into_an_empty_one_and_comes_out_as_it_was() {
    let conn = &mut database().connect();
    let pictures = [picture(conn, 1, "One"), picture(conn, 2, "Two")];
    let (done, report) = super::import(conn, everything());
    assert_eq!((done.created, done.refused), (7, 0), "{report:?}");
    assert_eq!(report.len(), 7);
    assert_eq!(count(conn, "catalog.import_references"), 0);

    let (table, lines) = (
        file_of(conn, export::Form::Csv),
        file_of(conn, export::Form::Ndjson),
    );

    let parts = "(SELECT string_agg(v.sku || ' ' || b.quantity, ',' ORDER BY b.position) FROM catalog.bundle_parts b \
                   JOIN catalog.variants v ON v.id = b.part_id JOIN catalog.variants w ON w.id = b.bundle_id WHERE w.sku = 'SET')";
    assert_eq!(text(conn, parts), "TEE-M 2,E-BOOK 1,M|G 3");
    let name = "(SELECT name FROM catalog.collections WHERE slug = 'summer-sale')";
    assert_eq!(text(conn, name), "Summer | sale");
    assert_eq!(
        text(
            conn,
            "(SELECT name FROM catalog.collections WHERE slug = 'new')"
        ),
        "New"
    );
    let shown = "(SELECT string_agg(media_id || ' ' || pm.alt || ' ' || cardinality(variant_ids), ',' ORDER BY position) \
                    FROM catalog.product_media pm JOIN catalog.products p ON p.id = pm.product_id WHERE p.name = 'Tee')";
    let expected = format!("{} From > behind 2,{} One 1", pictures[1], pictures[0]);
    assert_eq!(text(conn, shown), expected);
    assert_eq!(unsound(conn), [""; 0]);
    for form in [Form::Csv, Form::Ndjson] {
        let other = &mut database().connect();
        // Under other names and with other words.
        for byte in [3, 2, 1] {
            picture(other, byte, "");
        }
        let file = if form == Form::Csv { &table } else { &lines };
        for expected in ["created", "unchanged"] {
            let mut told = Vec::new();
            let report = import::Report(|line, sku: &str, outcome: &Outcome| {
                told.push(format!("{line} {sku} {outcome:?}"));
                assert_eq!(outcome.name(), expected, "{line} {sku} {outcome:?}");
            });
            let start = Start::default();
            import::run(other, file.as_bytes(), form, How::default(), report, start).unwrap();
            assert_eq!(told.len(), 7);
        }
        assert_eq!(file_of(other, export::Form::Csv), table);
        assert_eq!(file_of(other, export::Form::Ndjson), lines);
        assert_eq!(unsound(other), [""; 0]);
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let conn = &mut database().connect();
    for byte in [1, 2] {
        picture(conn, byte, "");
    }
    super::import(conn, everything());
    let mut expected: Vec<String> = file_of(conn, export::Form::Csv)
        .lines()
        .map(str::to_owned)
        .collect();
    expected.sort_unstable();
    let file = everything();
    let (header, rows) = file.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    // Those of one product stay in their order, by which one of them is the first.
    for order in [
        [6, 4, 3, 0, 1, 2, 5],
        [1, 2, 5, 6, 4, 3, 0],
        [3, 6, 1, 2, 5, 0, 4],
    ] {
        let other = &mut database().connect();
        for byte in [1, 2] {
            picture(other, byte, "");
        }
        let rows = order.map(|at| rows[at]).join("\n");
        let (done, report) = super::import(other, format!("{header}\n{rows}\n"));
        assert_eq!(done.created, 7, "{report:?}");
        let mut found: Vec<String> = file_of(other, export::Form::Csv)
            .lines()
            .map(str::to_owned)
            .collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{order:?}");
    }
}

/// Ends the import in the transaction of a row whose references are read.
struct Ending {
    steps: u32,
    start: Start,
    told: Vec<Told>,
}

struct Steps<'e>(&'e mut Ending);

impl Follow for Steps<'_> {
    fn begin(&mut self, _: &mut PgConnection) -> Result<(), ImportError> {
        if self.0.steps == 0 {
            return Err(ImportError::Ended("enough".into()));
        }
        self.0.steps -= 1;
        Ok(())
    }

    fn decided(
        &mut self,
        _: &mut PgConnection,
        chunk: &import::Decided,
    ) -> Result<(), ImportError> {
        self.0.start.summary = *chunk.summary;
        self.0.start.learned.extend_from_slice(chunk.learned);
        Ok(())
    }

    fn corrected(
        &mut self,
        _: &mut PgConnection,
        corrected: &import::Corrected,
    ) -> Result<(), ImportError> {
        self.0.start.summary = *corrected.summary;
        Ok(())
    }

    fn committed(&mut self, rows: &[Told]) {
        self.0.told.extend_from_slice(rows);
    }
}

#[test]
fn an_import_that_ends_between_references_goes_on_with_the_next_one() {
    let whole = &mut database().connect();
    let conn = &mut database().connect();
    for byte in [1, 2] {
        picture(whole, byte, "");
        picture(conn, byte, "");
    }
    let file = everything() + ",BAD,Bad,1,USD,,,,NOBODY,,,,,,\n";
    super::import(whole, &file);
    let mut ending = Ending {
        steps: 0,
        start: Start {
            run: Some("import 7".into()),
            ..Start::default()
        },
        told: Vec::new(),
    };
    let mut attempts = 0;
    let done: Summary = loop {
        attempts += 1;
        // One transaction each time.
        ending.steps = 1;
        let start = ending.start.clone();
        let follower = Steps(&mut ending);
        match import::run(
            conn,
            file.as_bytes(),
            Form::Csv,
            How::default(),
            follower,
            start,
        ) {
            Err(ImportError::Ended(_)) => {}
            done => break done.unwrap(),
        }
    };
    assert_eq!(attempts, 6, "a chunk, and rows that refer to something");
    assert_eq!((done.created, done.refused), (7, 1));
    let mut told: Vec<&str> = ending.told.iter().map(|told| told.sku.as_str()).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "BAD", "DUO", "E-BOOK", "M|G", "SET", "TEE-L", "TEE-M", "TEE-S"
        ]
    );
    assert_eq!(
        file_of(conn, export::Form::Csv),
        file_of(whole, export::Form::Csv)
    );
}

const HEADER: &str = "product,sku,name,price,currency,on_hand,kind,components,related,collections,images,tax_class\n";

#[test]
fn a_row_with_bad_references_is_refused_and_names_what_is_wrong() {
    let conn = &mut conn();
    create_variant(conn, "MUG", 5);
    create_variant(conn, "GONE", 0);
    conn.batch_execute(
        "UPDATE catalog.products SET archived_at = now() WHERE name = 'Product GONE'",
    )
    .unwrap();
    conn.batch_execute(
        "INSERT INTO catalog.collections (slug, name, product_order, rules) VALUES ('ruled', 'R', 'newest', '{}'); \
         INSERT INTO catalog.collections (slug, name, product_order, archived_at) VALUES ('over', 'O', 'manual', now())",
    )
    .unwrap();
    let long = "x".repeat(2_001);
    let many = (0..101)
        .map(|n| format!("{n}.jpg"))
        .collect::<Vec<_>>()
        .join("|");
    let cases = [
        ("0,sold,,,,,", "kind", "physical, digital or bundle"),
        ("0,bundle,,,,,", "components", "are required"),
        ("0,digital,MUG,,,,", "kind", "must be bundle"),
        ("3,digital,,,,,", "on_hand", "no stock of its own"),
        ("3,,MUG,,,,", "on_hand", "no stock of its own"),
        (
            ",,NOBODY,,,,",
            "components",
            "`NOBODY` is the SKU of no variant on sale",
        ),
        (
            ",,GONE,,,,",
            "components",
            "`GONE` is the SKU of no variant",
        ),
        (",,NEW,,,,", "components", "is the bundle itself"),
        (",,MUG|MUG > 2,,,,", "components", "named twice"),
        (",,MUG > 0,,,,", "components", "must be 1 to 10000"),
        (",,MUG > -1,,,,", "components", "must be 1 to 10000"),
        (",,MUG > 10001,,,,", "components", "must be 1 to 10000"),
        (",,MUG > 1 > 2,,,,", "components", "must be 1 to 10000"),
        (",,MU\u{200b}G,,,,", "components", "visible characters"),
        (
            ",,,NOBODY,,,",
            "related",
            "`NOBODY` is the SKU of no variant",
        ),
        (",,,NEW,,,", "related", "is the product itself"),
        (",,,,Sale,,", "collections", "is no slug"),
        (",,,,2024,,", "collections", "a letter"),
        (",,,,ruled,,", "collections", "has rules"),
        (",,,,over,,", "collections", "is archived"),
        (
            ",,,,,../secret.png,",
            "images",
            "is not a path within a folder",
        ),
        (
            ",,,,,/etc/passwd,",
            "images",
            "is not a path within a folder",
        ),
        (
            ",,,,,a/../../b.png,",
            "images",
            "is not a path within a folder",
        ),
        (
            ",,,,,a\\\\b.png,",
            "images",
            "is not a path within a folder",
        ),
        (",,,,,C:/b.png,", "images", "is not a path within a folder"),
        (
            ",,,,,ftp://example.com/b.png,",
            "images",
            "is not a path within a folder",
        ),
        (",,,,,https://,", "images", "is not a path within a folder"),
        (",,,,,a.png|a.png,", "images", "named twice"),
        (",,,,, > Alt,", "images", "must each have a path"),
        (
            ",,,,,a.png,",
            "images",
            "there is no folder to take it from",
        ),
        (&format!(",,,,,{long},"), "images", "at most 2000"),
        (&format!(",,,,,{many},"), "images", "must be at most 100"),
        (",,,,,,Reduced rate", "tax_class", "a tax class has"),
    ];
    for (cells, field, rule) in cases {
        let file = format!("{HEADER},NEW,New,1,USD,{cells}\n");
        conn.transaction::<(), diesel::result::Error, _>(|conn| {
            let (found, message) = refusal(conn, file);
            assert_eq!(found, field, "{cells:.80} {message}");
            assert!(message.contains(rule), "{cells:.80} {message}");
            Err(diesel::result::Error::RollbackTransaction)
        })
        .unwrap_err();
    }
}

#[test]
fn bundles_of_bundles_are_refused_whatever_comes_first_and_in_a_dry_run_too() {
    let circle = format!(
        "{HEADER},A,A,1,USD,,,B,,,,\n,B,B,1,USD,,,A,,,,\n,C,C,1,USD,,,A,,,,\n,D,D,1,USD,,,,,,,\n"
    );
    for dry_run in [true, false] {
        let conn = &mut conn();
        let mut told = Vec::new();
        let summary = crate::read_csv(conn, circle.as_bytes(), dry_run, |_, sku, outcome| {
            told.push((sku.to_owned(), outcome.clone()));
        })
        .unwrap();
        assert_eq!((summary.created, summary.refused), (1, 3), "{told:?}");
        told.sort_by_key(|(sku, _)| sku.clone());
        for ((sku, outcome), part) in told.iter().zip(["B", "A", "A"]) {
            let Outcome::Refused(refusal) = outcome else {
                panic!("{sku}: {outcome:?}")
            };
            assert_eq!(refusal.field, "components");
            assert_eq!(refusal.message, format!("`{part}` is a bundle itself"));
        }
        assert_eq!(unsound(conn), [""; 0]);
        assert_eq!(count(conn, "catalog.variants"), if dry_run { 0 } else { 4 });
        assert_eq!(count(conn, "catalog.import_references"), 0);
    }
}

#[test]
fn a_dry_run_tells_what_the_import_would_and_changes_nothing() {
    let conn = &mut conn();
    let mug = create_variant(conn, "MUG", 0);
    create_variant(conn, "CUP", 3);
    let file = format!(
        "{HEADER},MUG,,1,USD,,,CUP,,new,,\n,CUP,,9.50,USD,,,,MUG,,,\n,SET,Set,1,USD,,,CUP > 2,NOBODY,,,\n,BOX,Box,1,USD,,,CUP,SET,,,\n"
    )
    .replace(",MUG,,1,", ",MUG,Mug,9.50,")
    .replace(",CUP,,9.50", ",CUP,Cup,9.50");
    let run = |conn: &mut PgConnection, dry_run| {
        let mut told = Vec::new();
        let summary = crate::read_csv(conn, file.as_bytes(), dry_run, |line, sku, outcome| {
            told.push((line, sku.to_owned(), outcome.clone()));
        });
        told.sort_by_key(|(line, ..)| *line);
        (summary.unwrap(), told)
    };
    let would = run(conn, true);
    assert_eq!(count(conn, "catalog.bundle_parts"), 0);
    assert_eq!(count(conn, "catalog.collections"), 0);
    assert_eq!(count(conn, "catalog.related_products"), 0);

    let did = run(conn, false);

    assert_eq!(would, did);
    assert_eq!(
        (did.0.updated, did.0.created, did.0.refused),
        (2, 1, 1),
        "{:?}",
        did.1
    );
    let (again, report) = run(conn, false);
    assert_eq!(again.unchanged, 3, "{report:?}");
    let kind = format!("(SELECT kind FROM catalog.variants WHERE id = {mug})");
    assert_eq!(text(conn, &kind), "bundle");
}

#[test]
fn what_a_variant_is_may_change_where_no_stock_is_lost() {
    let conn = &mut conn();
    let mug = create_variant(conn, "MUG", 0);
    create_variant(conn, "CUP", 3);
    let kind = |conn: &mut PgConnection| {
        text(
            conn,
            &format!("(SELECT kind FROM catalog.variants WHERE id = {mug})"),
        )
    };
    for (cells, expected) in [
        ("digital,,", "digital"),
        ("digital,,", "digital"),
        (",CUP > 2,", "bundle"),
        ("bundle,,", "bundle"),
        ("digital,,", "digital"),
        ("bundle,CUP,", "bundle"),
        ("physical,,", "physical"),
    ] {
        let before = kind(conn);
        let (done, report) = super::import(
            conn,
            format!("{HEADER},MUG,Product MUG,9.50,USD,,{cells},,,\n"),
        );
        assert_eq!(kind(conn), expected);
        let is_new = before != expected;
        assert_eq!(
            (done.updated, done.unchanged),
            (is_new.into(), (!is_new).into()),
            "{report:?}"
        );
        assert_eq!(unsound(conn), [""; 0]);
    }
    let change = stock::Change {
        variant_id: mug,
        location_id: LocationId::MAIN,
        on_hand: 1,
        reserved: 0,
    };
    stock::move_all(conn, &[change], &cause("correction")).unwrap();
    for cells in ["digital,,", ",CUP,"] {
        let refused = refusal(
            conn,
            format!("{HEADER},MUG,Product MUG,9.50,USD,,{cells},,,\n"),
        );
        assert_eq!(refused.0, "on_hand", "{cells} {refused:?}");
        assert_eq!(kind(conn), "physical");
    }
}

#[test]
fn an_import_stops_at_the_first_reference_that_is_refused() {
    let file = format!(
        "{HEADER},A,A,1,USD,,,,D,,,\n,B,B,1,USD,,,,NOBODY,,,\n,C,C,1,USD,,,,D,,,\n,D,D,1,USD,,,,,,,\n"
    );
    let conn = &mut conn();
    let how = How {
        dry_run: false,
        on_error: OnError::Stop,
    };
    let mut told = Vec::new();
    let report = import::Report(|_, sku: &str, outcome: &Outcome| {
        told.push(format!("{sku} {}", outcome.name()));
    });
    let done = import::run(
        conn,
        file.as_bytes(),
        Form::Csv,
        how,
        report,
        Start::default(),
    )
    .unwrap();
    assert_eq!((done.rows, done.created, done.refused), (4, 3, 1));
    assert_eq!(told, ["D created", "A created", "B refused"]);
    assert_eq!(count(conn, "catalog.related_products"), 1);
    assert_eq!(count(conn, "catalog.import_references"), 0);
}

/// Has one picture in its folder.
struct Folder<'f>(MediaId, &'f mut Vec<String>);

impl Follow for Folder<'_> {
    fn picture(&mut self, path: &str, _: bool) -> Result<Brought, ImportError> {
        self.1.push(path.to_owned());
        Ok(match path {
            "a/red.jpg" => Brought::Kept(self.0),
            _ => Brought::Refused("is not a JPEG, PNG or WebP".into()),
        })
    }
}

#[test]
fn pictures_come_from_a_folder_and_a_product_keeps_what_it_says_of_them() {
    let conn = &mut conn();
    crate::create(conn, product("MUG"));
    let media = picture(conn, 9, "Its own words");
    let read = |conn: &mut PgConnection, cell: &str| {
        let file = format!("{HEADER},MUG,Product MUG,9.50,USD,,,,,,{cell},\n");
        let mut asked = Vec::new();
        let folder = Folder(media, &mut asked);
        let done = import::run(
            conn,
            file.as_bytes(),
            Form::Csv,
            How::default(),
            folder,
            Start::default(),
        );
        (done.unwrap(), asked)
    };
    let alt = |conn: &mut PgConnection| {
        text(
            conn,
            "(SELECT string_agg(alt, ',') FROM catalog.product_media)",
        )
    };
    assert_eq!(read(conn, "a/red.jpg").0.updated, 1);
    assert_eq!(alt(conn), "Its own words");
    assert_eq!(read(conn, "a/red.jpg > Red").0.updated, 1);
    assert_eq!(alt(conn), "Red");
    let (again, asked) = read(conn, "a/red.jpg");
    assert_eq!((again.unchanged, asked), (1, vec!["a/red.jpg".to_owned()]));
    assert_eq!(alt(conn), "Red");
    assert_eq!(read(conn, "a/red.jpg|b/blue.jpg").0.refused, 1);
    assert_eq!(alt(conn), "Red");
    // By what it came as, it is known without a folder.
    let (known, asked) = read(conn, &format!("x/{}", name(9)));
    assert_eq!((known.unchanged, asked.len()), (1, 0));
}

#[test]
fn pictures_of_other_servers_are_waited_for_and_fetched_by_a_job() {
    let conn = &mut conn();
    let media = picture(conn, 9, "");
    let file = format!(
        "{HEADER},MUG,Mug,9.50,USD,,,,,,https://example.com/a.jpg > Red|{},\n",
        name(9)
    );
    let (done, _) = super::import(conn, &file);
    assert_eq!((done.created, done.refused), (1, 0));
    let id = super::find(conn, "MUG").id;
    let list = catalog::media::wanted::find(conn, id, None)
        .unwrap()
        .unwrap();
    let away: Vec<_> = list
        .images
        .iter()
        .map(|image| (image.src.as_str(), image.media_id))
        .collect();
    let there = name(9);
    assert_eq!(
        away,
        [
            ("https://example.com/a.jpg", None),
            (there.as_str(), Some(media.get()))
        ]
    );
    assert_eq!(list.row, None, "nobody keeps results of the command line");
    assert_eq!(count(conn, "platform.jobs WHERE kind = 'fetchPictures'"), 1);
    assert_eq!(count(conn, "catalog.product_media"), 0);
    // Once it was fetched, it is known by its address.
    catalog::media::wanted::note_fetched(conn, "https://example.com/a.jpg", media).unwrap();
    let (done, _) = super::import(conn, &file);
    assert_eq!(done.updated, 1);
    assert!(
        catalog::media::wanted::find(conn, id, None)
            .unwrap()
            .is_none()
    );
    assert_eq!(count(conn, "catalog.product_media"), 1);
}

const SAID: &str = "sku,name,price,currency,images,images@de,images@pt-br\n";

fn alts(conn: &mut PgConnection) -> String {
    text(
        conn,
        "(SELECT string_agg(alts::text, ' ' ORDER BY position) FROM catalog.product_media)",
    )
}

#[test]
fn pictures_say_in_other_languages_what_they_show_and_do_in_the_next_shop() {
    let [conn, other] = &mut [database().connect(), database().connect()];
    let (one, two) = (name(1), name(2));
    let file = format!(
        "{SAID}MUG,Mug,1,USD,{one} > Red|{two},{two} > A \\| B \\> C|{one} > Rot,{one} > Vermelho\nCUP,Cup,1,USD,{two},,\n"
    );
    for conn in [&mut *conn, &mut *other] {
        picture(conn, 1, "");
        picture(conn, 2, "");
    }
    let (done, _) = super::import(conn, &file);
    assert_eq!((done.created, done.refused), (2, 0));
    let said = [
        r#"{"de": "Rot", "pt-BR": "Vermelho"}"#,
        r#"{"de": "A | B > C"}"#,
    ];
    assert_eq!(
        text(
            conn,
            "(SELECT string_agg(m.alts::text, ' ' ORDER BY position) FROM catalog.product_media m \
               JOIN catalog.variants v USING (product_id) WHERE v.sku = 'MUG')"
        ),
        said.join(" ")
    );
    assert_eq!(super::import(conn, &file).0.unchanged, 2);

    let table = file_of(conn, export::Form::Csv);
    let header = table.lines().next().unwrap_or_default();
    assert!(
        header.ends_with(",components,images@de,images@pt-BR"),
        "{header}"
    );
    let lines = file_of(conn, export::Form::Ndjson);
    assert!(
        lines.contains(r#""alts":{"de":"Rot","pt-BR":"Vermelho"}"#),
        "{lines}"
    );
    for (file, form) in [(&table, Form::Csv), (&lines, Form::Ndjson)] {
        for changed in [2, 0] {
            let done = import::run(
                other,
                file.as_bytes(),
                form,
                How::default(),
                import::Report(|_, _: &str, _: &Outcome| {}),
                Start::default(),
            )
            .unwrap();
            let unchanged = done.rows - changed;
            assert_eq!((done.refused, done.unchanged), (0, unchanged), "{form:?}");
        }
        assert_eq!(file_of(other, export::Form::Csv), table);
        assert_eq!(file_of(other, export::Form::Ndjson), lines);
        other
            .batch_execute("TRUNCATE catalog.products CASCADE")
            .unwrap();
    }
}

#[test]
fn what_is_not_said_of_a_picture_stays_and_what_is_said_of_another_one_is_refused() {
    let conn = &mut conn();
    picture(conn, 1, "");
    let one = name(1);
    let read = |conn: &mut PgConnection, cells: &str| {
        super::import(conn, format!("{SAID}MUG,Mug,1,USD,{cells}\n")).0
    };
    assert_eq!(
        read(conn, &format!("{one},{one} > Rot,{one} > Vermelho")).created,
        1
    );
    let said = r#"{"de": "Rot", "pt-BR": "Vermelho"}"#;
    assert_eq!(read(conn, &format!("{one},,")).unchanged, 1);
    assert_eq!(read(conn, &format!("{one},{one} >  ,")).unchanged, 1);
    assert_eq!(alts(conn), said);
    assert_eq!(read(conn, &format!("{one},{one} > Grün,")).updated, 1);
    let said = said.replace("Rot", "Grün");
    assert_eq!(alts(conn), said);
    for (cells, field, why) in [
        (
            format!("{one},x.jpg > Rot,"),
            "images@de",
            "`x.jpg` is not among the images of the row",
        ),
        (
            format!(",{one} > Rot,"),
            "images@de",
            "is not among the images of the row",
        ),
        (
            format!("{one},{one} > {},", "x".repeat(1_001)),
            "images",
            "must have at most 1000 characters",
        ),
    ] {
        let refused = refusal(conn, format!("{SAID}MUG,Mug,1,USD,{cells}\n"));
        assert_eq!(refused.0, field, "{refused:?}");
        assert!(refused.1.ends_with(why), "{refused:?}");
    }
    for (member, why) in [
        (r#"{"german":"Rot"}"#, "a locale is a language tag"),
        (r#"{"de-at":"Rot","de-AT":"Rot"}"#, "`de-AT` is there twice"),
    ] {
        let line = format!(
            r#"{{"product":"m","images":[{{"src":"{one}","alts":{member}}}],"variants":[{{"sku":"MUG","prices":[{{"currency":"USD","price":"1"}}]}}]}}"#
        );
        let mut told = Vec::new();
        let report = import::Report(|_, _: &str, outcome: &Outcome| told.push(outcome.clone()));
        let start = Start::default();
        import::run(
            conn,
            line.as_bytes(),
            Form::Ndjson,
            How::default(),
            report,
            start,
        )
        .unwrap();
        let [Outcome::Refused(refused)] = &told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(refused.field, "images");
        assert!(refused.message.contains(why), "{refused:?}");
    }
    assert_eq!(alts(conn), said);
}
