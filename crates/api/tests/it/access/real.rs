//! The requests of the matrix, of something that is there where the matrix asks for what nobody has.

use serde_json::{Value, json};

use super::customer;
use super::ground::{Ground, id, made};
use super::rows::Row;
use crate::media::uploaded;
use crate::support::{Cluster, Shop, fresh_key};

/// Things that the matrix has no need of.
pub struct Real {
    ground: Ground,
    sku: String,
    staff: i64,
    category: i64,
    location: i64,
    picture: i64,
    /// Prices that are still to come.
    price: i64,
    list_price: i64,
    /// A product and its variant without stock, which may be a bundle.
    bundle: (i64, i64),
    /// A product and a variant of it that is not its default.
    second: (i64, i64),
}

impl Real {
    pub async fn laid(cluster: &Cluster, admin: &Shop) -> Self {
        let (user, _) = customer(cluster).await;
        let ground = Ground::laid(cluster, admin, user).await;
        let path = format!(
            "/api/admin/products/{}/variants/{}",
            ground.product, ground.variant
        );
        let sku = admin.get(&path).send().await.expect(200)["sku"].clone();
        let later =
            json!({"prices": [{"sku": sku, "price": "5.00", "validFrom": "2099-01-01T00:00:00Z"}]});
        let bundle = admin.product(&fresh_key().to_uppercase(), 0).await;
        let second = admin.product(&fresh_key().to_uppercase(), 0).await;
        let options = json!({"options": [{"name": "Size", "values": ["S"]}]});
        let put = format!("/api/admin/products/{second}/options");
        admin.put(&put, &options).send().await.expect(200);
        let variant =
            json!({"variants": [{"sku": fresh_key(), "choices": {"Size": "S"}, "price": "1.00"}]});
        let add = format!("/api/admin/products/{second}/variants");
        admin.post(&add, &variant).send().await.expect(201);
        let category = json!({"name": fresh_key()});
        let location = json!({"code": fresh_key(), "name": "There"});
        Self {
            price: price(
                admin,
                "/api/admin/prices",
                &format!("{path}/prices/history"),
                &later,
            )
            .await,
            list_price: {
                let list = format!("/api/admin/price-lists/{}/prices", ground.list);
                price(admin, &list, &list, &later).await
            },
            staff: hired(cluster).await,
            category: made(admin, "/api/admin/categories", &category).await,
            location: made(admin, "/api/admin/locations", &location).await,
            picture: id(&uploaded(admin, "").await),
            bundle: (bundle, variants(admin, bundle).await[0]),
            second: (second, *variants(admin, second).await.last().expect("two")),
            sku: sku.as_str().expect("an SKU").to_owned(),
            ground,
        }
    }

    /// The path and the body of a row.
    pub fn asked(&self, row: &Row) -> (String, String) {
        let (product, variant) = match (row.method, row.route.rsplit('/').next()) {
            (_, Some("components")) => self.bundle,
            ("DELETE", Some("{variantId}")) => self.second,
            _ => (self.ground.product, self.ground.variant),
        };
        let path = match row.route {
            "/api/admin/users/{id}/permissions" => {
                row.route.replace("{id}", &self.staff.to_string())
            }
            "/api/admin/price-lists/{id}/prices/{priceId}" => self
                .ground
                .path(row)
                .replace("{priceId}", &self.list_price.to_string()),
            route if route.contains("/variants/{variantId}") => route
                .replace("{id}", &product.to_string())
                .replace("{variantId}", &variant.to_string())
                .replace("{priceId}", &self.price.to_string()),
            _ => self.ground.path(row),
        };
        (path, self.body(row))
    }

    fn body(&self, row: &Row) -> String {
        let line = json!({"sku": self.sku, "quantity": 1, "fromLocationId": 1, "toLocationId": self.location});
        let body = match (row.method, row.route) {
            ("POST", "/api/admin/prices" | "/api/admin/price-lists/{id}/prices") => {
                json!({"prices": [{"sku": self.sku, "price": "3.00"}]})
            }
            ("POST", "/api/admin/stock/holds") => {
                json!({"lines": [{"sku": self.sku, "quantity": 1}]})
            }
            ("POST", "/api/admin/stock/transfers") => json!({"lines": [line]}),
            ("PUT", "/api/admin/categories/{id}/parents") => {
                json!({"parents": [{"id": self.category}]})
            }
            ("PUT", "/api/admin/products/{id}/media") => json!({"media": [{"id": self.picture}]}),
            ("PUT", "/api/admin/products/{id}/variants/{variantId}/components") => {
                json!({"components": [{"variantId": self.ground.variant, "quantity": 2}]})
            }
            ("PUT", "/api/products/{id}/stock") => json!({"onHand": 9, "expectedOnHand": 7}),
            ("PUT", "/api/admin/products/{id}/variants/{variantId}/stock") => {
                json!({"onHand": 8, "expectedOnHand": 9})
            }
            _ => return self.ground.body(row),
        };
        body.to_string()
    }
}

/// Sets a price, and returns its id.
async fn price(admin: &Shop, at: &str, listed: &str, prices: &Value) -> i64 {
    admin.post(at, prices).send().await.expect(200);
    id(&admin.get(listed).send().await.expect(200)["prices"][0])
}

async fn variants(admin: &Shop, product: i64) -> Vec<i64> {
    let path = format!("/api/admin/products/{product}/variants");
    let listed = admin.get(&path).send().await.expect(200);
    let listed = listed["variants"].as_array().expect("variants");
    listed.iter().map(id).collect()
}

/// A member of staff, who may be given permissions.
async fn hired(cluster: &Cluster) -> i64 {
    let email = format!("{}@staff.example", fresh_key());
    let args = ["admin", "create-staff", "--email", &email, "--name", "Sam"];
    let made = cluster.run(&args, "a good password\n");
    assert!(made.status.success(), "{made:?}");
    let token = cluster.token(&email, "a good password").await;
    let sam = cluster.replica(0).with_token(&token);
    id(&sam.get("/api/users/me").send().await.expect(200))
}
