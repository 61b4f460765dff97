//! What is written is what an import reads.

use std::fmt::Write as _;

use catalog::editing::{DetailChanges, Publication};
use catalog::export::{self, Summary};
use catalog::variants::{choosing, editing};
use catalog::{import, stock};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{LocationId, Options, ProductOption};

use crate::{EUR, NewProduct, cause, count, create, database, product};

fn exported(conn: &mut PgConnection) -> (Summary, String) {
    let mut file = Vec::new();
    let summary = export::products(conn, &mut file).unwrap();
    (summary, String::from_utf8(file).unwrap())
}

fn imported(conn: &mut PgConnection, file: &str) -> import::Summary {
    import::products(conn, file.as_bytes(), false, |line, sku, outcome| {
        assert!(
            !matches!(outcome, import::Outcome::Refused(_)),
            "line {line}: {sku}: {outcome:?}"
        );
    })
    .unwrap()
}

/// What is exported goes into an empty shop and comes out of it as it was, byte by byte.
fn assert_identity(conn: &mut PgConnection) -> String {
    let (summary, file) = exported(conn);
    let other = &mut database().connect();
    let done = imported(other, &file);
    assert_eq!(done.products, summary.products);
    assert_eq!(done.created, summary.variants);
    assert_eq!(done.prices, summary.prices);
    let (again, copy) = exported(other);
    assert_eq!(copy, file);
    assert_eq!(again, summary);
    assert_eq!(imported(other, &file).unchanged, summary.prices);
    file
}

#[test]
fn an_empty_shop_is_a_header() {
    let conn = &mut database().connect();
    let header = "product,sku,name,description,price,currency,image,on_hand,barcode,weight_grams,length_mm,width_mm,height_mm\n";
    assert_eq!(exported(conn), (Summary::default(), header.to_owned()));
    assert_eq!(assert_identity(conn), header);
}

#[test]
fn what_is_not_on_sale_stays_in_the_shop() {
    let conn = &mut database().connect();
    create(conn, product("SOLD"));
    let draft = DetailChanges {
        publication: Some(Publication::Never),
        ..DetailChanges::default()
    };
    catalog::editing::create(conn, product("DRAFT"), draft, None).unwrap();
    let file = assert_identity(conn);
    assert!(file.contains("SOLD") && !file.contains("DRAFT"), "{file}");
}

#[test]
fn what_was_imported_comes_out_again() {
    let conn = &mut database().connect();
    let file = "\
product,sku,name,price,currency,option:Size,option:Colour,on_hand,barcode,weight_grams,length_mm
tee,TEE-S,Tee,19.00,USD,S,red,5,4006381333931,180,
tee,TEE-M,,19.00,USD,M,red,,,190,
mug,MUG,Mug,9.50,USD,,blue,7,,,95
,CAP,\"Cap, \"\"large\"\"\",1200,JPY,,,,,60,
tee,TEE-M-B,,21.00,USD,M,blue,3,,,
tee,TEE-S,,17.00,EUR,,,,,,
,CAP,,11.005,KWD,,,,,,
";
    imported(conn, file);

    let copy = assert_identity(conn);

    assert_eq!(
        copy,
        "\
product,sku,name,description,price,currency,image,on_hand,barcode,weight_grams,length_mm,width_mm,height_mm,option:Size,option:Colour
TEE-S,TEE-S,Tee,,19.00,USD,,5,4006381333931,180,,,,S,red
TEE-S,TEE-S,,,17.00,EUR,,,,,,,,,
TEE-S,TEE-M,,,19.00,USD,,0,,190,,,,M,red
TEE-S,TEE-M-B,,,21.00,USD,,3,,,,,,M,blue
MUG,MUG,Mug,,9.50,USD,,7,,,95,,,,blue
CAP,CAP,\"Cap, \"\"large\"\"\",,1200,JPY,,0,,60,,,,,
CAP,CAP,,,11.005,KWD,,,,,,,,,
"
    );
}

