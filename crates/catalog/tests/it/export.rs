//! What is written is what an import reads.

use std::fmt::Write as _;

use catalog::custom_fields::attributes::AttributeChanges;
use catalog::editing::{DetailChanges, Publication};
use catalog::export::{self, Form, Scope, Summary};
use catalog::variants::{choosing, editing};
use catalog::{import, stock};
use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{LocationId, Options, ProductOption};

use crate::import::profiles::shared;
use crate::{EUR, NewProduct, USD, cause, count, create, database, product};

const HEADER: &str = "product,sku,name,description,description_html,brand,tags,categories,slug,seo_title,\
                      seo_description,status,publish_at,unpublish_at,price,currency,image,on_hand,barcode,\
                      weight_grams,length_mm,width_mm,height_mm,tax_class,collections,related,up_sell,\
                      cross_sell,images,kind,components";

/// Products, variants and prices of a shop, and the file.
fn exported(conn: &mut PgConnection) -> ([u64; 3], String) {
    let mut file = Vec::new();
    let summary = export::products(conn, Scope::All, Form::Csv, &mut file).unwrap();
    let Summary {
        products,
        variants,
        prices,
        ..
    } = summary;
    (
        [products, variants, prices],
        String::from_utf8(file).unwrap(),
    )
}

fn imported(conn: &mut PgConnection, file: &str) -> import::Summary {
    crate::read_csv(conn, file.as_bytes(), false, |line, sku, outcome| {
        assert!(
            !matches!(outcome, import::Outcome::Refused(_)),
            "line {line}: {sku}: {outcome:?}"
        );
    })
    .unwrap()
}

/// What is exported goes into an empty shop and comes out of it as it was, byte by byte.
fn assert_identity(conn: &mut PgConnection) -> String {
    let (counts, file) = exported(conn);
    let other = &mut database().connect();
    let done = imported(other, &file);
    assert_eq!([done.products, done.created, done.prices], counts);
    let (again, copy) = exported(other);
    assert_eq!(copy, file);
    assert_eq!(again, counts);
    assert_eq!(imported(other, &file).unchanged, counts[2]);
    assert_identity_of_lines(conn, &file);
    file
}

fn exported_lines(conn: &mut PgConnection) -> Vec<u8> {
    let mut lines = Vec::new();
    export::products(conn, Scope::All, Form::Ndjson, &mut lines).unwrap();
    lines
}

/// The same by way of NDJSON, out of which comes the same CSV too.
fn assert_identity_of_lines(conn: &mut PgConnection, file: &str) {
    let lines = exported_lines(conn);
    let other = &mut database().connect();
    for _ in 0..2 {
        let refused = |line, sku: &str, outcome: &import::Outcome| {
            assert!(
                !matches!(outcome, import::Outcome::Refused(_)),
                "{line} {sku} {outcome:?}"
            );
        };
        let (form, start) = (import::Form::Ndjson, import::Start::default());
        let how = import::How::default();
        import::run(other, &lines[..], form, how, import::Report(refused), start).unwrap();
    }
    assert_eq!(exported_lines(other), lines);
    assert_eq!(exported(other).1, file);
}

#[test]
fn a_product_of_many_variants_is_on_several_lines() {
    let conn = &mut database().connect();
    let rows = (0..1_100).map(|n| format!("T,T-{n},Tee,1,USD,S{},C{}\n", n % 50, n / 50));
    let header = "product,sku,name,price,currency,option:Size,option:Colour\n".to_owned();
    let file: String = [header].into_iter().chain(rows).collect();
    imported(conn, &file);
    let lines = exported_lines(conn);
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 3);
    assert_identity(conn);
}

#[test]
fn an_empty_shop_is_a_header() {
    let conn = &mut database().connect();
    let header = format!("{HEADER}\n");
    assert_eq!(exported(conn), ([0; 3], header.clone()));
    assert_eq!(assert_identity(conn), header);
}

/// A moment, as the database keeps it.
fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn drafts_and_times_come_along_unless_only_what_is_on_sale_is_asked_for() {
    let conn = &mut database().connect();
    create(conn, product("SOLD"));
    let soon = moment("2999-01-01T00:00:00Z");
    let times = [
        ("DRAFT", Some(Publication::Never), None),
        ("SOON", Some(Publication::At(soon)), None),
        (
            "SINCE",
            Some(Publication::At(moment("2020-02-03T04:05:06.000007Z"))),
            Some(soon),
        ),
    ];
    for (sku, publication, end) in times {
        let details = DetailChanges {
            publication,
            unpublish_at: Some(end),
            ..DetailChanges::default()
        };
        catalog::editing::create(
            conn,
            product(sku),
            details,
            AttributeChanges::default(),
            None,
        )
        .unwrap();
    }
    let gone = create(conn, product("GONE"));
    let end = "UPDATE catalog.products SET unpublished_at = '2021-01-01' WHERE id = ";
    conn.batch_execute(&format!("{end}{gone}")).unwrap();

    let file = assert_identity(conn);

    let rows: Vec<Vec<&str>> = file.lines().map(|line| line.split(',').collect()).collect();
    let times: Vec<(&str, &[&str])> = rows[1..].iter().map(|r| (r[1], &r[11..14])).collect();
    assert_eq!(
        times,
        [
            ("SOLD", &["active", "", ""][..]),
            ("DRAFT", &["draft", "", ""]),
            ("SOON", &["", "2999-01-01T00:00:00.000000Z", ""]),
            (
                "SINCE",
                &[
                    "",
                    "2020-02-03T04:05:06.000007Z",
                    "2999-01-01T00:00:00.000000Z"
                ]
            ),
            ("GONE", &["active", "", "2021-01-01T00:00:00.000000Z"]),
        ]
    );
    let mut file = Vec::new();
    let summary = export::products(conn, Scope::OnSale, Form::Csv, &mut file).unwrap();
    assert_eq!(summary.products, 2);
    let file = String::from_utf8(file).unwrap();
    assert!(file.contains("SOLD") && file.contains("SINCE"), "{file}");
}

