//! What may go wrong around a drop folder: a second process, a lost store, a full, read-only or missing disk, a consumer that is silent.

#![expect(clippy::print_stderr, reason = "what could not be tried here is worth reading")]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use paystand_sync::clock::{Clock as _, ManualClock};
use paystand_sync::config::Environment;
use paystand_sync::engine::deliver::{Bench, Courier};
use paystand_sync::erp::files::{Content, Dialect, Files, Form, Settings};
use paystand_sync::erp::{Delivery, Erp as _, ErpError, Keyed as _, Refusal};
use paystand_sync::model::ids::AdapterName;
use paystand_sync::model::journal::Role;
use paystand_sync::store::lease::Presence;
use paystand_sync::store::{Bounds, Store};
use secrecy::SecretString;
use tempfile::TempDir;

use super::reader::Reader;
use super::{settings, statement};
use crate::harness::{Database, column};
use crate::tryton::acme::{delivery, entry, line};

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2026-05-12T16:00:00Z".parse().expect("an instant")))
}

fn csv(folder: &Path) -> Files {
    Files::new(settings(folder, Form::Csv), clock())
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// An entry of two lines.
fn paid(key: &str, amount: &str) -> Delivery {
    let date = NaiveDate::from_ymd_opt(2026, 5, 12).expect("a date");
    let lines = vec![line(Role::Bank, amount, "-", "-"), line(Role::Clearing, &format!("-{amount}"), "C-1", "-")];
    delivery(&entry(key, date, lines))
}

async fn write(files: &Files, deliveries: &[Delivery]) -> Vec<String> {
    let outcomes = files.write(deliveries).await.expect("written");
    outcomes.into_iter().map(|outcome| outcome.expect("taken").reference).collect()
}

fn dropped(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| name.starts_with("PSX_"));
    names.sort();
    names
}

fn reason(error: &ErpError) -> String {
    error.to_string()
}

#[tokio::test]
async fn text_that_a_spreadsheet_would_run_is_read_back_as_it_was() {
    let folder = folder();
    let files = csv(folder.path());
    let mut entry = entry("payment:pm1:posted/1", NaiveDate::from_ymd_opt(2026, 5, 12).expect("a date"), Vec::new());
    entry.lines = vec![
        line(Role::Clearing, "12.00", "=HYPERLINK(\"http://x\";\"y\")", "'=1"),
        line(Role::UnappliedCash, "-12.00", "+1,\"quoted\"\r\nsecond line", "@SUM(A1)"),
    ];
    entry.memo = "-3 Müller, \"Söhne\"\tund Töchter".to_owned();
    write(&files, &[delivery(&entry)]).await;
    let path = folder.path().join(&dropped(folder.path())[0]);
    let script =
        "import csv,json,sys; print(json.dumps(list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8')))))";
    let output = Command::new("python3").args(["-c", script]).arg(&path).output().expect("python3 is installed");
    let rows: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).expect("rows");
    let column = |name: &str| rows[1].iter().position(|cell| cell == name).expect("a column");
    let cell = |row: usize, name: &str| rows[row][column(name)].clone();
    assert_eq!(cell(2, "customer_ref"), "'=HYPERLINK(\"http://x\";\"y\")");
    assert_eq!(cell(2, "invoice_ref"), "''=1");
    assert_eq!(cell(3, "customer_ref"), "'+1,\"quoted\"\r\nsecond line");
    assert_eq!(cell(3, "invoice_ref"), "'@SUM(A1)");
    assert_eq!(cell(2, "memo"), "'-3 Müller, \"Söhne\"\tund Töchter");
    assert_eq!((cell(2, "debit"), cell(3, "credit")), ("12.00".to_owned(), "12.00".to_owned()));
}

#[tokio::test]
async fn a_key_with_another_payload_is_refused_and_what_comes_after_it_about_the_same_money_waits() {
    let folder = folder();
    let files = csv(folder.path());
    let first = write(&files, &[paid("transfer:tr1:paid/1", "10.00")]).await;
    let root = |delivery: Delivery| Delivery { root: Some("tr1".to_owned()), ..delivery };
    let batch = [
        root(paid("transfer:tr1:paid/1", "11.00")),
        root(paid("transfer:tr1:failed/1", "10.00")),
        paid("transfer:tr2:paid/1", "5.00"),
    ];
    let outcomes = files.write(&batch).await.expect("answered");
    let Err(Refusal::Differs { held }) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert!(held.contains(&first[0]), "{held}");
    assert_eq!(outcomes[1], Err(Refusal::NotTried));
    assert!(outcomes[2].is_ok());
    let read = Reader::of(folder.path()).all();
    assert_eq!((read.files, read.places.len()), (2, 2));
}

