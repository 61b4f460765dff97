//! What is on sale, from when to when, and at which address.

use std::time::Duration;

use catalog::custom_fields::attributes::AttributeChanges;
use catalog::editing::{self, DetailChanges, EditError, ProductChanges, Publication};
use catalog::products::managed::{self, Status};
use catalog::products::{self, Start};
use catalog::quotes::Wanted;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable};
use domain::{PageSize, ProductId, Slug};

use crate::{USD, conn, create, product, quote, sku};

fn change(
    conn: &mut PgConnection,
    id: ProductId,
    details: DetailChanges,
) -> Result<i64, EditError> {
    let changes = ProductChanges {
        details,
        ..ProductChanges::default()
    };
    // As a request does it, so that one that fails leaves nothing behind.
    conn.transaction(|conn| editing::update(conn, id, changes, None, None))
}

fn publish(publication: Publication) -> DetailChanges {
    DetailChanges {
        publication: Some(publication),
        ..DetailChanges::default()
    }
}

fn unpublish(end: Option<DateTime<Utc>>) -> DetailChanges {
    DetailChanges {
        unpublish_at: Some(end),
        ..DetailChanges::default()
    }
}

fn slug(text: &str) -> DetailChanges {
    DetailChanges {
        slug: Some(Some(text.parse().unwrap())),
        ..DetailChanges::default()
    }
}

fn status(conn: &mut PgConnection, id: ProductId) -> Status {
    managed::find(conn, id, USD).unwrap().unwrap().status()
}

/// In how many of the places where customers look it is.
fn places(conn: &mut PgConnection, id: ProductId, its_sku: &str) -> usize {
    let size = PageSize::try_from(100).unwrap();
    let before = Start::After(id.get() - 1);
    let listed = products::list(conn, None, before, size, USD).unwrap();
    let searched = products::list(conn, Some(its_sku), Start::After(0), size, USD).unwrap();
    let wanted = [Wanted::Product(id), Wanted::Sku(sku(its_sku))];
    usize::from(products::find(conn, id, USD).unwrap().is_some())
        + listed.iter().filter(|product| product.id == id).count()
        + searched.iter().filter(|product| product.id == id).count()
        + quote(conn, &wanted, USD).len()
}

const EVERYWHERE: usize = 5;

fn led_to(conn: &mut PgConnection, text: &str) -> Option<(ProductId, String)> {
    let slug: Slug = text.parse().unwrap();
    let found = products::find_by_slug(conn, &slug, USD).unwrap();
    found.map(|product| (product.id, product.address()))
}

#[test]
fn a_draft_is_nowhere_until_it_is_published() {
    let conn = &mut conn();
    let draft = publish(Publication::Never);
    let id = editing::create(
        conn,
        product("DRAFT-1"),
        draft.clone(),
        AttributeChanges::default(),
        None,
    )
    .unwrap();

    assert_eq!(places(conn, id, "DRAFT-1"), 0);
    assert_eq!(status(conn, id), Status::Draft);
    assert!(products::find_draft(conn, id, USD).unwrap().is_some());

    change(conn, id, publish(Publication::Now)).unwrap();
    assert_eq!(places(conn, id, "DRAFT-1"), EVERYWHERE);
    assert_eq!(status(conn, id), Status::Active);

    change(conn, id, draft).unwrap();
    assert_eq!(places(conn, id, "DRAFT-1"), 0);

    editing::archive(conn, id, None, None).unwrap();
    assert_eq!(status(conn, id), Status::Archived);
    let late = change(conn, id, publish(Publication::Now));
    assert!(matches!(late, Err(EditError::NotFound)), "{late:?}");
}

