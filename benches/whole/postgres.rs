//! A private cluster as the product starts it, durability on, that counts statements.

use std::path::Path;

use anyhow::Context as _;
use paystand_sync::store::{Durability, PrivateCluster};
use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::process::Command;

use crate::cost::cpu_s;

pub struct Postgres {
    _cluster: PrivateCluster,
    url: String,
    postmaster: u32,
}

/// What the cluster took so far.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu_s: f64,
    pub wal_bytes: f64,
    pub commits: i64,
    pub statements: i64,
}

impl Postgres {
    pub async fn start(scratch: &Path) -> anyhow::Result<Self> {
        const PRELOAD: &str = "alter system set shared_preload_libraries = 'pg_stat_statements'";
        const COUNT: &str = "create extension if not exists pg_stat_statements";
        let state = scratch.join("state");
        let cluster = PrivateCluster::open(&state, Durability::Durable).await?;
        let mut connection = PgConnection::connect(cluster.url().expose_secret()).await?;
        sqlx::raw_sql(PRELOAD).execute(&mut connection).await?;
        connection.close().await?;
        cluster.close().await?;
        let cluster = PrivateCluster::open(&state, Durability::Durable).await?;
        let url = cluster.url().expose_secret().to_owned();
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::raw_sql(COUNT).execute(&mut connection).await?;
        let select = "select current_setting('data_directory')";
        let data: String = sqlx::query_scalar(select).fetch_one(&mut connection).await?;
        let file = std::fs::read_to_string(Path::new(&data).join("postmaster.pid")).context("it runs")?;
        let postmaster = file.lines().next().context("a process id")?.trim().parse()?;
        Ok(Self { _cluster: cluster, url, postmaster })
    }

    fn options(&self, database: &str) -> anyhow::Result<PgConnectOptions> {
        Ok(self.url.parse::<PgConnectOptions>()?.database(database))
    }

    /// The address of a database of its own.
    pub async fn fresh(&self, database: &str) -> anyhow::Result<String> {
        self.drop(database).await?;
        let mut connection = PgConnection::connect(&self.url).await?;
        sqlx::raw_sql(AssertSqlSafe(format!("create database {database}"))).execute(&mut connection).await?;
        sqlx::raw_sql("checkpoint").execute(&mut connection).await?;
        Ok(self.options(database)?.to_url_lossy().to_string())
    }

    /// Removes a database, for Postgres vacuums what was written to it while others are measured.
    pub async fn drop(&self, database: &str) -> anyhow::Result<()> {
        let drop = format!("drop database if exists {database} with (force)");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut PgConnection::connect(&self.url).await?).await?;
        Ok(())
    }

    /// `psql` at a database.
    pub fn psql(&self, database: &str) -> anyhow::Result<Command> {
        let mut command = self.client("psql", database)?;
        command.args(["--quiet", "--no-psqlrc"]);
        Ok(command)
    }

    /// A client program of Postgres at a database.
    pub fn client(&self, program: &str, database: &str) -> anyhow::Result<Command> {
        let options = self.options(database)?;
        let host =
            options.get_socket().map_or_else(|| options.get_host().into(), |socket| socket.as_os_str().to_owned());
        let mut command = Command::new(program);
        command.args(["--port", &options.get_port().to_string()]);
        command.args(["--username", options.get_username(), "--dbname", database, "--host"]).arg(host);
        Ok(command)
    }

    pub async fn connect(&self, database: &str) -> anyhow::Result<PgConnection> {
        Ok(self.options(database)?.connect().await?)
    }

    pub async fn usage(&self, database: &str) -> anyhow::Result<Usage> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let select = "
            select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8,
                coalesce((select xact_commit from pg_stat_database where datname = $1), 0),
                coalesce((select sum(calls)::int8 from pg_stat_statements s join pg_database d on d.oid = s.dbid
                    where d.datname = $1), 0)";
        let (wal_bytes, commits, statements) = sqlx::query_as(select).bind(database).fetch_one(&mut connection).await?;
        Ok(Usage { cpu_s: self.cpu_s()?, wal_bytes, commits, statements })
    }

    /// Of the postmaster, its children, and those that ended.
    fn cpu_s(&self) -> anyhow::Result<f64> {
        let children = format!("/proc/{0}/task/{0}/children", self.postmaster);
        let children = std::fs::read_to_string(children).context("a process of ours")?;
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        let living: f64 = children.filter_map(|id| cpu_s(id, false).ok()).sum();
        Ok(living + cpu_s(self.postmaster, true)?)
    }
}
