//! The process dies, and Tryton with it, at every place on the way of a document into its books: each is there once in the end.

use std::collections::BTreeMap;

use paystand_sync::crash::Point;
use paystand_sync::model::resource::Resource;
use rust_decimal::Decimal;
use rustix::process::Signal;
use url::Url;

use super::exact::SENT_BACK;
use super::paystand::Paystand;
use super::plant::configuration;
use super::play;
use crate::harness::{Database, Site, column};
use crate::tryton::acme::{ACCOUNTS, Acme, GUEST};
use crate::tryton::server::USER;

const BUSINESS: u64 = 3;
/// Two times around: the second time somewhere in the middle of the work.
const PLACES: [(Point, u64); 14] = [
    (Point::Enrolled, 1),
    (Point::Claimed, 1),
    (Point::Found, 1),
    (Point::Drafted, 1),
    (Point::Elected, 1),
    (Point::Released, 1),
    (Point::Answered, 1),
    (Point::Settled, 1),
    (Point::Found, 3),
    (Point::Drafted, 2),
    (Point::Elected, 2),
    (Point::Released, 2),
    (Point::Answered, 2),
    (Point::Claimed, 2),
];

/// The section of the adapter, which reaches Tryton at `url` as this user.
pub fn section(acme: &Acme, url: &Url, user: &str) -> String {
    let books = &acme.server.books;
    let accounts = ACCOUNTS.map(|(role, code)| format!("{role} = \"{code}\"")).join("\n");
    format!(
        "[erp.ledger]\nkind = \"tryton\"\nurl = \"{url}\"\ndatabase = \"{books}\"\nuser = \"{user}\"\n\
         password = \"test-only-password\"\npost_from = \"2020-01-01\"\ndefault_customer = \"{GUEST}\"\n[erp.ledger.accounts]\n\
         {accounts}\n"
    )
}

/// Balance per account of our own journal.
async fn journal(site: &Site) -> BTreeMap<String, Decimal> {
    const SUMS: &str = "select role, sum(amount) from paystand_sync.journal_line group by role having sum(amount) <> 0";
    let sums: Vec<(String, Decimal)> = sqlx::query_as(SUMS).fetch_all(site.pool()).await.expect("rows");
    let codes: BTreeMap<&str, &str> = ACCOUNTS.into_iter().map(|(role, code)| (role.name(), code)).collect();
    sums.into_iter().map(|(role, sum)| (codes[role.as_str()].to_owned(), sum.normalize())).collect()
}

#[test]
fn killed_with_tryton_on_the_way_of_a_document_it_is_in_its_books_once() {
    play(async {
        let Some(mut acme) = Acme::open().await else { return };
        acme.party(GUEST).await;
        let paystand = Paystand::still_at_home(BUSINESS);
        acme.issue(&paystand.world.rows_now(Resource::Receivables)).await;
        let mut site = Site::configured(
            Database::fresh().await,
            &configuration(&paystand, &section(&acme, &acme.server.url(), USER)),
        );
        let mut deaths = Vec::new();
        for (point, passing) in PLACES {
            site.set_variable("PAYSTAND_SYNC_CRASH_AT", &format!("{}:{passing}", point.name()));
            let finished = site.once();
            if finished.signal == Some(Signal::KILL.as_raw()) {
                deaths.push(point);
                acme.server.kill();
                acme.server.serve().await;
            }
        }
        for (point, _) in &PLACES[..8] {
            assert!(deaths.contains(point), "no run came by {}", point.name());
        }
        site.unset_variable("PAYSTAND_SYNC_CRASH_AT");
        let finished = site.once();
        assert!(matches!(finished.code, Some(0 | 5)), "{finished}");
        let mut exceptions = site.open_exceptions().await;
        exceptions.retain(|exception| !exception.contains(SENT_BACK));
        assert_eq!(exceptions, Vec::<String>::new());
        let open = "select state || ' ' || key || ' ' || coalesce(reason, '') from paystand_sync.ledger_entry
                    where state not in ('posted', 'not_applicable')";
        assert_eq!(column(site.pool(), open).await, Vec::<String>::new());
        let (posted, drafts) = acme.moves().await;
        let doubled: Vec<_> = posted.iter().filter(|(_, times)| **times > 1).collect();
        assert!(doubled.is_empty() && drafts == 0, "{doubled:?}, {drafts} drafts");
        assert_eq!(acme.balances().await, journal(&site).await, "what is booked, and what Tryton holds of it");
    });
}
