//! A real Tryton server per test: books copied from a template, on a port of their own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tokio::sync::OnceCell;
use url::Url;

use crate::backups::load;
use crate::harness::server_url;

pub const USER: &str = "admin";
pub const PASSWORD: &str = "test-only-password";
const TEMPLATE: &str = "tryton_acme";
const START_BOUND: Duration = Duration::from_mins(1);

/// One server at work. Dropping it kills it.
pub struct Server {
    pub port: u16,
    pub books: String,
    child: Option<Child>,
    /// Straight into its database: what the books really say.
    pub pool: PgPool,
    http: reqwest::Client,
    session: Option<(String, Map<String, Value>)>,
}

impl Server {
    /// Fresh books of a company without invoices.
    pub async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        template().await;
        let books = format!("tryton_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        admin(&format!("create database {books} template {TEMPLATE}")).await;
        let pool = PgPool::connect(url_of(&books).await.as_str()).await.expect("the copied books");
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::new();
        let mut server = Self { port: free_port(), books, child: None, pool, http, session: None };
        server.serve().await;
        server
    }

    pub fn url(&self) -> Url {
        format!("http://127.0.0.1:{}/", self.port).parse().expect("a URL")
    }

    /// The database of the books.
    pub async fn database_url(&self) -> Url {
        url_of(&self.books).await
    }

    /// Puts the books back as they were, with the server stopped meanwhile.
    pub async fn restore(&mut self, backup: &Path) {
        self.kill();
        admin(&format!("drop database {} with (force)", self.books)).await;
        admin(&format!("create database {}", self.books)).await;
        load(self.database_url().await.as_str(), backup);
        self.serve().await;
    }

    /// As the kernel does it: nothing is finished, nothing is said.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a process of our own");
            child.wait().expect("a process of our own");
        }
    }

    /// Starts it on the port that it had.
    pub async fn serve(&mut self) {
        let child = script(&["serve"])
            .args([directory().as_os_str(), self.port.to_string().as_ref(), self.books.as_ref()])
            .env("TRYTON_URI", uri().await)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        self.child = Some(child);
        let started = Instant::now();
        while self.login().await.is_none() {
            assert!(started.elapsed() < START_BOUND, "Tryton does not answer on port {}", self.port);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn login(&mut self) -> Option<()> {
        let params = json!([USER, { "password": PASSWORD }, "en"]);
        let session = self.post("common.db.login", &params, None).await.ok()?;
        let (id, token) = (session.get(0)?.as_i64()?, session.get(1)?.as_str()?.to_owned());
        let session = format!("Session {}", BASE64_STANDARD.encode(format!("{USER}:{id}:{token}")));
        let params = json!([true, {}]);
        let context = self.post("model.res.user.get_preferences", &params, Some(&session)).await.ok()?;
        self.session = Some((session, context.as_object()?.clone()));
        Some(())
    }

    /// One call as a person at the ERP would make it.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub async fn try_call(&self, method: &str, params: Value) -> Result<Value, String> {
        let (session, context) = self.session.as_ref().expect("served");
        let Value::Array(mut params) = params else { panic!("parameters are a list") };
        params.push(Value::Object(context.clone()));
        self.post(method, &Value::Array(params), Some(session)).await
    }

    async fn post(&self, method: &str, params: &Value, session: Option<&str>) -> Result<Value, String> {
        let body = json!({ "id": 1, "method": method, "params": params });
        let address = format!("{}{}/rpc/", self.url(), self.books);
        let mut request = self.http.post(address).json(&body);
        if let Some(session) = session {
            request = request.header("authorization", session);
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let mut answer: Value = answer.json().await.map_err(|error| format!("{status}: {error}"))?;
        if answer["error"].is_null() { Ok(answer["result"].take()) } else { Err(answer["error"].to_string()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

fn script(arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/erp-tryton"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Where it is installed: beside what was built.
fn directory() -> PathBuf {
    let test = std::env::current_exe().expect("a program");
    let target = test.ancestors().nth(3).expect("target/debug/deps/it");
    target.join("tools").join("tryton")
}

/// The books of a company, made once per server of the tests.
async fn template() {
    static MADE: OnceCell<()> = OnceCell::const_new();
    MADE.get_or_init(|| async {
        let installed = script(&["install"]).arg(directory()).status().expect("a shell");
        assert!(installed.success(), "Tryton could not be installed");
        if exists(TEMPLATE).await {
            return;
        }
        let making = format!("{TEMPLATE}_making");
        admin(&format!("drop database if exists {making}")).await;
        admin(&format!("create database {making}")).await;
        let uri = uri().await;
        let made = script(&["make"]).arg(directory()).arg(&making).env("TRYTON_URI", uri).output().expect("a shell");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        admin(&format!("alter database {making} rename to {TEMPLATE}")).await;
    })
    .await;
}

async fn exists(database: &str) -> bool {
    let mut connection = PgConnection::connect(server_url().await).await.expect("the test server answers");
    let select = "select exists (select from pg_database where datname = $1)";
    sqlx::query_scalar(select).bind(database).fetch_one(&mut connection).await.expect("an answer")
}

async fn admin(statement: &str) {
    let mut connection = PgConnection::connect(server_url().await).await.expect("the test server answers");
    sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.expect("works in a test");
}

async fn url_of(database: &str) -> Url {
    let mut url: Url = server_url().await.parse().expect("a URL");
    url.set_path(database);
    url
}

/// The server as Tryton wants it named.
async fn uri() -> String {
    let url = url_of("").await;
    url.as_str().replacen("postgres:", "postgresql:", 1)
}