#[tokio::test]
async fn a_statement_refuses_lines_of_another_currency_and_takes_entries_without_a_line() {
    let folder = folder();
    let files = Files::new(settings(folder.path(), statement(Dialect::Ofx, Role::Bank)), clock());
    let mut foreign = entry("transfer:tr1:paid/1", NaiveDate::from_ymd_opt(2026, 5, 1).expect("a date"), Vec::new());
    foreign.currency = paystand_sync::model::money::Currency::parse("CAD").expect("three letters");
    foreign.lines = vec![line(Role::Bank, "1.00", "-", "-"), line(Role::Clearing, "-1.00", "-", "-")];
    let mut other = foreign.clone();
    other.key = "payment:pm1:posted/1".to_owned();
    other.lines.remove(0);
    let outcomes = files.write(&[delivery(&foreign), delivery(&other)]).await.expect("answered");
    let Err(Refusal::Never { reason }) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(reason, "the account 123456789 is kept in USD");
    assert_eq!(outcomes[1].as_ref().expect("taken").reference, "account 123456789: no line");
    files.tend(clock().now() + chrono::TimeDelta::days(30)).await.expect("tended");
    assert_eq!(dropped(folder.path()), Vec::<String>::new());
}

/// What comes late for a day that has its statement is in the next one.
#[tokio::test]
async fn a_late_line_is_in_the_next_statement_with_its_own_date() {
    let folder = folder();
    let files = Files::new(settings(folder.path(), statement(Dialect::Camt053, Role::Bank)), clock());
    let at = |text: &str| text.parse().expect("an instant");
    write(&files, &[paid("transfer:tr1:paid/1", "10.00")]).await;
    // In Los Angeles the day is over at 7:00 UTC, and complete six hours later.
    files.tend(at("2026-05-13T12:59:00Z")).await.expect("tended");
    assert_eq!(dropped(folder.path()).len(), 0);
    files.tend(at("2026-05-13T13:01:00Z")).await.expect("tended");
    assert_eq!(dropped(folder.path()).len(), 1);
    write(&files, &[paid("transfer:tr2:paid/1", "5.00")]).await;
    files.tend(at("2026-05-13T20:00:00Z")).await.expect("tended");
    assert_eq!(dropped(folder.path()).len(), 1, "the day has its statement");
    for _ in 0..2 {
        files.tend(at("2026-05-14T14:00:00Z")).await.expect("tended");
    }
    let statements: Vec<_> = Reader::of(folder.path()).all().statements.into_iter().flatten().collect();
    let days: Vec<&str> = statements.iter().map(|it| it.day.as_str()).collect();
    assert_eq!(days, ["20260512", "20260513"]);
    assert_eq!(statements[1].lines, [("transfer:tr2:paid/1".to_owned(), "2026-05-12".to_owned(), "5.00".to_owned())]);
    assert_eq!((statements[1].opening.as_str(), statements[1].closing.as_str()), ("1010.50", "1015.50"));
}

#[tokio::test]
async fn one_process_at_a_time_has_the_folder() {
    let folder = folder();
    let files = csv(folder.path());
    files.prepare().await.expect("prepared");
    let lock = File::open(folder.path().join(".paystand-sync/lock")).expect("the lock");
    lock.lock().expect("nobody has it");
    let error = files.write(&[paid("a/1", "1.00")]).await.expect_err("somebody has the folder");
    assert!(matches!(error, ErpError::Unreachable { .. }), "{error}");
    lock.unlock().expect("ours");
    write(&files, &[paid("a/1", "1.00")]).await;
    assert_eq!(Reader::of(folder.path()).all().files, 1);
}

#[tokio::test]
async fn another_adapter_is_refused_in_a_folder_that_is_taken() {
    let folder = folder();
    csv(folder.path()).prepare().await.expect("prepared");
    let other = Files::new(settings(folder.path(), Form::JsonLines(Content::Events)), clock());
    let error = reason(&other.prepare().await.expect_err("it is taken"));
    assert!(error.contains("belongs to another adapter") && error.contains("a folder of its own"), "{error}");
}

