//! Pure words of the domain: what flows through every other module.
//!
//! Imports nothing of this crate outside `model`; no I/O, no clock, no randomness.

pub mod document;
pub mod event;
pub mod ids;
pub mod journal;
pub mod money;
pub mod notice;
pub mod page;
pub mod posting;
pub mod record;
pub mod resource;
