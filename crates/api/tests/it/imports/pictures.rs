//! Pictures that a file names: in a folder beside it, and at other servers.

use std::fs;
use std::time::Duration;

use image::ImageFormat;
use serde_json::{Value, json};

use super::elsewhere::{Elsewhere, trusting};
use super::{ended, results, upload};
use crate::media::picture;
use crate::support::{Cluster, Shop, count, eventually, fresh_dir, fresh_key, open, text};

const SOON: Duration = Duration::from_secs(60);

/// Imports a product with these pictures, and returns the import, over, and the id of the product.
async fn import(staff: &Shop, cluster: &Cluster, images: &str) -> (Value, i64) {
    import_saying(staff, cluster, images, "").await
}

/// The same with what is said of them in German.
async fn import_saying(
    staff: &Shop,
    cluster: &Cluster,
    images: &str,
    german: &str,
) -> (Value, i64) {
    let sku = fresh_key().to_uppercase();
    let file =
        format!("sku,name,price,currency,images,images@de\n{sku},Mug,1,USD,{images},{german}\n");
    let import = upload(staff, "", "text/csv", file).await;
    let import = ended(staff, &import).await;
    let id = format!("(SELECT product_id::text FROM catalog.variants WHERE sku = '{sku}')");
    (
        import,
        text(&mut cluster.conn(), &id).parse().expect("an id"),
    )
}

/// What staff reads of the pictures of a product once nothing is waited for.
async fn settled(staff: &Shop, product: i64) -> Value {
    let path = format!("/api/admin/products/{product}/media");
    let is_over = async || {
        let read = staff.get(&path).send().await.json();
        let missing = read["missing"].as_array().cloned().unwrap_or_default();
        missing.iter().all(|one| !one["message"].is_null())
    };
    eventually("the pictures are there, or never will be", SOON, is_over).await;
    staff.get(&path).send().await.expect(200)
}

