use std::sync::Barrier;
use std::thread;

use accounts::users::{NewUser, create, find, find_credential, list, set_password};
use accounts::{Permissions, Role};
use diesel::connection::SimpleConnection;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::{Email, PageSize, UserId};

use crate::{conn, count, database, register, somebody};

#[test]
fn a_user_is_found_as_created() {
    let conn = &mut conn();
    let new = NewUser {
        name: "Änne Λ. O'Neill".into(),
        phone_number: Some("+49 30 1234".into()),
        role: Role::Staff,
        permissions: Permissions::All,
        is_open: true,
        ..somebody("Ann.Lee@Bücher.example")
    };

    let staff = domain::UserId::try_from(7).ok();

    let created = create(conn, &new, staff).unwrap().unwrap();
    let event = format!(
        "platform.outbox WHERE kind = 'user.registered' AND resource_id = {} AND sequence = 1 \
            AND actor_id = 7",
        created.id
    );
    assert_eq!(count(conn, &event), 1);
    let found = find(conn, created.id).unwrap().unwrap();

    for user in [created, found] {
        assert_eq!(
            (user.name, user.email.as_str()),
            (new.name.clone(), "Ann.Lee@Bücher.example")
        );
        assert_eq!(
            (user.phone_number, user.role),
            (new.phone_number.clone(), Role::Staff)
        );
        assert!(user.is_open);
    }
}

#[test]
fn each_role_is_read_back() {
    let conn = &mut conn();

    for role in [Role::Customer, Role::Staff, Role::Admin] {
        let email = format!("{}@example.com", role.code());
        let new = NewUser {
            role,
            permissions: Permissions::All,
            ..somebody(&email)
        };
        assert_eq!(create(conn, &new, None).unwrap().unwrap().role, role);
    }
}

#[test]
fn a_role_nobody_knows_is_refused_by_the_table() {
    let conn = &mut conn();
    register(conn, "ann@example.com");

    let refused = conn.batch_execute("UPDATE accounts.users SET role = 'root'");

    let Err(DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, info)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(info.constraint_name(), Some("users_role_known"));
}

#[test]
fn an_address_is_one_person_however_it_is_spelt() {
    let conn = &mut conn();
    let ann = register(conn, "Ann@Bücher.example");

    for other in [
        "ann@bücher.example",
        "ANN@xn--bcher-kva.example",
        "Ann@BÜCHER.example",
    ] {
        assert!(
            create(conn, &somebody(other), None).unwrap().is_none(),
            "{other}"
        );
        let email: Email = other.parse().unwrap();
        let (found, _) = find_credential(conn, &email).unwrap().unwrap();
        assert_eq!(found.id, ann.id);
    }
    assert!(
        create(conn, &somebody("ann@example.com"), None)
            .unwrap()
            .is_some()
    );
}

#[test]
fn of_many_who_register_one_address_one_does() {
    let database = database();
    let start = Barrier::new(16);
    let spellings = ["ann@example.com", "Ann@Example.com", "ANN@EXAMPLE.COM"];
    let register = |number: usize| {
        let conn = &mut database.connect();
        let new = somebody(spellings[number % spellings.len()]);
        start.wait();
        create(conn, &new, None).unwrap()
    };

    let registered = thread::scope(|scope| {
        let register = &register;
        let threads: Vec<_> = (0..16).map(|n| scope.spawn(move || register(n))).collect();
        threads
            .into_iter()
            .filter_map(|t| t.join().unwrap())
            .count()
    });

    assert_eq!(registered, 1);
    assert_eq!(count(&mut database.connect(), "accounts.users"), 1);
}

#[test]
fn a_credential_is_found_by_address_and_can_be_changed() {
    let conn = &mut conn();
    let email: Email = "ann@example.com".parse().unwrap();
    let new = NewUser {
        password_hash: None,
        ..somebody("ann@example.com")
    };
    let ann = create(conn, &new, None).unwrap().unwrap();

    let (found, hash) = find_credential(conn, &email).unwrap().unwrap();
    assert_eq!((found.id, hash), (ann.id, None));
    assert_eq!(set_password(conn, ann.id, "$argon2id$new"), Ok(1));
    let (_, hash) = find_credential(conn, &email).unwrap().unwrap();
    assert_eq!(hash.as_deref(), Some("$argon2id$new"));
}

#[test]
fn nobody_is_none() {
    let conn = &mut conn();
    let nobody = UserId::try_from(i64::MAX).unwrap();

    assert!(find(conn, nobody).unwrap().is_none());
    assert!(
        find_credential(conn, &"nobody@example.com".parse().unwrap())
            .unwrap()
            .is_none()
    );
    assert_eq!(set_password(conn, nobody, "$argon2id$"), Ok(0));
}

#[test]
fn a_list_is_paged_by_id() {
    let conn = &mut conn();
    let ids: Vec<_> = (0..5)
        .map(|n| register(conn, &format!("u{n}@example.com")).id)
        .collect();
    let two = PageSize::try_from(2).unwrap();
    let mut page = |after: i64| -> Vec<UserId> {
        list(conn, after, two)
            .unwrap()
            .iter()
            .map(|user| user.id)
            .collect()
    };

    assert_eq!(page(0), ids[..3], "one more tells of a next page");
    assert_eq!(page(ids[1].get()), ids[2..5]);
    assert_eq!(page(ids[3].get()), ids[4..]);
    assert_eq!(page(ids[4].get()), []);
}
