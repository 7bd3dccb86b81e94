//! Probes, the service manager, signals: what machines ask and what they are told.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::{BOUND, Shown, configured, documented_books};
use crate::harness::{Site, eventually};
use crate::literal::{Fault, Literal};
use crate::mirror::documented;

fn check<'a>(health: &'a Value, name: &str) -> &'a Value {
    let checks = health["checks"].as_array().expect("a list");
    checks.iter().find(|check| check["name"] == name).unwrap_or(&Value::Null)
}

async fn execute(shown: &Shown, statement: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(shown.site.pool()).await.expect("it holds");
}

#[tokio::test]
async fn health_names_what_is_wrong_and_a_source_that_is_away_is_no_reason_to_restart() {
    let server = Literal::start();
    let shown = documented_books(&server).await;
    shown.settled().await;
    let ready = shown.get("/readyz").await;
    let health = ready.json();
    assert_eq!((ready.status, &health["status"]), (200, &Value::from("ok")), "{health:#}");
    for name in ["database", "migrations", "lease", "token main", "source"] {
        assert_eq!(check(&health, name)["state"], "ok", "{name}: {health:#}");
    }

    server.break_answers(|_| Some(Fault::Status(503)));
    execute(&shown, "update paystand_sync.cursor set high_water = high_water - interval '2 days'").await;
    shown.until("it is late", |status| status["merchants"][0]["resources"][0]["reading"] == "late").await;
    let ready = shown.get("/readyz").await;
    let health = ready.json();
    assert_eq!((ready.status, &health["status"]), (200, &Value::from("degraded")), "{health:#}");
    assert!(check(&health, "source")["detail"].as_str().expect("text").contains("payments"), "{health:#}");
    assert_eq!(shown.get("/livez").await.status, 200);
    assert!(shown.get("/").await.body.contains("✗ No"), "the page says so too");

    // Another version of the program has been at work on this database.
    execute(
        &shown,
        "insert into paystand_sync._sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'x', true, '', 0)",
    )
    .await;
    eventually("the schema is not the one we know", BOUND, async || shown.get("/readyz").await.status == 503).await;
    let health = shown.get("/readyz").await.json();
    assert_eq!(check(&health, "migrations")["state"], "failed", "{health:#}");
    assert!(shown.get("/metrics").await.body.contains("\npaystand_sync_ready{} 0.0"));
}

#[tokio::test]
async fn credentials_that_are_refused_make_it_unready() {
    let server = Literal::start();
    server.books(documented);
    let mut site = Site::new(&server).await;
    site.set("MERCHANTS__MAIN__CLIENT_SECRET", "another secret");
    let shown = Shown::start(site);
    eventually("it is not ready", BOUND, async || {
        super::client().get(shown.url("/readyz")).send().await.is_ok_and(|it| it.status() == 503)
    })
    .await;
    let ready = shown.get("/readyz").await;
    assert_eq!(check(&ready.json(), "token main")["state"], "failed", "{}", ready.body);
    assert!(!ready.body.contains("another secret"));
}

#[tokio::test]
async fn a_reload_takes_intervals_and_the_log_filter_and_leaves_a_wrong_configuration_alone() {
    let server = Literal::start();
    server.books(documented);
    let mut site = configured(&server, "").await;
    let socket = site.directory.path().join("notify");
    let notices = UnixDatagram::bind(&socket).expect("own directory");
    notices.set_read_timeout(Some(BOUND)).expect("a socket");
    site.set_variable("NOTIFY_SOCKET", &socket.to_string_lossy());
    let shown = Shown::start(site);
    shown.settled().await;
    await_notice(&notices, |line| line.starts_with("STATUS=lag ") && line.contains("open exceptions"));
    assert!(!shown.running.stderr().contains("\"level\":\"DEBUG\""), "not by default");

    let text = std::fs::read_to_string(shown.site.config_path()).expect("own file");
    shown.site.configure(&text.replace("interval = \"500ms\"", "interval = \"half a second\""));
    shown.running.signal(Signal::HUP);
    eventually("the wrong one is reported", BOUND, async || {
        shown.running.stderr().contains("the configuration stays as it was")
    })
    .await;
    assert_eq!(shown.get("/livez").await.status, 200);

    shown.site.configure(&text.replace("[ops]", "[ops]\nlog = \"debug,sqlx=warn\""));
    shown.running.signal(Signal::HUP);
    await_notice(&notices, |line| line == "STATUS=reading the configuration anew");
    eventually("the filter is the new one", BOUND, async || shown.running.stderr().contains("\"level\":\"DEBUG\""))
        .await;
    eventually("the port is open again", BOUND, async || {
        super::client().get(shown.url("/livez")).send().await.is_ok_and(|it| it.status() == 200)
    })
    .await;
}

fn await_notice(notices: &UnixDatagram, wanted: impl Fn(&str) -> bool) {
    let mut notice = [0; 2048];
    loop {
        let length = notices.recv(&mut notice).expect("a notice in time");
        if String::from_utf8_lossy(&notice[..length]).lines().any(&wanted) {
            return;
        }
    }
}

#[tokio::test]
async fn memory_is_never_written_to_a_core_file() {
    let server = Literal::start();
    let shown = documented_books(&server).await;
    shown.until("it is at work", Value::is_object).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", shown.running.id())).expect("a process of ours");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"], "{core}");
}

/// What a container gets: SIGTERM while requests are under way, and nobody waits longer than ten seconds.
#[tokio::test]
async fn a_source_that_answers_slowly_does_not_hold_up_the_end() {
    let server = Literal::start();
    server.books(documented);
    server.break_answers(|seen| seen.path.starts_with("/payments").then_some(Fault::Silence));
    let shown = Shown::start(Site::new(&server).await);
    server.await_requests(BOUND, |log| log.iter().any(|seen| seen.path.starts_with("/payments")));
    let idle = std::net::TcpStream::connect(&shown.address).expect("a reader who never asks");
    shown.running.terminate();
    let finished = shown.running.finish(Duration::from_secs(10));
    assert_eq!(finished.code, Some(0), "{finished}");
    drop(idle);
}

#[tokio::test]
async fn the_log_tells_where_the_audit_trail_ends() {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    site.once_clean();
    let paused = site.run(&["pause", "adapter", "staging", "--reason", "month end"]);
    assert_eq!(paused.code, Some(0), "{paused}");
    let verified = site.run(&["audit", "verify"]).stdout;
    let head = verified.trim().rsplit(' ').next().expect("a head").to_owned();
    assert!(head.starts_with("1:"), "{verified}");
    let shown = Shown::start(site);
    let told = format!("\"head\":\"{head}\"");
    eventually("the head is in the log", BOUND, async || shown.running.stderr().contains(&told)).await;
    let checked = shown.site.run(&["audit", "verify", "--head", &head]);
    assert_eq!(checked.code, Some(0), "{checked}");
}

#[tokio::test]
async fn log_lines_about_an_event_carry_its_key() {
    let server = Literal::start();
    server.books(documented);
    let mut site = Site::new(&server).await;
    site.set_variable("PAYSTAND_SYNC_LOG", "debug");
    let finished = site.once();
    let key = "payment:pm6y3u9i1o7p4a8s2d5f0g3h:posted";
    let lines = finished.stderr.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let about: Vec<Value> = lines.filter(|line| line["event_key"] == key).collect();
    let said = |what: &str| about.iter().filter(|line| line["message"] == what).count();
    // The event and its entry are settled each.
    assert_eq!((said("told"), said("settled")), (1, 2), "{about:#?}");
}
