//! The published contract: headers, routes, filters, paging, errors.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Lab, NOW, ids};
use crate::model::resource::Resource;
use crate::sandbox::{CUSTOMER_ID, Draft, Edit, MerchantProfile, Quirks, Seeding, WorldConfig};

const WINDOW: &str = "f.querytype=by-query-filters&f.datepreset=custom&f.datetype=lastUpdated&f.timezone=UTC\
                      &f.order=lastUpdated%20DESC&f.limit=50&f.datestart=2026-05-18&f.dateend=2026-05-21";

#[test]
fn every_request_needs_a_token_and_its_own_customer() {
    let lab = Lab::new(10, Quirks::default());
    assert_eq!(lab.ask_as("/payments/all", "wrong", Some(CUSTOMER_ID)).status, 401);
    let foreign = lab.ask_as("/payments/all", &lab.token, Some("mr_other"));
    let missing = lab.ask_as("/payments/all", &lab.token, None);
    for answer in [foreign, missing] {
        assert_eq!(answer.status, 401);
        let body: Value = serde_json::from_slice(&answer.body).expect("json");
        assert_eq!(body["error"]["details"]["code"], "insufficientResourceAccess");
        assert_eq!(body["error"]["status"], "401");
        assert_eq!(body["error"]["ref"].as_str().expect("ref").len(), 32);
    }
}

#[test]
fn every_error_has_a_fresh_ref() {
    let lab = Lab::new(1, Quirks::default());
    let reference = |answer: super::Answer| {
        let body: Value = serde_json::from_slice(&answer.body).expect("json");
        body["error"]["ref"].as_str().expect("ref").to_owned()
    };
    assert_ne!(reference(lab.ask("/payments/none")), reference(lab.ask("/payments/none")));
}

#[test]
fn every_list_pages_through_all_of_its_rows_once() {
    let lab = Lab::new(300, Quirks::default());
    for (path, resource) in [
        ("/payerCustomers", Resource::Customers),
        ("/receivables", Resource::Receivables),
        ("/receivables/read", Resource::Receivables),
        ("/payments/all", Resource::Payments),
        ("/fees", Resource::Fees),
        ("/refunds", Resource::Refunds),
        ("/refunds/all", Resource::Refunds),
        ("/disputes", Resource::Disputes),
        ("/disputes/all", Resource::Disputes),
        ("/transfers", Resource::Transfers),
        ("/transfers/all", Resource::Transfers),
        ("/withdrawals", Resource::Withdrawals),
        ("/withdrawals/all", Resource::Withdrawals),
    ] {
        let listed = ids(&lab.all(path));
        let shown: BTreeSet<_> = lab.world.rows_now(resource).iter().map(|row| row.id.as_str().to_owned()).collect();
        assert!(!shown.is_empty(), "{path}");
        assert_eq!(listed.len(), shown.len(), "{path}");
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), shown, "{path}");
    }
}

#[test]
fn a_window_without_its_querytype_is_the_unfiltered_first_page() {
    let lab = Lab::new(300, Quirks::default());
    let without = WINDOW.replace("f.querytype=by-query-filters&", "");
    assert_eq!(lab.get(&format!("/receivables?{without}")), lab.get("/receivables"));
    assert_eq!(lab.get(&format!("/receivables/read?{WINDOW}")), lab.get("/receivables/read"));
    assert_eq!(lab.get(&format!("/transfers/all?{WINDOW}")), lab.get("/transfers/all"));
    assert_ne!(lab.get(&format!("/receivables?{WINDOW}")), lab.get("/receivables"));
}

#[test]
fn a_window_holds_exactly_the_rows_of_its_days() {
    let lab = Lab::new(300, Quirks::default());
    let shown = lab.world.rows_now(Resource::Payments);
    let inside = shown.iter().filter(|row| row.last_updated.to_rfc3339().as_str() >= "2026-05-18T00:00:00").count();
    let page = lab.get(&format!("/payments/all?{}", WINDOW.replace("limit=50", "limit=1000")));
    assert_eq!(page["count"], json!(inside));
    let stamps: Vec<_> =
        page["results"].as_array().expect("rows").iter().map(|row| row["lastUpdated"].to_string()).collect();
    assert_eq!(stamps.len(), inside);
    assert!(stamps.windows(2).all(|pair| pair[0] >= pair[1]) && inside > 10);
}

