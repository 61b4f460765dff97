//! What staff needs a permission for.

use actix_web::http::Method;
use domain::Permission;

use Permission::{
    CatalogRead, CatalogWrite, CustomerRead, CustomerWrite, EventRead, JobRead, JobWrite,
    OrderRead, OrderWrite, PriceRead, PriceWrite, StockRead, StockWrite,
};

/// Routes by how they begin, and what reading and writing there needs. The first that fits counts.
const ROUTES: &[(&str, Permission, Permission)] = &[
    (
        "/api/admin/products/{id}/variants/{variantId}/prices",
        PriceRead,
        PriceWrite,
    ),
    (
        "/api/admin/products/{id}/variants/{variantId}/stock",
        StockRead,
        StockWrite,
    ),
    ("/api/admin/products", CatalogRead, CatalogWrite),
    ("/api/admin/categories", CatalogRead, CatalogWrite),
    ("/api/admin/collections", CatalogRead, CatalogWrite),
    ("/api/admin/custom-fields", CatalogRead, CatalogWrite),
    ("/api/admin/imports", CatalogRead, CatalogWrite),
    ("/api/admin/media", CatalogRead, CatalogWrite),
    ("/api/admin/options", CatalogRead, CatalogWrite),
    // To ask for a file changes nothing of what is in it.
    ("/api/admin/exports", CatalogRead, CatalogRead),
    ("/api/admin/search", CatalogRead, CatalogWrite),
    ("/api/admin/prices", PriceRead, PriceWrite),
    ("/api/admin/price-lists", PriceRead, PriceWrite),
    ("/api/admin/stock", StockRead, StockWrite),
    ("/api/admin/locations", StockRead, StockWrite),
    ("/api/admin/users", CustomerRead, CustomerWrite),
    ("/api/products/{id}/stock", StockRead, StockWrite),
    ("/api/products", CatalogRead, CatalogWrite),
    ("/api/orders", OrderRead, OrderWrite),
    ("/api/users", CustomerRead, CustomerWrite),
    ("/api/events", EventRead, EventRead),
    ("/api/jobs", JobRead, JobWrite),
    ("/api/schedules", JobRead, JobWrite),
];

/// What a request needs by its method and its route as it is written in the OpenAPI document. `None` for a route that is
/// not listed: only who may do everything may do that.
#[must_use]
pub fn needed(method: &Method, route: &str) -> Option<Permission> {
    let (_, read, write) = ROUTES.iter().find(|(head, ..)| is_below(route, head))?;
    Some(if method.is_safe() { *read } else { *write })
}

/// Whether a route is this one or goes on from it.
pub(super) fn is_below(route: &str, head: &str) -> bool {
    let rest = route.strip_prefix(head);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_route_counts() {
        let variant = "/api/admin/products/{id}/variants/{variantId}";
        assert_eq!(needed(&Method::PATCH, variant), Some(CatalogWrite));
        let prices = format!("{variant}/prices/{{priceId}}");
        assert_eq!(needed(&Method::DELETE, &prices), Some(PriceWrite));
        let levels = format!("{variant}/stock/levels");
        assert_eq!(needed(&Method::GET, &levels), Some(StockRead));
        assert_eq!(needed(&Method::GET, "/api/admin/prices-of-others"), None);
    }
}
