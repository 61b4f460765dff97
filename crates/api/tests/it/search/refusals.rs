//! What makes no sense is a 400 that names the parameter.

use crate::support::open;

#[tokio::test]
async fn each_parameter_is_checked() {
    let shop = open().shop();
    let (long, longer) = ("x".repeat(201), "x".repeat(251));
    let many = "&tag=a".repeat(101);
    let cases = [
        ("q", format!("q={long}")),
        ("q", "q=a%00b".to_owned()),
        ("q", "q=%1b%5b2J".to_owned()),
        ("q", "q=a&q=b".to_owned()),
        ("brand", "brand=".to_owned()),
        ("brand", "brand=a%00".to_owned()),
        ("tag", format!("tag={longer}")),
        ("option", format!("q=a{many}")),
        ("category", "category=0".to_owned()),
        ("category", "category=-1".to_owned()),
        ("category", "category=first".to_owned()),
        ("category", "category=9223372036854775808".to_owned()),
        ("category", "category=%EF%BC%91".to_owned()),
        ("option", "option=red".to_owned()),
        ("option", "option=:red".to_owned()),
        ("option", "option=Colour:".to_owned()),
        ("field", "field=wool".to_owned()),
        ("field", "field=:wool".to_owned()),
        ("field", "field=nobodyDefinedThis:wool".to_owned()),
        ("inStock", "inStock=yes".to_owned()),
        ("inStock", "inStock=".to_owned()),
        ("minPrice", "minPrice=cheap".to_owned()),
        ("minPrice", "minPrice=-1".to_owned()),
        ("minPrice", "minPrice=1.001".to_owned()),
        ("maxPrice", "maxPrice=92233720368547758.08".to_owned()),
        ("maxPrice", "maxPrice=NaN".to_owned()),
        ("maxPrice", "currency=JPY&maxPrice=1.50".to_owned()),
        ("minPrice", "minPrice=2&maxPrice=1".to_owned()),
        ("currency", "currency=usd".to_owned()),
        ("currency", "currency=XXX".to_owned()),
        ("country", "country=de".to_owned()),
        ("country", "country=".to_owned()),
        ("country", "country=D".to_owned()),
        ("country", "country=DEU&currency=EUR".to_owned()),
        ("country", "country=D1".to_owned()),
        ("country", "country=%EF%BC%A4%EF%BC%A5".to_owned()),
        ("country", "country=DE%00".to_owned()),
        ("country", format!("country={longer}")),
        ("country", "country=DE&country=AT".to_owned()),
        ("locale", "locale=de".to_owned()),
        ("locale", "locale=".to_owned()),
        ("facets", "facets=colour".to_owned()),
        ("facets", "facets=brand,Tag".to_owned()),
        ("facets", "facets=brand&facets=tag".to_owned()),
        ("sort", "sort=cheapest".to_owned()),
        ("sort", "sort=".to_owned()),
        ("limit", "limit=0".to_owned()),
        ("limit", "limit=101".to_owned()),
        ("limit", "limit=-1".to_owned()),
        ("limit", "limit=ten".to_owned()),
        ("cursor", "cursor=2".to_owned()),
        ("cursor", "cursor=c00000000000000ff".to_owned()),
        (
            "cursor",
            "cursor=p0000000000000003000000000000000G".to_owned(),
        ),
    ];
    for (field, query) in cases {
        let answer = shop.get(&format!("/api/search?{query}")).send().await;
        let problem = answer.refused(400, "invalid_query");
        assert_eq!(problem["errors"][0]["field"], field, "{query}: {problem}");
    }
    for unknown in ["colour=red", "Q=a", "page=1", "brand[]=a", "=a"] {
        let answer = shop.get(&format!("/api/search?{unknown}")).send().await;
        answer.refused(400, "invalid_query");
    }
}

#[tokio::test]
async fn what_is_strange_but_allowed_finds_nothing() {
    let shop = open().shop();
    let quote = "%27%27%22%5C%25_%26%7C%21%3A*%28%29";
    for query in [
        format!("q={quote}"),
        format!("q=zzzzzz{quote}"),
        format!("brand={quote}&tag={quote}&option={quote}:{quote}"),
        "q=%E2%80%AEzzzzzz%E2%80%AC".to_owned(),
        "q=%F0%9F%A6%80".to_owned(),
        "q=%ff".to_owned(),
        "category=9223372036854775807".to_owned(),
        "minPrice=92233720368547758.07".to_owned(),
        "q=zzzzzz&cursor=p7fffffffffffffffffffffffffffffff".to_owned(),
        "sort=-price&cursor=p80000000000000008000000000000000".to_owned(),
        "sort=-price&country=ZZ&cursor=p80000000000000008000000000000000".to_owned(),
    ] {
        let found = super::search(&shop, &query).await;
        assert_eq!(super::ids(&found), [0; 0], "{query}");
    }
    for query in [
        "",
        "q=",
        "q=%20",
        "facets=",
        "facets=brand,brand",
        "country=ZZ",
    ] {
        assert!(
            super::search(&shop, query).await["total"].is_u64(),
            "{query}"
        );
    }
}
