//! What rows say of a product beside its name.

use catalog::editing::{self, DetailChanges};
use catalog::import::Outcome;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::{import, refusal};
use crate::{conn, count, create, database, product, text};

const HEADER: &str = "sku,name,price,currency,brand,tags,categories,slug,status,publish_at,unpublish_at,description_html,\
                      seo_title,seo_description\n";

/// What is said of the product of a SKU, for people.
fn told(conn: &mut PgConnection, sku: &str) -> String {
    let of = format!(
        "(SELECT concat_ws('; ', p.version, p.brand, array_to_string(p.tags, ','), p.slug, p.published_at, p.unpublished_at, \
                 p.description_html, p.seo_title, p.seo_description, \
                 (SELECT string_agg(c.name, ',' ORDER BY c.name) FROM catalog.category_products cp \
                    JOIN catalog.categories c ON c.id = cp.category_id WHERE cp.product_id = p.id)) \
           FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id WHERE v.sku = '{sku}')"
    );
    text(conn, &of)
}

fn findings(conn: &mut PgConnection) -> Vec<String> {
    let mut all = Vec::new();
    for check in catalog::doctor::checks() {
        let examined = db::doctor::examine(conn, check).unwrap();
        all.extend(examined.findings.into_iter().map(|found| found.subject));
    }
    all
}

