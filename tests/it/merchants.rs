//! Merchants never see each other's rows, their labels mean nothing, and a database serves one environment.

use crate::harness::{Finished, REST, Site, column, merchant, staged, standing};
use crate::literal::{CUSTOMER_ID, Kind, Literal, Row, rows};
use crate::mirror::documented;

const OTHER: &str = "mr0000000000000000other1";

fn lists(server: &Literal, from: usize) -> Vec<String> {
    server.requests().iter().skip(from).map(|seen| seen.path.clone()).collect()
}

#[tokio::test]
async fn two_merchants_with_the_same_ids_never_mix() {
    let server = Literal::start();
    server.books(documented);
    let theirs = rows::PAYMENTS[0].replace("103.00", "999.00").replace("\"posted\"", "\"failed\"");
    server.books_of(OTHER, |books| {
        books.put(Kind::Payments, Row::of(&theirs));
        books.put(Kind::Customers, Row::of(rows::CUSTOMERS[0]));
        books.put(Kind::Fees, Row::of(rows::FEES[0]));
    });
    let site = Site::new(&server).await;
    let base = server.base_url();
    site.configure(&format!("{}\n{}\n{REST}", merchant("us", CUSTOMER_ID, &base), merchant("canada", OTHER, &base)));
    let finished = site.once();
    assert_eq!(site.open_exceptions().await, Vec::<String>::new(), "{finished}");
    assert_eq!(finished.code, Some(0), "{finished}");

    let payments =
        "select concat_ws(' ', merchant, id, amount, status) from erp.payment where id like 'pm6y%' order by merchant";
    let both = [
        "mr0000000000000000other1 pm6y3u9i1o7p4a8s2d5f0g3h 999.00 failed",
        "mr5t8y2u6i9o3p7a1s4d0f6g pm6y3u9i1o7p4a8s2d5f0g3h 103.00 posted",
    ];
    assert_eq!(column(site.pool(), payments).await, both);
    let counts = "select concat_ws(' ', merchant, count(*)) from erp.payment group by merchant order by 1";
    assert_eq!(column(site.pool(), counts).await, [format!("{OTHER} 1"), format!("{CUSTOMER_ID} 4")]);
    let cursors = "select resource from paystand_sync.cursor group by resource having count(distinct merchant) <> 2";
    assert_eq!(
        column(site.pool(), cursors).await,
        Vec::<String>::new(),
        "each has a cursor of its own for each resource"
    );

    // A change of one is none of the other.
    let changed = theirs.replace("\"meta\": {}", "\"meta\": {\"a\": 1}").replace("999.00", "998.00");
    let changed = changed.replace("21:34:58.000Z\"}", "21:34:59.000Z\"}");
    let recent = crate::mirror::ago(chrono::TimeDelta::zero());
    let changed = changed.replace("2026-05-11T21:34:59.000Z\"}", &format!("{recent}\"}}"));
    server.books_of(OTHER, |books| books.put(Kind::Payments, Row::of(&changed)));
    site.once_clean();
    let versions = "select concat_ws(' ', merchant, max(version_last)) from paystand_sync.record where resource = 'payments' group by merchant order by 1";
    assert_eq!(column(site.pool(), versions).await, [format!("{OTHER} 2"), format!("{CUSTOMER_ID} 1")]);
    assert_eq!(
        column(site.pool(), payments).await,
        ["mr0000000000000000other1 pm6y3u9i1o7p4a8s2d5f0g3h 998.00 failed", both[1]]
    );
}

#[tokio::test]
async fn renaming_a_label_changes_nothing() {
    let server = Literal::start();
    server.books(documented);
    let site = Site::new(&server).await;
    site.once_clean();
    let first = server.requests().len();
    site.once_clean();
    let second = server.requests().len();
    let before = standing(site.pool()).await;
    site.configure(&format!(
        "{}\n{REST}",
        merchant("Head Office 2".replace(' ', "-").as_str(), CUSTOMER_ID, &server.base_url())
    ));
    site.once_clean();
    assert_eq!(standing(site.pool()).await, before);
    let usual = lists(&server, first)[..second - first].to_vec();
    assert_eq!(lists(&server, second), usual, "the same requests as any other run");
    assert!(usual.len() < first, "the history is not read again");
}

#[tokio::test]
async fn a_database_of_the_sandbox_refuses_production() {
    let server = Literal::start();
    server.books(documented);
    let mut site = Site::new(&server).await;
    site.once_clean();
    let (before, rows) = (server.requests().len(), staged(site.pool(), "payment").await);
    site.set("MERCHANTS__MAIN__ENVIRONMENT", "production");
    let finished: Finished = site.once();
    assert_eq!(finished.code, Some(2), "{finished}");
    assert_eq!(finished.complaints().len(), 1, "{finished}");
    assert!(
        finished.complaints()[0].contains("sandbox") && finished.complaints()[0].contains("database"),
        "{finished}"
    );
    assert_eq!(server.requests().len(), before, "nothing is asked");
    assert_eq!(staged(site.pool(), "payment").await, rows);
}
