//! A catalogue as a file that `cartwright import products` reads.

use std::io::{self, BufWriter, Write as _};

use clap::Args;

use super::shop::Shop;

/// Variants of a product.
const VARIANTS: u64 = 4;
const SIZES: [&str; 4] = ["S", "M", "L", "XL"];

#[derive(Args)]
pub struct Options {
    /// How many variants, of a quarter as many products.
    #[arg(long, default_value_t = 1_000_000)]
    variants: u64,
    /// Language tags, with commas between: each product is called something in each of them.
    #[arg(long, value_delimiter = ',')]
    languages: Vec<String>,
}

/// Prints the file.
pub fn run(options: &Options) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    write!(
        out,
        "product,sku,name,description,brand,price,currency,image,on_hand,weight_grams,option:Size"
    )?;
    for language in &options.languages {
        write!(out, ",name@{language},description@{language}")?;
    }
    writeln!(out)?;
    for id in 0..options.variants {
        let (product, place) = (id / VARIANTS, id % VARIANTS);
        let (price, size) = (Shop::price(id), SIZES[usize::try_from(place).unwrap_or(0)]);
        write!(out, "product-{product},SKU-{id:09},")?;
        if place == 0 {
            write!(
                out,
                "Product {product},\"One of many products, number {product}, that are there to be counted.\",Brand {}",
                product % 97
            )?;
        } else {
            write!(out, ",,")?;
        }
        let image = if place == 0 {
            format!("/images/{product}.jpg")
        } else {
            String::new()
        };
        write!(
            out,
            ",{}.{:02},USD,{image},{},{},{size}",
            price / 100,
            price % 100,
            id % 1_000,
            100 + id % 900
        )?;
        for language in &options.languages {
            if place == 0 {
                write!(
                    out,
                    ",{language} {product},\"What number {product} is like, for readers of {language}.\""
                )?;
            } else {
                write!(out, ",,")?;
            }
        }
        writeln!(out)?;
    }
    out.flush()
}