/// Without its memory, and with an older one, it says so and drops nothing, also when the file that showed it is gone.
#[tokio::test]
async fn a_lost_or_older_store_never_uses_a_number_again() {
    for is_older in [false, true] {
        let (folder, copy) = (folder(), folder());
        let files = csv(folder.path());
        write(&files, &[paid("a/1", "1.00")]).await;
        let store = folder.path().join(".paystand-sync/store.redb");
        fs::copy(&store, copy.path().join("older")).expect("copied");
        write(&files, &[paid("b/1", "1.00")]).await;
        fs::copy(&store, copy.path().join("newest")).expect("copied");
        if is_older {
            fs::copy(copy.path().join("older"), &store).expect("copied");
        } else {
            fs::remove_dir_all(folder.path().join(".paystand-sync")).expect("removed");
        }
        let names = dropped(folder.path());
        for round in 0..2 {
            let error = files.write(&[paid("c/1", "1.00")]).await.expect_err("the store is not to be trusted");
            assert!(matches!(error, ErpError::Misfit { .. }), "{error}");
            let error = reason(&error);
            assert!(error.contains("does not know it") && error.contains("Put its newest copy back"), "{error}");
            if round == 0 {
                for name in &names {
                    fs::rename(folder.path().join(name), copy.path().join(name)).expect("taken");
                }
            }
        }
        assert_eq!(dropped(folder.path()), Vec::<String>::new());
        // As it says.
        fs::copy(copy.path().join("newest"), &store).expect("copied");
        fs::remove_file(folder.path().join(".paystand-sync/STOPPED")).expect("removed");
        let receipts = write(&files, &[paid("c/1", "1.00")]).await;
        assert!(receipts[0].contains("_00000003_"), "{receipts:?}");
    }
}

#[tokio::test]
async fn a_file_is_dropped_again_byte_for_byte() {
    let folder = folder();
    let files = csv(folder.path());
    write(&files, &[paid("a/1", "1.00"), paid("b/1", "2.00")]).await;
    let name = dropped(folder.path()).remove(0);
    let path = folder.path().join(&name);
    let error = reason(&files.drop_again(1).await.expect_err("it is there"));
    assert!(error.contains("is still there"), "{error}");
    let bytes = fs::read(&path).expect("a file");
    fs::remove_file(&path).expect("lost");
    files.tend(clock().now()).await.expect("tended");
    assert_eq!(dropped(folder.path()), Vec::<String>::new(), "a file that is gone was taken");
    assert_eq!(files.drop_again(1).await.expect("dropped"), name);
    assert_eq!(fs::read(&path).expect("a file"), bytes);
    let missing = reason(&files.drop_again(2).await.expect_err("there is none"));
    assert!(missing.contains("is not kept here"), "{missing}");
}

#[tokio::test]
async fn who_may_read_the_folder_may_read_its_files() {
    for (of_folder, of_file) in [(0o750, 0o640), (0o770, 0o660), (0o700, 0o600)] {
        let folder = folder();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(of_folder)).expect("own directory");
        write(&csv(folder.path()), &[paid("a/1", "1.00")]).await;
        let path = folder.path().join(&dropped(folder.path())[0]);
        assert_eq!(fs::metadata(path).expect("a file").permissions().mode() & 0o777, of_file);
    }
}

/// A consumer that looks all the time, and takes what it has read.
#[tokio::test]
async fn a_consumer_never_sees_half_a_file() {
    let folder = folder();
    let files = csv(folder.path());
    files.prepare().await.expect("prepared");
    let path = folder.path().to_owned();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let consumer = std::thread::spawn(move || {
        let reader = Reader::of(&path);
        let mut looks = 0;
        while stopped.try_recv().is_err() {
            reader.all();
            looks += 1;
            if let Some(name) = dropped(&path).first() {
                fs::rename(path.join(name), path.join("ack").join(name)).expect("taken");
            }
        }
        looks
    });
    for number in 0..60 {
        let batch: Vec<Delivery> = (0..50).map(|row| paid(&format!("t{number}-{row}/1"), "1.00")).collect();
        write(&files, &batch).await;
    }
    stop.send(()).expect("it looks");
    let looks = consumer.join().expect("it saw whole files only");
    assert!(looks > 3, "it looked {looks} times");
    let read = Reader::of(folder.path()).all();
    assert_eq!((read.files, read.places.len()), (60, 3000));
}

