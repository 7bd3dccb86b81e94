//! Tokens: scope, renewal, rejection, and one request for all.

use std::time::Duration;

use futures::future::join_all;

use super::server::json;
use super::{Bench, payments};
use crate::paystand::{Disposition, Priority, SourceError};

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn the_token_is_asked_for_as_documented() {
    let bench = Bench::start().await;
    bench.client.authenticate().await.unwrap();
    let [seen] = &bench.server.token_requests()[..] else { panic!("one request for a token") };
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v3/oauth/token"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.header("x-customer-id"), None);
    assert_eq!(
        seen.body,
        r#"{"grant_type":"client_credentials","client_id":"cid_1","client_secret":"cs_very_secret","scope":"auth"}"#
    );
}

#[tokio::test]
async fn a_token_without_its_scope_is_not_used() {
    let bench = Bench::start().await;
    bench.server.script(|script| script.tokens.push_back(json(200, r#"{"access_token":"tok_1","expires_in":"60"}"#)));
    let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
    assert!(matches!(error, SourceError::Unscoped), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Stop);
    assert!(error.is_no_access());
    assert!(bench.server.requests().is_empty());
}

#[tokio::test]
async fn a_wrong_secret_is_tried_once_for_everybody() {
    for status in [400, 401, 422] {
        let bench = Bench::start().await;
        bench.server.script(|script| {
            let body = r#"{"error":{"details":{"explanation":"unknown client_secret cs_very_secret"}}}"#;
            script.tokens.extend(vec![json(status, body); 20]);
        });
        let request = payments();
        let answers = join_all((0..20).map(|_| bench.client.list(&request, Priority::Tail))).await;
        for answer in answers {
            let error = answer.unwrap_err();
            assert!(matches!(&error, SourceError::BadCredentials { refusal } if refusal.status == status), "{error:?}");
            assert_eq!(error.disposition(), Disposition::Stop);
            assert!(error.to_string().contains("unknown client_secret …"), "{error}");
        }
        assert_eq!(bench.server.token_requests().len(), 1);
        assert!(bench.server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_missing_token_route_stops_the_merchant_and_tombstones_nothing() {
    let bench = Bench::start().await;
    bench.server.script(|script| script.tokens.push_back(json(404, "")));
    let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
    assert!(matches!(error, SourceError::NoToken { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Stop);
}

#[tokio::test]
async fn a_failing_token_route_is_asked_again() {
    let bench = Bench::start().await;
    bench.server.script(|script| script.tokens.extend([json(503, ""), json(200, ""), json(429, "slow down")]));
    bench.client.authenticate().await.unwrap();
    assert_eq!(bench.server.token_requests().len(), 4);
}

#[tokio::test]
async fn a_token_revoked_early_is_renewed_and_the_question_repeated() {
    let bench = Bench::start().await;
    bench.client.authenticate().await.unwrap();
    bench.server.script(|script| script.valid_from = 2);
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    let bearers: Vec<_> =
        bench.server.requests().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(bearers, ["Bearer tok_1", "Bearer tok_2"]);
}

#[tokio::test]
async fn a_second_401_is_final() {
    let bench = Bench::start().await;
    bench.server.always(json(401, r#"{"error":{"details":{"code":"insufficientResourceAccess"}}}"#));
    let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
    assert!(matches!(&error, SourceError::Unauthorized { endpoint, .. } if endpoint.route() == "/payments/all"));
    assert_eq!(error.disposition(), Disposition::Unavailable);
    assert_eq!(bench.server.requests().len(), 2);
    assert_eq!(bench.server.token_requests().len(), 2);
}

#[tokio::test]
async fn concurrent_requests_share_one_token_and_one_renewal() {
    let bench = Bench::start().await;
    let request = payments();
    let all = || join_all((0..20).map(|_| bench.client.list(&request, Priority::Backfill)));
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!(bench.server.token_requests().len(), 1);
    bench.server.script(|script| script.valid_from = 2);
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!(bench.server.token_requests().len(), 2);
    bench.clock.advance(DAY * 13);
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!(bench.server.token_requests().len(), 3, "the scheduled renewal is shared as well");
    bench.clock.advance(DAY * 40);
    assert!(all().await.iter().all(Result::is_ok));
    assert_eq!(bench.server.token_requests().len(), 4, "and so is that of an expired token");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_not_sooner() {
    let bench = Bench::start().await;
    bench.client.authenticate().await.unwrap();
    bench.clock.advance(DAY * 12);
    bench.client.authenticate().await.unwrap();
    assert_eq!(bench.server.token_requests().len(), 1);
    bench.clock.advance(DAY);
    bench.client.authenticate().await.unwrap();
    bench.client.authenticate().await.unwrap();
    assert_eq!(bench.server.token_requests().len(), 2);
    bench.clock.advance(DAY * 40);
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    assert_eq!(bench.server.requests()[0].header("authorization"), Some("Bearer tok_3"));
}

#[tokio::test]
async fn the_old_token_serves_while_its_renewal_fails() {
    let bench = Bench::start().await;
    bench.client.authenticate().await.unwrap();
    bench.clock.advance(DAY * 13);
    bench.server.script(|script| script.tokens.extend(vec![json(503, ""); 2]));
    for _ in 0..5 {
        bench.client.list(&payments(), Priority::Tail).await.unwrap();
    }
    assert_eq!(bench.server.token_requests().len(), 2, "one renewal is tried, the next one later");
    bench.clock.advance(Duration::from_hours(4));
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    bench.clock.advance(Duration::from_hours(4));
    bench.client.list(&payments(), Priority::Tail).await.unwrap();
    assert_eq!(bench.server.requests().last().unwrap().header("authorization"), Some("Bearer tok_2"));
}

#[tokio::test]
async fn a_dropped_request_for_a_token_leaves_it_to_the_next() {
    let bench = Bench::start().await;
    {
        let mut dropped = std::pin::pin!(bench.client.authenticate());
        assert!(futures::poll!(dropped.as_mut()).is_pending());
    }
    bench.client.authenticate().await.unwrap();
}
