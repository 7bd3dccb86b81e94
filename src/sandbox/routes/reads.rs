//! The answers of the reading routes.

use std::sync::Arc;

use chrono::DateTime;
use serde_json::json;

use crate::model::resource::Resource;
use crate::sandbox::answer::{Answer, Refusal};
use crate::sandbox::filters::{self, FilterRule, Query, Selection, Setting};
use crate::sandbox::listing::{self, Subject};
use crate::sandbox::quirks::{Envelope, InvalidFilters, ReportAnswer, TimezoneBody};
use crate::sandbox::record::RowNo;
use crate::sandbox::render;
use crate::sandbox::routes::endpoint::Endpoint;
use crate::sandbox::table::Stamp;
use crate::sandbox::world::State;

const NOT_FOUND: Refusal = Refusal::new(404, "notFound", "there is no such object");
const NOT_YOURS: Refusal =
    Refusal::new(401, "insufficientResourceAccess", "the resource does not belong to this customer");

impl State {
    pub(super) fn read(
        &mut self,
        merchant: usize,
        endpoint: Endpoint<'_>,
        query: &Query,
        now_ms: i64,
    ) -> Result<Answer, Refusal> {
        match endpoint {
            // Answered before any token is asked for.
            Endpoint::Token => Err(NOT_FOUND),
            Endpoint::Timezone => self.timezone(merchant),
            Endpoint::List(resource, rule) => self.list(merchant, resource, rule, query, now_ms),
            Endpoint::ChildList(resource, id) => self.child_list(merchant, resource, id, query, now_ms),
            Endpoint::Detail(resource, id) => self.detail(merchant, resource, id),
            Endpoint::OlderReceivable(id) => {
                let books = &self.books[merchant];
                let row = books.table(Resource::Receivables).find(id).ok_or(NOT_FOUND)?;
                let record = books.record(Resource::Receivables, row);
                Ok(Answer::json(200, render::older_receivable(books, row, record)))
            }
            Endpoint::Report(id) => self.report(merchant, id),
        }
    }

    fn timezone(&self, merchant: usize) -> Result<Answer, Refusal> {
        let access = &self.quirks.access;
        if self.hits.when(access.timezone_refused, "timezone_refused") {
            return Err(Refusal::new(400, "apiError", "not available for this integration"));
        }
        let zone = self.books[merchant].profile.timezone.name();
        self.hits.when(access.timezone_body != TimezoneBody::Object, "timezone_body");
        let body = match access.timezone_body {
            TimezoneBody::Object => json!({"timezone": zone}),
            TimezoneBody::Nested => json!({"settings": {"timezone": zone}}),
            TimezoneBody::Text => json!(zone),
        };
        Ok(Answer::json(200, body.to_string()))
    }

    fn list(
        &mut self,
        merchant: usize,
        resource: Resource,
        rule: FilterRule,
        query: &Query,
        now_ms: i64,
    ) -> Result<Answer, Refusal> {
        if resource == Resource::Fees && self.hits.when(self.quirks.access.fees_unauthorized, "fees_unauthorized") {
            return Err(NOT_YOURS);
        }
        let mut subject = Subject::All(resource);
        let filtered_payment = query.get("resourceId").or_else(|| query.get("f.resourceId"));
        if let (Resource::Fees, Some(id)) = (resource, filtered_payment) {
            let payment = self.books[merchant].table(Resource::Payments).find(id);
            subject = Subject::Of(resource, payment.unwrap_or(RowNo::MAX));
        }
        if rule == FilterRule::CreditMemos {
            let known = matches!(query.get("f.querytype"), Some("own" | "by-payerCustomerId" | "by-erpName"));
            if !known {
                return Err(Refusal {
                    detail_code: "parameterMissing",
                    parameter: Some("querytype"),
                    ..Refusal::new(400, "apiError", "f.querytype is required")
                });
            }
        }
        self.page(merchant, subject, rule, query, now_ms)
    }

    fn child_list(
        &mut self,
        merchant: usize,
        resource: Resource,
        id: &str,
        query: &Query,
        now_ms: i64,
    ) -> Result<Answer, Refusal> {
        let parent_resource =
            if resource == Resource::TransferEntries { Resource::Transfers } else { Resource::Receivables };
        let parent = self.books[merchant].table(parent_resource).find(id).ok_or(NOT_FOUND)?;
        let mut subject = Subject::Of(resource, parent);
        if resource == Resource::TransferEntries {
            let completed = self.books[merchant].reports.get(&parent).is_some_and(|report| {
                report.status.eq_ignore_ascii_case("completed") || report.status.eq_ignore_ascii_case("reversed")
            });
            match self.quirks.access.report {
                ReportAnswer::Normal if completed => {}
                ReportAnswer::Disabled => return Err(self.reports_disabled()),
                // An unfinished report has no entries yet.
                ReportAnswer::Normal | ReportAnswer::Pending => subject = Subject::Of(resource, RowNo::MAX),
            }
        }
        self.page(merchant, subject, FilterRule::Plain, query, now_ms)
    }

