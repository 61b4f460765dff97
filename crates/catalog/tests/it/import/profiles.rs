//! Real files of other systems, with the counts that their descriptions tell of, and wrong ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use catalog::import::{ImportError, Outcome, Profile, Summary};
use diesel::prelude::*;
use domain::Currency;

use super::Report;
use crate::{EUR, USD, conn, count, text};

/// A real file of `../shared/data`; `None` where the repository stands without it.
pub(crate) fn shared(path: &str) -> Option<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path: PathBuf = root.join(path);
    let file = fs::read(&path);
    if file.is_err() {
        eprintln!("skipped: there is no {}", path.display());
    }
    file.ok()
}

fn try_import(
    conn: &mut PgConnection,
    from: (Profile, Option<Currency>),
    file: &[u8],
) -> (Result<Summary, ImportError>, Report) {
    let mut report = Vec::new();
    let summary = crate::read_foreign(conn, file, from, |line, sku, outcome| {
        report.push((line, sku.to_owned(), outcome.clone()));
    });
    report.sort_by_key(|(line, ..)| *line);
    (summary, report)
}

/// How often each reason was given.
fn reasons(report: &Report) -> BTreeMap<(&str, &str), usize> {
    let mut reasons = BTreeMap::new();
    for (_, _, outcome) in report {
        if let Outcome::Refused(refusal) = outcome {
            *reasons
                .entry((refusal.field.as_ref(), refusal.message.as_str()))
                .or_default() += 1;
        }
    }
    reasons
}

/// Imports a file twice and returns what the first time came to; the second one changes nothing.
fn twice(
    conn: &mut PgConnection,
    from: (Profile, Option<Currency>),
    file: &[u8],
) -> (Summary, Report) {
    let written = |conn: &mut PgConnection| {
        [
            "catalog.variants",
            "catalog.prices",
            "catalog.stock_movements",
            "platform.outbox",
        ]
        .map(|table| count(conn, table))
    };
    let (first, report) = try_import(conn, from, file);
    let first = first.unwrap();
    let after_first = written(conn);
    let (second, _) = try_import(conn, from, file);
    let expected = Summary {
        rows: first.rows,
        unchanged: first.created + first.updated,
        refused: first.refused,
        ..Summary::default()
    };
    assert_eq!(second.unwrap(), expected);
    assert_eq!(written(conn), after_first);
    assert_eq!(
        count(conn, "catalog.products"),
        i64::try_from(first.products).unwrap()
    );
    assert_eq!(
        count(conn, "catalog.variants"),
        i64::try_from(first.created).unwrap()
    );
    assert_eq!(
        count(conn, "catalog.prices"),
        i64::try_from(first.prices).unwrap()
    );
    (first, report)
}

/// A variant as people see it.
fn variant(conn: &mut PgConnection, sku: &str) -> String {
    let of = format!(
        "(SELECT concat_ws('|', p.name, v.title, v.weight_grams, v.length_mm, v.width_mm, v.height_mm, s.on_hand, \
                 (SELECT string_agg(currency || amount_minor, ',' ORDER BY id) FROM catalog.prices WHERE variant_id = v.id)) \
           FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id \
           JOIN catalog.stock_levels s ON s.variant_id = v.id WHERE v.sku = '{sku}')"
    );
    text(conn, &of)
}

/// The SKUs of what is not published.
fn drafts(conn: &mut PgConnection) -> String {
    let drafts = "(SELECT coalesce(string_agg(sku, ' ' ORDER BY sku), '') FROM catalog.variants v \
                     JOIN catalog.products p ON p.id = v.product_id WHERE p.published_at = 'infinity')";
    text(conn, drafts)
}

/// How many products have a slug, brand, tags, a category, a text for search engines and rich text, and how many
/// categories and pairs of a product and a category there are.
fn filled(conn: &mut PgConnection) -> [i64; 8] {
    let of = [
        "catalog.products WHERE slug IS NOT NULL",
        "catalog.products WHERE brand <> ''",
        "catalog.products WHERE tags <> '{}'",
        "catalog.products WHERE id IN (SELECT product_id FROM catalog.category_products)",
        "catalog.products WHERE seo_title <> '' OR seo_description <> ''",
        "catalog.products WHERE description_html <> ''",
        "catalog.categories",
        "catalog.category_products",
    ];
    of.map(|rows| count(conn, rows))
}

