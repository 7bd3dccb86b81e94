//! What must be true in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::config::Environment;
use paystand_sync::model::ids::MerchantId;
use paystand_sync::sandbox::CUSTOMER_ID;
use paystand_sync::store::{Actor, Bounds, Store};
use serde_json::{Value, json};

use super::super::audit::fouls;
use super::super::exact::SENT_BACK;
use super::super::trade::later;
use super::ordeal::Ordeal;
use crate::exports::balances_by_hledger;
use crate::harness::{column, number};
use crate::tryton::between::Fault;

const REPLAYS: usize = 10;

/// Key and receipt of what is posted.
const POSTED: &str = "
    select 'psx1:sandbox:' || merchant || ':' || key || case when generation > 1 then ':g' || generation else '' end
        || ' ' || receipt
    from paystand_sync.ledger_entry where state = 'posted' order by 1";
/// The same of Tryton.
const MOVES: &str = "
    select description || ' account.move/' || id from account_move where state = 'posted' and description like 'psx1:%'
    order by 1";
const OPEN: &str = "
    select concat_ws(' ', key, state, reason) from paystand_sync.ledger_entry
    where state not in ('posted', 'not_applicable')";

impl Ordeal {
    /// Business comes up to today, the network holds, and runs read and post what is left.
    pub async fn end(&mut self) {
        self.between.mend();
        self.trade.pass_until_now(self.site.pool()).await;
        self.arrive().await;
        self.daemons.clear();
        for _ in 0..2 {
            self.once().await;
        }
        // Drafts that lost are swept when no request about them can be under way any more.
        self.trade.acme.age_drafts().await;
        self.once().await;
    }

    async fn once(&self) {
        let finished = self.site.once();
        assert!(matches!(finished.code, Some(0 | 5)), "{finished}");
        later(self.site.pool()).await;
    }

    pub async fn assert_exact(&self) {
        assert_eq!(column(self.site.pool(), OPEN).await, Vec::<String>::new(), "{}", self.plight().await);
        let mut exceptions = self.site.open_exceptions().await;
        exceptions.retain(|exception| !exception.contains(SENT_BACK));
        assert_eq!(exceptions, Vec::<String>::new());
        let posted = column(self.site.pool(), POSTED).await;
        assert_eq!(column(&self.trade.acme.server.pool, MOVES).await, posted, "moves, and what we have receipts of");
        let (moves, drafts) = self.trade.acme.moves().await;
        let mut by_key = BTreeMap::<&str, i64>::new();
        for (key, times) in &moves {
            *by_key.entry(first_generation(key)).or_default() += times;
        }
        let doubled: Vec<_> = by_key.iter().filter(|(_, times)| **times != 1).collect();
        assert!(doubled.is_empty() && drafts == 0, "{doubled:?}, {drafts} drafts are left over");
        self.trade.assert_as_it_happened(self.site.pool()).await;
        let mut fouls = fouls(self.site.pool()).await;
        fouls.retain(|foul| !foul.starts_with("person_"));
        assert_eq!(fouls, Vec::<String>::new(), "commits under the lease of another");
    }

    /// What there was, and what broke.
    pub async fn told(&self) -> String {
        let events = number(self.site.pool(), "select count(*) from paystand_sync.event").await;
        let posted = column(self.site.pool(), POSTED).await.len();
        let struck = |fault| self.between.struck(fault);
        let (dropped, late) = (struck(Fault::AnswerDropped), struck(Fault::Late));
        let (sessions, tally) = (struck(Fault::SessionsEnded), self.tally);
        format!(
            "{events} events, {posted} entries posted by {} calls; {} daemons killed, {} times Tryton killed, {} zombies, {dropped} \
             answers dropped after the commit, {late} calls late, {sessions} times sessions ended, {} periods closed, {} drafts edited, \
             {} deleted, {} renewals refused; none doubled, none missing, no draft left over",
            self.between.calls(),
            tally.daemons_killed,
            tally.servers_killed,
            tally.zombies,
            tally.periods_closed,
            tally.edited,
            tally.deleted,
            tally.refused_renewals,
        )
    }

