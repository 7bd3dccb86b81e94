//! The files of the private cluster: where they lie, whose they are, and what they say about the server.
//!
//! Whatever is written inside is written by programs that run as the server's user. A root that wrote there itself could be
//! led astray by a link that this user planted.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};

use super::account::Account;
use super::{ClusterError, Durability, PORT, run};

/// A socket's path is at most 107 bytes, its name `/.s.PGSQL.5432` takes 14 of them.
const SOCKET_DIR_BYTES_MAX: usize = 90;

/// Makes everything but the data, in the state directory.
const PREPARE: &str = r#"
umask 077
cd "$1" 2>/dev/null || { echo "error: cannot enter" >&2; exit 1; }
mkdir -p postgres && cd postgres && touch users.lock start.lock keeper.lock && mkdir -p "$2"
"#;

const MIB: u64 = 1 << 20;
/// What Postgres keeps of its tables in memory: what it takes by itself, and what a first reading has use for.
const BUFFERS_MIB: std::ops::RangeInclusive<u64> = 128..=512;
/// The machine serves others as well: of its memory one part in so many.
const BUFFERS_PART: u64 = 16;

/// What the server is doing, as its `postmaster.pid` tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Server {
    Stopped,
    /// Alive but not ready: starting, recovering or stopping.
    Changing,
    Ready {
        socket_dir: PathBuf,
    },
}

/// The cluster's own directory below the state directory, and the socket's.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
    socket_dir: PathBuf,
}

impl Layout {
    /// Creates the directories and finds whom the server runs as.
    pub(super) async fn prepare(state_dir: &Path) -> Result<(Self, Account), ClusterError> {
        // Everyone may pass through the state directory, as the server's user must; the cluster's own is closed.
        let state_dir = std::path::absolute(state_dir).map_err(at(state_dir))?;
        if !state_dir.exists() {
            fs::create_dir_all(&state_dir).map_err(at(&state_dir))?;
            fs::set_permissions(&state_dir, Permissions::from_mode(0o755)).map_err(at(&state_dir))?;
        }
        let state_dir = fs::canonicalize(&state_dir).map_err(at(&state_dir))?;
        if state_dir.to_str().is_none_or(|text| text.contains(['\n', '\'', '"'])) {
            return Err(ClusterError::UnusablePath { path: state_dir, reason: "it must be plain text without quotes" });
        }
        let root = state_dir.join("postgres");
        let account = Account::choose(&state_dir, &root.join("data"))?;
        let socket_dir = socket_dir(&root, &account);
        let layout = Self { root, socket_dir };

        if account.is_other() && owner(&state_dir)? == 0 {
            layout.create_root_for(&account)?;
        }
        let mut command = account.command(Path::new("/bin/sh"));
        command.args(["-c", PREPARE, "sh"]).arg(&state_dir).arg(&layout.socket_dir);
        match run("sh", command).await {
            Err(ClusterError::Program { reason, .. }) if reason.contains("cannot enter") => {
                return Err(ClusterError::Closed { path: state_dir, user: account.name });
            }
            outcome => outcome?,
        }
        check_closed(&layout.root, &account)?;
        check_closed(&layout.socket_dir, &account)?;
        Ok((layout, account))
    }

