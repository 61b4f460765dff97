#!/usr/bin/env python3
"""Turns the invoices of "Online Retail" into the products CSV that `cartwright import products` takes.

    scripts/online-retail-to-csv.py online_retail_2010-12_2011-12.csv.gz > products.csv

The invoices hold no catalogue, so it is read off the sales: what a code is usually called, what it usually
costs, and enough stock for everything that was ever sold. The summary on stderr puts every row into exactly
one category and fails when they do not add up. docs/replay.md explains the rules; `replay` applies the same
ones (crates/client/src/bin/replay/rows.rs), so every line it sends names a product of this file.
"""

import argparse
import csv
import gzip
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field

# Goods have five digits and at most a two-letter variant, or a code of the shop's own range "DCGS...".
GOODS = re.compile(r"\d{5}[A-Z]{0,2}|DCGS[0-9A-Z]+")
# Numbered like goods, but nothing that lies on a shelf: carriage, and a gift voucher.
NOT_GOODS = {"23444", "22016"}

PRICE = re.compile(r"(-?)(\d+)(?:\.(\d+))?")
COLUMNS = ["sku", "name", "price", "currency", "on_hand"]

SALE = "sale of goods"


@dataclass
class Product:
    """What the rows of one code say about it."""

    names: Counter = field(default_factory=Counter)
    prices: Counter = field(default_factory=Counter)
    units: int = 0

    def name(self, fallback):
        """The most frequent description without lower-case letters; ties go to the longer, then to the earlier letter.

        Notes ("damaged?", "ebay") have lower case. A code that is always described with lower case
        ("BAG 500g SWIRLY MARBLES") keeps that; one that is never described gets `fallback`.
        """
        shouted = {name: count for name, count in self.names.items() if name == name.upper()}
        candidates = shouted or self.names or {fallback: 1}
        return min(candidates, key=lambda name: (-candidates[name], -len(name), name))

    def price(self):
        """The most frequent price, in pence; ties go to the highest."""
        return max(self.prices, key=lambda pence: (self.prices[pence], pence))

    def on_hand(self):
        """Everything that was ever sold, a tenth more, and ten."""
        return self.units + -(-self.units // 10) + 10


def pence(text):
    """Whole pence of a decimal text, or None where it has a fraction of a penny. No floats."""
    sign, whole, fraction = PRICE.fullmatch(text).groups(default="")
    fraction = fraction.rstrip("0")
    if len(fraction) > 2:
        return None
    value = int(whole) * 100 + int(fraction.ljust(2, "0"))
    return -value if sign else value


def category(row, sku):
    """Says what a row is. The first rule that fits decides, as in `replay`."""
    if not GOODS.fullmatch(sku) or sku in NOT_GOODS:
        return "code is not a product"
    if row["InvoiceNo"].startswith("C"):
        return "cancellation"
    if int(row["Quantity"]) <= 0:
        return "stock write-off (quantity not positive)"
    price = pence(row["UnitPrice"])
    if price is None:
        return "price with a fraction of a penny"
    if price < 0:
        return "price negative"
    if price == 0:
        return "price zero"
    return SALE


def read(path):
    """Yields the rows of a plain or gzipped invoice file."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def collect(rows):
    """Sorts the rows into categories and gathers the products that were sold."""
    categories, products = Counter(), defaultdict(Product)
    other_codes, codes, skus = Counter(), set(), set()
    for row in rows:
        sku = row["StockCode"].upper()
        codes.add(row["StockCode"])
        skus.add(sku)
        kind = category(row, sku)
        categories[kind] += 1
        if kind == "code is not a product":
            other_codes[sku] += 1
        elif kind == SALE:
            product = products[sku]
            if row["Description"]:
                product.names[" ".join(row["Description"].split())] += 1
            product.prices[pence(row["UnitPrice"])] += 1
            product.units += int(row["Quantity"])
    goods = {sku for sku in skus if GOODS.fullmatch(sku) and sku not in NOT_GOODS}
    facts = {
        "codes as written": len(codes),
        "codes ignoring letter case": len(skus),
        "  of these, not products": len(skus - goods),
        "  of these, goods never sold at a price": len(goods) - len(products),
        "products written": len(products),
        "  with more than one price": sum(len(p.prices) > 1 for p in products.values()),
        "  with more than one description": sum(len(p.names) > 1 for p in products.values()),
        "units on hand": sum(p.on_hand() for p in products.values()),
    }
    return products, categories, other_codes, facts


def write(products, out):
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for sku in sorted(products):
        product = products[sku]
        price = product.price()
        text = f"{price // 100}.{price % 100:02}"
        writer.writerow([sku, product.name(sku), text, "GBP", product.on_hand()])


def summarise(total, categories, other_codes, facts):
    """Explains the rows on stderr."""

    def line(count, text):
        print(f"{count:>11,}  {text}", file=sys.stderr)

    for kind, count in categories.most_common():
        line(count, kind)
    line(sum(categories.values()), f"rows explained, of {total:,}")
    print("\nrows whose code is not a product:", file=sys.stderr)
    for code, count in other_codes.most_common():
        line(count, code)
    print(file=sys.stderr)
    for text, count in facts.items():
        line(count, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("invoices", help="the invoice file, .csv or .csv.gz")
    parser.add_argument("-o", "--output", help="where to write the products (standard output)")
    arguments = parser.parse_args()

    total = 0

    def counted(rows):
        nonlocal total
        for row in rows:
            total += 1
            yield row

    products, categories, other_codes, facts = collect(counted(read(arguments.invoices)))
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8", newline="") as out:
            write(products, out)
    else:
        sys.stdout.reconfigure(encoding="utf-8")
        write(products, sys.stdout)
    summarise(total, categories, other_codes, facts)
    if sum(categories.values()) != total:
        sys.exit(f"error: {total:,} rows were read, but the categories do not add up")


if __name__ == "__main__":
    main()
