//! What every test needs: a database of its own, the real program with a configuration of its own, and bounded waits.
//!
//! All databases lie on one throw-away cluster per run, or on the server that `TEST_DATABASE_URL` names.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use paystand_sync::store::{Durability, PrivateCluster};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret as _;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tokio::sync::OnceCell;
use url::Url;

use crate::literal::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Literal};

/// No run of the program may take longer.
const RUN_BOUND: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(10);

/// An empty database.
pub async fn database() -> PgPool {
    Database::fresh().await.pool
}

/// One database of the cluster.
pub struct Database {
    pub url: String,
    pub pool: PgPool,
}

impl Database {
    pub async fn fresh() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("it_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let server = server_url().await;
        let mut connection = PgConnection::connect(server).await.expect("the test server answers");
        let create = format!("create database {name}");
        sqlx::query(AssertSqlSafe(create)).execute(&mut connection).await.expect("a new database");
        let mut url: Url = server.parse().expect("a URL");
        url.set_path(&name);
        let pool = PgPool::connect(url.as_str()).await.expect("the new database answers");
        Self { url: url.into(), pool }
    }
}

/// The server on which all databases of the tests lie.
pub async fn server_url() -> &'static str {
    static SERVER: OnceCell<String> = OnceCell::const_new();
    SERVER
        .get_or_init(|| async {
            match std::env::var("TEST_DATABASE_URL") {
                Ok(url) if !url.is_empty() => url,
                _ => throw_away_cluster().await,
            }
        })
        .await
}

/// Waits for the end of this process, which closes its standard input, and for that of the server; then removes everything.
const SWEEP: &str = r#"cat
n=0
while [ -e "$1/postgres/data/postmaster.pid" ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n + 1)); done
rm -rf "$1"
"#;

/// A cluster that stops when this process ends and is removed by a janitor, for statics are never dropped.
async fn throw_away_cluster() -> String {
    let directory =
        tempfile::Builder::new().prefix("paystand-sync-it-").tempdir().expect("a temporary directory").keep();
    // As root the server runs as another user, who must be able to enter.
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).expect("own directory");
    let janitor = Command::new("sh")
        .args(["-c", SWEEP, "sh"])
        .arg(&directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell");
    let cluster = PrivateCluster::open(&directory, Durability::Volatile).await.expect("a cluster");
    let url = cluster.url().expose_secret().to_owned();
    // Both are let go by the end of this process and not before.
    std::mem::forget((cluster, janitor));
    url
}

/// What an operator would have set up: a configuration, a database, a home.
pub struct Site {
    pub directory: tempfile::TempDir,
    pub database: Database,
    variables: BTreeMap<String, String>,
}

impl Site {
    /// One merchant at `server`, and a database of its own.
    pub async fn new(server: &Literal) -> Self {
        Self::with_database(server, Database::fresh().await)
    }

    pub fn with_database(server: &Literal, database: Database) -> Self {
        let merchant = merchant("main", CUSTOMER_ID, &server.base_url());
        Self::configured(database, &format!("{merchant}\n{REST}"))
    }

    /// Whatever the configuration says, in a home of its own.
    pub fn configured(database: Database, text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let variables = BTreeMap::from([("DATABASE_URL".to_owned(), database.url.clone())]);
        let site = Self { directory, database, variables };
        site.configure(text);
        site
    }

    /// The same installation on another machine: one more home for a process of its own.
    pub fn beside(&self) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let database = Database { url: self.database.url.clone(), pool: self.database.pool.clone() };
        let site = Self { directory, database, variables: self.variables.clone() };
        site.configure(&fs::read_to_string(self.config_path()).expect("own file"));
        site
    }

    pub fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    /// Replaces the configuration file.
    pub fn configure(&self, text: &str) {
        fs::write(self.config_path(), text).expect("own directory");
    }

    pub fn config_path(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    /// Sets one key for all further runs, such as `SYNC__ATTEMPTS_MAX`.
    pub fn set(&mut self, key: &str, value: &str) {
        self.set_variable(&format!("PAYSTAND_SYNC__{key}"), value);
    }

    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub fn unset_variable(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish(RUN_BOUND)
    }

    /// Has targets made ready by `check`, which may find nothing wrong but the clock: a simulated business has a calendar of its own.
    pub fn check_but_the_clock(&self) {
        let finished = self.run(&["check"]);
        let wrong: Vec<&str> = finished.complaints().into_iter().filter(|it| !it.contains(": clock of ")).collect();
        assert!(wrong.is_empty() && finished.stdout.contains("credentials of"), "{finished}");
    }

    /// `--once`, to its end.
    pub fn once(&self) -> Finished {
        self.run(&["--once"])
    }

    /// What a person would have to see.
    pub async fn open_exceptions(&self) -> Vec<String> {
        let open = "select concat_ws(' ', merchant, class, subject, detail) from paystand_sync.exception
                    where resolved_at is null order by id";
        column(self.pool(), open).await
    }

    /// `--once` that must end clean.
    pub fn once_clean(&self) -> Finished {
        let finished = self.once();
        assert_eq!(finished.code, Some(0), "{finished}");
        finished
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = |name: &str| self.directory.path().join(format!("{number}.{name}"));
        let (stdout, stderr) = (path("stdout"), path("stderr"));
        let child = Command::new(env!("CARGO_BIN_EXE_paystand-sync"))
            .args(arguments)
            .arg("--config")
            .arg(self.config_path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.directory.path())
            .env("STATE_DIRECTORY", self.directory.path().join("state"))
            .envs(&self.variables)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).expect("own directory"))
            .stderr(File::create(&stderr).expect("own directory"))
            .spawn()
            .expect("the program starts");
        Running { child, stdout, stderr, ended: false }
    }
}

