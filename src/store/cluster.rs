//! Edge: the private Postgres cluster, our embedded default where no `database.url` is configured.
//!
//! It lies under the state directory and is reached through a Unix socket in a directory of mode 0700; it opens no TCP port.
//! Any number of our processes share one server: each holds a shared lock on one file, and a *keeper* (a few lines of shell,
//! in a process group of its own) waits for the exclusive lock. The kernel hands it over once the last user is gone, however
//! that user died, and the keeper stops the server while it holds the lock. Whoever comes in between waits for the lock and
//! starts anew. So nothing is ever left behind, and no user's server is stopped under its feet.
//!
//! ```text
//! <state_dir>/postgres/        0700, of the server's user
//!   data/                      the cluster
//!   paystand-sync.conf         our settings, written anew at every start
//!   socket/                    0700 (elsewhere if the path is too long for a socket)
//!   users.lock                 shared: a user; exclusive: the keeper that stops the server
//!   keeper.lock                one keeper is enough
//!   start.lock                 one process creates or starts at a time
//!   server.log                 since the last start; server.log.old is the one before
//! ```

mod account;
mod binaries;
mod layout;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use account::Account;
use binaries::Binaries;
use layout::{Layout, Server};

/// The database that [`PrivateCluster::open`] creates.
const DATABASE: &str = "paystand_sync";

/// Postgres's own default; it only names the socket file.
const PORT: u16 = 5432;

/// Bound on waiting for another process's start or stop, crash recovery included.
const CHANGE_TIMEOUT: Duration = Duration::from_mins(2);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Makes the data beside its place and moves it there, so that a death in between leaves no half of it.
const INITIALIZE: &str = r#"
cd "$1" && shift && rm -rf data.unfinished || exit 1
"$@" -D data.unfinished || exit 1
echo "include = '../paystand-sync.conf'" >>data.unfinished/postgresql.conf && mv data.unfinished data
"#;

/// Holds the lock of a user while the server starts, so that a keeper cannot look for the server too early. The server must
/// not inherit the lock, or it would be its own user.
const START: &str = r#"
umask 077
cd "$1" && printf %s "$2" >paystand-sync.conf || exit 1
[ ! -e server.log ] || mv -f server.log server.log.old
exec 9<>users.lock
flock -s 9 || exit 1
shift 2
"$@" 9<&-
"#;

/// Waits until the last user is gone, then stops the server. `keeper.lock` is let go first: a user who gets `users.lock` right
/// after us must find the keeper's place free.
const KEEPER: &str = r#"
trap '' HUP INT TERM
exec 8<>"$1" 9<>"$2"
flock -n -x 8 || exit 0
flock -x 9
"$3" stop -D "$4" -m fast -w -t 60 8<&- 9<&-
exec 8<&-
exec 9<&-
"#;

/// Whether the data must outlive a crash of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    Durable,
    /// For tests: nothing is forced to disk.
    Volatile,
}