/// Exceptions come and go with what the consumer says.
#[tokio::test]
async fn a_silent_consumer_and_a_rejected_file_are_exceptions_until_they_are_acknowledged() {
    let (folder, clock, database) = (folder(), clock(), Database::fresh().await);
    let settings = Settings { ack_within: Some(Duration::from_hours(24)), ..settings(folder.path(), Form::Csv) };
    let files = Arc::new(Files::new(settings, Arc::clone(&clock) as _));
    let bounds = Bounds { connections_max: 2, lease: Duration::from_hours(24 * 10) };
    let url = SecretString::from(database.url.clone());
    let store = Store::open(&url, bounds, Environment::Sandbox, clock.now()).await.expect("open");
    let presence = Presence::announce(&url, bounds, "test".to_owned()).await.expect("announced");
    let held = store.acquire("deliver/drop", &presence, &*clock).await.expect("answered").expect("free");
    let bench = Bench { store, clock: Arc::clone(&clock) as _, environment: Environment::Sandbox };
    let courier = Courier::new(AdapterName::new("drop"), Arc::clone(&files) as _, bench, held);
    let open = async || {
        courier.tend().await.expect("tended");
        let open = "select class || ' ' || subject from paystand_sync.exception where resolved_at is null order by 1";
        column(&database.pool, open).await
    };
    write(&files, &[paid("a/1", "1.00")]).await;
    write(&files, &[paid("b/1", "1.00")]).await;
    let [first, second] = &dropped(folder.path())[..] else { panic!("two files") };
    assert_eq!(open().await, Vec::<String>::new(), "there is time");
    // One is taken without a word, which says nothing; the other is rejected.
    fs::remove_file(folder.path().join(first)).expect("taken");
    fs::rename(folder.path().join(second), folder.path().join("err").join(second)).expect("rejected");
    assert_eq!(open().await, [format!("rejected_file drop/{second}")]);
    clock.advance(Duration::from_hours(25));
    let both = [format!("rejected_file drop/{second}"), format!("unacknowledged_file drop/{first}")];
    assert_eq!(open().await, both);
    fs::write(folder.path().join("ack").join(first), "").expect("acknowledged");
    assert_eq!(open().await, both[..1]);
    fs::rename(folder.path().join("err").join(second), folder.path().join("ack").join(second)).expect("acknowledged");
    assert_eq!(open().await, Vec::<String>::new());
    fs::remove_file(folder.path().join("ack").join(first)).expect("tidied up");
    assert_eq!(open().await, Vec::<String>::new(), "an acknowledgement is remembered");
}

#[tokio::test]
async fn a_missing_folder_is_named_with_what_to_do_and_used_when_it_is_there() {
    let parent = folder();
    let path = parent.path().join("mount/drop");
    let files = csv(&path);
    let error = files.prepare().await.expect_err("it is not there");
    assert!(matches!(error, ErpError::Misfit { .. }), "{error}");
    let error = reason(&error);
    assert!(error.contains(&format!("{} is not there; create the folder", path.display())), "{error}");
    assert!(!path.exists(), "an unmounted disk is not written beneath");
    fs::create_dir_all(&path).expect("own directory");
    files.prepare().await.expect("prepared");
    write(&files, &[paid("a/1", "1.00")]).await;
    Reader::of(&path).all();
}

