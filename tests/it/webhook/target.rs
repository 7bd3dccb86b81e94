//! How long is waited for a receiver, what a person is told of it, and how it goes on.

use std::sync::Arc;
use std::time::Duration;

use paystand_sync::clock::Clock as _;
use paystand_sync::config::Environment;
use paystand_sync::engine::deliver::{Courier, HELD, TARGET_FAILING, TARGET_GONE, class_of};
use paystand_sync::engine::error::StepError;
use paystand_sync::engine::person::post_anew;
use paystand_sync::erp::webhook::{RETRY_DEFAULT, Settings, Webhook};
use paystand_sync::erp::{Erp, ErpError};
use paystand_sync::ledger::retry;
use paystand_sync::model::ids::AdapterName;
use paystand_sync::store::{Actor, EntryKey, Scope};

use super::desk::{Desk, HOOK, Tale};
use super::receiver::{Served, serve};
use super::{NEW, settings};
use crate::harness::{column, number};
use crate::scripted::{InProcess, Script, Scripted, Server};

struct Stage {
    desk: Desk,
    served: Served,
    erp: Arc<dyn Erp>,
}

impl Stage {
    /// A receiver whose messages are stamped by the clock of the desk.
    async fn set() -> Self {
        Self::with(&RETRY_DEFAULT).await
    }

    async fn with(retry: &[Duration]) -> Self {
        let (desk, served) = (Desk::open().await, serve().await);
        let clock = Arc::clone(&desk.clock);
        let settings = Settings { retry: retry.to_vec(), ..settings(&served.url, &[NEW]) };
        let erp: Arc<dyn Erp> = Arc::new(Webhook::connect(settings, clock).expect("an endpoint"));
        desk.enroll(HOOK, &*erp).await;
        Self { desk, served, erp }
    }

    async fn courier(&self) -> Courier {
        self.desk.courier(HOOK, &self.erp).await
    }

    /// Lets so much time pass, with somebody at work.
    async fn pass(&self, courier: &Courier, time: Duration) {
        pass(&self.desk, courier, time).await;
    }

    async fn open(&self) -> Vec<String> {
        open(&self.desk).await
    }

