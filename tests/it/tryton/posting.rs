//! Entries become moves, and what they say about invoices is done.

use chrono::NaiveDate;
use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::erp::{Drafted as _, Elected, Erp as _, Found, Refusal, Stage};
use paystand_sync::model::journal::Role;
use rust_decimal::Decimal;

use super::acme::{Acme, delivery, entry, line, reversal};

pub fn today() -> NaiveDate {
    SystemClock::new().now().date_naive()
}

fn sum(text: &str) -> Decimal {
    text.parse::<Decimal>().expect("a decimal").normalize()
}

#[tokio::test]
async fn the_worked_example_leaves_clearing_at_zero_and_the_invoice_paid() {
    let Some(acme) = Acme::open().await else { return };
    acme.tryton.prepare().await.expect("a company as the settings say");
    acme.invoice("C1", "INV-1", "500.00", today()).await;
    let posted = entry(
        "payment.posted:pm1:/0",
        today(),
        vec![
            line(Role::Clearing, "515.00", "-", "-"),
            line(Role::ConvenienceFeeIncome, "-15.00", "-", "-"),
            line(Role::UnappliedCash, "-500.00", "C1", "-"),
        ],
    );
    let applied = entry(
        "payment.applied:pm1:/0",
        today(),
        vec![line(Role::UnappliedCash, "500.00", "C1", "-"), line(Role::Receivable, "-500.00", "C1", "INV-1")],
    );
    let fee = entry(
        "fee.finalized:fe1:/0",
        today(),
        vec![line(Role::ProcessingFeeExpense, "14.94", "-", "-"), line(Role::Clearing, "-14.94", "-", "-")],
    );
    let payout = entry(
        "transfer.paid:tr1:/0",
        today(),
        vec![line(Role::Bank, "500.06", "-", "-"), line(Role::Clearing, "-500.06", "-", "-")],
    );
    for entry in [&posted, &applied, &fee, &payout] {
        acme.post(entry).await.expect("taken");
    }
    let balances = acme.balances().await;
    let expected = [("PS-AR", "-500"), ("PS-BANK", "500.06"), ("PS-CONV", "-15"), ("PS-FEE", "14.94")];
    assert_eq!(balances, expected.map(|(code, amount)| (code.to_owned(), sum(amount))).into());
    assert_eq!(acme.shown("INV-1").await, ("paid".to_owned(), "0.00".to_owned()));
}

#[tokio::test]
async fn an_invoice_is_paid_in_parts_opened_by_a_refund_and_by_a_payment_that_fails() {
    let Some(acme) = Acme::open().await else { return };
    acme.invoice("C1", "INV-1", "100.00", today()).await;
    let apply = |key: &str, amount: &str| {
        let taken = format!("-{amount}");
        let lines = vec![line(Role::UnappliedCash, amount, "C1", "-"), line(Role::Receivable, &taken, "C1", "INV-1")];
        entry(key, today(), lines)
    };
    let (first, second) = (apply("payment.applied:a:/0", "60.00"), apply("payment.applied:b:/0", "40.00"));
    acme.post(&first).await.expect("taken");
    assert_eq!(acme.shown("INV-1").await, ("posted".to_owned(), "40.00".to_owned()));
    acme.post(&second).await.expect("taken");
    assert_eq!(acme.shown("INV-1").await, ("paid".to_owned(), "0.00".to_owned()));

    let lines = vec![line(Role::Receivable, "30.00", "C1", "INV-1"), line(Role::Refunds, "-30.00", "-", "-")];
    acme.post(&entry("refund.applied:r:/0", today(), lines)).await.expect("taken");
    assert_eq!(acme.shown("INV-1").await, ("posted".to_owned(), "30.00".to_owned()));

    acme.post(&reversal("payment.failed:a:/1", &first)).await.expect("taken");
    assert_eq!(acme.shown("INV-1").await, ("posted".to_owned(), "90.00".to_owned()));
    let origin: Option<String> =
        sqlx::query_scalar("select origin from account_move where description like '%payment.failed:a:/1'")
            .fetch_one(&acme.server.pool)
            .await
            .expect("the reversal");
    assert!(origin.is_some_and(|origin| origin.starts_with("account.move,")), "a reversal names its original");

    acme.post(&apply("payment.applied:c:/0", "90.00")).await.expect("taken");
    assert_eq!(acme.shown("INV-1").await, ("paid".to_owned(), "0.00".to_owned()));
}

