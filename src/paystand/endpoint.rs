//! Which route and query a question means. Pure.
//!
//! Facts from the Paystand X docs: filters by date (`f.…`) work on some lists only, and without `f.querytype` every other
//! `f.…` parameter is silently ignored. Inside such a query paging is `f.limit`, `f.offset` and `f.order`; outside it is
//! `limit`, `offset` and `order`.

use std::fmt::{self, Write as _};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::model::ids::SourceId;
use crate::model::page::{Direction, Order, PageRequest, Stamp, Window};
use crate::model::resource::Resource;

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A route of the API, as far as errors and log lines name it. Its text holds ids, never a query or a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Endpoint {
    Token,
    /// The parent is the receivable of receivable transactions, the transfer of report entries.
    List(Resource, Option<SourceId>),
    Detail(Resource, SourceId),
    TransferReport(SourceId),
    Timezone,
}

impl Endpoint {
    /// The route with `{id}` in place of an id: the same for every object of a kind.
    #[must_use]
    pub const fn route(&self) -> &'static str {
        match self {
            Endpoint::Token => "/oauth/token",
            Endpoint::Timezone => "/customers/timezone",
            Endpoint::TransferReport(_) => "/transfers/{id}/report",
            Endpoint::List(resource, _) => list_route(*resource),
            Endpoint::Detail(resource, _) => match detail_route(*resource) {
                Some(route) => route,
                None => panic!("the API reads no single one of these"),
            },
        }
    }

    /// The id in the route, if it has one: a 404 then speaks of that object and not of the route.
    #[must_use]
    pub const fn id(&self) -> Option<&SourceId> {
        match self {
            Endpoint::Token | Endpoint::Timezone => None,
            Endpoint::List(_, parent) => parent.as_ref(),
            Endpoint::Detail(_, id) | Endpoint::TransferReport(id) => Some(id),
        }
    }

    /// The address below `base`; `None` where the id cannot stand in a path (`""`, `.` and `..` name another route).
    pub(super) fn address(&self, base: &Url, query: &[(&'static str, String)]) -> Option<Url> {
        let mut text = base.as_str().trim_end_matches('/').to_owned();
        match self.id() {
            None => text.push_str(self.route()),
            Some(id) if matches!(id.as_str(), "" | "." | "..") => return None,
            Some(id) => {
                let id = utf8_percent_encode(id.as_str(), RESERVED).to_string();
                text.push_str(&self.route().replace("{id}", &id));
            }
        }
        for (position, (name, value)) in query.iter().enumerate() {
            text.push(if position == 0 { '?' } else { '&' });
            let value = utf8_percent_encode(value, RESERVED);
            write!(text, "{name}={value}").expect("writing to a String never fails");
        }
        Url::parse(&text).ok()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id() {
            Some(id) => f.write_str(&self.route().replace("{id}", id.as_str())),
            None => f.write_str(self.route()),
        }
    }
}

/// Whether one object of the resource can be read by its id.
#[must_use]
pub const fn has_detail(resource: Resource) -> bool {
    detail_route(resource).is_some()
}

const fn list_route(resource: Resource) -> &'static str {
    match resource {
        Resource::Customers => "/payerCustomers",
        Resource::Receivables => "/receivables",
        Resource::Payments => "/payments/all",
        Resource::ReceivableTransactions => "/receivables/{id}/transactions",
        Resource::Fees => "/fees",
        Resource::Refunds => "/refunds",
        Resource::Disputes => "/disputes",
        Resource::Withdrawals => "/withdrawals",
        Resource::Transfers => "/transfers",
        Resource::TransferEntries => "/transfers/{id}/report/entries",
        Resource::CreditMemos => "/creditMemos",
    }
}

const fn detail_route(resource: Resource) -> Option<&'static str> {
    match resource {
        Resource::Customers => Some("/payerCustomers/{id}"),
        // The bare `/receivables/{id}` answers in an older shape.
        Resource::Receivables => Some("/receivables/{id}/read"),
        Resource::Payments => Some("/payments/{id}"),
        Resource::Fees => Some("/fees/{id}"),
        Resource::Refunds => Some("/refunds/{id}"),
        Resource::Disputes => Some("/disputes/{id}"),
        Resource::Withdrawals => Some("/withdrawals/{id}"),
        Resource::Transfers => Some("/transfers/{id}"),
        Resource::CreditMemos => Some("/creditMemos/{id}"),
        Resource::ReceivableTransactions | Resource::TransferEntries => None,
    }
}

/// The route of one page of a list.
pub(super) fn list_endpoint(request: &PageRequest) -> Endpoint {
    let is_child = match request.resource {
        Resource::ReceivableTransactions | Resource::TransferEntries => true,
        Resource::Customers
        | Resource::Receivables
        | Resource::Payments
        | Resource::Fees
        | Resource::Refunds
        | Resource::Disputes
        | Resource::Withdrawals
        | Resource::Transfers
        | Resource::CreditMemos => false,
    };
    assert_eq!(is_child, request.parent.is_some(), "a list has a parent exactly if its resource lives below one");
    Endpoint::List(request.resource, request.parent.clone())
}

