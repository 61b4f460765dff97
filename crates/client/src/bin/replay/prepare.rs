//! What must be known before the first order: the buyers, their earlier orders, products, stock.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use client::{Client, NewUser, OrderQuery, ProductQuery, StockLevel};
use domain::{OrderId, OrderStatus, ProductId, Sku, UserId};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use crate::invoices::Buyer;

/// The buyers as the shop knows them.
#[derive(Debug, Default)]
pub struct Buyers {
    pub ids: HashMap<Buyer, UserId>,
    /// Orders that were there before this run, by their reference.
    pub known: HashMap<String, Known>,
    /// How many buyers were registered by this run.
    pub created: usize,
}

/// An order that an earlier run has placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub order: OrderId,
    pub cancelled: bool,
}

/// Registers every buyer, and lists the orders of those who were registered before.
pub async fn register(
    staff: &Client,
    buyers: impl Iterator<Item = &Buyer>,
    concurrency: usize,
) -> Result<Buyers, String> {
    let registered: Vec<_> = stream::iter(buyers.cloned())
        .map(|buyer| register_one(staff, buyer))
        .buffer_unordered(concurrency)
        .try_collect()
        .await?;
    let mut all = Buyers::default();
    for (buyer, id, orders) in registered {
        all.ids.insert(buyer, id);
        all.created += usize::from(orders.is_none());
        all.known.extend(orders.unwrap_or_default());
    }
    Ok(all)
}

async fn register_one(
    staff: &Client,
    buyer: Buyer,
) -> Result<(Buyer, UserId, Option<Vec<(String, Known)>>), String> {
    let email = buyer.email();
    let failed = |error: &dyn std::fmt::Display| format!("registering {email}: {error}");
    let address = email.parse().map_err(|error| failed(&error))?;
    let user = NewUser::new(buyer.name(), address, password(&email));
    let answer = staff
        .register(&user)
        .await
        .map_err(|error| failed(&error))?;
    let id = answer.body.id;
    let orders = if answer.status == 201 {
        None
    } else {
        Some(orders_of(staff, id).await?)
    };
    Ok((buyer, id, orders))
}

/// The same for every run, so that registering again finds the user; nobody logs in with it.
fn password(email: &str) -> String {
    let digest = Sha256::digest(format!("cartwright replay of {email}"));
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Lists the orders of a user that have a reference. Their lines are not kept: those of a whole
/// year would fill the memory.
pub async fn orders_of(staff: &Client, user: UserId) -> Result<Vec<(String, Known)>, String> {
    let mut query = OrderQuery {
        user_id: Some(user),
        limit: Some(50),
        ..OrderQuery::default()
    };
    let mut orders = Vec::new();
    loop {
        let page = staff.list_orders(&query).await;
        let page = page.map_err(|error| format!("listing the orders of user {user}: {error}"))?;
        orders.extend(page.body.orders.into_iter().filter_map(|order| {
            let cancelled = order.status == OrderStatus::Cancelled;
            Some((
                order.reference?,
                Known {
                    order: order.order_id,
                    cancelled,
                },
            ))
        }));
        if !page.body.has_more {
            return Ok(orders);
        }
        query.cursor = page.body.next_cursor;
        if query.cursor.is_none() {
            return Err(format!(
                "the orders of user {user} go on, but there is no `nextCursor`"
            ));
        }
    }
}

/// Finds the products with these SKUs, in the order of the SKUs.
pub async fn find_products(shop: &Client, skus: &[Sku]) -> Result<Vec<ProductId>, String> {
    let wanted: HashMap<&Sku, usize> = skus.iter().zip(0..).collect();
    let mut found = vec![None; skus.len()];
    let mut query = ProductQuery {
        page: Some(1),
        limit: Some(100),
        ..ProductQuery::default()
    };
    loop {
        let page = shop.list_products(&query).await;
        let page = page
            .map_err(|error| format!("listing products: {error}"))?
            .body;
        for product in page.products {
            if let Some(place) = wanted.get(&product.sku) {
                found[*place] = Some(product.id);
            }
        }
        if !page.has_more {
            break;
        }
        // By cursor where the server offers one: it does not skip when products are added.
        let next = query.page.map_or(1, |page| page + 1);
        query.page = page.next_cursor.is_none().then_some(next);
        query.cursor = page.next_cursor;
    }
    let missing: BTreeSet<&Sku> = skus
        .iter()
        .zip(&found)
        .filter(|(_, id)| id.is_none())
        .map(|(sku, _)| sku)
        .collect();
    if let Some(example) = missing.first() {
        let count = missing.len();
        return Err(format!(
            "{count} SKUs of the invoices are not in the shop, such as {example}; import the \
             products that scripts/online-retail-to-csv.py writes first"
        ));
    }
    Ok(found.into_iter().flatten().collect())
}

/// Reads the stock of products, in their order.
pub async fn stock(
    staff: &Client,
    products: &[ProductId],
    concurrency: usize,
) -> Result<Vec<StockLevel>, String> {
    stream::iter(products.to_vec())
        .map(|id| async move {
            let level = staff.get_stock(id).await;
            level
                .map(|answer| answer.body)
                .map_err(|error| format!("stock of {id}: {error}"))
        })
        .buffered(concurrency)
        .try_collect()
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_same_in_every_run_and_long_enough() {
        let email = Buyer::Customer("17850".to_owned()).email();

        assert_eq!(password(&email), password("customer-17850@replay.example"));
        assert_eq!(password(&email).len(), 64);
        assert_ne!(password(&email), password("customer-17851@replay.example"));
    }
}
