//! The quirks, one by one, and all of them together.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::{Lab, ids};
use crate::model::resource::Resource;
use crate::sandbox::quirks::HIT_NAMES;
use crate::sandbox::{CUSTOMER_ID, Delivery, Draft, Edit, Quirks, Seeding, WorldConfig};

fn quirks(value: Value) -> Quirks {
    serde_json::from_value(value).expect("quirks")
}

fn lab(payments: usize, value: Value) -> Lab {
    Lab::new(payments, quirks(value))
}

fn window(order: &str, limit: usize, offset: usize) -> String {
    format!(
        "/payments/all?f.querytype=by-query-filters&f.datepreset=custom&f.datetype=lastUpdated&f.timezone=UTC\
         &f.datestart=2026-01-01&f.dateend=2026-12-31&f.order={order}&f.limit={limit}&f.offset={offset}"
    )
}

#[test]
fn what_is_removed_is_gone_from_the_full_row_of_its_payment() {
    let lab = lab(5, json!({"rows": {"payment_rows": "full"}}));
    let payment = lab.rows("/payments/all")[0]["id"].as_str().expect("an id").to_owned();
    let draft = Draft { parent: Some(payment.clone()), ..Draft::default() };
    let dispute = lab.world.create(CUSTOMER_ID, Resource::Disputes, draft).expect("a dispute");
    let disputes = || {
        let rows = lab.rows("/payments/all");
        let row = rows.iter().find(|row| row["id"] == payment.as_str()).expect("the payment");
        row["disputes"].as_array().expect("a list").len()
    };
    let before = disputes();
    lab.world.remove(CUSTOMER_ID, Resource::Disputes, dispute.as_str()).expect("removed");
    assert_eq!(disputes(), before - 1);
}

#[test]
fn money_is_text_or_a_number_and_the_same_amount() {
    let as_text = lab(20, json!({})).rows("/payments/all");
    let as_number = lab(20, json!({"rows": {"money": "number"}})).rows("/payments/all");
    for (text, number) in as_text.iter().zip(&as_number) {
        assert!(number["amount"].is_number());
        assert_eq!(text["amount"].as_str().expect("text"), number["amount"].to_string());
    }
}

#[test]
fn a_change_lags_in_lists_but_not_by_id() {
    let lab = lab(20, json!({"changes": {"lag_update_per_mille": 1000, "lag_seconds_max": 7200}}));
    let row = lab.all("/payments/all").remove(3);
    let id = row["id"].as_str().expect("id");
    lab.clock.advance(60);
    let edit = Edit { status: Some("failed".to_owned()), lag_seconds: Some(3600), ..Edit::default() };
    lab.world.edit(CUSTOMER_ID, Resource::Payments, id, edit).expect("edited");
    let listed = |lab: &Lab| lab.all("/payments/all").into_iter().find(|row| row["id"] == id).expect("listed");
    let detail = lab.get(&format!("/payments/{id}"));
    assert_eq!((&detail["status"], &detail["lastUpdated"]), (&json!("failed"), &json!("2026-05-20T12:01:00.000Z")));
    assert_eq!(listed(&lab), row);
    lab.clock.advance(3600);
    assert_eq!(listed(&lab)["lastUpdated"], "2026-05-20T12:01:00.000Z");
    let versions: Vec<_> = lab.world.truth().into_iter().filter(|shown| shown.id.as_str() == id).collect();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[1].visible_from.to_rfc3339(), "2026-05-20T13:01:00+00:00");
}

#[test]
fn a_new_row_appears_late_with_its_old_timestamps() {
    let lab = lab(20, json!({"changes": {"lag_new_per_mille": 1000, "lag_seconds_max": 86_400}}));
    let id = lab.world.create(CUSTOMER_ID, Resource::Payments, crate::sandbox::Draft::default()).expect("created");
    assert_eq!(lab.get(&format!("/payments/{id}"))["id"], json!(id.as_str()));
    assert!(!ids(&lab.all("/payments/all")).contains(&id.as_str().to_owned()));
    lab.clock.advance(86_400);
    let row = lab.all("/payments/all").into_iter().find(|row| row["id"] == json!(id.as_str())).expect("listed");
    assert_eq!(row["lastUpdated"], "2026-05-20T12:00:00.000Z");
}

#[test]
fn a_second_write_within_the_second_changes_the_body_only() {
    let lab = lab(20, json!({"changes": {"same_second_per_mille": 1000}}));
    let id = lab.all("/payments/all")[0]["id"].as_str().expect("id").to_owned();
    let edit = Edit { status: Some("failed".to_owned()), ..Edit::default() };
    lab.world.edit(CUSTOMER_ID, Resource::Payments, &id, edit).expect("edited");
    let target = format!("/payments/{id}");
    let (first, second, third) = (lab.get(&target), lab.get(&target), lab.get(&target));
    assert_eq!(first["lastUpdated"], second["lastUpdated"]);
    assert_ne!(first, second);
    assert_eq!(second, third);
}

