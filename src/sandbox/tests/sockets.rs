//! Over real sockets: what only a connection can show.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Lab;
use crate::sandbox::{CUSTOMER_ID, Quirks, Server};

async fn serve(lab: &Lab) -> Server {
    Server::start(Arc::clone(&lab.world), "127.0.0.1:0".parse().expect("address")).await.expect("a free port")
}

/// Everything that the server sends before it closes the connection.
async fn exchange(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A connection that is cut may end in an error; what came before counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

async fn get(server: &Server, lab: &Lab, path: &str) -> String {
    let token = &lab.token;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {token}\r\nX-CUSTOMER-ID: {CUSTOMER_ID}\r\n\
         Connection: close\r\n\r\n"
    );
    exchange(server, &request).await
}

fn faulty(value: &Value) -> Lab {
    let lab = Lab::new(50, Quirks::default());
    lab.world.set_quirks(serde_json::from_value(json!({"faults": value})).expect("quirks"));
    lab
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn promised(answer: &str) -> usize {
    let length = answer.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    length.parse().expect("a number")
}

#[tokio::test]
async fn a_page_arrives_whole_with_the_date_of_the_world() {
    let lab = Lab::new(50, Quirks::default());
    let server = serve(&lab).await;
    let answer = get(&server, &lab, "/v3/payments/all?limit=3").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("date: Wed, 20 May 2026 12:00:00 GMT"), "{answer}");
    assert_eq!(serde_json::from_str::<Value>(body(&answer)).expect("json"), lab.get("/payments/all?limit=3"));
}

#[tokio::test]
async fn a_reset_before_the_answer_sends_nothing() {
    let lab = faulty(&json!({"reset_before_per_mille": 1000}));
    let server = serve(&lab).await;
    assert_eq!(get(&server, &lab, "/v3/payments/all").await, "");
}

#[tokio::test]
async fn a_reset_inside_the_body_breaks_its_promise_and_a_truncated_one_keeps_it() {
    let lab = faulty(&json!({"reset_inside_per_mille": 1000}));
    let answer = get(&serve(&lab).await, &lab, "/v3/payments/all").await;
    assert!(!body(&answer).is_empty() && body(&answer).len() < promised(&answer));
    let lab = faulty(&json!({"truncated_per_mille": 1000}));
    let answer = get(&serve(&lab).await, &lab, "/v3/payments/all").await;
    assert_eq!(body(&answer).len(), promised(&answer));
    assert!(serde_json::from_str::<Value>(body(&answer)).is_err());
}

#[tokio::test]
async fn a_slow_body_waits_on_the_clock_of_the_world() {
    let lab = faulty(&json!({"slow_body_per_mille": 1000, "slow_body_seconds": 4000}));
    let answer = get(&serve(&lab).await, &lab, "/v3/payments/all").await;
    assert!(serde_json::from_str::<Value>(body(&answer)).is_ok());
    let waited: Duration = lab.clock.waited.lock().expect("no panic while held").iter().sum();
    assert!(waited >= Duration::from_secs(3_500), "{waited:?}");
}

#[tokio::test]
async fn a_date_can_be_absent_and_a_hang_lasts() {
    let lab = faulty(&json!({"date_absent": true}));
    assert!(!get(&serve(&lab).await, &lab, "/v3/payments/all").await.contains("date: "));
    let lab = faulty(&json!({"hang_per_mille": 1000}));
    let server = serve(&lab).await;
    let patience = tokio::time::timeout(Duration::from_millis(100), get(&server, &lab, "/v3/payments/all")).await;
    assert!(patience.is_err());
}

#[tokio::test]
async fn a_dropped_server_closes_its_connections() {
    let lab = Lab::new(1, Quirks::default());
    let server = serve(&lab).await;
    let address = server.address;
    let mut idle = TcpStream::connect(address).await.expect("connected");
    tokio::task::yield_now().await;
    drop(server);
    let read = tokio::time::timeout(Duration::from_secs(5), idle.read(&mut [0; 1])).await.expect("closed in time");
    assert!(matches!(read, Ok(0) | Err(_)));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn admin_routes_show_and_change_the_world() {
    let lab = Lab::new(20, Quirks::default());
    let server = serve(&lab).await;
    let send = async |method: &str, path: &str, content: &str| {
        let length = content.len();
        let request = format!(
            "{method} /_sandbox{path} HTTP/1.1\r\nHost: sandbox\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{content}"
        );
        let answer = exchange(&server, &request).await;
        serde_json::from_str::<Value>(body(&answer)).expect("json")
    };
    assert_eq!(send("GET", "/health", "").await, json!({"status": "ok"}));
    let changed = send("PUT", "/quirks", r#"{"lists": {"page_cap": 7}}"#).await;
    assert_eq!(changed["lists"]["page_cap"], 7);
    assert_eq!(lab.rows("/payments/all").len(), 7);
    let create = r#"{"op": "create", "resource": "payments", "draft": {"id": "pm-x", "edit": {"amount": "1.00"}}}"#;
    assert_eq!(send("POST", "/mutate", create).await, json!({"id": "pm-x"}));
    assert_eq!(lab.get("/payments/pm-x")["amount"], "1.00");
    let sums = send("GET", "/sums?resource=payments", "").await;
    assert_eq!(
        sums["USD"].as_str().expect("text"),
        lab.world.sums(crate::model::resource::Resource::Payments)["USD"].to_string()
    );
    assert_eq!(send("GET", "/truth?resource=payments", "").await.as_array().expect("rows").len(), 21);
    assert_eq!(send("POST", "/clock", r#"{"advance_seconds": 5}"#).await["error"], "this clock cannot be moved");
}
