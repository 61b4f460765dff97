//! The invoices of a range of days, in the order of the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

use chrono::{NaiveDate, NaiveDateTime};
use domain::{Quantity, Sku};

use crate::rows::{Meaning, Reason, Row};

/// Everything that one run replays. SKUs are numbered, so that half a million lines stay small.
#[derive(Debug, Default)]
pub struct Ledger {
    pub skus: Vec<Sku>,
    pub invoices: Vec<Invoice>,
    /// How many rows the invoices have.
    pub rows: u64,
    /// Rows that are no line of an order.
    pub refused: BTreeMap<Reason, u64>,
}

/// The rows that share an `InvoiceNo`; its day is that of the first of them.
#[derive(Debug)]
pub struct Invoice {
    pub number: String,
    pub cancellation: bool,
    pub moment: NaiveDateTime,
    pub buyer: Buyer,
    pub country: String,
    /// Lines that are goods, in the order of the file; duplicates stay apart.
    pub lines: Vec<InvoiceLine>,
}

/// A quantity of one SKU.
#[derive(Debug, Clone, Copy)]
pub struct InvoiceLine {
    /// The place in [`Ledger::skus`].
    pub sku: usize,
    /// Pieces that were bought, or that come back.
    pub units: i64,
    /// Pence for one; 0 in a cancellation.
    pub pence: i64,
}

/// Who an invoice is for. A row without a customer says nothing about the next one, so each guest
/// invoice has a buyer of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Buyer {
    Customer(String),
    Guest(String),
}

impl Invoice {
    /// Returns what the order must cost, in pence: computed here, compared with the server's sum.
    pub fn total(&self) -> i128 {
        self.lines
            .iter()
            .map(|line| i128::from(line.units) * i128::from(line.pence))
            .sum()
    }

    /// Returns the pieces of each SKU.
    pub fn units(&self) -> BTreeMap<usize, i64> {
        let mut units = BTreeMap::new();
        for line in &self.lines {
            *units.entry(line.sku).or_default() += line.units;
        }
        units
    }
}

impl Buyer {
    /// Returns the e-mail address under which the buyer is registered.
    pub fn email(&self) -> String {
        match self {
            Self::Customer(id) => format!("customer-{id}@replay.example"),
            Self::Guest(invoice) => format!("guest-{invoice}@replay.example"),
        }
    }

    /// Returns what the buyer is called.
    pub fn name(&self) -> String {
        match self {
            Self::Customer(id) => format!("Customer {id}"),
            Self::Guest(invoice) => format!("Guest of invoice {invoice}"),
        }
    }
}

/// Reads the invoices whose first row lies between two days, both included.
///
/// Rows of one invoice need not be neighbours: in the real file one invoice is interrupted.
pub fn read(input: impl Read, from: NaiveDate, to: NaiveDate) -> Result<Ledger, String> {
    let mut ledger = Ledger::default();
    let mut places: HashMap<String, Option<usize>> = HashMap::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for (index, row) in csv::Reader::from_reader(input)
        .deserialize::<Row>()
        .enumerate()
    {
        let row = row.map_err(|error| format!("row {}: {error}", index + 1))?;
        let place = if let Some(place) = places.get(&row.invoice) {
            *place
        } else {
            let moment = NaiveDateTime::parse_from_str(&row.moment, "%Y-%m-%d %H:%M:%S")
                .map_err(|error| format!("row {}: {}: {error}", index + 1, row.moment))?;
            let place = (from..=to)
                .contains(&moment.date())
                .then_some(ledger.invoices.len());
            if place.is_some() {
                ledger.invoices.push(open(&row, moment));
            }
            places.insert(row.invoice.clone(), place);
            place
        };
        if let Some(invoice) = place {
            ledger.add(&row, invoice, &mut numbers)?;
        }
    }
    Ok(ledger)
}

fn open(row: &Row, moment: NaiveDateTime) -> Invoice {
    let buyer = if row.customer.is_empty() {
        Buyer::Guest(row.invoice.clone())
    } else {
        Buyer::Customer(row.customer.clone())
    };
    Invoice {
        number: row.invoice.clone(),
        cancellation: row.is_cancellation(),
        moment,
        buyer,
        country: row.country.clone(),
        lines: Vec::new(),
    }
}

