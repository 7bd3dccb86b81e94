//! The adapter `files`: complete files in a folder that somebody else reads (`docs/files.md`).
//!
//! - A file appears under its name whole or not at all: written apart, synced, entered in the store, renamed, and the folder synced.
//!   The entry in the store is the point of no return; what was cut off behind it is finished by whoever comes next.
//! - What was dropped is told by the store beside the folder (`store`), never by our own database: a sequence number never comes again
//!   with other content, whatever older copy of our database is restored.
//! - One process at a time has the folder, by a lock; the others are told to come again.
//!
//! A call of [`Keyed::write`] makes one file of all that is new. A bank account is no journal: it takes the lines of its role and makes
//! statements of whole days in [`Erp::tend`] (`statement`).
//!
//! Imports `model`, the trait, and of `normalize` only the mask.

mod delimited;
mod failure;
mod folder;
mod json_lines;
mod naming;
mod rows;
mod settings;
mod statement;
mod store;
mod watch;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::erp::{Alarm, Capabilities, Delivery, Erp, ErpError, Keyed, Outcome, Posting, Receipt, Refusal, Wants};
use folder::{Folder, Lock, Order};
use store::Taken;

pub use settings::{Account, Content, Dialect, Form, Settings};

/// Deliveries in one call, and so in one file.
const BATCH_MAX: usize = 500;

/// A step on a disk takes no longer; what a process leaves behind that dies is finished or dropped when the folder is opened.
const SETTLES_WITHIN: Duration = Duration::from_mins(1);

/// How long a call waits while another process has the folder, and how often it looks.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
const LOCK_ATTEMPTS: u32 = 500;

/// One drop folder.
#[derive(Debug, Clone)]
pub struct Files {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
}

impl Files {
    #[must_use]
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { settings: Arc::new(settings), clock }
    }

    /// Puts a file that was dropped before into the folder once more, byte for byte, where neither the folder nor the consumer has it.
    ///
    /// # Errors
    /// [`ErpError::Misfit`] where there is no such file, or its content is not kept any more.
    pub async fn drop_again(&self, sequence: u64) -> Result<String, ErpError> {
        self.at_folder(move |folder| folder.drop_again(sequence)).await
    }

    /// Has the folder to itself, and works there apart from the async threads: disks block.
    async fn at_folder<T, W>(&self, work: W) -> Result<T, ErpError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Folder) -> Result<T, ErpError> + Send + 'static,
    {
        let settings = Arc::clone(&self.settings);
        let lock = self.lock().await?;
        let done = tokio::task::spawn_blocking(move || work(&mut Folder::open(settings, lock)?)).await;
        done.unwrap_or_else(|died| Err(ErpError::AnswerLost { reason: died.to_string() }))
    }

    async fn lock(&self) -> Result<Lock, ErpError> {
        for _ in 0..LOCK_ATTEMPTS {
            if let Some(lock) = folder::try_lock(&self.settings)? {
                return Ok(lock);
            }
            self.clock.sleep(LOCK_PAUSE).await;
        }
        let folder = self.settings.folder.display();
        Err(ErpError::Unreachable { reason: format!("another process is at work in {folder}") })
    }
}

#[async_trait]
impl Erp for Files {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            wants: self.settings.form.wants(),
            atomic_batch: true,
            searches: true,
            batch_max: BATCH_MAX,
            settles_within: SETTLES_WITHIN,
        }
    }

    fn target(&self) -> String {
        self.settings.target()
    }

    fn posting(&self) -> Posting<'_> {
        Posting::Keyed(self)
    }

    async fn prepare(&self) -> Result<(), ErpError> {
        self.at_folder(|folder| folder.check()).await
    }

    /// Finishes what was cut off, makes the statements of the days that are over, and looks for acknowledgements.
    async fn tend(&self, now: DateTime<Utc>) -> Result<Vec<Alarm>, ErpError> {
        self.at_folder(move |folder| {
            if let Form::Statement(dialect, account) = &folder.settings().form.clone() {
                statement::issue(folder, *dialect, account, now)?;
            }
            watch::watch(folder, now)
        })
        .await
    }
}

