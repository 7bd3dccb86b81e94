//! What Tryton holds of a delivery: every move with its key, compared with what is to be booked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::KEY_START;
use super::amounts::{Day, Money};
use super::chart::Chart;
use super::parties::party_code;
use super::plan::{account, entry, is_on_invoice};
use super::rpc::Rpc;
use super::settings::{ClosedPeriod, Settings};
use crate::erp::{Asked, Delivery, ErpError, Found, Stage};
use crate::model::journal::Entry;

/// A move by its description.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Described {
    pub id: i64,
    pub description: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Move {
    pub id: i64,
    description: Option<String>,
    journal: i64,
    date: Day,
    pub state: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct MoveLine {
    pub id: i64,
    #[serde(rename = "move")]
    pub of: i64,
    pub account: i64,
    #[serde(rename = "party.")]
    party: Option<Party>,
    pub debit: Money,
    pub credit: Money,
    /// The invoice of which it is a payment line.
    pub invoice_payment: Option<i64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Party {
    code: Option<String>,
}

#[derive(Deserialize)]
struct Cancelling {
    origin: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Attached {
    state: String,
    amount_to_pay: Money,
    payment_lines: Vec<i64>,
    additional_moves: Vec<i64>,
}

/// Moves with everything that tells how far they have come.
struct Shelf {
    moves: Vec<Move>,
    lines: HashMap<i64, Vec<MoveLine>>,
    /// Moves that another one, not of ours, takes back.
    cancelled: BTreeSet<i64>,
    /// Invoices that have one of our lines or moves.
    invoices: Vec<Attached>,
}

#[must_use]
pub(super) fn reference(id: i64) -> String {
    format!("account.move/{id}")
}

#[must_use]
pub(super) fn id_in(reference: &str) -> Option<i64> {
    reference.strip_prefix("account.move/")?.parse().ok()
}

/// Every move with the key of each delivery, oldest first.
pub(super) async fn find(
    rpc: &Rpc,
    chart: &Chart,
    settings: &Settings,
    asked: &[Asked<'_>],
) -> Result<Vec<Vec<Found>>, ErpError> {
    let shelf = shelf(rpc, chart, asked).await?;
    let found = |asked: &Asked<'_>| {
        let key = asked.delivery.erp_key.as_str();
        let known = asked.reference.and_then(id_in);
        let is_it = |it: &&Move| it.has_key(key) || Some(it.id) == known && it.lost_its_key(chart);
        shelf.moves.iter().filter(is_it).map(|it| shelf.found(chart, settings, asked.delivery, it)).collect()
    };
    Ok(asked.iter().map(found).collect())
}

async fn shelf(rpc: &Rpc, chart: &Chart, asked: &[Asked<'_>]) -> Result<Shelf, ErpError> {
    let keys: Vec<&str> = asked.iter().map(|asked| asked.delivery.erp_key.as_str()).collect();
    let ids: Vec<i64> = asked.iter().filter_map(|asked| asked.reference.and_then(id_in)).collect();
    let domain = json!([["company", "=", chart.company], ["OR", ["description", "in", keys], ["id", "in", ids]]]);
    let fields = ["description", "journal", "date", "state"];
    let moves: Vec<Move> = search(rpc, "account.move", domain, &fields).await?;
    if moves.is_empty() {
        return Ok(Shelf { moves, lines: HashMap::new(), cancelled: BTreeSet::new(), invoices: Vec::new() });
    }
    let ids: Vec<i64> = moves.iter().map(|it| it.id).collect();
    let lines = lines(rpc, &ids).await?;
    let origins: Vec<String> = ids.iter().map(|id| format!("account.move,{id}")).collect();
    let domain = json!([["origin", "in", origins], ["state", "=", "posted"]]);
    let cancelling: Vec<Cancelling> = search(rpc, "account.move", domain, &["origin", "description"]).await?;
    let foreign = |it: &Cancelling| !it.description.as_deref().is_some_and(|text| text.starts_with(KEY_START));
    let origin = |it: Cancelling| it.origin?.strip_prefix("account.move,")?.parse().ok();
    let cancelled = cancelling.into_iter().filter(foreign).filter_map(origin).collect();
    let line_ids: Vec<i64> = lines.iter().map(|line| line.id).collect();
    let domain = json!(["OR", ["payment_lines", "in", line_ids], ["additional_moves", "in", ids]]);
    let fields = ["state", "amount_to_pay", "payment_lines", "additional_moves"];
    let invoices = search(rpc, "account.invoice", domain, &fields).await?;
    let mut by_move: HashMap<i64, Vec<MoveLine>> = HashMap::new();
    for line in lines {
        by_move.entry(line.of).or_default().push(line);
    }
    Ok(Shelf { moves, lines: by_move, cancelled, invoices })
}

pub(super) async fn search<T: serde::de::DeserializeOwned>(
    rpc: &Rpc,
    model: &str,
    domain: Value,
    fields: &[&str],
) -> Result<Vec<T>, ErpError> {
    let params = vec![domain, json!(0), Value::Null, json!([["id", "ASC"]]), json!(fields)];
    rpc.read(&format!("model.{model}.search_read"), params).await
}

/// The lines of these moves.
pub(super) async fn lines(rpc: &Rpc, moves: &[i64]) -> Result<Vec<MoveLine>, ErpError> {
    let fields = ["move", "account", "party.code", "debit", "credit", "invoice_payment"];
    search(rpc, "account.move.line", json!([["move", "in", moves]]), &fields).await
}

impl Move {
    fn has_key(&self, key: &str) -> bool {
        self.description.as_deref() == Some(key)
    }

    /// Whether it is one of ours whose key somebody edited. An id alone proves nothing: Tryton gives the id of a move that a restored
    /// backup does not have to another one, which has a key of ours of its own or stands in another journal.
    fn lost_its_key(&self, chart: &Chart) -> bool {
        let has_one = self.description.as_deref().is_some_and(|text| text.starts_with(KEY_START));
        !has_one && self.journal == chart.journal
    }
}

impl Shelf {
    fn found(&self, chart: &Chart, settings: &Settings, delivery: &Delivery, it: &Move) -> Found {
        let lines = self.lines.get(&it.id).map(Vec::as_slice).unwrap_or_default();
        let is_same = |entry: &Entry| it.has_key(&delivery.erp_key) && is_same(chart, settings, entry, it, lines);
        let differs = entry(delivery).ok().filter(|entry| !is_same(entry));
        Found {
            reference: reference(it.id),
            stage: self.stage(delivery, it, lines),
            differs: differs.map(|_| shown(it, lines)),
        }
    }

    fn stage(&self, delivery: &Delivery, it: &Move, lines: &[MoveLine]) -> Stage {
        if self.cancelled.contains(&it.id) {
            Stage::Void
        } else if it.state != "posted" {
            Stage::Draft
        } else if entry(delivery).is_ok_and(|entry| self.is_applied(entry, it, lines)) {
            Stage::Released
        } else {
            Stage::Unfinished
        }
    }

    /// Whether everything that the entry says about invoices is done.
    fn is_applied(&self, entry: &Entry, it: &Move, lines: &[MoveLine]) -> bool {
        entry.lines.iter().filter(|line| is_on_invoice(line)).all(|line| {
            let (debit, _) = line.sides();
            let with = |invoice: &&Attached| {
                if debit.is_zero() {
                    lines.iter().any(|held| invoice.payment_lines.contains(&held.id))
                } else {
                    invoice.additional_moves.contains(&it.id)
                }
            };
            // Paid to the last cent and still open: it is to be reconciled.
            let is_settled = |invoice: &Attached| invoice.state == "paid" || !invoice.amount_to_pay.0.is_zero();
            self.invoices.iter().find(with).is_some_and(is_settled)
        })
    }
}

/// Account, party and sides of a line, whatever its place.
type Content = BTreeMap<(i64, Option<String>), (Decimal, Decimal)>;

fn is_same(chart: &Chart, settings: &Settings, entry: &Entry, it: &Move, lines: &[MoveLine]) -> bool {
    let is_day = match settings.closed_period {
        ClosedPeriod::Hold => it.date.0 == entry.date,
        ClosedPeriod::NextOpen => it.date.0 >= entry.date,
    };
    is_day && wanted(chart, settings, entry).is_some_and(|wanted| wanted == held(lines))
}

fn held(lines: &[MoveLine]) -> Content {
    let mut content = Content::new();
    for line in lines {
        let party = line.party.as_ref().and_then(|party| party.code.clone());
        let sides = content.entry((line.account, party)).or_default();
        sides.0 += line.debit.0;
        sides.1 += line.credit.0;
    }
    content
}

fn wanted(chart: &Chart, settings: &Settings, entry: &Entry) -> Option<Content> {
    let mut content = Content::new();
    for line in &entry.lines {
        let account = account(chart, line.role).ok()?;
        let party = account.party_required.then(|| party_code(line, settings).map(str::to_owned)).flatten();
        let (debit, credit) = line.sides();
        let sides = content.entry((account.id, party)).or_default();
        sides.0 += debit;
        sides.1 += credit;
    }
    Some(content)
}

/// A move for a person.
fn shown(it: &Move, lines: &[MoveLine]) -> String {
    let description = it.description.as_deref().unwrap_or("-");
    let mut text = format!("{} {} {} described as {description}", reference(it.id), it.state, it.date.0);
    for line in lines {
        let party = line.party.as_ref().and_then(|party| party.code.as_deref()).unwrap_or("-");
        let MoveLine { account, debit, credit, .. } = line;
        write!(text, "; account {account} party {party} debit {} credit {}", debit.0, credit.0)
            .expect("a text takes everything");
    }
    text
}
