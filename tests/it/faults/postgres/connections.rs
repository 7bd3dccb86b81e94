//! A server that has no connection to spare: every one we had is gone, and no other is to be had for a while.

use sqlx::AssertSqlSafe;

use super::{ROUND, Side, business, recovers, started};
use crate::faults::exact::{DELIVERED, await_delivery};
use crate::faults::plant::{Detour, Kind, Plant};
use crate::faults::play;
use crate::harness::{Database, eventually, number};

/// A role of its own, which may not have more connections than it is allowed.
async fn limited(databases: [&Database; 2], number: u8) -> (String, [String; 2]) {
    let role = format!("limited_{number}_{}", std::process::id());
    let create = format!("create role {role} login");
    sqlx::query(AssertSqlSafe(create)).execute(&databases[0].pool).await.expect("a role");
    for database in databases {
        let name = database.pool.connect_options().get_database().expect("a name").to_owned();
        let grant = format!("grant all on database {name} to {role}");
        sqlx::query(AssertSqlSafe(grant)).execute(&database.pool).await.expect("granted");
    }
    let urls = databases.map(|database| {
        let mut url: url::Url = database.url.parse().expect("a URL");
        url.set_username(&role).expect("a URL with a host");
        url.to_string()
    });
    (role, urls)
}

async fn connections_run_out(side: Side) {
    let paystand = business(2);
    let (own, other) = (Database::fresh().await, Database::fresh().await);
    let (role, [own_url, other_url]) = limited([&own, &other], u8::from(side == Side::Own)).await;
    let detour = match side {
        Side::Own => Detour { own: Some(own_url), target: None },
        Side::Target => Detour { own: None, target: Some(other_url) },
    };
    let failing = if side == Side::Own { own.pool.clone() } else { other.pool.clone() };
    let plant = Plant::in_databases(&paystand, Kind::StagingThere, own, &other, &detour);
    let daemon = started(&plant).await;
    await_delivery(&paystand, &plant, &[&daemon]).await;
    let limit = |most: i32| format!("alter role {role} connection limit {most}");
    sqlx::query(AssertSqlSafe(limit(0))).execute(&failing).await.expect("altered");
    let end = format!("select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '{role}'");
    eventually("its connections are gone", DELIVERED, async || number(&failing, &end).await > 0).await;
    paystand.pass(ROUND);
    // The pool asks again and again before it gives up.
    let told = match side {
        Side::Own => "the database cannot be reached",
        Side::Target => "the ERP cannot be reached",
    };
    eventually("it says so", DELIVERED, async || daemon.stderr().contains(told)).await;
    sqlx::query(AssertSqlSafe(limit(-1))).execute(&failing).await.expect("altered");
    recovers(&paystand, &plant, daemon).await;
}

#[test]
fn a_server_without_connections_to_spare_is_waited_for() {
    play(connections_run_out(Side::Own));
}

#[test]
fn a_target_without_connections_to_spare_is_waited_for() {
    play(connections_run_out(Side::Target));
}
