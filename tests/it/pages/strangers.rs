//! Who may not read: strangers on the network, pages from elsewhere; and what nobody may read: secrets.

use std::time::Duration;

use super::{TOKEN, configured, documented_books, free_address};
use crate::harness::eventually;
use crate::literal::{CLIENT_SECRET, Literal};
use crate::mirror::documented;

#[tokio::test]
async fn off_loopback_it_starts_with_tls_or_behind_a_proxy_and_not_otherwise() {
    let server = Literal::start();
    server.books(documented);
    let mut site = configured(&server, "").await;
    let port = free_address().rsplit(':').next().expect("a port").to_owned();
    site.set("OPS__LISTEN", &format!("0.0.0.0:{port}"));
    let refused = site.run(&[]);
    assert_eq!(refused.code, Some(2), "{refused}");
    assert_eq!(refused.complaints().len(), 1, "{refused}");
    assert!(
        refused.complaints()[0].contains("set `ops.tls_cert` and `ops.tls_key`, or `ops.trusted_proxy = true`"),
        "{refused}"
    );

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let home = site.directory.path().to_owned();
    let path = |name: &str| home.join(name);
    std::fs::write(path("cert.pem"), made.cert.pem()).expect("own directory");
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).expect("own directory");
    site.set("OPS__TLS_CERT", &path("cert.pem").to_string_lossy());
    let half = site.run(&["check"]);
    assert!(half.code == Some(2) && half.stderr.contains("needs `tls_key` beside it"), "{half}");
    site.set("OPS__TLS_KEY", &path("nothing.pem").to_string_lossy());
    let nothing = site.run(&[]);
    assert!(nothing.code == Some(2) && nothing.stderr.contains("cannot be used"), "{nothing}");
    site.set("OPS__TLS_KEY", &path("key.pem").to_string_lossy());
    let running = site.start(&[]);
    let trusting = reqwest::Client::builder()
        .no_proxy()
        .add_root_certificate(reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).expect("a certificate"))
        .build()
        .expect("a client");
    let url = format!("https://localhost:{port}/livez");
    eventually("it answers with its certificate", super::BOUND, async || {
        trusting.get(&url).send().await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
    let alive = site.run(&["check", "--live"]);
    assert_eq!(alive.code, Some(0), "{alive}");
    drop(running);

    for key in ["TLS_CERT", "TLS_KEY"] {
        site.unset_variable(&format!("PAYSTAND_SYNC__OPS__{key}"));
    }
    site.set("OPS__TRUSTED_PROXY", "true");
    let _running = site.start(&[]);
    eventually("it answers the proxy", super::BOUND, async || {
        let asked = super::client().get(format!("http://127.0.0.1:{port}/livez")).header("host", "erp.example").send();
        asked.await.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
}

#[tokio::test]
async fn a_page_from_elsewhere_cannot_read_through_a_name_of_its_own() {
    let server = Literal::start();
    let shown = documented_books(&server).await;
    shown.until("it is at work", serde_json::Value::is_object).await;
    for path in ["/", "/status", "/metrics", "/search?q=INV-2201"] {
        let rebound = super::client().get(shown.url(path)).header("host", "rebound.example");
        assert_eq!(shown.send(rebound).await.status, 421, "{path}");
    }
}

#[tokio::test]
async fn no_secret_and_no_account_number_is_shown_anywhere() {
    let server = Literal::start();
    let shown = documented_books(&server).await;
    shown.settled().await;
    // What an ERP might answer, and what a person might type.
    let planted = "insert into paystand_sync.exception (merchant, class, subject, detail, opened_at, seen_at)
                   values ('m', 'refused_by_erp', 's', 'card 4111 1111 1111 1111 was refused', now(), now())";
    sqlx::raw_sql(planted).execute(shown.site.pool()).await.expect("our own table");
    shown.until("it is seen", |status| status.to_string().contains("was refused")).await;
    let mut shown_text = shown.running.stderr();
    for path in [
        "/",
        "/status",
        "/metrics",
        "/readyz",
        "/search?q=pm6y3u9i1o7p4a8s2d5f0g3h",
        "/search?q=INV-2201",
        "/exception/1",
    ] {
        let answer = shown.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        shown_text += &answer.body;
    }
    // The routing number stands in the bodies that were read.
    for secret in [CLIENT_SECRET, TOKEN, "110000000", "4111 1111 1111 1111", "4111111111111111"] {
        assert!(!shown_text.contains(secret), "{secret} is shown");
    }
    let password =
        shown.site.database.url.split('@').next().and_then(|it| it.rsplit_once(':')).map(|it| it.1.to_owned());
    if let Some(password) = password.filter(|it| !it.starts_with("//") && !it.is_empty()) {
        assert!(!shown_text.contains(&password), "the password of the database is shown");
    }
}

/// Requests that never end do not keep others waiting.
#[tokio::test]
async fn a_reader_who_never_asks_is_let_go() {
    use std::io::Read as _;
    let server = Literal::start();
    let shown = documented_books(&server).await;
    shown.until("it is at work", serde_json::Value::is_object).await;
    let address = shown.address.clone();
    let ended = tokio::task::spawn_blocking(move || {
        let mut idle = std::net::TcpStream::connect(address).expect("it listens");
        std::io::Write::write_all(&mut idle, b"GET / HTTP/1.1\r\nhost: loc").expect("sent");
        idle.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        let mut rest = Vec::new();
        idle.read_to_end(&mut rest).is_ok()
    });
    assert!(ended.await.expect("it ends"), "the connection is closed");
    assert_eq!(shown.get("/livez").await.status, 200);
}
