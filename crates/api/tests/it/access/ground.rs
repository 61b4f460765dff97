//! What the requests of the matrix are about.

use diesel::connection::SimpleConnection as _;
use serde_json::{Value, json};

use super::rows::Row;
use crate::media::uploaded;
use crate::support::{Cluster, Shop, fresh_key, number, order_of, somebody};

/// One of each thing, for whoever may see and change it.
pub struct Ground {
    /// The customer.
    user: i64,
    pub product: i64,
    pub variant: i64,
    category: i64,
    collection: i64,
    location: i64,
    hold: i64,
    pub list: i64,
    field: i64,
    order: i64,
    job: i64,
    schedule: String,
    import: i64,
    export: i64,
    picture: i64,
}

impl Ground {
    pub async fn laid(cluster: &Cluster, admin: &Shop, user: i64) -> Self {
        let product = admin.product(&fresh_key().to_uppercase(), 7).await;
        let variants = format!("/api/products/{product}/variants");
        let variants = admin.get(&variants).send().await.expect(200);
        let category = json!({"name": fresh_key()});
        let collection = json!({"name": format!("Sale {}", fresh_key())});
        let location = json!({"code": fresh_key(), "name": "Near"});
        let hold = json!({"lines": [{"variantId": 1, "quantity": 1}]});
        let list = json!({"code": fresh_key(), "name": "Sale", "isActive": false});
        let field = json!({"resource": "variant", "key": field_key(), "type": "text"});
        let order = admin.post("/api/orders", &order_of(user, &[1]));
        let order = order.send().await.expect(201);
        let (job, schedule) = unknown_work(cluster);
        Self {
            user,
            product,
            variant: id(&variants["variants"][0]),
            category: made(admin, "/api/admin/categories", &category).await,
            collection: made(admin, "/api/admin/collections", &collection).await,
            location: made(admin, "/api/admin/locations", &location).await,
            hold: made(admin, "/api/admin/stock/holds", &hold).await,
            list: made(admin, "/api/admin/price-lists", &list).await,
            field: made(admin, "/api/admin/custom-fields", &field).await,
            order: order["orderId"].as_i64().expect("an id"),
            job,
            schedule,
            import: old_import(cluster),
            export: old_export(cluster),
            picture: id(&uploaded(admin, "").await),
        }
    }

    /// The path of a row about these things.
    pub fn path(&self, row: &Row) -> String {
        let id = match row.route.split('/').nth(2) {
            Some("users") => self.user,
            Some("orders") => self.order,
            Some("jobs") => self.job,
            _ if row.route.contains("/exports/") => self.export,
            _ if row.route.contains("/admin/media/") => self.picture,
            _ if row.route.contains("/imports/") => self.import,
            _ if row.route.contains("/categories/") => self.category,
            _ if row.route.contains("/collections/") => self.collection,
            _ if row.route.contains("/locations/") => self.location,
            _ if row.route.contains("/holds/") => self.hold,
            _ if row.route.contains("/transfers/") => i64::MAX,
            _ if row.route.contains("/price-lists/") => self.list,
            // By the time the administrator removes it, staff has.
            _ if row.route.contains("/custom-fields/") => self.field,
            _ if row.route.contains("/admin/users/") => self.user,
            _ => self.product,
        };
        row.route
            .replace("{id}", &id.to_string())
            .replace("{variantId}", &self.variant.to_string())
            .replace("{locale}", "de")
            .replace("{hash}", &"0".repeat(64))
            .replace("{relation}", "related")
            .replace("{name}", &self.schedule)
            .replace("{user}", &self.user.to_string())
    }

    /// The body of a row; each has names of its own.
    pub fn body(&self, row: &Row) -> String {
        match row.body.to_string() {
            text if text == "\"{somebody}\"" => somebody().to_string(),
            text => text
                .replace("\"{user}\"", &self.user.to_string())
                .replace("far-away", &fresh_key())
                .replace("{slug}", &fresh_key())
                .replace("{key}", &field_key())
                .replace("{fresh}", &fresh_key().to_uppercase()),
        }
    }
}

/// Makes something, and returns its id.
pub async fn made(staff: &Shop, path: &str, body: &Value) -> i64 {
    id(&staff
        .post(path, body)
        .key(&fresh_key())
        .send()
        .await
        .expect(201))
}

/// The id of something.
pub fn id(of: &Value) -> i64 {
    of["id"].as_i64().expect("an id")
}

/// The key of a custom field that nobody has defined.
fn field_key() -> String {
    format!("f{}", fresh_key().replace('-', "_"))
}

/// A failed job and a schedule that no worker touches.
fn unknown_work(cluster: &Cluster) -> (i64, String) {
    let name = fresh_key();
    let mut conn = cluster.conn();
    let insert = format!(
        "INSERT INTO platform.jobs (queue, kind, state, finished_at) VALUES ('default', '{name}', 'failed', now());
         INSERT INTO platform.schedules (name, queue, kind, every_seconds, missed, next_at)
         VALUES ('{name}', 'default', '{name}', 60, 'skip', now())"
    );
    conn.batch_execute(&insert).expect("inserted");
    let id = format!("(SELECT id FROM platform.jobs WHERE kind = '{name}')");
    (number(&mut conn, &id), name)
}

/// An import that is over.
fn old_import(cluster: &Cluster) -> i64 {
    let mark = fresh_key();
    let insert = format!(
        "INSERT INTO catalog.imports (kind, format, mode, on_error, state, error, finished_at)
         VALUES ('products', 'csv', 'apply', 'skip', 'failed', '{mark}', now())"
    );
    let mut conn = cluster.conn();
    conn.batch_execute(&insert).expect("inserted");
    let id = format!("(SELECT id FROM catalog.imports WHERE error = '{mark}')");
    number(&mut conn, &id)
}

/// An export that came to nothing.
fn old_export(cluster: &Cluster) -> i64 {
    let insert = "INSERT INTO catalog.exports (kind, format, on_sale, state, finished_at)
         VALUES ('products', 'csv', false, 'failed', now())";
    let mut conn = cluster.conn();
    conn.batch_execute(insert).expect("inserted");
    number(
        &mut conn,
        "(SELECT max(id) FROM catalog.exports WHERE state = 'failed')",
    )
}