#[test]
fn a_window_by_created_may_be_ordered_by_last_updated() {
    let lab = Lab::new(300, Quirks::default());
    let query = WINDOW.replace("f.datetype=lastUpdated", "f.datetype=created").replace("limit=50", "limit=1000");
    let rows = lab.rows(&format!("/payments/all?{query}"));
    assert!(rows.len() > 10);
    assert!(rows.iter().all(|row| row["created"].as_str() >= Some("2026-05-18")));
    let stamps: Vec<_> = rows.iter().map(|row| row["lastUpdated"].to_string()).collect();
    assert!(stamps.windows(2).all(|pair| pair[0] >= pair[1]));
}

#[test]
fn pages_default_to_fifty_rows_newest_first() {
    let lab = Lab::new(300, Quirks::default());
    let page = lab.get("/payments/all");
    assert_eq!(page["results"].as_array().expect("rows").len(), 50);
    assert_eq!((&page["count"], &page["settings"]), (&json!(300), &json!({"limit": 50, "offset": 0})));
    let created: Vec<_> =
        page["results"].as_array().expect("rows").iter().map(|row| row["created"].to_string()).collect();
    assert!(created.windows(2).all(|pair| pair[0] >= pair[1]));
}

#[test]
fn list_rows_lack_fees_and_details_have_them() {
    let lab = Lab::new(50, Quirks::default());
    let row = lab.all("/payments/all").into_iter().find(|row| row["status"] == "paid").expect("a paid payment");
    assert!(row.get("fees").is_none() && row.get("feeSplit").is_none());
    let detail = lab.get(&format!("/payments/{}", row["id"].as_str().expect("id")));
    assert_eq!(detail["fees"].as_array().expect("fees").len(), 1);
    assert_eq!(detail["fees"][0]["feeType"], "paystand");
    let fee = lab.rows(&format!("/fees?resourceId={}", row["id"].as_str().expect("id")));
    assert_eq!((&fee[0]["id"], &fee[0]["resource"]["id"]), (&detail["fees"][0]["id"], &row["id"]));
}

#[test]
fn a_receivable_has_two_shapes_by_route() {
    let lab = Lab::new(50, Quirks::default());
    let row = lab.all("/receivables").into_iter().find(|row| row["status"] == "active").expect("an open one");
    let id = row["id"].as_str().expect("id");
    assert_eq!(lab.get(&format!("/receivables/{id}/read")), row);
    let older = lab.get(&format!("/receivables/{id}"));
    assert_eq!((&older["status"], older.get("date")), (&json!("current"), None));
    let due = row["dateDue"].as_str().expect("date");
    assert_eq!(older["dateDue"], json!(format!("{}-{}-{}", &due[5..7], &due[8..10], &due[..4])));
}

#[test]
fn a_payer_id_is_no_payer_customer() {
    let lab = Lab::new(10, Quirks::default());
    let customer = &lab.all("/payerCustomers")[0];
    assert_eq!(lab.ask(&format!("/payerCustomers/{}", customer["payer"]["id"].as_str().expect("id"))).status, 401);
    assert_eq!(lab.ask("/payments/none").status, 404);
    assert_eq!(lab.ask("/nowhere").status, 404);
}

#[test]
fn credit_memos_need_a_querytype() {
    let lab = Lab::new(200, Quirks::default());
    assert_eq!(lab.ask("/creditMemos").status, 400);
    let rows = lab.rows("/creditMemos?f.querytype=own&limit=1000");
    assert_eq!(rows.len(), lab.world.rows_now(Resource::CreditMemos).len());
    assert!(!rows.is_empty());
}