impl Ledger {
    /// Returns the SKUs that are ordered. Some only ever come back, from sales before the file
    /// begins; they need not be in the shop.
    pub fn sold(&self) -> Vec<Sku> {
        let orders = self.invoices.iter().filter(|invoice| !invoice.cancellation);
        let places: BTreeSet<_> = orders
            .flat_map(|invoice| &invoice.lines)
            .map(|line| line.sku)
            .collect();
        places
            .into_iter()
            .map(|place| self.skus[place].clone())
            .collect()
    }

    fn add(
        &mut self,
        row: &Row,
        invoice: usize,
        numbers: &mut HashMap<String, usize>,
    ) -> Result<(), String> {
        self.rows += 1;
        let (units, pence) = match row.meaning() {
            Meaning::Sale { quantity, pence } => (Quantity::get(quantity), pence),
            Meaning::Return { units } => (units, 0),
            Meaning::Refused(reason) => {
                *self.refused.entry(reason).or_default() += 1;
                return Ok(());
            }
        };
        let code = row.sku();
        let sku = if let Some(sku) = numbers.get(&code) {
            *sku
        } else {
            let sku = code
                .parse()
                .map_err(|error| format!("the code {code}: {error}"))?;
            self.skus.push(sku);
            numbers.insert(code, self.skus.len() - 1);
            self.skus.len() - 1
        };
        self.invoices[invoice]
            .lines
            .push(InvoiceLine { sku, units, pence });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

    fn october(rows: &str) -> Ledger {
        let day = |day| NaiveDate::from_ymd_opt(2011, 10, day).unwrap();
        read(format!("{HEAD}{rows}").as_bytes(), day(1), day(31)).unwrap()
    }

    #[test]
    fn rows_of_an_invoice_belong_together_wherever_they_stand() {
        let ledger = october(
            "1,85123A,\"HEART, WHITE\",6,2011-10-03 09:59:00,2.55,17850,United Kingdom\n\
             C2,22556,TIN,-1,2011-10-03 09:59:00,1.65,17850,United Kingdom\n\
             1,85123a,\"HEART, WHITE\",2,2011-10-03 10:00:00,2.95,17850,United Kingdom\n\
             1,POST,POSTAGE,1,2011-10-03 10:00:00,18.0,17850,United Kingdom\n",
        );

        assert_eq!(
            (ledger.rows, ledger.invoices.len(), ledger.skus.len()),
            (4, 2, 2)
        );
        let sale = &ledger.invoices[0];
        assert_eq!(
            sale.lines.len(),
            2,
            "the same code in other letters is a line of its own"
        );
        assert_eq!((sale.units()[&0], sale.total()), (8, 6 * 255 + 2 * 295));
        assert!(ledger.invoices[1].cancellation);
        assert_eq!(
            ledger.sold(),
            ["85123A".parse().unwrap()],
            "22556 only comes back"
        );
        assert_eq!(ledger.refused[&Reason::NotAProduct], 1);
    }

    #[test]
    fn the_first_row_decides_the_day_of_an_invoice() {
        let ledger = october(
            "1,22423,STAND,1,2011-09-30 23:59:00,12.75,1,EIRE\n\
             1,22423,STAND,1,2011-10-01 00:00:00,12.75,1,EIRE\n\
             2,22423,STAND,1,2011-10-31 23:59:00,12.75,1,EIRE\n\
             2,22423,STAND,1,2011-11-01 00:00:00,12.75,1,EIRE\n",
        );

        assert_eq!((ledger.rows, ledger.invoices.len()), (2, 1));
        assert_eq!(ledger.invoices[0].number, "2");
    }

    #[test]
    fn each_guest_invoice_has_its_own_buyer() {
        let ledger = october(
            "7,22423,STAND,1,2011-10-03 09:00:00,12.75,,EIRE\n\
             8,22423,STAND,1,2011-10-03 09:00:00,12.75,,EIRE\n",
        );

        let emails: Vec<_> = ledger.invoices.iter().map(|i| i.buyer.email()).collect();
        assert_eq!(emails, ["guest-7@replay.example", "guest-8@replay.example"]);
    }

    #[test]
    fn the_largest_order_of_the_file_is_summed_exactly() {
        let ledger = october("1,23843,PAPER CRAFT,80995,2011-10-03 09:00:00,2.08,16446,UK\n");

        assert_eq!(ledger.invoices[0].total(), 16_846_960);
    }
}
