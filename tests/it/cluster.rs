//! The private cluster: who may reach it, how long it lives, and that it never leaves anything behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use paystand_sync::store::{ClusterError, Durability, PrivateCluster};
use secrecy::ExposeSecret as _;
use sqlx::{Connection as _, PgConnection};

const BOUND: Duration = Duration::from_secs(15);
/// Tells the re-executed test binary which cluster to own.
const OWNED_DIR: &str = "CLUSTER_TEST_OWNED_DIR";

/// A state directory that another user may pass through, as `/var/lib` is.
struct StateDir(tempfile::TempDir);

impl StateDir {
    fn new() -> Self {
        Self::with_mode(0o755)
    }

    fn with_mode(mode: u32) -> Self {
        let directory = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        Self(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn data(&self) -> PathBuf {
        fs::canonicalize(self.path()).unwrap().join("postgres/data")
    }

    async fn open(&self) -> PrivateCluster {
        PrivateCluster::open(self.path(), Durability::Volatile).await.unwrap()
    }

    fn server_pid(&self) -> u32 {
        let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// Processes of this cluster: server processes live in its data directory, keepers name it in their arguments.
    fn processes(&self) -> Vec<String> {
        let data = self.data();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter_map(|entry| {
                let directory = fs::read_link(entry.path().join("cwd")).ok()?;
                let arguments = fs::read_to_string(entry.path().join("cmdline")).ok()?.replace('\0', " ");
                let ours = directory == data || arguments.contains(&*data.to_string_lossy());
                (ours && !arguments.is_empty()).then_some(arguments)
            })
            .collect()
    }

    fn await_silence(&self) {
        let started = Instant::now();
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(started.elapsed() < BOUND, "left behind: {left:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

async fn connect(cluster: &PrivateCluster) -> PgConnection {
    PgConnection::connect(cluster.url().expose_secret()).await.unwrap()
}

async fn text(connection: &mut PgConnection, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn only_the_socket_leads_in() {
    let state = StateDir::new();
    let cluster = state.open().await;
    let mut connection = connect(&cluster).await;
    assert_eq!(text(&mut connection, "select current_database()::text").await, "paystand_sync");
    assert_eq!(text(&mut connection, "show server_encoding").await, "UTF8");

    let socket_dir = fs::metadata(cluster.socket_dir()).unwrap();
    assert_eq!(socket_dir.mode() & 0o777, 0o700);
    assert!(cluster.socket_dir().join(".s.PGSQL.5432").exists());
    assert_eq!(fs::metadata(state.path().join("postgres")).unwrap().mode() & 0o777, 0o700);

    let sockets = sockets_of(state.server_pid());
    assert!(!sockets.is_empty(), "the server's sockets must be visible to this test");
    let listening: Vec<String> = listening_inodes().into_iter().filter(|inode| sockets.contains(inode)).collect();
    assert!(listening.is_empty(), "TCP listeners: {listening:?}");

    connection.close().await.unwrap();
    cluster.close().await.unwrap();
    state.await_silence();
}

fn sockets_of(pid: u32) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    files
        .filter_map(|file| {
            let target = fs::read_link(file.path()).ok()?.to_str()?.to_owned();
            Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect()
}

/// Inodes of all TCP sockets in the state LISTEN.
fn listening_inodes() -> Vec<String> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .flat_map(|table| fs::read_to_string(table).unwrap_or_default().lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            (fields.get(3) == Some(&"0A")).then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
        })
        .collect()
}

#[tokio::test]
async fn users_share_one_server_and_the_last_one_stops_it() {
    let state = StateDir::new();
    let first = state.open().await;
    let pid = state.server_pid();
    let second = state.open().await;
    assert_eq!(state.server_pid(), pid);
    assert_eq!(first.url().expose_secret(), second.url().expose_secret());

    // The one who started it leaves first.
    first.close().await.unwrap();
    let mut connection = connect(&second).await;
    assert_eq!(text(&mut connection, "select 'here'").await, "here");
    assert_eq!(state.server_pid(), pid);
    drop(connection);
    second.close().await.unwrap();
    assert!(!state.data().join("postmaster.pid").exists(), "close returns when the server has stopped");
    state.await_silence();
}

#[tokio::test]
async fn data_survives_a_stop_and_a_crash_of_the_server() {
    let state = StateDir::new();
    let cluster = state.open().await;
    let mut connection = connect(&cluster).await;
    sqlx::query("create table kept as select 'yes' as word").execute(&mut connection).await.unwrap();
    drop(connection);
    cluster.close().await.unwrap();

    let cluster = state.open().await;
    assert_eq!(text(&mut connect(&cluster).await, "select word from kept").await, "yes");

    // The server dies under its users; its postmaster.pid stays and still says `ready`.
    kill(state.server_pid());
    let again = state.open().await;
    assert_eq!(text(&mut connect(&again).await, "select word from kept").await, "yes");
    drop(cluster);
    again.close().await.unwrap();
    state.await_silence();
}

#[tokio::test]
async fn whoever_comes_while_the_server_stops_gets_a_new_one() {
    let state = StateDir::new();
    for _ in 0..5 {
        let cluster = state.open().await;
        assert_eq!(text(&mut connect(&cluster).await, "select 'here'").await, "here");
        // Not closed: the keeper stops the server while the next user is already asking.
        drop(cluster);
    }
    state.await_silence();
}

#[tokio::test]
async fn many_may_come_at_once() {
    let state = StateDir::new();
    let (a, b, c) = tokio::join!(state.open(), state.open(), state.open());
    for cluster in [&a, &b, &c] {
        assert_eq!(text(&mut connect(cluster).await, "select 'here'").await, "here");
    }
    for cluster in [a, b, c] {
        cluster.close().await.unwrap();
    }
    state.await_silence();
}

#[tokio::test]
async fn a_killed_owner_leaves_nothing_behind() {
    let state = StateDir::new();
    let mut owner = Owner::start(&state);
    assert!(!state.processes().is_empty());
    let environment = fs::read_to_string(format!("/proc/{}/environ", state.server_pid())).unwrap();
    assert!(!environment.contains(OWNED_DIR), "the server must not inherit our environment");

    owner.0.kill().unwrap();
    owner.0.wait().unwrap();
    state.await_silence();
    assert!(!state.data().join("postmaster.pid").exists());
}

#[tokio::test]
async fn a_killed_owner_leaves_the_server_to_others() {
    let state = StateDir::new();
    let mut owner = Owner::start(&state);
    let pid = state.server_pid();
    let cluster = state.open().await;
    owner.0.kill().unwrap();
    owner.0.wait().unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(text(&mut connect(&cluster).await, "select 'here'").await, "here");
    assert_eq!(state.server_pid(), pid);
    cluster.close().await.unwrap();
    state.await_silence();
}

/// Another process that holds the cluster.
struct Owner(Child);

impl Owner {
    fn start(state: &StateDir) -> Self {
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["cluster::owner_of_another_process", "--exact", "--ignored", "--nocapture"])
            .env(OWNED_DIR, state.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(owner.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.into_iter().any(|line| line.ends_with("cluster is open")), "the owner ended early");
        Self(owner)
    }
}

/// Not a test of its own: the other process of the two above.
#[tokio::test]
#[ignore = "run by other tests"]
async fn owner_of_another_process() {
    let Some(directory) = std::env::var_os(OWNED_DIR) else { return };
    let _cluster = PrivateCluster::open(Path::new(&directory), Durability::Volatile).await.unwrap();
    #[expect(clippy::print_stdout, reason = "this is how the parent learns of it")]
    {
        println!("cluster is open");
    }
    tokio::time::sleep(4 * BOUND).await;
}

fn kill(pid: u32) {
    let server = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(server, rustix::process::Signal::KILL).unwrap();
    let process = PathBuf::from(format!("/proc/{pid}/cwd"));
    let started = Instant::now();
    while fs::read_link(&process).is_ok() {
        assert!(started.elapsed() < BOUND);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_gets_a_short_one() {
    let state = StateDir::new();
    let deep = state.path().join("d".repeat(100));
    let cluster = PrivateCluster::open(&deep, Durability::Volatile).await.unwrap();
    assert!(cluster.socket_dir().as_os_str().len() <= 100);
    assert_eq!(fs::metadata(cluster.socket_dir()).unwrap().mode() & 0o777, 0o700);
    let shared = PrivateCluster::open(&deep, Durability::Volatile).await.unwrap();
    assert_eq!(text(&mut connect(&shared).await, "select 'here'").await, "here");
    let socket_dir = cluster.socket_dir().to_owned();
    shared.close().await.unwrap();
    cluster.close().await.unwrap();
    fs::remove_dir_all(socket_dir).unwrap();
}

#[tokio::test]
async fn data_of_another_version_is_refused() {
    let state = StateDir::new();
    state.open().await.close().await.unwrap();
    fs::write(state.data().join("PG_VERSION"), "9\n").unwrap();
    let error = PrivateCluster::open(state.path(), Durability::Volatile).await.unwrap_err();
    assert!(matches!(error, ClusterError::OtherVersion { data: 9, .. }), "{error}");
}

#[tokio::test]
async fn a_closed_home_is_named_with_the_way_out() {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Only root runs the server as somebody else.
        return;
    }
    let state = StateDir::with_mode(0o700);
    let error = PrivateCluster::open(state.path(), Durability::Volatile).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("cannot be entered by the user postgres") && text.contains("database.state_dir"), "{text}");
}
