//! What `check` finds at a real Tryton: each precondition of posting, broken in turn, is named with what to do about it.

use std::collections::BTreeMap;

use paystand_sync::erp::tryton::{Settings, Tryton};
use paystand_sync::erp::{Erp as _, ErpError, Shortcoming};
use paystand_sync::model::journal::Role;
use serde_json::json;

use super::acme::{Acme, settings};
use super::between::{Between, Fault};
use super::posting::today;
use super::server::USER;

async fn found(settings: Settings) -> Vec<Shortcoming> {
    let tryton = Tryton::connect(settings).expect("plain settings");
    tryton.prepare().await.expect("it fits");
    tryton.examine(today()).await.expect("answered")
}

/// Why a target does not fit.
async fn misfit(settings: Settings) -> String {
    let error = Tryton::connect(settings).expect("plain settings").prepare().await.expect_err("it does not fit");
    let ErpError::Misfit { reason } = error else { panic!("{error:?}") };
    reason
}

#[tokio::test]
async fn each_precondition_that_is_broken_is_named_with_its_fix() {
    let Some(acme) = Acme::open().await else { return };
    let own = || settings(&acme.server);
    assert_eq!(found(own()).await, []);

    acme.set_period(today(), false).await;
    let [Shortcoming::Stops(sentence)] = &found(own()).await[..] else { panic!("one finding") };
    assert!(sentence.contains(&format!("no period is open on {}; open one", today())), "{sentence}");
    acme.set_period(today(), true).await;

    let fewer: BTreeMap<_, _> = own().accounts.into_iter().filter(|(role, _)| *role != Role::Refunds).collect();
    let [Shortcoming::Hinders(sentence)] = &found(Settings { accounts: fewer, ..own() }).await[..] else {
        panic!("one finding")
    };
    assert!(sentence.contains("no account is named for refunds"), "{sentence}");

    let user = json!({ "name": "Reader", "login": "reader", "password": "a long word of the reader 77", "companies": [["add", [1]]], "company": 1 });
    acme.create("res.user", user).await;
    let reader =
        Settings { user: "reader".to_owned(), password: "a long word of the reader 77".to_owned().into(), ..own() };
    let findings = found(reader).await;
    assert!(
        findings.iter().any(|it| matches!(it, Shortcoming::Stops(it) if it.contains("the user reader may not") && it.contains("account.move;"))),
        "{findings:?}"
    );

    let wrong: BTreeMap<_, _> = own().accounts.into_iter().chain([(Role::Bank, "9999".to_owned())]).collect();
    assert!(misfit(Settings { accounts: wrong, ..own() }).await.contains("set `accounts.bank`"));
    assert!(misfit(Settings { journal: "NONE".to_owned(), ..own() }).await.contains("set `journal`"));
    let stranger = Settings { password: "not this one at all".to_owned().into(), ..own() };
    let refused = Tryton::connect(stranger).expect("plain settings").prepare().await.expect_err("not let in");
    assert!(matches!(refused, ErpError::Unauthorized { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_session_that_ends_before_it_was_used_is_begun_anew() {
    let Some(acme) = Acme::open().await else { return };
    let between = Between::before(&acme.server, USER).await;
    let mut ended = false;
    between.break_calls(move |method| {
        let first = method == "model.res.user.get_preferences" && !std::mem::replace(&mut ended, true);
        first.then_some(Fault::SessionsEnded)
    });
    let tryton = Tryton::connect(Settings { url: between.url.clone(), ..settings(&acme.server) });
    tryton.expect("plain settings").prepare().await.expect("let in at the second attempt");
    assert_eq!(between.struck(Fault::SessionsEnded), 1);
}