/// Everything but the merchants. One page in flight keeps the number of requests small: the client paces them.
pub const REST: &str = "
[sync]
interval = \"500ms\"
pages_in_flight_max = 1
attempts_max = 3
[sync.resources.fees]
interval = \"500ms\"
[ops]
listen = \"\"
tie_out_interval = \"1d\"
";

/// The section of one merchant.
pub fn merchant(label: &str, customer_id: &str, base_url: &str) -> String {
    format!(
        "[merchants.{label}]\nenvironment = \"sandbox\"\nbase_url = \"{base_url}\"\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret = \"{CLIENT_SECRET}\"\ncustomer_id = \"{customer_id}\"\ntimezone = \"America/Los_Angeles\"\n\
         requests_per_minute = 3000\nstart_date = \"2026-05-01\"\n"
    )
}

/// A process at work. Dropping it kills it.
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    ended: bool,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(mut self) {
        self.kill_now();
    }

    /// The same for one that is replaced.
    pub fn kill_now(&mut self) {
        self.child.kill().expect("a process of our own");
        self.child.wait().expect("a process of our own");
        self.ended = true;
    }

    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("a process of our own");
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a process of our own").is_some()
    }

    /// Waits for its end; it must come `within` that time.
    pub fn finish(mut self, within: Duration) -> Finished {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a process of our own") {
                break status;
            }
            assert!(started.elapsed() < within, "still at work after {within:?}: {}", tail(&self.stderr()));
            std::thread::sleep(POLL);
        };
        self.ended = true;
        Finished::read(status, &self.stdout, &self.stderr, started.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What a process left.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    /// What killed it.
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

impl Finished {
    fn read(status: ExitStatus, stdout: &Path, stderr: &Path, took: Duration) -> Self {
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        Self { code: status.code(), signal: status.signal(), stdout: text(stdout), stderr: text(stderr), took }
    }

    /// The sentences meant for a person.
    pub fn complaints(&self) -> Vec<&str> {
        self.stderr.lines().filter(|line| line.starts_with("paystand-sync: ")).collect()
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {:?}\n{}\n{}", self.code, self.stdout, tail(&self.stderr))
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// Waits until `holds`, at most `within`.
pub async fn eventually(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(POLL).await;
    }
}

/// One line per row of a staging table: id, lastUpdated, amount, currency, status.
pub async fn staged(pool: &PgPool, table: &str) -> String {
    let query = format!(
        "select concat_ws(' | ', id, coalesce(to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), '-'),
            coalesce(amount::text, '-'), coalesce(currency, '-'), coalesce(status, '-'))
         from erp.{table} order by merchant, id collate \"C\""
    );
    column(pool, &query).await.join("\n")
}

/// The text column that a query yields.
pub async fn column(pool: &PgPool, query: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(pool).await.expect("the query holds")
}

pub async fn number(pool: &PgPool, query: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(pool).await.expect("the query holds")
}

/// Everything that a run without news must leave as it is: staging rows as Postgres stamped them, versions, ledger, exceptions.
pub async fn standing(pool: &PgPool) -> Vec<String> {
    let mut lines = Vec::new();
    for table in ["customer", "receivable", "payment", "fee", "withdrawal", "transfer"] {
        let query =
            format!("select '{table} ' || id || ' ' || xmin::text || ' ' || ctid::text from erp.{table} order by 1");
        lines.extend(column(pool, &query).await);
    }
    for query in [
        "select 'record ' || resource || source_id || ' ' || version || ' ' || version_last || ' ' || xmin::text from paystand_sync.record order by 1",
        "select 'version ' || resource || source_id || ' ' || version || shape || xmin::text from paystand_sync.record_version order by 1",
        "select 'entry ' || key || ' ' || state || ' ' || xmin::text from paystand_sync.ledger_entry order by 1",
        "select 'exception ' || class || subject || ' ' || (resolved_at is null)::text from paystand_sync.exception order by 1",
    ] {
        lines.extend(column(pool, query).await);
    }
    lines
}
