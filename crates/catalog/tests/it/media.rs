//! Pictures, whose bytes are somewhere else.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use catalog::media::editing::{self, MediaChanges};
use catalog::media::products::{self, SetError, Wanted};
use catalog::media::uploading::{self, NewMedia};
use catalog::media::{Hash, MediaError, find, find_stored, keeping, list};
use catalog::prices::Market;
use catalog::products as catalogue;
use catalog::products::Start;
use db::testing::{count, text};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{Locale, MediaId, PageSize, ProductId};
use serde_json::json;

use crate::{USD, conn, create, database, product, statements};

pub fn new(byte: u8) -> NewMedia {
    NewMedia {
        hash: Hash([byte; 32]),
        source: Hash([byte; 32]),
        content_type: "image/jpeg",
        bytes: 9_000,
        width: 400,
        height: 300,
        widths: vec![160, 320],
        name: "mug.jpg".into(),
        alt: "A mug".into(),
    }
}

/// A file that is no picture, whose bytes are there.
pub fn kept_file(conn: &mut PgConnection, byte: u8) -> MediaId {
    let file = NewMedia {
        content_type: "application/pdf",
        width: 0,
        height: 0,
        widths: Vec::new(),
        name: "Manual.pdf".into(),
        ..new(byte)
    };
    let (id, _) = uploading::begin(conn, file).unwrap();
    assert!(uploading::complete(conn, id, None).unwrap());
    id
}

/// A picture whose bytes are there.
fn kept(conn: &mut PgConnection, byte: u8) -> MediaId {
    let (id, _) = uploading::begin(conn, new(byte)).unwrap();
    assert!(uploading::complete(conn, id, None).unwrap());
    id
}

fn wanted(id: MediaId) -> Wanted {
    Wanted {
        id,
        alt: None,
        alts: None,
        variant_ids: Vec::new(),
    }
}

fn shown(conn: &mut PgConnection, id: ProductId) -> Vec<MediaId> {
    let found = catalogue::find(conn, id, USD).unwrap().unwrap();
    found.media.shown.iter().map(|one| one.id).collect()
}

#[test]
fn a_picture_counts_once_its_bytes_are_there() {
    let conn = &mut conn();
    let (id, file) = uploading::begin(conn, new(1)).unwrap();
    assert!(find(conn, id).unwrap().is_none());
    assert!(find_stored(conn, Hash([1; 32])).unwrap().is_none());

    assert!(uploading::complete(conn, id, None).unwrap());

    let media = find(conn, id).unwrap().unwrap();
    assert_eq!((media.version, media.widths), (1, vec![160, 320]));
    let stored = find_stored(conn, Hash([1; 32])).unwrap().unwrap();
    assert_eq!((stored.file, stored.is_rendered), (file, false));
    // Once, and with a job for it.
    assert!(!uploading::complete(conn, id, None).unwrap());
    let job = format!("platform.jobs WHERE kind = 'renderMedia' AND key = '{id}'");
    assert_eq!(count(conn, &job), 1);
    assert!(uploading::discard(conn, id).unwrap());
    assert!(find(conn, id).unwrap().is_some());
    // Another one with the same bytes is found where it has its renditions.
    let twin = kept(conn, 1);
    assert!(keeping::note_rendered(conn, twin).unwrap());
    assert!(
        find_stored(conn, Hash([1; 32]))
            .unwrap()
            .unwrap()
            .is_rendered
    );
    let all = list(conn, i64::MAX, 10).unwrap();
    let ids: Vec<MediaId> = all.iter().map(|one| one.id).collect();
    assert_eq!(ids, [twin, id]);
    assert_eq!(list(conn, twin.get(), 10).unwrap()[0].id, id);
}

#[test]
fn what_did_not_come_is_removed_after_an_hour_and_cannot_come_any_more() {
    let conn = &mut conn();
    let (late, file) = uploading::begin(conn, new(1)).unwrap();
    let (discarded, _) = uploading::begin(conn, new(2)).unwrap();
    let there = kept(conn, 3);
    assert!(uploading::discard(conn, discarded).unwrap());
    let condemned = keeping::condemn(conn, 0, 10).unwrap();
    assert_eq!(condemned.len(), 1);
    assert_eq!(condemned[0].0, discarded.get());
    let age = "UPDATE catalog.media SET created_at = now() - interval '61 minutes'";
    conn.batch_execute(age).unwrap();

    let condemned = keeping::condemn(conn, 0, 10).unwrap();

    assert!(condemned.contains(&(late.get(), file)));
    assert_eq!(condemned.len(), 2);
    let behind = keeping::condemn(conn, condemned[0].0, 10).unwrap();
    assert_eq!(behind, condemned[1..]);
    assert!(!uploading::complete(conn, late, None).unwrap());
    // Its bytes may have come after they were removed.
    assert!(!uploading::discard(conn, late).unwrap());
    for id in [late.get(), discarded.get(), there.get()] {
        keeping::forget(conn, id).unwrap();
    }
    assert_eq!(count(conn, "catalog.media"), 1);
}

