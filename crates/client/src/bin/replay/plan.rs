//! What to do for whom, decided before anything is sent, so that every run decides the same.

use std::collections::{BTreeMap, HashMap};

use crate::invoices::{Buyer, Ledger};

/// One call to the shop; the numbers are places in [`Ledger::invoices`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Places the order of an invoice.
    Place { invoice: usize },
    /// Cancels the order of `invoice`, because of `by`.
    Cancel { by: usize, invoice: usize },
}

/// All steps, and the invoices that lead to none.
#[derive(Debug, Default)]
pub struct Plan {
    /// The steps of each buyer in the order of the file.
    pub buyers: Vec<(Buyer, Vec<Step>)>,
    /// Sales without a line that can be ordered.
    pub empty: Vec<usize>,
    /// Cancellations without a line of goods.
    pub empty_cancellations: Vec<usize>,
    /// Cancellations that are not the whole of one earlier order.
    pub unmatched: Vec<usize>,
}

type Units = BTreeMap<usize, i64>;

/// Decides the steps of a ledger.
///
/// A cancellation does not name its order. It is taken for the latest earlier order of the same
/// customer that is not cancelled yet and has the same pieces of the same SKUs, no more and no
/// less; nobody knows which order of a guest it could mean.
pub fn make(ledger: &Ledger) -> Plan {
    let mut plan = Plan::default();
    let mut places: HashMap<&Buyer, usize> = HashMap::new();
    let mut open: HashMap<&Buyer, Vec<(usize, Units)>> = HashMap::new();
    for (index, invoice) in ledger.invoices.iter().enumerate() {
        let step = match (invoice.cancellation, invoice.lines.is_empty()) {
            (false, true) => {
                plan.empty.push(index);
                continue;
            }
            (true, true) => {
                plan.empty_cancellations.push(index);
                continue;
            }
            (false, false) => {
                open.entry(&invoice.buyer)
                    .or_default()
                    .push((index, invoice.units()));
                Step::Place { invoice: index }
            }
            (true, false) => {
                let Some(order) = take(open.get_mut(&invoice.buyer), &invoice.units()) else {
                    plan.unmatched.push(index);
                    continue;
                };
                Step::Cancel {
                    by: index,
                    invoice: order,
                }
            }
        };
        let place = *places.entry(&invoice.buyer).or_insert_with(|| {
            plan.buyers.push((invoice.buyer.clone(), Vec::new()));
            plan.buyers.len() - 1
        });
        plan.buyers[place].1.push(step);
    }
    plan
}

/// Takes the latest order with these pieces out of those that are open.
fn take(open: Option<&mut Vec<(usize, Units)>>, units: &Units) -> Option<usize> {
    let open = open?;
    let place = open.iter().rposition(|(_, ordered)| ordered == units)?;
    Some(open.remove(place).0)
}

impl Plan {
    /// Spreads the buyers over workers so that each has about as many steps; one buyer's steps
    /// stay with one worker, in their order, and a worker's steps are in the order of the file.
    pub fn spread(&self, workers: usize) -> Vec<Vec<Step>> {
        let mut buyers: Vec<_> = self.buyers.iter().map(|(_, steps)| steps).collect();
        buyers.sort_by_key(|steps| std::cmp::Reverse(steps.len()));
        let mut shares = vec![Vec::new(); workers.max(1)];
        for steps in buyers {
            if let Some(share) = shares.iter_mut().min_by_key(|share| share.len()) {
                share.extend(steps);
            }
        }
        for share in &mut shares {
            share.sort_by_key(|step| match step {
                Step::Place { invoice } => *invoice,
                Step::Cancel { by, .. } => *by,
            });
        }
        shares
    }

