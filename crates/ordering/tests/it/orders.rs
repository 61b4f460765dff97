use domain::{OrderId, Page, PageSize};
use ordering::orders::{PAGE_LINES, list};
use ordering::placing::NewOrder;

use crate::{conn, line, order, place, user};

fn size(items: i64) -> PageSize {
    PageSize::try_from(items).unwrap()
}

fn ids(found: &Page<ordering::Order>) -> Vec<OrderId> {
    found.items.iter().map(|order| order.id).collect()
}

fn position(found: &Page<ordering::Order>) -> Option<i64> {
    found.next_cursor.map(|cursor| cursor.position())
}

#[test]
fn orders_are_listed_newest_first_page_by_page() {
    let conn = &mut conn();
    let mut placed: Vec<_> = (0..7).map(|_| place(conn, order()).id).collect();
    placed.reverse();

    let first = list(conn, None, None, size(3)).unwrap();
    assert_eq!(ids(&first), placed[..3]);
    let second = list(conn, None, position(&first), size(3)).unwrap();
    assert_eq!(ids(&second), placed[3..6]);
    let last = list(conn, None, position(&second), size(3)).unwrap();
    assert_eq!(ids(&last), placed[6..]);
    assert_eq!(position(&last), None);
}

#[test]
fn the_list_of_a_customer_has_only_their_orders() {
    let conn = &mut conn();
    let mine: Vec<_> = (0..6_i64)
        .map(|n| {
            place(
                conn,
                NewOrder {
                    user_id: user(1 + n % 2),
                    ..order()
                },
            )
            .id
        })
        .enumerate()
        .filter_map(|(n, id)| (n % 2 == 1).then_some(id))
        .collect();

    let all = list(conn, Some(user(2)), None, size(10)).unwrap();
    let after = list(conn, Some(user(2)), Some(mine[2].get()), size(1)).unwrap();
    let nobody = list(conn, Some(user(3)), None, size(10)).unwrap();

    assert_eq!(ids(&all), [mine[2], mine[1], mine[0]]);
    assert!(all.items.iter().all(|order| order.user_id == user(2)));
    assert_eq!(ids(&after), [mine[1]]);
    assert_eq!(ids(&nobody), []);
}

#[test]
fn each_listed_order_has_its_own_lines() {
    let conn = &mut conn();
    let of = |skus: &[&str]| {
        let lines: Vec<_> = skus.iter().map(|sku| line(sku)).collect();
        NewOrder { lines, ..order() }
    };
    for skus in [&["C", "A", "B"][..], &["D"], &["A", "A"]] {
        place(conn, of(skus));
    }

    let listed = list(conn, None, None, size(10)).unwrap();

    let skus: Vec<Vec<_>> = listed
        .items
        .iter()
        .map(|order| order.lines.iter().map(|line| line.sku.as_str()).collect())
        .collect();
    assert_eq!(skus, [vec!["A", "A"], vec!["D"], vec!["C", "A", "B"]]);
}

#[test]
fn a_page_ends_before_its_lines_are_too_many() {
    let conn = &mut conn();
    let half = PAGE_LINES / 2;
    let mut placed: Vec<_> = [half, 2 * PAGE_LINES, 1, half, half]
        .into_iter()
        .map(|lines| {
            let lines = (0..lines).map(|n| line(&format!("SKU-{n}"))).collect();
            place(conn, NewOrder { lines, ..order() }).id
        })
        .collect();
    placed.reverse();

    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = list(conn, None, before, size(100)).unwrap();
        let lines: Vec<_> = page.items.iter().map(|order| order.lines.len()).collect();
        pages.push((ids(&page), lines));
        before = position(&page);
        if before.is_none() {
            break;
        }
    }

    let expected = [
        (placed[..2].to_vec(), vec![half, half]),
        (placed[2..3].to_vec(), vec![1]),
        (placed[3..4].to_vec(), vec![2 * PAGE_LINES]),
        (placed[4..].to_vec(), vec![half]),
    ];
    assert_eq!(pages, expected);
}
