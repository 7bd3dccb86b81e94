//! What statements of the program took, as `pg_stat_statements` counts it.

use serde::Serialize;
use sqlx::PgConnection;

/// Shown are those that take at least so much of the time of all.
const SHARE_MIN: f64 = 0.01;

/// All calls of one statement.
#[derive(Debug, Clone, Serialize)]
pub struct Statement {
    /// White space made one.
    pub text: String,
    pub calls: i64,
    /// Returned or written.
    pub rows: i64,
    /// Of 8 kB, found in memory or read: the same one counts each time.
    pub blocks: i64,
    /// Of execution, with waiting and without planning.
    pub seconds: f64,
}

impl Statement {
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    pub fn blocks_per_call(&self) -> f64 {
        self.blocks as f64 / self.calls as f64
    }
}

/// As much of a statement as a line of a table holds.
pub fn start(text: &str) -> String {
    text.chars().take(90).collect::<String>().replace('|', "¦")
}

/// Has them shown in this database.
pub async fn show(connection: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::raw_sql("create extension if not exists pg_stat_statements").execute(connection).await?;
    Ok(())
}

/// Forgets what was counted.
pub async fn forget(connection: &mut PgConnection) -> anyhow::Result<()> {
    sqlx::query("select pg_stat_statements_reset()").execute(connection).await?;
    Ok(())
}

/// What was counted in this database since, the most blocks first.
pub async fn counted(connection: &mut PgConnection) -> anyhow::Result<Vec<Statement>> {
    const SELECT: &str = "
        select regexp_replace(query, '\\s+', ' ', 'g') as text, sum(calls)::int8, sum(rows)::int8,
            sum(shared_blks_hit + shared_blks_read)::int8 as blocks, sum(total_exec_time) / 1000
        from pg_stat_statements
        where dbid = (select oid from pg_database where datname = current_database())
        group by text order by blocks desc, text";
    let rows: Vec<(String, i64, i64, i64, f64)> = sqlx::query_as(SELECT).fetch_all(connection).await?;
    let statement = |(text, calls, rows, blocks, seconds)| Statement { text, calls, rows, blocks, seconds };
    Ok(rows.into_iter().map(statement).collect())
}

/// Where the time went, the dearest first.
pub fn print(what: &str, statements: &[Statement]) {
    let all: f64 = statements.iter().map(|it| it.seconds).sum();
    let mut dear: Vec<&Statement> = statements.iter().filter(|it| it.seconds >= all * SHARE_MIN).collect();
    dear.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    println!("\n{what}, in Postgres: {all:.1} s\n\n| share | s | calls | rows | statement |\n|--:|--:|--:|--:|---|");
    for it in dear {
        let share = it.seconds / all * 100.0;
        println!("| {share:.0} % | {:.2} | {} | {} | `{}` |", it.seconds, it.calls, it.rows, start(&it.text));
    }
}
