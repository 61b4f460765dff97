//! Rows that are variants of one product, and rows that are prices of one variant.

use std::fmt::Write as _;

use catalog::editing;
use catalog::import::{Outcome, Summary};
use diesel::prelude::*;

use super::{Report, find, import};
use crate::{conn, count, create, database, product, text};

/// Two products with options, a product without, and prices in two currencies.
const FILE: &str = "\
product,sku,name,price,currency,option:Size,option:Colour,on_hand,barcode,weight_grams,length_mm
tee,TEE-S,Tee,19.00,USD,S,red,5,4006381333931,180,
tee,TEE-M,,19.00,USD,M,red,,,190,
mug,MUG,Mug,9.50,USD,,blue,7,,,95
,CAP,Cap,12.00,USD,,,,,60,
tee,TEE-M-B,,21.00,USD,M,blue,3,,,
tee,TEE-S,,17.00,EUR,,,,,,
,CAP,,11.00,EUR,,,,,,
";

/// All products with their variants and prices, for people.
fn shop(conn: &mut PgConnection) -> String {
    let shop = "(SELECT string_agg(line, E'\\n' ORDER BY id) FROM ( \
        SELECT p.id, concat_ws(' ', p.name, p.variant_count, \
               (SELECT string_agg(concat(o ->> 'name', '=', o ->> 'values'), ';') FROM jsonb_array_elements(p.options) o), \
               string_agg(concat_ws('|', v.sku, v.title, v.is_default, s.on_hand, v.barcode, v.weight_grams, v.length_mm, \
                 (SELECT string_agg(currency || amount_minor, ',' ORDER BY id) FROM catalog.prices WHERE variant_id = v.id)), \
                 ' ' ORDER BY v.id)) AS line \
          FROM catalog.products p JOIN catalog.variants v ON v.product_id = p.id \
          JOIN catalog.stock_levels s ON s.variant_id = v.id GROUP BY p.id) AS l)";
    text(conn, shop)
}

fn written(conn: &mut PgConnection) -> [i64; 5] {
    let tables = ["products", "variants", "prices", "stock_movements"];
    let [products, variants, prices, movements] =
        tables.map(|table| count(conn, &format!("catalog.{table}")));
    let events = count(conn, "platform.outbox");
    [products, variants, prices, movements, events]
}

fn refusals(report: &Report) -> Vec<(u64, &str, &str)> {
    let mut all = Vec::new();
    for (line, _, outcome) in report {
        if let Outcome::Refused(refusal) = outcome {
            all.push((*line, refusal.field.as_ref(), refusal.message.as_str()));
        }
    }
    all
}

/// What must always be true of the catalogue, and is not.
fn findings(conn: &mut PgConnection) -> Vec<String> {
    let mut all = Vec::new();
    for check in catalog::doctor::checks() {
        let examined = db::doctor::examine(conn, check).unwrap();
        all.extend(examined.findings.into_iter().map(|found| found.subject));
    }
    all
}

#[test]
fn rows_with_one_handle_are_variants_of_one_product() {
    let conn = &mut conn();

    let (first, _) = import(conn, FILE);
    let after_first = (shop(conn), written(conn));
    let (second, report) = import(conn, FILE);

    let expected = Summary {
        rows: 7,
        created: 5,
        updated: 2,
        products: 3,
        prices: 7,
        ..Summary::default()
    };
    assert_eq!(first, expected);
    assert_eq!(
        after_first.0,
        "Tee 3 Size=[\"S\", \"M\"];Colour=[\"red\", \"blue\"] \
         TEE-S|S / red|t|5|4006381333931|180|USD1900,EUR1700 TEE-M|M / red|f|0|190|USD1900 \
         TEE-M-B|M / blue|f|3|USD2100\n\
         Mug 1 Colour=[\"blue\"] MUG|blue|t|7|95|USD950\n\
         Cap 1 CAP||t|0|60|USD1200,EUR1100"
    );
    assert_eq!(findings(conn), [""; 0]);
    assert_eq!((second.rows, second.unchanged), (7, 7), "{report:?}");
    assert_eq!((shop(conn), written(conn)), after_first);
}

