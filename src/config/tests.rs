//! What a configuration may say, and the exact words when it may not.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;

const MERCHANT: &str = r#"
[merchants.main]
environment = "sandbox"
client_id = "id"
client_secret = "s3cret"
customer_id = "c1"
timezone = "America/Los_Angeles"
"#;

fn surroundings(variables: &[(&str, &str)]) -> Surroundings {
    Surroundings {
        variables: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        uses_system_state: false,
        system_file: PathBuf::from("/nonexistent/config.toml"),
    }
}

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let files = Files::new();
    let path = files.write("c.toml", text);
    let place = format!("{}: ", path.display());
    Config::load(Some(&path), &surroundings(variables)).map_err(|error| error.to_string().replace(&place, "c.toml: "))
}

fn load(text: &str) -> Result<Config, String> {
    load_with(text, &[])
}

#[test]
fn every_default_is_as_documented() {
    let config = load_with(MERCHANT, &[("HOME", "/home/ann")]).unwrap();
    assert!(config.database.url.is_none());
    assert_eq!(config.database.connections_max, 8);
    assert_eq!(config.database.state_dir, PathBuf::from("/home/ann/.local/state/paystand-sync"));

    let merchant = &config.merchants["main"];
    assert_eq!(merchant.label, "main");
    assert_eq!(merchant.base_url.as_str(), "https://api.paystand.co/v3");
    assert_eq!(merchant.requests_per_minute, 2400);
    assert_eq!(merchant.start_date.to_string(), "2010-01-01");
    assert_eq!(config.environment(), Some(Environment::Sandbox));

    let sync = &config.sync;
    assert_eq!(sync.interval, Duration::from_secs(30));
    assert_eq!(sync.overlap, Duration::from_mins(10));
    assert_eq!(sync.page_rows, 200);
    assert_eq!(sync.pages_in_flight_max, 14);
    assert_eq!(sync.request_timeout, Duration::from_mins(1));
    assert_eq!(sync.answer_bytes_max, 32 * 1024 * 1024);
    assert_eq!(sync.attempts_max, 6);
    assert_eq!(sync.open_item_max, Duration::from_hours(720));
    assert_eq!(sync.lease, Duration::from_secs(150));
    assert_eq!(sync.resources.len(), Resource::ALL.len());
    assert!(sync.resources.values().all(|each| each.enabled && each.interval == sync.interval));

    let (name, adapter) = config.erp.first_key_value().unwrap();
    assert_eq!((name.as_str(), config.erp.len()), ("staging", 1));
    let ErpKind::Staging { url, schema } = &adapter.kind else { panic!("{adapter:?}") };
    assert!(url.is_none());
    assert_eq!(schema, "erp");
    assert_eq!(adapter.post_from, None);
    assert!(adapter.accounts.is_empty());
    assert_eq!(config.ops.listen.unwrap().to_string(), "127.0.0.1:9464");
}