#[test]
fn the_clock_puts_a_product_on_sale_and_takes_it_off() {
    let conn = &mut conn();
    let moment = Duration::from_millis(300);
    let begin = Utc::now() + moment;
    let scheduled = DetailChanges {
        unpublish_at: Some(Some(begin + moment)),
        ..publish(Publication::At(begin))
    };
    let id = editing::create(
        conn,
        product("TIMED-1"),
        scheduled,
        AttributeChanges::default(),
        None,
    )
    .unwrap();
    let wait = |conn: &mut PgConnection, seconds: f64| {
        let sleep = format!("SELECT pg_sleep({seconds})");
        diesel::sql_query(sleep).execute(conn).unwrap();
    };

    assert_eq!(places(conn, id, "TIMED-1"), 0);
    let holds = products::next_change(conn).unwrap().unwrap();
    assert!(holds <= moment, "{holds:?}");

    wait(conn, holds.as_secs_f64() + 0.001);
    assert_eq!(places(conn, id, "TIMED-1"), EVERYWHERE);
    let found = products::find(conn, id, USD).unwrap().unwrap();
    let holds = products::next_change(conn).unwrap().unwrap();
    assert!(holds <= moment, "{holds:?}");
    assert_eq!(found.version, 1);

    wait(conn, holds.as_secs_f64() + 0.001);
    assert_eq!(places(conn, id, "TIMED-1"), 0);
    assert_eq!(status(conn, id), Status::Draft);
    assert_eq!(products::next_change(conn), Ok(None));

    // A form that sends everything back as it was is no error, and a new time takes back the end that has passed.
    let managed = managed::find(conn, id, USD).unwrap().unwrap();
    change(conn, id, unpublish(managed.unpublish_at)).unwrap();
    let later = Utc::now() + Duration::from_secs(60);
    change(conn, id, publish(Publication::At(later))).unwrap();
    let managed = managed::find(conn, id, USD).unwrap().unwrap();
    assert_eq!(managed.unpublish_at, None);

    // What ended its time before does not end it at once again.
    change(conn, id, publish(Publication::Now)).unwrap();
    assert_eq!(places(conn, id, "TIMED-1"), EVERYWHERE);
    let managed = managed::find(conn, id, USD).unwrap().unwrap();
    assert_eq!(managed.unpublish_at, None);
}

db::statement! {
    struct FindOutdated {
        product_ids: Vec<i64> => Array<BigInt>,
        versions: Vec<i64> => Array<BigInt>,
        variant_ids: Vec<i64> => Array<BigInt>,
        price_ids: Vec<i64> => Array<BigInt>,
    } -> Nullable<Array<Integer>> =
    "SELECT catalog.find_outdated('{7}', $1, $2, $3, $4, '{USD}'::text[])"
}

#[test]
fn a_quote_does_not_outlive_its_product() {
    let conn = &mut conn();
    let id = create(conn, product("QUOTED-1"));
    let end = Utc::now() + Duration::from_millis(200);
    change(conn, id, unpublish(Some(end))).unwrap();
    let (_, quoted) = quote(conn, &[Wanted::Product(id)], USD).remove(0);
    let is_outdated = |conn: &mut PgConnection| {
        let statement = FindOutdated {
            product_ids: vec![quoted.product_id.get()],
            versions: vec![quoted.product_version],
            variant_ids: vec![quoted.variant_id.get()],
            price_ids: vec![quoted.price_id],
        };
        let outdated: Option<Vec<i32>> = statement.get_result(conn).unwrap();
        outdated.is_some()
    };

    assert!(!is_outdated(conn));
    diesel::sql_query("SELECT pg_sleep(0.21)")
        .execute(conn)
        .unwrap();
    assert!(is_outdated(conn));
}

#[test]
fn a_time_that_ends_before_it_begins_is_refused() {
    let conn = &mut conn();
    let id = create(conn, product("WINDOW-1"));
    let begin = Utc::now() + Duration::from_secs(60);
    let backwards = DetailChanges {
        unpublish_at: Some(Some(begin)),
        ..publish(Publication::At(begin))
    };
    let refused = change(conn, id, backwards);
    assert!(
        matches!(refused, Err(EditError::EndsBeforeItBegins)),
        "{refused:?}"
    );
    assert_eq!(places(conn, id, "WINDOW-1"), EVERYWHERE);

    let past = Utc::now() - Duration::from_secs(60);
    let over = change(conn, id, unpublish(Some(past)));
    assert!(
        matches!(over, Err(EditError::EndsBeforeItBegins)),
        "{over:?}"
    );
    assert_eq!(places(conn, id, "WINDOW-1"), EVERYWHERE);

    // A draft may have its end before anybody knows when it begins.
    let ends = DetailChanges {
        unpublish_at: Some(Some(begin)),
        ..publish(Publication::Never)
    };
    change(conn, id, ends).unwrap();
    let late = publish(Publication::At(begin + Duration::from_secs(1)));
    let refused = change(conn, id, late);
    assert!(
        matches!(refused, Err(EditError::EndsBeforeItBegins)),
        "{refused:?}"
    );
}

