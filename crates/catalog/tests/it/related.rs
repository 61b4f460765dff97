//! Products that are shown beside others.

use std::thread;

use catalog::products::related;
use diesel::Connection as _;
use domain::{ProductId, ProductRelation};

use crate::{create, database, product};

#[test]
fn two_products_are_shown_beside_each_other_by_two_at_once() {
    let database = database();
    let conn = &mut database.connect();
    let (a, b) = (create(conn, product("A")), create(conn, product("B")));
    let relate = |id: ProductId, other: ProductId| {
        let conn = &mut database.connect();
        for _ in 0..50 {
            let set = |conn: &mut _| {
                related::set(conn, id, ProductRelation::Related, &[other], None, None)
            };
            conn.transaction(set).unwrap();
        }
    };

    thread::scope(|scope| {
        scope.spawn(|| relate(a, b));
        scope.spawn(|| relate(b, a));
    });

    let found = related::find(conn, a, ProductRelation::Related);
    assert_eq!(found.unwrap(), Some((51, vec![b.get()])));
}