#[test]
fn state_directory_follows_systemd_then_root_then_the_home() {
    let state_dir = |variables: &[(&str, &str)], uses_system_state| {
        let surroundings = Surroundings { uses_system_state, ..surroundings(variables) };
        Config::load(None, &surroundings).unwrap().database.state_dir.display().to_string()
    };
    assert_eq!(state_dir(&[("STATE_DIRECTORY", "/var/lib/a:/var/lib/b"), ("HOME", "/h")], true), "/var/lib/a");
    assert_eq!(state_dir(&[("HOME", "/root")], true), "/var/lib/paystand-sync");
    assert_eq!(state_dir(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")], false), "/x/paystand-sync");
}

#[test]
fn production_has_its_own_default_url() {
    let config = load(&MERCHANT.replace("sandbox", "production")).unwrap();
    assert_eq!(config.merchants["main"].base_url.as_str(), "https://api.paystand.com/v3");
}

#[test]
fn everything_can_be_set() {
    let text = format!(
        r#"{MERCHANT}
base_url = "http://127.0.0.1:8970/v3/"
requests_per_minute = 100
start_date = 2026-01-01
[database]
url = "postgres://u:p@db/x"
connections_max = 4
[sync]
interval = "1s"
overlap = "5m"
[sync.resources.fees]
interval = "5m"
[sync.resources.payments]
enabled = false
[erp.books]
kind = "staging"
schema = "books_1"
post_from = "2026-02-01"
[erp.books.accounts]
clearing = 1090
[erp.other]
kind = "staging"
[ops]
listen = ""
"#
    );
    let config = load(&text).unwrap();
    assert_eq!(config.merchants["main"].base_url.as_str(), "http://127.0.0.1:8970/v3");
    assert_eq!(config.merchants["main"].start_date.to_string(), "2026-01-01");
    assert_eq!(config.database.url.unwrap().expose_secret(), "postgres://u:p@db/x");
    assert_eq!(config.sync.resources[&Resource::Fees].interval, Duration::from_mins(5));
    assert_eq!(config.sync.resources[&Resource::Refunds].interval, Duration::from_secs(1));
    assert!(!config.sync.resources[&Resource::Payments].enabled);
    let books = &config.erp[&AdapterName::new("books")];
    assert_eq!(books.accounts["clearing"], "1090");
    assert_eq!(books.post_from.unwrap().to_string(), "2026-02-01");
    assert_eq!(config.ops.listen, None);
}

#[test]
fn environment_wins_over_file_wins_over_system() {
    let files = Files::new();
    let system_file = files.write("system.toml", "[sync]\ninterval = \"1m\"\noverlap = \"1m\"\npage_rows = 10\n");
    let file = files.write("own.toml", &format!("{MERCHANT}[sync]\noverlap = \"2m\"\npage_rows = 20\n"));
    let surroundings = Surroundings {
        system_file,
        ..surroundings(&[
            ("PAYSTAND_SYNC__SYNC__PAGE_ROWS", "30"),
            ("PAYSTAND_SYNC__MERCHANTS__MAIN__CUSTOMER_ID", "12"),
            ("DATABASE_URL", "postgres://weak/x"),
            ("PAYSTAND_SYNC__DATABASE__URL", "postgresql://strong/x"),
            ("PAYSTAND_SYNC_SERVICE_HOST", "10.0.0.1"),
        ])
    };
    let config = Config::load(Some(&file), &surroundings).unwrap();
    assert_eq!(config.sync.interval, Duration::from_mins(1));
    assert_eq!(config.sync.overlap, Duration::from_mins(2));
    assert_eq!(config.sync.page_rows, 30);
    assert_eq!(config.merchants["main"].customer_id.as_str(), "12");
    assert_eq!(config.merchants["main"].client_id, "id");
    assert_eq!(config.database.url.unwrap().expose_secret(), "postgresql://strong/x");
}

#[test]
fn a_configuration_of_variables_alone_is_complete() {
    let variables = [
        ("PAYSTAND_SYNC__MERCHANTS__MAIN__ENVIRONMENT", "production"),
        ("PAYSTAND_SYNC__MERCHANTS__MAIN__CLIENT_ID", "id"),
        ("PAYSTAND_SYNC__MERCHANTS__MAIN__CLIENT_SECRET", "s"),
        ("PAYSTAND_SYNC__MERCHANTS__MAIN__CUSTOMER_ID", "c"),
        ("PAYSTAND_SYNC__MERCHANTS__MAIN__TIMEZONE", "UTC"),
        ("PAYSTAND_SYNC__MERCHANTS__MAIN__REQUESTS_PER_MINUTE", "60"),
        ("PAYSTAND_SYNC__SYNC__RESOURCES__TRANSFER_ENTRIES__ENABLED", "false"),
    ];
    let config = Config::load(None, &surroundings(&variables)).unwrap();
    assert_eq!(config.merchants["main"].requests_per_minute, 60);
    assert!(!config.sync.resources[&Resource::TransferEntries].enabled);
    config.require_merchant().unwrap();
}

#[test]
fn a_variable_finds_a_label_whatever_its_case() {
    let text = MERCHANT.replace("merchants.main", "merchants.\"Acme-West\"");
    let config = load_with(&text, &[("PAYSTAND_SYNC__MERCHANTS__ACME_WEST__CLIENT_ID", "other")]).unwrap();
    assert_eq!(config.merchants["Acme-West"].client_id, "other");
}

#[test]
fn secrets_come_from_files() {
    let files = Files::new();
    let credentials = files.0.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    std::fs::write(credentials.join("secret"), "from-systemd\n").unwrap();
    files.write("secret", "from-beside\r\n");
    files.write("url", "postgres://u:p@h/d\n");
    let text = MERCHANT.replace("client_secret = \"s3cret\"", "client_secret_file = \"secret\"");
    let file = files.write("c.toml", &format!("{text}[database]\nurl_file = \"{}/url\"\n", files.0.path().display()));

    let config = Config::load(Some(&file), &surroundings(&[])).unwrap();
    assert_eq!(config.merchants["main"].client_secret.expose_secret(), "from-beside");
    assert_eq!(config.database.url.unwrap().expose_secret(), "postgres://u:p@h/d");

    let variables = [("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())];
    let config = Config::load(Some(&file), &surroundings(&variables)).unwrap();
    assert_eq!(config.merchants["main"].client_secret.expose_secret(), "from-systemd");
}

/// Each: what is put after the good merchant, what is replaced in it, and every line that must come out.
const REFUSED: &[(&str, (&str, &str), &str)] = &[
    (
        "",
        ("client_secret", "client_secert"),
        "c.toml: unknown key `merchants.main.client_secert`; did you mean `client_secret`?",
    ),
    ("[databse]\nurl = \"x\"", ("", ""), "c.toml: unknown key `databse`; did you mean `database`?"),
    (
        "[ops]\nzzz = 1",
        ("", ""),
        "c.toml: unknown key `ops.zzz`; use one of listen, token, token_file, tls_cert, tls_key, trusted_proxy, log, tie_out_interval, tie_out_entries_max",
    ),
    (
        "[sync.resources.fee]\nenabled = true",
        ("", ""),
        "c.toml: unknown key `sync.resources.fee`; did you mean `fees`?",
    ),
    (
        "[erp.b]\nkind = \"staging\"\n[erp.b.accounts]\nclering = \"1\"",
        ("", ""),
        "c.toml: unknown key `erp.b.accounts.clering`; did you mean `clearing`?",
    ),
    (
        "",
        ("environment = \"sandbox\"", ""),
        "`merchants.main.environment` is missing; set `environment = \"sandbox\"` in [merchants.main] or the variable PAYSTAND_SYNC__MERCHANTS__MAIN__ENVIRONMENT",
    ),
    (
        "",
        ("\"sandbox\"", "\"prod\""),
        "c.toml: `merchants.main.environment` is no environment: `prod`; use one of sandbox, production",
    ),
    (
        "",
        ("\"sandbox\"", "\"sandbx\""),
        "c.toml: `merchants.main.environment` is no environment: `sandbx`; did you mean `sandbox`?",
    ),
    ("", ("\"c1\"", "\"\""), "c.toml: `merchants.main.customer_id` is empty; give it a value or remove the key"),
    ("", ("\"c1\"", "[]"), "c.toml: `merchants.main.customer_id` must be text; put it in quotes"),
    (
        "",
        ("Los_Angeles", "Los_Angles"),
        "c.toml: `merchants.main.timezone` is no IANA time zone: `America/Los_Angles`; did you mean `America/Los_Angeles`?",
    ),
    (
        "",
        ("America/Los_Angeles", "los angeles"),
        "c.toml: `merchants.main.timezone` is no IANA time zone: `los angeles`; did you mean `America/Los_Angeles`?",
    ),
    (
        "",
        ("America/Los_Angeles", "somewhere"),
        "c.toml: `merchants.main.timezone` is no IANA time zone: `somewhere`; write an IANA name such as \"America/Los_Angeles\"",
    ),
    (
        "base_url = \"https://api.paystand.com/v3\"",
        ("", ""),
        "c.toml: `merchants.main.base_url` is Paystand's production host while environment is sandbox; correct one of the two (sandbox credentials never talk to production and the reverse)",
    ),
    (
        "base_url = \"https://api.paystand.co/v3\"",
        ("sandbox", "production"),
        "c.toml: `merchants.main.base_url` is Paystand's sandbox host while environment is production; correct one of the two (sandbox credentials never talk to production and the reverse)",
    ),
    (
        "base_url = \"http://10.0.0.1/v3\"",
        ("", ""),
        "c.toml: `merchants.main.base_url` is plain http to 10.0.0.1, which would show the credentials; use https",
    ),
    ("base_url = \"ftp://h/v3\"", ("", ""), "c.toml: `merchants.main.base_url` has the scheme `ftp`; use https"),
    (
        "base_url = \"https://u:p@h/v3\"",
        ("", ""),
        "c.toml: `merchants.main.base_url` must hold scheme, host and path only; write it like \"https://api.paystand.co/v3\"",
    ),
    (
        "base_url = \"api\"",
        ("", ""),
        "c.toml: `merchants.main.base_url` is no URL; write it like \"https://api.paystand.co/v3\"",
    ),
    (
        "requests_per_minute = 3001",
        ("", ""),
        "c.toml: `merchants.main.requests_per_minute` must be a whole number from 1 to 3000",
    ),
    (
        "base_url = \"http://127.0.0.1:8970/v3\"\nrequests_per_minute = 1000001",
        ("", ""),
        "c.toml: `merchants.main.requests_per_minute` must be a whole number from 1 to 1000000",
    ),
    (
        "requests_per_minute = 0",
        ("", ""),
        "c.toml: `merchants.main.requests_per_minute` must be a whole number from 1 to 3000",
    ),
    (
        "start_date = \"1/2/2026\"",
        ("", ""),
        "c.toml: `merchants.main.start_date` is no date: `1/2/2026`; write it like \"2026-01-31\"",
    ),
    (
        "client_secret_file = \"x\"",
        ("", ""),
        "c.toml: `merchants.main.client_secret` and `client_secret_file` are both set; remove one of them",
    ),
    (
        "client_secret_file = \"/nonexistent/x\"",
        ("client_secret = \"s3cret\"", ""),
        "c.toml: `merchants.main.client_secret_file` names /nonexistent/x, which cannot be read: No such file or directory (os error 2); check the path and its permissions",
    ),
    (
        "client_secret_file = \"/dev/null\"",
        ("client_secret = \"s3cret\"", ""),
        "c.toml: `merchants.main.client_secret_file` names /dev/null, which is empty; write the secret into it",
    ),
    (
        "[merchants.two]\nenvironment = \"sandbox\"\nclient_id = \"i\"\nclient_secret = \"s\"\ncustomer_id = \"c1\"\ntimezone = \"UTC\"",
        ("", ""),
        "`merchants.two` has the customer_id of `merchants.main`; remove one of the two sections",
    ),
    (
        "[merchants.two]\nenvironment = \"production\"\nclient_id = \"i\"\nclient_secret = \"s\"\ncustomer_id = \"c2\"\ntimezone = \"UTC\"",
        ("", ""),
        "`merchants.two` is production while `merchants.main` is sandbox; a database serves one environment: use a second configuration with its own database",
    ),
    (
        "[database]\nurl = \"mysql://u:s3cret@h/d\"",
        ("", ""),
        "c.toml: `database.url` is no Postgres URL; write it like \"postgres://user:password@host:5432/database\"",
    ),
    (
        "[sync]\ninterval = \"fast\"",
        ("", ""),
        "c.toml: `sync.interval` is no length of time: `fast`; write it like \"30s\", \"10m\" or \"30d\"",
    ),
    ("[sync]\ninterval = \"0s\"", ("", ""), "c.toml: `sync.interval` is 0s; it must lie between 10ms and 1day"),
    ("[sync]\npage_rows = 1001", ("", ""), "c.toml: `sync.page_rows` must be a whole number from 10 to 1000"),
    ("[sync]\npage_rows = 1.5", ("", ""), "c.toml: `sync.page_rows` must be a whole number from 10 to 1000"),
    ("[sync]\npage_rows = 9", ("", ""), "c.toml: `sync.page_rows` must be a whole number from 10 to 1000"),
    (
        "[sync.resources.fees]\nenabled = \"yes\"",
        ("", ""),
        "c.toml: `sync.resources.fees.enabled` must be true or false",
    ),
    (
        "[erp.b]\nschema = \"x\"",
        ("", ""),
        "`erp.b.kind` is missing; set `kind = \"staging\"` in [erp.b] or the variable PAYSTAND_SYNC__ERP__B__KIND",
    ),
    (
        "[erp.b]\nkind = \"files\"",
        ("", ""),
        "`erp.b.folder` is missing; set `folder = \"/var/lib/paystand-sync/drop\"` in [erp.b] or the variable \
         PAYSTAND_SYNC__ERP__B__FOLDER",
    ),
    (
        "[erp.b]\nkind = \"files\"\nfolder = \"drop\"",
        ("", ""),
        "c.toml: `erp.b.folder` is `drop`; write the whole path, from the root on",
    ),
    (
        "[erp.b]\nkind = \"files\"\nfolder = \"/drop\"\nformat = \"cvs\"",
        ("", ""),
        "c.toml: `erp.b.format` is `cvs`; did you mean `csv`?",
    ),
    (
        "[erp.b]\nkind = \"files\"\nfolder = \"/drop\"\ncontent = \"events\"",
        ("", ""),
        "c.toml: `erp.b.content` is for format = \"jsonl\"; every other format holds entries",
    ),
    (
        "[erp.b]\nkind = \"files\"\nfolder = \"/drop\"\nformat = \"ofx\"\n[erp.b.statement]\nnumber = \"1\"",
        ("", ""),
        "`erp.b.statement.currency` is missing; set `currency = \"USD\"` in [erp.b.statement] or the variable \
         PAYSTAND_SYNC__ERP__B__STATEMENT__CURRENCY",
    ),
    (
        "[erp.b]\nkind = \"tryton\"\nurl = \"http://erp.internal:8000\"\ndatabase = \"a\"\nuser = \"u\"\npassword = \"p\"",
        ("", ""),
        "c.toml: `erp.b.url` is plain http to erp.internal, which would show the credentials; use https",
    ),
    (
        "[erp.b]\nkind = \"tryton\"\nurl = \"https://erp.internal\"\ndatabase = \"a\"\nuser = \"u\"\npassword = \"p\"",
        ("", ""),
        "`erp.b.post_from` is missing; set `post_from = \"2026-01-01\"` in [erp.b] or the \
         variable PAYSTAND_SYNC__ERP__B__POST_FROM",
    ),
    (
        "[erp.b]\nkind = \"webhook\"\nurl = \"https://h.test/\"\nsecret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nretry = []",
        ("", ""),
        "c.toml: `erp.b.retry` must be a list of lengths of time from 1s to 7days, like [\"5s\", \"5m\"]",
    ),
    (
        "[erp.b]\nkind = \"stagin\"",
        ("", ""),
        "c.toml: `erp.b.kind` is no kind of ERP adapter: `stagin`; did you mean `staging`?",
    ),
    (
        "[erp.b]\nkind = \"staging\"\nschema = \"a-b\"",
        ("", ""),
        "c.toml: `erp.b.schema` is `a-b`; use a to z, 0 to 9 and _, not starting with a digit, at most 63 characters",
    ),
    (
        "[erp.b]\nkind = \"staging\"\nschema = \"public\"",
        ("", ""),
        "c.toml: `erp.b.schema` is `public`, which is not ours to fill; use one such as \"erp\"",
    ),
    (
        "[erp.a]\nkind = \"staging\"\n[erp.b]\nkind = \"staging\"",
        ("", ""),
        "`erp.b` writes to the schema `erp` of `erp.a`; give one of them another schema",
    ),
    (
        "[ops]\nlisten = \"9464\"",
        ("", ""),
        "c.toml: `ops.listen` is no address: `9464`; write it like \"127.0.0.1:9464\", or \"\" for none",
    ),
    (
        "[ops]\nlisten = \"0.0.0.0:9464\"",
        ("", ""),
        "c.toml: `ops.listen` is 0.0.0.0:9464, which others can reach without encryption; set `ops.tls_cert` and `ops.tls_key`, or \
         `ops.trusted_proxy = true` where a proxy in front ends TLS, or listen on 127.0.0.1",
    ),
    ("[ops]\ntls_key = \"key.pem\"", ("", ""), "c.toml: `ops.tls_key` needs `tls_cert` beside it; set both or none"),
    (
        "[ops]\ntoken = \"s3cret\"",
        ("", ""),
        "c.toml: `ops.token` holds fewer than 16 characters; `openssl rand -hex 24` makes a good one",
    ),
    (
        "client_id = 1",
        ("", ""),
        "the configuration file c.toml is not valid TOML at line 8, column 1: duplicate key; correct that line",
    ),
];

#[test]
fn what_does_not_fit_is_refused_in_one_sentence() {
    for (added, (from, to), wanted) in REFUSED {
        let merchant = if from.is_empty() { MERCHANT.to_owned() } else { MERCHANT.replace(from, to) };
        let error = load(&format!("{merchant}{added}\n")).expect_err(added);
        let error =
            error.split(' ').map(|word| if word.ends_with("/c.toml") { "c.toml" } else { word }).collect::<Vec<_>>();
        assert_eq!(error.join(" "), *wanted, "\nwith {added} and {to}");
        assert!(!wanted.contains("s3cret"));
    }
}

#[test]
fn a_section_that_is_a_value_is_refused() {
    assert_eq!(load("sync = 3\n").unwrap_err(), "c.toml: `sync` must be a section; write it as [sync]");
    assert_eq!(
        load("[merchants]\nmain = 1\n").unwrap_err(),
        "c.toml: `merchants.main` must be a section; write it as [merchants.main]"
    );
}

#[test]
fn an_unknown_variable_is_refused_by_its_name() {
    let error = load_with(MERCHANT, &[("PAYSTAND_SYNC__MERCHANTS__MAIN__CLIENT_SECERT", "s3cret")]).unwrap_err();
    assert_eq!(
        error,
        "PAYSTAND_SYNC__MERCHANTS__MAIN__CLIENT_SECERT: unknown key `merchants.main.client_secert`; did you mean `client_secret`?"
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let error = load("[sync]\ninterval = \"x\"\npage_rows = 0\n[merchants.main]\nclient_id = \"a\"\n").unwrap_err();
    assert_eq!(error.lines().count(), 6, "{error}");
}

#[test]
fn a_named_file_must_exist() {
    let error = Config::load(Some(Path::new("/nonexistent/c.toml")), &surroundings(&[])).unwrap_err().to_string();
    assert_eq!(
        error,
        "the configuration file /nonexistent/c.toml cannot be read: No such file or directory (os error 2); check the path \
         and that this user may read it"
    );
}

#[test]
fn without_a_merchant_it_loads_but_does_not_run() {
    let config = Config::load(None, &surroundings(&[])).unwrap();
    assert_eq!(
        config.require_merchant().unwrap_err().to_string(),
        "`merchants` holds nobody; add a section [merchants.main] with environment, client_id, client_secret, customer_id \
         and timezone to the configuration file"
    );
}

#[test]
fn the_sample_file_loads_and_names_every_default() {
    let sample = include_str!("../../config/paystand-sync.toml");
    load(sample).unwrap();
    // With every commented default switched on it must still load, apart from the keys that exclude each other.
    let spelled_out: String = sample
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(key) if (key.contains(" = ") || key.starts_with('[')) && !key.contains("_file") => key,
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n");
    // No secret that somebody might leave in place stands in the sample.
    let spelled_out = spelled_out.replace("whsec_…", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let config = load(&spelled_out).unwrap();
    assert_eq!(config.sync.page_rows, 200);
    assert_eq!(config.erp[&AdapterName::new("books")].accounts["clearing"], "1090");
    assert!(matches!(config.erp[&AdapterName::new("ledger")].kind, ErpKind::Tryton(_)));
    let ErpKind::Webhook(webhook) = &config.erp[&AdapterName::new("hook")].kind else { panic!("a webhook") };
    assert_eq!(webhook.retry, crate::erp::webhook::RETRY_DEFAULT);
    assert!(!webhook.allow_private);
    let ErpKind::Files(drop) = &config.erp[&AdapterName::new("drop")].kind else { panic!("{config:?}") };
    assert!(matches!(drop.format, FilesFormat::Csv) && drop.ack_within.is_none(), "{drop:?}");
    let ErpKind::Files(feed) = &config.erp[&AdapterName::new("feed")].kind else { panic!("{config:?}") };
    let FilesFormat::Statement(_, statement) = &feed.format else { panic!("{feed:?}") };
    assert_eq!(statement.after, Duration::from_hours(6));
    // What stands for a secret is none: one that can be read must take its place.
    let shown = config.redacted_toml();
    let filled_in = shown.replace("\"***\"", "\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"");
    assert_eq!(load(&filled_in).unwrap().redacted_toml(), shown);
}

#[test]
fn two_adapters_never_share_a_folder() {
    let error = load(&format!(
        "{MERCHANT}[erp.a]\nkind = \"files\"\nfolder = \"/drop\"\n[erp.b]\nkind = \"files\"\nfolder = \"/drop\"\n"
    ));
    let error = error.unwrap_err();
    assert!(error.contains("drops into `/drop` as `erp.a` does; give one of them a folder of its own"), "{error}");
}

#[test]
fn the_redacted_rendering_loads_again_and_hides_every_secret() {
    let text = format!(
        "{}[database]\nurl = \"postgres://u:hunter2@h/d?password=hunter3&sslmode=require\"\n[erp.\"my books\"]\nkind = \
         \"staging\"\nurl = \"postgres://e:hunter4@h/e\"\n[erp.\"my books\".accounts]\nbank = \"10\\\"90\"\n[ops]\ntoken = \"hunter5-hunter5-hunter5\"\n",
        MERCHANT.replace("s3cret", "hunter1")
    );
    let config = load(&text).unwrap();
    let shown = config.redacted_toml();
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("url = \"postgres://u:***@h/d?password=***&sslmode=require\""), "{shown}");
    assert!(!format!("{config:?}").contains("hunter"), "{config:?}");
    assert_eq!(load(&shown).unwrap().redacted_toml(), shown);
}