#[test]
fn a_shop_that_has_lived_is_exported_as_it_is_now() {
    let conn = &mut database().connect();
    let text = "  =SUM(A1), \"quoted\",\r\nwith lines;\rand\ttabs \u{1F9F5}\u{a0}";
    let described = NewProduct {
        description: text.into(),
        image: " /a,b.jpg".into(),
        ..product("A,1")
    };
    let tee = create(conn, described);
    let gone = create(conn, product("GONE"));
    catalog::editing::archive(conn, gone, None).unwrap();
    let option = |name: &str, values: &[&str]| ProductOption {
        name: name.into(),
        values: values.iter().map(|value| (*value).into()).collect(),
    };
    let options = [option("Size", &["S", "M", "L"]), option("Fit", &["slim"])];
    choosing::set_options(conn, tee, &Options::new(&options).unwrap(), None, None).unwrap();
    let matrix = choosing::Matrix {
        sku_prefix: "T".into(),
        price: domain::Money::new(1_200, EUR),
        on_hand: 2,
    };
    let made = choosing::generate(conn, tee, &matrix, None).unwrap();
    let [medium, large] = made.variant_ids[..] else {
        panic!("{made:?}");
    };
    editing::archive(conn, (tee, medium), None, None).unwrap();
    let changes = editing::VariantChanges {
        is_default: Some(true),
        price: Some(domain::Money::new(1_500, EUR)),
        ..Default::default()
    };
    editing::update(conn, (tee, large), changes, None, None).unwrap();
    let other = create(conn, product("B"));
    let swapped = [
        option("Fit", &["slim"]),
        option("Unused", &["x"]),
        option("Size", &["XL"]),
    ];
    choosing::set_options(conn, other, &Options::new(&swapped).unwrap(), None, None).unwrap();
    choosing::generate(conn, other, &matrix_of("B", &matrix), None).unwrap();
    let change = stock::Change {
        variant_id: large,
        location_id: LocationId::MAIN,
        on_hand: 0,
        reserved: 1,
    };
    stock::move_all(conn, &[change], &cause("order")).unwrap();
    conn.batch_execute(
        "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
         SELECT id, 'GBP', 1, now() + interval '1 day' FROM catalog.variants",
    )
    .unwrap();

    let file = assert_identity(conn);

    assert_eq!(
        file,
        "\
product,sku,name,description,price,currency,image,on_hand,barcode,weight_grams,length_mm,width_mm,height_mm,option:Size,option:Fit,option:Unused
T-L-SLIM,T-L-SLIM,\"Product A,1\",\"=SUM(A1), \"\"quoted\"\",\r\nwith lines;\rand\ttabs \u{1F9F5}\",15.00,EUR,\"/a,b.jpg\",2,,,,,,L,slim,
T-L-SLIM,\"A,1\",,,9.50,USD,,10,,,,,,S,slim,
B,B,Product B,,9.50,USD,,10,,,,,,XL,slim,x
"
    );
}

fn matrix_of(prefix: &str, matrix: &choosing::Matrix) -> choosing::Matrix {
    choosing::Matrix {
        sku_prefix: prefix.into(),
        ..matrix.clone()
    }
}

#[test]
fn more_than_a_page_is_exported_from_one_snapshot() {
    let database = database();
    let conn = &mut database.connect();
    let mut file = "product,sku,name,price,currency,option:N\n".to_owned();
    for n in 0..2_500 {
        let product = n / 25 * 25;
        writeln!(file, "p-{product},P-{n},P,1.00,USD,{}", n % 25).unwrap();
    }
    imported(conn, &file);
    let mut writer = WhileWriting {
        other: database.connect(),
        file: Vec::new(),
    };

    let summary = export::products(conn, &mut writer).unwrap();

    assert_eq!((summary.products, summary.variants), (100, 2_500));
    let lines = String::from_utf8(writer.file).unwrap().lines().count();
    assert_eq!(lines, 2_501);
    assert_eq!(count(conn, "catalog.products WHERE archived_at IS NULL"), 0);
}

/// Archives everything as soon as something is written.
struct WhileWriting {
    other: PgConnection,
    file: Vec<u8>,
}

impl std::io::Write for WhileWriting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let archive = "UPDATE catalog.products SET archived_at = now()";
        self.other.batch_execute(archive).unwrap();
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
