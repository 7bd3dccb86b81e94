//! One binary for all tests that need a process, a server or a database.

mod ambiguous;
mod campaign;
mod cluster;
mod conformance;
mod crash;
mod daemon;
mod damage;
mod economy;
mod exports;
mod faults;
mod files;
mod harness;
mod house;
mod literal;
mod memory;
mod merchants;
mod mirror;
mod persons;
mod refusals;
mod resume;
mod scripted;
mod staging;
mod tie_out;
mod troubles;
mod tryton;
mod verbs;