/// Why there is no private cluster. All of it needs a person.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "no Postgres server is installed for the private cluster; run `apt-get install postgresql`, or set database.url to \
         a database that runs already"
    )]
    NotInstalled,
    #[error(
        "the private cluster in {} was made by Postgres {data}, but installed is {installed}; run `apt-get install \
         postgresql-{data}`, or name its programs with PG_BIN", path.display()
    )]
    OtherVersion { path: PathBuf, data: u32, installed: String },
    #[error(
        "Postgres does not run as root, and there is neither a user `postgres` nor `nobody` to run it; run `apt-get install \
         postgresql`"
    )]
    NoAccount,
    #[error(
        "{} cannot be entered by the user {user}, who runs the private cluster for root; set database.state_dir to a \
         directory that everyone may enter, such as /var/lib/paystand-sync", path.display()
    )]
    Closed { path: PathBuf, user: String },
    #[error("{} cannot be prepared for the private cluster: {source}; check database.state_dir", path.display())]
    Directory {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is no path for a private cluster: {reason}; choose another database.state_dir", path.display())]
    UnusablePath { path: PathBuf, reason: &'static str },
    #[error("`{program}` failed for the private cluster: {reason}")]
    Program { program: &'static str, reason: String },
    #[error(
        "the private cluster in {} did not come to rest within {} s; see server.log beside it", path.display(),
        CHANGE_TIMEOUT.as_secs()
    )]
    Timeout { path: PathBuf },
    #[error("the private cluster runs but does not answer: {0}; see server.log under database.state_dir")]
    Unanswered(#[source] sqlx::Error),
}

/// One user's hold on the running server. Dropping it lets go; [`PrivateCluster::close`] also waits.
#[derive(Debug)]
pub struct PrivateCluster {
    layout: Layout,
    account: Account,
    binaries: Binaries,
    durability: Durability,
    socket_dir: PathBuf,
    users: File,
}

impl PrivateCluster {
    /// Creates the cluster under `state_dir` if it is not there, starts its server if nobody has, and creates the database.
    ///
    /// `durability` counts for the process that starts the server.
    pub async fn open(state_dir: &Path, durability: Durability) -> Result<Self, ClusterError> {
        let (layout, account) = Layout::prepare(state_dir).await?;
        let users = layout.lock_file("users.lock", &account)?;
        let starting = layout.lock_file("start.lock", &account)?;
        let deadline = Instant::now() + CHANGE_TIMEOUT;
        // In this order: while the start lock is held elsewhere a server is coming, and its keeper waits for our lock too.
        wait_for(&layout, deadline, || users.try_lock_shared()).await?;
        wait_for(&layout, deadline, || starting.try_lock()).await?;

        let binaries = Binaries::for_data(&layout.data(), layout.data_version()).await?;
        if layout.data_version().is_none() {
            initialize(&layout, &account, &binaries, durability).await?;
        }
        keep(&layout, &account, &binaries)?;
        let socket_dir = loop {
            match layout.server(&account) {
                Server::Ready { socket_dir } => break socket_dir,
                Server::Changing if Instant::now() > deadline => {
                    return Err(ClusterError::Timeout { path: layout.data() });
                }
                Server::Changing => tokio::time::sleep(POLL_INTERVAL).await,
                Server::Stopped => match start(&layout, &account, &binaries, durability).await {
                    // A server that was killed just now: its number or its memory is not yet given back.
                    Err(ClusterError::Program { reason, .. }) if is_passing(&reason) && Instant::now() < deadline => {
                        tokio::time::sleep(POLL_INTERVAL).await;
                    }
                    outcome => outcome?,
                },
            }
        };
        let cluster = Self { layout, account, binaries, durability, socket_dir, users };
        create_database(&cluster.url_of("postgres")).await.map_err(ClusterError::Unanswered)?;
        Ok(cluster)
    }

    /// Starts the server again if it died under its users; returns whether it did.
    pub async fn revive(&self) -> Result<bool, ClusterError> {
        let starting = self.layout.lock_file("start.lock", &self.account)?;
        match starting.try_lock() {
            // Another user is at it.
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(source)) => {
                return Err(ClusterError::Directory { path: self.layout.data(), source });
            }
            Ok(()) => {}
        }
        match self.layout.server(&self.account) {
            Server::Ready { .. } | Server::Changing => Ok(false),
            Server::Stopped => {
                start(&self.layout, &self.account, &self.binaries, self.durability).await?;
                Ok(true)
            }
        }
    }

    /// Where sqlx connects.
    #[must_use]
    pub fn url(&self) -> SecretString {
        SecretString::from(self.url_of(DATABASE))
    }

    /// The directory of the socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The same server, another database: port and TLS are spelled out so that no `PG…` variable bends them.
    fn url_of(&self, database: &str) -> String {
        let host = self.socket_dir.to_string_lossy();
        let host = utf8_percent_encode(&host, NON_ALPHANUMERIC);
        format!("postgres://postgres@localhost:{PORT}/{database}?host={host}&sslmode=disable")
    }

    /// Lets go. If this was the last user, returns when the server has stopped.
    pub async fn close(self) -> Result<(), ClusterError> {
        let Self { layout, account, binaries, users, .. } = self;
        let deadline = Instant::now() + CHANGE_TIMEOUT;
        // Not by closing it alone: a child that is just being made has a copy, and would be taken for another user.
        users.unlock().map_err(|source| ClusterError::Directory { path: layout.data(), source })?;
        drop(users);
        let users = layout.lock_file("users.lock", &account)?;
        loop {
            if users.try_lock().is_ok() {
                // Nobody else: stop it here rather than wait for the keeper, who will find nothing to do.
                return match layout.server(&account) {
                    Server::Stopped => Ok(()),
                    Server::Ready { .. } | Server::Changing => stop(&layout, &account, &binaries).await,
                };
            }
            if users.try_lock_shared().is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ClusterError::Timeout { path: layout.data() });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

async fn wait_for(
    layout: &Layout,
    deadline: Instant,
    mut try_lock: impl FnMut() -> Result<(), TryLockError>,
) -> Result<(), ClusterError> {
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                return Err(ClusterError::Timeout { path: layout.data() });
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(POLL_INTERVAL).await,
            Err(TryLockError::Error(source)) => return Err(ClusterError::Directory { path: layout.data(), source }),
        }
    }
}