#[test]
fn a_second_write_never_takes_a_row_back_in_time() {
    let lab = lab(20, json!({"changes": {"same_second_per_mille": 1000, "unbumped_per_mille": 1000}}));
    let id = lab.all("/payments/all")[0]["id"].as_str().expect("id").to_owned();
    let edit = || lab.world.edit(CUSTOMER_ID, Resource::Payments, &id, Edit::default()).expect("edited");
    edit();
    lab.world.set_quirks(Quirks::default());
    edit();
    let target = format!("/payments/{id}");
    let changed = lab.get(&target)["lastUpdated"].clone();
    lab.clock.advance(2);
    assert_eq!(lab.get(&target)["lastUpdated"], changed);
    assert!(lab.get(&target)["meta"].get("rewritten").is_some());
}

#[test]
fn ties_come_in_another_order_at_every_request_but_stay_sorted() {
    let lab = lab(300, json!({"lists": {"unstable_ties": true}, "rows": {"grain_seconds": 86_400}}));
    let page = |lab: &Lab| lab.rows(&window("lastUpdated%20DESC", 1000, 0));
    let (first, second) = (page(&lab), page(&lab));
    assert_ne!(ids(&first), ids(&second));
    let all = |rows: &[Value]| ids(rows).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(all(&first), all(&second));
    let stamps: Vec<_> = second.iter().map(|row| row["lastUpdated"].to_string()).collect();
    assert!(stamps.windows(2).all(|pair| pair[0] >= pair[1]));
}

#[test]
fn a_doubled_row_hides_the_last_one() {
    let plain = ids(&lab(100, json!({})).rows("/payments/all?limit=10"));
    let doubled = ids(&lab(100, json!({"lists": {"doubled_row_per_mille": 1000}})).rows("/payments/all?limit=10"));
    assert_eq!(doubled.len(), 10);
    let distinct: BTreeSet<_> = doubled.iter().cloned().collect();
    assert_eq!(distinct, plain[..9].iter().cloned().collect());
}

#[test]
fn a_repeated_or_empty_page_comes_once() {
    let repeating = lab(100, json!({"lists": {"repeated_page_per_mille": 1000}}));
    let page = |lab: &Lab, offset: usize| ids(&lab.rows(&format!("/payments/all?limit=10&offset={offset}")));
    let first = page(&repeating, 0);
    assert_eq!(page(&repeating, 10), first);
    assert_ne!(page(&repeating, 10), first);
    let emptying = lab(100, json!({"lists": {"empty_page_per_mille": 1000}}));
    assert_eq!(page(&emptying, 0).len(), 10);
    assert!(page(&emptying, 10).is_empty());
    assert_eq!(page(&emptying, 10).len(), 10);
}

#[test]
fn a_lagging_replica_answers_with_the_body_before() {
    let lab = lab(
        20,
        json!({"lists": {"old_body_per_mille": 1000, "old_detail_per_mille": 1000, "old_body_breaks_order": true}}),
    );
    let before = lab.rows("/refunds?limit=1").pop().or_else(|| lab.rows("/payments/all?limit=1").pop()).expect("a row");
    let id = before["id"].as_str().expect("id").to_owned();
    let (path, resource) =
        if before["object"] == "refund" { ("refunds", Resource::Refunds) } else { ("payments", Resource::Payments) };
    let current = lab.get(&format!("/{path}/{id}"))["status"].clone();
    lab.world
        .edit(CUSTOMER_ID, resource, &id, Edit { status: Some("x1".to_owned()), ..Edit::default() })
        .expect("edited");
    lab.world
        .edit(CUSTOMER_ID, resource, &id, Edit { status: Some("x2".to_owned()), ..Edit::default() })
        .expect("edited");
    assert_ne!(current, "x1");
    assert_eq!(lab.get(&format!("/{path}/{id}"))["status"], "x1");
    assert_eq!(lab.world.rows_now(resource).iter().find(|row| row.id.as_str() == id).expect("shown").status, "x2");
}

#[test]
fn an_undecodable_row_lacks_its_id_or_has_an_object_for_an_amount() {
    let lab = lab(300, json!({"rows": {"undecodable_per_mille": 100}}));
    let (mut without_id, mut without_amount) = (0, 0);
    for row in lab.all("/payments/all") {
        without_id += usize::from(row.get("id").is_none());
        without_amount += usize::from(row["amount"].is_object());
    }
    let told = lab.world.rows_now(Resource::Payments).iter().filter(|row| row.undecodable).count();
    assert!(without_id > 0 && without_amount > 0);
    assert_eq!(without_id + without_amount, told);
}

