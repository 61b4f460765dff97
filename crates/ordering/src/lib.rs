//! Orders, their payments and their shipping.
