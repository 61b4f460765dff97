//! Bundles and what is digital: of the one as many as its parts make, of the other always some.

use catalog::import::Outcome;
use catalog::quotes::Wanted;
use catalog::stock::holds::{self, HoldError};
use catalog::stock::{self, StockError, transferring};
use catalog::variants::editing::{self, VariantChanges};
use catalog::variants::parts::{self, NewPart};
use catalog::variants::{self, VariantError};
use catalog::{editing as products, locations};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{LocationId, ProductId, VariantId, VariantKind};

use crate::locations::{location, put};
use crate::search::follow;
use crate::variants::meanwhile::one_after_the_other;
use crate::{
    SETTINGS, USD, cause, conn, count, create, create_variant, database, product, quote, sku, text,
    unexplained,
};

/// A product without stock, and its variant.
fn empty(conn: &mut PgConnection, text: &str) -> (ProductId, VariantId) {
    let id = create(
        conn,
        products::NewProduct {
            on_hand: 0,
            ..product(text)
        },
    );
    let variant = catalog::products::find_default_variant(conn, id).unwrap();
    (id, variant.unwrap())
}

fn compose(
    conn: &mut PgConnection,
    bundle: (ProductId, VariantId),
    parts: &[(VariantId, i64)],
) -> Result<(), VariantError> {
    let part = |(variant_id, quantity): &(VariantId, i64)| NewPart {
        variant_id: *variant_id,
        quantity: *quantity,
    };
    let parts: Vec<NewPart> = parts.iter().map(part).collect();
    parts::set(conn, bundle, &parts, None, None)
}

/// A bundle of these.
fn bundle(
    conn: &mut PgConnection,
    text: &str,
    parts: &[(VariantId, i64)],
) -> (ProductId, VariantId) {
    let made = empty(conn, text);
    compose(conn, made, parts).unwrap();
    made
}

fn become_kind(
    conn: &mut PgConnection,
    variant: (ProductId, VariantId),
    kind: VariantKind,
) -> Result<(), VariantError> {
    let changes = VariantChanges {
        kind: Some(kind),
        ..VariantChanges::default()
    };
    editing::update(conn, variant, changes, None, None)
}

fn available(conn: &mut PgConnection, ids: (ProductId, VariantId)) -> Option<i64> {
    variants::find(conn, ids, USD).unwrap().unwrap().available
}

fn has_stock(conn: &mut PgConnection, id: ProductId) -> bool {
    text(conn, &format!("catalog.has_stock({id})::text")) == "true"
}

fn take(conn: &mut PgConnection, variant: VariantId, units: i64) {
    let delta = stock::adjust(conn, (variant, LocationId::MAIN), -units, &cause("lost"));
    delta.unwrap();
}

#[test]
fn of_a_bundle_there_are_as_many_as_its_scarcest_part_makes() {
    let conn = &mut conn();
    let (cup, plate) = (
        create_variant(conn, "CUP", 10),
        create_variant(conn, "PLATE", 4),
    );
    let far = location(conn, "far", 1);
    let set = bundle(conn, "SET", &[(cup, 3), (plate, 1)]);

    assert_eq!(available(conn, set), Some(3));
    put(conn, cup, far, 5);
    assert_eq!(available(conn, set), Some(4), "of all locations");
    take(conn, plate, 2);
    assert_eq!(
        (available(conn, set), has_stock(conn, set.0)),
        (Some(2), true)
    );
    holds::create(conn, &[(set.1, 1)], 900, None, None).unwrap();
    assert_eq!(available(conn, set), Some(1));
    take(conn, plate, 1);
    assert_eq!(
        (available(conn, set), has_stock(conn, set.0)),
        (Some(0), false)
    );

    let quoted = &quote(conn, &[Wanted::Product(set.0)], USD)[0].1;
    let seen: Vec<_> = quoted
        .parts
        .iter()
        .map(|part| (part.sku.as_str(), part.quantity, part.available))
        .collect();
    assert_eq!(seen, [("CUP", 3, 12), ("PLATE", 1, 0)]);
    let stock: Vec<_> = quoted.stock().collect();
    assert_eq!(stock, [(cup, 12), (plate, 0)]);
    assert!(
        quote(conn, &[Wanted::Sku(sku("CUP"))], USD)[0]
            .1
            .parts
            .is_empty()
    );
}

