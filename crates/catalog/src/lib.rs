//! What the shop sells: products, their variants, prices and stock.