#[test]
fn truth_is_what_lists_showed_byte_by_byte() {
    let config = json!({
        "changes": {"updates_per_page": 5, "creates_per_page": 2, "removes_per_page": 1, "lag_update_per_mille": 300,
                    "lag_new_per_mille": 300, "lag_seconds_max": 600, "same_second_per_mille": 200, "unbumped_per_mille": 100},
        "rows": {"payment_rows": "full", "money": "mixed", "unknown_status_per_mille": 100}
    });
    let lab = lab(200, config);
    for round in 0..60 {
        lab.clock.advance(47);
        let now = crate::clock::Clock::now(&*lab.clock);
        let answer = lab.ask(&format!("/payments/all?limit=50&offset={}", round * 3));
        let page: Value = serde_json::from_slice(&answer.body).expect("json");
        let truth = lab.world.truth();
        for row in page["results"].as_array().expect("rows") {
            let shown = |version: &&crate::sandbox::Shown| {
                version.visible_from <= now
                    && version.visible_until.is_none_or(|until| until >= now)
                    && row["id"] == version.id.as_str()
                    && serde_json::from_slice::<Value>(&version.body).expect("json") == *row
            };
            assert!(truth.iter().any(|version| shown(&version)), "{row}");
        }
    }
}

#[test]
fn other_quirks_show_rows_anew_without_a_new_timestamp() {
    let lab = lab(10, json!({}));
    let before = lab.rows("/receivables?limit=1").remove(0);
    lab.world.set_quirks(quirks(json!({"rows": {"receivable_rows": "older"}})));
    let after = lab.rows("/receivables?limit=1").remove(0);
    assert_eq!((&before["id"], &before["lastUpdated"]), (&after["id"], &after["lastUpdated"]));
    assert_ne!(before, after);
    let id = before["id"].as_str().expect("id");
    assert_eq!(lab.world.truth().iter().filter(|shown| shown.id.as_str() == id).count(), 2);
}

#[test]
fn the_rate_limit_refuses_and_says_when_to_come_back() {
    let lab = lab(5, json!({"access": {"rate_limit": {"per_minute": 3, "window": "sliding", "headers": "prefixed"}}}));
    let statuses: Vec<_> = (0..4).map(|_| lab.ask("/payments/all").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    let refused = lab.ask("/payments/all");
    assert!(refused.headers.contains(&("retry-after", "60".to_owned())));
    assert!(refused.headers.contains(&("x-ratelimit-remaining", "0".to_owned())));
    lab.clock.advance(60);
    assert_eq!(lab.ask("/payments/all").status, 200);
    assert_eq!((lab.world.requests().over_limit, lab.world.requests().peak_per_minute), (2, 3));
}

#[test]
fn faults_in_a_row_are_bounded() {
    let lab = lab(5, json!({}));
    lab.world.set_quirks(quirks(json!({"faults": {"unavailable_per_mille": 1000, "in_a_row_max": 3}})));
    let statuses: Vec<_> = (0..8).map(|_| lab.ask("/payments/all").status).collect();
    assert_eq!(statuses, [503, 503, 503, 200, 503, 503, 503, 200]);
}

#[test]
fn an_outage_ends_when_its_time_has_come() {
    let lab = lab(5, json!({}));
    lab.world.set_quirks(quirks(json!({"faults": {"outage_until": "2026-05-21T12:00:00Z"}})));
    assert_eq!(lab.ask("/payments/all").status, 503);
    lab.clock.advance(86_400);
    assert_eq!(lab.ask("/payments/all").status, 200);
}

#[test]
fn the_date_header_can_be_a_day_off_or_absent() {
    let date = |value: Value| {
        let lab = lab(1, value);
        lab.ask("/payments/all").headers.into_iter().find(|(name, _)| *name == "date").map(|(_, value)| value)
    };
    assert_eq!(date(json!({})).as_deref(), Some("Wed, 20 May 2026 12:00:00 GMT"));
    let off = date(json!({"faults": {"date_offset_seconds": -86_400}}));
    assert_eq!(off.as_deref(), Some("Tue, 19 May 2026 12:00:00 GMT"));
    assert_eq!(date(json!({"faults": {"date_absent": true}})), None);
}

#[test]
fn a_hang_is_announced() {
    let hangs = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&hangs);
    let on_hang = Arc::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let lab = Lab::of(WorldConfig { on_hang, ..WorldConfig::default() });
    lab.world.set_quirks(quirks(json!({"faults": {"hang_per_mille": 1000}})));
    assert_eq!(lab.ask("/payments/all").delivery, Delivery::Hang);
    assert_eq!(hangs.load(Ordering::SeqCst), 1);
}