#[test]
fn a_bundle_is_made_of_what_is_no_bundle_and_has_no_stock() {
    let conn = &mut conn();
    let (cup, saucer) = (
        create_variant(conn, "CUP", 10),
        create_variant(conn, "SAUCER", 10),
    );
    let set = bundle(conn, "SET", &[(cup, 1)]);
    let other = empty(conn, "OTHER");
    let gone = empty(conn, "GONE");
    products::archive(conn, gone.0, None, None).unwrap();
    let cups = text(
        conn,
        &format!("(SELECT product_id::text FROM catalog.variants WHERE id = {cup})"),
    );
    let cups = (cups.parse().unwrap(), cup);

    let refused = compose(conn, other, &[(saucer, 1), (other.1, 1)]);
    assert!(matches!(refused, Err(VariantError::PartOfItself(1))));
    let refused = compose(conn, other, &[(saucer, 1), (saucer, 2)]);
    assert!(matches!(refused, Err(VariantError::PartTwice(1))));
    let refused = compose(conn, other, &[(set.1, 1)]);
    assert!(matches!(refused, Err(VariantError::PartIsBundle(0))));
    for nobody in [gone.1, VariantId::try_from(i64::MAX).unwrap()] {
        let refused = compose(conn, other, &[(nobody, 1)]);
        assert!(matches!(refused, Err(VariantError::UnknownPart(0))));
    }
    let refused = compose(conn, cups, &[(saucer, 1)]);
    assert!(matches!(refused, Err(VariantError::IsPart(sku)) if sku == "SET"));
    compose(conn, set, &[(saucer, 1)]).unwrap();
    let refused = compose(conn, cups, &[(saucer, 1)]);
    assert!(matches!(refused, Err(VariantError::HasStock)));
    let stale = parts::set(conn, set, &[], Some(1), None);
    assert!(matches!(stale, Err(VariantError::Stale(3))));
    let refused = become_kind(conn, set, VariantKind::Digital);
    assert!(matches!(refused, Err(VariantError::IsBundle)));

    compose(conn, set, &[]).unwrap();
    let plain = variants::find(conn, set, USD).unwrap().unwrap();
    assert_eq!(
        (plain.kind, plain.available),
        (VariantKind::Physical, Some(0))
    );
    stock::adjust(conn, (set.1, LocationId::MAIN), 2, &cause("found")).unwrap();
    assert_eq!(available(conn, set), Some(2));
    assert!(unexplained(conn).is_empty());
}

#[test]
fn nobody_counts_what_has_no_stock_of_its_own() {
    let conn = &mut conn();
    let cup = create_variant(conn, "CUP", 10);
    let set = bundle(conn, "SET", &[(cup, 1)]);
    let far = location(conn, "far", 1);

    for place in [LocationId::MAIN, far] {
        let refused = stock::adjust(conn, (set.1, place), 1, &cause("found"));
        assert!(matches!(refused, Err(StockError::NotStocked(id)) if id == set.1));
    }
    let line = transferring::NewLine {
        moved: transferring::Moved::Variant(set.1),
        quantity: 1,
        from: LocationId::MAIN,
        to: far,
    };
    let refused = transferring::transfer(conn, &[line], None, None);
    assert!(matches!(
        refused,
        Err(transferring::TransferError::NotStocked(0))
    ));

    // As a release would that knows of no bundles.
    let insert = format!(
        "INSERT INTO catalog.stock_levels (variant_id, location_id) VALUES ({}, {far})",
        set.1
    );
    conn.batch_execute(&insert).unwrap();
    for counter in ["on_hand = 1", "backorder_limit = 1", "low_at = 0"] {
        let update = format!(
            "UPDATE catalog.stock_levels SET {counter} WHERE variant_id = {}",
            set.1
        );
        let error = conn
            .transaction(|conn| conn.batch_execute(&update))
            .unwrap_err();
        assert!(error.to_string().contains("stock_levels_kept"), "{error}");
    }
    // What it would call to sell one.
    let grant = format!(
        "(SELECT short_variants::text FROM catalog.grant_stock('{{1}}', '{{{}}}', '{{1}}'))",
        set.1
    );
    assert_eq!(text(conn, &grant), format!("{{{}}}", set.1));
    let reserve = format!(
        "SELECT catalog.reserve_stock('{{1}}', '{{NULL}}', '{{{}}}', '{{1}}')",
        set.1
    );
    let error = conn
        .transaction(|conn| conn.batch_execute(&reserve))
        .unwrap_err();
    assert!(error.to_string().contains("stock_levels_"), "{error}");
    let sold = format!(
        "(SELECT available::text FROM catalog.quote({}, NULL, 'USD'))",
        set.0
    );
    assert_eq!(text(conn, &sold), "0", "of what it is asked for");
    assert!(locations::find(conn, far).unwrap().is_some());
}

