//! The battery, unchanged, on every form of file. What is in the books is what a consumer reads.

#![expect(clippy::print_stderr, reason = "a report is worth reading")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::conformance::{Subject, battery};
use paystand_sync::erp::files::{Files, Form};
use paystand_sync::erp::{Delivery, Erp, ErpError};
use secrecy::SecretString;
use tempfile::TempDir;

use super::reader::Reader;
use super::{forms, settings};
use crate::harness::Database;

/// Further ahead than the battery's clock comes, so that all of its days are over.
const AHEAD: TimeDelta = TimeDelta::days(400);

#[derive(Debug)]
struct Folder {
    directory: TempDir,
    form: Form,
    reader: Reader,
    days: AtomicI64,
}

impl Folder {
    fn new(form: Form) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let reader = Reader::of(directory.path());
        Self { directory, form, reader, days: AtomicI64::new(0) }
    }

    fn files(&self) -> Files {
        Files::new(settings(self.directory.path(), self.form.clone()), Arc::new(SystemClock::new()))
    }
}

#[async_trait]
impl Subject for Folder {
    async fn adapter(&self) -> Result<Arc<dyn Erp>, ErpError> {
        Ok(Arc::new(self.files()))
    }

    /// A bank account shows what it took once the day is over; every look is a day later.
    async fn live(&self, delivery: &Delivery) -> Result<Vec<String>, ErpError> {
        let days = TimeDelta::days(self.days.fetch_add(1, Ordering::SeqCst));
        self.files().tend(SystemClock::new().now() + AHEAD + days).await?;
        Ok(self.reader.places(match self.form {
            Form::Statement(..) => &delivery.key,
            Form::Csv | Form::JsonLines(_) => &delivery.erp_key,
        }))
    }
}

#[tokio::test]
async fn every_form_of_file_passes() {
    for form in forms() {
        let database = Database::fresh().await;
        let folder = Folder::new(form);
        let url = SecretString::from(database.url.clone());
        let report = battery(&url, "mr1", &folder).await.expect("the battery begins");
        let read = folder.reader.all();
        eprintln!("{:?}: {} files\n{report}", folder.form, read.files);
        assert!(report.has_passed(), "{:?}\n{report}", folder.form);
    }
}
