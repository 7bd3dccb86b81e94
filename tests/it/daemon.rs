//! The daemon: changes arrive within its interval, it tells systemd and health checks the truth, and it stops when told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use crate::harness::{Running, Site, column, eventually, number, staged};
use crate::literal::{Fault, Kind, Literal, Row, Seen, rows};
use crate::mirror::{ago, assert_mirrored, documented};

const READY_BOUND: Duration = Duration::from_secs(30);
/// What the daemon promises.
const STOP_BOUND: Duration = Duration::from_secs(10);

/// A daemon with a notification socket and a health page.
struct Daemon {
    site: Site,
    running: Running,
    notices: UnixDatagram,
    listen: String,
}

impl Daemon {
    async fn start(server: &Literal) -> Self {
        let mut site = Site::new(server).await;
        let socket = site.directory.path().join("notify");
        let notices = UnixDatagram::bind(&socket).expect("own directory");
        notices.set_read_timeout(Some(READY_BOUND)).expect("a socket");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
        let listen = free.to_string();
        site.set("OPS__LISTEN", &listen);
        site.set_variable("NOTIFY_SOCKET", &socket.to_string_lossy());
        let running = site.start(&[]);
        Self { site, running, notices, listen }
    }

    fn await_notice(&self, wanted: &str) {
        let mut notice = [0; 1024];
        loop {
            let length = self.notices.recv(&mut notice).expect("a notice in time");
            if String::from_utf8_lossy(&notice[..length]).lines().any(|line| line == wanted) {
                return;
            }
        }
    }
}

