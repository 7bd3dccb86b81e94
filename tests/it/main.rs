//! One binary for all tests that need a process, a server or a database.

mod campaign;
mod cluster;
mod crash;
mod daemon;
mod damage;
mod economy;
mod exports;
mod faults;
mod harness;
mod house;
mod literal;
mod memory;
mod merchants;
mod mirror;
mod refusals;
mod resume;
mod staging;
mod tie_out;
mod troubles;