#[test]
fn a_product_shows_its_pictures_and_a_list_the_first() {
    let conn = &mut conn();
    let (id, other) = (
        create(conn, product("PIC-1")),
        create(conn, product("PIC-2")),
    );
    let (one, two) = (kept(conn, 1), kept(conn, 2));
    assert_eq!(shown(conn, id), []);

    let behind = Wanted {
        alt: Some("From behind".into()),
        ..wanted(one)
    };
    let version = products::set(conn, id, &[wanted(two), behind], Some(1), None).unwrap();

    assert_eq!((version, shown(conn, id)), (2, vec![two, one]));
    let found = catalogue::find(conn, id, USD).unwrap().unwrap();
    assert_eq!(found.media.shown[0].alt, "A mug");
    assert_eq!(found.media.shown[1].alt, "From behind");
    assert_eq!(found.media.shown, products::list(conn, id).unwrap());
    let mut page = Vec::new();
    let read = |conn: &mut PgConnection| {
        page = catalogue::list(conn, None, Start::After(0), PageSize::default(), USD).unwrap();
    };
    // One for the products, and one for all pictures.
    assert_eq!(statements(conn, read), 2);
    let firsts: Vec<_> = page
        .iter()
        .map(|product| product.media.shown.len())
        .collect();
    assert_eq!(firsts, [1, 0]);
    assert_eq!(page[0].media.shown[0].id, two);
    assert_eq!(shown(conn, other), []);
    // What a picture says of itself later is the business of those who take it later.
    let changes = MediaChanges {
        alt: Some("A cup".into()),
        ..MediaChanges::default()
    };
    editing::update(conn, two, changes, Some(1), None).unwrap();
    products::set(conn, other, &[wanted(two)], None, None).unwrap();
    let alt = |conn: &mut PgConnection, id| products::list(conn, id).unwrap()[0].alt.clone();
    assert_eq!(
        (alt(conn, id), alt(conn, other)),
        ("A mug".into(), "A cup".into())
    );
    products::set(conn, id, &[], None, None).unwrap();
    assert_eq!(shown(conn, id), []);
    let flag = format!("(SELECT has_media::text FROM catalog.products WHERE id = {id})");
    assert_eq!(text(conn, &flag), "false");
}

#[test]
fn a_product_has_only_pictures_that_are_there() {
    let conn = &mut conn();
    let id = create(conn, product("PIC-1"));
    let there = kept(conn, 1);
    let (coming, _) = uploading::begin(conn, new(2)).unwrap();
    let gone = kept(conn, 3);
    editing::delete(conn, gone, Some(1), None).unwrap();

    for missing in [coming, gone] {
        let refused = conn.transaction(|conn| {
            products::set(conn, id, &[wanted(there), wanted(missing)], None, None)
        });
        assert!(matches!(refused, Err(SetError::Unknown(1))), "{refused:?}");
    }

    products::set(conn, id, &[wanted(there)], None, None).unwrap();
    let refused = editing::delete(conn, there, None, None);
    assert!(matches!(refused, Err(MediaError::InUse)));
    assert!(matches!(
        editing::delete(conn, gone, None, None),
        Err(MediaError::NotFound)
    ));
    let stale = editing::update(conn, there, MediaChanges::default(), Some(7), None);
    assert!(matches!(stale, Err(MediaError::Stale(1))));
}

#[test]
fn what_only_archived_things_have_can_be_deleted() {
    let conn = &mut conn();
    let id = create(conn, product("PIC-1"));
    let (one, two) = (kept(conn, 1), kept(conn, 2));
    products::set(conn, id, &[wanted(one), wanted(two)], None, None).unwrap();
    catalog::editing::archive(conn, id, None, None).unwrap();
    for (media, left) in [(one, true), (two, false)] {
        conn.transaction(|conn| editing::delete(conn, media, None, None))
            .unwrap();
        let flag = format!("(SELECT has_media::text FROM catalog.products WHERE id = {id})");
        assert_eq!(text(conn, &flag), left.to_string());
    }
    assert_eq!(count(conn, "catalog.product_media"), 0);
}

#[test]
fn what_is_gone_by_now_is_left_out_of_what_a_product_is_given() {
    let conn = &mut conn();
    let id = create(conn, product("PIC-1"));
    let variant = catalogue::find_default_variant(conn, id).unwrap().unwrap();
    let (one, gone) = (kept(conn, 1), kept(conn, 2));
    editing::delete(conn, gone, None, None).unwrap();
    let mut pictures = vec![wanted(gone), wanted(one)];
    pictures[1].variant_ids = vec![i64::MAX, variant.get()];
    let left_out = products::leave_out_gone(conn, id, &mut pictures).unwrap();
    assert_eq!(left_out, [gone]);
    let left = pictures.iter().map(|one| (one.id, &one.variant_ids[..]));
    assert_eq!(left.collect::<Vec<_>>(), [(one, &[variant.get()][..])]);
    products::set(conn, id, &pictures, None, None).unwrap();
}

