//! Registration, and who is who.

use serde_json::json;

use crate::support::{open, required, somebody};

#[tokio::test]
async fn the_same_registration_again_finds_the_user_and_another_password_does_not() {
    let shop = open().shop();
    let mut body = somebody();
    let first = shop.post("/api/users", &body).send().await;
    let location = first.header("location").expect("a Location").to_owned();
    let first = first.expect(201);
    assert_eq!(location, format!("/api/users/{}", first["id"]));
    assert_eq!(first["phoneNumber"], json!(null));

    let again = shop.post("/api/users", &body).send().await.expect(200);
    assert_eq!(again, first);

    body["password"] = "another password".into();
    let taken = shop.post("/api/users", &body).send().await;
    let taken = taken.refused(409, "email_taken");
    assert_eq!(taken["errors"][0]["field"], "email");
}

#[tokio::test]
async fn addresses_are_compared_in_their_normalised_form() {
    let shop = open().shop();
    let mut body =
        json!({"name": "Ann", "email": "Ann.Norm@Example.COM", "password": "correct horse"});
    let first = shop.post("/api/users", &body).send().await.expect(201);
    for same in ["ann.norm@example.com", "ＡＮＮ.norm@example.com"] {
        body["email"] = same.into();
        let again = shop.post("/api/users", &body).send().await.expect(200);
        assert_eq!(again["id"], first["id"], "{same}");
    }
}

#[tokio::test]
async fn staff_lists_users_by_cursor() {
    let admin = required().admin().await;
    let ann = required().shop().register().await;
    let bob = required().shop().register().await;

    let mut seen = Vec::new();
    let mut path = "/api/users?limit=1".to_owned();
    loop {
        let page = admin.get(&path).send().await.expect(200);
        seen.extend(
            page["users"]
                .as_array()
                .expect("users")
                .iter()
                .map(|user| user["id"].clone()),
        );
        let Some(cursor) = page["nextCursor"].as_str() else {
            assert_eq!(page["hasMore"], false);
            break;
        };
        path = format!("/api/users?limit=1&cursor={cursor}");
    }
    assert!(seen.contains(&json!(ann)) && seen.contains(&json!(bob)));
    let mut distinct = seen.clone();
    distinct.dedup();
    assert_eq!(distinct, seen);

    let one = admin.get(&format!("/api/users/{ann}")).send().await;
    assert_eq!(one.expect(200)["id"], ann);
    admin
        .get("/api/users/99999999")
        .send()
        .await
        .refused(404, "user_not_found");
}