/// A small disk for one folder; `None` where nothing may be mounted.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Option<Self> {
        let directory = folder();
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(directory.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(directory))
    }

    fn remount(&self, how: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(self.0.path()).status();
        assert!(status.expect("mount runs").success());
    }

    /// Not a byte is left.
    fn fill(&self) {
        let mut ballast = File::create(self.0.path().join("ballast")).expect("own disk");
        let mut block = 1 << 20;
        while block > 0 {
            if ballast.write_all(&vec![0; block]).is_err() {
                block /= 2;
            }
        }
    }

    /// So many bytes are left, more or less.
    fn leave(&self, bytes: u64) {
        self.fill();
        let ballast = File::options().write(true).open(self.0.path().join("ballast")).expect("own disk");
        let length = ballast.metadata().expect("own disk").len();
        ballast.set_len(length.saturating_sub(bytes)).expect("own disk");
    }

    fn free(&self) {
        fs::remove_file(self.0.path().join("ballast")).expect("own disk");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_waited_for() {
    let Some(disk) = Disk::mount() else {
        eprintln!("nothing may be mounted here: a full disk was not tried");
        return;
    };
    let path = disk.0.path().join("drop");
    fs::create_dir(&path).expect("own disk");
    let files = csv(&path);
    write(&files, &[paid("a/1", "1.00")]).await;
    disk.fill();
    let batch: Vec<Delivery> = (0..400).map(|row| paid(&format!("b{row}/1"), "1.00")).collect();
    let error = files.write(&batch).await.expect_err("it is full");
    assert!(matches!(error, ErpError::Unreachable { .. } | ErpError::AnswerLost { .. }), "{error}");
    assert!(reason(&error).contains("No space left on device"), "{error}");
    assert_eq!(dropped(&path).len(), 1);
    disk.free();
    let found = files.find(&batch).await.expect("answered");
    assert!(found.iter().all(Option::is_none), "nothing of it was dropped");
    write(&files, &batch).await;
    let read = Reader::of(&path).all();
    assert_eq!((read.files, read.places.len()), (2, 401));
}

/// Wherever on the way the space runs out, also within the store.
#[tokio::test]
async fn a_disk_that_is_full_at_any_step_loses_and_doubles_nothing() {
    let Some(disk) = Disk::mount() else {
        eprintln!("nothing may be mounted here: a disk that fills up on the way was not tried");
        return;
    };
    let path = disk.0.path().join("drop");
    fs::create_dir(&path).expect("own disk");
    let files = csv(&path);
    files.prepare().await.expect("prepared");
    let (mut refused, mut lost, mut taken) = (0, 0, 0);
    for round in 0..32_u64 {
        let batch: Vec<Delivery> = (0..40).map(|row| paid(&format!("r{round}-{row}/1"), "1.00")).collect();
        disk.leave(round * 4096);
        match files.write(&batch).await {
            Ok(_) => taken += 1,
            Err(ErpError::AnswerLost { .. }) => lost += 1,
            Err(_) => refused += 1,
        }
        disk.free();
        let held = files.find(&batch).await.expect("answered").iter().filter(|found| found.is_some()).count();
        assert!(held == 0 || held == batch.len(), "round {round}: {held} of one file");
        write(&files, &batch).await;
    }
    eprintln!("{refused} refused, {lost} in doubt, {taken} taken");
    assert!(refused > 0 && taken > 0, "{refused} refused, {taken} taken");
    let read = Reader::of(&path).all();
    assert_eq!((read.files, read.places.len()), (32, 32 * 40));
    assert!(read.places.values().all(|places| places.len() == 1));
}

#[tokio::test]
async fn a_read_only_folder_is_said_with_what_to_do_and_used_when_it_is_writable() {
    let (disk, plain) = (Disk::mount(), folder());
    let path = disk.as_ref().map_or(plain.path(), |disk| disk.0.path());
    let files = csv(path);
    write(&files, &[paid("a/1", "1.00")]).await;
    let set = |writable: bool| match &disk {
        Some(disk) => disk.remount(if writable { "rw" } else { "ro" }),
        None => set_writable(path, writable),
    };
    set(false);
    let written = files.write(&[paid("b/1", "1.00")]).await.expect_err("it is read-only");
    let prepared = files.prepare().await.expect_err("it is read-only");
    for error in [written, prepared] {
        assert!(matches!(error, ErpError::Misfit { .. }), "{error}");
        assert!(reason(&error).contains("is not writable"), "{error}");
    }
    set(true);
    files.prepare().await.expect("prepared");
    write(&files, &[paid("b/1", "1.00")]).await;
    assert_eq!(Reader::of(path).all().files, 2);
}

/// For those who may not mount, and who are not root.
fn set_writable(path: &Path, writable: bool) {
    for path in [path.to_owned(), path.join(".paystand-sync"), path.join(".paystand-sync/lock")] {
        let mode = if writable { 0o755 } else { 0o555 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("own directory");
    }
}
