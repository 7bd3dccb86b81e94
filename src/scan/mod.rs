//! Pure core of reading: decides what to ask for next, when a list is read to its end, and what is news.
//!
//! Nothing here performs I/O or knows the time; the engine drives it and acts on what it decides.

pub mod days;
pub mod lines;
pub mod news;
pub mod open_items;
pub mod order;
pub mod pass;
pub mod rules;
pub mod seals;
pub mod windows;
