//! Where nothing is sent, and that nothing is believed or read that was not asked for.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::any;
use futures::stream;
use paystand_sync::clock::SystemClock;
use paystand_sync::engine::error::StepError;
use paystand_sync::erp::webhook::{Lookup, Settings, Webhook};
use paystand_sync::erp::{Erp, ErpError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use super::desk::{Desk, HOOK, Tale};
use super::receiver::serve;
use super::{NEW, settings, webhook};
use crate::harness::column;

/// Names that lead somewhere else each time, and to the last place for ever.
#[derive(Debug)]
struct Rebinding(Mutex<VecDeque<IpAddr>>);

#[async_trait]
impl Lookup for Rebinding {
    async fn addresses(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut places = self.0.lock().expect("nobody panics with it");
        let next = if places.len() > 1 { places.pop_front() } else { places.front().copied() };
        Ok(next.into_iter().collect())
    }
}

async fn delivered(erp: &Arc<dyn Erp>) -> Result<usize, String> {
    let desk = Desk::open().await;
    desk.enroll(HOOK, &**erp).await;
    desk.tell(&[Tale::new("pm1", 0)], &[]).await;
    match desk.courier(HOOK, erp).await.deliver().await {
        Ok(taken) => Ok(taken),
        Err(StepError::Erp(error)) => Err(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

fn misfit(result: Result<(), ErpError>) -> String {
    match result {
        Err(ErpError::Misfit { reason }) => reason,
        other => panic!("it should not fit: {other:?}"),
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_once_it_was_looked_at_is_not_connected_to() {
    let served = serve().await;
    let port = served.url.parse::<Url>().expect("a URL").port().expect("a port");
    let url = format!("https://hooks.example.com:{port}/hook");
    let places = ["1.1.1.1", "127.0.0.1"].map(|text| text.parse().expect("an address"));
    let rebinding = Arc::new(Rebinding(Mutex::new(places.into())));
    let strict = Settings { allow_private: false, ..settings(&url, &[NEW]) };
    let erp = Webhook::with_lookup(strict, Arc::new(SystemClock::new()), rebinding).expect("a name");
    erp.prepare().await.expect("a public address, as far as anybody sees");
    let refused = delivered(&(Arc::new(erp) as Arc<dyn Erp>)).await.expect_err("it leads inside");
    assert!(refused.contains("hooks.example.com leads to 127.0.0.1, which is not a public address"), "{refused}");
    assert!(refused.contains("allow_private = true"), "{refused}");
    assert!(served.receiver.arrived().is_empty());
}

#[tokio::test]
async fn a_name_of_this_machine_is_refused_by_what_it_leads_to() {
    let strict = Settings { allow_private: false, ..settings("https://localhost/hook", &[NEW]) };
    let erp = webhook(strict);
    let refused = misfit(erp.prepare().await);
    assert!(refused.starts_with("localhost leads to ") && refused.contains("is not a public address"), "{refused}");
    let refused = delivered(&erp).await.expect_err("it leads inside");
    assert!(refused.contains("localhost leads to "), "{refused}");
}

#[tokio::test]
async fn plain_http_reaches_this_machine_only_whatever_a_name_says() {
    let elsewhere = Rebinding(Mutex::new(VecDeque::from(["10.0.0.5".parse().expect("an address")])));
    let wide = settings("http://localhost:9/hook", &[NEW]);
    let erp = Webhook::with_lookup(wide, Arc::new(SystemClock::new()), Arc::new(elsewhere)).expect("a name");
    let refused = misfit(erp.prepare().await);
    assert!(refused.contains("localhost leads to 10.0.0.5") && refused.ends_with("use https"), "{refused}");
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed() {
    let (served, trap) = (serve().await, serve().await);
    for status in [301, 302, 303, 307, 308] {
        served.receiver.answer(status, &[("location", &trap.url)]);
        let error = delivered(&webhook(settings(&served.url, &[NEW]))).await.expect_err("not taken");
        let expected = format!("the answer was {status}, a redirect to `{}`, which is not followed", trap.url);
        assert!(error.contains(&expected), "{error}");
    }
    assert_eq!(served.receiver.arrived().len(), 5);
    assert!(trap.receiver.arrived().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let told = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&told);
    let endless = move || {
        let counted = Arc::clone(&counted);
        let chunks = stream::repeat_with(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 1024]))
        });
        async move { Body::from_stream(chunks) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let mut serving = JoinSet::new();
    serving.spawn(async move { axum::serve(listener, Router::new().fallback(any(endless))).await });
    let taken = tokio::time::timeout(Duration::from_secs(30), delivered(&webhook(settings(&url, &[NEW])))).await;
    assert_eq!(taken.expect("it comes to an end"), Ok(1), "200 is 200 whatever comes after it");
    let kilobytes = told.load(Ordering::SeqCst);
    assert!(kilobytes < 64 * 1024, "{kilobytes} KiB were read");
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let impatient = Settings { request_timeout: Duration::from_millis(200), ..settings(&url, &[NEW]) };
    let error = delivered(&webhook(impatient)).await.expect_err("nobody answers");
    assert!(error.contains("answer was lost: no answer within 200ms"), "{error}");
}

#[tokio::test]
async fn nothing_of_a_secret_is_in_what_is_kept_of_failures() {
    let served = serve().await;
    served.receiver.answer(500, &[]);
    let erp = webhook(settings(&served.url, &[NEW]));
    let desk = Desk::open().await;
    desk.enroll(HOOK, &*erp).await;
    desk.tell(&[Tale::new("pm1", 0)], &[]).await;
    desk.courier(HOOK, &erp).await.deliver().await.expect_err("not taken");
    let kept = column(&desk.database.pool, "select reason || coalesce(payload, '') from paystand_sync.attempt").await;
    assert_eq!(kept.len(), 1);
    let (key, signature) = (NEW.trim_start_matches("whsec_"), served.receiver.arrived()[0].signature.clone());
    assert!(!kept[0].contains(key) && !kept[0].contains(&signature), "{kept:?}");
    assert!(!format!("{erp:?}").contains(key));
}
