//! The receiver in another language: where it is, and one process of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::harness::eventually;

const START_BOUND: Duration = Duration::from_secs(30);

/// `None` where whoever runs the tests says that the library is not there.
pub fn python() -> Option<PathBuf> {
    let without = std::env::var("PAYSTAND_SYNC_WITHOUT").unwrap_or_default();
    if without.split_whitespace().any(|name| name == "standardwebhooks") {
        return None;
    }
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools").join("bin").join("python");
    let has_it = Command::new(&python).args(["-c", "import standardwebhooks"]).stderr(Stdio::null()).status();
    assert!(
        has_it.is_ok_and(|status| status.success()),
        "standardwebhooks is not installed: run scripts/test, which installs it, or say PAYSTAND_SYNC_WITHOUT=standardwebhooks"
    );
    Some(python)
}

fn receiver(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/webhook/receiver.py"));
    command
}

/// What the library says of each of these requests, in JSON.
pub fn verified(python: &Path, secret: &str, requests: &[serde_json::Value]) -> Vec<String> {
    let mut child = receiver(python)
        .args(["verify", secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a Python program");
    let mut stdin = child.stdin.take().expect("piped");
    for request in requests {
        writeln!(stdin, "{request}").expect("it reads");
    }
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// One that serves, and can be killed and started again on its port.
pub struct Outside {
    python: PathBuf,
    port: u16,
    arguments: Vec<String>,
    log: PathBuf,
    child: Option<Child>,
    _folder: tempfile::TempDir,
}

impl Outside {
    pub async fn start(python: &Path, secret: &str, seed: u64, stall: Duration) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let stall_s = format!("{}.{:03}", stall.as_secs(), stall.subsec_millis());
        let arguments = vec![
            "serve".to_owned(),
            port.to_string(),
            log.display().to_string(),
            secret.to_owned(),
            seed.to_string(),
            stall_s,
        ];
        let mut outside = Self { python: python.to_owned(), port, arguments, log, child: None, _folder: folder };
        outside.serve().await;
        outside
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Returns once so many bytes are in its log.
    pub async fn has_noted(&self, bytes: u64) {
        eventually("the receiver notes something", START_BOUND, async || self.noted() >= bytes).await;
    }

    pub fn noted(&self) -> u64 {
        std::fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    /// As the kernel does it: nothing is finished, nothing is said.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a process of our own");
            child.wait().expect("a process of our own");
        }
    }

    pub fn is_dead(&self) -> bool {
        self.child.is_none()
    }

    pub async fn serve(&mut self) {
        self.child = Some(receiver(&self.python).args(&self.arguments).spawn().expect("a Python program"));
        let port = self.port;
        let answers = async || TcpStream::connect(("127.0.0.1", port)).await.is_ok();
        eventually("the receiver listens", START_BOUND, answers).await;
    }

    /// Lets it take messages again after it said that it is gone.
    pub fn open_again(&self) {
        std::fs::remove_file(self.log.with_extension("gone")).expect("it is gone");
    }

    pub fn log(&self) -> Vec<Line> {
        std::fs::read_to_string(&self.log).expect("a log").lines().map(Line::read).collect()
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the receiver noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Arrived {
        id: String,
        root: String,
        sequence: u64,
        fate: String,
    },
    Taken {
        id: String,
        body: String,
    },
    Answered {
        id: String,
        status: u16,
    },
    /// A request that is no message of ours, or whose signature is not.
    Wrong(String),
}

impl Line {
    fn read(text: &str) -> Self {
        let words: Vec<String> = text.split('\t').map(str::to_owned).collect();
        match &words[..] {
            [what, id, root, sequence, fate] if what == "arrived" => Self::Arrived {
                id: id.clone(),
                root: root.clone(),
                sequence: sequence.parse().expect("a number"),
                fate: fate.clone(),
            },
            [what, id, body] if what == "taken" => Self::Taken { id: id.clone(), body: body.clone() },
            [what, id, status] if what == "answered" => {
                Self::Answered { id: id.clone(), status: status.parse().expect("a status") }
            }
            _ => Self::Wrong(text.to_owned()),
        }
    }
}
