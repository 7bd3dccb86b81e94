//! `check` against a simulated Paystand: what is broken is named, alone, with what to do about it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::sandbox::quirks::{CountMeaning, OrderRule, ReportAnswer, TimezoneBody};
use paystand_sync::sandbox::{
    Business, CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, Quirks, SandboxClock, Seeding, Server, World, WorldConfig,
};
use serde_json::Value;

use crate::harness::{Database, Finished, REST, Site};
use crate::literal::{Fault, Literal};
use crate::mirror::documented;

/// What is broken at Paystand.
type Break = fn(&mut Quirks);

struct Bench {
    world: Arc<World>,
    site: Site,
    text: String,
    _server: Server,
}

impl Bench {
    async fn new() -> Self {
        let now = SystemClock::new().now();
        let clock = Arc::new(SandboxClock::new(now, 1));
        let seeding = Seeding {
            business: Business::Economy,
            seed: 1,
            payments: 80,
            days: 20,
            frozen: true,
            ..Seeding::default()
        };
        let world = World::new(WorldConfig { seeding, history: false, ..WorldConfig::default() }, clock);
        let server = Server::start(Arc::clone(&world), (Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port");
        let start = now.date_naive() - chrono::Days::new(60);
        let text = format!(
            "[merchants.acme]\nenvironment = \"sandbox\"\nbase_url = \"{}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \
             \"{CLIENT_SECRET}\"\ncustomer_id = \"{CUSTOMER_ID}\"\ntimezone = \"America/Los_Angeles\"\nrequests_per_minute = 3000\n\
             start_date = \"{start}\"\n{REST}\n[erp.books]\nkind = \"staging\"\n",
            server.base_url
        );
        let text = text.replace("[sync]\n", "[sync]\npage_rows = 20\n");
        let site = Site::configured(Database::fresh().await, &text);
        Self { world, site, text, _server: server }
    }

    /// Breaks one thing at Paystand; what `check` finds then.
    fn with(&self, break_it: impl FnOnce(&mut Quirks)) -> (Finished, Vec<Value>) {
        let whole = self.world.quirks();
        let mut quirks = whole.clone();
        break_it(&mut quirks);
        self.world.set_quirks(quirks);
        let answer = self.check();
        self.world.set_quirks(whole);
        answer
    }

    /// Breaks the configuration instead.
    fn configured(&self, from: &str, to: &str) -> (Finished, Vec<Value>) {
        let text = self.text.replacen(from, to, 1);
        assert_ne!(text, self.text, "{from}");
        self.site.configure(&text);
        let answer = self.check();
        self.site.configure(&self.text);
        answer
    }

    fn check(&self) -> (Finished, Vec<Value>) {
        let finished = self.site.run(&["check", "--json"]);
        let answer: Value = serde_json::from_str(&finished.stdout).unwrap_or_default();
        let findings = answer["findings"].as_array().cloned().unwrap_or_default();
        (finished, findings)
    }
}

/// The one finding that is not good.
fn only((finished, findings): &(Finished, Vec<Value>)) -> (String, String, String) {
    let bad: Vec<&Value> = findings.iter().filter(|it| it["state"] != "ok").collect();
    let [bad] = bad[..] else { panic!("{} findings are not good: {bad:#?}\n{finished}", bad.len()) };
    let text = |name: &str| bad[name].as_str().expect("text").to_owned();
    (text("what"), text("state"), text("detail"))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_broken_at_paystand_is_named_with_its_fix() {
    let bench = Bench::new().await;
    let (finished, findings) = bench.check();
    assert_eq!(finished.code, Some(0), "{finished}");
    assert!(findings.iter().all(|it| it["state"] == "ok"), "{findings:#?}");
    assert!(findings.len() >= 11, "{findings:#?}");

    let cases: [(Break, &str, &str, i32, &[&str]); 9] = [
        (
            |it| it.access.fees_unauthorized = true,
            "list fees of acme",
            "note",
            0,
            &["inside of their payments", "ask Paystand"],
        ),
        (|it| it.access.timezone_refused = true, "timezone of acme", "note", 0, &["does not tell its own"]),
        (
            |it| it.access.report = ReportAnswer::Disabled,
            "list transfer_entries of acme",
            "note",
            0,
            &["unproven", "reports"],
        ),
        (
            |it| it.faults.date_offset_seconds = 7_200,
            "clock of acme",
            "failed",
            2,
            &["behind Paystand's clock", "time service"],
        ),
        (|it| it.faults.date_offset_seconds = -7_200, "clock of acme", "failed", 2, &["ahead of Paystand's clock"]),
        (|it| it.lists.page_cap = 7, "page length of acme", "note", 0, &["sync.page_rows = 7"]),
        (|it| it.lists.order = OrderRule::Ignored, "order of acme", "note", 0, &["not heeded", "sort"]),
        (|it| it.lists.order = OrderRule::CreatedOnly, "order of acme", "note", 0, &["not heeded"]),
        (|it| it.lists.date_filter_ignored = true, "date filter of acme", "note", 0, &["not heeded", "sync.interval"]),
    ];
    for (break_it, what, state, code, words) in cases {
        let answer = bench.with(break_it);
        let (named, standing, detail) = only(&answer);
        assert_eq!((named.as_str(), standing.as_str(), answer.0.code), (what, state, Some(code)), "{detail}");
        assert!(words.iter().all(|word| detail.contains(word)), "{what}: {detail}");
    }
    for (meaning, words) in [
        (CountMeaning::Page, "rows of the page"),
        (CountMeaning::Total, "all rows"),
        (CountMeaning::Absent, "carry none"),
    ] {
        let (finished, findings) = bench.with(|it| it.lists.count = meaning);
        let count = findings.iter().find(|it| it["what"] == "count of acme").expect("it is told");
        assert!(count["detail"].as_str().expect("text").contains(words), "{count:#}\n{finished}");
    }
    let (finished, findings) = bench.with(|it| it.access.timezone_body = TimezoneBody::Nested);
    assert!(findings.iter().all(|it| it["state"] == "ok"), "{finished}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_in_the_configuration_is_named_with_its_fix() {
    let bench = Bench::new().await;
    for (from, to, what, code, words) in [
        ("America/Los_Angeles", "Europe/Berlin", "timezone of acme", 2, &["timezone = \"America/Los_Angeles\""][..]),
        (CLIENT_SECRET, "another one", "credentials of acme", 3, &["client_secret"]),
        (
            "kind = \"staging\"",
            "kind = \"staging\"\nurl = \"postgres://nobody@127.0.0.1:9/erp\"",
            "adapter books",
            4,
            &["url", "running"],
        ),
    ] {
        let answer = bench.configured(from, to);
        let (named, state, detail) = only(&answer);
        assert_eq!((named.as_str(), state.as_str(), answer.0.code), (what, "failed", Some(code)), "{detail}");
        assert!(words.iter().all(|word| detail.contains(word)), "{what}: {detail}");
    }
    let (finished, findings) = bench.configured("[sync]", "[snyc]");
    assert_eq!((finished.code, findings.len()), (Some(2), 0), "{finished}");
    assert!(finished.complaints().iter().any(|line| line.contains("sync")), "{finished}");
}

#[tokio::test]
async fn a_list_that_is_not_open_to_these_credentials_is_named() {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    server.break_answers(|seen| seen.path.starts_with("/withdrawals").then_some(Fault::Status(403)));
    let finished = site.run(&["check"]);
    assert_eq!(finished.code, Some(3), "{finished}");
    let complaints = finished.complaints();
    assert_eq!(complaints.len(), 1, "{finished}");
    assert!(
        complaints[0].contains("list withdrawals of main")
            && complaints[0].contains("sync.resources.withdrawals.enabled"),
        "{finished}"
    );
}