#[test]
fn a_product_is_found_by_every_address_it_had() {
    let conn = &mut conn();
    let id = create(conn, product("SLUG-1"));
    let made = format!("product-slug-1-p{id}");
    assert_eq!(led_to(conn, &made), Some((id, made.clone())));
    assert_eq!(
        led_to(conn, &format!("another-name-p{id}")),
        Some((id, made.clone()))
    );

    change(conn, id, slug("first")).unwrap();
    change(conn, id, slug("second")).unwrap();
    for address in [&made, "first", "second"] {
        assert_eq!(
            led_to(conn, address),
            Some((id, "second".into())),
            "{address}"
        );
    }

    // Back to one that it had: nothing leads in a circle.
    change(conn, id, slug("first")).unwrap();
    assert_eq!(led_to(conn, "second"), Some((id, "first".into())));
    let none = DetailChanges {
        slug: Some(None),
        ..DetailChanges::default()
    };
    change(conn, id, none).unwrap();
    assert_eq!(led_to(conn, "first"), Some((id, made)));

    change(conn, id, publish(Publication::Never)).unwrap();
    assert_eq!(led_to(conn, "first"), None);
}

#[test]
fn a_slug_is_one_products_and_a_former_one_can_be_taken_over() {
    let conn = &mut conn();
    let (a, b) = (
        create(conn, product("SLUG-A")),
        create(conn, product("SLUG-B")),
    );
    change(conn, a, slug("mug")).unwrap();
    let taken = change(conn, b, slug("mug"));
    assert!(matches!(taken, Err(EditError::SlugTaken)), "{taken:?}");

    change(conn, a, slug("cup")).unwrap();
    change(conn, b, slug("mug")).unwrap();
    assert_eq!(led_to(conn, "mug"), Some((b, "mug".into())));
    assert_eq!(led_to(conn, "cup"), Some((a, "cup".into())));

    // One that is archived needs its slug no more.
    editing::archive(conn, b, None, None).unwrap();
    assert_eq!(led_to(conn, "mug"), None);
    change(conn, a, slug("mug")).unwrap();
    assert_eq!(led_to(conn, "mug"), Some((a, "mug".into())));
}

#[test]
fn staff_lists_products_by_status() {
    let conn = &mut conn();
    let first = create(conn, product("STATUS-1"));
    let ids: Vec<ProductId> = (2..=6)
        .map(|n| create(conn, product(&format!("STATUS-{n}"))))
        .collect();
    change(conn, ids[0], publish(Publication::Never)).unwrap();
    let later = Utc::now() + Duration::from_secs(600);
    change(conn, ids[1], publish(Publication::At(later))).unwrap();
    let long_since = Utc::now() - Duration::from_secs(600);
    change(conn, ids[2], publish(Publication::At(long_since))).unwrap();
    editing::archive(conn, ids[3], None, None).unwrap();
    let size = PageSize::try_from(100).unwrap();
    let mut list = |status| {
        let found = managed::list(conn, status, first.get() - 1, size, USD).unwrap();
        found
            .into_iter()
            .map(|product| product.id)
            .collect::<Vec<_>>()
    };

    assert_eq!(list(None), [&[first], &ids[..]].concat());
    assert_eq!(list(Some(Status::Active)), [first, ids[2], ids[4]]);
    assert_eq!(list(Some(Status::Draft)), ids[..2]);
    assert_eq!(list(Some(Status::Archived)), [ids[3]]);
}

#[test]
fn details_are_kept_and_lists_go_without_the_long_ones() {
    let conn = &mut conn();
    let details = DetailChanges {
        brand: Some("Ütz".into()),
        tags: Some(vec!["blue".into(), "kitchen".into()]),
        description_html: Some("<p>Holds <b>0.3 l</b></p>".into()),
        seo_title: Some("Blue mug".into()),
        seo_description: Some("A mug.".into()),
        ..DetailChanges::default()
    };
    let id = editing::create(
        conn,
        product("DETAILS-1"),
        details,
        AttributeChanges::default(),
        None,
    )
    .unwrap();
    let brand = DetailChanges {
        brand: Some(String::new()),
        ..DetailChanges::default()
    };
    change(conn, id, brand).unwrap();

    let found = products::find(conn, id, USD).unwrap().unwrap();
    assert_eq!((found.brand.as_str(), found.version), ("", 2));
    assert_eq!(found.tags, Some(vec!["blue".into(), "kitchen".into()]));
    assert_eq!(
        found.description_html.as_deref(),
        Some("<p>Holds <b>0.3 l</b></p>")
    );
    assert_eq!(found.seo_title.as_deref(), Some("Blue mug"));
    assert_eq!(found.seo_description.as_deref(), Some("A mug."));
    let size = PageSize::try_from(1).unwrap();
    let listed = products::list(conn, None, Start::After(id.get() - 1), size, USD).unwrap();
    assert_eq!(
        (&listed[0].tags, &listed[0].description_html),
        (&None, &None)
    );
}
