//! What is so in the shop, as functions of ids.

use std::ops::RangeInclusive;

use crate::random;

/// First and last id.
pub type Ids = RangeInclusive<u64>;

/// A shop, or a part that stands alone.
pub struct Shop {
    pub products: Ids,
    pub users: Ids,
    pub orders: Ids,
}

/// A line of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub product: u64,
    pub quantity: u64,
}

/// Units of each product that were bought in; more than all orders of a part can sell.
pub const BOUGHT: u64 = 100_000_000;

/// So that prices, quantities and products are told apart.
const PRICES: u64 = 11;
const BUYERS: u64 = 12;
const FIRST_LINE: u64 = 13;
const SECOND_LINE: u64 = 14;
const QUANTITIES: u64 = 15;

impl Shop {
    /// Minor units of USD: 1.00 to 500.99.
    pub fn price(product: u64) -> u64 {
        100 + random::below(PRICES, product, 50_000)
    }

    /// Whose order it is.
    pub fn buyer(&self, order: u64) -> u64 {
        let users = self.users.end() - self.users.start() + 1;
        // Every user has as many as the next, at places that look random.
        let place = (order - self.orders.start()).wrapping_mul(7_919) + BUYERS;
        self.users.start() + place % users
    }

    /// Two lines of different products, 1 to 3 units each.
    pub fn lines(&self, order: u64) -> [Line; 2] {
        let (first, count) = (
            *self.products.start(),
            self.products.end() - self.products.start() + 1,
        );
        let place = random::below(FIRST_LINE, order, count);
        let step = 1 + random::below(SECOND_LINE, order, count - 1);
        let quantities = random::bits(QUANTITIES, order);
        [
            Line {
                product: first + place,
                quantity: 1 + quantities % 3,
            },
            Line {
                product: first + (place + step) % count,
                quantity: 1 + (quantities >> 32) % 3,
            },
        ]
    }

    /// What the order's customer pays, in minor units of USD.
    pub fn total(&self, order: u64) -> u64 {
        let prices = |line: Line| Self::price(line.product) * line.quantity;
        self.lines(order).into_iter().map(prices).sum()
    }

    /// Units of each product that orders have reserved, in the order of ids.
    pub fn reserved(&self) -> Vec<u64> {
        let mut reserved = vec![0; self.products.clone().count()];
        for line in self.orders.clone().flat_map(|order| self.lines(order)) {
            let place = usize::try_from(line.product - self.products.start()).unwrap_or_default();
            reserved[place] += line.quantity;
        }
        reserved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Shop = Shop {
        products: 4..=13,
        users: 2..=11,
        orders: 1..=1_000,
    };

    #[test]
    fn lines_name_two_different_products_of_the_shop() {
        for order in SHOP.orders {
            let [one, other] = SHOP.lines(order);
            assert_ne!(one.product, other.product);
            for line in [one, other] {
                assert!(SHOP.products.contains(&line.product));
                assert!((1..=3).contains(&line.quantity));
            }
        }
    }

    #[test]
    fn every_user_has_as_many_orders_as_the_next() {
        let mut orders = [0; 12];
        for order in SHOP.orders {
            orders[usize::try_from(SHOP.buyer(order)).unwrap()] += 1;
        }
        assert_eq!(orders[2..], [100; 10]);
    }

    #[test]
    fn what_is_reserved_is_what_was_ordered() {
        let ordered: u64 = SHOP
            .orders
            .flat_map(|order| SHOP.lines(order))
            .map(|line| line.quantity)
            .sum();
        assert_eq!(SHOP.reserved().iter().sum::<u64>(), ordered);
    }
}