#[test]
fn an_import_leaves_a_bundle_what_it_is_and_counts_none_of_it() {
    let conn = &mut conn();
    let cup = create_variant(conn, "CUP", 10);
    let set = bundle(conn, "SET", &[(cup, 1)]);
    let mut seen = Vec::new();
    let mut read = |conn: &mut PgConnection, rows: &str| {
        let file = format!("sku,name,price,currency,on_hand\n{rows}");
        crate::read_csv(conn, file.as_bytes(), false, |_, _, outcome| {
            seen.push(match outcome {
                Outcome::Refused(refusal) => refusal.field.to_string(),
                other => format!("{other:?}"),
            });
        })
        .unwrap();
    };

    read(conn, "SET,Product SET,9.50,USD,5\n");
    read(conn, "SET,Product SET,9.50,USD,0\n");
    read(conn, "SET,Set of cups,8.50,USD,\n");

    assert_eq!(seen, ["on_hand", "Unchanged", "Updated"]);
    let found = variants::find(conn, set, USD).unwrap().unwrap();
    assert_eq!(
        (found.kind, found.price_minor, found.available),
        (VariantKind::Bundle, 850, Some(10))
    );
}

#[test]
fn of_what_is_digital_there_is_always_some() {
    let conn = &mut conn();
    let book = empty(conn, "BOOK");
    let cup = create_variant(conn, "CUP", 2);
    assert!(!has_stock(conn, book.0));
    become_kind(conn, book, VariantKind::Digital).unwrap();

    assert_eq!(
        (available(conn, book), has_stock(conn, book.0)),
        (None, true)
    );
    let quoted = &quote(conn, &[Wanted::Product(book.0)], USD)[0].1;
    assert_eq!(
        (quoted.kind, quoted.stock().count()),
        (VariantKind::Digital, 0)
    );
    let mixed = bundle(conn, "MIXED", &[(book.1, 1), (cup, 1)]);
    assert_eq!(available(conn, mixed), Some(2));
    let pair = bundle(conn, "PAIR", &[(book.1, 2)]);
    assert_eq!(
        (available(conn, pair), has_stock(conn, pair.0)),
        (None, true)
    );
    let refused = holds::create(conn, &[(cup, 1), (book.1, 1)], 900, None, None);
    assert!(matches!(refused, Err(HoldError::NotStocked(id)) if id == book.1));

    products::archive(conn, book.0, None, None).unwrap();
    assert_eq!(available(conn, pair), Some(0), "a part has left the shop");
    let full = empty(conn, "FULL");
    stock::adjust(conn, (full.1, LocationId::MAIN), 1, &cause("found")).unwrap();
    let refused = become_kind(conn, full, VariantKind::Digital);
    assert!(matches!(refused, Err(VariantError::HasStock)));
}

#[test]
fn a_hold_of_a_bundle_keeps_its_parts_and_says_how_many_bundles_there_are() {
    let conn = &mut conn();
    let (cup, plate) = (
        create_variant(conn, "CUP", 7),
        create_variant(conn, "PLATE", 5),
    );
    let set = bundle(conn, "SET", &[(cup, 3), (plate, 1)]);

    let refused = holds::create(conn, &[(plate, 1), (set.1, 3)], 900, None, None);
    let Err(HoldError::Insufficient(short)) = refused else {
        panic!("{refused:?}");
    };
    let short: Vec<_> = short.iter().map(|s| (s.variant_id, s.available)).collect();
    assert_eq!(short, [(set.1, 2)]);
    let id = holds::create(conn, &[(plate, 1), (set.1, 2)], 900, None, None).unwrap();
    let (_, lines) = holds::find(conn, id).unwrap().unwrap();
    let kept: Vec<_> = lines.iter().map(|l| (l.sku.as_str(), l.units)).collect();
    assert_eq!(kept, [("CUP", 6), ("PLATE", 3)]);
}

