//! Judges the scripted ERP's own books against what was to be posted.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::adapter::reference;
use super::books::Stage;
use super::office::{LEGS, Office};
use super::server::Server;
use crate::harness::{column, number};

/// Every entry is in the books once, as it was to be, and after what is before it about the same money; nothing else is there, and our
/// ledger has the receipts.
pub async fn audit(server: &Server, office: &Office) {
    let documents = server.books(|books| books.documents().cloned().collect::<Vec<_>>());
    let left: Vec<u64> = documents.iter().filter(|it| it.stage != Stage::Released).map(|it| it.number).collect();
    assert!(left.is_empty(), "drafts or void documents are left: {left:?}");
    let mut amounts: HashMap<Decimal, Vec<u64>> = HashMap::new();
    for document in &documents {
        amounts.entry(document.paper.lines[0].amount).or_default().push(document.number);
    }
    let released = server.books(|books| books.released.clone());
    let places: HashMap<u64, usize> = released.iter().enumerate().map(|(place, number)| (*number, place)).collect();
    let receipts = receipts(office).await;
    let mut last = 0;
    for entry in 0..office.entries() {
        let amount = Decimal::new(i64::try_from(entry).expect("small") + 1, 2);
        let numbers = amounts.remove(&amount).unwrap_or_default();
        let [number] = numbers[..] else { panic!("entry {entry} is in the books as {numbers:?}") };
        assert_eq!(receipts.get(&Office::key(entry)), Some(&reference(number)), "the receipt of entry {entry}");
        let place = places[&number];
        assert!(entry % LEGS == 0 || place > last, "entry {entry} overtook the one before it");
        last = place;
    }
    assert!(amounts.is_empty(), "nobody asked for {amounts:?}");
    assert_eq!(documents.len(), office.entries());
    let open = "select count(*) from paystand_sync.exception where resolved_at is null";
    assert_eq!(self::number(&office.database.pool, open).await, 0, "nothing is for a person");
}

async fn receipts(office: &Office) -> HashMap<String, String> {
    let query = "select key || ' ' || receipt from paystand_sync.ledger_entry where state = 'posted'";
    let rows = column(&office.database.pool, query).await;
    rows.iter().filter_map(|row| row.split_once(' ')).map(|(key, it)| (key.to_owned(), it.to_owned())).collect()
}