#[test]
fn categories_tags_and_texts_come_out_as_they_went_in_whatever_they_are_called() {
    let conn = &mut database().connect();
    let file = "\
sku,name,price,currency,brand,tags,categories,slug,seo_title,seo_description,description_html
A,A,1,USD,Bränd,new|a\\|b|NEW,Zoo > Apes|Books>R\\|B > \\>\\\\| Zoo,ape,Apes for sale,Buy,<p>Ape</p>
B,B,1,USD,,,Books > R\\|B,,,,
";
    imported(conn, file);
    let rename = "UPDATE catalog.category_parents SET rank = rank + 1; \
                  INSERT INTO catalog.category_parents (category_id, parent_id, position, rank) \
                  SELECT c.id, p.id, 1, 9 FROM catalog.categories c, catalog.categories p \
                   WHERE c.name = 'Apes' AND p.name = 'Books'";
    conn.batch_execute(rename).unwrap();

    let copy = assert_identity(conn);

    let mut lines = copy.lines().skip(1);
    assert_eq!(
        lines.next(),
        Some(
            "A,A,A,,<p>Ape</p>,Bränd,new|a\\|b,Books > R\\|B > \\>\\\\|Zoo|Zoo > Apes,ape,Apes for sale,Buy,active,,,\
             1.00,USD,,0,,,,,,standard,,,,,,physical,"
        )
    );
    assert_eq!(
        lines.next(),
        Some("B,B,B,,,,,Books > R\\|B,,,,active,,,1.00,USD,,0,,,,,,standard,,,,,,physical,")
    );
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
        format!(
            "\
{HEADER},option:Size,option:Colour
TEE-S,TEE-S,Tee,,,,,,,,,active,,,19.00,USD,,5,4006381333931,180,,,,standard,,,,,,physical,,S,red
TEE-S,TEE-S,,,,,,,,,,,,,17.00,EUR,,,,,,,,,,,,,,,,,
TEE-S,TEE-M,,,,,,,,,,,,,19.00,USD,,0,,190,,,,,,,,,,physical,,M,red
TEE-S,TEE-M-B,,,,,,,,,,,,,21.00,USD,,3,,,,,,,,,,,,physical,,M,blue
MUG,MUG,Mug,,,,,,,,,active,,,9.50,USD,,7,,,95,,,standard,,,,,,physical,,,blue
CAP,CAP,\"Cap, \"\"large\"\"\",,,,,,,,,active,,,1200,JPY,,0,,60,,,,standard,,,,,,physical,,,
CAP,CAP,,,,,,,,,,,,,11.005,KWD,,,,,,,,,,,,,,,,,
"
        )
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
    catalog::editing::archive(conn, gone, None, None).unwrap();
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
        format!(
            "\
{HEADER},option:Size,option:Fit,option:Unused
T-L-SLIM,T-L-SLIM,\"Product A,1\",\"=SUM(A1), \"\"quoted\"\",\r\nwith lines;\rand\ttabs \u{1F9F5}\",,,,,,,,active,,,15.00,EUR,\"/a,b.jpg\",2,,,,,,standard,,,,,,physical,,L,slim,
T-L-SLIM,\"A,1\",,,,,,,,,,,,,9.50,USD,,10,,,,,,,,,,,,physical,,S,slim,
B,B,Product B,,,,,,,,,active,,,9.50,USD,,10,,,,,,standard,,,,,,physical,,XL,slim,x
"
        )
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

    let summary = export::products(conn, Scope::All, Form::Csv, &mut writer).unwrap();

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

#[test]
fn real_catalogues_go_out_and_in_and_out_again_as_they_are() {
    use catalog::import::Profile;
    let files = [
        (Profile::Spree, "storefront-catalogues/spree/products.csv"),
        (
            Profile::Saleor,
            "storefront-catalogues/saleor/populatedb_data.json",
        ),
        (
            Profile::Vendure,
            "storefront-catalogues/vendure/products.csv",
        ),
        (Profile::Eshop, "storefront-catalogues/eshop/catalog.json"),
        (Profile::Luma, "luma-apparel/configurable/products.csv"),
        (
            Profile::Luma,
            "luma-apparel/catalog/simpleproduct_products_gear_bags.csv",
        ),
        (
            Profile::Luma,
            "luma-apparel/catalog/simpleproduct_products_gear_fitness_equipment.csv",
        ),
        (
            Profile::Luma,
            "luma-apparel/catalog/simpleproduct_products_gear_fitness_equipment_ball.csv",
        ),
        (
            Profile::Luma,
            "luma-apparel/catalog/simpleproduct_products_gear_fitness_equipment_strap.csv",
        ),
        (
            Profile::Luma,
            "luma-apparel/catalog/simpleproduct_products_gear_watches.csv",
        ),
        (Profile::Lego, "lego-sets/legosets.csv"),
        (Profile::Sunrise, "sunrise-fashion/products.csv"),
    ];
    for (profile, path) in files {
        let Some(file) = shared(path) else { return };
        let needs = matches!(profile, Profile::Eshop | Profile::Luma | Profile::Vendure);
        let from = (profile, needs.then_some(USD));
        let conn = &mut database().connect();
        let done = crate::read_foreign(conn, &file, from, |_, _, _| {}).unwrap();

        let rows = assert_identity(conn);

        assert!(done.created > 2 && !rows.is_empty(), "{path}");
    }
}
