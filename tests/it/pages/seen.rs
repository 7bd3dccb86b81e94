//! The status page in a real browser: the four answers, the search, keys alone, both schemes and a phone.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::sandbox::{
    Business, CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID, SandboxClock, Seeding, Server, World, WorldConfig,
};

use super::browser::Browser;
use super::{Shown, documented_books};
use crate::harness::{Database, REST, Site, column};
use crate::literal::Literal;

const PAGE_BYTES_MAX: usize = 100_000;
const PAGE_TIME_MAX: Duration = Duration::from_millis(200);

/// What a browser says of every text that is too pale, of every field without a name, and of what sticks out at the side.
const FAULTS: &str = r"
const channel = value => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const numbers = colour => colour.match(/[\d.]+/g).map(Number);
const ground = element => {
  for (let it = element; it; it = it.parentElement) {
    const colour = numbers(getComputedStyle(it).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const faults = [];
for (const element of document.querySelectorAll('body *')) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  if (own && element.namespaceURI.endsWith('xhtml') && element.getClientRects().length) {
    const [a, b] = [light(numbers(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faults.push('pale: ' + element.textContent.trim().slice(0, 40));
  }
}
for (const field of document.querySelectorAll('input, button, a')) {
  if (!(field.getAttribute('aria-label') || field.textContent.trim() || (field.labels && field.labels.length)))
    faults.push('nameless: ' + field.outerHTML);
}
for (const id of [...document.querySelectorAll('[aria-labelledby]')].map(it => it.getAttribute('aria-labelledby')))
  if (!document.getElementById(id)) faults.push('no label ' + id);
if (document.documentElement.scrollWidth > window.innerWidth) faults.push('wider than the window: ' + document.documentElement.scrollWidth);
if (document.querySelectorAll('h1').length !== 1 || !document.querySelector('main') || !document.documentElement.lang)
  faults.push('no landmarks');
return faults;
";

/// Twenty days of a simulated business whose money is known.
fn business() -> Arc<World> {
    let clock = Arc::new(SandboxClock::new(SystemClock::new().now(), 1));
    let seeding =
        Seeding { business: Business::Economy, seed: 1, payments: 80, days: 20, frozen: true, ..Seeding::default() };
    World::new(WorldConfig { seeding, history: false, ..WorldConfig::default() }, clock)
}

async fn site(server: &Server) -> Site {
    let start = SystemClock::new().now().date_naive() - chrono::Days::new(60);
    let merchant = format!(
        "[merchants.acme]\nenvironment = \"sandbox\"\nbase_url = \"{}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \
         \"{CLIENT_SECRET}\"\ncustomer_id = \"{CUSTOMER_ID}\"\ntimezone = \"America/Los_Angeles\"\nrequests_per_minute = \
         3000\nstart_date = \"{start}\"\n",
        server.base_url
    );
    let rest = REST.replace("pages_in_flight_max = 1", "pages_in_flight_max = 4");
    Site::configured(Database::fresh().await, &format!("{merchant}\n{rest}\n[erp.books]\nkind = \"staging\"\n"))
}

/// A day that went by before, for the drawing; and somebody's exception of two days ago.
async fn give_a_past(site: &Site) {
    const PAST: &str = "
        insert into paystand_sync.sample (merchant, resource, slot, at, rows, lag_s)
        select $1, 'payments', q, at, 200 + row_number() over (order by at) * 4 + (q % 7), 8 + (q * 37) % 60 + case when q % 31 = 0 then 240 else 0 end
        from (select generate_series(now() - interval '23 hours 45 minutes', now() - interval '15 minutes', interval '15 minutes') as at) past,
            lateral (select extract(hour from at at time zone 'UTC')::int * 4 + extract(minute from at at time zone 'UTC')::int / 15) quarter (q)
        on conflict do nothing";
    const TROUBLE: &str = "
        insert into paystand_sync.exception (merchant, class, subject, detail, opened_at, seen_at)
        values ($1, 'payment_unexplained', 'payments:pm_unexplained', '12.50 USD of it is on no invoice after 30 days',
            now() - interval '2 days', now())";
    for statement in [PAST, TROUBLE] {
        sqlx::query(statement).bind(CUSTOMER_ID).execute(site.pool()).await.expect("our own tables");
    }
}

#[tokio::test]
async fn a_person_reads_four_answers_and_finds_out_what_happened_to_an_invoice() {
    let Some(browser) = Browser::open().await else { return };
    let world = business();
    let server = Server::start(world, (Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port");
    let shown = Shown::start(site(&server).await);
    shown.settled().await;
    give_a_past(&shown.site).await;
    shown
        .until("the past is seen", |status| {
            status["open_exceptions"].as_i64() > Some(0) && status["chart"].as_array().is_some_and(|it| it.len() > 90)
        })
        .await;

    browser.client.goto(&shown.url("/")).await.expect("the page");
    let text = browser.ask("return document.body.innerText").await.to_string();
    for answer in ["Is it current?", "✓ Yes", "Does it tie out?", "What needs me?", "exception", "What happened to …?"]
    {
        assert!(text.contains(answer), "{answer} is not in {text}");
    }
    assert!(text.contains("12.50 USD of it is on no invoice") && text.contains("payouts proven"), "{text}");

    for (width, scheme) in [(1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")] {
        browser.look(width, scheme).await;
        let faults = browser.ask(FAULTS).await;
        assert_eq!(faults, serde_json::json!([]), "at {width} in {scheme}");
        browser.picture(&format!("status-{width}-{scheme}.png")).await;
    }
    browser.look(1200, "light").await;

    // From here on nobody touches the mouse.
    let invoice = "select invoice_ref from paystand_sync.journal_line where invoice_ref is not null order by 1 limit 1";
    let invoice = column(shown.site.pool(), invoice).await.remove(0);
    reach(&browser, "document.activeElement.name === 'q'").await;
    browser.press(&format!("{invoice}\u{e007}")).await;
    browser
        .client
        .wait()
        .at_most(Duration::from_secs(10))
        .for_element(fantoccini::Locator::Css("#h-found"))
        .await
        .expect("found");
    let text = browser.ask("return document.body.innerText").await.to_string();
    for part in
        [&*invoice, "payment.applied", "What it means in the books", "receivable", "posted", "erp.journal_entry"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(browser.ask(FAULTS).await, serde_json::json!([]), "{invoice}");
    browser.picture("search-1200-light.png").await;
    browser.look(390, "dark").await;
    assert_eq!(browser.ask(FAULTS).await, serde_json::json!([]), "{invoice} on a phone");
    browser.picture("search-390-dark.png").await;

    browser.client.goto(&shown.url("/")).await.expect("the page");
    reach(&browser, "(document.activeElement.getAttribute('href') || '').startsWith('/exception/')").await;
    browser.press("\u{e007}").await;
    browser
        .client
        .wait()
        .at_most(Duration::from_secs(10))
        .for_element(fantoccini::Locator::Css("#token"))
        .await
        .expect("a form");
    assert_eq!(browser.ask(FAULTS).await, serde_json::json!([]), "the form");
    browser.picture("exception-390-dark.png").await;

    assert_eq!(browser.console().await, Vec::<String>::new());
}

/// Presses Tab until the focus is there, and sees to it that it can be seen all the way.
async fn reach(browser: &Browser, wanted: &str) {
    for _ in 0..60 {
        browser.press("\u{e004}").await;
        let outlined = "const it = document.activeElement; return it === document.body || getComputedStyle(it).outlineStyle !== 'none'";
        assert_eq!(browser.ask(outlined).await, true, "the focus is not visible");
        if browser.ask(&format!("return {wanted}")).await == true {
            return;
        }
    }
    panic!("not within sixty steps: {wanted}");
}

#[tokio::test]
async fn the_page_is_small_and_quick_and_runs_nothing() {
    let server = Literal::start();
    let shown = documented_books(&server).await;
    shown.settled().await;
    for path in ["/", "/search?q=INV-2201", "/exception/1", "/adapter/staging", "/nowhere"] {
        let mut answers = Vec::new();
        for _ in 0..5 {
            answers.push(shown.get(path).await);
        }
        let quickest = answers.iter().map(|answer| answer.took).min().expect("five");
        let answer = answers.pop().expect("five");
        assert!(answer.body.len() < PAGE_BYTES_MAX, "{path} has {} bytes", answer.body.len());
        assert!(quickest < PAGE_TIME_MAX, "{path} took {quickest:?}");
        assert!(
            !answer.body.contains("<script") && !answer.body.contains(" style=") && !answer.body.contains("://"),
            "{path}"
        );
        let policy = answer.headers["content-security-policy"].to_str().expect("text");
        assert!(
            policy.starts_with("default-src 'none';") && !policy.contains("unsafe") && !policy.contains("script-src")
        );
    }
}

/// Its report pays 432.50 of a payment of 400.00.
#[tokio::test]
async fn any_name_of_a_thing_leads_to_what_happened_to_it() {
    let server = Literal::start();
    let shown = documented_books(&server).await;
    let status = shown.until("the wrong payout is raised", |status| status["open_exceptions"].as_i64() > Some(0)).await;
    assert_eq!(status["merchants"][0]["tie_out"]["wrong"], 1, "{status:#}");
    shown.settled().await;
    for (word, parts) in [
        ("pm6y3u9i1o7p4a8s2d5f0g3h", &["103.00 USD", "payment.posted", "unapplied cash"][..]),
        ("INV-2201", &["payment.applied", "100.00 USD", "rc1a9s8d7f6g5h4j3k2l1z0x"]),
        ("tr5g2h9j6k3l0z7x4c1v8b5n", &["transfer.paid", "payout mismatch", "424.67 USD"]),
        ("nobody", &["No record, invoice or ERP document has this name"]),
        ("<b>\"&", &["&lt;b&gt;&quot;&amp;"]),
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", word).finish();
        let answer = shown.get(&format!("/search?{query}")).await;
        assert_eq!(answer.status, 200);
        for part in parts {
            assert!(answer.body.contains(part), "{part} is not in the answer for {word}: {}", answer.body);
        }
    }
    let receipt = "select receipt from paystand_sync.ledger_entry where what = 'entry' and receipt is not null limit 1";
    let receipt = column(shown.site.pool(), receipt).await.remove(0);
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &receipt).finish();
    let answer = shown.get(&format!("/search?{query}")).await;
    assert!(answer.body.contains("What it means in the books") && answer.body.contains(&receipt), "{}", answer.body);
}
