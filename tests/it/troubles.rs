//! What `status` says while something stands in the way, and that it stops saying so by itself.

use crate::harness::Site;
use crate::literal::{Literal, Quirks};
use crate::mirror::documented;

fn told(site: &Site) -> Vec<String> {
    let finished = site.run(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&finished.stdout).expect("a JSON object");
    let troubles = status["troubles"].as_array().expect("a list");
    let told: Vec<String> = troubles.iter().map(|it| it.as_str().expect("a sentence").to_owned()).collect();
    let plain = site.run(&["status"]);
    assert!(told.iter().all(|sentence| plain.stdout.contains(sentence.as_str())), "{plain}");
    told
}

#[tokio::test]
async fn status_tells_of_closed_fees_and_of_an_outage_while_they_last() {
    let server = Literal::with(Quirks { fees_open: false, ..Quirks::default() });
    server.books(documented);
    let site = Site::new(&server).await;
    site.once();
    let closed = told(&site);
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert!(closed[0].contains("the list of fees was closed to these credentials"), "{closed:?}");

    let back =
        "update paystand_sync.cursor set high_water = high_water - interval '5 hours' where resource = 'payments'";
    sqlx::query(back).execute(site.pool()).await.expect("works in a test");
    let late = told(&site);
    assert_eq!(late.len(), 2, "{late:?}");
    assert!(late[1].contains("nothing has been read since") && late[1].contains(" of payments;"), "{late:?}");

    site.once();
    assert_eq!(told(&site), closed);
}
