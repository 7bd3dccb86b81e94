//! What people do in Tryton with documents that are not theirs, and what they are asked to do about it afterwards.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::acme::{Acme, decimal};

/// A draft of ours.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Draft {
    pub id: i32,
    /// Our key, as Tryton has it.
    pub description: String,
}

impl Draft {
    pub fn reference(&self) -> String {
        format!("account.move/{}", self.id)
    }
}

impl Acme {
    /// A user as the documentation asks for it.
    pub async fn employ(&self, login: &str, password: &str) {
        let wanted = json!([["name", "in", ["Accounting", "Accounting Administration"]]]);
        let groups = self.ids("res.group", wanted).await;
        let values = json!({
            "name": "Paystand", "login": login, "password": password, "groups": [["add", groups]],
            "companies": [["add", [1]]], "company": 1,
        });
        self.server.call("model.res.user.create", json!([[values]])).await;
    }

    /// Drafts of which no other one has the key, oldest first.
    pub async fn lone_drafts(&self) -> Vec<Draft> {
        const SELECT: &str = "
            select id, description from account_move m where state = 'draft' and description like 'psx1:%'
                and not exists (select from account_move o where o.description = m.description and o.id <> m.id) order by id";
        sqlx::query_as(SELECT).fetch_all(&self.server.pool).await.expect("rows")
    }

    /// Moves an amount of a draft, which stays in balance.
    pub async fn edit(&self, draft: &Draft, by: Decimal) {
        let params = json!([[["move", "=", draft.id]], 0, null, null, ["debit", "credit"]]);
        let lines = self.server.call("model.account.move.line.search_read", params).await;
        let amount = |line: &Value, side: &str| -> Decimal {
            line[side]["decimal"].as_str().expect("a decimal").parse().expect("a decimal")
        };
        for side in ["debit", "credit"] {
            let lines = lines.as_array().expect("lines");
            let line = lines.iter().find(|line| !amount(line, side).is_zero()).expect("both sides have a line");
            let moved = decimal(&(amount(line, side) + by).to_string());
            self.server.call("model.account.move.line.write", json!([[line["id"]], { side: moved }])).await;
        }
    }

    pub async fn delete(&self, draft: &Draft) {
        self.server.call("model.account.move.delete", json!([[draft.id]])).await;
    }

    /// As if so long had passed for all drafts.
    pub async fn age_drafts(&self) {
        const AGE: &str = "update account_move set create_date = create_date - interval '1 hour' where state = 'draft'";
        sqlx::query(AGE).execute(&self.server.pool).await.expect("by hand");
    }
}