#[test]
fn merchants_see_their_own_rows_only() {
    let other = MerchantProfile::named("two", chrono_tz::Tz::Europe__Berlin);
    let lab = Lab::of(WorldConfig {
        seeding: Seeding { payments: 20, ..Seeding::default() },
        merchants: vec![MerchantProfile::main(), other.clone()],
        ..WorldConfig::default()
    });
    let token = lab.log_in(&other.client_id, &other.client_secret);
    let answer = lab.ask_as("/payments/all", &token, Some(&other.customer_id));
    let page: Value = serde_json::from_slice(&answer.body).expect("json");
    let theirs: BTreeSet<_> = ids(page["results"].as_array().expect("rows")).into_iter().collect();
    let ours: BTreeSet<_> = ids(&lab.all("/payments/all")).into_iter().collect();
    assert_eq!((theirs.len(), ours.len()), (20, 20));
    assert!(theirs.is_disjoint(&ours));
    assert_eq!(lab.ask_as("/payments/all", &token, Some(CUSTOMER_ID)).status, 401);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let quirks = || {
        let text = r#"{"lists": {"unstable_ties": true, "short_page_per_mille": 300}, "faults": {"server_error_per_mille": 100},
                       "changes": {"updates_per_page": 3, "creates_per_page": 1, "removes_per_page": 1}}"#;
        serde_json::from_str::<Quirks>(text).expect("quirks")
    };
    let run = |seed: u64| {
        let seeding = Seeding { seed, payments: 100, live_payments_per_day: 50, ..Seeding::default() };
        let lab = Lab::of(WorldConfig { seeding, quirks: quirks(), ..WorldConfig::default() });
        let mut answers = Vec::new();
        for page in 0..40 {
            lab.clock.advance(1_800);
            answers.push(lab.ask(&format!("/payments/all?limit=20&offset={}", page * 7)));
            answers.push(lab.ask("/receivables"));
        }
        (answers, lab.world.truth())
    };
    assert!(run(3) == run(3));
    assert!(run(3).0 != run(4).0);
}

#[test]
fn a_created_row_is_listed_read_edited_and_removed() {
    let lab = Lab::new(5, Quirks::default());
    let draft = Draft {
        id: Some("pm-by-hand".to_owned()),
        edit: Edit { amount: Some("12.34".parse().expect("amount")), ..Edit::default() },
        ..Draft::default()
    };
    let id = lab.world.create(CUSTOMER_ID, Resource::Payments, draft).expect("created");
    let first = &lab.rows("/payments/all?limit=1")[0];
    assert_eq!(
        (&first["id"], &first["amount"], &first["created"]),
        (&json!(id.as_str()), &json!("12.34"), &json!("2026-05-20T12:00:00.000Z"))
    );
    lab.clock.advance(90);
    let edit = Edit { status: Some("paid".to_owned()), ..Edit::default() };
    lab.world.edit(CUSTOMER_ID, Resource::Payments, id.as_str(), edit).expect("edited");
    let detail = lab.get("/payments/pm-by-hand");
    assert_eq!((&detail["status"], &detail["lastUpdated"]), (&json!("paid"), &json!("2026-05-20T12:01:30.000Z")));
    lab.world.remove(CUSTOMER_ID, Resource::Payments, id.as_str()).expect("removed");
    assert_eq!(lab.ask("/payments/pm-by-hand").status, 404);
    let history: Vec<_> = lab.world.truth().into_iter().filter(|row| row.id == id).collect();
    let statuses: Vec<_> = history.iter().map(|row| (row.status.as_str(), row.visible_until.is_some())).collect();
    assert_eq!(statuses, [("posted", true), ("paid", true)]);
    assert_eq!(history[0].visible_from, NOW.parse::<chrono::DateTime<chrono::Utc>>().expect("instant"));
}

#[test]
fn a_frozen_world_never_changes() {
    let seeding = Seeding { payments: 50, frozen: true, live_payments_per_day: 100, ..Seeding::default() };
    let lab = Lab::of(WorldConfig { seeding, ..WorldConfig::default() });
    let before = lab.all("/payments/all");
    lab.clock.advance(30 * 86_400);
    let token = lab.log_in(super::CLIENT_ID, super::CLIENT_SECRET);
    let answer = lab.ask_as("/payments/all?limit=1000", &token, Some(CUSTOMER_ID));
    let after: Value = serde_json::from_slice(&answer.body).expect("json");
    assert_eq!(&before, after["results"].as_array().expect("rows"));
}