/// The query of one page of a list.
pub(super) fn list_query(request: &PageRequest) -> Vec<(&'static str, String)> {
    let order = order_text(request.order);
    let (limit, offset) = (request.limit.to_string(), request.offset.to_string());
    if let Some(window) = &request.window {
        assert!(request.resource.filters_by_date(), "a window is only for lists that filter by date");
        let Window { stamp, first_day, last_day, zone } = window;
        return vec![
            ("f.querytype", "by-query-filters".to_owned()),
            ("f.datepreset", "custom".to_owned()),
            ("f.datestart", first_day.to_string()),
            ("f.dateend", last_day.to_string()),
            ("f.datetype", stamp_text(*stamp).to_owned()),
            ("f.timezone", zone.name().to_owned()),
            ("f.order", order),
            ("f.limit", limit),
            ("f.offset", offset),
        ];
    }
    let mut query = Vec::new();
    if request.resource == Resource::CreditMemos {
        // Which pair of paging parameters this query type obeys is not documented, so both are sent and agree.
        query.extend([
            ("f.querytype", "own".to_owned()),
            ("f.order", order.clone()),
            ("f.limit", limit.clone()),
            ("f.offset", offset.clone()),
        ]);
    }
    query.extend([("order", order), ("limit", limit), ("offset", offset)]);
    query
}

const fn stamp_text(stamp: Stamp) -> &'static str {
    match stamp {
        Stamp::Created => "created",
        Stamp::LastUpdated => "lastUpdated",
    }
}

fn order_text(order: Order) -> String {
    let direction = match order.direction {
        Direction::NewestFirst => "DESC",
        Direction::OldestFirst => "ASC",
    };
    format!("{} {direction}", stamp_text(order.stamp))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn address(request: &PageRequest) -> String {
        let base = Url::parse("https://api.paystand.co/v3/").unwrap();
        list_endpoint(request).address(&base, &list_query(request)).unwrap().to_string()
    }

    fn plain(resource: Resource, parent: Option<&str>) -> PageRequest {
        PageRequest {
            resource,
            parent: parent.map(SourceId::new),
            window: None,
            order: Order { stamp: Stamp::LastUpdated, direction: Direction::NewestFirst },
            offset: 190,
            limit: 200,
        }
    }

    #[test]
    fn every_list_without_a_window_pages_plainly() {
        let page = "order=lastUpdated%20DESC&limit=200&offset=190";
        for (resource, parent, route) in [
            (Resource::Customers, None, "payerCustomers"),
            (Resource::Receivables, None, "receivables"),
            (Resource::Payments, None, "payments/all"),
            (Resource::ReceivableTransactions, Some("rc1"), "receivables/rc1/transactions"),
            (Resource::Fees, None, "fees"),
            (Resource::Refunds, None, "refunds"),
            (Resource::Disputes, None, "disputes"),
            (Resource::Withdrawals, None, "withdrawals"),
            (Resource::Transfers, None, "transfers"),
            (Resource::TransferEntries, Some("tr1"), "transfers/tr1/report/entries"),
        ] {
            assert_eq!(address(&plain(resource, parent)), format!("https://api.paystand.co/v3/{route}?{page}"));
        }
        assert_eq!(
            address(&plain(Resource::CreditMemos, None)),
            format!(
                "https://api.paystand.co/v3/creditMemos?f.querytype=own&f.order=lastUpdated%20DESC&f.limit=200&f.offset=190&{page}"
            )
        );
    }

    #[test]
    fn a_window_is_asked_for_with_its_query_type_and_zone() {
        for (resource, route) in [
            (Resource::Receivables, "receivables"),
            (Resource::Payments, "payments/all"),
            (Resource::Refunds, "refunds"),
            (Resource::Disputes, "disputes"),
            (Resource::Withdrawals, "withdrawals"),
            (Resource::Transfers, "transfers"),
        ] {
            let mut request = plain(resource, None);
            request.order = Order { stamp: Stamp::Created, direction: Direction::OldestFirst };
            request.window = Some(Window {
                stamp: Stamp::Created,
                first_day: NaiveDate::from_ymd_opt(2026, 5, 1).unwrap(),
                last_day: NaiveDate::from_ymd_opt(2026, 5, 13).unwrap(),
                zone: chrono_tz::America::Los_Angeles,
            });
            assert_eq!(
                address(&request),
                format!(
                    "https://api.paystand.co/v3/{route}?f.querytype=by-query-filters&f.datepreset=custom\
                     &f.datestart=2026-05-01&f.dateend=2026-05-13&f.datetype=created\
                     &f.timezone=America%2FLos_Angeles&f.order=created%20ASC&f.limit=200&f.offset=190"
                )
            );
        }
    }

    #[test]
    fn an_id_never_leaves_its_place_in_the_path() {
        let base = Url::parse("http://127.0.0.1:8970/v3").unwrap();
        let address = |id: &str| {
            let endpoint = Endpoint::Detail(Resource::Receivables, SourceId::new(id));
            endpoint.address(&base, &[]).map(|url| url.to_string())
        };
        assert_eq!(address("rc1").as_deref(), Some("http://127.0.0.1:8970/v3/receivables/rc1/read"));
        assert_eq!(
            address("a/b?c#d e").as_deref(),
            Some("http://127.0.0.1:8970/v3/receivables/a%2Fb%3Fc%23d%20e/read")
        );
        assert_eq!(address("%2e%2e").as_deref(), Some("http://127.0.0.1:8970/v3/receivables/%252e%252e/read"));
        for unusable in ["", ".", ".."] {
            assert_eq!(address(unusable), None);
        }
    }

    #[test]
    fn errors_name_the_object_and_marks_name_the_route() {
        let endpoint = Endpoint::Detail(Resource::Payments, SourceId::new("pm1"));
        assert_eq!(endpoint.to_string(), "/payments/pm1");
        assert_eq!(endpoint.route(), "/payments/{id}");
    }
}
