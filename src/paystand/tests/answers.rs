//! Answers of every kind: whole, broken, refused, limited, too large, never coming.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeZone, Utc};

use super::server::{EMPTY_PAGE, Reply, json};
use super::{Bench, LIMITS, client, merchant, payment_id, payments};
use crate::clock::Clock;
use crate::model::page::{Stamp, Window};
use crate::model::resource::Resource;
use crate::paystand::{Client, Disposition, Garble, Priority, SourceError};

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn a_question_carries_its_headers_and_exact_query() {
    let bench = Bench::start().await;
    let mut request = payments();
    request.window = Some(Window {
        stamp: Stamp::LastUpdated,
        first_day: NaiveDate::from_ymd_opt(2026, 5, 11).unwrap(),
        last_day: NaiveDate::from_ymd_opt(2026, 5, 13).unwrap(),
        zone: chrono_tz::America::Los_Angeles,
    });
    is_send(bench.client.list(&request, Priority::Tail)).await.unwrap();
    let [seen] = &bench.server.requests()[..] else { panic!("one request") };
    assert_eq!(seen.method, "GET");
    assert_eq!(
        seen.target,
        "/v3/payments/all?f.querytype=by-query-filters&f.datepreset=custom&f.datestart=2026-05-11&f.dateend=2026-05-13\
         &f.datetype=lastUpdated&f.timezone=America%2FLos_Angeles&f.order=lastUpdated%20DESC&f.limit=200&f.offset=0"
    );
    assert_eq!(seen.header("authorization"), Some("Bearer tok_1"));
    assert_eq!(seen.header("x-customer-id"), Some("mr1"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    assert_eq!(seen.body, "");
}

#[tokio::test]
async fn details_reports_and_the_zone_have_their_routes() {
    let bench = Bench::start().await;
    bench.client.read(Resource::Receivables, &payment_id(), Priority::Tail).await.unwrap();
    bench.client.read(Resource::Payments, &payment_id(), Priority::Tail).await.unwrap();
    bench.client.report(&payment_id(), Priority::Tail).await.unwrap();
    bench.server.then(json(200, r#""America/Los_Angeles""#));
    let zone = bench.client.timezone(Priority::Tail).await.unwrap();
    assert_eq!(&zone.body[..], br#""America/Los_Angeles""#);
    let targets: Vec<_> = bench.server.requests().into_iter().map(|seen| seen.target).collect();
    assert_eq!(
        targets,
        ["/v3/receivables/pm1/read", "/v3/payments/pm1", "/v3/transfers/pm1/report", "/v3/customers/timezone"]
    );
}

#[tokio::test]
async fn the_body_comes_back_byte_for_byte_with_the_servers_date() {
    let bench = Bench::start().await;
    let body = b" {\"results\": [{\"amount\": 0.10, \"memo\": \"\xff \\u0000\"}]}\n".to_vec();
    let date = ("date", "Mon, 11 May 2026 09:59:58 GMT".to_owned());
    bench.server.then(Reply::Whole(200, vec![date], body.clone()));
    let answer = bench.client.list(&payments(), Priority::Tail).await.unwrap();
    assert_eq!(answer.body, body);
    assert_eq!(answer.server_date, Utc.with_ymd_and_hms(2026, 5, 11, 9, 59, 58).single());
}

#[tokio::test]
async fn a_2xx_that_is_not_whole_is_asked_again_and_never_an_empty_page() {
    let html = Reply::Whole(200, vec![("content-type", "text/html; charset=utf-8".to_owned())], b"<html>".to_vec());
    for (reply, garble) in [
        (json(200, r#"{"results":[{"id":"pm1"},{"id""#), Garble::Truncated),
        (json(200, ""), Garble::Empty),
        (json(204, ""), Garble::Empty),
        (html, Garble::Html),
        (json(200, "upstream error"), Garble::NotJson),
        (json(200, "null"), Garble::UnexpectedKind),
    ] {
        let bench = Bench::start().await;
        bench.server.then(reply.clone());
        bench.server.then(reply.clone());
        let answer = bench.client.list(&payments(), Priority::Tail).await.unwrap();
        assert_eq!(answer.body, EMPTY_PAGE);
        assert_eq!(bench.server.requests().len(), 3);

        bench.server.always(reply);
        let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
        assert!(
            matches!(&error, SourceError::Garbled { garble: found, attempts: 4, .. } if *found == garble),
            "{error:?}"
        );
        assert_eq!(error.disposition(), Disposition::Retry);
        assert_eq!(bench.server.requests().len(), 3 + 4);
    }
}

#[tokio::test]
async fn faults_of_the_server_are_waited_out_with_growing_delays() {
    let bench = Bench::start().await;
    bench.server.then(json(500, ""));
    bench.server.then(json(503, "<html>"));
    bench.server.then(Reply::BrokenOff);
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    let waited = bench.clock.monotonic();
    let least = Duration::from_millis(500 + 1_000 + 2_000);
    assert!((least..least * 2 + Duration::from_secs(1)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_an_error_with_what_it_said() {
    let bench = Bench::start().await;
    for reference in ["a1", "a2", "a3", "a4"] {
        bench.server.then(json(500, &format!(r#"{{"error":{{"name":"oops","ref":"{reference}"}}}}"#)));
    }
    let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
    assert_eq!(error.to_string(), "/payments/all: Paystand failed with 500 oops (ref a4) (4 attempts)");
    assert!(error.is_no_access());
}

#[tokio::test]
async fn a_constant_ref_ends_the_attempts() {
    let bench = Bench::start().await;
    bench.server.always(json(500, r#"{"error":{"ref":"0f3c"}}"#));
    let error = bench.client.read(Resource::Payments, &payment_id(), Priority::Tail).await.unwrap_err();
    assert!(matches!(error, SourceError::AlwaysFails { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Park);
    assert_eq!(bench.server.requests().len(), 2);
}

#[tokio::test]
async fn refusals_are_final_and_say_what_they_are() {
    let insufficient = r#"{"error":"insufficient_scope"}"#;
    let invalid =
        r#"{"error":{"status":"422","details":{"code":"validationError","explanation":"bad limit"},"ref":"r1"}}"#;
    for (reply, text, disposition) in [
        (json(404, ""), "/payments/pm1: not found: 404", Disposition::Missing),
        (json(403, insufficient), "/payments/pm1: forbidden: 403 insufficient_scope", Disposition::Stop),
        (json(422, invalid), "/payments/pm1: refused: 422 validationError: bad limit (ref r1)", Disposition::Park),
        (json(200, invalid), "/payments/pm1: refused: 200 validationError: bad limit (ref r1)", Disposition::Park),
        (json(400, "<html>no</html>"), "/payments/pm1: refused: 400", Disposition::Park),
    ] {
        let bench = Bench::start().await;
        bench.server.always(reply);
        let error = bench.client.read(Resource::Payments, &payment_id(), Priority::Tail).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.disposition()), (text, disposition));
        assert_eq!(bench.server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_429_waits_as_long_as_it_asks_and_slows_everybody_down() {
    let bench = Bench::start().await;
    for retry_after in ["20", "Tue, 12 May 2026 10:00:40 GMT"] {
        let date = ("date", "Tue, 12 May 2026 10:00:20 GMT".to_owned());
        bench.server.then(Reply::Whole(429, vec![("retry-after", retry_after.to_owned()), date], Vec::new()));
    }
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    let waited = bench.clock.monotonic();
    assert!((Duration::from_secs(40)..Duration::from_secs(41)).contains(&waited), "{waited:?}");
    assert!(bench.budget.usage().rate_per_minute < 700, "{:?}", bench.budget.usage());
    bench.clock.advance(Duration::from_mins(2));
    assert_eq!(bench.budget.usage().rate_per_minute, 2400);
}

#[tokio::test]
async fn a_429_without_a_time_waits_too_and_is_told_in_the_end() {
    let bench = Bench::start().await;
    bench.server.always(json(429, "slow down"));
    let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
    assert!(matches!(error.disposition(), Disposition::Later(wait) if wait == Duration::from_secs(8)), "{error:?}");
    assert_eq!(bench.server.requests().len(), 4);
    let waited = bench.clock.monotonic();
    assert!((Duration::from_secs(7)..Duration::from_secs(8)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_long_pause_is_told_at_once_to_everybody() {
    let bench = Bench::start().await;
    bench.server.then(Reply::Whole(429, vec![("retry-after", "1800".to_owned())], Vec::new()));
    for _ in 0..3 {
        let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
        assert!(matches!(error.disposition(), Disposition::Later(wait) if wait > Duration::from_mins(29)), "{error:?}");
    }
    assert_eq!(bench.server.requests().len(), 1);
}

#[tokio::test]
async fn rate_headers_lower_the_rate() {
    let bench = Bench::start().await;
    let limit = ("X-RateLimit-Limit", "1200".to_owned());
    bench.server.then(Reply::Whole(200, vec![limit], EMPTY_PAGE.into()));
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    assert_eq!(bench.budget.usage().rate_per_minute, 1200);
}

#[tokio::test]
async fn an_answer_beyond_the_bound_is_not_read_on() {
    let declared = Reply::Whole(200, Vec::new(), vec![b' '; LIMITS.answer_bytes_max + 1]);
    for reply in [declared, Reply::Stream(16 * LIMITS.answer_bytes_max)] {
        let bench = Bench::start().await;
        bench.server.always(reply);
        let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
        assert!(matches!(error, SourceError::TooLarge { bytes_max, .. } if bytes_max == LIMITS.answer_bytes_max));
        assert_eq!(bench.server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_at_the_deadline() {
    let bench = Bench::start().await;
    bench.server.then(Reply::Hang);
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    assert!(bench.clock.monotonic() >= LIMITS.request_timeout);
    bench.server.always(Reply::Hang);
    let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
    assert_eq!(error.to_string(), "/payments/all: no whole answer within 60 s (4 attempts)");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let bench = Bench::start().await;
    for status in [301, 302, 307, 308] {
        let location = ("location", format!("{}/elsewhere", bench.server.base_url()));
        bench.server.then(Reply::Whole(status, vec![location], Vec::new()));
        let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
        assert!(matches!(error, SourceError::Redirected { status: found, .. } if found == status), "{error:?}");
    }
    assert!(bench.server.requests().iter().all(|seen| seen.target.starts_with("/v3/payments/all")));
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    let bench = Bench::start().await;
    let nobody = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/v3", listener.local_addr().unwrap())
    };
    let error = client(&nobody, &bench.budget, &bench.clock).authenticate().await.unwrap_err();
    assert!(matches!(error, SourceError::Unreachable { attempts: 4, .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Retry);
    assert!(error.is_no_access());
}

#[tokio::test]
async fn an_id_that_names_another_route_is_not_asked_for() {
    let bench = Bench::start().await;
    let id = crate::model::ids::SourceId::new("..");
    let error = bench.client.read(Resource::Payments, &id, Priority::Tail).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Park);
    assert!(bench.server.requests().is_empty());
}

#[tokio::test]
async fn every_request_takes_a_slot_of_the_budget() {
    let bench = Bench::start().await;
    bench.server.then(json(500, ""));
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    assert_eq!(bench.budget.usage().last_minute, 3, "a token, a failure and its repetition");
}

#[tokio::test]
async fn a_base_url_in_the_clear_is_refused() {
    let bench = Bench::start().await;
    let merchant = merchant("http://api.paystand.co/v3");
    let error = Client::new(&merchant, LIMITS, Arc::clone(&bench.budget), bench.clock.clone(), 7).unwrap_err();
    assert!(matches!(error, SourceError::Misconfigured { .. }), "{error:?}");
}
