//! A disk that is full: the database lies on a small one of its own, where this machine lets us mount one. Elsewhere only the SQLSTATE of
//! a full disk is tried, by the proxy of `commits`.

#![expect(clippy::print_stderr, reason = "which of the two was tried is worth reading")]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;

use super::{ROUND, Side, business, recovers, started};
use crate::faults::exact::{DELIVERED, await_delivery};
use crate::faults::plant::{Detour, Kind, Plant};
use crate::faults::play;
use crate::harness::{Database, column, eventually};

const SIZE: &str = "size=48m";
/// Rounds of business until something no longer fits.
const ROUNDS: usize = 6;
const FULL: &str = "No space left on device";

/// A small disk for one database.
struct Disk {
    directory: tempfile::TempDir,
    name: String,
    server: PgPool,
}

impl Disk {
    /// `None` where nothing may be mounted, or where the server is not on this machine.
    async fn mount(server: &PgPool, name: &str) -> Option<Self> {
        let data = column(server, "select setting from pg_settings where name = 'data_directory'").await.pop()?;
        let owner = fs::metadata(data).ok()?;
        let directory = tempfile::tempdir_in("/tmp").expect("a temporary directory");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "tmpfs"])
            .arg(directory.path())
            .stderr(Stdio::null())
            .status();
        if !mount.is_ok_and(|status| status.success()) {
            return None;
        }
        let disk = Self { directory, name: name.to_owned(), server: server.clone() };
        fs::create_dir(disk.space()).expect("own disk");
        for path in [disk.directory.path().to_owned(), disk.space()] {
            chown(path, Some(owner.uid()), Some(owner.gid())).expect("own disk");
        }
        Some(disk)
    }

    fn space(&self) -> PathBuf {
        self.directory.path().join("space")
    }

    async fn tell(&self, statement: String) {
        sqlx::query(AssertSqlSafe(statement)).execute(&self.server).await.expect("the statement holds");
    }

    /// A database that lies on it.
    async fn database(&self, like: &Database) -> Database {
        let (name, space) = (&self.name, self.space());
        self.tell(format!("create tablespace {name} location '{}'", space.display())).await;
        self.tell(format!("create database {name} tablespace {name}")).await;
        let mut url: url::Url = like.url.parse().expect("a URL");
        url.set_path(name);
        let pool = PgPool::connect(url.as_str()).await.expect("the new database answers");
        Database { url: url.into(), pool }
    }

    fn ballast(&self) -> PathBuf {
        self.directory.path().join("ballast")
    }

    /// Not a byte is left.
    fn fill(&self) {
        let mut ballast = File::create(self.ballast()).expect("own disk");
        let mut block = 1 << 20;
        while block > 0 {
            if ballast.write_all(&vec![0; block]).is_err() {
                block /= 2;
            }
        }
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).expect("own disk");
    }

    /// The server must let go of it before it goes, or its next checkpoint fails.
    async fn strike(self) {
        let name = &self.name;
        self.tell(format!("drop database {name} with (force)")).await;
        self.tell(format!("drop tablespace {name}")).await;
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.directory.path()).status();
    }
}

async fn disk_is_full(side: Side) {
    let steady = Database::fresh().await;
    let name = format!("small_{}_{}", side == Side::Own, std::process::id());
    let Some(disk) = Disk::mount(&steady.pool, &name).await else {
        eprintln!("side {side:?}: nothing may be mounted here: a full disk was tried as SQLSTATE 53100 only");
        return;
    };
    let small = disk.database(&steady).await;
    let paystand = business(ROUNDS);
    let (own, other) = if side == Side::Own { (small, steady) } else { (steady, small) };
    let plant = Plant::in_databases(&paystand, Kind::StagingThere, own, &other, &Detour::default());
    let daemon = started(&plant).await;
    await_delivery(&paystand, &plant, &[&daemon]).await;
    disk.fill();
    let mut rounds = 0;
    while !daemon.stderr().contains(FULL) {
        assert!(rounds < ROUNDS, "everything fits: {}", daemon.stderr());
        rounds += 1;
        paystand.pass(ROUND);
        let requests = paystand.world.requests().total;
        eventually("it finds the disk full, or polls on", DELIVERED, async || {
            daemon.stderr().contains(FULL) || paystand.world.requests().total > requests + 40
        })
        .await;
    }
    eprintln!("side {side:?}: the disk was full after {rounds} round(s)");
    disk.free();
    for _ in rounds..ROUNDS {
        await_delivery(&paystand, &plant, &[&daemon]).await;
        paystand.pass(ROUND);
    }
    recovers(&paystand, &plant, daemon).await;
    disk.strike().await;
}

#[test]
fn a_full_disk_is_waited_for() {
    play(disk_is_full(Side::Own));
}

#[test]
fn a_full_disk_of_the_target_is_waited_for() {
    play(disk_is_full(Side::Target));
}
