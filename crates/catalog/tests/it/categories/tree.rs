//! A graph without cycles, in the order somebody gave it.

use catalog::categories::placing::{self, Parent, Place};
use catalog::categories::{self, CategoryError, MAX_DEPTH};
use domain::{CategoryId, PageSize};

use super::{below, child, events, find, findings, new, path, place, root, slugs};
use crate::conn;

#[test]
fn a_category_may_have_several_parents_and_its_path_leads_through_the_first() {
    let conn = &mut conn();
    let (photo, gifts) = (root(conn, "photo"), root(conn, "gifts"));
    let cameras = child(conn, "cameras", &[photo, gifts]);
    let lenses = child(conn, "lenses", &[cameras]);

    assert_eq!(slugs(conn, None), ["photo", "gifts"]);
    assert_eq!(slugs(conn, Some(gifts)), ["cameras"]);
    assert_eq!(path(conn, lenses), ["photo", "cameras"]);
    assert_eq!(find(conn, photo).child_count, 1);

    place(conn, cameras, &[gifts, photo]).unwrap();
    assert_eq!(path(conn, lenses), ["gifts", "cameras"]);
    let parents = categories::parents(conn, cameras).unwrap();
    let parents: Vec<_> = parents.iter().map(|parent| parent.id).collect();
    assert_eq!(parents, [gifts, photo]);
    assert_eq!(find(conn, cameras).version, 2);
    assert_eq!(events(conn, cameras, "category.updated"), 1);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn siblings_stand_where_they_were_put_and_others_come_last() {
    let conn = &mut conn();
    let top = root(conn, "top");
    let [a, b, c] = ["a", "b", "c"].map(|slug| child(conn, slug, &[top]));
    assert_eq!(slugs(conn, Some(top)), ["a", "b", "c"]);

    let first = Place::Below(vec![Parent {
        id: top,
        position: Some(0),
    }]);
    placing::place(conn, c, &first, None, None).unwrap();
    assert_eq!(slugs(conn, Some(top)), ["c", "a", "b"]);
    // Said again without a place, it stays where it is.
    place(conn, a, &[top]).unwrap();
    assert_eq!(slugs(conn, Some(top)), ["c", "a", "b"]);

    placing::place(conn, b, &Place::Root(Some(0)), None, None).unwrap();
    assert_eq!(slugs(conn, None), ["b", "top"]);
    placing::place(conn, b, &Place::Root(None), None, None).unwrap();
    assert_eq!(slugs(conn, None), ["b", "top"]);
    place(conn, b, &[top]).unwrap();
    assert_eq!(
        (slugs(conn, None), find(conn, b).root_position),
        (vec!["top".to_owned()], None)
    );
    assert_eq!(slugs(conn, Some(top)), ["c", "a", "b"]);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn pages_of_siblings_go_on_where_the_last_one_ended() {
    let conn = &mut conn();
    let top = root(conn, "top");
    for number in 0..7 {
        let place = Place::Below(vec![Parent {
            id: top,
            position: Some(number / 3),
        }]);
        let category = new(&format!("c{number}"), place);
        categories::editing::create(conn, category, None).unwrap();
    }
    let two = PageSize::try_from(2).unwrap();
    let (mut seen, mut after) = (Vec::new(), (0, 0));
    loop {
        let mut rows = categories::list(conn, Some(top), after, two).unwrap();
        let has_more = rows.len() == 3;
        rows.truncate(2);
        seen.extend(rows.iter().map(|c| c.slug.to_string()));
        let Some(last) = rows.last().filter(|_| has_more) else {
            break;
        };
        after = (last.position, last.id.get());
    }
    assert_eq!(seen, ["c0", "c1", "c2", "c3", "c4", "c5", "c6"]);
}

#[test]
fn what_would_be_below_itself_is_refused_and_names_the_parent() {
    let conn = &mut conn();
    let (a, other) = (root(conn, "a"), root(conn, "other"));
    let b = child(conn, "b", &[a]);
    let c = child(conn, "c", &[b, other]);

    for (parents, number) in [(vec![a], 0), (vec![other, b], 1), (vec![other, c], 1)] {
        let refused = place(conn, a, &parents).unwrap_err();
        assert!(
            matches!(refused, CategoryError::Cycle(index) if index == number),
            "{parents:?}: {refused:?}"
        );
    }
    let unknown = CategoryId::try_from(i64::MAX).unwrap();
    let refused = place(conn, a, &[other, unknown]).unwrap_err();
    assert!(matches!(refused, CategoryError::UnknownParent(1)));
    let refused = categories::editing::create(conn, new("d", below(&[unknown])), None);
    assert!(matches!(refused, Err(CategoryError::UnknownParent(0))));
    let refused = place(conn, unknown, &[a]).unwrap_err();
    assert!(matches!(refused, CategoryError::NotFound));
    assert_eq!((find(conn, a).version, slugs(conn, None).len()), (1, 2));
}

#[test]
fn twenty_levels_are_the_most_from_either_end() {
    let conn = &mut conn();
    let mut levels = vec![root(conn, "level-1")];
    for number in 2..=MAX_DEPTH {
        let parent = levels[levels.len() - 1];
        levels.push(child(conn, &format!("level-{number}"), &[parent]));
    }
    let deepest = levels[MAX_DEPTH - 1];
    assert_eq!(path(conn, deepest).len(), MAX_DEPTH - 1);

    let refused = categories::editing::create(conn, new("deeper", below(&[deepest])), None);
    assert!(matches!(refused, Err(CategoryError::TooDeep(0))));
    // The whole chain would be one level further down.
    let above = root(conn, "above");
    let refused = place(conn, levels[0], &[above]).unwrap_err();
    assert!(matches!(refused, CategoryError::TooDeep(0)), "{refused:?}");
    let short = root(conn, "short");
    let refused = place(conn, above, &[short, deepest]).unwrap_err();
    assert!(matches!(refused, CategoryError::TooDeep(1)), "{refused:?}");
    place(conn, above, &[short, levels[MAX_DEPTH - 2]]).unwrap();
}

/// Twice as many ways at each level, which nobody must follow one by one.
#[test]
fn a_category_that_a_million_ways_lead_to_is_judged_at_once() {
    let conn = &mut conn();
    let mut level = vec![root(conn, "l0"), root(conn, "r0")];
    for number in 1..MAX_DEPTH {
        let sides = ["l", "r"].map(|side| format!("{side}{number}"));
        level = sides.map(|slug| child(conn, &slug, &level)).to_vec();
    }
    assert_eq!(path(conn, level[1]).len(), MAX_DEPTH - 1);
    let refused = place(conn, level[0], &[level[1]]).unwrap_err();
    assert!(matches!(refused, CategoryError::TooDeep(0)));
    assert_eq!(findings(conn), [""; 0]);
}
