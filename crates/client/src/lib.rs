//! A typed client of the Cartwright API, its smoke run and its replay of real invoices.
