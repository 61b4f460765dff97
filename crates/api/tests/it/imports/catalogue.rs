//! Files of categories, collections and options, in and out.

use serde_json::{Value, json};

use super::{ended, results, send, upload};
use crate::support::{Cluster, Shop, open};

const KINDS: [&str; 4] = ["categories", "products", "collections", "options"];

/// A shop whose categories, products, collections and options say something in other languages.
const FILES: [&str; 4] = [
    "slug,name,product_order,parents,position,name@de\nmen,Men,name,,2,Herren\nshirts,Shirts,manual,men > 4,,Hemden\n",
    "sku,name,price,currency,categories,name@de,description_html@pt-BR\nFILES-1,Shirt,5.00,USD,Men > Shirts,Hemd,<p>a</p>\n\
     FILES-2,Other,6.00,USD,,,\n",
    "slug,name,product_order,rules,product,position\n\
     files-rules,Rules,newest,\"{\"\"match\"\":\"\"all\"\",\"\"conditions\"\":[{\"\"category\"\":[\"\"Men\"\",\"\"Shirts\"\"]},\
     {\"\"price\"\":{\"\"min\"\":\"\"1.00\"\"}}]}\",,\n\
     files-hand,By hand,manual,,FILES-2,3\nfiles-hand,,,,FILES-1,9\n",
    "option,value,label@de\nColour,,Farbe\nColour,red,Rot\n",
];

async fn exported(staff: &Shop, kind: &str, format: &str) -> Vec<u8> {
    let body = json!({"kind": kind, "format": format});
    let export = staff.post("/api/admin/exports", &body).send().await;
    let export = crate::exports::written(staff, &export.expect(201)).await;
    assert_eq!(
        (&export["kind"], &export["state"]),
        (&json!(kind), &json!("succeeded"))
    );
    assert!(export["rows"].as_u64() >= Some(2), "{export}");
    let path = format!("/api/admin/exports/{}/file", export["id"]);
    let file = staff.get(&path).send().await;
    let name = format!("{kind}-{}.{format}", export["id"]);
    let disposition = file.header("content-disposition").unwrap_or_default();
    assert!(disposition.contains(&name), "{disposition}");
    file.body
}

async fn imported(staff: &Shop, kind: &str, content_type: &str, file: Vec<u8>) -> Value {
    let import = upload(staff, &format!("?kind={kind}"), content_type, file).await;
    assert_eq!(import["kind"], kind);
    let ended = ended(staff, &import).await;
    assert_eq!(
        (&ended["state"], &ended["rows"]["refused"]),
        (&json!("succeeded"), &json!(0)),
        "{ended}"
    );
    ended
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_goes_over_http_into_another_shop_and_comes_out_of_it_as_it_was() {
    let [one, other, third] = [(), (), ()].map(|()| Cluster::with_command(1, &[], &["serve"]));
    let staff = one.admin().await;
    for (kind, file) in KINDS.into_iter().zip(FILES) {
        let tried = upload(
            &staff,
            &format!("?kind={kind}&mode=validate"),
            "text/csv",
            file,
        )
        .await;
        let tried = ended(&staff, &tried).await;
        assert_eq!(tried["rows"]["refused"], 0, "{tried}");
        let done = imported(&staff, kind, "text/csv", file.into()).await;
        assert_eq!(tried["rows"], done["rows"], "{kind}");
    }
    let shown = staff
        .get("/api/products?q=FILES-1&locale=de")
        .send()
        .await
        .expect(200);
    assert_eq!(shown["products"][0]["name"], "Hemd");
    let found = staff.get("/api/collections/files-hand").send().await;
    assert_eq!(found.expect(200)["name"], "By hand");

    for (shop, format, content_type) in [
        (&other, "csv", "text/csv"),
        (&third, "ndjson", "application/x-ndjson"),
    ] {
        let there = shop.admin().await;
        for kind in KINDS {
            let file = exported(&staff, kind, format).await;
            imported(&there, kind, content_type, file).await;
        }
        for kind in KINDS {
            for format in ["csv", "ndjson"] {
                let (here, there) = (
                    exported(&staff, kind, format).await,
                    exported(&there, kind, format).await,
                );
                let texts = [here, there].map(|file| String::from_utf8(file).expect("UTF-8"));
                assert_eq!(texts[1], texts[0], "{kind}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn results_name_the_row_and_the_column_in_its_language() {
    let staff = open().admin().await;
    let file = format!(
        "option,value,label@de\nShade,{},x\nShade,dark,{}\n",
        "v".repeat(101),
        "x".repeat(101)
    );
    let import = upload(&staff, "?kind=options", "text/csv", file).await;
    let over = ended(&staff, &import).await;
    assert_eq!(over["rows"]["refused"], 2);
    let told = results(&staff, &import, "").await.body;
    let told = String::from_utf8(told).expect("UTF-8");
    let rows: Vec<&str> = told.lines().skip(1).collect();
    assert!(rows[0].contains(",refused,value,"), "{told}");
    assert!(
        rows[1].starts_with("3,Shade: dark,refused,label@de,"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_kind_is_refused_at_once() {
    let cluster = Cluster::with_command(1, &[], &["serve", "--with-worker=false"]);
    let staff = cluster.admin().await;
    for (kind, content_type, file, status, code, word) in [
        (
            "collections",
            "text/csv",
            "slug,nom\n",
            422,
            "unreadable_file",
            "unknown column `nom`",
        ),
        (
            "collections",
            "text/csv",
            "name\n",
            422,
            "unreadable_file",
            "lacks the column `slug`",
        ),
        (
            "categories",
            "text/csv",
            "slug,name@deutsch\n",
            422,
            "unreadable_file",
            "name@deutsch",
        ),
        (
            "options",
            "text/csv",
            "option,label@de,label@DE\n",
            422,
            "unreadable_file",
            "appears twice",
        ),
        (
            "products",
            "text/csv",
            "sku,name,price,currency,name@e\n",
            422,
            "unreadable_file",
            "name@e",
        ),
        (
            "options",
            "application/json",
            "[]",
            415,
            "unsupported_media_type",
            "text/csv",
        ),
        (
            "collections&profile=spree",
            "text/csv",
            "slug\n",
            400,
            "invalid_query",
            "products alone",
        ),
        (
            "collections&currency=USD",
            "text/csv",
            "slug\n",
            400,
            "invalid_query",
            "needs a profile",
        ),
        (
            "Collections",
            "text/csv",
            "slug\n",
            400,
            "invalid_query",
            "must be",
        ),
    ] {
        let refused = send(&staff, &format!("?kind={kind}"), content_type, file)
            .send()
            .await;
        let problem = refused.refused(status, code);
        assert!(problem.to_string().contains(word), "{kind}: {problem}");
    }
    for (body, field) in [
        (json!({"kind": "options", "onSale": true}), "onSale"),
        (json!({"kind": "option"}), "kind"),
    ] {
        let problem = staff.post("/api/admin/exports", &body).send().await;
        let problem = problem.refused(422, "validation_failed");
        assert_eq!(problem["errors"][0]["field"], field);
    }
}
