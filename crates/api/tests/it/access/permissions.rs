//! What staff may do with some permissions and without others.

use api::http::permissions::needed;
use domain::Permission;
use serde_json::{Value, json};

use super::customer;
use super::rows::{Row, matrix};
use crate::support::{Answer, Cluster, Shop, fresh_key, open, order_of, required};

/// A member of staff who is given permissions by an administrator.
struct Sam {
    id: i64,
    admin: Shop,
    shop: Shop,
}

impl Sam {
    async fn hired(cluster: &Cluster) -> Self {
        let email = format!("{}@staff.example", fresh_key());
        let args = ["admin", "create-staff", "--email", &email, "--name", "Sam"];
        let args = [&args[..], &["--permission", "job:read"]].concat();
        let made = cluster.run(&args, "a good password\n");
        assert!(made.status.success(), "{made:?}");
        let token = cluster.token(&email, "a good password").await;
        let shop = cluster.replica(0).with_token(&token);
        let me = shop.get("/api/users/me").send().await.expect(200);
        assert_eq!(me["permissions"], json!(["job:read"]));
        Self {
            id: me["id"].as_i64().expect("an id"),
            admin: cluster.admin().await,
            shop,
        }
    }

    fn path(&self) -> String {
        format!("/api/admin/users/{}/permissions", self.id)
    }

    async fn may(&self, permissions: &[Permission]) {
        let codes: Vec<&str> = permissions.iter().map(|one| one.code()).collect();
        let body = json!({"permissions": codes});
        self.admin.put(&self.path(), &body).send().await.expect(200);
    }

    /// With ids of nothing: who may do it is told before what it is done to is looked up.
    async fn tries(&self, row: &Row) -> Answer {
        let path = row
            .route
            .replace("{id}", &i64::MAX.to_string())
            .replace("{variantId}", &i64::MAX.to_string())
            .replace("{priceId}", &i64::MAX.to_string())
            .replace("{locale}", "de")
            .replace("{name}", &fresh_key());
        let mut request = self.shop.request(row.method, &path);
        if !row.body.is_null() {
            let text = row.body.to_string();
            let body = text
                .replace("\"{user}\"", "1")
                .replace("far-away", &fresh_key())
                .replace("{slug}", &fresh_key())
                .replace("{fresh}", &fresh_key().to_uppercase());
            request = request.raw("application/json", body);
        }
        request.send().await
    }
}

/// Routes that customers may not use and staff may.
fn of_staff() -> Vec<(Row, Permission)> {
    let rows = matrix()
        .into_iter()
        .filter(|row| row.required[1] == 403 && row.required[3] != 403);
    rows.map(|row| {
        let path = row.route.split('?').next().expect("a path");
        let permission = needed(&row.method.parse().expect("a method"), path);
        let permission = permission.unwrap_or_else(|| panic!("{} {path} needs none", row.method));
        (row, permission)
    })
    .collect()
}

#[tokio::test]
async fn every_route_of_staff_is_closed_to_who_lacks_its_permission() {
    let sam = Sam::hired(required()).await;
    let rows = of_staff();
    assert!(rows.len() > 50, "{}", rows.len());
    for permission in Permission::ALL {
        let of_this = || rows.iter().filter(|(_, needed)| *needed == permission);
        let others = Permission::ALL.into_iter();
        let others: Vec<_> = others.filter(|one| !one.includes(permission)).collect();
        sam.may(&others).await;
        for (row, _) in of_this() {
            let answer = sam.tries(row).await;
            let problem = answer.expect(403);
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(
                detail.contains(permission.code()),
                "{} {}: {problem}",
                row.method,
                row.route
            );
        }
        // What is put on sale has a price, and stock; files tell both.
        let also = [Permission::PriceWrite, Permission::StockWrite];
        sam.may(&[&[permission], &also[..]].concat()).await;
        for (row, _) in of_this() {
            let answer = sam.tries(row).await;
            assert_ne!(answer.status, 403, "{} {}", row.method, row.route);
        }
    }
}

#[tokio::test]
async fn a_product_is_priced_and_stocked_by_who_may_do_that() {
    let sam = Sam::hired(open()).await;
    let (shop, fresh) = (&sam.shop, || fresh_key().to_uppercase());
    let product =
        |on_hand| json!({"name": "Tee", "sku": fresh(), "price": "1.00", "onHand": on_hand});
    let lacks = |answer: Answer, permission: Permission| {
        let problem = answer.expect(403);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(permission.code()), "{problem}");
    };
    sam.may(&[Permission::CatalogWrite]).await;
    for path in ["/api/products", "/api/admin/products"] {
        lacks(
            shop.post(path, &product(0)).send().await,
            Permission::PriceWrite,
        );
    }
    sam.may(&[Permission::CatalogWrite, Permission::PriceWrite])
        .await;
    for path in ["/api/products", "/api/admin/products"] {
        lacks(
            shop.post(path, &product(1)).send().await,
            Permission::StockWrite,
        );
        shop.post(path, &product(0)).send().await.expect(201);
    }
    let made = shop
        .post("/api/products", &product(0))
        .send()
        .await
        .expect(201);
    sam.may(&[Permission::CatalogWrite]).await;
    for path in ["/api/products", "/api/admin/products"] {
        let path = format!("{path}/{}", made["id"]);
        let name = shop.request("PATCH", &path).json(&json!({"name": "Shirt"}));
        name.send().await.expect(200);
        let price = shop.request("PATCH", &path).json(&json!({"price": "0.01"}));
        lacks(price.send().await, Permission::PriceWrite);
    }
    let variants = format!("/api/admin/products/{}/variants", made["id"]);
    let variant = shop.get(&variants).send().await.expect(200)["variants"][0]["id"].clone();
    let digital = json!({"kind": "digital"});
    let digital = shop.patch(&format!("{variants}/{variant}"), &digital);
    lacks(digital.send().await, Permission::StockWrite);
    let export = json!({"kind": "products"});
    let export = shop.post("/api/admin/exports", &export).send().await;
    lacks(export, Permission::PriceRead);
    // What tells neither of prices nor of stock is the catalogue's.
    for kind in ["collections", "categories", "options"] {
        let body = json!({ "kind": kind });
        let export = shop.post("/api/admin/exports", &body).send().await;
        let path = format!("/api/admin/exports/{}/file", export.expect(201)["id"]);
        let status = shop.get(&path).send().await.status;
        assert!([200, 409].contains(&status), "{kind}: {status}");
        let path = format!("/api/admin/imports?kind={kind}&mode=validate");
        let key = if kind == "options" { "option" } else { "slug" };
        let import = shop
            .request("POST", &path)
            .raw("text/csv", format!("{key}\nx\n"));
        import.send().await.expect(201);
    }
}