#[test]
fn a_picture_is_not_deleted_while_a_product_takes_it() {
    let database = database();
    let conn = &mut database.connect();
    for round in 0..20_u8 {
        let id = create(conn, product(&format!("RACE-{round}")));
        let media = kept(conn, round);
        let start = Barrier::new(2);
        let (taken, deleted) = thread::scope(|scope| {
            let take = scope.spawn(|| {
                let conn = &mut database.connect();
                start.wait();
                conn.transaction(|conn| products::set(conn, id, &[wanted(media)], None, None))
            });
            let delete = scope.spawn(|| {
                let conn = &mut database.connect();
                start.wait();
                conn.transaction(|conn| editing::delete(conn, media, None, None))
            });
            (take.join().unwrap(), delete.join().unwrap())
        });

        match (&taken, &deleted) {
            (Ok(_), Err(MediaError::InUse)) => assert_eq!(shown(conn, id), [media]),
            (Err(SetError::Unknown(0)), Ok(())) => assert_eq!(shown(conn, id), []),
            _ => panic!("{taken:?} {deleted:?}"),
        }
    }
}

#[test]
fn a_file_that_is_no_picture_is_neither_made_smaller_nor_shown_as_one() {
    let conn = &mut conn();
    let file = kept_file(conn, 1);
    let id = create(conn, product("PIC-FILE"));

    let found = find(conn, file).unwrap().unwrap();
    assert!(found.rendered_at.is_some());
    assert_eq!((found.width, found.widths.len()), (0, 0));
    let jobs = "platform.jobs WHERE kind = 'renderMedia'";
    assert_eq!(count(conn, jobs), 0);
    let stored = find_stored(conn, Hash([1; 32])).unwrap().unwrap();
    assert_eq!(
        (stored.content_type.as_str(), stored.is_rendered),
        ("application/pdf", true)
    );
    let refused = conn.transaction(|conn| products::set(conn, id, &[wanted(file)], None, None));
    assert!(matches!(refused, Err(SetError::Unknown(0))), "{refused:?}");
}

#[test]
fn an_alternative_text_is_that_of_the_reader_s_language_or_of_a_wider_one() {
    let conn = &mut conn();
    let id = create(conn, product("PIC-ALT"));
    let media = kept(conn, 1);
    let locale = |text: &str| text.parse::<Locale>().unwrap();
    let said = |texts: &[(&str, Option<&str>)]| {
        let said = texts
            .iter()
            .map(|(of, text)| (locale(of), text.map(str::to_owned)));
        said.collect::<BTreeMap<_, _>>()
    };
    let change = |alts| MediaChanges {
        alts,
        ..MediaChanges::default()
    };
    let first = said(&[("de", Some("Ein Becher")), ("fr", Some("Une tasse"))]);
    editing::update(conn, media, change(first), None, None).unwrap();
    let second = said(&[("fr", None), ("pt", Some("Uma caneca"))]);
    editing::update(conn, media, change(second), None, None).unwrap();
    let kept_alts = find(conn, media).unwrap().unwrap().alts;
    assert_eq!(kept_alts, json!({"de": "Ein Becher", "pt": "Uma caneca"}));

    let letters = || ('a'..='z').map(String::from);
    let many = letters().flat_map(|a| letters().map(move |b| format!("q{a}{b}")));
    let many = many.take(199).map(|of| (locale(&of), Some("x".to_owned())));
    let refused =
        conn.transaction(|conn| editing::update(conn, media, change(many.collect()), None, None));
    assert!(
        matches!(refused, Err(MediaError::TooManyLocales)),
        "{refused:?}"
    );

    products::set(conn, id, &[wanted(media)], None, None).unwrap();
    let alt = |conn: &mut PgConnection, of: Option<&str>| {
        let market = Market {
            locale: of.map(locale),
            ..Market::from(USD)
        };
        let found = catalogue::find(conn, id, market).unwrap().unwrap();
        let page = catalogue::list(conn, None, Start::After(0), PageSize::default(), market);
        let listed = page.unwrap()[0].media.shown[0].alt.clone();
        assert_eq!(found.media.shown[0].alt, listed);
        listed
    };
    assert_eq!(alt(conn, None), "A mug");
    assert_eq!(alt(conn, Some("de-AT")), "Ein Becher");
    assert_eq!(alt(conn, Some("fr")), "A mug");
    let of_product = Wanted {
        alt: Some("From behind".into()),
        alts: Some(said(&[
            ("de", Some("Von hinten")),
            ("de-CH", None),
            ("pt-BR", Some("Por trás")),
        ])),
        ..wanted(media)
    };
    products::set(conn, id, &[of_product], None, None).unwrap();
    assert_eq!(alt(conn, Some("de-CH")), "Von hinten");
    assert_eq!(alt(conn, Some("pt-BR")), "Por trás");
    assert_eq!(alt(conn, Some("pt")), "From behind");
}