fn livez(address: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("the page is served");
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[tokio::test]
async fn a_change_arrives_within_the_interval_and_sigterm_ends_it_clean() {
    let server = Literal::start();
    server.books(documented);
    let daemon = Daemon::start(&server).await;
    daemon.await_notice("READY=1");
    let pool = daemon.site.pool();
    eventually("the books are read", READY_BOUND, async || {
        // Fees come with payments or by themselves, entries and transactions below others: each record counts once.
        number(pool, "select count(*) from paystand_sync.record").await == 20
    })
    .await;
    eventually("all of it", READY_BOUND, async || {
        column(pool, "select state from paystand_sync.ledger_entry where state <> 'posted'").await.is_empty()
    })
    .await;
    assert_mirrored(&daemon.site).await;

    assert!(livez(&daemon.listen).starts_with("HTTP/1.1 200"), "{}", livez(&daemon.listen));
    let check = daemon.site.run(&["check", "--live"]);
    assert_eq!(check.code, Some(0), "{check}");

    let now = ago(chrono::TimeDelta::zero());
    server.books(|books| books.put(Kind::Payments, Row::of(&rows::payment("pmnew", &now, &now))));
    // The interval is half a second; the rest is for two slow cores.
    eventually("the new payment", Duration::from_secs(10), async || staged(pool, "payment").await.contains("pmnew"))
        .await;

    daemon.running.terminate();
    daemon.await_notice("STOPPING=1");
    let finished = daemon.running.finish(STOP_BOUND);
    assert_eq!(finished.code, Some(0), "{finished}");
    let check = daemon.site.run(&["check", "--live"]);
    assert_eq!(check.code, Some(1), "nobody is there any more: {check}");
}

#[tokio::test]
async fn sigterm_during_work_ends_it_within_ten_seconds_and_the_next_run_goes_on() {
    let server = Literal::start();
    server.books(documented);
    // Half of the lists never answer, the others take their time.
    server.break_answers(|seen| match seen.path.as_str() {
        "/payments/all" | "/transfers" | "/payerCustomers" => Some(Fault::Silence),
        _ => Some(Fault::Late(Duration::from_millis(700))),
    });
    let daemon = Daemon::start(&server).await;
    daemon.await_notice("READY=1");
    server.await_requests(READY_BOUND, |log| log.iter().any(|seen| seen.path == "/payments/all"));
    daemon.running.terminate();
    let finished = daemon.running.finish(STOP_BOUND);
    assert_eq!(finished.code, Some(0), "{finished}");
    server.mend_answers();
    daemon.site.once_clean();
    assert_mirrored(&daemon.site).await;
}

#[tokio::test]
async fn sigterm_ends_a_single_run_within_ten_seconds_too() {
    let server = Literal::start();
    server.books(documented);
    server.break_answers(|seen| (seen.path == "/payments/all").then_some(Fault::Silence));
    let site = Site::new(&server).await;
    let running = site.start(&["--once"]);
    server.await_requests(READY_BOUND, |log| log.iter().any(|seen| seen.path == "/payments/all"));
    running.terminate();
    running.finish(STOP_BOUND);
    server.mend_answers();
    site.once_clean();
    assert_mirrored(&site).await;
}

#[tokio::test]
async fn a_daemon_outlives_a_source_that_is_away() {
    let server = Literal::start();
    server.books(documented);
    server.break_answers(|_| Some(Fault::Status(503)));
    let mut daemon = Daemon::start(&server).await;
    daemon.await_notice("READY=1");
    server.await_requests(READY_BOUND, |log| log.len() > 20);
    assert!(!daemon.running.has_ended(), "{}", daemon.running.stderr());
    server.mend_answers();
    let pool = daemon.site.pool();
    eventually("the payments", READY_BOUND, async || staged(pool, "payment").await.lines().count() == 4).await;
}

#[tokio::test]
async fn items_that_are_due_do_not_keep_a_list_waiting_and_none_of_them_waits_for_ever() {
    const DUE: &str =
        "update paystand_sync.open_item set next_at = now() - interval '1 hour' where resource = 'payments'";
    let (server, payments) = (Literal::start(), 20);
    server.books(|books| {
        for n in 0..payments {
            let at = ago(chrono::TimeDelta::days(2));
            books.put(Kind::Payments, Row::of(&rows::payment(&format!("pm{n:022}"), &at, &at)));
        }
    });
    let site = Site::new(&server).await;
    site.once_clean();
    sqlx::query(DUE).execute(site.pool()).await.expect("they are open");
    // One takes longer than a poll has for all of them.
    let is_one = |seen: &Seen| seen.path.starts_with("/payments/pm");
    server.break_answers(move |seen| is_one(seen).then_some(Fault::Late(Duration::from_millis(300))));
    let asked = server.request_count();
    let running = site.start(&["--resource", "payments"]);
    let between = RefCell::new(Vec::new());
    server.await_requests(READY_BOUND, |log| {
        let log = &log[asked..];
        let read: BTreeSet<&str> = log.iter().filter(|it| is_one(it)).map(|it| it.path.as_str()).collect();
        *between.borrow_mut() = log.split(|it| !is_one(it)).map(<[Seen]>::len).collect();
        read.len() == payments
    });
    running.terminate();
    assert_eq!(running.finish(STOP_BOUND).code, Some(0));
    let mut between: Vec<usize> = between.into_inner();
    between.retain(|items| *items > 0);
    assert!(between.len() > payments / 3, "a list between a few of them: {between:?}");
    assert!(between.iter().all(|items| *items <= 3), "{between:?}");
}

/// Payments of one day, so many that a window over them takes several intervals of polls.
const OF_A_DAY: usize = 400;
const LATE: Fault = Fault::Late(Duration::from_millis(100));

async fn busy_day() -> (Literal, Site) {
    let server = Literal::start();
    server.books(|books| {
        for n in 0..OF_A_DAY {
            let at = ago(chrono::TimeDelta::days(20));
            books.put(Kind::Payments, Row::of(&rows::payment(&format!("pm{n:022}"), &at, &at)));
        }
    });
    server.break_answers(|seen| is_list(seen).then_some(LATE));
    let mut site = Site::new(&server).await;
    site.set("SYNC__PAGE_ROWS", "10");
    (server, site)
}

fn is_list(seen: &Seen) -> bool {
    seen.is_list("/payments/all")
}

fn is_of_window(seen: &Seen) -> bool {
    seen.query.get("f.datetype").is_some_and(|stamp| stamp == "created")
}

/// A page of a window that is not its first.
fn is_later_page(seen: &Seen) -> bool {
    is_list(seen) && is_of_window(seen) && seen.query.get("f.offset").is_some_and(|offset| offset != "0")
}

#[tokio::test]
async fn a_window_that_takes_longer_than_the_interval_goes_on_while_the_tail_is_read() {
    const IS_READ: &str =
        "select count(*) from paystand_sync.cursor where resource = 'payments' and backfilled_at is not null";
    let (server, site) = busy_day().await;
    let running = site.start(&["--resource", "payments"]);
    server.await_requests(READY_BOUND, |log| log.iter().any(is_list));
    eventually("the backfill is read", READY_BOUND, async || number(site.pool(), IS_READ).await == 1).await;
    running.terminate();
    assert_eq!(running.finish(STOP_BOUND).code, Some(0));
    let log: Vec<Seen> = server.requests().into_iter().filter(is_list).collect();
    let first = log.iter().position(is_later_page).expect("a second page");
    let last = log.iter().rposition(is_later_page).expect("a last page");
    let tails = log[first..last].iter().filter(|seen| !is_of_window(seen)).count();
    assert!(tails > 0, "the list of changes was not read during {} requests of the backfill", last - first);
}

#[tokio::test]
async fn a_window_is_read_to_its_end_where_the_tail_fails_meanwhile() {
    const IS_READ: &str = "select count(*) from paystand_sync.backfill_window where rows >= 400";
    let (server, site) = busy_day().await;
    let mut is_begun = false;
    server.break_answers(move |seen| {
        is_begun |= is_later_page(seen);
        let is_tail = is_list(seen) && !is_of_window(seen);
        if is_begun && is_tail { Some(Fault::Status(503)) } else { is_list(seen).then_some(LATE) }
    });
    let running = site.start(&["--resource", "payments"]);
    server.await_requests(READY_BOUND, |log| log.iter().any(is_later_page));
    eventually("the day is read", READY_BOUND, async || number(site.pool(), IS_READ).await == 1).await;
    running.terminate();
    assert_eq!(running.finish(STOP_BOUND).code, Some(0));
}

#[tokio::test]
async fn a_resource_that_is_paused_during_its_backfill_is_left_alone() {
    const LOOKS: &str = "
        select coalesce(sum(idx_scan), 0)::int8 from pg_stat_user_indexes where schemaname = 'paystand_sync' and relname = 'pause'";
    const SESSIONS: &str = "
        select count(*) from pg_stat_activity where datname = current_database() and application_name = 'paystand-sync'";
    let polls = 6;
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    let paused = site.run(&["pause", "resource", "payments", "--reason", "audit"]);
    assert_eq!(paused.code, Some(0), "{paused}");
    let running = site.start(&[]);
    let is_other = |seen: &&Seen| seen.path == "/payerCustomers";
    server.await_requests(READY_BOUND, |log| log.iter().filter(is_other).count() >= polls);
    running.terminate();
    assert_eq!(running.finish(STOP_BOUND).code, Some(0));
    // Counts are told when a session ends.
    eventually("its sessions ended", READY_BOUND, async || number(site.pool(), SESSIONS).await == 0).await;
    let looks = number(site.pool(), LOOKS).await;
    assert!(looks < 1_000, "{looks} looks at what is paused, in {polls} polls of another resource");
}