#[tokio::test]
async fn what_was_paid_beyond_an_invoice_stays_the_customers() {
    let Some(acme) = Acme::open().await else { return };
    acme.invoice("C1", "INV-1", "100.00", today()).await;
    let posted = vec![line(Role::Clearing, "130.00", "-", "-"), line(Role::UnappliedCash, "-130.00", "C1", "-")];
    let applied =
        vec![line(Role::UnappliedCash, "100.00", "C1", "-"), line(Role::Receivable, "-100.00", "C1", "INV-1")];
    acme.post(&entry("payment.posted:a:/0", today(), posted)).await.expect("taken");
    acme.post(&entry("payment.applied:a:/0", today(), applied)).await.expect("taken");
    assert_eq!(acme.shown("INV-1").await, ("paid".to_owned(), "0.00".to_owned()));
    let unapplied: Decimal = sqlx::query_scalar(
        "select sum(l.credit - l.debit) from account_move_line l join party_party p on p.id = l.party
         join account_account a on a.id = l.account where a.code = 'PS-UNA' and p.code = 'C1'",
    )
    .fetch_one(&acme.server.pool)
    .await
    .expect("a sum");
    assert_eq!(unapplied.normalize(), sum("30"));
}

#[tokio::test]
async fn what_the_books_do_not_have_is_waited_for() {
    let Some(acme) = Acme::open().await else { return };
    acme.invoice("C1", "INV-1", "100.00", today()).await;
    acme.party("C2").await;
    let apply = |customer: &str, invoice: &str, amount: &str| {
        let taken = format!("-{amount}");
        let receivable = line(Role::Receivable, &taken, customer, invoice);
        entry("payment.applied:a:/0", today(), vec![line(Role::UnappliedCash, amount, customer, "-"), receivable])
    };
    for (entry, said) in [
        (apply("C9", "INV-1", "10.00"), "there is no party with the code C9"),
        (apply("C1", "INV-9", "10.00"), "the invoice INV-9 is not there"),
        (apply("C2", "INV-1", "10.00"), "another customer's"),
        (apply("C1", "INV-1", "100.01"), "100.00 open, less than 100.01"),
    ] {
        let refused = acme.draft(&delivery(&entry)).await.expect_err("not booked");
        let Refusal::NotNow { reason } = &refused else { panic!("{refused:?}") };
        assert!(reason.contains(said), "{reason}");
    }
    assert_eq!(acme.moves().await, (std::collections::BTreeMap::new(), 0));
}

#[tokio::test]
async fn a_closed_period_holds_what_falls_into_it_until_it_is_open_again() {
    let Some(acme) = Acme::open().await else { return };
    let lines = || vec![line(Role::Bank, "5.00", "-", "-"), line(Role::Clearing, "-5.00", "-", "-")];
    let entry = entry("transfer.paid:tr1:/0", today(), lines());
    acme.set_period(today(), false).await;
    let refused = acme.draft(&delivery(&entry)).await.expect_err("not booked");
    assert!(matches!(&refused, Refusal::NotNow { reason } if reason.contains("closed")), "{refused:?}");
    acme.set_period(today(), true).await;
    acme.post(&entry).await.expect("taken");
}

