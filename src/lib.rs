//! paystand-sync: polls the Paystand X API and writes what happened into an ERP, exactly once in effect.
//!
//! # The promise
//!
//! For every business effect, at most one live document exists in the ERP. Within a bounded time after the last fault
//! exactly one does, or one open exception names it. And for every closed day it can be proven that nothing is missing.
//!
//! # The flow
//!
//! One direction, no cycles. To follow one payment, read the modules in this order:
//!
//! ```text
//! paystand (HTTP)  →  scan  →  normalize  →  store (one transaction)  →  deliver  →  erp adapter
//!    pages, details    what is     record →      record + version +        claim →     find, write,
//!    one rate budget   complete    document      entries + cursor          attempt →   receipt
//!                      and new                                             settle
//! ```
//!
//! | module | what lives there | kind |
//! |---|---|---|
//! | [`model`] | the words: resource, record, document, money, ids, pages | pure |
//! | [`paystand`] | client, token, rate budget | edge |
//! | [`scan`] | when a moving list is read to its end, and what is news | pure |
//! | [`normalize`] | bytes of one object → what was seen and what it means | pure |
//! | [`events`] | versions of one record → what happened | pure |
//! | [`journal`] | what happened → balanced entries by account role | pure |
//! | [`export`] | entries → text that hledger and beancount check | pure |
//! | [`reconcile`] | entries, payouts and their reports → what is proven, wrong or in transit | pure |
//! | [`ledger`] | states of an entry and when to try again | pure |
//! | [`store`] | our Postgres: records, versions, cursors, ledger, leases | edge |
//! | [`erp`] | what an adapter is; one folder per adapter | edge |
//! | [`engine`] | the only place where the edges meet: jobs, couriers, the scheduler | driver |
//! | [`ops`] | liveness and systemd | edge |
//! | [`cli`], [`config`] | the verbs, the configuration | driver |
//! | [`conformance`] | the battery that every ERP adapter passes | apart |
//! | [`sandbox`] | the simulated Paystand, for the demo and for tests | apart |
//!
//! A payment enters in [`engine::job::Job`], which drives a [`scan::pass::Pass`] over pages from
//! [`paystand::Client::list`]. Each row is read by [`normalize::sight`] and judged by [`scan::news::judge`];
//! [`store::Store::ingest`] stores record, version, ledger entry and cursor in one transaction.
//! [`engine::deliver::Courier`] claims the entry, hands it to an [`erp::Erp`], and settles it by the receipt. A new
//! adapter is a folder under `erp/` that implements [`erp::Erp`], and an arm in `engine`.
//!
//! # The invariants
//!
//! - **I1** A cursor or seal moves only in the transaction that stores the records and entries it covers.
//! - **I2** A cursor never goes back, except through a replay that is recorded with actor and reason.
//! - **I3** One ledger entry per (key, adapter): a unique index, not code.
//! - **I4** No transaction or row lock spans a network call.
//! - **I5** A lost answer, a 5xx after the body was sent, or an expired lease makes an entry *in doubt*; the ERP is asked
//!   before any further write. Ambiguous is not failed.
//! - **I6** Nothing is dropped. What is not understood is parked with a reason and its bytes, and holds back only what
//!   depends on it.
//! - **I7** Money is an exact decimal with its currency, parsed from the JSON token. No float on a money path; absent is
//!   not zero.
//! - **I8** A released ERP document is never edited. Corrections are reversals that name the original.
//! - **I9** Every commit to our database checks the lease epoch there.
//! - **I10** Secrets, tokens, card and bank data never reach a log, metric, error, page, packet or staging row.

pub mod cli;
pub mod clock;
pub mod config;
pub mod conformance;
pub mod crash;
pub mod engine;
pub mod erp;
pub mod events;
pub mod export;
mod http;
pub mod journal;
pub mod ledger;
pub mod model;
pub mod normalize;
pub mod ops;
pub mod paystand;
pub mod reconcile;
pub mod sandbox;
pub mod scan;
pub mod store;
