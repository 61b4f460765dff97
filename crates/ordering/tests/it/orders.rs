use domain::{OrderId, PageSize};
use ordering::orders::list;
use ordering::placing::NewOrder;

use crate::{conn, line, order, place, user};

fn size(items: i64) -> PageSize {
    PageSize::try_from(items).unwrap()
}

fn ids(found: &[ordering::Order]) -> Vec<OrderId> {
    found.iter().map(|order| order.id).collect()
}

#[test]
fn orders_are_listed_newest_first_page_by_page() {
    let conn = &mut conn();
    let mut placed: Vec<_> = (0..7).map(|_| place(conn, order()).id).collect();
    placed.reverse();

    let first = list(conn, None, None, size(3)).unwrap();
    assert_eq!(ids(&first), placed[..4], "one more tells of a next page");
    let second = list(conn, None, Some(placed[2].get()), size(3)).unwrap();
    assert_eq!(ids(&second), placed[3..]);
    let last = list(conn, None, Some(placed[6].get()), size(3)).unwrap();
    assert_eq!(ids(&last), []);
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
    assert!(all.iter().all(|order| order.user_id == user(2)));
    assert_eq!(ids(&after), [mine[1], mine[0]]);
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
        .iter()
        .map(|order| order.lines.iter().map(|line| line.sku.as_str()).collect())
        .collect();
    assert_eq!(skus, [vec!["A", "A"], vec!["D"], vec!["C", "A", "B"]]);
}
