//! The adapter `tryton` against a real Tryton server: what stands in its books, on its invoices, and what it says when it refuses.

pub mod acme;
mod battery;
pub mod between;
mod economy;
mod examine;
pub mod hands;
mod posting;
mod read_back;
mod restored;
pub mod server;
pub mod truth;