/// Three worlds, because some quirks exclude each other; between them every name must be met.
#[test]
fn every_quirk_can_strike() {
    let first = json!({
        "rows": {"money": "number", "receivable_rows": "older", "payment_rows": "full", "null_for_absent": true,
                 "capital_status": true, "entry_ids": true, "missing_optional_per_mille": 50, "extra_fields_per_mille": 50,
                 "unknown_status_per_mille": 200, "unknown_fee_type_per_mille": 100, "undecodable_per_mille": 20,
                 "nul_note_per_mille": 50, "late_field_from": "2026-05-10T00:00:00Z", "milliseconds": true},
        "lists": {"page_cap": 25, "count": "page", "envelope": "no_settings", "order": "ignored",
                  "default_order_direction": "asc", "default_datetype": "last_updated", "date_filter_ignored": true,
                  "zone_override": "Asia/Tokyo", "repeated_page_per_mille": 400, "doubled_row_per_mille": 100,
                  "empty_page_per_mille": 100, "short_page_per_mille": 100, "old_body_per_mille": 200,
                  "old_detail_per_mille": 300},
        "changes": {"lag_new_per_mille": 200, "lag_update_per_mille": 200, "lag_seconds_max": 60,
                    "same_second_per_mille": 200, "unbumped_per_mille": 200, "children_bump_parent": true,
                    "applications_bump_receivable": false, "updates_per_page": 3, "creates_per_page": 1,
                    "removes_per_page": 1, "timer_seconds": 30, "timer_updates": 2},
        "access": {"fees_unauthorized": true, "timezone_refused": true, "report": "disabled", "expires_in_text": true,
                   "refusal_body": "text", "constant_ref": true, "rate_limit": {"per_minute": 25}},
        "faults": {"date_offset_seconds": 60}
    });
    let second = json!({
        "rows": {"grain_seconds": 3600},
        "lists": {"count": "absent", "order": "created_only", "unstable_ties": true, "invalid_filters": "status422"},
        "access": {"timezone_body": "nested", "report": "pending"},
        "faults": {"throttled_per_mille": 50, "throttled_retry_after": 1, "server_error_per_mille": 50,
                   "unavailable_per_mille": 50, "reset_before_per_mille": 50, "reset_inside_per_mille": 50,
                   "truncated_per_mille": 50, "html_per_mille": 50, "empty_body_per_mille": 50,
                   "slow_body_per_mille": 50, "slow_start_per_mille": 50, "hang_per_mille": 50, "date_absent": true}
    });
    let third = json!({"access": {"token_requests_max": 5}, "faults": {"outage_until": "2026-05-20T12:10:00Z"}});
    let mut met: BTreeSet<&'static str> = BTreeSet::new();
    for value in [first, second, third] {
        let seeding = Seeding { payments: 200, live_payments_per_day: 2_000, ..Seeding::default() };
        let lab = Lab::of(WorldConfig { seeding, ..WorldConfig::default() });
        let transfer = lab.all("/transfers/all")[0]["id"].as_str().expect("id").to_owned();
        let payment = lab.all("/payments/all")[0]["id"].as_str().expect("id").to_owned();
        lab.world.set_quirks(quirks(value));
        for round in 0..60 {
            lab.clock.advance(20);
            lab.ask("/customers/timezone");
            lab.ask("/fees");
            lab.ask(&format!("/transfers/{transfer}/report"));
            lab.ask(&format!("/transfers/{transfer}/report/entries"));
            lab.ask(&format!("/payments/{payment}"));
            lab.ask(&format!("/payments/all?limit=20&offset={}", round % 10 * 20));
            lab.ask("/receivables?limit=100");
            lab.ask("/payments/all?f.querytype=by-query-filters&f.order=lastUpdated%20DESC&f.limit=200");
            lab.ask("/refunds?f.querytype=by-query-filters&f.datepreset=custom");
            lab.ask("/payments/none");
            let body = br#"{"grant_type":"client_credentials","client_id":"x","client_secret":"y"}"#;
            let call = crate::sandbox::Call {
                method: "POST",
                path: "/oauth/token",
                query: "",
                bearer: None,
                customer_id: None,
                body,
            };
            assert!(lab.world.answer(call).status >= 400 || lab.world.hits().contains_key("html_per_mille"));
            lab.ask_as("/payments/all", "wrong", None);
        }
        met.extend(lab.world.hits().into_keys());
    }
    let named: BTreeSet<_> = HIT_NAMES.into_iter().collect();
    let never: Vec<_> = named.difference(&met).collect();
    let unnamed: Vec<_> = met.difference(&named).collect();
    assert!(never.is_empty() && unnamed.is_empty(), "never: {never:?}, unnamed: {unnamed:?}");
}