    pub async fn assert_all_occurred(&self) {
        let posted = column(self.site.pool(), POSTED).await.len();
        assert!(posted >= self.size.posted_min, "only {posted} entries");
        let tally = self.tally;
        let occurred = [
            ("a daemon was killed", tally.daemons_killed),
            ("Tryton was killed", tally.servers_killed),
            ("a daemon was stopped for longer than its lease", tally.zombies),
            ("a period was closed", tally.periods_closed),
            ("a draft was edited", tally.edited),
            ("a draft was deleted", tally.deleted),
            ("a renewal was refused", tally.refused_renewals),
            ("an answer was dropped", self.between.struck(Fault::AnswerDropped)),
            ("a call was late", self.between.struck(Fault::Late)),
            ("sessions ended", self.between.struck(Fault::SessionsEnded)),
        ];
        let never: Vec<&str> = occurred.into_iter().filter(|(_, times)| *times == 0).map(|(what, _)| what).collect();
        assert_eq!(never, Vec::<&str>::new(), "never");
    }

    /// Every event delivered again ten times, and every payment read again: nothing is new.
    pub async fn assert_replays_change_nothing(&self) {
        let before = self.stands().await;
        let (merchant, now) = (MerchantId::new(CUSTOMER_ID), SystemClock::new().now());
        let url = self.site.database.url.clone().into();
        let bounds = Bounds { connections_max: 2, lease: Duration::from_secs(4) };
        let store = Store::open(&url, bounds, Environment::Sandbox, now).await.expect("our database");
        let events = column(self.site.pool(), "select event_key from paystand_sync.event order by 1").await;
        let actor = Actor { name: "somebody", reason: "to be sure" };
        for _ in 0..REPLAYS {
            for event in &events {
                store.replay_event(&merchant, event, actor, now).await.expect("replayed");
            }
        }
        store.close().await;
        let first = &events[0];
        for arguments in [["--event", first], ["--resource", "payments"]] {
            let done = self.desk.run(&["replay", arguments[0], arguments[1], "--reason", "to be sure"]);
            assert_eq!(done.code, Some(0), "{done}");
        }
        self.once().await;
        assert_eq!(self.stands().await, before, "after every event was replayed {REPLAYS} times");
    }

    /// Paystand's payouts, our journal as hledger adds it up, and Tryton's books say the same.
    pub async fn assert_three_layers_agree(&self) {
        let read = self.site.run(&["reconcile", "--json"]);
        let answers: Value = serde_json::from_str(&read.stdout).expect("JSON");
        assert_eq!(read.code, Some(0), "{read}");
        let books = &answers[0]["books"][0];
        assert_eq!(books["differences"], json!([]), "{read}");
        let posted = column(self.site.pool(), POSTED).await.len();
        assert_eq!((&books["entries"], &books["documents"]), (&json!(posted), &json!(posted)), "{read}");
        let exported = self.site.run(&["export", "hledger", "--adapter", "ledger"]);
        assert_eq!(exported.code, Some(0), "{exported}");
        if let Some(ours) = balances_by_hledger(&exported.stdout) {
            assert_eq!(ours, self.trade.acme.balances().await, "hledger's balances of our journal, and Tryton's");
        }
    }

    async fn stands(&self) -> BTreeSet<String> {
        let ours = "select key || ' ' || state || ' ' || coalesce(receipt, '') from paystand_sync.ledger_entry";
        let theirs = "select concat_ws(' ', id, state, description) from account_move";
        let mut stands: BTreeSet<String> = column(self.site.pool(), ours).await.into_iter().collect();
        stands.extend(column(&self.trade.acme.server.pool, theirs).await);
        stands
    }
}

/// A key without the number of its generation.
fn first_generation(key: &str) -> &str {
    match key.rsplit_once(":g") {
        Some((first, number)) if number.parse::<u32>().is_ok() => first,
        _ => key,
    }
}
