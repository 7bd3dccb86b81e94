//! I10: secrets and tokens reach the wire and nothing else.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use super::server::{Reply, json};
use super::{Bench, payment_id, payments};
use crate::model::resource::Resource;
use crate::paystand::Priority;

const SECRETS: [&str; 3] = ["cs_very_secret", "tok_", "body-of-a-payment"];

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn nothing_secret_is_logged_or_shown() {
    let captured = Captured::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(captured.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let bench = Bench::start().await;
    let echo = r#"{"error":{"name":"x tok_1","description":"Bearer tok_1 and cs_very_secret","details":{"value":"body-of-a-payment"}}}"#;
    let mut shown = format!("{:?}", bench.client);
    for reply in [
        json(200, r#"{"id":"pm1","memo":"body-of-a-payment"}"#),
        json(422, &echo.replace("cs_very_secret", "")),
        json(200, "{\"memo\": \"body-of-a-payment"),
        json(500, ""),
        Reply::BrokenOff,
        Reply::Hang,
    ] {
        bench.server.then(reply);
        let answer = bench.client.read(Resource::Payments, &payment_id(), Priority::Tail).await;
        if let Err(error) = answer {
            write!(shown, "{error} {error:?}").unwrap();
        }
    }
    bench.server.script(|script| {
        script.valid_from = 2;
        script.tokens.push_back(json(401, &echo.replace("tok_1", "")));
    });
    let error = bench.client.list(&payments(), Priority::Tail).await.unwrap_err();
    write!(shown, "{error} {error:?} {}", error.next_step()).unwrap();

    let logged = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("asking Paystand again"), "the log is captured: {logged}");
    for secret in SECRETS {
        assert!(!logged.contains(secret), "{secret} in {logged}");
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
