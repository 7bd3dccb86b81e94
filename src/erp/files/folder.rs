//! The folder while one process has it: recovery when it is opened, and how a file gets into it.
//!
//! ```text
//! .paystand-sync/<name>.part   written and synced, with its folder     a part that the store does not know is deleted
//! store                        committed: the point of no return
//! <name>                       the part renamed                        a part that the store knows is renamed
//! ```
//!
//! A part that is gone was renamed: nothing else of ours takes a known one away. So a file that its consumer has taken already is not
//! dropped again.

use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rustix::fs::Access;
use sha2::{Digest as _, Sha256};

use super::failure::{at, unfinished};
use super::naming::Name;
use super::rows::hex;
use super::settings::Settings;
use super::store::{Dropped, Store, Writing};
use super::{ack, err};
use crate::crash::{Point, crash_point};
use crate::erp::ErpError;
use crate::model::ids::MerchantId;

/// Our corner of the folder.
const CORNER: &str = ".paystand-sync";
/// Lies in the corner from the moment that the store was found older than the files, until a person has looked.
const STOPPED: &str = "STOPPED";

/// The folder, open and ours alone.
#[derive(Debug)]
pub(super) struct Folder {
    settings: Arc<Settings>,
    store: Store,
    /// Declared last: held until the store is closed.
    _lock: Lock,
}

/// The lock of a folder. It is given back in words: a child that was forked meanwhile holds a copy of the file until it runs its program.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::debug!(%error, "the lock goes with its file");
        }
    }
}

/// What a file says of itself at its top.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub label: String,
    pub sequence: u64,
    pub created: DateTime<Utc>,
    /// SHA-256 of the file before it, in hex; empty for the first.
    pub previous: String,
}

/// What is known of a file before it is written.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// In its name.
    pub day: NaiveDate,
    pub at: DateTime<Utc>,
    pub merchant: MerchantId,
}