/// What is said of the product of a SKU.
fn details(conn: &mut PgConnection, sku: &str) -> String {
    let of = format!(
        "(SELECT concat_ws('; ', p.slug, p.brand, array_to_string(p.tags, ','), p.published_at, p.seo_title, \
                 (SELECT string_agg(concat_ws(' > ', u.name, c.name), ' | ' ORDER BY c.name) \
                    FROM catalog.category_products cp JOIN catalog.categories c ON c.id = cp.category_id \
                    LEFT JOIN catalog.category_parents e ON e.category_id = c.id \
                    LEFT JOIN catalog.categories u ON u.id = e.parent_id WHERE cp.product_id = p.id)) \
           FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id WHERE v.sku = '{sku}')"
    );
    text(conn, &of)
}

#[test]
fn vendure() {
    let Some(file) = shared("storefront-catalogues/vendure/products.csv") else {
        return;
    };
    let conn = &mut conn();

    let (summary, report) = twice(conn, (Profile::Vendure, Some(USD)), &file);

    let expected = Summary {
        rows: 88,
        created: 86,
        refused: 2,
        products: 54,
        prices: 86,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    let again = (("sku", "appears twice in the file"), 2);
    assert_eq!(reasons(&report), BTreeMap::from([again]));
    assert_eq!(
        variant(conn, "L2201516"),
        "Laptop|15 inch / 16GB|100|USD229900"
    );
    assert_eq!(filled(conn), [54, 29, 0, 54, 0, 0, 9, 108]);
    assert_eq!(
        details(conn, "L2201516"),
        "laptop; Apple; ; -infinity; ; Computers | Electronics"
    );
}

#[test]
fn eshop() {
    let Some(file) = shared("storefront-catalogues/eshop/catalog.json") else {
        return;
    };
    let conn = &mut conn();

    let (summary, _) = twice(conn, (Profile::Eshop, Some(USD)), &file);

    let expected = Summary {
        rows: 101,
        created: 101,
        products: 101,
        prices: 101,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(variant(conn, "ESHOP-2"), "Summit Pro Harness||0|USD8999");
    assert_eq!(filled(conn), [0, 101, 0, 101, 0, 0, 8, 101]);
    assert_eq!(
        details(conn, "ESHOP-2"),
        "Gravitator; ; -infinity; ; Climbing"
    );
    let range = "(SELECT min(amount_minor) || '-' || max(amount_minor) FROM catalog.prices)";
    assert_eq!(text(conn, range), "2199-69900");
}

#[test]
fn spree() {
    let Some(file) = shared("storefront-catalogues/spree/products.csv") else {
        return;
    };
    let conn = &mut conn();

    let (summary, _) = twice(conn, (Profile::Spree, None), &file);

    // 211 rows, of which 37 only describe a product.
    let expected = Summary {
        rows: 174,
        created: 87,
        updated: 87,
        products: 37,
        prices: 174,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(
        variant(conn, "AUTOMATIC-ESPRESSO-MACHINE-SILVER"),
        "Automatic Espresso Machine|Silver|8981|300|351|399|5000|USD87999,EUR81999"
    );
    assert_eq!(filled(conn), [37, 0, 37, 37, 37, 0, 24, 37]);
    assert_eq!(
        details(conn, "AUTOMATIC-ESPRESSO-MACHINE-SILVER"),
        "automatic-espresso-machine; ; coffee,espresso,kitchen,coffee machines,bean-to-cup,automatic; -infinity; \
         Automatic Espresso Machine | Spree Commerce Demo; Kitchen > Coffee Machines"
    );
}

#[test]
fn saleor() {
    let Some(file) = shared("storefront-catalogues/saleor/populatedb_data.json") else {
        return;
    };
    let conn = &mut conn();

    let (summary, report) = twice(conn, (Profile::Saleor, None), &file);

    // 73 variants, of which 17 have no SKU, and with them as many of 32 products.
    let expected = Summary {
        rows: 129,
        created: 56,
        updated: 56,
        refused: 17,
        products: 15,
        prices: 112,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert!(reasons(&report).keys().all(|(field, message)| {
        *field == "sku" && message.starts_with("is missing for `UHJv")
    }));
    assert_eq!(
        variant(conn, "918223583"),
        "White Plimsolls|40|1000|500|PLN24000,USD8000"
    );
    assert_eq!(filled(conn), [15, 11, 0, 15, 2, 0, 7, 15]);
    assert_eq!(
        details(conn, "918223583"),
        "white-plimsolls; Saleor Loom; ; 2022-05-13 00:00:00+00; White Plimsolls; Apparel > Sneakers"
    );
}

#[test]
fn luma() {
    let Some(file) = shared("luma-apparel/configurable/products.csv") else {
        return;
    };
    let conn = &mut conn();

    let (summary, _) = twice(conn, (Profile::Luma, Some(USD)), &file);

    // 1,994 rows, of which 147 only describe a product.
    let expected = Summary {
        rows: 1_847,
        created: 1_847,
        products: 147,
        prices: 1_847,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(
        variant(conn, "MH01-XS-Gray"),
        "Chaz Kangeroo Hoodie|XS / Gray|100|USD5200"
    );
    assert_eq!(filled(conn), [0, 0, 0, 147, 0, 147, 28, 287]);
    assert_eq!(
        details(conn, "MH01-XS-Gray"),
        "; ; -infinity; ; Collections > Eco Friendly | Tops > Hoodies & Sweatshirts"
    );
}

#[test]
fn luma_gear() {
    let kinds = [
        ("bags", 14),
        ("fitness_equipment", 9),
        ("fitness_equipment_ball", 9),
        ("fitness_equipment_strap", 3),
        ("watches", 9),
    ];
    for (kind, rows) in kinds {
        let name = format!("luma-apparel/catalog/simpleproduct_products_gear_{kind}.csv");
        let Some(file) = shared(&name) else {
            return;
        };
        let (summary, report) = twice(&mut conn(), (Profile::Luma, Some(USD)), &file);
        assert_eq!(
            (summary.products, summary.refused),
            (rows, 0),
            "{kind}: {report:?}"
        );
    }
}

#[test]
fn lego() {
    let Some(file) = shared("lego-sets/legosets.csv") else {
        return;
    };
    let conn = &mut conn();

    let (summary, report) = twice(conn, (Profile::Lego, None), &file);

    // A set that comes first has a row for each price: USD 5,519, GBP 3,900, CAD 1,899, EUR 1,710.
    let expected = Summary {
        rows: 13_028 + 318,
        created: 5_853,
        updated: 7_174,
        refused: 1 + 318,
        products: 5_853,
        prices: 13_027,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    let expected = [
        (
            (
                "price",
                "an amount in USD has at most 2 fraction digits, not 4",
            ),
            1,
        ),
        (("sku", "is the number of another set, too"), 318),
    ];
    assert_eq!(reasons(&report), BTreeMap::from(expected));
    assert_eq!(
        variant(conn, "10246"),
        "Detective's Office||0|USD15999,GBP13299,EUR14999,CAD19999"
    );
    assert_eq!(filled(conn), [0, 0, 0, 5_853, 0, 0, 561, 5_853]);
    assert_eq!(
        details(conn, "10246"),
        "; ; -infinity; ; Advanced Models > Modular Buildings"
    );
}

#[test]
fn sunrise() {
    let Some(file) = shared("sunrise-fashion/products.csv") else {
        return;
    };
    let conn = &mut conn();

    let (summary, _) = twice(conn, (Profile::Sunrise, None), &file);

    // 102 variants with 17 prices each: two of these are neither for a group nor for a shop nor for one
    // country of several.
    let expected = Summary {
        rows: 204,
        created: 102,
        updated: 102,
        products: 27,
        prices: 204,
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(
        variant(conn, "M0E20000000DLYB"),
        "Chino Michael Kors brown|36 / brown|0|EUR18750,USD18750"
    );
    assert_eq!(filled(conn), [27, 27, 0, 27, 0, 0, 30, 34]);
    assert_eq!(
        details(conn, "M0E20000000DLYB"),
        "michaelkors-chino-mh43gcb168-brown; michaelkors; ; -infinity; ; Clothing > Trouser | Clothing > Trousers"
    );
}

/// The message of a file that is refused as a whole.
fn refused(from: (Profile, Option<Currency>), file: &str) -> String {
    let (summary, report) = try_import(&mut conn(), from, file.as_bytes());
    assert_eq!(report, []);
    summary.unwrap_err().to_string()
}

#[test]
fn a_file_of_another_kind_and_a_currency_too_few_or_too_many_are_refused() {
    let own = "sku,name,price,currency\nA,A,1,USD\n";
    for profile in Profile::ALL {
        let needs = matches!(profile, Profile::Eshop | Profile::Luma | Profile::Vendure);
        let currency = needs.then_some(EUR);
        let wrong = if needs { None } else { Some(EUR) };
        assert!(
            refused((profile, wrong), own).contains("currency"),
            "{profile}"
        );
        for file in [own, "", "{", "[", "{}", "null"] {
            let message = refused((profile, currency), file);
            assert!(
                message.contains("lacks the column") || message.starts_with("cannot read the file"),
                "{profile} {file}: {message}"
            );
        }
    }
    let unknown = "magento".parse::<Profile>().unwrap_err().to_string();
    assert_eq!(
        unknown,
        "known are eshop, lego, luma, saleor, spree, sunrise, vendure"
    );
}

#[test]
fn files_that_are_broken_off_or_mangled_are_refused_without_a_panic() {
    let files = [
        (
            Profile::Vendure,
            "storefront-catalogues/vendure/products.csv",
        ),
        (Profile::Eshop, "storefront-catalogues/eshop/catalog.json"),
        (Profile::Spree, "storefront-catalogues/spree/products.csv"),
        (
            Profile::Saleor,
            "storefront-catalogues/saleor/populatedb_data.json",
        ),
        (Profile::Luma, "luma-apparel/configurable/products.csv"),
        (Profile::Lego, "lego-sets/legosets.csv"),
        (Profile::Sunrise, "sunrise-fashion/products.csv"),
    ];
    for (profile, path) in files {
        let Some(mut file) = shared(path) else {
            return;
        };
        file.truncate(60_000);
        let needs = matches!(profile, Profile::Eshop | Profile::Luma | Profile::Vendure);
        let from = (profile, needs.then_some(USD));
        let conn = &mut conn();
        for end in [3, 700, 20_001, file.len()] {
            let _ = try_import(conn, from, &file[..end.min(file.len())]);
        }
        for (at, strange) in b"\"\0\xff\\{,|;=".iter().enumerate() {
            let mut mangled = file.clone();
            for place in (at * 131..mangled.len()).step_by(1_009) {
                mangled[place] = *strange;
            }
            let _ = try_import(conn, from, &mangled);
        }
        assert_eq!(crate::unexplained(conn), [""; 0], "{profile}");
    }
}

#[test]
fn a_record_that_is_wrong_does_not_hold_up_the_others() {
    let file = "\u{feff}[{\"Id\":1,\"Name\":\"A\",\"Price\":1.10},{\"Id\":\"2\",\"Name\":\"B\",\"Price\":1},\
                {\"Id\":3,\"Name\":\"C\",\"Price\":\"1\"},{\"Id\":4,\"Name\":\"D\",\"Price\":1e2},7,{},\
                {\"Id\":5,\"Name\":\"E\",\"Price\":0.1,\"New\":[{}]}]";

    let (summary, report) = try_import(&mut conn(), (Profile::Eshop, Some(USD)), file.as_bytes());

    let summary = summary.unwrap();
    assert_eq!((summary.created, summary.refused), (2, 5));
    let fields: Vec<_> = report
        .iter()
        .filter_map(|(number, _, outcome)| match outcome {
            Outcome::Refused(refusal) => Some((*number, refusal.field.as_ref())),
            _ => None,
        })
        .collect();
    assert_eq!(
        fields,
        [
            (2, "row"),
            (3, "price"),
            (4, "price"),
            (5, "row"),
            (6, "row")
        ]
    );
}

#[test]
fn spree_sells_a_product_without_variants_by_the_row_that_describes_it_and_nothing_archived() {
    let file = "slug,sku,name,price,currency,status,option1_name,option1_value,weight,weight_unit\n\
                mug,MUG,Mug,9.5,USD,active,,,1,lb\n\
                mug,MUG,,8.5,EUR,,,,,\n\
                tee,TEE,Tee,0,USD,draft,,,,\n\
                tee,TEE-S,,19,USD,,Size,S,,\n\
                cup,CUP,Cup,5,USD,active,,,1,stone\n\
                old,OLD,Old,5,USD,archived,,,,\n\
                cap,CAP,Cap,12,USD,active,,,,\n";
    let conn = &mut conn();

    let (summary, report) = twice(conn, (Profile::Spree, None), file.as_bytes());

    assert_eq!((summary.rows, summary.created, summary.updated), (6, 3, 1));
    let reasons: Vec<_> = reasons(&report).into_keys().collect();
    assert_eq!(
        reasons,
        [
            ("status", "is `archived`, so the product is not on sale"),
            ("weight", "has the unknown unit `stone`")
        ]
    );
    assert_eq!(variant(conn, "MUG"), "Mug||454|0|USD950,EUR850");
    assert_eq!(drafts(conn), "TEE-S");
}

#[test]
fn magento_tells_of_variants_by_the_product_behind_them() {
    let file = "sku,product_type,name,price,qty,visibility,product_online,configurable_variations\n\
                T-S,simple,Tee S,19.0000,5.0000,Not Visible Individually,1,\n\
                T-M,simple,Tee M,19.0000,0,Not Visible Individually,1,\n\
                LOST,simple,Lost,1,1,Not Visible Individually,1,\n\
                T,configurable,Tee,,0,\"Catalog, Search\",1,\"sku=T-S,size=S, tight,color=red|sku=T-M,size=M,color=red|sku=T-X,size=X\"\n\
                B,bundle,Bundle,1,1,\"Catalog, Search\",1,\n\
                OFF,simple,Off,1,1,\"Catalog, Search\",2,\n\
                MUG,simple,Mug,9.5,1,\"Catalog, Search\",1,\n";
    let conn = &mut conn();

    let (summary, report) = twice(conn, (Profile::Luma, Some(USD)), file.as_bytes());

    assert_eq!((summary.created, summary.products), (4, 3));
    let reasons: Vec<_> = reasons(&report).into_keys().collect();
    assert_eq!(
        reasons,
        [
            ("product_type", "`bundle` is not sold here"),
            ("sku", "does not come before `T`"),
            (
                "visibility",
                "is hidden, and no product has it as a variant"
            ),
        ]
    );
    assert_eq!(variant(conn, "T-S"), "Tee|S, tight / red|5|USD1900");
    assert_eq!(drafts(conn), "OFF");
}

#[test]
fn saleor_sells_what_a_channel_shows_for_one_price_in_each_currency() {
    let record = |model: &str, pk: u32, fields: &str| {
        format!("{{\"model\":\"{model}\",\"pk\":{pk},\"fields\":{{{fields}}}}}")
    };
    let product = |pk, name: &str| {
        let fields = format!(
            "\"name\":\"{name}\",\"slug\":\"{name}\",\"description_plaintext\":\"\",\"weight\":\"1.5:lb\""
        );
        record("product.product", pk, &fields)
    };
    let variant = |pk, product| {
        let fields = format!(
            "\"sku\":\"S-{pk}\",\"name\":\"\",\"product\":{product},\"sort_order\":null,\"weight\":null"
        );
        record("product.productvariant", pk, &fields)
    };
    let price = |pk, variant, currency: &str, amount: &str| {
        let fields =
            format!("\"variant\":{variant},\"currency\":\"{currency}\",\"price_amount\":{amount}");
        record("product.productvariantchannellisting", pk, &fields)
    };
    let listing = |pk, shown| {
        let fields = format!("\"product\":{pk},\"is_published\":{shown}");
        record("product.productchannellisting", pk, &fields)
    };
    let records = [
        variant(1, 1),
        variant(2, 2),
        variant(3, 3),
        variant(4, 9),
        price(1, 1, "USD", "\"10.000\""),
        price(2, 1, "USD", "\"11.000\""),
        price(3, 1, "EUR", "\"9.999\""),
        price(4, 3, "USD", "null"),
        price(5, 2, "USD", "\"12.000\""),
        product(1, "mug"),
        product(2, "tee"),
        product(3, "cap"),
        listing(1, true),
        listing(2, false),
        listing(3, true),
        record("product.product", 7, "\"name\":7"),
    ];
    let file = format!("[{}]", records.join(","));
    let conn = &mut conn();

    let (summary, report) = twice(conn, (Profile::Saleor, None), file.as_bytes());

    assert_eq!((summary.created, summary.products), (2, 2));
    let fields: Vec<_> = reasons(&report).into_keys().collect();
    let places: Vec<_> = fields.iter().map(|(field, _)| *field).collect();
    assert_eq!(
        places,
        ["price", "price", "price", "product", "row"],
        "{fields:?}"
    );
    assert_eq!(self::variant(conn, "S-1"), "mug||680|0|USD1000");
    assert_eq!(drafts(conn), "S-2");
}
