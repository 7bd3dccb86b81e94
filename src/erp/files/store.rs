//! What was taken and dropped: a small store of its own, in one file beside the files.
//!
//! | table | what |
//! |---|---|
//! | `taken` | key → receipt and SHA-256 of the payload |
//! | `file` | sequence → name, hash and fate of a file, as JSON |
//! | `content` | sequence → its bytes, until nobody can want them again |
//! | `awaited` | sequences that are not acknowledged |
//! | `line` | day and order → a line that is in no statement yet, as JSON |
//! | `times` | base of a line's id → how many lines have it |
//! | `fact` | name → text: whose store it is, balance and last day of the account |

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use redb::{Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::failure::{at_commit, of_store};
use crate::erp::ErpError;
use crate::model::ids::MerchantId;

const TAKEN: TableDefinition<'_, &str, (&str, [u8; 32])> = TableDefinition::new("taken");
const FILE: TableDefinition<'_, u64, &str> = TableDefinition::new("file");
const CONTENT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("content");
const AWAITED: TableDefinition<'_, u64, ()> = TableDefinition::new("awaited");
const LINE: TableDefinition<'_, (&str, u64), &str> = TableDefinition::new("line");
const TIMES: TableDefinition<'_, &str, u64> = TableDefinition::new("times");
const FACT: TableDefinition<'_, &str, &str> = TableDefinition::new("fact");

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub reference: String,
    pub payload_sha256: [u8; 32],
}

/// One file that was dropped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Dropped {
    pub name: String,
    /// Of its bytes, in hex.
    pub sha256: String,
    /// That of the file before it; empty for the first.
    pub previous: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whose money is in it; where it is of several, the first.
    pub merchant: MerchantId,
    pub acknowledged_at: Option<DateTime<Utc>>,
}

/// The store, open.
#[derive(Debug)]
pub(super) struct Store {
    database: Database,
    path: PathBuf,
}

impl Store {
    /// Opens the store at `path`, or makes it.
    pub fn open(path: &Path) -> Result<Self, ErpError> {
        let database = Database::create(path).map_err(|error| of_store(path, error.into()))?;
        let store = Self { database, path: path.to_owned() };
        // A table that was never written cannot be read.
        let is_new = store.read(|reading| Ok(reading.list_tables()?.next().is_none()))?;
        if is_new {
            store.write(Writing::make_tables)?;
        }
        Ok(store)
    }

    fn read<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, ErpError> {
        let read = || work(&self.database.begin_read()?);
        read().map_err(|error| of_store(&self.path, error))
    }

    /// All or nothing, and on the disk when it returns.
    ///
    /// # Errors
    /// [`ErpError::AnswerLost`] where the commit itself failed.
    pub fn write<T>(&self, work: impl FnOnce(&Writing) -> Result<T, redb::Error>) -> Result<T, ErpError> {
        let begin = self.database.begin_write().map_err(redb::Error::from);
        let writing = Writing(begin.map_err(|error| of_store(&self.path, error))?);
        let done = work(&writing).map_err(|error| of_store(&self.path, error))?;
        writing.0.commit().map_err(|error| at_commit(&self.path, &error))?;
        Ok(done)
    }

    /// What is known of each of these keys.
    pub fn taken(&self, keys: &[&str]) -> Result<Vec<Option<Taken>>, ErpError> {
        self.read(|reading| {
            let table = reading.open_table(TAKEN)?;
            let mut answers = Vec::with_capacity(keys.len());
            for key in keys {
                answers.push(table.get(*key)?.map(|held| {
                    let (reference, payload_sha256) = held.value();
                    Taken { reference: reference.to_owned(), payload_sha256 }
                }));
            }
            Ok(answers)
        })
    }

    /// The number and the record of the last file.
    pub fn last(&self) -> Result<Option<(u64, Dropped)>, ErpError> {
        self.read(|reading| {
            let table = reading.open_table(FILE)?;
            let last = table.last()?;
            Ok(last.map(|(sequence, text)| (sequence.value(), dropped(text.value()))))
        })
    }

    pub fn file(&self, sequence: u64) -> Result<Option<Dropped>, ErpError> {
        self.read(|reading| Ok(reading.open_table(FILE)?.get(sequence)?.map(|text| dropped(text.value()))))
    }