#[test]
fn a_new_product_has_all_of_it_at_once_and_a_second_run_changes_nothing() {
    let conn = &mut conn();
    let file = format!(
        "{HEADER}A,A,1,USD,Loom,new | sale|NEW,Men > Shirts | Sale,shirt-a,,2020-01-01T01:00:00+01:00,2999-12-31T00:00:00Z,\
         <p onclick=\"\"x()\"\">a</p><script>x()</script>,Shirts,All shirts\n\
         B,B,1,USD,,,Men > Shirts,,draft,,,,,\n"
    );

    let (first, report) = import(conn, &file);
    let events = count(conn, "platform.outbox");
    let (second, _) = import(conn, &file);

    assert_eq!((first.created, second.unchanged), (2, 2), "{report:?}");
    assert_eq!(
        told(conn, "A"),
        "1; Loom; new,sale; shirt-a; 2020-01-01 00:00:00+00; 2999-12-31 00:00:00+00; <p>a</p>; Shirts; All shirts; Sale,Shirts"
    );
    assert_eq!(told(conn, "B"), "1; ; ; infinity; infinity; ; ; ; Shirts");
    assert_eq!(count(conn, "platform.outbox"), events);
    // Three categories are made, two of them get products, and there are two products.
    assert_eq!(events, 7);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn a_known_product_becomes_what_is_said_and_keeps_what_is_not() {
    let conn = &mut conn();
    let first =
        format!("{HEADER}A,A,1,USD,Loom,new,Men > Shirts|Sale,shirt,active,,,<p>a</p>,T,D\n");
    import(conn, first);
    let before = told(conn, "A");

    let (nothing, _) = import(conn, format!("{HEADER}A,A,1,USD,,,,,,,,,,\n"));
    assert_eq!((nothing.unchanged, told(conn, "A")), (1, before));

    let file =
        format!("{HEADER}A,A,1,USD,Web,old|new,Men|Men > Trousers,trousers,draft,,,<b>b</b>,U,E\n");
    let (changed, _) = import(conn, file);

    assert_eq!(changed.updated, 1);
    assert_eq!(
        told(conn, "A"),
        "2; Web; old,new; trousers; infinity; infinity; <b>b</b>; U; E; Men,Trousers"
    );
    let former = "catalog.former_slugs WHERE slug = 'shirt'";
    assert_eq!(count(conn, former), 1);
    let back = format!("{HEADER}A,A,1,USD,,,,shirt,,,,,,\n");
    import(conn, back);
    assert_eq!(count(conn, former), 0);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn a_category_is_known_by_its_path_and_made_where_that_leads_nowhere() {
    let conn = &mut conn();
    let file = format!(
        "{HEADER}A,A,1,USD,,,Men > Sale | Women > Sale | Sale,,,,,,,\nB,B,1,USD,,,Women > Sale|日本,,,,,,,\n"
    );
    import(conn, &file);
    let tree = "(SELECT string_agg(concat(u.name, '/', c.name, '=', c.slug), ' ' ORDER BY c.id) FROM catalog.categories c \
                   LEFT JOIN catalog.category_parents e ON e.category_id = c.id \
                   LEFT JOIN catalog.categories u ON u.id = e.parent_id)";
    let made = "/Men=men /Women=women /Sale=sale /日本=category Men/Sale=sale-2 Women/Sale=sale-3";
    assert_eq!(text(conn, tree), made);
    assert_eq!(
        told(conn, "A"),
        "1; ; ; -infinity; infinity; ; ; ; Sale,Sale,Sale"
    );

    // One that is archived is no category any more; its slug stays taken.
    let archive = "UPDATE catalog.categories SET archived_at = now(), root_position = NULL WHERE name = '日本'";
    conn.batch_execute(archive).unwrap();
    let (again, _) = import(conn, &file);
    assert_eq!((again.updated, again.unchanged), (1, 1));
    assert_eq!(text(conn, tree), format!("{made} /日本=category-2"));
}

#[test]
fn many_products_of_many_chunks_stand_in_a_category_in_the_order_of_the_file() {
    let conn = &mut conn();
    let rows = |range: std::ops::Range<u32>| {
        range.map(|n| format!("P-{n},P,1,USD,,,All > Of {},,,,,,,\n", n % 3))
    };
    let file = format!("{HEADER}{}", rows(0..1_200).collect::<String>());

    let (summary, _) = import(conn, file);

    assert_eq!(
        (summary.created, count(conn, "catalog.categories")),
        (1_200, 4)
    );
    let in_order = "catalog.category_products cp JOIN catalog.categories c ON c.id = cp.category_id AND c.name = 'Of 1' \
                    JOIN catalog.variants v ON v.product_id = cp.product_id AND v.sku = 'P-' || ((cp.position - 1) * 3 + 1)";
    assert_eq!(count(conn, in_order), 400);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn a_dry_run_tells_of_categories_and_slugs_as_an_import_would_and_makes_none() {
    let conn = &mut conn();
    create(conn, product("KNOWN"));
    let mut file = format!(
        "{HEADER}KNOWN,Product KNOWN,9.50,USD,,,New,,,,,,,\nA,A,1,USD,,,New > Newer,one,,,,,,\n"
    );
    for n in 0..600 {
        file.push_str(&format!("N-{n},N,1,USD,,,New,,,,,,,\n"));
    }
    file.push_str("B,B,1,USD,,,,one,,,,,,\n");

    let mut told = Vec::new();
    let dry = crate::read_csv(conn, file.as_bytes(), true, |line, _, outcome| {
        told.push((line, outcome.clone()));
    });
    let none = [
        count(conn, "catalog.categories"),
        count(conn, "catalog.category_products"),
    ];
    let (real, report) = import(conn, &file);

    assert_eq!(dry.unwrap(), real);
    assert_eq!(none, [0, 0]);
    assert_eq!((real.updated, real.created, real.refused), (1, 601, 1));
    told.sort_by_key(|(line, _)| *line);
    let real: Vec<_> = report
        .into_iter()
        .map(|(line, _, outcome)| (line, outcome))
        .collect();
    assert_eq!(told, real);
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let conn = &mut conn();
    let owner = create(conn, product("OWNER"));
    let slug = DetailChanges {
        slug: Some(Some("taken".parse().unwrap())),
        ..DetailChanges::default()
    };
    let changes = editing::ProductChanges {
        details: slug,
        ..Default::default()
    };
    editing::update(conn, owner, changes, None, None).unwrap();
    let long = |length: usize| "é".repeat(length);
    let deep = vec!["a"; 21].join(">");
    let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    let cases = [
        (format!("{},,,,,,,,,", long(101)), "brand", "at most 100"),
        (format!(",{},,,,,,,,", long(61)), "tags", "at most 60"),
        (format!(",{},,,,,,,,", many.join("|")), "tags", "at most 50"),
        (",a\u{1}b,,,,,,,,".into(), "tags", "control characters"),
        (",,a>>b,,,,,,,".into(), "categories", "a name on each level"),
        (
            format!(",,{deep},,,,,,,"),
            "categories",
            "at most 20 levels",
        ),
        (
            format!(",,{},,,,,,,", long(301)),
            "categories",
            "at most 300",
        ),
        (",,,Not A Slug,,,,,,".into(), "slug", "a slug is 1 to 80"),
        (
            ",,,mug-p12,,,,,,".into(),
            "slug",
            "must not end in a p and a number",
        ),
        (
            ",,,taken,,,,,,".into(),
            "slug",
            "is that of another product",
        ),
        (
            ",,,,archived,,,,,".into(),
            "status",
            "must be draft or active",
        ),
        (
            ",,,,draft,2026-01-01T00:00:00Z,,,,".into(),
            "publish_at",
            "excludes a status",
        ),
        (",,,,,yesterday,,,,".into(), "publish_at", "must be a time"),
        (",,,,,2026-01-01,,,,".into(), "publish_at", "must be a time"),
        (
            ",,,,,,1969-12-31T23:59:59Z,,,".into(),
            "unpublish_at",
            "must be a time",
        ),
        (
            ",,,,,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z,,,".into(),
            "unpublish_at",
            "is not after",
        ),
        (
            format!(",,,,,,,{},,", "<b>".repeat(1_001)),
            "description_html",
            "at most 1000 tags",
        ),
        (
            format!(",,,,,,,{},,", long(50_001)),
            "description_html",
            "at most 50000",
        ),
        (
            format!(",,,,,,,,{},", long(201)),
            "seo_title",
            "at most 200",
        ),
        (
            format!(",,,,,,,,,{}", long(501)),
            "seo_description",
            "at most 500",
        ),
    ];
    for (cells, field, message) in cases {
        let (at, why) = refusal(conn, format!("{HEADER}A,A,1,USD,{cells}\n"));
        assert_eq!(at, field, "{cells:.80}");
        assert!(why.contains(message), "{cells:.80}: {why}");
    }
    assert_eq!(count(conn, "catalog.products"), 1);
    assert_eq!(count(conn, "catalog.categories"), 0);
}

#[test]
fn two_products_of_a_file_do_not_get_the_same_slug() {
    let conn = &mut conn();
    let file = format!("{HEADER}A,A,1,USD,,,,one,,,,,,\nB,B,1,USD,,,,one,,,,,,\n");

    let (_, report) = import(conn, file);

    assert_eq!(report[0].2, Outcome::Created);
    assert!(matches!(&report[1].2, Outcome::Refused(refusal) if refusal.field == "slug"));
}

#[test]
fn active_puts_on_sale_what_is_not_and_leaves_what_is() {
    let conn = &mut conn();
    let shop = |conn: &mut PgConnection| {
        let states = "(SELECT string_agg(concat(v.sku, catalog.is_on_sale(p), p.version), ' ' ORDER BY v.sku) \
                         FROM catalog.products p JOIN catalog.variants v ON v.product_id = p.id)";
        text(conn, states)
    };
    let rows = "A,A,1,USD,,,,,active,,,,,\nB,B,1,USD,,,,,draft,,,,,\nC,C,1,USD,,,,,,2998-01-01T00:00:00Z,,,,\n\
                D,D,1,USD,,,,,,2020-01-01T00:00:00Z,2021-01-01T00:00:00Z,,,\n";
    import(conn, format!("{HEADER}{rows}"));
    assert_eq!(shop(conn), "At1 Bf1 Cf1 Df1");

    let all_active: String = ["A", "B", "C", "D"]
        .map(|sku| format!("{sku},{sku},1,USD,,,,,active,,,,,\n"))
        .concat();
    let (summary, _) = import(conn, format!("{HEADER}{all_active}"));

    assert_eq!((summary.unchanged, summary.updated), (1, 3));
    assert_eq!(shop(conn), "At1 Bt2 Ct2 Dt2");
}

#[test]
fn imports_and_staff_that_file_products_at_once_do_not_wait_in_a_circle() {
    let database = database();
    let conn = &mut database.connect();
    let file = |from: u32| {
        let row = |n: u32| {
            let (one, other) = (n % 7, (n + from) % 5);
            format!("P-{n},P,1,USD,,,C {one}|C {other},,,,,,,\n")
        };
        format!("{HEADER}{}", (0..300).map(row).collect::<String>())
    };
    import(conn, file(0));
    std::thread::scope(|scope| {
        for from in 0..3 {
            let (database, file) = (&database, &file);
            scope.spawn(move || {
                for round in 0..3 {
                    import(&mut database.connect(), file(from * 3 + round));
                }
            });
        }
        for category in [3_i64, 1] {
            let database = &database;
            scope.spawn(move || {
                use catalog::categories::assigning::{self, Assignment};
                let conn = &mut database.connect();
                for round in 1..=30_i64 {
                    let product = |n: i64| Assignment {
                        product_id: n.try_into().unwrap(),
                        position: None,
                    };
                    let add = [product(round * 7), product(round)];
                    conn.transaction(|conn| {
                        assigning::assign(
                            conn,
                            category.try_into().unwrap(),
                            &add[..1],
                            &[],
                            None,
                            None,
                        )
                    })
                    .unwrap();
                }
            });
        }
    });
    assert_eq!(findings(conn), [""; 0]);
}