    /// How many seconds lay between the requests about one event.
    fn waits(&self, key: &str) -> Vec<i64> {
        let arrived = self.served.receiver.arrived().into_iter().filter(|message| message.text("id") == key);
        let times: Vec<i64> = arrived.map(|message| message.timestamp.parse().expect("seconds")).collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

async fn open(desk: &Desk) -> Vec<String> {
    let open = "select class from paystand_sync.exception where resolved_at is null order by id";
    column(&desk.database.pool, open).await
}

/// Until something is due; an hour where nothing is, or where what is due is not let go.
async fn until_due(desk: &Desk) -> Duration {
    let due = "select coalesce(extract(epoch from min(due_at))::int8, 0) from paystand_sync.ledger_entry
               where state in ('pending', 'in_doubt', 'held') and due_at > $1";
    let now = desk.clock.now();
    let due: i64 = sqlx::query_scalar(due).bind(now).fetch_one(&desk.database.pool).await.expect("the query holds");
    u64::try_from(due - now.timestamp() + 1).map_or(Duration::from_hours(1), Duration::from_secs)
}

async fn pass(desk: &Desk, courier: &Courier, time: Duration) {
    let (end, mut failures) = (desk.clock.monotonic() + time, 0);
    while desk.clock.monotonic() < end {
        match courier.deliver().await {
            Ok(0) => desk.clock.advance(until_due(desk).await.min(end.saturating_sub(desk.clock.monotonic()))),
            Ok(_) => failures = 0,
            Err(StepError::Erp(error)) => {
                failures += 1;
                desk.clock.advance(retry::pause(class_of(&error), failures));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn a_message_that_is_declined_goes_through_its_schedule_and_holds_back_only_what_comes_after_it() {
    let stage = Stage::set().await;
    stage.served.receiver.about(Some(("pm1", 400)));
    stage.desk.tell(&[Tale::new("pm1", 0), Tale::new("pm1", 1), Tale::new("pm2", 0)], &[]).await;
    let courier = stage.courier().await;
    for hour in 0..40 {
        stage.pass(&courier, Duration::from_hours(1)).await;
        // Others are told meanwhile, so it is not the receiver that fails.
        stage.desk.tell(&[Tale::new("pm3", hour)], &[]).await;
    }
    let key = Tale::new("pm1", 0).key();
    let (arrived, waits) = (stage.served.receiver.arrived(), stage.waits(&key));
    let planned = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 36_000];
    assert_eq!(waits.len(), planned.len(), "{waits:?}");
    for (wait, planned) in waits.iter().zip(planned) {
        assert!((planned..planned + 60).contains(wait), "{waits:?} instead of {planned:?}");
    }
    assert!(
        !arrived.iter().any(|message| message.text("id") == Tale::new("pm1", 1).key()),
        "its successor overtook it"
    );
    assert_eq!(stage.open().await, [HELD], "at the end of the schedule a person sees it");

    stage.served.receiver.about(None);
    stage.pass(&courier, Duration::from_hours(11)).await;
    assert_eq!(stage.open().await, Vec::<String>::new());
    let taken: Vec<String> = stage.served.receiver.taken().iter().map(|message| message.text("id")).collect();
    let about_it: Vec<&String> = taken.iter().filter(|id| id.contains("pm1-")).collect();
    assert_eq!(about_it, [&key, &Tale::new("pm1", 1).key()]);
    assert_eq!(taken.len(), 43);
}

#[tokio::test]
async fn the_schedule_is_the_one_that_is_configured() {
    let stage = Stage::with(&[Duration::from_secs(40), Duration::from_mins(4)]).await;
    stage.served.receiver.about(Some(("pm1", 500)));
    stage.desk.tell(&[Tale::new("pm1", 0)], &[]).await;
    let courier = stage.courier().await;
    for minute in 0..15 {
        stage.desk.tell(&[Tale::new("pm2", minute)], &[]).await;
        stage.pass(&courier, Duration::from_mins(1)).await;
    }
    let waits = stage.waits(&Tale::new("pm1", 0).key());
    assert_eq!(waits.len(), 4, "{waits:?}");
    for (wait, planned) in waits.iter().zip([40, 240, 240, 240]) {
        assert!((planned..planned + 5).contains(wait), "{waits:?}");
    }
}

#[tokio::test]
async fn nothing_is_sent_under_another_id_for_nobody_can_be_asked_what_became_of_the_first() {
    let stage = Stage::set().await;
    let tale = Tale::new("pm1", 0);
    stage.desk.tell(std::slice::from_ref(&tale), &[]).await;
    assert_eq!(stage.courier().await.deliver().await.expect("it is there"), 1);
    let (desk, adapter, key) = (&stage.desk, AdapterName::new(HOOK), tale.key());
    desk.clock.advance(Duration::from_hours(24));
    let entry = EntryKey { adapter: &adapter, merchant: &desk.merchant, key: &key };
    let actor = Actor { name: "ana", reason: "the receiver lost it" };
    let anew = post_anew(&desk.store, (&*stage.erp, Environment::Sandbox), entry, actor, desk.clock.now()).await;
    let refused = anew.expect_err("it cannot be asked").to_string();
    assert!(refused.contains("hook cannot be asked whether it still holds payment:pm1-0:posted"), "{refused}");
    assert_eq!(stage.courier().await.deliver().await.expect("it is there"), 0);
    assert_eq!(stage.served.receiver.arrived().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_fails_for_days_is_one_exception_and_everything_is_sent_once_it_is_back() {
    let stage = Stage::set().await;
    let tales: Vec<Tale> = (0..300).map(|number| Tale::new(format!("pm{}", number % 100), number / 100)).collect();
    stage.desk.tell(&tales, &[]).await;
    stage.served.receiver.always(Some(500));
    let courier = stage.courier().await;
    stage.pass(&courier, Duration::from_mins(30)).await;
    assert_eq!(stage.open().await, Vec::<String>::new(), "half an hour is nothing");
    // Another process takes over: for how long it lasts is not forgotten.
    let courier = stage.courier().await;
    stage.pass(&courier, Duration::from_hours(72)).await;
    assert_eq!(stage.open().await, [TARGET_FAILING]);
    let detail = "select merchant || '|' || subject || '|' || detail from paystand_sync.exception";
    let detail = column(&stage.desk.database.pool, detail).await.remove(0);
    for part in [
        "|adapter/hook|",
        "has taken nothing since 2026-05-12T12:00:00Z",
        "for 72 h",
        "300 entries wait",
        "the answer was 500",
    ] {
        assert!(detail.contains(part), "{detail}");
    }
    let sent = stage.served.receiver.arrived().len();
    assert!(sent < 1_000, "{sent} requests to a receiver that is not well");

    stage.served.receiver.always(None);
    stage.pass(&courier, Duration::from_mins(20)).await;
    assert_eq!(stage.open().await, Vec::<String>::new());
    assert_eq!(stage.served.receiver.taken().len(), 300, "what waited for hours is sent at once");
    let how = "select resolution from paystand_sync.exception";
    assert_eq!(column(&stage.desk.database.pool, how).await, ["it takes entries again"]);
}

#[tokio::test]
async fn an_erp_that_is_down_for_long_is_one_exception_as_well() {
    let desk = Desk::open().await;
    let server = Server::new(desk.clock.clone(), Script::quiet(), 0);
    let erp: Arc<dyn Erp> = Arc::new(Scripted::new(Arc::new(InProcess(Arc::clone(&server)))));
    desk.enroll("books", &*erp).await;
    desk.tell(&[Tale::new("pm1", 0), Tale::new("pm2", 0)], &["books"]).await;
    server.set_down(true);
    let courier = desk.courier("books", &erp).await;
    pass(&desk, &courier, Duration::from_mins(50)).await;
    assert_eq!(open(&desk).await, Vec::<String>::new());
    pass(&desk, &courier, Duration::from_mins(50)).await;
    assert_eq!(open(&desk).await, [TARGET_FAILING]);
    server.set_down(false);
    pass(&desk, &courier, Duration::from_mins(20)).await;
    assert_eq!(open(&desk).await, Vec::<String>::new());
    let left = "select count(*) from paystand_sync.ledger_entry where adapter = 'books' and state <> 'posted'";
    assert_eq!(number(&desk.database.pool, left).await, 0);
}

#[tokio::test]
async fn after_410_nobody_sends_anything_until_a_person_says_so() {
    let stage = Stage::set().await;
    stage.desk.tell(&[Tale::new("pm1", 0), Tale::new("pm1", 1)], &[]).await;
    stage.served.receiver.answer(410, &[]);
    let courier = stage.courier().await;
    assert!(matches!(courier.deliver().await, Err(StepError::Erp(ErpError::Gone { .. }))));
    let restarted = stage.courier().await;
    stage.pass(&restarted, Duration::from_hours(48)).await;
    assert_eq!(stage.served.receiver.arrived().len(), 1);
    assert_eq!(stage.open().await, [TARGET_GONE]);
    let pool = &stage.desk.database.pool;
    let detail = column(pool, "select detail from paystand_sync.exception").await.remove(0);
    assert!(detail.contains("the answer was 410") && detail.contains("resume adapter hook"), "{detail}");
    let audit = "select actor || ' ' || action || ' ' || object from paystand_sync.audit order by number";
    assert_eq!(column(pool, audit).await, ["paystand-sync pause adapter/hook"]);

    let (scope, actor) = (Scope::Adapter(AdapterName::new(HOOK)), Actor { name: "ana", reason: "a new address" });
    assert!(stage.desk.store.resume(&scope, actor, stage.desk.clock.now()).await.expect("our database"));
    assert_eq!(stage.open().await, Vec::<String>::new());
    stage.pass(&restarted, Duration::from_mins(1)).await;
    assert_eq!(stage.served.receiver.taken().len(), 2);
    assert_eq!(column(pool, audit).await.last().map(String::as_str), Some("ana resume adapter/hook"));
}

#[tokio::test]
async fn patience_that_is_asked_for_is_given_to_the_whole_receiver() {
    let stage = Stage::set().await;
    let tales: Vec<Tale> = (0..40).map(|number| Tale::new(format!("pm{number}"), 0)).collect();
    stage.desk.tell(&tales, &[]).await;
    for (status, seconds) in [(429, "90"), (503, "30")] {
        let before = stage.served.receiver.arrived().len();
        stage.served.receiver.answer(status, &[("retry-after", seconds)]);
        let Err(StepError::Erp(error)) = stage.courier().await.deliver().await else { panic!("it asks for patience") };
        let asked = Duration::from_secs(seconds.parse().expect("seconds"));
        assert_eq!(retry::pause(class_of(&error), 1), asked);
        let sent = stage.served.receiver.arrived().len() - before;
        assert!(sent <= 8, "{sent} requests, and one answer asked for patience");
    }
    let failures = "select count(*) from paystand_sync.ledger_entry where failures > 0";
    assert_eq!(number(&stage.desk.database.pool, failures).await, 0, "and costs no message a step of its schedule");
    stage.pass(&stage.courier().await, Duration::from_mins(1)).await;
    assert_eq!(stage.served.receiver.taken().len(), 40);
}