#[test]
fn a_price_in_another_currency_is_set_and_a_second_one_in_the_same_is_refused() {
    let conn = &mut conn();
    import(conn, FILE);
    let file = "sku,name,price,currency\nCAP,Cap,12.00,USD\nCAP,,10.00,EUR\nCAP,,9.00,GBP\nCAP,,8.00,GBP\n\
                CAP,,13.00,USD\n";

    let (summary, report) = import(conn, file);

    assert_eq!(
        (summary.unchanged, summary.updated, summary.prices),
        (1, 2, 2)
    );
    let twice = "appears twice in the file";
    assert_eq!(refusals(&report), [(5, "sku", twice), (6, "sku", twice)]);
    assert!(shop(conn).contains("CAP||t|0|60|USD1200,EUR1100,EUR1000,GBP900"));
    assert_eq!(find(conn, "CAP").version, 2);
}

#[test]
fn a_product_is_known_by_any_of_its_skus_whatever_the_handle_is_called_and_whatever_comes_first() {
    let conn = &mut conn();
    import(conn, FILE);
    let file = "product,sku,name,price,currency,option:Size,option:Colour\n\
                shirt,TEE-XL,Shirt,23.00,USD,XL,red\nshirt,TEE-M,,19.00,USD,M,red\n";

    let (summary, _) = import(conn, file);

    assert_eq!((summary.created, summary.products), (1, 0));
    let line = shop(conn);
    let tee = line.lines().next().unwrap();
    assert!(
        tee.starts_with("Shirt 4 Size=[\"S\", \"M\", \"XL\"];"),
        "{tee}"
    );
    assert!(tee.ends_with("TEE-XL|XL / red|f|0|USD2300"), "{tee}");
    assert_eq!(find(conn, "TEE-S").version, 2);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn a_product_without_options_gets_those_of_its_first_row_that_has_some() {
    let conn = &mut conn();
    create(conn, product("TEE"));
    let file = "product,sku,name,price,currency,option:Size\n\
                t,TEE,Product TEE,9.50,USD,S\nt,TEE-M,,9.50,USD,M\n";

    let (first, _) = import(conn, file);
    let (second, _) = import(conn, file);

    assert_eq!((first.updated, first.created), (1, 1));
    assert_eq!(second.unchanged, 2);
    assert_eq!(
        shop(conn),
        "Product TEE 2 Size=[\"S\", \"M\"] TEE|S|t|10|USD950 TEE-M|M|f|0|USD950"
    );
}

#[test]
fn each_row_that_does_not_fit_its_product_is_refused_and_the_others_are_not() {
    let conn = &mut conn();
    import(conn, FILE);
    let archived = create(conn, product("OLD"));
    editing::archive(conn, archived, None, None).unwrap();
    let file = "\
product,sku,name,price,currency,option:Size,option:Colour
tee,TEE-S,Tee,19.00,USD,S,red
tee,A,,19.00,USD,S,
tee,B,,19.00,USD,S,red
tee,C,,19.00,USD,s,green
tee,TEE-M,,19.00,USD,L,red
tee,MUG,Mug,9.50,USD,,blue
,D,Loose,1.00,USD,L,
new,E,,1.00,USD,L,
new,E,,1.00,EUR,L,
tea,TEE-M-B,Tea,21.00,USD,M,blue
old,OLD,Product OLD,9.50,USD,,
old,OLD-2,Product OLD,9.50,USD,L,
two,F,Two,1.00,USD,,
two,G,,1.00,USD,,
tee,H,,19.00,USD,S,green
";

    let (summary, report) = import(conn, file);

    let elsewhere = "is not the product that the SKU belongs to";
    assert_eq!(
        refusals(&report),
        [
            (3, "option", "a value for `Colour` is missing"),
            (4, "option", "another variant is `S / red`"),
            (5, "option", "`s` is there twice"),
            (
                6,
                "option",
                "is another one in the shop; an import does not choose anew"
            ),
            (7, "product", elsewhere),
            (8, "product", "is required beside options"),
            (9, "name", "is required where a product begins"),
            (10, "sku", "was refused at its first row"),
            (11, "product", elsewhere),
            (12, "sku", "belongs to an archived product"),
            (13, "product", "is archived"),
            (15, "option", "is required: another variant has none"),
        ]
    );
    assert_eq!((summary.created, summary.unchanged), (2, 1));
    assert_eq!(findings(conn), [""; 0]);
}

/// A product of 1,300 variants, and two of 200 whose rows take turns around a chunk's end.
fn long_file() -> String {
    let mut file = "product,sku,name,price,currency,option:A,option:B\n".to_owned();
    for n in 0..1_300 {
        let name = if n == 0 { "Large" } else { "" };
        let (a, b) = (n / 40, n % 40);
        writeln!(file, "large,L-{n},{name},1.00,USD,{a},{b}").unwrap();
    }
    for n in 0..200 {
        for handle in ["x", "y"] {
            writeln!(file, "{handle},{handle}-{n},{handle},2.00,USD,{n},z").unwrap();
        }
    }
    for n in (0..1_300).step_by(100) {
        writeln!(file, "large,L-{n},,0.90,EUR,,").unwrap();
    }
    file.push_str("large,L-X,,1.00,USD,0,0\nlarge,L-X,,1.00,EUR,,\nx,L-Y,,1.00,USD,0,z\n");
    file
}

#[test]
fn products_may_go_on_in_other_chunks_and_a_dry_run_tells_the_same() {
    let conn = &mut database().connect();
    let file = long_file();
    let expected = Summary {
        rows: 1_716,
        created: 1_700,
        updated: 13,
        refused: 3,
        products: 3,
        prices: 1_713,
        ..Summary::default()
    };

    let tried = dry(conn, &file);
    let nothing = count(conn, "catalog.products");
    let (done, report) = import(conn, &file);
    let after = written(conn);
    let (again, _) = import(conn, &file);

    assert_eq!((tried.0, nothing), (expected, 0));
    assert_eq!((done, &tried.1), (expected, &report));
    assert_eq!(
        (again.unchanged, again.refused, written(conn)),
        (1_713, 3, after)
    );
    assert_eq!(dry(conn, &file).0, again);
    let counts = "(SELECT string_agg(variant_count::text, ' ' ORDER BY id) FROM catalog.products)";
    assert_eq!(text(conn, counts), "1300 200 200");
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn new_variants_may_come_before_known_ones_at_a_chunks_end() {
    let conn = &mut conn();
    import(conn, FILE);
    let mut file = "product,sku,name,price,currency,option:Size,option:Colour\n".to_owned();
    for n in 0..499 {
        writeln!(file, ",N-{n},Filler,1.00,USD,,").unwrap();
    }
    file.push_str(
        "t,NEW-1,,1.00,USD,XL,red\nt,NEW-2,,1.00,USD,XXL,red\nt,TEE-S,,19.00,USD,S,red\n",
    );

    let (summary, report) = import(conn, file);

    assert_eq!((summary.created, summary.refused), (501, 0), "{report:?}");
    assert!(shop(conn).starts_with("Tee 5 "));
}

fn dry(conn: &mut PgConnection, file: &str) -> (Summary, Report) {
    let mut report = Vec::new();
    let summary = crate::read_csv(conn, file.as_bytes(), true, |line, sku, outcome| {
        report.push((line, sku.to_owned(), outcome.clone()));
    });
    report.sort_by_key(|(line, ..)| *line);
    (summary.unwrap(), report)
}

#[test]
fn what_is_broken_off_or_mangled_is_refused_without_a_panic() {
    let conn = &mut conn();
    for end in (0..FILE.len()).step_by(7) {
        let _ = crate::read_csv(conn, &FILE.as_bytes()[..end], false, |_, _, _| {});
    }
    let bytes = FILE.as_bytes();
    for (at, strange) in (0..bytes.len())
        .step_by(5)
        .zip(b"\",\n\r\0\xff;-\x0b".iter().cycle())
    {
        let mut mangled = bytes.to_vec();
        mangled[at] = *strange;
        let _ = crate::read_csv(conn, mangled.as_slice(), false, |_, _, _| {});
    }
    let huge = "x".repeat(3_000_000);
    let file = format!(
        "product,sku,name,price,currency,option:A\n{huge},S,N,1,USD,v\nh,S,N,1,USD,{huge}\n"
    );
    let (summary, report) = import(conn, file);
    assert_eq!(summary.refused, 2);
    let fields: Vec<_> = refusals(&report).into_iter().map(|(_, f, _)| f).collect();
    assert_eq!(fields, ["product", "option"]);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn two_spellings_of_one_value_are_one_choice() {
    let conn = &mut conn();
    let file = "product,sku,name,price,currency,option:Gro\u{308}ße\n\
                p,A,P,1,USD,e\u{301}\np,B,,1,USD,\u{e9}\n";

    let (summary, report) = import(conn, file);

    assert_eq!(summary.created, 1);
    assert_eq!(
        refusals(&report),
        [(3, "option", "another variant is `\u{e9}`")]
    );
}
