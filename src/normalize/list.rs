//! The envelope of a list answer, split into rows without losing a byte of any of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

/// The rows of one list answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Each row is the exact slice of the answer.
    pub rows: Vec<Bytes>,
    /// `count`, where it is a whole number as number or text.
    pub count: Option<u64>,
}

/// The answer is no list: truncated, empty, HTML, an error or another object. It is never an empty page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a list: {reason}")]
pub struct NotAList {
    /// Quotes nothing of the answer.
    pub reason: String,
}

/// Splits a list answer: `{"results": […], "count": n}` or a bare list. Missing or null `results` are an empty page only where `count` says
/// 0 and nothing says error. A row may be anything, also invalid inside its strings: that is for its reader to find out.
///
/// # Errors
/// [`NotAList`] for everything else.
#[expect(clippy::needless_pass_by_value, reason = "the answer is given up: its rows share its memory")]
pub fn rows(body: Bytes) -> Result<Envelope, NotAList> {
    let refuse = |reason: &str| Err(NotAList { reason: reason.to_owned() });
    let text = same_length_text(&body);
    let slice = |raw: &RawValue| slice_of(&body, &text, raw);
    match text.trim_start().bytes().next() {
        None => refuse("the body is empty"),
        Some(b'[') => {
            let rows: Vec<&RawValue> = serde_json::from_str(&text).map_err(|error| not_json(&error))?;
            Ok(Envelope { rows: rows.into_iter().map(slice).collect(), count: None })
        }
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(&text).map_err(|error| not_json(&error))?;
            let member = |name: &str| members.get(name).map(|raw| raw.get()).filter(|token| *token != "null");
            let count = member("count").and_then(|token| token.trim_matches('"').parse().ok());
            match member("results") {
                Some(list) if list.starts_with('[') => {
                    let rows: Vec<&RawValue> = serde_json::from_str(list).map_err(|error| not_json(&error))?;
                    Ok(Envelope { rows: rows.into_iter().map(slice).collect(), count })
                }
                Some(_) => refuse("`results` is not a list"),
                None if member("error").is_some() => refuse("an error instead of `results`"),
                None if count == Some(0) => Ok(Envelope { rows: Vec::new(), count }),
                None => refuse("an object without `results`"),
            }
        }
        Some(b'<') => refuse("markup instead of JSON"),
        Some(_) => refuse("neither an object nor a list"),
    }
}

/// The elements of a list that is a member of the object `body`; none where there is no such list.
pub(super) fn member_rows(body: &Bytes, name: &str) -> Vec<Bytes> {
    let text = same_length_text(body);
    // Of repeated keys the last one counts, as in the parsed object.
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(&text).unwrap_or_default();
    let elements: Vec<&RawValue> =
        members.get(name).and_then(|list| serde_json::from_str(list.get()).ok()).unwrap_or_default();
    elements.into_iter().map(|raw| slice_of(body, &text, raw)).collect()
}

/// The body as text of the same length: an invalid byte becomes `?`, so that positions hold and one bad string does not hide the
/// rest of a page.
pub(super) fn same_length_text(body: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(
            body.utf8_chunks()
                .flat_map(|chunk| [chunk.valid(), &"???"[..chunk.invalid().len()]])
                .collect::<Vec<_>>()
                .concat(),
        ),
    }
}

/// The bytes of `body` at the place where `raw` stands in `text`, which has the same length.
fn slice_of(body: &Bytes, text: &str, raw: &RawValue) -> Bytes {
    let start = raw.get().as_ptr().addr() - text.as_ptr().addr();
    body.slice(start..start + raw.get().len())
}

fn not_json(error: &serde_json::Error) -> NotAList {
    let what = if error.is_eof() { "the JSON is cut off" } else { "not valid JSON" };
    NotAList { reason: format!("{what} at line {} column {}", error.line(), error.column()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Envelope, NotAList> {
        rows(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn rows_are_the_exact_bytes_between_the_commas() {
        let page = read(" {\"count\": 2, \"results\": [ {\"a\" : 1.0 } ,{\"b\":\"\\u0000\"}], \"settings\": {}} ");
        let page = page.expect("a list");
        assert_eq!(page.rows, [&b"{\"a\" : 1.0 }"[..], &b"{\"b\":\"\\u0000\"}"[..]]);
        assert_eq!(page.count, Some(2));
    }

    #[test]
    fn count_may_be_text_missing_null_or_nonsense() {
        for (body, count) in [
            (r#"{"results":[],"count":7}"#, Some(7)),
            (r#"{"results":[],"count":"7"}"#, Some(7)),
            (r#"{"results":[]}"#, None),
            (r#"{"results":[],"count":null}"#, None),
            (r#"{"results":[],"count":-1}"#, None),
            (r#"{"results":[],"count":{"total":7}}"#, None),
            ("[]", None),
        ] {
            assert_eq!(read(body), Ok(Envelope { rows: Vec::new(), count }), "{body}");
        }
        assert_eq!(read("[{}, 1]").expect("a bare list").rows, [&b"{}"[..], &b"1"[..]]);
    }

    #[test]
    fn missing_results_are_an_empty_page_only_where_count_says_zero() {
        assert!(read(r#"{"count":0,"settings":{}}"#).is_ok());
        assert!(read(r#"{"results":null,"count":"0"}"#).is_ok());
        for body in [
            "{}",
            r#"{"results":null}"#,
            r#"{"count":3}"#,
            r#"{"count":0,"error":{"name":"notFound"}}"#,
            r#"{"error":"insufficient_scope"}"#,
            r#"{"results":{"id":"x"},"count":0}"#,
            r#"{"results":"[]"}"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }

    #[test]
    fn what_is_cut_off_or_not_json_is_never_an_empty_page() {
        for body in [
            "",
            "  \n",
            "<html><body>502</body></html>",
            "null",
            "\"results\"",
            "Service Unavailable",
            r#"{"results":["#,
            r#"{"results":[]"#,
            r#"{"results":[{"id":"a"},{"id":"#,
            "[",
            r#"[{"id":"a"}] [ ]"#,
        ] {
            assert!(read(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_row_with_invalid_bytes_or_a_broken_escape_spoils_no_other_row() {
        let body =
            b"{\"results\":[{\"id\":\"a\"},{\"id\":\"b\",\"n\":\"\xff\xf0\x9f\"},{\"id\":\"c\",\"n\":\"\\ud800\"}]}";
        let page = rows(Bytes::from_static(body)).expect("a list");
        assert_eq!(page.rows.len(), 3);
        assert_eq!(page.rows[1], &b"{\"id\":\"b\",\"n\":\"\xff\xf0\x9f\"}"[..]);
        let deep = format!("[{}{}]", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(read(&deep).expect("a list").rows.len(), 1);
    }

    #[test]
    fn reasons_quote_nothing_of_the_answer() {
        for body in [r#""s3cret""#, r#"{"results":"s3cret"}"#, r#"{"s3cret":}"#, r#"{"access_token":"s3cret"}"#] {
            let reason = read(body).expect_err("not a list").reason;
            assert!(!reason.contains("s3cret"), "{reason}");
        }
    }
}