    pub fn content(&self, sequence: u64) -> Result<Option<Vec<u8>>, ErpError> {
        self.read(|reading| Ok(reading.open_table(CONTENT)?.get(sequence)?.map(|bytes| bytes.value().to_vec())))
    }

    /// What is not acknowledged, oldest first.
    pub fn awaited(&self) -> Result<Vec<(u64, Dropped)>, ErpError> {
        self.read(|reading| {
            let (awaited, files) = (reading.open_table(AWAITED)?, reading.open_table(FILE)?);
            let mut found = Vec::new();
            for row in awaited.iter()? {
                let sequence = row?.0.value();
                found.extend(files.get(sequence)?.map(|text| (sequence, dropped(text.value()))));
            }
            Ok(found)
        })
    }

    /// Lines that are in no statement, by day and order.
    pub fn lines(&self) -> Result<Vec<(String, u64, String)>, ErpError> {
        self.read(|reading| {
            let mut lines = Vec::new();
            for row in reading.open_table(LINE)?.iter()? {
                let (place, text) = row?;
                let (day, order) = place.value();
                lines.push((day.to_owned(), order, text.value().to_owned()));
            }
            Ok(lines)
        })
    }

    pub fn fact(&self, name: &str) -> Result<Option<String>, ErpError> {
        self.read(|reading| Ok(reading.open_table(FACT)?.get(name)?.map(|text| text.value().to_owned())))
    }
}

/// One transaction under way.
pub(super) struct Writing(WriteTransaction);

impl Writing {
    fn make_tables(&self) -> Result<(), redb::Error> {
        self.0.open_table(TAKEN)?;
        self.0.open_table(FILE)?;
        self.0.open_table(CONTENT)?;
        self.0.open_table(AWAITED)?;
        self.0.open_table(LINE)?;
        self.0.open_table(TIMES)?;
        self.0.open_table(FACT)?;
        Ok(())
    }

    pub fn take(&self, key: &str, taken: &Taken) -> Result<(), redb::Error> {
        self.0.open_table(TAKEN)?.insert(key, (taken.reference.as_str(), taken.payload_sha256))?;
        Ok(())
    }

    /// Enters a file, which waits for its acknowledgement from then on.
    pub fn enter(&self, sequence: u64, file: &Dropped, bytes: &[u8]) -> Result<(), redb::Error> {
        self.0.open_table(FILE)?.insert(sequence, text(file).as_str())?;
        self.0.open_table(CONTENT)?.insert(sequence, bytes)?;
        self.0.open_table(AWAITED)?.insert(sequence, ())?;
        Ok(())
    }

    /// Nothing more is expected of a file, and its bytes are let go.
    pub fn close(&self, sequence: u64, file: &Dropped) -> Result<(), redb::Error> {
        self.0.open_table(FILE)?.insert(sequence, text(file).as_str())?;
        self.0.open_table(CONTENT)?.remove(sequence)?;
        self.0.open_table(AWAITED)?.remove(sequence)?;
        Ok(())
    }

    /// How often the base of an id was used, with this time.
    pub fn count(&self, base: &str) -> Result<u64, redb::Error> {
        let mut table = self.0.open_table(TIMES)?;
        let times = table.get(base)?.map_or(0, |times| times.value()) + 1;
        table.insert(base, times)?;
        Ok(times)
    }

    /// Adds a line behind all others of its day.
    pub fn add_line(&self, day: &str, line: &str) -> Result<(), redb::Error> {
        let mut table = self.0.open_table(LINE)?;
        let last = table.range((day, 0)..=(day, u64::MAX))?.next_back().transpose()?;
        let order = last.map_or(0, |(place, _)| place.value().1 + 1);
        table.insert((day, order), line)?;
        Ok(())
    }

    pub fn remove_line(&self, day: &str, order: u64) -> Result<(), redb::Error> {
        self.0.open_table(LINE)?.remove((day, order))?;
        Ok(())
    }

    pub fn note(&self, name: &str, value: &str) -> Result<(), redb::Error> {
        self.0.open_table(FACT)?.insert(name, value)?;
        Ok(())
    }
}

fn dropped(text: &str) -> Dropped {
    serde_json::from_str(text).expect("the store holds what was written")
}

fn text(file: &Dropped) -> String {
    serde_json::to_string(file).expect("plain data")
}
