//! The whole program with a webhook in its configuration: what `check` finds, and that a run tells a receiver what it booked.

use super::outside::{python, verified};
use super::receiver::serve;
use super::verify::request;
use super::{NEW, OLD};
use crate::harness::{REST, Site, column, merchant};
use crate::literal::{CUSTOMER_ID, Literal};
use crate::mirror::documented;

async fn site(hook: &str) -> (Literal, Site) {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    let merchant = merchant("main", CUSTOMER_ID, &server.base_url());
    site.configure(&format!(
        "{merchant}\n{REST}\n[erp.books]\nkind = \"staging\"\n[erp.hook]\nkind = \"webhook\"\n{hook}"
    ));
    (server, site)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_tells_a_receiver_every_event_and_every_posting() {
    let served = serve().await;
    let (_server, site) = site(&format!(
        "url = \"{}\"\nsecret = \"{NEW}\"\nprevious_secret = \"{OLD}\"\nallow_private = true\n",
        served.url
    ))
    .await;
    let checked = site.run(&["check"]);
    assert!(checked.stdout.contains("adapter hook: ok"), "{checked}");
    assert!(served.receiver.arrived().is_empty(), "a check sends nothing");
    site.once_clean();
    // Postings that were booked by the end of one run are told by the next one at the latest.
    site.once_clean();
    let mut told: Vec<String> = served.receiver.taken().iter().map(|message| message.text("id")).collect();
    told.sort();
    let expected = "
        select event_key from paystand_sync.event
        union all select 'posting.confirmed:books:' || entry_key from paystand_sync.journal_entry order by 1";
    let mut expected = column(site.pool(), expected).await;
    expected.sort();
    assert!(expected.len() > 4 && expected.iter().any(|key| key.starts_with("posting.confirmed")), "{expected:?}");
    assert_eq!(told, expected);
    let arrived = served.receiver.arrived();
    assert_eq!(arrived.len(), told.len(), "each was sent once");
    if let Some(python) = python() {
        let requests: Vec<serde_json::Value> = arrived.iter().map(request).collect();
        for secret in [OLD, NEW] {
            assert_eq!(verified(&python, secret, &requests), vec!["ok"; told.len()], "{secret}");
        }
    }
    let shown = site.run(&["config", "show"]);
    assert!(shown.stdout.contains("secret = \"***\"\nprevious_secret = \"***\""), "{shown}");
    assert!(!format!("{shown}").contains(NEW.trim_start_matches("whsec_")), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_is_wrong_with_an_endpoint_and_how_it_is_mended() {
    let secret = format!("secret = \"{NEW}\"\n");
    for (hook, code, sentence) in [
        (
            format!("url = \"https://10.1.2.3/hook\"\n{secret}"),
            2,
            "`erp.hook.url` cannot be used: 10.1.2.3 is not a public address; set allow_private = true",
        ),
        (
            format!("url = \"http://127.0.0.1:8080/hook\"\n{secret}"),
            2,
            "`erp.hook.url` cannot be used: 127.0.0.1 is not a public address; set allow_private = true",
        ),
        (
            format!("url = \"http://erp.example.com/hook\"\nallow_private = true\n{secret}"),
            2,
            "`erp.hook.url` is plain http to erp.example.com, which would show the credentials; use https",
        ),
        ("url = \"https://erp.example.com/hook\"\n".to_owned(), 2, "`erp.hook.secret` is missing"),
        (
            "url = \"https://erp.example.com/hook\"\nsecret = \"whsec_c2hvcnQ=\"\n".to_owned(),
            2,
            "`erp.hook.secret` has 5 bytes and needs 24 to 64; make one with: echo \"whsec_$(openssl rand -base64 32)\"",
        ),
        (
            format!("url = \"https://erp.example.com/hook\"\nretry = [\"5s\", \"soon\"]\n{secret}"),
            2,
            "`erp.hook.retry` must be a list of lengths of time from 1s to 7days, like [\"5s\", \"5m\"]",
        ),
        (
            format!("url = \"https://localhost/hook\"\n{secret}"),
            4,
            "is not a public address; set allow_private = true if the receiver is meant to be in your own network",
        ),
    ] {
        let (_server, site) = site(&hook).await;
        let checked = site.run(&["check"]);
        assert_eq!(checked.code, Some(code), "{hook}{checked}");
        assert!(checked.complaints().iter().any(|it| it.contains(sentence)), "{sentence}\n{checked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_lets_an_endpoint_go_on_that_said_410() {
    let served = serve().await;
    let (_server, site) = site(&format!("url = \"{}\"\nsecret = \"{NEW}\"\nallow_private = true\n", served.url)).await;
    served.receiver.always(Some(410));
    let gone = site.once();
    assert!(gone.code == Some(4) && format!("{gone}").contains("resume adapter"), "{gone}");
    let sent = served.receiver.arrived().len();
    served.receiver.always(None);
    let paused = site.once();
    assert_eq!(paused.code, Some(5), "{paused}");
    assert_eq!(served.receiver.arrived().len(), sent, "something was sent after 410");
    let status = site.run(&["status"]);
    assert!(status.stdout.contains("adapter/hook is paused since"), "{status}");
    let open = site.open_exceptions().await;
    assert!(open.len() == 1 && open[0].contains("target_gone adapter/hook"), "{open:?}");
    let number = column(site.pool(), "select id::text from paystand_sync.exception").await.remove(0);
    let shown = site.run(&["exceptions", "show", &number]);
    for part in
        ["about     adapter/hook\n", "first     ask whoever runs the receiver; then `paystand-sync resume adapter"]
    {
        assert!(shown.stdout.contains(part), "{shown}");
    }
    let retried = site.run(&["exceptions", "retry", &number, "--reason", "try"]);
    assert!(retried.code == Some(2) && format!("{retried}").contains("no adapter holds back"), "{retried}");
    let resumed = site.run(&["resume", "adapter", "hook", "--reason", "it is back"]);
    assert!(resumed.stdout.contains("adapter/hook goes on"), "{resumed}");
    site.once_clean();
    assert!(served.receiver.taken().len() > 4);
}