/// The lock of the folder; `None` while somebody else has it.
pub(super) fn try_lock(settings: &Settings) -> Result<Option<Lock>, ErpError> {
    let corner = settings.folder.join(CORNER);
    if !corner.is_dir() {
        for folder in [&settings.folder.join("ack"), &settings.folder.join("err"), &corner] {
            make_folder(folder)?;
        }
    }
    let path = corner.join("lock");
    let lock = File::options().create(true).append(true).open(&path).map_err(at(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(Lock(lock))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

/// Whatever is missing above it is a person's business: an unmounted disk must not be written beneath.
fn make_folder(path: &Path) -> Result<(), ErpError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(at(path.parent().unwrap_or(path))(error)),
        outcome => outcome.map_err(at(path)),
    }
}

impl Folder {
    /// Opens the store and finishes what was cut off.
    pub fn open(settings: Arc<Settings>, lock: Lock) -> Result<Self, ErpError> {
        let corner = settings.folder.join(CORNER);
        refuse_stopped(&corner)?;
        let path = corner.join("store.redb");
        if !path.exists() {
            // Nothing is known, so a file of ours shows that the store is lost. It is not made anew.
            refuse_unknown(&settings, &corner, |_| Ok(None))?;
        }
        let folder = Self { store: Store::open(&path)?, settings, _lock: lock };
        folder.refuse_others()?;
        folder.recover()?;
        Ok(folder)
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether files can be written and moved here at all, and whether the store knows all that lie here.
    pub fn check(&self) -> Result<(), ErpError> {
        self.refuse_unknown()?;
        for folder in [ack(&self.settings), err(&self.settings)] {
            make_folder(&folder)?;
        }
        // Asked and not tried: a consumer may take whatever appears in its folder.
        let may_write = rustix::fs::access(&self.settings.folder, Access::WRITE_OK | Access::EXEC_OK);
        may_write.map_err(|error| at(&self.settings.folder)(error.into()))
    }

    /// Drops one file: `compose` makes its bytes, `enter` writes beside it into the store. Returns its name.
    pub fn drop_file(
        &mut self,
        order: &Order,
        compose: impl FnOnce(&Head) -> Vec<u8>,
        enter: impl FnOnce(&Writing, &str) -> Result<(), redb::Error>,
    ) -> Result<String, ErpError> {
        self.refuse_unknown()?;
        let last = self.store.last()?;
        let sequence = last.as_ref().map_or(0, |(sequence, _)| *sequence) + 1;
        let previous = last.map(|(_, file)| file.sha256).unwrap_or_default();
        let label = self.settings.label();
        let head = Head { label: label.clone(), sequence, created: order.at, previous: previous.clone() };
        let bytes = compose(&head);
        let sha256 = hex(&Sha256::digest(&bytes));
        let extension = self.settings.extension().to_owned();
        let name = Name { label, day: order.day, sequence, sha256: sha256[..8].to_owned(), extension }.to_string();
        let part = self.part(&name);
        self.write_part(&part, &bytes).inspect_err(|_| drop(fs::remove_file(&part)))?;
        crash_point(Point::PartWritten);
        let (merchant, at) = (order.merchant.clone(), order.at);
        let file = Dropped { name: name.clone(), sha256, previous, at, merchant, acknowledged_at: None };
        self.store.write(|writing| {
            writing.enter(sequence, &file, &bytes)?;
            enter(writing, &name)
        })?;
        crash_point(Point::Entered);
        self.show(&name).map_err(unfinished(&self.settings.folder))?;
        Ok(name)
    }

    /// Puts a file there again that got lost on the consumer's side.
    pub fn drop_again(&mut self, sequence: u64) -> Result<String, ErpError> {
        let missing = || ErpError::Misfit { reason: format!("the content of file {sequence} is not kept here") };
        let file = self.store.file(sequence)?.ok_or_else(missing)?;
        let bytes = self.store.content(sequence)?.ok_or_else(missing)?;
        if let Some(place) = self.places(&file.name).into_iter().find(|path| path.exists()) {
            return Err(ErpError::Misfit { reason: format!("{} is still there", place.display()) });
        }
        self.write_part(&self.part(&file.name), &bytes)?;
        self.show(&file.name).map_err(at(&self.settings.folder))?;
        Ok(file.name)
    }

    /// Whoever may read the folder may read its files, whatever the umask of this service keeps to itself.
    fn write_part(&self, part: &Path, bytes: &[u8]) -> Result<(), ErpError> {
        write_synced(part, bytes)?;
        let folder = &self.settings.folder;
        let mode = fs::metadata(folder).map_err(at(folder))?.permissions().mode() & 0o666;
        fs::set_permissions(part, Permissions::from_mode(mode)).map_err(at(part))?;
        File::open(part).and_then(|file| file.sync_all()).map_err(at(part))
    }

    /// The rename that makes a file appear.
    fn show(&self, name: &str) -> io::Result<()> {
        fs::rename(self.part(name), self.settings.folder.join(name))?;
        crash_point(Point::Shown);
        sync_folder(&self.settings.folder)?;
        sync_folder(&self.corner())
    }

    /// Renames the part that the store knows, and deletes all others.
    fn recover(&self) -> Result<(), ErpError> {
        let corner = self.corner();
        for name in names(&corner)? {
            let Some(name) = name.strip_suffix(".part") else { continue };
            let known = match Name::parse(name) {
                Some(parsed) => self.store.file(parsed.sequence)?.is_some_and(|file| file.name == name),
                None => false,
            };
            if known && !self.places(name).iter().any(|path| path.exists()) {
                self.show(name).map_err(unfinished(&self.settings.folder))?;
                tracing::info!(file = name, "a file that was cut off is dropped");
            } else {
                let part = self.part(name);
                fs::remove_file(&part).map_err(at(&part))?;
            }
        }
        Ok(())
    }

    /// Where a file may lie.
    pub fn places(&self, name: &str) -> [PathBuf; 3] {
        [self.settings.folder.clone(), ack(&self.settings), err(&self.settings)].map(|folder| folder.join(name))
    }

    /// One folder, one adapter: two would share sequence and lock.
    fn refuse_others(&self) -> Result<(), ErpError> {
        let (target, known) = (self.settings.target(), self.store.fact("target")?);
        match known {
            Some(known) if known != target => Err(ErpError::Misfit {
                reason: format!("the folder belongs to another adapter ({known}); give this one a folder of its own"),
            }),
            Some(_) => Ok(()),
            None => self.store.write(|writing| writing.note("target", &target)),
        }
    }

    fn refuse_unknown(&self) -> Result<(), ErpError> {
        refuse_unknown(&self.settings, &self.corner(), |sequence| self.store.file(sequence))
    }

    fn corner(&self) -> PathBuf {
        self.settings.folder.join(CORNER)
    }

    fn part(&self, name: &str) -> PathBuf {
        self.corner().join(format!("{name}.part"))
    }
}

/// A file of ours that the store does not know shows that the store is lost or an older copy. Its next number may have been used, so
/// nothing is dropped any more until a person has looked, wherever that file goes.
fn refuse_unknown(
    settings: &Settings,
    corner: &Path,
    known: impl Fn(u64) -> Result<Option<Dropped>, ErpError>,
) -> Result<(), ErpError> {
    let label = settings.label();
    for folder in [settings.folder.clone(), ack(settings), err(settings)] {
        let listed = match names(&folder) {
            Err(_) if !folder.exists() && folder != settings.folder => continue,
            listed => listed?,
        };
        for text in listed {
            let Some(name) = Name::parse(&text).filter(|name| name.label == label) else { continue };
            if known(name.sequence)?.is_none_or(|file| file.name != text) {
                let path = corner.join(STOPPED);
                write_synced(&path, text.as_bytes())?;
                return refuse_stopped(corner);
            }
        }
    }
    Ok(())
}

fn refuse_stopped(corner: &Path) -> Result<(), ErpError> {
    let path = corner.join(STOPPED);
    let Ok(name) = fs::read_to_string(&path) else { return Ok(()) };
    let corner = corner.display();
    Err(ErpError::Misfit {
        reason: format!(
            "{name} was dropped here, and {corner} does not know it: that folder is lost or an older copy, and a sequence \
             number might come twice. Put its newest copy back and delete {}; or begin in an empty folder",
            path.display()
        ),
    })
}

fn names(folder: &Path) -> Result<Vec<String>, ErpError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    let mut names = Vec::new();
    for entry in entries {
        // A name that is no text is none of ours.
        names.extend(entry.map_err(at(folder))?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), ErpError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        sync_folder(path.parent().unwrap_or(path))
    };
    write().map_err(at(path))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
