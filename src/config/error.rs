//! What can be wrong with a configuration, in sentences that name the place, the key and the next step.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;

/// A configuration that cannot be used. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was asked for, or that exists at the system's place, cannot be read.
    #[error(
        "the configuration file {} cannot be read: {source}; check the path and that this user may read it",
        path.display()
    )]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The text is not TOML. `reason` holds no line of the file: a line may hold a secret.
    #[error("the configuration file {} is not valid TOML at {reason}; correct that line", path.display())]
    Syntax { path: PathBuf, reason: String },
    /// The text is TOML but what it says does not fit. Never empty.
    #[error("{}", one_per_line(problems))]
    Invalid { problems: Vec<Problem> },
}

/// One finding, shown as one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file or the environment variable that says it; absent where something is missing everywhere.
    pub origin: Option<String>,
    /// Dotted, such as `merchants.main.timezone`.
    pub key: String,
    /// What is wrong and what to do.
    pub sentence: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.sentence),
            None => f.write_str(&self.sentence),
        }
    }
}

fn one_per_line(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// The value was wrong and the [`Report`] says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported;

/// Everything found so far, so that one run shows all of it.
#[derive(Debug, Default)]
pub(super) struct Report {
    problems: RefCell<Vec<Problem>>,
    /// Keys that are missing, and keys that somebody meant with a name that does not exist.
    missing: RefCell<Vec<String>>,
    meant: RefCell<Vec<String>>,
}

impl Report {
    /// Adds "`key` …", which `text` continues.
    pub(super) fn add(&self, origin: Option<&str>, key: &str, text: impl fmt::Display) -> Reported {
        self.push(origin, key, format!("`{key}` {text}"))
    }

    /// Adds a key that does not exist; `meant` is the one beside it that it comes nearest to.
    pub(super) fn add_unknown(&self, origin: Option<&str>, key: &str, meant: Option<&str>, hint: &str) -> Reported {
        let section = key.rsplit_once('.').map_or("", |(section, _)| section);
        self.meant.borrow_mut().extend(meant.map(|meant| format!("{section}.{meant}")));
        self.push(origin, key, format!("unknown key `{key}`; {hint}"))
    }

    /// Adds a key that must be there.
    pub(super) fn add_missing(&self, key: &str, text: impl fmt::Display) -> Reported {
        self.missing.borrow_mut().push(key.to_owned());
        self.add(None, key, text)
    }

    fn push(&self, origin: Option<&str>, key: &str, sentence: String) -> Reported {
        let problem = Problem { origin: origin.map(str::to_owned), key: key.to_owned(), sentence };
        self.problems.borrow_mut().push(problem);
        Reported
    }

    pub(super) fn into_error(self) -> Option<ConfigError> {
        let (missing, meant) = (self.missing.into_inner(), self.meant.into_inner());
        let mut problems = self.problems.into_inner();
        // A key that is there under a wrong name is told once.
        problems.retain(|problem| !(missing.contains(&problem.key) && meant.contains(&problem.key)));
        (!problems.is_empty()).then_some(ConfigError::Invalid { problems })
    }
}
