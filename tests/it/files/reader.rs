//! The consumer's program, asked line by line.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde_json::json;

/// What lies in a folder.
#[derive(Debug, Deserialize)]
pub struct Read {
    /// Key → where it stands.
    pub places: BTreeMap<String, Vec<String>>,
    pub wrong: Vec<String>,
    pub files: usize,
    pub statements: Vec<Option<Statement>>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Statement {
    pub opening: String,
    pub closing: String,
    pub day: String,
    /// Id, value date and amount.
    pub lines: Vec<(String, String, String)>,
}

#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    process: Mutex<(Child, ChildStdin, BufReader<ChildStdout>)>,
}

impl Reader {
    pub fn of(folder: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/files/reader.py");
        let mut command = Command::new("python3");
        command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 is installed");
        let (stdin, stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        Self { folder: folder.to_owned(), process: Mutex::new((child, stdin, BufReader::new(stdout))) }
    }

    fn ask(&self, keys: Option<&[&str]>) -> Read {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(process.1, "{}", json!({ "folder": self.folder, "keys": keys })).expect("it listens");
        let mut line = String::new();
        process.2.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Everything in the folder, which must be as it should.
    pub fn all(&self) -> Read {
        let read = self.ask(None);
        assert_eq!(read.wrong, Vec::<String>::new());
        read
    }

    /// Where a key stands.
    pub fn places(&self, key: &str) -> Vec<String> {
        let mut read = self.ask(Some(&[key]));
        assert_eq!(read.wrong, Vec::<String>::new());
        read.places.remove(key).unwrap_or_default()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let child = &mut self.process.get_mut().unwrap_or_else(PoisonError::into_inner).0;
        let _ = child.kill();
        let _ = child.wait();
    }
}