async fn result(staff: &Shop, import: &Value) -> String {
    let csv = results(staff, import, "").await;
    let text = String::from_utf8(csv.body).expect("UTF-8");
    text.lines().nth(1).expect("a row").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_fetched_once_and_shown_in_their_order() {
    let staff = trusting().admin().await;
    let elsewhere = Elsewhere::start().await;
    let (red, blue) = (
        picture(9, 9, ImageFormat::Png),
        picture(9, 9, ImageFormat::Jpeg),
    );
    let red = elsewhere.has("/red.png?size=1", red);
    let to_blue = "302 Found\r\nLocation: /blue";
    elsewhere.has("/blue", blue);
    let blue = elsewhere.says(
        "/moved",
        vec![("503 Service Unavailable", vec![]), (to_blue, vec![])],
    );

    let (images, german) = (format!("{blue} > Blue|{red}"), format!("{red} > Rot"));
    let (import_, product) = import_saying(&staff, trusting(), &images, &german).await;
    let shown = settled(&staff, product).await;

    assert_eq!(import_["rows"]["created"], 1);
    let alts: Vec<&Value> = shown["media"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["alt"])
        .collect();
    assert_eq!(alts, [&json!("Blue"), &json!("")], "{shown}");
    assert_eq!(shown["media"][0]["alts"], json!({}));
    assert_eq!(shown["media"][1]["alts"], json!({"de": "Rot"}));
    assert!(shown.get("missing").is_none(), "{shown}");
    assert_eq!(shown["media"][1]["contentType"], "image/png");
    assert!(result(&staff, &import_).await.ends_with(",created,,"));
    // The same addresses are known by now, and the same bytes at another one are the same picture.
    let copy = elsewhere.body("/red.png?size=1");
    let copy = elsewhere.has("/copy.png", copy);
    let (_, other) = import(&staff, trusting(), &format!("{red}|{copy}|{blue}")).await;
    let again = settled(&staff, other).await;
    let ids = |shown: &Value| -> Vec<i64> {
        let media = shown["media"].as_array().expect("a list").iter();
        media.filter_map(|one| one["id"].as_i64()).collect()
    };
    assert_eq!(ids(&again), [ids(&shown)[1], ids(&shown)[0]]);
    assert_eq!(elsewhere.asked("/red.png?size=1"), 1);
    assert_eq!(elsewhere.asked("/blue"), 1);
    let name = "catalog.media WHERE name = 'red.png'";
    assert_eq!(count(&mut trusting().conn(), name), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_is_told_in_the_result_of_the_row_and_with_the_product() {
    let staff = trusting().admin().await;
    let elsewhere = Elsewhere::start().await;
    let good = elsewhere.has("/good.png", picture(9, 9, ImageFormat::Png));
    let around = |n: u8| format!("302 Found\r\nLocation: /{n}").leak() as &'static str;
    for n in 0..9_u8 {
        elsewhere.says(&format!("/{n}"), vec![(around(n + 1), vec![])]);
    }
    for (address, why) in [
        (format!("{}/nothing", elsewhere.address), "answers 404"),
        (
            elsewhere.has("/text.png", b"<html>".to_vec()),
            "is not a JPEG, PNG or WebP",
        ),
        (
            elsewhere.has("/huge.png", vec![7; 20_001]),
            "has more than 20000 bytes",
        ),
        (
            elsewhere.says("/lost", vec![("302 Found", vec![])]),
            "redirects to nowhere",
        ),
        (
            elsewhere.says(
                "/file",
                vec![("302 Found\r\nLocation: file:///etc/passwd", vec![])],
            ),
            "is not http",
        ),
        (
            format!("{}/0", elsewhere.address),
            "redirects more than 4 times",
        ),
        (
            "https://user:secret@example.com/a.png".into(),
            "must not carry a name",
        ),
    ] {
        let (import, product) = import(&staff, trusting(), &format!("{address}|{good}")).await;
        let shown = settled(&staff, product).await;

        // What came is shown.
        assert_eq!(
            shown["media"].as_array().map(Vec::len),
            Some(1),
            "{address} {shown}"
        );
        assert_eq!(shown["missing"][0]["src"], *address);
        let message = shown["missing"][0]["message"].as_str().expect("a reason");
        assert!(message.contains(why), "{address} {message}");
        let row = result(&staff, &import).await;
        assert!(
            row.contains(",refused,images,") && row.contains(why),
            "{row}"
        );
        let read = staff
            .get(&format!("{}/{}", super::PATH, import["id"]))
            .send()
            .await
            .expect(200);
        assert_eq!(
            (&read["rows"]["refused"], &read["rows"]["created"]),
            (&json!(1), &json!(0))
        );
        // Whoever chooses others has the last word.
        let chosen = json!({"media": [{"id": shown["media"][0]["id"]}]});
        let path = format!("/api/admin/products/{product}/media");
        let now = staff.put(&path, &chosen).send().await.expect(200);
        assert!(now.get("missing").is_none(), "{now}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_from_an_address_that_is_not_public() {
    let staff = open().admin().await;
    let elsewhere = Elsewhere::start().await;
    let good = elsewhere.has("/good.png", picture(9, 9, ImageFormat::Png));
    let port = good.rsplit_once(':').expect("a port").1;
    for address in [
        good.clone(),
        format!("http://localhost:{port}"),
        format!("http://2130706433:{port}"),
        format!("http://[::ffff:127.0.0.1]:{port}"),
        "http://[::1]/a.png".into(),
        "http://169.254.169.254/latest/meta-data/".into(),
        "http://10.0.0.1/a.png".into(),
    ] {
        let (import, product) = import(&staff, open(), &address).await;
        let shown = settled(&staff, product).await;

        let message = shown["missing"][0]["message"].as_str().expect("a reason");
        assert!(message.contains("not public"), "{address} {message}");
        assert_eq!(shown["media"], json!([]));
        let row = result(&staff, &import).await;
        assert!(row.contains(",refused,images,"), "{row}");
    }
    assert_eq!(elsewhere.asked_in_all(), 0);
}

#[test]
fn pictures_travel_with_their_file_from_shop_to_shop() {
    let dir = fresh_dir();
    fs::create_dir_all(dir.join("in/deep")).expect("a folder");
    fs::write(
        dir.join("in/deep/red.png"),
        picture(40, 20, ImageFormat::Png),
    )
    .expect("a file");
    fs::write(dir.join("in/blue.jpg"), picture(40, 20, ImageFormat::Jpeg)).expect("a file");
    fs::write(dir.join("in/text.png"), "no picture").expect("a file");
    fs::write(dir.join("secret.png"), picture(8, 8, ImageFormat::Png)).expect("a file");
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(dir.join(to), dir.join("in").join(name)).expect("a link");
    };
    link("secret.png", "out.png");
    link("", "parent");
    let path = |name: &str| dir.join(name).display().to_string();
    let header = "sku,name,price,currency,images\n";
    let shop = |name: &str| {
        let database = db::testing::database(&api::OWNERS);
        let settings = vec![
            ("CARTWRIGHT__DATABASE__URL".to_owned(), database.url.clone()),
            (
                "CARTWRIGHT__MEDIA__DIRECTORY".to_owned(),
                path(&format!("store-{name}")),
            ),
        ];
        (database, settings)
    };
    let run = |settings: &[(String, String)], args: &[&str]| {
        let output = crate::support::cluster::run(settings, args, "");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let (mut database, mut settings) = shop("first");
    let file = format!("{header}A,A,1,USD,deep/red.png > Red|blue.jpg\nB,B,1,USD,deep/red.png\n");
    fs::write(path("file.csv"), file).expect("a file");
    let import = [
        "import",
        "products",
        &path("file.csv"),
        "--media",
        &path("in"),
    ];
    let would = run(&settings, &[&import[..], &["--dry-run"]].concat());
    assert!(
        would.0 && would.1.contains("2 would be created"),
        "{would:?}"
    );
    for expected in ["2 created", "2 unchanged"] {
        let done = run(&settings, &import);
        assert!(done.0 && done.1.contains(expected), "{done:?}");
    }
    // One picture, however often it is named.
    assert_eq!(count(&mut database.connect(), "catalog.media"), 2);

    let mut before = String::new();
    for generation in ["second", "third"] {
        let (csv, folder) = (path(&format!("{generation}.csv")), path(generation));
        let out = ["export", "products", "--to", &csv, "--media", &folder];
        let done = run(&settings, &out);
        assert!(done.0 && done.1.contains("2 pictures"), "{done:?}");
        let written = fs::read_to_string(&csv).expect("a file");
        assert!(before.is_empty() || written == before, "{written}");
        before = written;
        (database, settings) = shop(generation);
        let without = run(&settings, &["import", "products", &csv, "--dry-run"]);
        assert!(without.1.contains("2 refused"), "{without:?}");
        let done = run(&settings, &["import", "products", &csv, "--media", &folder]);
        assert!(done.0 && done.1.contains("2 created"), "{done:?}");
        assert_eq!(count(&mut database.connect(), "catalog.product_media"), 3);
    }

    let bad = [
        ("out.png", "leads out of the folder"),
        ("parent/secret.png", "leads out of the folder"),
        ("../secret.png", "is not a path within a folder"),
        ("deep", "is not a file"),
        ("none.png", "is not in the folder"),
        ("text.png", "is not a JPEG, PNG or WebP"),
    ];
    for (image, why) in bad {
        let file = format!("{header}C,C,1,USD,{image}\n");
        fs::write(path("file.csv"), file).expect("a file");
        let done = run(&settings, &import);
        assert!(!done.0 && done.1.contains(why), "{image}: {done:?}");
    }
    let missing = run(
        &settings,
        &[
            "import",
            "products",
            &path("file.csv"),
            "--media",
            &path("nowhere"),
        ],
    );
    assert!(!missing.0 && missing.1.contains("nowhere"), "{missing:?}");
    fs::remove_dir_all(dir).expect("gone");
}
