//! What consumers say of files: a file of the same name in `ack/` is acknowledged, one in `err/` rejected. That a file is gone says
//! nothing.

use chrono::{DateTime, TimeDelta, Utc};

use super::folder::Folder;
use super::store::Dropped;
use crate::erp::{Alarm, AlarmKind, ErpError};

/// Files that a person is shown of a kind, oldest first: a consumer that stands still must not flood the list.
const SHOWN_MAX: usize = 20;

/// How long a file is kept and looked for that nobody acknowledges.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Notes what is acknowledged; returns what is late, or rejected.
pub(super) fn watch(folder: &Folder, now: DateTime<Utc>) -> Result<Vec<Alarm>, ErpError> {
    let ack_within = folder.settings().ack_within.map(|within| TimeDelta::from_std(within).unwrap_or(TimeDelta::MAX));
    let mut closed = Vec::new();
    let (mut late, mut rejected) = (Vec::new(), Vec::new());
    for (sequence, file) in folder.store().awaited()? {
        let [_, ack, err] = folder.places(&file.name);
        let age = now - file.at;
        if ack.exists() {
            closed.push((sequence, Dropped { acknowledged_at: Some(now), ..file }));
        } else if err.exists() {
            rejected.push(alarm(&file, AlarmKind::RejectedFile, "was rejected: it lies in err/"));
        } else if ack_within.is_some_and(|within| age > within) {
            let since = file.at.format("%Y-%m-%d %H:%M UTC");
            let said = format!("was dropped {since} and is not acknowledged");
            late.push(alarm(&file, AlarmKind::UnacknowledgedFile, &said));
        } else if ack_within.is_none() && age > KEPT {
            closed.push((sequence, file));
        }
    }
    if !closed.is_empty() {
        folder
            .store()
            .write(|writing| closed.iter().try_for_each(|(sequence, file)| writing.close(*sequence, file)))?;
    }
    late.truncate(SHOWN_MAX);
    rejected.truncate(SHOWN_MAX);
    Ok(late.into_iter().chain(rejected).collect())
}

fn alarm(file: &Dropped, kind: AlarmKind, said: &str) -> Alarm {
    Alarm { merchant: file.merchant.clone(), kind, subject: file.name.clone(), detail: format!("{} {said}", file.name) }
}