#[test]
fn a_part_that_somebody_makes_a_bundle_meanwhile_is_refused() {
    let database = database();
    let conn = &mut database.connect();
    let (a, b) = (empty(conn, "A"), empty(conn, "B"));
    let c = create_variant(conn, "C", 1);

    let second = one_after_the_other(
        &database,
        |conn| compose(conn, a, &[(b.1, 1)]).unwrap(),
        |conn| conn.transaction(|conn| compose(conn, b, &[(c, 1)])),
    );

    assert!(matches!(second, Err(VariantError::IsPart(sku)) if sku == "A"));
    let second = one_after_the_other(
        &database,
        |conn| {
            compose(conn, a, &[]).unwrap();
            compose(conn, b, &[(c, 1)]).unwrap();
        },
        |conn| conn.transaction(|conn| compose(conn, a, &[(b.1, 1)])),
    );
    assert!(matches!(second, Err(VariantError::PartIsBundle(0))));
}

#[test]
fn a_search_finds_a_bundle_in_stock_while_its_parts_make_one() {
    let conn = &mut database().connect();
    let cup = create_variant(conn, "CUP", 5);
    let set = bundle(conn, "SET", &[(cup, 3)]);
    follow(conn);
    let in_stock = |conn: &mut PgConnection| {
        let found = format!(
            "catalog.search_live WHERE in_stock AND product_id = {}",
            set.0
        );
        count(conn, &found) == 1
    };
    assert!(in_stock(conn));

    take(conn, cup, 3);
    follow(conn);
    assert!(!in_stock(conn), "two cups are left, and make no set");
    compose(conn, set, &[(cup, 2)]).unwrap();
    follow(conn);
    assert!(in_stock(conn));
    let cups = format!("(SELECT product_id::text FROM catalog.variants WHERE id = {cup})");
    let cups: ProductId = text(conn, &cups).parse().unwrap();
    products::archive(conn, cups, None, None).unwrap();
    follow(conn);
    assert!(!in_stock(conn), "its part has left the shop");
}

#[test]
fn the_parts_of_a_bundle_are_looked_up_and_not_searched_for() {
    let conn = &mut database().connect();
    conn.batch_execute(
        "INSERT INTO catalog.products (name) SELECT 'P' FROM generate_series(1, 20000);
         INSERT INTO catalog.variants (product_id, sku, kind)
         SELECT id, 'S' || id, CASE WHEN id % 10 = 0 THEN 'bundle' ELSE 'physical' END FROM catalog.products;
         INSERT INTO catalog.prices (variant_id, currency, amount_minor) SELECT id, 'USD', 1 FROM catalog.variants;
         INSERT INTO catalog.stock_levels (variant_id, on_hand, keeps_stock)
         SELECT id, CASE kind WHEN 'bundle' THEN 0 ELSE 9 END, kind <> 'bundle' FROM catalog.variants;
         INSERT INTO catalog.bundle_parts (bundle_id, part_id, position, quantity)
         SELECT b.id, b.id - n, n, n FROM catalog.variants b, generate_series(1, 3) n WHERE b.kind = 'bundle';
         ANALYZE",
    )
    .unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    conn.batch_execute("RESET enable_seqscan").unwrap();

    // Of locations there is one, and of holds none. What was filled in may still be counted, so the difference is what counts.
    let scanned = "(SELECT coalesce(string_agg(relname || ' ' || seq_scan, ', ' ORDER BY relname), '') FROM pg_stat_xact_user_tables \
                     WHERE schemaname = 'catalog' AND seq_scan > 0 AND relname NOT IN ('locations', 'stock_hold_lines'))";
    let (before, after) = conn
        .transaction(|conn| {
            let before = text(conn, scanned);
            let wanted = [Wanted::Sku(sku("S770")), Wanted::Sku(sku("S771"))];
            let quoted = quote(conn, &wanted, USD);
            assert_eq!((quoted[0].1.parts.len(), quoted[1].1.available), (3, 9));
            let bundle = (ProductId::try_from(770)?, VariantId::try_from(770)?);
            assert_eq!(available(conn, bundle), Some(3));
            assert_eq!(parts::list(conn, &[bundle.1])?[&bundle.1].len(), 3);
            Ok::<_, Box<dyn std::error::Error>>((before, text(conn, scanned)))
        })
        .unwrap();

    assert_eq!(after, before);
}
