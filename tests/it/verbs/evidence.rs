//! `explain` and its packet, and the audit trail: what was said can be proven, and what was changed afterwards is found.

use std::fs;

use sqlx::AssertSqlSafe;

use super::{MERCHANT, pinned, read_once, said};
use crate::harness::{Site, number};

const PAYMENT: &str = "pm6y3u9i1o7p4a8s2d5f0g3h";

#[tokio::test]
async fn a_payment_an_invoice_a_fee_a_payout_a_key_and_a_document_are_explained() {
    let (_server, site) = read_once().await;
    for (name, id) in [
        ("explain_payment", PAYMENT),
        ("explain_invoice", "INV-2201"),
        ("explain_invoice_unpaid", "INV-2203"),
        ("explain_fee", "fe8n5b2v9c6x3z0l7k4j1h8g"),
        ("explain_transfer", "tr5g2h9j6k3l0z7x4c1v8b5n"),
        ("explain_dispute", "dp3q0w7e4r1t8y5u2i9o6p3a"),
        ("explain_document", "erp.payment/pm0000000000000000000002"),
    ] {
        pinned(&site, name, &said(&site, &["explain", id]));
    }
    pinned(&site, "explain_json", &said(&site, &["explain", "fe8n5b2v9c6x3z0l7k4j1h8g", "--json"]));
    let key = format!("payment:{PAYMENT}:posted");
    assert!(site.run(&["explain", &key]).stdout.contains(&format!("payments {PAYMENT} of {MERCHANT}")));
}

#[tokio::test]
async fn what_an_entry_waits_for_and_what_the_erp_answered_is_explained() {
    let (_server, site) = read_once().await;
    let refuse = "create function erp.refuse() returns trigger language plpgsql as $$ begin raise exception 'the period is closed'; end $$;
                  create trigger refuse before insert on erp.journal_entry for each row execute function erp.refuse()";
    sqlx::raw_sql(refuse).execute(site.pool()).await.expect("the ERP side's own rules");
    let again = "update paystand_sync.ledger_entry set state = 'pending', settled_at = null, receipt = null
                 where what = 'entry' and root = 'pm6y3u9i1o7p4a8s2d5f0g3h'";
    sqlx::query(again).execute(site.pool()).await.expect("as if it had not been delivered");
    sqlx::raw_sql("delete from erp.journal_line; delete from erp.journal_entry")
        .execute(site.pool())
        .await
        .expect("gone");
    site.once();
    let explained = site.run(&["explain", PAYMENT]).stdout;
    assert!(explained.contains("the period is closed") && explained.contains("waits for a person"), "{explained}");
    assert!(explained.contains("waits behind payment:pm6y3u9i1o7p4a8s2d5f0g3h:posted/1 is parked"), "{explained}");
}

#[tokio::test]
async fn a_packet_verifies_offline_and_one_changed_byte_is_found() {
    let (_server, site) = read_once().await;
    let written = site.run(&["explain", PAYMENT, "--packet", "evidence.packet"]);
    assert_eq!(written.code, Some(0), "{written}");
    let file = site.directory.path().join("evidence.packet");
    let packet = fs::read(&file).expect("a packet");
    let text = String::from_utf8(packet.clone()).expect("text");
    assert!(text.contains(PAYMENT) && !text.contains("A Ruiz") && !text.contains("110000000"), "masked");
    // Offline: the database is not even there.
    let mut reader = site.beside();
    reader.set_variable("DATABASE_URL", "postgres://nobody@127.0.0.1:9/nothing");
    let verify = |site: &Site| site.run(&["audit", "verify", "--packet", &file.display().to_string()]);
    let verified = verify(&reader);
    assert!(verified.code == Some(0) && verified.stdout.contains("unchanged since it was written"), "{verified}");
    let step = packet.len() / 40;
    for place in (0..packet.len()).step_by(step).chain([packet.len() - 2, packet.len() - 1]) {
        let mut changed = packet.clone();
        changed[place] = if changed[place] == b'7' { b'8' } else { b'7' };
        fs::write(&file, &changed).expect("own file");
        let found = verify(&reader);
        assert_eq!(found.code, Some(6), "byte {place}: {found}");
    }
    let trail = site.run(&["audit", "export"]).stdout;
    let hash = text.lines().nth(1).expect("a second line");
    assert!(trail.contains(&format!("packet/{hash}")), "the trail knows the packet: {trail}");
}

#[tokio::test]
async fn an_audit_row_that_was_changed_put_in_or_removed_is_found() {
    let (_server, site) = read_once().await;
    for reason in ["one", "two", "three"] {
        site.run(&["pause", "resource", "fees", "--reason", reason]);
        site.run(&["resume", "resource", "fees", "--reason", reason]);
    }
    let verified = site.run(&["audit", "verify"]);
    assert!(verified.code == Some(0) && verified.stdout.contains("6 row(s)"), "{verified}");
    let head = verified.stdout.trim().rsplit(' ').next().expect("the head").to_owned();
    sqlx::raw_sql("create table kept as select * from paystand_sync.audit").execute(site.pool()).await.expect("kept");
    let last = number(site.pool(), "select max(number) from paystand_sync.audit").await;
    let forge = [
        "update paystand_sync.audit set reason = 'another' where number = 1".to_owned(),
        format!("update paystand_sync.audit set actor = 'eve' where number = {last}"),
        "delete from paystand_sync.audit where number = 3".to_owned(),
        format!("delete from paystand_sync.audit where number = {last}"),
        "update paystand_sync.audit set number = number + 1 where number > 2;
         insert into paystand_sync.audit select 3, at, actor, action, object, reason, detail, sha256 from kept where number = 2"
            .to_owned(),
        "delete from paystand_sync.audit".to_owned(),
    ];
    for forgery in forge {
        let forgery = forgery.replace("set number = number + 1", "set number = -number - 1");
        let turn = "; update paystand_sync.audit set number = -number where number < 0";
        sqlx::raw_sql(AssertSqlSafe(format!("{forgery}{turn}"))).execute(site.pool()).await.expect("forged");
        let found = site.run(&["audit", "verify"]);
        assert!(found.code == Some(6) && found.stderr.contains("not as it was written"), "{forgery}: {found}");
        let restore = "delete from paystand_sync.audit; insert into paystand_sync.audit select * from kept";
        sqlx::raw_sql(restore).execute(site.pool()).await.expect("restored");
    }
    assert_eq!(site.run(&["audit", "verify", "--head", &head]).code, Some(0));
    let cut = format!(
        "delete from paystand_sync.audit where number = {last};
         update paystand_sync.audit_head set (number, sha256) = (select number, sha256 from paystand_sync.audit order by number desc limit 1)"
    );
    sqlx::raw_sql(AssertSqlSafe(cut)).execute(site.pool()).await.expect("forged with its head");
    assert_eq!(site.run(&["audit", "verify"]).code, Some(0), "whoever may write both tables is not found by them");
    assert_eq!(site.run(&["audit", "verify", "--head", &head]).code, Some(6), "but by a head noted elsewhere");
}
