//! `reconcile` reads the books of a real Tryton again and names each difference: what vanished, was edited, taken back, doubled.

use paystand_sync::model::resource::Resource;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::acme::{Acme, GUEST};
use super::server::USER;
use crate::faults::elected::section;
use crate::faults::paystand::Paystand;
use crate::faults::plant::configuration;
use crate::faults::play;
use crate::harness::{Database, Finished, Site, column};

const BUSINESS: u64 = 3;

/// A business whose money is in Tryton, with nobody having touched it.
async fn posted() -> Option<(Acme, Paystand, Site)> {
    let acme = Acme::open().await?;
    acme.party(GUEST).await;
    let paystand = Paystand::still_at_home(BUSINESS);
    acme.issue(&paystand.world.rows_now(Resource::Receivables)).await;
    let site =
        Site::configured(Database::fresh().await, &configuration(&paystand, &section(&acme, &acme.server.url(), USER)));
    let finished = site.once();
    assert!(matches!(finished.code, Some(0 | 5)), "{finished}");
    Some((acme, paystand, site))
}

/// Ids of posted moves of ours by a pattern of their keys.
async fn moves(acme: &Acme, kind: &str) -> Vec<i32> {
    let select = format!(
        "select m.id from account_move m where state = 'posted' and description like 'psx1:%:{kind}%' order by id"
    );
    sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(&acme.server.pool).await.expect("ids")
}

async fn by_hand(acme: &Acme, statement: &str, id: i32) {
    sqlx::query(AssertSqlSafe(statement.to_owned())).bind(id).execute(&acme.server.pool).await.expect("by hand");
}

fn books(finished: &Finished) -> Value {
    let answers: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    answers[0]["books"][0].clone()
}

async fn open_classes(site: &Site) -> Vec<String> {
    let query = "select distinct class from paystand_sync.exception
                 where resolved_at is null and class not in ('payout_mismatch', 'overapplied_payment', 'payment_failed')
                 order by 1";
    column(site.pool(), query).await
}

#[test]
fn books_that_nobody_touched_agree_and_what_others_post_is_shown() {
    play(async {
        let Some((acme, _paystand, site)) = posted().await else { return };
        let before = open_classes(&site).await;
        let finished = site.run(&["reconcile", "--json"]);
        let read = books(&finished);
        assert_eq!(read["differences"], json!([]), "{finished}");
        let entries = read["entries"].as_u64().expect("a number");
        assert!(entries > 20 && read["documents"] == read["entries"], "{read}");
        assert_eq!(read["others"], json!([]));
        assert_eq!(open_classes(&site).await, before);
        let text = site.run(&["reconcile"]);
        assert!(text.stdout.contains("Books of ledger") && text.stdout.contains("the same"), "{text}");
        let stranger = moves(&acme, "transfer:%:paid").await[0];
        by_hand(&acme, "update account_move set description = 'opening balance' where id = $1", stranger).await;
        let read = books(&site.run(&["reconcile", "--json"]));
        assert_eq!(read["others"][0]["reference"], format!("account.move/{stranger}"));
    });
}

#[test]
fn what_persons_did_to_the_books_is_named_and_settles_when_it_is_put_right() {
    play(async {
        let Some((acme, _paystand, site)) = posted().await else { return };
        let calm = open_classes(&site).await;
        let fees = moves(&acme, "fee:%:final").await;
        let transfers = moves(&acme, "transfer:%:paid").await;
        let (gone, edited, doubled, reopened) = (fees[0], fees[1], fees[2], fees[3]);
        by_hand(&acme, "delete from account_move_line where move = $1", gone).await;
        by_hand(&acme, "delete from account_move where id = $1", gone).await;
        by_hand(&acme, "update account_move_line set debit = debit * 2, credit = credit * 2 where move = $1", edited)
            .await;
        acme.server.call("model.account.move.copy", json!([[doubled], {}])).await;
        let key = "(select description from account_move where id = $1)";
        let copy = format!("update account_move set state = 'posted' where description = {key}");
        by_hand(&acme, &copy, doubled).await;
        by_hand(&acme, "update account_move set state = 'draft' where id = $1", reopened).await;
        by_hand(&acme, "update account_move_line set debit = debit - 1 where move = $1 and debit > 0", transfers[0])
            .await;
        let finished = site.run(&["reconcile", "--json"]);
        assert_eq!(finished.code, Some(6), "{finished}");
        let named = books(&finished)["differences"].to_string();
        for (id, what) in [
            (gone, "is not there any more"),
            (edited, "shows something else"),
            (doubled, "several documents of its key"),
            (reopened, "is a draft again"),
            (transfers[0], "shows something else"),
        ] {
            assert!(named.contains(&format!("account.move/{id}")) && named.contains(what), "{id} {what}: {named}");
        }
        assert!(named.contains("never posted from here"), "the copy: {named}");
        assert!(named.contains("was posted to PS-FEE"), "the account: {named}");
        assert!(named.contains("the bank account of ledger shows"), "the payout: {named}");
        let mut classes = open_classes(&site).await;
        classes.retain(|class| !calm.contains(class));
        let expected = [
            "account_mismatch",
            "document_gone",
            "document_undone",
            "duplicate_released",
            "payload_differs",
            "payout_not_banked",
            "unknown_document",
        ];
        assert_eq!(classes, expected);
        by_hand(&acme, "update account_move_line set debit = debit / 2, credit = credit / 2 where move = $1", edited)
            .await;
        by_hand(&acme, "update account_move_line set debit = debit + 1 where move = $1 and debit > 0", transfers[0])
            .await;
        by_hand(&acme, "update account_move set state = 'posted' where id = $1", reopened).await;
        let newest = format!("(select max(id) from account_move where description = {key})");
        by_hand(&acme, &format!("delete from account_move_line where move = {newest}"), doubled).await;
        by_hand(&acme, &format!("delete from account_move where id = {newest}"), doubled).await;
        let number = column(
            site.pool(),
            "select id::text from paystand_sync.exception where class = 'document_gone' and resolved_at is null",
        )
        .await;
        let anew = site.run(&["exceptions", "retry", &number[0], "--new-generation", "--reason", "it was deleted"]);
        assert_eq!(anew.code, Some(0), "{anew}");
        site.once();
        let finished = site.run(&["reconcile", "--json"]);
        assert_eq!(books(&finished)["differences"], json!([]), "{finished}");
        assert_eq!(open_classes(&site).await, calm);
    });
}