#[async_trait]
impl Keyed for Files {
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError> {
        let deliveries = deliveries.to_vec();
        self.at_folder(move |folder| held(folder, &deliveries)).await
    }

    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError> {
        let (deliveries, now) = (deliveries.to_vec(), self.clock.now());
        self.at_folder(move |folder| {
            let found = held(folder, &deliveries)?;
            let (mut outcomes, new) = sorted(folder.settings(), &deliveries, found);
            let news: Vec<&Delivery> = new.iter().map(|place| &deliveries[*place]).collect();
            if !news.is_empty() {
                let receipts = match &folder.settings().form.clone() {
                    Form::Statement(_, account) => statement::take(folder, account, &news)?,
                    Form::Csv | Form::JsonLines(_) => drop_file(folder, &news, now)?,
                };
                for (place, reference) in new.into_iter().zip(receipts) {
                    outcomes[place] = Some(Ok(Receipt { reference }));
                }
            }
            Ok(outcomes.into_iter().map(|outcome| outcome.expect("each is known, refused or new")).collect())
        })
        .await
    }
}

/// What was taken of each of them before.
fn held(folder: &Folder, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError> {
    let outcome = |(delivery, taken): (&Delivery, Option<Taken>)| {
        let taken = taken?;
        if taken.payload_sha256 == delivery.payload_sha256().0 {
            return Some(Ok(Receipt { reference: taken.reference }));
        }
        let sha256 = rows::hex(&taken.payload_sha256);
        Some(Err(Refusal::Differs { held: format!("{} with the payload sha256 {sha256}", taken.reference) }))
    };
    let keys: Vec<&str> = deliveries.iter().map(|delivery| delivery.erp_key.as_str()).collect();
    let taken = folder.store().taken(&keys)?;
    Ok(deliveries.iter().zip(taken).map(outcome).collect())
}

/// What is known or refused, and the places of what is new. Behind a refusal nothing new about the same money is taken.
fn sorted(
    settings: &Settings,
    deliveries: &[Delivery],
    found: Vec<Option<Outcome>>,
) -> (Vec<Option<Outcome>>, Vec<usize>) {
    let (mut outcomes, mut new, mut stopped) = (Vec::with_capacity(found.len()), Vec::new(), HashSet::new());
    for (place, (delivery, found)) in deliveries.iter().zip(found).enumerate() {
        let root = delivery.root.as_ref().map(|root| (delivery.merchant.as_str(), root.as_str()));
        let outcome = match found {
            None if root.is_some_and(|root| stopped.contains(&root)) => Some(Err(Refusal::NotTried)),
            None => settings.form.refuses(delivery).map(|reason| Err(Refusal::Never { reason })),
            found => found,
        };
        match &outcome {
            None => new.push(place),
            Some(Ok(_)) => {}
            Some(Err(_)) => stopped.extend(root),
        }
        outcomes.push(outcome);
    }
    (outcomes, new)
}

/// One file of all of them. Returns where each of them stands in it.
fn drop_file(folder: &mut Folder, deliveries: &[&Delivery], now: DateTime<Utc>) -> Result<Vec<String>, ErpError> {
    let settings = folder.settings();
    let (sheet, is_csv) = (rows::Sheet::of(deliveries, settings), matches!(settings.form, Form::Csv));
    let order = Order { day: now.date_naive(), at: now, merchant: deliveries[0].merchant.clone() };
    let places = sheet.places.clone();
    let reference = |name: &str, place: usize| format!("{name}#{place}");
    let dropped = folder.drop_file(
        &order,
        |head| if is_csv { delimited::text(head, &sheet) } else { json_lines::text(head, &sheet) },
        |writing, name| {
            for (delivery, place) in deliveries.iter().zip(&places) {
                let taken = Taken { reference: reference(name, *place), payload_sha256: delivery.payload_sha256().0 };
                writing.take(&delivery.erp_key, &taken)?;
            }
            Ok(())
        },
    )?;
    Ok(places.iter().map(|place| reference(&dropped, *place)).collect())
}

/// Files that lie where a consumer puts them.
fn ack(settings: &Settings) -> PathBuf {
    settings.folder.join("ack")
}

fn err(settings: &Settings) -> PathBuf {
    settings.folder.join("err")
}

impl Form {
    fn wants(&self) -> Wants {
        let content = match self {
            Form::Csv | Form::Statement(..) => Content::Entries,
            Form::JsonLines(content) => *content,
        };
        Wants {
            documents: content == Content::Documents,
            events: content == Content::Events,
            entries: content == Content::Entries,
            notices: false,
        }
    }

    /// Why it will never take a delivery.
    fn refuses(&self, delivery: &Delivery) -> Option<String> {
        match self {
            Form::Csv | Form::JsonLines(_) => None,
            Form::Statement(_, account) => statement::refuses(account, delivery),
        }
    }
}
