use accounts::permissions::{Permissions, PermissionsError, find, set};
use accounts::users::{self, NewUser};
use accounts::{Role, User};
use diesel::PgConnection;
use diesel::connection::SimpleConnection as _;
use domain::Permission::{CatalogWrite, OrderRead, StockRead, StockWrite};
use domain::{Permission, UserId};

use db::testing;

use crate::{conn, somebody};

fn of_role(conn: &mut PgConnection, role: Role, permissions: Permissions) -> User {
    let new = NewUser {
        role,
        permissions,
        ..somebody(&format!("{}@x.example", role.code()))
    };
    users::create(conn, &new, None).unwrap().unwrap()
}

#[test]
fn staff_may_do_what_it_was_given_and_administrators_everything() {
    let conn = &mut conn();
    let given = Permissions::only(vec![StockWrite, CatalogWrite, StockWrite]);
    let staff = of_role(conn, Role::Staff, given);
    assert_eq!(
        staff.permissions,
        Permissions::Only(vec![CatalogWrite, StockWrite])
    );
    assert!(staff.may(StockRead) && staff.may(CatalogWrite));
    assert!(!staff.may(OrderRead));
    let admin = of_role(conn, Role::Admin, Permissions::All);
    let customer = of_role(conn, Role::Customer, Permissions::All);
    for permission in Permission::ALL {
        assert!(admin.may(permission) && !customer.may(permission));
    }
}

#[test]
fn permissions_are_set_for_staff_alone_and_by_who_saw_the_last_ones() {
    let conn = &mut conn();
    let staff = of_role(conn, Role::Staff, Permissions::All);
    let only = Permissions::only(vec![StockRead]);
    let set_only = set(conn, staff.id, only.clone(), Some(1), None).unwrap();
    assert_eq!((&set_only.permissions, set_only.version), (&only, 2));
    assert_eq!(find(conn, staff.id).unwrap(), set_only);
    assert!(
        !users::find(conn, staff.id)
            .unwrap()
            .unwrap()
            .may(StockWrite)
    );

    let again = set(conn, staff.id, only.clone(), None, None).unwrap();
    assert_eq!(again.version, 2, "what is so already is no change");
    let stale = set(conn, staff.id, Permissions::All, Some(1), None);
    assert!(matches!(stale, Err(PermissionsError::Stale(2))));
    let nothing = set(conn, staff.id, Permissions::only(vec![]), Some(2), None).unwrap();
    assert!(!nothing.permissions.include(StockRead));
    let told = testing::text(
        conn,
        "(SELECT string_agg(kind || sequence, ' ' ORDER BY id) FROM platform.outbox)",
    );
    assert_eq!(
        told,
        "user.registered1 user.permissionsChanged2 user.permissionsChanged3"
    );

    for role in [Role::Customer, Role::Admin] {
        let other = of_role(conn, role, Permissions::All);
        let refused = set(conn, other.id, only.clone(), None, None);
        assert!(
            matches!(refused, Err(PermissionsError::NotStaff)),
            "{role:?}"
        );
    }
    let nobody = UserId::try_from(i64::MAX).unwrap();
    assert!(matches!(
        find(conn, nobody),
        Err(PermissionsError::NotFound)
    ));
}

#[test]
fn what_a_later_release_knows_allows_nothing_here() {
    let conn = &mut conn();
    let staff = of_role(conn, Role::Staff, Permissions::All);
    conn.batch_execute("UPDATE accounts.users SET permissions = '{moon:write,stock:read}'")
        .unwrap();
    let found = users::find(conn, staff.id).unwrap().unwrap();
    assert_eq!(found.permissions, Permissions::Only(vec![StockRead]));
}