    fn page(
        &mut self,
        merchant: usize,
        subject: Subject,
        rule: FilterRule,
        query: &Query,
        now_ms: i64,
    ) -> Result<Answer, Refusal> {
        self.churn_before_page(merchant, subject.resource(), now_ms);
        let quirks = Arc::clone(&self.quirks);
        let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
        let setting = Setting { lists: &quirks.lists, zone: self.books[merchant].profile.timezone, now };
        let selection = filters::select(query, rule, setting).map_err(|invalid| {
            let (status, code) = match quirks.lists.invalid_filters {
                InvalidFilters::Status400 | InvalidFilters::Ignored => (400, "apiError"),
                InvalidFilters::Status422 => (422, "validationError"),
            };
            self.hits.count("invalid_filters");
            Refusal { parameter: Some(invalid.0), ..Refusal::new(status, code, "the filter is not valid") }
        })?;
        self.count_list_quirks(query, &selection);
        let books = &mut self.books[merchant];
        let body = listing::page(books, &mut self.memory, &mut self.dice, merchant, subject, &selection);
        Ok(Answer::json(200, body))
    }

    /// Switches that bend every page while they are on.
    fn count_list_quirks(&self, query: &Query, selection: &Selection) {
        use crate::sandbox::quirks::{CountMeaning, Direction, OrderRule, PaymentRows, ReceivableRows};
        let (lists, rows) = (&self.quirks.lists, &self.quirks.rows);
        let filtered = query.get("f.querytype").is_some();
        let unordered = query.get("order").is_none() && query.get("f.order").is_none();
        for (bent, name) in [
            (selection.limit == lists.page_cap && lists.page_cap < 1000, "page_cap"),
            (lists.count == CountMeaning::Page, "count_page"),
            (lists.count == CountMeaning::Absent, "count_absent"),
            (lists.envelope != Envelope::Full, "envelope"),
            (lists.order == OrderRule::Ignored, "order_ignored"),
            (lists.order == OrderRule::CreatedOnly, "order_created_only"),
            (unordered && lists.default_order_direction == Direction::Asc, "default_order_direction"),
            (filtered && lists.default_datetype == Stamp::LastUpdated, "default_datetype"),
            (filtered && lists.date_filter_ignored, "date_filter_ignored"),
            (filtered && lists.zone_override.is_some(), "zone_override"),
            (rows.receivable_rows == ReceivableRows::Older, "receivable_rows"),
            (rows.payment_rows == PaymentRows::Full, "payment_rows"),
            (rows.entry_ids, "entry_ids"),
            (rows.milliseconds, "milliseconds"),
            (rows.grain_seconds > 1, "grain_seconds"),
        ] {
            self.hits.when(bent, name);
        }
    }

    fn detail(&mut self, merchant: usize, resource: Resource, id: &str) -> Result<Answer, Refusal> {
        if resource == Resource::Fees && self.hits.when(self.quirks.access.fees_unauthorized, "fees_unauthorized") {
            return Err(NOT_YOURS);
        }
        // A payer's id, like any id outside the merchant, is not a payer customer: 401 there, 404 elsewhere.
        let missing = if resource == Resource::Customers { NOT_YOURS } else { NOT_FOUND };
        let row = self.books[merchant].table(resource).find(id).ok_or(missing)?;
        let books = &self.books[merchant];
        let slot = books.table(resource).row(row);
        let older = self.quirks.lists.old_detail_per_mille;
        let record = match &slot.previous {
            Some(previous) if self.hits.when(self.dice.chance(older), "old_detail_per_mille") => previous,
            _ => &slot.current,
        };
        Ok(Answer::json(200, render::detail(books, row, record)))
    }

    fn report(&self, merchant: usize, id: &str) -> Result<Answer, Refusal> {
        let books = &self.books[merchant];
        let row = books.table(Resource::Transfers).find(id).ok_or(NOT_FOUND)?;
        let report = books.reports.get(&row).ok_or(NOT_FOUND)?;
        let pending = match self.quirks.access.report {
            ReportAnswer::Normal => false,
            ReportAnswer::Pending => self.hits.when(true, "report_pending"),
            ReportAnswer::Disabled => return Err(self.reports_disabled()),
        };
        let status: &str = if pending { "processing" } else { &report.status };
        let body = json!({
            "object": "transferReport",
            "id": &*report.id,
            "transferId": id,
            "amount": report.amount.to_string(),
            "currency": &*books.record(Resource::Transfers, row).currency,
            "status": status,
        });
        Ok(Answer::json(200, body.to_string()))
    }

    fn reports_disabled(&self) -> Refusal {
        self.hits.count("report_disabled");
        Refusal::new(400, "apiError", "transfer reports are not enabled")
    }
}
