//! Rebuilds events and journal from the archive in the recorded order, in memory, and compares them with what is stored.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use paystand_sync::journal::{Booking, Desk, Policy};
use paystand_sync::model::ids::SourceId;
use paystand_sync::model::record::Shape;
use paystand_sync::model::resource::Resource;
use paystand_sync::normalize::sight;
use sqlx::{FromRow, PgPool};

use crate::harness::column;

#[derive(FromRow)]
struct Archived {
    resource: String,
    source_id: String,
    shape: String,
    body: Vec<u8>,
    parent_id: Option<String>,
    recorded_at: DateTime<Utc>,
    batch: i64,
}

const BOOKED: &str = "
    select b.resource, b.source_id, v.shape, v.body, v.parent_id, v.recorded_at, b.batch
    from paystand_sync.booking b
    cross join lateral (
        select * from paystand_sync.record_version v
        where v.merchant = b.merchant and v.resource = b.resource and v.source_id = b.source_id and v.version = b.version
        order by array_position(array['detail', 'list', 'embedded'], v.shape), v.arrival desc limit 1
    ) v
    where b.booked is not null order by b.merchant, b.booked";
const EVENTS: &str = "
    select event_key || ' ' || floor(extract(epoch from occurred_at) * 1000)::int8 || ' ' || fact || ' ' || coalesce(root, '-')
    from paystand_sync.event order by merchant, event_key";
const ENTRIES: &str = "
    select e.entry_key || ' ' || e.event_key || ' ' || e.entry_date || ' ' || e.currency || ' ' || coalesce(e.reverses, '-') || ' ' ||
        (select string_agg(role || ' ' || amount || ' ' || coalesce(payment_id, '-'), ', ' order by line_no)
         from paystand_sync.journal_line l where l.merchant = e.merchant and l.entry_key = e.entry_key)
    from paystand_sync.journal_entry e order by position";
const UNBALANCED: &str = "
    select entry_key || ' ' || sum(amount) from paystand_sync.journal_line group by merchant, entry_key having sum(amount) <> 0";
/// What the ERP side sees less than, more than or otherwise than we have.
const STAGED: &str = "
    (select event_key from paystand_sync.event except select event_key from erp.event)
    union all
    (select entry_key || ' ' || line_no || ' ' || role || ' ' || amount from paystand_sync.journal_line
        except select entry_key || ' ' || line_no || ' ' || role || ' ' || (debit - credit) from erp.journal_line)
    union all
    (select entry_key from erp.journal_entry except select entry_key from paystand_sync.journal_entry)";
const WAITING: &str = "select resource || ':' || source_id from paystand_sync.booking where booked is null";

/// What is wrong with the books of the one merchant of this database.
pub(super) async fn wrong(pool: &PgPool, zone: Tz) -> (Vec<String>, usize) {
    let rows: Vec<Archived> = sqlx::query_as(BOOKED).fetch_all(pool).await.expect("works in a test");
    let (mut events, entries) = rebuild(rows, zone);
    events.sort();
    let looked_at = events.len() + entries.len();
    let mut wrong = Vec::new();
    compare("event", &column(pool, EVENTS).await, &events, &mut wrong);
    compare("entry", &column(pool, ENTRIES).await, &entries, &mut wrong);
    for (what, query) in [("does not balance", UNBALANCED), ("is not staged", STAGED), ("is not booked", WAITING)] {
        wrong.extend(column(pool, query).await.into_iter().map(|row| format!("{row} {what}")));
    }
    (wrong, looked_at)
}

fn compare(what: &str, stored: &[String], rebuilt: &[String], wrong: &mut Vec<String>) {
    if let Some((stored, rebuilt)) = stored.iter().zip(rebuilt).find(|(stored, rebuilt)| stored != rebuilt) {
        wrong.push(format!("a rebuild makes another {what}: stored {stored}, rebuilt {rebuilt}"));
    } else if stored.len() != rebuilt.len() {
        wrong.push(format!("{} of {what} are stored, {} rebuilt", stored.len(), rebuilt.len()));
    }
}

fn rebuild(rows: Vec<Archived>, zone: Tz) -> (Vec<String>, Vec<String>) {
    let mut desk = Desk::new(Policy::of(zone));
    let mut bookings = Vec::with_capacity(rows.len());
    let mut batch = rows.first().map_or(0, |row| row.batch);
    for row in rows {
        if row.batch != batch {
            bookings.push(desk.explain_credits());
            batch = row.batch;
        }
        let resource: Resource = row.resource.parse().expect("a resource");
        let shape = Shape::ALL.into_iter().find(|shape| shape.name() == row.shape).expect("a shape");
        let parent = row.parent_id.map(SourceId::new);
        let sighting = sight(resource, shape, parent.as_ref(), Bytes::from(row.body)).expect("was readable");
        let mut document = sighting.document.expect("was decodable");
        // Equal lines of a report are told apart by their place, which their bodies do not say.
        document.id = SourceId::new(row.source_id);
        bookings.push(desk.take(&document, row.recorded_at));
    }
    bookings.push(desk.explain_credits());
    written(&bookings, &desk)
}

fn written(bookings: &[Booking], desk: &Desk) -> (Vec<String>, Vec<String>) {
    let event = |told: &paystand_sync::journal::Told| {
        let fact = serde_json::to_string(&told.event.fact).expect("plain data");
        // Lines of reports may have gone to another account since.
        let root = told.root.as_ref().and_then(|_| desk.root_of_event(&told.event.key));
        let root = root.map_or("-", SourceId::as_str);
        format!("{} {} {fact} {root}", told.event.key, told.event.occurred_at.timestamp_millis())
    };
    let entry = |entry: &paystand_sync::model::journal::Entry| {
        let line = |line: &paystand_sync::model::journal::Line| {
            let payment = line.links.payment_id.as_ref().map_or("-", SourceId::as_str);
            format!("{} {} {payment}", line.role, line.amount)
        };
        let lines: Vec<String> = entry.lines.iter().map(line).collect();
        let reverses = entry.reverses.as_deref().unwrap_or("-");
        format!("{} {} {} {} {reverses} {}", entry.key, entry.event_key, entry.date, entry.currency, lines.join(", "))
    };
    let events = bookings.iter().flat_map(|booking| &booking.told).map(event).collect();
    let entries = bookings.iter().flat_map(|booking| &booking.entries).map(entry).collect();
    (events, entries)
}
