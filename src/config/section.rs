//! Typed reading of one section: every wrong value becomes one sentence in the report.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveDate;
use config::{Map, Value, ValueKind};
use secrecy::SecretString;

use super::error::{Report, Reported};
use super::layers::Surroundings;

/// One `[section]`, or the lack of it: then every key is absent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    path: &'a str,
    table: Option<&'a Map<String, Value>>,
    pub(super) report: &'a Report,
}

impl<'a> Section<'a> {
    pub(super) fn new(path: &'a str, value: Option<&'a Value>, report: &'a Report) -> Self {
        let table = value.and_then(|value| match &value.kind {
            ValueKind::Table(table) => Some(table),
            _ => None,
        });
        Self { path, table, report }
    }

    /// The value of a key that is itself a section.
    pub(super) fn inner(&self, key: &str) -> Option<&'a Value> {
        self.table.and_then(|table| table.get(key))
    }

    /// The keys in the section, sorted.
    pub(super) fn names(&self) -> Vec<&'a str> {
        let mut names: Vec<&str> = self.table.into_iter().flat_map(|table| table.keys().map(String::as_str)).collect();
        names.sort_unstable();
        names
    }

    /// The names of the sections in the section, sorted. What is no section has been reported by the schema.
    pub(super) fn sections(&self) -> Vec<&'a str> {
        let is_section = |name: &&str| matches!(self.inner(name).map(|value| &value.kind), Some(ValueKind::Table(_)));
        self.names().into_iter().filter(is_section).collect()
    }

    /// The full name of a key.
    pub(super) fn place(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Reports what is wrong with a key.
    pub(super) fn refuse(&self, key: &str, text: impl std::fmt::Display) -> Reported {
        self.report.add(self.inner(key).and_then(Value::origin), &self.place(key), text)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.inner(key).is_some()
    }

    /// Text, which may be empty. Numbers are taken as text: an id may look like one.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Reported> {
        let Some(value) = self.inner(key) else { return Ok(None) };
        match &value.kind {
            ValueKind::String(text) => Ok(Some(text.trim().to_owned())),
            ValueKind::I64(number) => Ok(Some(number.to_string())),
            _ => Err(self.refuse(key, "must be text; put it in quotes")),
        }
    }

    /// Text that has something in it.
    pub(super) fn filled(&self, key: &str) -> Result<Option<String>, Reported> {
        match self.text(key)? {
            Some(text) if text.is_empty() => Err(self.refuse(key, "is empty; give it a value or remove the key")),
            text => Ok(text),
        }
    }

    /// Text that must be there.
    pub(super) fn required(&self, key: &str) -> Result<String, Reported> {
        self.filled(key)?.ok_or_else(|| self.missing(key, ""))
    }

    /// Reports that a key is missing; `hint` says what to write, such as ` = "sandbox"`.
    pub(super) fn missing(&self, key: &str, hint: &str) -> Reported {
        let place = self.place(key);
        let variable = place.to_uppercase().replace('.', "__").replace(['-', ' '], "_");
        self.report.add_missing(
            &place,
            format!("is missing; set `{key}{hint}` in [{}] or the variable PAYSTAND_SYNC__{variable}", self.path),
        )
    }

    pub(super) fn boolean(&self, key: &str, default: bool) -> Result<bool, Reported> {
        let Some(value) = self.inner(key) else { return Ok(default) };
        match &value.kind {
            ValueKind::Boolean(flag) => Ok(*flag),
            ValueKind::String(text) if text == "true" => Ok(true),
            ValueKind::String(text) if text == "false" => Ok(false),
            _ => Err(self.refuse(key, "must be true or false")),
        }
    }

    /// A whole number within bounds.
    pub(super) fn number<N>(&self, key: &str, default: N, bounds: RangeInclusive<i64>) -> Result<N, Reported>
    where
        N: TryFrom<i64>,
    {
        let Some(value) = self.inner(key) else { return Ok(default) };
        let number = match &value.kind {
            ValueKind::I64(number) => Some(*number),
            ValueKind::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| bounds.contains(number)).and_then(|number| N::try_from(number).ok()).ok_or_else(|| {
            self.refuse(key, format!("must be a whole number from {} to {}", bounds.start(), bounds.end()))
        })
    }

    /// A length of time within bounds, written `30s`, `10m` or `30d`.
    pub(super) fn duration(
        &self,
        key: &str,
        default: Duration,
        bounds: &RangeInclusive<Duration>,
    ) -> Result<Duration, Reported> {
        let Some(text) = self.filled(key)? else { return Ok(default) };
        let Ok(duration) = humantime::parse_duration(&text) else {
            return Err(
                self.refuse(key, format!("is no length of time: `{text}`; write it like \"30s\", \"10m\" or \"30d\""))
            );
        };
        if bounds.contains(&duration) {
            return Ok(duration);
        }
        let (least, most) = (show(*bounds.start()), show(*bounds.end()));
        Err(self.refuse(key, format!("is {text}; it must lie between {least} and {most}")))
    }

    /// Lengths of time within bounds, one after the other: a list, or text with commas.
    pub(super) fn durations(
        &self,
        key: &str,
        default: &[Duration],
        bounds: &RangeInclusive<Duration>,
    ) -> Result<Vec<Duration>, Reported> {
        let Some(value) = self.inner(key) else { return Ok(default.to_vec()) };
        let texts: Vec<String> = match &value.kind {
            ValueKind::Array(values) => values.iter().map(ToString::to_string).collect(),
            ValueKind::String(text) => text.split(',').map(str::to_owned).collect(),
            _ => return Err(self.refuse(key, "must be a list; write it like [\"5s\", \"5m\"]")),
        };
        let durations: Option<Vec<Duration>> =
            texts.iter().map(|text| humantime::parse_duration(text.trim()).ok()).collect();
        let fits = |them: &Vec<Duration>| !them.is_empty() && them.iter().all(|wait| bounds.contains(wait));
        durations.filter(fits).ok_or_else(|| {
            let (least, most) = (show(*bounds.start()), show(*bounds.end()));
            self.refuse(key, format!("must be a list of lengths of time from {least} to {most}, like [\"5s\", \"5m\"]"))
        })
    }

    /// A calendar day.
    pub(super) fn date(&self, key: &str) -> Result<Option<NaiveDate>, Reported> {
        let Some(text) = self.filled(key)? else { return Ok(None) };
        match text.parse() {
            Ok(date) => Ok(Some(date)),
            Err(_) => Err(self.refuse(key, format!("is no date: `{text}`; write it like \"2026-01-31\""))),
        }
    }

    /// A file, relative to where secrets are.
    pub(super) fn path(&self, key: &str, surroundings: &Surroundings) -> Result<Option<PathBuf>, Reported> {
        let Some(path) = self.filled(key)? else { return Ok(None) };
        let origin = self.inner(key).and_then(Value::origin);
        Ok(Some(credential_path(Path::new(&path), origin, surroundings)))
    }

    /// A secret, given as text or as `<key>_file`.
    pub(super) fn secret(&self, key: &str, surroundings: &Surroundings) -> Result<Option<SecretString>, Reported> {
        let file_key = format!("{key}_file");
        if self.has(key) && self.has(&file_key) {
            return Err(self.refuse(key, format!("and `{file_key}` are both set; remove one of them")));
        }
        if let Some(text) = self.filled(key)? {
            return Ok(Some(SecretString::from(text)));
        }
        let Some(path) = self.filled(&file_key)? else { return Ok(None) };
        let origin = self.inner(&file_key).and_then(Value::origin);
        let path = credential_path(Path::new(&path), origin, surroundings);
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let text =
                format!("names {}, which cannot be read: {error}; check the path and its permissions", path.display());
            self.refuse(&file_key, text)
        })?;
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            let text = format!("names {}, which is empty; write the secret into it", path.display());
            return Err(self.refuse(&file_key, text));
        }
        Ok(Some(SecretString::from(text)))
    }
}

/// A relative path means a systemd credential where there are any, else a file beside the configuration file.
fn credential_path(path: &Path, origin: Option<&str>, surroundings: &Surroundings) -> PathBuf {
    if path.is_absolute() {
        return path.to_owned();
    }
    if let Some(directory) = surroundings.variable("CREDENTIALS_DIRECTORY") {
        return Path::new(directory).join(path);
    }
    match origin.map(Path::new).filter(|origin| origin.is_file()).and_then(Path::parent) {
        Some(directory) => directory.join(path),
        None => path.to_owned(),
    }
}

/// A length of time as it is written in the configuration.
pub(super) fn show(duration: Duration) -> String {
    humantime::format_duration(duration).to_string()
}
