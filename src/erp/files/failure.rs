//! What a disk or the store answers, as a failed call and what to do about it.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::erp::ErpError;

/// A step on `path` that failed before anything was dropped.
pub(super) fn at(path: &Path) -> impl Fn(Error) -> ErpError + '_ {
    move |error| of(path, &error)
}

fn of(path: &Path, error: &Error) -> ErpError {
    let shown = path.display();
    match error.kind() {
        ErrorKind::NotFound => ErpError::Misfit {
            reason: format!("{shown} is not there; create the folder, or mount it, and let this service write to it"),
        },
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => ErpError::Misfit {
            reason: format!(
                "{shown} is not writable ({error}); give the user of this service the right to write there, and under \
                 systemd add ReadWritePaths= for it"
            ),
        },
        ErrorKind::NotADirectory => {
            ErpError::Misfit { reason: format!("{shown} is no folder; name a folder as `folder`") }
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ErpError::Unreachable {
            reason: format!("no space is left for {shown} ({error}); free some, and it goes on by itself"),
        },
        _ => ErpError::Unreachable { reason: format!("{shown}: {error}") },
    }
}

/// A step that failed behind the point of no return: whoever opens the folder next finishes it.
pub(super) fn unfinished(path: &Path) -> impl Fn(Error) -> ErpError + '_ {
    move |error| ErpError::AnswerLost { reason: format!("{}: {error}", path.display()) }
}

/// The store could not be read, or not be written before its commit.
pub(super) fn of_store(path: &Path, error: redb::Error) -> ErpError {
    match error {
        redb::Error::Io(error) => of(path, &error),
        redb::Error::Corrupted(reason) => ErpError::Misfit {
            reason: format!("{} is damaged ({reason}); put the newest copy of it back", path.display()),
        },
        redb::Error::DatabaseAlreadyOpen => {
            ErpError::Unreachable { reason: format!("another program has {} open", path.display()) }
        }
        other => ErpError::Unreachable { reason: format!("{}: {other}", path.display()) },
    }
}

/// Nobody knows whether the commit holds.
pub(super) fn at_commit(path: &Path, error: &redb::CommitError) -> ErpError {
    ErpError::AnswerLost { reason: format!("{}: {error}", path.display()) }
}