    /// In a directory that only root may write to, so nobody can put a link in its place.
    fn create_root_for(&self, account: &Account) -> Result<(), ClusterError> {
        match fs::DirBuilder::new().mode(0o700).create(&self.root) {
            Ok(()) => lchown(&self.root, Some(account.uid), Some(account.gid)).map_err(at(&self.root)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(at(&self.root)(error)),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    /// The major version that made the data; absent where there is none yet.
    pub(super) fn data_version(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Opens one of the lock files.
    pub(super) fn lock_file(&self, name: &str, account: &Account) -> Result<File, ClusterError> {
        let path = self.file(name);
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        // Some network file systems lock only what may be written.
        let file = OpenOptions::new().read(true).write(!account.is_other()).custom_flags(flags).open(&path);
        file.map_err(at(&path))
    }

    /// Everything the server is told beyond what initdb found out about the machine. A first reading writes much, into indexes whose keys
    /// come in no order, and after each checkpoint every page whole: pages stay in memory, and checkpoints are as seldom as a start after a
    /// crash allows. Its log keeps no row and no statement: both may hold what must not be logged (I10).
    pub(super) fn settings(&self, durability: Durability) -> String {
        let sync = match durability {
            Durability::Durable => "on",
            Durability::Volatile => "off",
        };
        let memory = rustix::system::sysinfo();
        let buffers_mib = buffers_mib(memory.totalram * u64::from(memory.mem_unit));
        format!(
            "# Written by paystand-sync at every start.\n\
             listen_addresses = ''\n\
             port = {PORT}\n\
             unix_socket_directories = '\"{}\"'\n\
             unix_socket_permissions = 0700\n\
             fsync = {sync}\n\
             synchronous_commit = {sync}\n\
             full_page_writes = {sync}\n\
             wal_level = minimal\n\
             max_wal_senders = 0\n\
             shared_buffers = '{buffers_mib}MB'\n\
             max_wal_size = '4GB'\n\
             checkpoint_timeout = '15min'\n\
             jit = off\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             log_min_messages = log\n\
             log_min_error_statement = panic\n\
             log_error_verbosity = terse\n\
             log_checkpoints = off\n",
            self.socket_dir.display()
        )
    }

    /// What `postmaster.pid` says: line 1 is the process, line 5 the socket's directory, line 8 the state.
    pub(super) fn server(&self, account: &Account) -> Server {
        let Ok(text) = fs::read_to_string(self.data().join("postmaster.pid")) else { return Server::Stopped };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let Some(pid) = lines.first().and_then(|line| line.parse::<u32>().ok()) else {
            // Just being written; if it stays like this the start will say so.
            return Server::Stopped;
        };
        if !self.is_server(pid, account) {
            return Server::Stopped;
        }
        match (lines.get(4), lines.get(7)) {
            (Some(socket_dir), Some(&"ready")) => Server::Ready { socket_dir: PathBuf::from(socket_dir) },
            _ => Server::Changing,
        }
    }

    /// Whether the process is our server and not a stranger who got its number after a crash.
    fn is_server(&self, pid: u32, account: &Account) -> bool {
        let process = PathBuf::from(format!("/proc/{pid}"));
        match fs::read_link(process.join("cwd")) {
            Ok(directory) => directory == self.data(),
            // A root without that capability cannot look: go by owner and name.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                fs::metadata(&process).is_ok_and(|found| found.uid() == account.uid)
                    && fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "postgres")
            }
            Err(_) => false,
        }
    }

    /// Why a start failed, in the server's own words.
    pub(super) fn last_fatal_line(&self) -> Option<String> {
        let log = fs::read_to_string(self.log()).ok()?;
        let line = log.lines().rfind(|line| line.contains("FATAL") || line.contains("PANIC"))?;
        Some(line.trim().to_owned())
    }
}

/// Beside the data, or at a short place where that path is too long for a socket.
fn socket_dir(root: &Path, account: &Account) -> PathBuf {
    let near = root.join("socket");
    if near.as_os_str().len() <= SOCKET_DIR_BYTES_MAX {
        return near;
    }
    let digest: [u8; 32] = Sha256::digest(root.as_os_str().as_encoded_bytes()).into();
    let [a, b, c, d, ..] = digest;
    PathBuf::from(format!("/tmp/paystand-sync-{}-{:08x}", account.uid, u32::from_be_bytes([a, b, c, d])))
}

/// Only the server's user may enter; in `/tmp` anybody may have made the directory before us.
fn check_closed(path: &Path, account: &Account) -> Result<(), ClusterError> {
    let found = fs::symlink_metadata(path).map_err(at(path))?;
    let reason = if !found.is_dir() || found.uid() != account.uid {
        "it belongs to another user"
    } else if found.mode() & 0o077 != 0 {
        "other users may enter it"
    } else {
        return Ok(());
    };
    Err(ClusterError::UnusablePath { path: path.to_owned(), reason })
}

fn owner(path: &Path) -> Result<u32, ClusterError> {
    Ok(fs::metadata(path).map_err(at(path))?.uid())
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ClusterError {
    let path = path.to_owned();
    move |source| ClusterError::Directory { path, source }
}

fn buffers_mib(memory_bytes: u64) -> u64 {
    (memory_bytes / BUFFERS_PART / MIB).clamp(*BUFFERS_MIB.start(), *BUFFERS_MIB.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_machines_give_little_and_large_ones_no_more_than_there_is_use_for() {
        let of_gib = |gib: u64| buffers_mib(gib * 1024 * MIB);
        assert_eq!([1, 4, 8, 64].map(of_gib), [128, 256, 512, 512]);
    }
}
