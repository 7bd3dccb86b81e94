//! The simulated Paystand X API, in-process for tests and as the program `paystand-sandbox`.
//!
//! It keeps the published contract (routes, headers, envelopes, the exact rules by which filters are ignored) and can be made
//! as unpleasant as the published text allows. It shares no code with the client beyond the names of the resources and the
//! clock, so that both cannot share one misreading.
//!
//! Reading order: `record` (one object) → `table` (rows and their two orders) → `books` (one merchant) → `scene` (how anything
//! changes) → `generator` or
//! `economy` (the simulated business) → `world` (everything, behind one lock) → `routes`, `listing`, `filters`
//! (from a request to bytes) → `serve` (HTTP). `quirks` lists what can go wrong, `truth` remembers what lists showed.

mod agenda;
mod answer;
mod auth;
mod books;
mod churn;
mod clock;
mod days;
mod dice;
mod economy;
mod faults;
mod filters;
mod generator;
mod hits;
mod limits;
mod listing;
mod mutate;
pub mod quirks;
mod record;
mod render;
mod routes;
mod scene;
mod serve;
mod table;
#[cfg(test)]
mod tests;
mod truth;
mod world;

pub use answer::{Answer, Call, Delivery};
pub use books::MerchantProfile;
pub use clock::SandboxClock;
pub use economy::{BooksTruth, PayoutTruth, VARIANTS};
pub use generator::{Business, Seeding};
pub use mutate::{Draft, Edit, Mutation, MutationError};
pub use quirks::Quirks;
pub use serve::{Server, router};
pub use table::Stamp;
pub use truth::Shown;
pub use world::{Requests, World, WorldConfig};

/// Credentials of the merchant that every sandbox has.
pub const CLIENT_ID: &str = "cid_sandbox_main";
pub const CLIENT_SECRET: &str = "cs_sandbox_main";
pub const CUSTOMER_ID: &str = "mr5t8y2u6i9o3p7a1s4d0f6g";
