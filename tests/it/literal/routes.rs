//! Routes, headers, tokens, envelopes and errors.

use axum::body::Bytes;
use axum::http::request::Parts;
use serde_json::Value;

use super::books::{Kind, Order, Row, Stamp};
use super::query::{Query, Question};
use super::{CLIENT_ID, CLIENT_SECRET, Count, State};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    /// Below the base address.
    pub path: String,
    pub query: Query,
    pub merchant: Option<String>,
}

/// Status and body.
pub type Reply = (u16, String);

impl Seen {
    pub fn of(parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().strip_prefix("/v3").unwrap_or("outside of /v3").to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            merchant: header(parts, "x-customer-id"),
        }
    }

    /// Whether it asks for rows of `/payments/all` and the like.
    pub fn is_list(&self, path: &str) -> bool {
        self.path == path
    }
}

fn header(parts: &Parts, name: &str) -> Option<String> {
    parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

const NOT_ALLOWED: &str = r#"{"error": {"name": "unauthorized", "status": "401", "type": "requestError",
  "description": "Not allowed.", "details": {"code": "insufficientResourceAccess"}, "ref": "0f3c9a7714de4b0c8a51d2be90aa6c1e"}}"#;
const BAD_CLIENT: &str = r#"{"error": "invalid_client", "error_description": "client authentication failed"}"#;
const UNSCOPED: &str = r#"{"error": "insufficient_scope"}"#;
const NO_TIMEZONE: &str =
    r#"{"error": {"name": "apiError", "status": "400", "description": "Not for this kind of token."}}"#;
const REPORT: &str = r#"{"object": "transferReport", "id": "rp-@ID@", "transferId": "@ID@", "status": "completed"}"#;
const NOT_FOUND: &str = r#"{"error": {"name": "notFound", "status": "404", "description": "No such object."}}"#;

impl State {
    pub fn reply(&mut self, parts: &Parts, seen: &Seen, body: &Bytes) -> Reply {
        if seen.path == "/oauth/token" {
            return self.token(parts, seen, body);
        }
        if seen.method != "GET" {
            self.unexpected.push(format!("{} {}", seen.method, seen.path));
            return (405, String::new());
        }
        if header(parts, "accept").as_deref() != Some("application/json") {
            self.unexpected.push(format!("{} without Accept: application/json", seen.path));
        }
        let bearer = header(parts, "authorization").unwrap_or_default();
        let token = bearer.strip_prefix("Bearer ").unwrap_or_default();
        if !self.tokens.contains(token) {
            return (401, NOT_ALLOWED.to_owned());
        }
        if token.starts_with("tok_unscoped") {
            return (403, UNSCOPED.to_owned());
        }
        match seen.merchant.clone() {
            Some(merchant) if self.merchants.contains_key(&merchant) => self.rows(seen, &merchant),
            _ => (401, NOT_ALLOWED.to_owned()),
        }
    }

