//! The service itself, and reading products.

use client::{CategoryPage, Client, CollectionPage, Product, Readiness, SearchPage, VariantPage};
use reqwest::Method;
use reqwest::header::IF_NONE_MATCH;

use crate::check::{Check, Kind, PRODUCT, request, send};

/// Two products of the demo catalogue, in one currency.
pub struct Demo {
    pub first: Product,
    pub second: Product,
}

/// Checks the welcome page, the probes and the contract.
pub async fn check(shop: &Client) -> Check {
    let get = |path: &str| request(Method::GET, path);
    send(shop, "welcome page", get("/")).await?.status(200)?;
    send(shop, "liveness", get("/livez")).await?.status(200)?;

    let ready = send(shop, "readiness", get("/readyz")).await?.status(200)?;
    ready.field("/status", "ready")?;
    ready.field("/database", "up")?;
    let state: Readiness = ready.read(&ready.body)?;
    let known = ["up", "down", "off"].contains(&state.redis.as_str());
    ready.must(known, "`redis` is none of up, down, off")?;

    let contract = send(shop, "OpenAPI", get("/api/openapi.json"))
        .await?
        .status(200)?;
    let version = contract.body["openapi"].as_str().unwrap_or_default();
    contract.must(version.starts_with("3.1"), "it is no OpenAPI 3.1")?;
    send(shop, "reference", get("/api/docs"))
        .await?
        .status(200)
        .map(drop)
}

/// Checks the categories there are, which may be none, and what they list.
pub async fn check_categories(shop: &Client) -> Check {
    let roots = request(Method::GET, "/api/categories");
    let roots = send(shop, "categories", roots).await?.status(200)?;
    let page: CategoryPage = roots.read(&roots.body)?;
    for category in page.categories.iter().take(3) {
        let path = format!("/api/categories/{}/products", category.id);
        let products = request(Method::GET, path).query("includeDescendants", &true);
        let products = send(shop, "products of a category", products).await?;
        for product in products.status(200)?.list("products")? {
            roots.fields(product, PRODUCT)?;
        }
    }
    let unknown = request(Method::GET, "/api/categories/9223372036854775807");
    let unknown = send(shop, "unknown category", unknown).await?;
    unknown.refused(404, "category_not_found").map(drop)
}

/// Checks collections, of which a shop may have none.
pub async fn check_collections(shop: &Client) -> Check {
    let all = request(Method::GET, "/api/collections");
    let all = send(shop, "collections", all).await?.status(200)?;
    let page: CollectionPage = all.read(&all.body)?;
    for collection in page.collections.iter().take(3) {
        let path = format!("/api/collections/{}/products", collection.slug);
        let products = request(Method::GET, path);
        let products = send(shop, "products of a collection", products).await?;
        let products = products.status(200)?;
        for product in products.list("products")? {
            products.fields(product, PRODUCT)?;
        }
    }
    let unknown = request(Method::GET, "/api/collections/9223372036854775807");
    let unknown = send(shop, "unknown collection", unknown).await?;
    unknown.refused(404, "collection_not_found").map(drop)
}

/// Checks what is found, which in a shop of a second ago may be nothing yet.
pub async fn check_search(shop: &Client) -> Check {
    let all = || request(Method::GET, "/api/search");
    let counted = all().query("facets", &"brand,price,inStock");
    let found = send(shop, "search", counted).await?.status(200)?;
    let page: SearchPage = found.read(&found.body)?;
    let is_counted = page.total.is_some() && page.facets.is_some();
    found.must(is_counted, "the first page does not count")?;
    for product in found.list("products")? {
        found.fields(product, PRODUCT)?;
    }
    let wrong = all().query("facets", &"colour");
    send(shop, "search by a wrong facet", wrong)
        .await?
        .status(400)
        .map(drop)
}

/// Checks lists of products and single ones.
pub async fn check_products(shop: &Client) -> Check<Demo> {
    let all = || request(Method::GET, "/api/products");
    let page = send(shop, "list of products", all()).await?.status(200)?;
    page.field("/page", 1)?;
    page.field("/limit", 20)?;
    page.fields(&page.body, &[("hasMore", Kind::Flag)])?;
    let products = page.list("products")?;
    page.must(
        !products.is_empty() && products.len() <= 20,
        "not 1 to 20 products",
    )?;
    for product in products {
        page.fields(product, PRODUCT)?;
        page.read::<Product>(product)?;
    }

    let one = send(shop, "page of one", all().query("limit", &1))
        .await?
        .status(200)?;
    one.field("/limit", 1)?;
    one.must(one.list("products")?.len() == 1, "not exactly one product")?;
    for (name, value) in [
        ("limit", "0"),
        ("limit", "101"),
        ("page", "0"),
        ("colour", "red"),
    ] {
        let wrong = all().query(name, &value);
        send(shop, "list with a wrong parameter", wrong)
            .await?
            .status(400)?;
    }

    let first = check_product(shop, 1).await?;
    let second = check_product(shop, 2).await?;
    let search = all().query("q", &first.sku);
    let found = send(shop, "search by SKU", search).await?.status(200)?;
    let hit = found
        .list("products")?
        .iter()
        .any(|product| product["id"] == first.id.get());
    found.must(hit, "the product is not found by its SKU")?;

    for id in [
        "9223372036854775807",
        "9223372036854775808",
        "01",
        "+1",
        "0",
        "abc",
    ] {
        let path = format!("/api/products/{id}");
        let absent = send(shop, "unknown product", request(Method::GET, path)).await?;
        absent.status(404)?;
    }
    Ok(Demo { first, second })
}

async fn check_product(shop: &Client, id: i64) -> Check<Product> {
    let get = || request(Method::GET, format!("/api/products/{id}"));
    let seen = send(shop, "demo product", get()).await?.status(200)?;
    seen.fields(&seen.body, PRODUCT)?;
    seen.field("/id", id)?;
    let product: Product = seen.read(&seen.body)?;
    seen.must(
        product.money().is_ok(),
        "the price does not suit the currency",
    )?;

    let variants = request(Method::GET, format!("/api/products/{id}/variants"));
    let variants = send(shop, "variants", variants).await?.status(200)?;
    let page: VariantPage = variants.read(&variants.body)?;
    let default = page.variants.iter().find(|variant| variant.is_default);
    variants.must(
        default.is_some_and(|variant| variant.sku == product.sku && variant.price == product.price),
        "no default variant has the product's SKU and price",
    )?;

    let slug = product.slug.as_ref().ok_or("a product has no slug")?;
    let named = shop
        .find_product(slug)
        .await
        .map_err(|error| error.to_string())?;
    seen.must(
        named.body.id == product.id,
        "its slug leads to another product",
    )?;

    let etag = seen.header("etag");
    seen.must(
        !etag.is_empty() && !seen.header("cache-control").is_empty(),
        "no ETag or cache",
    )?;
    let again = get()
        .header(IF_NONE_MATCH, etag)
        .map_err(|error| error.to_string())?;
    send(shop, "unchanged product", again).await?.status(304)?;
    Ok(product)
}
