//! The ledger of the scripted ERP: journal documents with a number each, given before they are stored.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What is written: a journal document as its author sends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Whatever the author likes; nothing keeps two documents from having the same.
    pub key: String,
    pub date: NaiveDate,
    pub currency: String,
    pub memo: String,
    pub lines: Vec<PaperLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaperLine {
    pub account: String,
    pub amount: Decimal,
    pub customer: Option<String>,
    /// An open invoice that the line pays: it has to be there when the document is released.
    pub invoice: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Draft,
    Released,
    Void,
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub number: u64,
    pub stage: Stage,
    pub paper: Paper,
    pub written_at: DateTime<Utc>,
    /// No search shows it before this call.
    pub shown_from: u64,
}

/// Why a document is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    Never(String),
    NotNow(String),
    /// There is a document with this key that says something else.
    Differs(String),
}

/// Everything that the ERP holds.
#[derive(Debug, Clone, Default)]
pub struct Books {
    documents: BTreeMap<u64, Document>,
    by_key: HashMap<String, BTreeSet<u64>>,
    numbers: u64,
    invoices: BTreeSet<String>,
    closed: BTreeSet<NaiveDate>,
    /// Numbers in the order in which they were released.
    pub released: Vec<u64>,
}

impl Books {
    /// The number of the next document. It is given when a call arrives, which may be long before it is carried out.
    pub fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub fn write(&mut self, number: u64, paper: Paper, now: DateTime<Utc>, shown_from: u64) -> Result<u64, Refused> {
        let sum: Decimal = paper.lines.iter().map(|line| line.amount).sum();
        if !sum.is_zero() {
            return Err(Refused::Never(format!("the document is out of balance by {sum}")));
        }
        let document = Document { number, stage: Stage::Draft, paper, written_at: now, shown_from };
        self.by_key.entry(document.paper.key.clone()).or_default().insert(number);
        self.documents.insert(number, document);
        Ok(number)
    }

    /// Writes and releases in one, under a key that the ERP itself keeps unique; answers with the document that is there. A key whose
    /// document was deleted is free again.
    pub fn post(&mut self, number: u64, paper: Paper, now: DateTime<Utc>) -> Result<u64, Refused> {
        if let Some(there) = self.of_key(&paper.key).next() {
            let differs = || Refused::Differs(serde_json::to_string(&there.paper).expect("plain data"));
            return if there.paper == paper { Ok(there.number) } else { Err(differs()) };
        }
        self.write(number, paper, now, 0)?;
        let released = self.release(number);
        if released.is_err() {
            self.discard(number);
        }
        released.map(|()| number)
    }

    /// Releasing a document again changes nothing and is done.
    pub fn release(&mut self, number: u64) -> Result<(), Refused> {
        let Some(document) = self.documents.get_mut(&number) else {
            return Err(Refused::Never(format!("there is no document {number}")));
        };
        match document.stage {
            Stage::Released => return Ok(()),
            Stage::Void => return Err(Refused::Never(format!("document {number} is void"))),
            Stage::Draft => {}
        }
        if self.closed.contains(&document.paper.date) {
            return Err(Refused::NotNow(format!("the period of {} is closed", document.paper.date)));
        }
        let mut invoices = document.paper.lines.iter().filter_map(|line| line.invoice.as_ref());
        if let Some(missing) = invoices.find(|invoice| !self.invoices.contains(*invoice)) {
            return Err(Refused::NotNow(format!("there is no invoice {missing}")));
        }
        document.stage = Stage::Released;
        self.released.push(number);
        Ok(())
    }

    /// What a search shows at that call.
    pub fn search(&self, key: &str, call: u64) -> Vec<Document> {
        self.of_key(key).filter(|it| it.shown_from <= call).cloned().collect()
    }

    pub fn read(&self, number: u64) -> Option<Document> {
        self.documents.get(&number).cloned()
    }

    pub fn drafts(&self, before: DateTime<Utc>) -> Vec<Document> {
        let is_old = |it: &&Document| it.stage == Stage::Draft && it.written_at < before;
        self.documents.values().filter(is_old).cloned().collect()
    }

    /// Deletes a draft. Anything else is left alone.
    pub fn discard(&mut self, number: u64) {
        if self.documents.get(&number).is_some_and(|it| it.stage == Stage::Draft) {
            self.documents.remove(&number);
        }
    }

    // What the auditor reads, and what persons at the ERP do.

    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    pub fn by_key(&self, key: &str, stage: Stage) -> Vec<u64> {
        self.of_key(key).filter(|it| it.stage == stage).map(|it| it.number).collect()
    }

    fn of_key(&self, key: &str) -> impl Iterator<Item = &Document> {
        self.by_key.get(key).into_iter().flatten().filter_map(|number| self.documents.get(number))
    }

    pub fn add_invoice(&mut self, invoice: &str) {
        self.invoices.insert(invoice.to_owned());
    }

    pub fn close(&mut self, day: NaiveDate) {
        self.closed.insert(day);
    }

    pub fn open(&mut self, day: NaiveDate) {
        self.closed.remove(&day);
    }

    pub fn void(&mut self, number: u64) {
        if let Some(document) = self.documents.get_mut(&number) {
            document.stage = Stage::Void;
        }
    }

    /// Moves one unit of money from the second line to the first.
    pub fn edit(&mut self, number: u64) {
        if let Some(document) = self.documents.get_mut(&number) {
            document.paper.lines[0].amount += Decimal::ONE;
            document.paper.lines[1].amount -= Decimal::ONE;
        }
    }

    pub fn delete(&mut self, number: u64) {
        self.documents.remove(&number);
        self.released.retain(|it| *it != number);
    }
}