    fn token(&mut self, parts: &Parts, seen: &Seen, body: &Bytes) -> Reply {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_json = header(parts, "content-type").is_some_and(|kind| kind.starts_with("application/json"));
        let is_plain = header(parts, "authorization").is_none() && seen.merchant.is_none();
        if seen.method != "POST" || !is_json || !is_plain || asked["grant_type"] != "client_credentials" {
            self.unexpected.push(format!("{} {} with {asked}", seen.method, seen.path));
            return (400, String::new());
        }
        if asked["client_id"] != CLIENT_ID || asked["client_secret"] != CLIENT_SECRET {
            return (401, BAD_CLIENT.to_owned());
        }
        let (kind, echo) = if asked["scope"] == "auth" { ("scoped", r#""scope": "auth", "#) } else { ("unscoped", "") };
        let token = format!("tok_{kind}_{:04}_5b1e77a0", self.log.len());
        self.tokens.insert(token.clone());
        let rest = r#""token_type": "Bearer", "expires_in": "1209600", "refresh_token": "rt_never_used"}"#;
        (200, format!(r#"{{"access_token": "{token}", {echo}{rest}"#))
    }

    fn rows(&mut self, seen: &Seen, merchant: &str) -> Reply {
        let path: Vec<&str> = seen.path.trim_start_matches('/').split('/').collect();
        let is_closed = path[0] == "fees" && !self.quirks.fees_open;
        match path[..] {
            _ if is_closed => (401, NOT_ALLOWED.to_owned()),
            ["customers", "timezone"] => (400, NO_TIMEZONE.to_owned()),
            ["payerCustomers"] => self.list(seen, merchant, Kind::Customers, false),
            ["receivables"] => self.list(seen, merchant, Kind::Receivables, true),
            ["payments", "all"] => self.list(seen, merchant, Kind::Payments, true),
            ["fees"] => self.list(seen, merchant, Kind::Fees, false),
            ["withdrawals"] => self.list(seen, merchant, Kind::Withdrawals, true),
            ["transfers"] => self.list(seen, merchant, Kind::Transfers, true),
            ["refunds"] => self.list(seen, merchant, Kind::Refunds, true),
            ["disputes"] => self.list(seen, merchant, Kind::Disputes, true),
            ["creditMemos"] if seen.query.get("f.querytype").is_some_and(|it| it == "own") => {
                self.list(seen, merchant, Kind::CreditMemos, false)
            }
            ["receivables", id, "transactions"] => self.page(seen, merchant, Kind::Transactions, false, Some(id)),
            ["transfers", id, "report"] => self.report(merchant, id),
            ["transfers", id, "report", "entries"] => self.page(seen, merchant, Kind::Entries, false, Some(id)),
            ["refunds", id] => self.object(merchant, Kind::Refunds, id, false),
            ["disputes", id] => self.object(merchant, Kind::Disputes, id, false),
            ["creditMemos", id] => self.object(merchant, Kind::CreditMemos, id, false),
            ["payerCustomers", id] => self.object(merchant, Kind::Customers, id, false),
            ["receivables", id, "read"] => self.object(merchant, Kind::Receivables, id, false),
            // Without `/read` it answers in the older shape.
            ["receivables", id] => self.object(merchant, Kind::Receivables, id, true),
            ["payments", id] => self.object(merchant, Kind::Payments, id, false),
            ["fees", id] => self.object(merchant, Kind::Fees, id, false),
            ["withdrawals", id] => self.object(merchant, Kind::Withdrawals, id, false),
            ["transfers", id] => self.object(merchant, Kind::Transfers, id, false),
            _ => {
                self.unexpected.push(format!("{} {}", seen.method, seen.path));
                (404, NOT_FOUND.to_owned())
            }
        }
    }

    fn object(&self, merchant: &str, kind: Kind, id: &str, in_list_shape: bool) -> Reply {
        match self.merchants.get(merchant).and_then(|books| books.get(kind, id)) {
            Some(row) if in_list_shape => (200, row.list.clone()),
            Some(row) => (200, row.detail.clone()),
            None => (404, NOT_FOUND.to_owned()),
        }
    }

    /// There is a report where there are entries.
    fn report(&mut self, merchant: &str, transfer: &str) -> Reply {
        let order = Order { by: Stamp::Created, newest_first: true };
        let books = self.merchants.get_mut(merchant).expect("checked before");
        if books.sorted(Kind::Entries, order, false).iter().any(|row| row.list.contains(transfer)) {
            (200, REPORT.replace("@ID@", transfer))
        } else {
            (404, NOT_FOUND.to_owned())
        }
    }

    fn list(&mut self, seen: &Seen, merchant: &str, kind: Kind, filters: bool) -> Reply {
        self.page(seen, merchant, kind, filters, None)
    }

    /// One page of a list; `parent`: only rows that name it.
    fn page(&mut self, seen: &Seen, merchant: &str, kind: Kind, filters: bool, parent: Option<&str>) -> Reply {
        let question = match Question::read(&seen.query, filters) {
            Ok(question) => question,
            Err(reason) => {
                self.unexpected.push(format!("{}: {reason}", seen.path));
                return (400, format!(r#"{{"error": {{"name": "apiError", "description": "{reason}"}}}}"#));
            }
        };
        let quirks = self.quirks;
        let ties_back = quirks.ties_move && self.log.len() % 2 == 1;
        let books = self.merchants.get_mut(merchant).expect("checked before");
        let wanted = |row: &&Row| question.wants(row) && parent.is_none_or(|parent| row.list.contains(parent));
        let rows: Vec<&Row> = books.sorted(kind, question.order, ties_back).into_iter().filter(wanted).collect();
        let granted = question.limit.min(quirks.page_cap);
        let page: Vec<&str> = rows.iter().skip(question.offset).take(granted).map(|row| row.list.as_str()).collect();
        let text = page.join(",\n ");
        if quirks.bare_array {
            return (200, format!("[{text}]"));
        }
        let count = match quirks.count {
            Count::Total => format!(r#""count": {}, "#, rows.len()),
            Count::Page => format!(r#""count": {}, "#, page.len()),
            Count::Absent => String::new(),
        };
        let settings = format!(r#""settings": {{"limit": {granted}, "offset": {}}}"#, question.offset);
        (200, format!(r#"{{"results": [{text}], {count}{settings}}}"#))
    }
}
