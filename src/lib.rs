//! paystand-sync: polls the Paystand X API and writes what happened into an ERP, exactly once in effect.

pub mod clock;
pub mod config;
pub mod engine;
pub mod erp;
pub mod ledger;
pub mod model;
pub mod normalize;
pub mod ops;
pub mod paystand;
pub mod sandbox;
pub mod scan;
pub mod store;
