//! Names of files: `PSX_<label>_<yyyymmdd>_<sequence>_<first of the sha256>.<extension>`.

use std::fmt;

use chrono::NaiveDate;

/// The name of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub label: String,
    pub day: NaiveDate,
    pub sequence: u64,
    /// The first eight hex digits.
    pub sha256: String,
    pub extension: String,
}

impl Name {
    /// Reads a name; `None` where it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (stem, extension) = text.split_once('.')?;
        let [prefix, label, day, sequence, sha256] = stem.split('_').collect::<Vec<_>>()[..] else { return None };
        let day = NaiveDate::parse_from_str(day, "%Y%m%d").ok()?;
        let is_hex = sha256.len() == 8 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_number = sequence.len() >= 8 && sequence.bytes().all(|byte| byte.is_ascii_digit());
        if prefix != "PSX" || !is_hex || !is_number {
            return None;
        }
        let sequence = sequence.parse().ok()?;
        Some(Self { label: label.into(), day, sequence, sha256: sha256.into(), extension: extension.into() })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, day, sequence, sha256, extension } = self;
        write!(f, "PSX_{label}_{}_{sequence:08}_{sha256}.{extension}", day.format("%Y%m%d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let text = "PSX_books_20260131_00000007_0a1b2c3d.csv";
        let name = Name::parse(text).expect("one of ours");
        assert_eq!((name.sequence, name.label.as_str()), (7, "books"));
        assert_eq!(name.to_string(), text);
        for other in ["PSX_books_20260131_7_0a1b2c3d.csv", "PSX_books_20260131_00000007_0a1b2c3d", "orders.csv", ""] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }
}