    /// Returns the orders to be placed, and whether each is cancelled in the end.
    pub fn orders(&self) -> BTreeMap<usize, bool> {
        let mut orders = BTreeMap::new();
        for step in self.buyers.iter().flat_map(|(_, steps)| steps) {
            match step {
                Step::Place { invoice } => orders.insert(*invoice, false),
                Step::Cancel { invoice, .. } => orders.insert(*invoice, true),
            };
        }
        orders
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;
    use crate::invoices::{Invoice, InvoiceLine};

    /// Makes an invoice: number, customer (none is a guest), and pieces of SKUs.
    fn invoice(number: &str, customer: &str, lines: &[(usize, i64)]) -> Invoice {
        let buyer = match customer {
            "" => Buyer::Guest(number.to_owned()),
            id => Buyer::Customer(id.to_owned()),
        };
        Invoice {
            number: number.to_owned(),
            cancellation: number.starts_with('C'),
            moment: NaiveDateTime::default(),
            buyer,
            country: "EIRE".to_owned(),
            lines: lines
                .iter()
                .map(|&(sku, units)| InvoiceLine {
                    sku,
                    units,
                    pence: 1,
                })
                .collect(),
        }
    }

    fn plan(invoices: Vec<Invoice>) -> Plan {
        make(&Ledger {
            invoices,
            ..Ledger::default()
        })
    }

    #[test]
    fn a_cancellation_takes_back_the_latest_order_with_the_same_pieces() {
        let plan = plan(vec![
            invoice("1", "ann", &[(0, 2), (1, 1)]),
            invoice("2", "ann", &[(0, 2), (1, 1)]),
            invoice("3", "bob", &[(0, 2), (1, 1)]),
            invoice("C4", "ann", &[(1, 1), (0, 1), (0, 1)]),
            invoice("C5", "ann", &[(0, 2), (1, 1)]),
            invoice("C6", "ann", &[(0, 2), (1, 1)]),
        ]);

        assert_eq!(
            plan.buyers[0].1,
            [
                Step::Place { invoice: 0 },
                Step::Place { invoice: 1 },
                Step::Cancel { by: 3, invoice: 1 },
                Step::Cancel { by: 4, invoice: 0 },
            ]
        );
        assert_eq!(
            plan.unmatched,
            [5],
            "both orders of ann are cancelled, bob's is not hers"
        );
        assert_eq!(
            plan.orders(),
            BTreeMap::from([(0, true), (1, true), (2, false)])
        );
    }

    #[test]
    fn a_part_of_an_order_or_a_later_order_is_no_match() {
        let plan = plan(vec![
            invoice("C1", "ann", &[(0, 2)]),
            invoice("2", "ann", &[(0, 2), (1, 1)]),
            invoice("C3", "ann", &[(0, 2)]),
            invoice("C4", "ann", &[(0, 2), (1, 1), (2, 1)]),
        ]);

        assert_eq!(plan.unmatched, [0, 2, 3]);
    }

    #[test]
    fn what_a_guest_cancels_is_not_known() {
        let plan = plan(vec![
            invoice("1", "", &[(0, 2)]),
            invoice("C2", "", &[(0, 2)]),
        ]);

        assert_eq!(plan.unmatched, [1]);
    }

    #[test]
    fn invoices_without_goods_lead_to_no_step() {
        let plan = plan(vec![invoice("1", "ann", &[]), invoice("C2", "ann", &[])]);

        assert_eq!((plan.empty, plan.empty_cancellations), (vec![0], vec![1]));
        assert!(plan.buyers.is_empty());
    }

    #[test]
    fn a_buyer_stays_with_one_worker_in_the_order_of_the_file() {
        let invoices = (0..9).map(|n| invoice(&n.to_string(), ["a", "b", "c"][n % 3], &[(0, 1)]));
        let plan = plan(invoices.collect());

        let place = |invoice| Step::Place { invoice };
        assert_eq!(
            plan.spread(2),
            [vec![0, 2, 3, 5, 6, 8], vec![1, 4, 7]]
                .map(|share| share.into_iter().map(place).collect::<Vec<_>>())
        );
    }
}
