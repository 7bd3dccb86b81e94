//! What a call takes along is noted before it is made, exactly and in little room.

use rustix::process::Signal;

use crate::harness::{Database, REST, Site, column, merchant, number};
use crate::literal::{CUSTOMER_ID, Kind, Literal, Row, rows};

const PAYMENTS: i64 = 100;
const TWO: &str = "[erp.books]\nkind = \"staging\"\n[erp.others]\nkind = \"staging\"\nschema = \"erp2\"\n";

#[tokio::test]
async fn a_call_beside_that_of_another_adapter_is_noted_as_few_ranges() {
    const IN_FLIGHT: &str = "
        select count(*) from paystand_sync.claim c join paystand_sync.ledger_entry e on e.adapter = c.adapter
        where e.position <@ any(c.positions)";
    const DUE: &str = "
        select count(*) from paystand_sync.claim c join paystand_sync.ledger_entry e on e.adapter = c.adapter
        where cardinality(c.positions) > 0 and e.state = 'pending'";
    const RANGES: &str = "select max(cardinality(positions))::int8 from paystand_sync.claim";
    const POSTED: &str =
        "select concat(adapter, ' ', state, ' ', attempts > 1) from paystand_sync.ledger_entry group by 1 order by 1";
    let server = Literal::start();
    for n in 0..PAYMENTS {
        let at = format!("2026-05-03T10:{:02}:{:02}.000Z", n / 60, n % 60);
        let payment = rows::payment(&format!("pm{n:022}"), &at, &at).replace("\"posted\"", "\"failed\"");
        server.books(|books| books.put(Kind::Payments, Row::of(&payment)));
    }
    let merchant = merchant("main", CUSTOMER_ID, &server.base_url());
    let mut site = Site::configured(Database::fresh().await, &format!("{merchant}\n{REST}\n{TWO}"));
    for adapter in ["books", "others"] {
        site.run(&["pause", "adapter", adapter, "--reason", "not yet"]);
    }
    site.once();
    site.run(&["resume", "adapter", "books", "--reason", "now"]);
    site.set_variable("PAYSTAND_SYNC_CRASH_AT", "deliver.claimed:1");
    let died = site.once();
    assert_eq!(died.signal, Some(Signal::KILL.as_raw()), "{died}");
    site.unset_variable("PAYSTAND_SYNC_CRASH_AT");
    let taken = number(site.pool(), IN_FLIGHT).await;
    assert!(taken >= PAYMENTS, "only {taken} entries");
    assert_eq!(taken, number(site.pool(), DUE).await, "all of the adapter's, for they fit into one call");
    let ranges = number(site.pool(), RANGES).await;
    assert!(ranges <= 4, "{taken} entries are {ranges} ranges");

    site.run(&["resume", "adapter", "others", "--reason", "now"]);
    site.once_clean();
    assert_eq!(number(site.pool(), IN_FLIGHT).await, 0);
    assert_eq!(column(site.pool(), POSTED).await, ["books posted t", "others posted f"], "of one call nobody knows");
}