/// Whether a start failed for what is left of a server that died a moment ago.
fn is_passing(reason: &str) -> bool {
    reason.contains("lock file \"postmaster.pid\" already exists") || reason.contains("is still in use")
}

async fn initialize(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    durability: Durability,
) -> Result<(), ClusterError> {
    let mut command = account.command(Path::new("/bin/sh"));
    command.args(["-c", INITIALIZE, "sh"]).arg(layout.root()).arg(binaries.initdb());
    command.args(["-U", "postgres", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8", "--data-checksums"]);
    if durability == Durability::Volatile {
        command.arg("--no-sync");
    }
    run("initdb", command).await
}

async fn start(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    durability: Durability,
) -> Result<(), ClusterError> {
    let mut command = account.command(Path::new("/bin/sh"));
    command.args(["-c", START, "sh"]).arg(layout.root()).arg(layout.settings(durability)).arg(binaries.pg_ctl());
    command.args(["start", "-s", "-w", "-t"]).arg(CHANGE_TIMEOUT.as_secs().to_string());
    command.arg("-D").arg(layout.data()).arg("-l").arg(layout.log());
    match run("pg_ctl start", command).await {
        Err(ClusterError::Program { program, reason }) => {
            let reason = layout.last_fatal_line().unwrap_or(reason);
            Err(ClusterError::Program { program, reason })
        }
        outcome => outcome,
    }
}

async fn stop(layout: &Layout, account: &Account, binaries: &Binaries) -> Result<(), ClusterError> {
    let mut command = account.command(&binaries.pg_ctl());
    command.args(["stop", "-s", "-m", "fast", "-w", "-t", "60", "-D"]).arg(layout.data());
    run("pg_ctl stop", command).await
}

/// Sees to it that a keeper waits. It must not die of a signal that is meant for us, so it leads its own process group.
fn keep(layout: &Layout, account: &Account, binaries: &Binaries) -> Result<(), ClusterError> {
    let mut command = account.command(Path::new("/bin/sh"));
    command.args(["-c", KEEPER, "paystand-sync-keeper"]);
    command.arg(layout.file("keeper.lock")).arg(layout.file("users.lock"));
    command.arg(binaries.pg_ctl()).arg(layout.data());
    command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let keeper = command.spawn().map_err(|error| ClusterError::Program { program: "sh", reason: error.to_string() })?;
    // The runtime reaps it; it is not ours to end.
    drop(keeper);
    Ok(())
}

async fn run(program: &'static str, mut command: tokio::process::Command) -> Result<(), ClusterError> {
    let output =
        command.output().await.map_err(|error| ClusterError::Program { program, reason: error.to_string() })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    // initdb's first complaint is the cause; what follows is advice and cleaning up.
    let reason = said
        .lines()
        .find(|line| line.contains("error:") || line.contains("FATAL"))
        .or_else(|| said.lines().rfind(|line| !line.trim().is_empty()));
    let reason = reason.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned());
    Err(ClusterError::Program { program, reason })
}

async fn create_database(maintenance_url: &str) -> Result<(), sqlx::Error> {
    const EXISTS: &str = "select exists (select from pg_database where datname = $1)";
    const CREATE: &str = "create database paystand_sync";
    let mut connection = PgConnection::connect(maintenance_url).await?;
    let exists: bool = sqlx::query_scalar(EXISTS).bind(DATABASE).fetch_one(&mut connection).await?;
    if !exists {
        sqlx::query(CREATE).execute(&mut connection).await?;
    }
    connection.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A child that another thread begins holds a copy of every file until it becomes its program.
    #[tokio::test]
    async fn the_last_user_stops_the_server_whatever_a_child_has_inherited() {
        let directory = tempfile::tempdir_in("/tmp").expect("a directory");
        let everyone = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(directory.path(), everyone).expect("it is ours");
        let cluster =
            PrivateCluster::open(directory.path(), Durability::Volatile).await.expect("Postgres is installed");
        let (layout, inherited) = (cluster.layout.clone(), cluster.users.try_clone().expect("a copy"));
        cluster.close().await.expect("it stops");
        assert!(!layout.data().join("postmaster.pid").exists(), "the server runs on");
        drop(inherited);
    }
}