#[tokio::test]
async fn orders_of_others_are_read_and_written_by_who_may_do_that() {
    let cluster = required();
    let sam = Sam::hired(cluster).await;
    let (user, _) = customer(cluster).await;
    let order = sam
        .admin
        .post("/api/orders", &order_of(user, &[1]))
        .send()
        .await;
    let path = format!("/api/orders/{}", order.expect(201)["orderId"]);
    let list = format!("/api/orders?userId={user}");
    let step = json!({"status": "processed"});

    sam.may(&[]).await;
    for path in [&path, &list] {
        sam.shop.get(path).send().await.expect(404);
    }
    let own = sam.shop.get("/api/orders").send().await.expect(200);
    assert_eq!(own["orders"], json!([]), "not those of everybody");
    sam.shop
        .get(&format!("/api/users/{user}"))
        .send()
        .await
        .expect(404);

    sam.may(&[Permission::OrderRead]).await;
    for path in [&path, &list] {
        sam.shop.get(path).send().await.expect(200);
    }
    sam.shop.put(&path, &step).send().await.expect(403);
    sam.shop.delete(&path).send().await.expect(403);
    let placed = sam.shop.post("/api/orders", &order_of(user, &[1]));
    placed.send().await.expect(404);

    sam.may(&[Permission::OrderWrite]).await;
    sam.shop.put(&path, &step).send().await.expect(200);
    let placed = sam.shop.post("/api/orders", &order_of(user, &[1]));
    placed.send().await.expect(201);
}

#[tokio::test]
async fn permissions_are_given_by_administrators_to_staff() {
    let cluster = open();
    let sam = Sam::hired(cluster).await;
    let before = sam.admin.get(&sam.path()).send().await;
    let etag = before.header("etag").expect("an etag").to_owned();
    assert_eq!(before.expect(200), json!({"permissions": ["job:read"]}));
    sam.shop.get(&sam.path()).send().await.expect(403);
    let all = json!({"permissions": null});
    sam.shop.put(&sam.path(), &all).send().await.expect(403);

    let (user, _) = customer(cluster).await;
    let of_customer = format!("/api/admin/users/{user}/permissions");
    let refused = sam.admin.put(&of_customer, &all).send().await.expect(409);
    assert_eq!(refused["code"], "not_staff");
    let nobody = "/api/admin/users/9223372036854775807/permissions";
    sam.admin.put(nobody, &all).send().await.expect(404);

    let bad: [Value; 6] = [
        json!({}),
        json!({"permissions": "catalog:write"}),
        json!({"permissions": ["moon:write"]}),
        json!({"permissions": ["Catalog:Write"]}),
        json!({"permissions": [null]}),
        json!({"permissions": null, "role": "admin"}),
    ];
    for body in bad {
        let refused = sam.admin.put(&sam.path(), &body).send().await;
        assert_eq!(refused.status, 422, "{body}");
    }
    let stocks = json!({"permissions": ["stock:write", "stock:write", "price:read"]});
    let set = sam
        .admin
        .put(&sam.path(), &stocks)
        .header("if-match", &etag);
    let set = set.send().await.expect(200);
    assert_eq!(set["permissions"], json!(["price:read", "stock:write"]));
    let late = sam.admin.put(&sam.path(), &all).header("if-match", &etag);
    late.send().await.expect(412);
    let me = sam.shop.get("/api/users/me").send().await.expect(200);
    assert_eq!(
        me["permissions"],
        json!(["price:read", "stock:read", "stock:write"])
    );
    let me = sam.admin.get("/api/users/me").send().await.expect(200);
    assert_eq!(
        me["permissions"].as_array().map(Vec::len),
        Some(Permission::ALL.len())
    );
}

#[tokio::test]
async fn who_runs_the_shop_gives_permissions_by_command() {
    let cluster = open();
    let sam = Sam::hired(cluster).await;
    let me = sam.shop.get("/api/users/me").send().await.expect(200);
    let email = me["email"].as_str().expect("text");
    let run = |rest: &[&str]| {
        let args = ["admin", "set-permissions", "--email", email];
        cluster.run(&[&args[..], rest].concat(), "")
    };
    for rest in [
        &[][..],
        &["--permission", "moon:write"],
        &["--all", "--permission", "job:read"],
    ] {
        let refused = run(rest);
        assert!(!refused.status.success(), "{rest:?}: {refused:?}");
    }
    assert!(
        run(&["--permission", "stock:read", "--permission", "event:read"])
            .status
            .success()
    );
    let me = sam.shop.get("/api/users/me").send().await.expect(200);
    assert_eq!(me["permissions"], json!(["stock:read", "event:read"]));
    assert!(run(&["--all"]).status.success());
    sam.shop.get("/api/jobs").send().await.expect(200);
}
