//! Backups of databases and their return, with the programs of Postgres as an operator uses them.

use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::PgPool;

/// Where the programs of Postgres are.
fn program(name: &str) -> PathBuf {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let versions = versions.map(|version| version.path().join("bin"));
    let mut places = named.into_iter().chain(std::env::split_paths(&path)).chain(versions);
    places.find(|place| place.join(name).is_file()).map_or_else(|| PathBuf::from(name), |place| place.join(name))
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Everything in a database.
pub fn dump(url: &str, to: &Path) {
    run(Command::new(program("pg_dump")).arg("--file").arg(to).arg("--dbname").arg(url));
}

/// Our own tables only.
pub fn dump_ours(url: &str, to: &Path) {
    run(Command::new(program("pg_dump"))
        .args(["--schema", "paystand_sync", "--file"])
        .arg(to)
        .arg("--dbname")
        .arg(url));
}

/// Into a database where nothing of it is.
pub fn load(url: &str, from: &Path) {
    run(Command::new(program("psql")).args(["-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(from).arg("--dbname").arg(url));
}

/// Our own tables as they were.
pub async fn restore_ours(pool: &PgPool, url: &str, from: &Path) {
    sqlx::query("drop schema paystand_sync cascade").execute(pool).await.expect("dropped");
    load(url, from);
}