#[tokio::test]
async fn a_move_edited_or_taken_back_by_hand_is_seen() {
    let Some(acme) = Acme::open().await else { return };
    let lines = vec![line(Role::Bank, "5.00", "-", "-"), line(Role::Clearing, "-5.00", "-", "-")];
    let edited = delivery(&entry("transfer.paid:tr1:/0", today(), lines.clone()));
    acme.draft(&edited).await.expect("taken");
    sqlx::query("update account_move_line set debit = debit * 2, credit = credit * 2")
        .execute(&acme.server.pool)
        .await
        .expect("by hand");
    let found = acme.find(&edited, None).await;
    assert!(
        found[0].stage == Stage::Draft && found[0].differs.as_deref().is_some_and(|it| it.contains("10.00")),
        "{found:?}"
    );

    let void = entry("transfer.paid:tr2:/0", today(), lines);
    let reference = acme.post(&void).await.expect("taken");
    let origin = reference.replace('/', ",");
    let by_hand = "
        insert into account_move (company, journal, period, date, state, number, description, origin)
        select company, journal, period, date, state, 'X1', 'by hand', $1 from account_move where state = 'posted' limit 1";
    sqlx::query(by_hand).bind(&origin).execute(&acme.server.pool).await.expect("by hand");
    let found = acme.find(&delivery(&void), Some(&reference)).await;
    assert_eq!(found[0].stage, Stage::Void, "{found:?}");
}

/// Ids are given again after the books were restored from a backup.
#[tokio::test]
async fn the_document_of_another_entry_under_the_id_of_ours_is_not_ours() {
    let Some(acme) = Acme::open().await else { return };
    let lines = || vec![line(Role::Bank, "5.00", "-", "-"), line(Role::Clearing, "-5.00", "-", "-")];
    let ours = delivery(&entry("transfer.paid:tr1:/0", today(), lines()));
    let other = entry("transfer.paid:tr2:/0", today(), lines());
    let reference = acme.draft(&delivery(&other)).await.expect("taken");
    assert_eq!(acme.find(&ours, Some(&reference)).await, Vec::new(), "a draft");
    let elected = [Elected { delivery: &delivery(&other), reference: &reference }];
    acme.tryton.release(&elected).await.expect("answered").remove(0).expect("taken");
    assert_eq!(acme.find(&ours, Some(&reference)).await, Vec::new(), "a posted move");
}

#[tokio::test]
async fn a_move_of_another_journal_under_the_id_of_ours_is_not_ours() {
    let Some(acme) = Acme::open().await else { return };
    let lines = vec![line(Role::Bank, "5.00", "-", "-"), line(Role::Clearing, "-5.00", "-", "-")];
    let ours = delivery(&entry("transfer.paid:tr1:/0", today(), lines));
    acme.invoice("C1", "INV-1", "5.00", today()).await;
    let invoice: i32 = sqlx::query_scalar("select move from account_invoice where reference = 'INV-1'")
        .fetch_one(&acme.server.pool)
        .await
        .expect("its move");
    assert_eq!(acme.find(&ours, Some(&format!("account.move/{invoice}"))).await, Vec::new());
}

#[tokio::test]
async fn a_move_whose_key_was_edited_by_hand_is_still_ours_and_differs() {
    let Some(acme) = Acme::open().await else { return };
    let lines = vec![line(Role::Bank, "5.00", "-", "-"), line(Role::Clearing, "-5.00", "-", "-")];
    let ours = delivery(&entry("transfer.paid:tr1:/0", today(), lines));
    let reference = acme.draft(&ours).await.expect("taken");
    for (stage, edit) in [
        (Stage::Draft, "update account_move set description = 'payout'"),
        (Stage::Released, "update account_move set description = null, state = 'posted'"),
    ] {
        sqlx::query(edit).execute(&acme.server.pool).await.expect("by hand");
        let found = acme.find(&ours, Some(&reference)).await;
        let [Found { stage: seen, differs: Some(held), .. }] = &found[..] else { panic!("{found:?}") };
        assert!(*seen == stage && held.contains(&reference), "{found:?}");
    }
}
