//! The words of commerce: money, pricing, addresses and order states, without I/O.
