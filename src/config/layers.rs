//! Where configuration comes from, and how the layers are laid over one another.
//!
//! Every value keeps its origin (a file or an environment variable), so that an error can say where to mend it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use config::{FileFormat, Format, Map, Source, Value, ValueKind};

use super::error::ConfigError;

/// Where the system's own configuration lies.
pub const SYSTEM_FILE: &str = "/etc/paystand-sync/config.toml";

/// Where the system's own state lies.
pub(super) const SYSTEM_STATE: &str = "/var/lib/paystand-sync";

const PREFIX: &str = "PAYSTAND_SYNC__";
const SEPARATOR: &str = "__";

/// What loading sees of the process and the machine, as a value so that tests choose it.
#[derive(Debug, Clone)]
pub struct Surroundings {
    pub variables: BTreeMap<String, String>,
    /// Whether the system's state directory is ours: we are root, or it belongs to our user.
    pub uses_system_state: bool,
    pub system_file: PathBuf,
}

impl Surroundings {
    /// What this process really sees.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        let user = rustix::process::geteuid();
        let owns = std::fs::metadata(SYSTEM_STATE).is_ok_and(|found| found.uid() == user.as_raw());
        Self { variables, uses_system_state: user.is_root() || owns, system_file: PathBuf::from(SYSTEM_FILE) }
    }

    /// A variable that is set to something.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// All layers merged: system file < `file` < environment.
pub(super) fn merge(file: Option<&Path>, surroundings: &Surroundings) -> Result<Value, ConfigError> {
    let mut builder = config::Config::builder();
    if let Some(layer) = read_optional(&surroundings.system_file)? {
        builder = builder.add_source(layer);
    }
    if let Some(path) = file {
        builder = builder.add_source(read(path)?);
    }
    let files = collect(builder);
    let environment = from_environment(&files, surroundings);
    let mut builder = config::Config::builder().add_source(Layer(into_table(files)));
    for variable in environment {
        builder = builder.add_source(variable);
    }
    Ok(collect(builder))
}

/// One layer, already parsed.
#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

fn collect(builder: config::ConfigBuilder<config::builder::DefaultState>) -> Value {
    builder.build().expect("layers are parsed before they are laid").cache
}

fn read_optional(path: &Path) -> Result<Option<Layer>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ConfigError::Unreadable { path: path.to_owned(), source }),
    }
}

fn read(path: &Path) -> Result<Layer, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Layer, ConfigError> {
    let origin = path.display().to_string();
    let table = FileFormat::Toml.parse(Some(&origin), text).map_err(|error| ConfigError::Syntax {
        path: path.to_owned(),
        reason: without_source_lines(&error.to_string()),
    })?;
    Ok(Layer(table))
}

/// The parser shows the offending line, which may hold a secret: only its place and its message are kept.
fn without_source_lines(message: &str) -> String {
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default();
    let place = first.strip_prefix("TOML parse error at ").unwrap_or(first);
    let words: Vec<&str> = lines
        .filter(|line| !line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|'))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if words.is_empty() { place.to_owned() } else { format!("{place}: {}", words.join(", ")) }
}

/// One layer per variable, later ones winning: `DATABASE_URL` first, so that `PAYSTAND_SYNC__DATABASE__URL` is preferred.
fn from_environment(files: &Value, surroundings: &Surroundings) -> Vec<Layer> {
    let mut layers = Vec::new();
    if let Some(url) = surroundings.variable("DATABASE_URL") {
        layers.push(nest(&["database".to_owned(), "url".to_owned()], "DATABASE_URL", url));
    }
    for (name, value) in &surroundings.variables {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let path = resolve(files, rest);
        layers.push(nest(&path, name, value));
    }
    layers
}

/// The keys that a variable means. Variable names are upper case and know no hyphen, so a name that a file already holds
/// is found whatever its case; a new one is lower case.
fn resolve(files: &Value, rest: &str) -> Vec<String> {
    let mut here = Some(files);
    rest.split(SEPARATOR)
        .map(|segment| {
            let wanted = plain(segment);
            let table = here.and_then(|value| match &value.kind {
                ValueKind::Table(table) => Some(table),
                _ => None,
            });
            let known = table.and_then(|table| table.iter().find(|(key, _)| plain(key) == wanted));
            here = known.map(|(_, value)| value);
            known.map_or_else(|| segment.to_lowercase(), |(key, _)| key.clone())
        })
        .collect()
}

fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', ' ', '.'], "_")
}

fn nest(path: &[String], variable: &str, text: &str) -> Layer {
    let origin = variable.to_owned();
    let mut value = Value::new(Some(&origin), text);
    for key in path.iter().skip(1).rev() {
        value = Value::new(Some(&origin), Map::from_iter([(key.clone(), value)]));
    }
    let root = path.first().cloned().unwrap_or_default();
    Layer(Map::from_iter([(root, value)]))
}

fn into_table(value: Value) -> Map<String, Value> {
    match value.kind {
        ValueKind::Table(table) => table,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syntax_error_never_shows_the_line() {
        let error = parse(Path::new("a.toml"), "[merchants.main]\nclient_secret = hunter2\n").unwrap_err().to_string();
        assert!(error.starts_with("the configuration file a.toml is not valid TOML at line 2, column"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
