//! What the loader promises, on whole configurations.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::path::Path;

use gateway::settings::ReceiveSettings;
use toml::de::DeTable;

use super::checked::{Config, LogFormat, StorePlace};
use super::environment::{Environment, SPECIAL};
use super::known::Known;
use super::load::{DEFAULT, check};
use super::problem::Problems;
use super::raw::Raw;
use super::reader::Reading;

/// A configuration that is good, to be followed by what a test is about.
const GOOD: &str = r#"
secrets_key = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
[[apps]]
name = "main"
verify_token = "let me in"
secrets = ["hunter2"]
"#;

fn load_with(text: &str, variables: &[(&str, &str)]) -> Result<Config, Problems> {
    let environment = Environment::from_pairs(variables.iter().copied());
    check(Some(Path::new("waypost.toml")), text, &environment)
}

fn good(text: &str) -> Config {
    load_with(text, &[]).unwrap()
}

/// What is told of a text, with what is good in front of it. The good part has 6 lines.
fn told(text: &str) -> String {
    told_with(&format!("{GOOD}{text}"), &[])
}

fn told_with(text: &str, variables: &[(&str, &str)]) -> String {
    match load_with(text, variables) {
        Ok(config) => config.warnings.to_string(),
        Err(problems) => problems.to_string(),
    }
}

/// Every key that the reader asks for. One app is enough to be asked for an app's keys.
fn known_keys() -> Vec<Known> {
    let (file, _) = DeTable::parse_recoverable("[[apps]]");
    let (default, _) = DeTable::parse_recoverable(DEFAULT);
    let environment = Environment::default();
    let mut problems = Problems::default();
    let mut reading = Reading::new("", &environment, &mut problems);
    reading.read(file.get_ref(), default.get_ref(), Raw::read);
    reading.known
}

/// The keys of an endpoint, as serde tells them.
fn endpoint_keys() -> Vec<String> {
    let error = |text| match toml::from_str::<gateway::endpoint::EndpointInput>(text) {
        Ok(_) => panic!("a key was accepted that does not exist"),
        Err(error) => error.message().to_owned(),
    };
    let of_rules = error("url = ''\nrules = [{ nonsense = 1 }]");
    let messages = [error("nonsense = 1"), of_rules];
    let keys = messages.iter().flat_map(|message| message.split('`').skip(3).step_by(2));
    // The file calls the id a name.
    keys.filter(|key| *key != "id").map(str::to_owned).collect()
}

#[test]
fn the_default_file_is_the_default() {
    let config = good(GOOD);
    let built_in = ReceiveSettings::default();
    let receive = config.settings.receive;
    assert_eq!(receive.listen, built_in.listen);
    assert_eq!(receive.body_bytes_max, built_in.body_bytes_max);
    assert_eq!(receive.requests_in_flight_max, built_in.requests_in_flight_max);
    assert_eq!(receive.bytes_in_flight_max, built_in.bytes_in_flight_max);
    assert_eq!(receive.connections_max, built_in.connections_max);
    assert_eq!(receive.drain_seconds, built_in.drain_seconds);
    assert_eq!(config.settings.admin.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.settings.retention.key_days, rules::limits::KEY_DAYS_DEFAULT);
    assert_eq!((config.logs.format, config.logs.filter.as_str()), (LogFormat::Auto, "info"));
    assert_eq!(config.store_folder, Path::new("waypost-data"));
    assert!(!config.settings.development);
    assert!(config.warnings.is_empty());
}

#[test]
fn typing_the_default_file_changes_nothing() {
    let typed = good(&format!("{DEFAULT}\n{}", GOOD.replace("secrets_key", "#")).replace(
        "# secrets_key = \"file:waypost.key\"",
        "secrets_key = \"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=\"",
    ));
    let untyped = good(GOOD);
    assert_eq!(format!("{:?}", typed.settings), format!("{:?}", untyped.settings));
    assert_eq!(typed.logs, untyped.logs);
    assert_eq!(typed.volume_percent_max, untyped.volume_percent_max);
}

#[test]
fn every_key_stands_in_the_default_file() {
    let words: Vec<&str> = DEFAULT.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let keys = known_keys().into_iter().map(|known| known.key.rsplit('.').next().unwrap().to_owned());
    for key in keys.chain(endpoint_keys()) {
        assert!(words.contains(&key.as_str()), "{key}");
    }
}

#[test]
fn what_is_commented_out_in_the_default_file_can_be_typed() {
    let uncommented: String = DEFAULT
        .lines()
        .filter_map(|line| match line.strip_prefix("# ") {
            // Two of them are prose: a comment below a comment, and a sentence.
            Some(rest) if rest.contains(" = ") && !rest.contains('`') || rest.starts_with("[[") => Some(rest),
            Some(rest) if rest.trim_start().starts_with('{') || rest == "]" => Some(rest),
            Some(_) => None,
            None => Some(line),
        })
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let secret = format!("whsec_{}", "A".repeat(32));
    crate::private_file::write(&folder.path().join("crm.whsec"), &secret).unwrap();
    let key = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=";
    crate::private_file::write(&folder.path().join("waypost.key"), key).unwrap();
    let made = rcgen::generate_simple_self_signed(["waypost.test".to_owned()]).unwrap();
    for (name, pem) in [
        ("waypost.pem", made.cert.pem()),
        ("ca.pem", made.cert.pem()),
        ("waypost-key.pem", made.signing_key.serialize_pem()),
    ] {
        crate::private_file::write(&folder.path().join(name), &pem).unwrap();
    }
    let environment = Environment::from_pairs([("WAYPOST_APP_SECRET", "hunter2"), ("WAYPOST_VERIFY_TOKEN", "x")]);
    let config = check(Some(&folder.path().join("waypost.toml")), &uncommented, &environment).unwrap();
    assert_eq!(config.settings.apps.len(), 1);
    assert_eq!(config.settings.endpoints[0].rules.len(), 1);
    assert!(config.settings.retention.store_bytes_max.is_some());
    assert!(config.settings.outbound.proxy.is_some());
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_nearest_right_one() {
    assert_eq!(
        told("[receive]\nlisen = \"hunter2\""),
        "waypost.toml:8:1: receive.lisen: unknown key\n    did you mean `listen`?"
    );
    assert_eq!(
        told("[[endpoint]]\nname = 'crm'"),
        "waypost.toml:7:3: endpoint: unknown key\n    did you mean `endpoints`?"
    );
    assert_eq!(
        told("[recieve]\nlisten = \"127.0.0.1:1\""),
        "waypost.toml:7:2: recieve: unknown key\n    did you mean `receive`?"
    );
    assert_eq!(
        told("app_secret = 1\nstore = 'x'"),
        "waypost.toml:7:1: apps[0].app_secret: unknown key\n    did you mean `secret`?\n\
         waypost.toml:8:1: apps[0].store: unknown key\n    `store` belongs at the top of the file, before the first [section]"
    );
    assert_eq!(
        told("[[endpoints]]\nname = 'crm'\nurll = 'https://crm.example.com'\nurl = 'https://crm.example.com'"),
        "waypost.toml:9:1: endpoints[0].urll: unknown key\n    did you mean `url`?"
    );
}

#[test]
fn a_wrong_type_is_told_with_its_line_and_what_was_expected() {
    assert_eq!(
        told("[receive]\nlisten = 8080\nconnections_max = -1\n[outbound]\nallow_hosts = 'crm'"),
        "waypost.toml:8:10: receive.listen: expected a text in quotes, found a number\n\
         waypost.toml:9:19: receive.connections_max: expected a whole number, found a negative number\n\
         waypost.toml:11:15: outbound.allow_hosts: expected a list of texts in quotes, found a text"
    );
}

#[test]
fn all_mistakes_of_an_endpoint_are_told_at_once() {
    assert_eq!(
        told(
            "[[endpoints]]\nname = 'crm'\nurl = 7\nordered = 'hunter2'\nformat = 'wayposts'\nrules = [{ types = [1], test = 2 }]"
        ),
        "waypost.toml:9:7: endpoints[0].url: expected a text in quotes\n\
         waypost.toml:10:11: endpoints[0].ordered: expected true or false\n\
         waypost.toml:11:10: endpoints[0].format: expected one of `meta`, `waypost`, `cloudevents`, `8x8`, `raw`\n    did you mean `waypost`?\n\
         waypost.toml:12:21: endpoints[0].rules[0].types[0]: expected a text in quotes\n\
         waypost.toml:12:32: endpoints[0].rules[0].test: expected true or false"
    );
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = format!("{GOOD}[receive]\nlisten = '127.0.0.1:1'\n[outbound]\nallow_hosts = []");
    let variables = [
        ("WAYPOST_RECEIVE_LISTEN", "127.0.0.1:2"),
        ("WAYPOST_RECEIVE_DRAIN_SECONDS", "7"),
        ("WAYPOST_OUTBOUND_ALLOW_HOSTS", "one.internal, two.internal"),
        ("WAYPOST_STORE", "elsewhere"),
        ("WAYPOST_LOG", "warn,store=debug"),
    ];
    let config = load_with(&text, &variables).unwrap();
    assert_eq!(config.settings.receive.listen.port(), 2);
    assert_eq!(config.settings.receive.drain_seconds, 7);
    assert_eq!(config.settings.outbound.allow_hosts, ["one.internal", "two.internal"]);
    assert_eq!(config.store_folder, Path::new("elsewhere"));
    assert_eq!(config.logs.filter, "warn,store=debug");
}

#[test]
fn a_wrong_variable_is_told_by_its_name_and_never_by_its_value() {
    let variables = [("WAYPOST_RECEIVE_DRAIN_SECONDS", "hunter2"), ("WAYPOST_RECEIVE_LISEN", "hunter2")];
    assert_eq!(
        told_with(GOOD, &variables),
        "variable WAYPOST_RECEIVE_DRAIN_SECONDS: expected a whole number\n\
         variable WAYPOST_RECEIVE_LISEN: no setting has this name\n    did you mean WAYPOST_RECEIVE_LISTEN?"
    );
}

#[test]
fn a_variable_that_a_secret_refers_to_is_no_unknown_one() {
    let text = GOOD.replace("hunter2", "env:WAYPOST_OLD_SECRET");
    assert_eq!(told_with(&text, &[("WAYPOST_OLD_SECRET", "hunter2")]), "");
}

#[test]
fn variables_alone_configure_one_app() {
    let variables = [
        ("WAYPOST_APP_SECRET", "hunter2"),
        ("WAYPOST_VERIFY_TOKEN", "let me in"),
        ("WAYPOST_SECRETS_KEY", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="),
    ];
    let environment = Environment::from_pairs(variables);
    let config = check(None, "", &environment).unwrap();
    assert!(!config.settings.development);
    assert_eq!(config.settings.apps[0].paths, ["/webhooks/main"]);
    assert_eq!(config.settings.apps[0].secrets[0].expose(), "hunter2");
}

#[test]
fn one_variable_of_an_app_is_enough_to_be_told_what_is_missing() {
    let environment = Environment::from_pairs([("WAYPOST_VERIFY_TOKEN", "let me in")]);
    let told = check(None, "", &environment).unwrap_err().to_string();
    assert!(told.contains("variable WAYPOST_VERIFY_TOKEN: no app secret"), "{told}");
    assert!(!told.contains("let me in"), "{told}");
}

#[test]
fn a_variable_that_does_nothing_beside_the_file_is_told() {
    let variables = [("WAYPOST_APP_SECRET", "hunter2")];
    let idle = "variable WAYPOST_APP_SECRET: warning: does nothing, because the file has [[apps]]";
    assert!(told_with(GOOD, &variables).starts_with(idle));
    assert_eq!(told_with(&GOOD.replace("hunter2", "env:WAYPOST_APP_SECRET"), &variables), "");
}

#[test]
fn without_anything_it_is_development_mode() {
    let config = check(None, "", &Environment::default()).unwrap();
    assert!(config.settings.development);
    assert!(config.settings.apps.is_empty() && config.secrets_key.is_none());
    assert!(load_with("", &[]).is_err(), "a file that says nothing is no wish for development mode");
}

#[test]
fn production_needs_a_key_an_app_a_token_and_a_secret() {
    let nothing = told_with("", &[]);
    assert!(nothing.contains("secrets_key: is missing\n    make one: `openssl"), "{nothing}");
    assert!(nothing.contains("apps: no app is configured\n    add [[apps]]"), "{nothing}");
    let hollow = told("[[apps]]\nname = 'other'\nsecrets = ['']");
    assert!(hollow.contains("waypost.toml:7:1: apps[1]: missing key `verify_token`"), "{hollow}");
    assert!(
        hollow.contains("waypost.toml:9:11: apps[1].secrets: the app secret from Meta's dashboard is empty"),
        "{hollow}"
    );
    let none = told("[[apps]]\nname = 'other'\nverify_token = 'x'\nsecrets = []");
    assert!(none.contains("waypost.toml:10:11: apps[1].secrets: no app secret"), "{none}");
}

/// One mistake in meaning, where it is, and what is said.
#[track_caller]
fn check_meaning(text: &str, line: usize, said: &str) {
    let told = told(text);
    let first = told.lines().next().unwrap_or_default();
    assert!(first.starts_with(&format!("waypost.toml:{line}:")) && first.contains(said), "{told}");
    assert_eq!(told.matches("waypost.toml:").count(), 1, "{told}");
}

#[test]
fn what_makes_no_sense_is_told_with_its_line() {
    let app = "[[apps]]\nverify_token = 'x'\nsecret = 'y'\n";
    check_meaning(
        &format!("{app}name = 'main'\npaths = ['/other']"),
        10,
        "apps[1].name: another app is named \"main\"",
    );
    check_meaning(&format!("{app}name = 'b'\npaths = ['/webhooks/main']"), 11, "belongs to the app \"main\" already");
    check_meaning(&format!("{app}name = 'b'\npaths = ['hook']"), 11, "expected a path that begins with `/`");
    check_meaning(&format!("{app}name = 'b'\npaths = ['/hook?x=1']"), 11, "expected a path that begins with `/`");
    check_meaning(&format!("{app}name = 'b'\npaths = ['/a hook']"), 11, "expected a path that begins with `/`");
    check_meaning(&format!("{app}name = 'b'\ngroup = 'ours'"), 11, "warning: apps[1].group: no other app");
    check_meaning("[admin]\nlisten = '127.0.0.1:8080'", 8, "receive.listen and admin.listen are the same address");
    check_meaning("[receive]\nlisten = '0.0.0.0:8081'", 8, "receive.listen and admin.listen are the same address");
    check_meaning("[admin]\nlisten = '0.0.0.0:9000'", 8, "warning: admin.listen: the admin listener can be reached");
    check_meaning("[admin]\nlisten = 'localhost:9000'", 8, "expected an address and a port");
    check_meaning("[receive]\ndrain_seconds = 90000", 8, "expected a number from 0 to 3600, found 90000");
    check_meaning("[receive]\nbytes_in_flight_max = 2048", 8, "expected at least receive.body_bytes_max");
    check_meaning("[retention]\nbody_days = 60\nmetadata_days = 30", 9, "expected at least retention.body_days (60)");
    check_meaning("[retention]\nkey_days = 3", 8, "warning: retention.key_days: Meta repeats");
    check_meaning("[outbound]\nallow_networks = ['ten']", 8, "expected networks like \"10.0.0.0/8\"");
    check_meaning("[logs]\nformat = 'jsn'", 8, "expected one of \"auto\", \"json\", \"pretty\", found \"jsn\"");
    check_meaning("[logs", 7, "not valid TOML");
}

#[test]
fn what_makes_no_sense_in_an_endpoint_is_told_with_its_line() {
    let endpoint = "[[endpoints]]\nname = 'crm'\nurl = 'https://crm.example.com'\n";
    check_meaning(&endpoint.replace("https", "ftp"), 9, "endpoints[0].url: expected a URL that begins with https://");
    check_meaning(&endpoint.replace("crm'", "c r m'"), 8, "endpoints[0].name: expected 1 to 64 letters");
    check_meaning(&format!("{endpoint}{endpoint}"), 11, "endpoints[1].name: another endpoint is named \"crm\"");
    check_meaning("[[endpoints]]\nurl = 'https://crm.example.com'", 7, "endpoints[0]: missing key `name`");
    check_meaning("[[endpoints]]\nname = 'crm'", 7, "endpoints[0]: missing key `url`");
    check_meaning(
        &format!("{endpoint}[[endpoints.rules]]\ntypes = ['x', 'a*b']"),
        11,
        "endpoints[0].rules[0].types[1]: \"a*b\"",
    );
    check_meaning(&format!("{endpoint}[[endpoints.rules]]\napps = ['mian']"), 11, "no app is named \"mian\"");
    check_meaning(
        &format!("{endpoint}webhook_secret = 'hunter2'"),
        10,
        "endpoints[0].webhook_secret: expected `whsec_`",
    );
    check_meaning(
        &format!("{endpoint}hub_secret = 'env:NOWHERE'"),
        10,
        "the environment variable \"NOWHERE\" is not set",
    );
}

#[test]
fn references_in_an_endpoint_are_replaced_by_what_they_lead_to() {
    let text = format!("{GOOD}[[endpoints]]\nname = 'crm'\nurl = 'https://crm.example.com'\nhub_secret = 'env:HUB'");
    let config = load_with(&text, &[("HUB", "hunter2")]).unwrap();
    assert_eq!(config.settings.endpoints[0].hub_secret.as_deref(), Some("hunter2"));
}

#[test]
fn no_secret_is_ever_told() {
    let mistakes = [
        "secrets_key = 'hunter2'",
        "secrets_key = ['hunter2']",
        "secret_key = 'hunter2'",
        "secrets_key = 'hunter2",
        "secrets_key = hunter2",
        "[[apps]]\nname = 'a'\nsecrets = 'hunter2'",
        "[[apps]]\nname = 'a'\nsecrets = [['hunter2']]",
        "[[apps]]\nname = 'a'\nverify_token = { hunter = 'hunter2' }",
        "[[apps]]\nname = 'a'\nverify_tokn = 'hunter2'\nsecrets = ['hunter2']",
        "[[endpoints]]\nname = 'a'\nurl = 'https://a.example'\nwebhook_secret = 'hunter2'",
        "[[endpoints]]\nname = 'a'\nurl = 'https://a.example'\nhub_secret = ['hunter2']",
        "[[endpoints]]\nname = 'a'\nurl = 'https://a.example'\nhub_secrt = 'hunter2'",
        "[[endpoints]]\nname = 'a'\nurl = 'https://a.example'\nordered = 'hunter2'",
        "[[endpoints]]\nname = 'a'\nurl = 'https://user:hunter2@a.example'",
        "store = 'postgres://waypost:hunter2@db/waypost'",
        "[outbound]\nallow_hosts = ['https://user:hunter2@a.example']",
    ];
    for mistake in mistakes {
        let problems = load_with(mistake, &[]).unwrap_err();
        let shown = format!("{problems} {problems:?} {}", serde_json::to_string(&problems.reports()).unwrap());
        assert!(!shown.contains("hunter2"), "{mistake}: {shown}");
    }
    let endpoint = "[[endpoints]]\nname = 'a'\nurl = 'https://a.example'\nhub_secret = 'hunter2'";
    let shown = format!("{:?}", good(&format!("{GOOD}{endpoint}")));
    assert!(!shown.contains("hunter2") && !shown.contains("let me in") && !shown.contains("MTIz"), "{shown}");
}

#[test]
fn a_database_is_named_by_its_address_and_its_password_comes_from_elsewhere() {
    let text = "store = 'postgres://waypost@db.internal/way?sslmode=require'\nstore_password = 'env:PG_PASSWORD'\n\
                node_folder = 'node-1'\n";
    let config = load_with(&format!("{text}{GOOD}"), &[("PG_PASSWORD", "hunter2")]).unwrap();
    assert_eq!(config.store_name(), "postgres://db.internal:5432/way");
    assert!(config.store_folder.ends_with("node-1"));
    let StorePlace::Postgres(options) = &config.store else { panic!("it is a database") };
    assert!(options.has_password());
    assert!(!format!("{config:?}").contains("hunter2"));

    let whole = [("WAYPOST_STORE", "env:DATABASE_URL"), ("DATABASE_URL", "postgres://w:hunter2@localhost/w")];
    let config = load_with(GOOD, &whole).unwrap();
    assert_eq!(config.store_name(), "postgres://localhost:5432/w");
    assert!(config.warnings.is_empty(), "{}", config.warnings);
}

#[test]
fn what_is_wrong_with_a_database_is_told_where_it_stands() {
    let told = |text: &str| load_with(&format!("{text}\n{GOOD}"), &[]).unwrap_err().to_string();
    for (text, wanted) in [
        ("store = 'mysql://db/w'", "store: expected an address like `postgres://"),
        ("store = 'postgres://w@db/w?sslmode=verify-ca'", "instead of `verify-ca`, use `verify-full`"),
        ("store = 'postgres://w@db/w?sslrootcert=none.pem'", "none.pem"),
    ] {
        assert!(told(text).contains(wanted), "{}", told(text));
    }
    let both = told("store = 'postgres://w:hunter2@db/w'\nstore_password = 'hunter2'");
    assert!(both.contains("has a password of its own") && !both.contains("hunter2"), "{both}");
    let written = good(&format!("store = 'postgres://w:hunter2@db/w'\n{GOOD}"));
    assert!(written.warnings.to_string().contains("a password stands in this file"), "{}", written.warnings);
    let idle = good(&format!("store_password = 'hunter2'\n{GOOD}"));
    assert!(idle.warnings.to_string().contains("does nothing, because the store is a folder"), "{}", idle.warnings);
}

#[test]
fn a_node_has_a_name_where_the_store_is_shared_with_others() {
    let database = "store = 'postgres://w@localhost/w'\n";
    assert_eq!(good(&format!("{database}{GOOD}")).node, None);
    assert_eq!(good(&format!("{database}node = 'node-1.a'\n{GOOD}")).node.as_deref(), Some("node-1.a"));
    let from_variable = load_with(&format!("{database}{GOOD}"), &[("WAYPOST_NODE", "pod_7")]).unwrap();
    assert_eq!(from_variable.node.as_deref(), Some("pod_7"));
    let told = load_with(&format!("{database}node = 'a b'\n{GOOD}"), &[]).unwrap_err().to_string();
    assert!(told.contains("node: expected a name of 1 to 64 letters"), "{told}");
    let idle = good(&format!("node = 'node-1'\n{GOOD}"));
    assert!(idle.node.is_none() && idle.warnings.to_string().contains("does nothing"), "{}", idle.warnings);
}

/// The part of the reference page that is made from the keys and the default file.
fn reference() -> String {
    let mut text = "| key | variable | takes |\n| --- | --- | --- |\n".to_owned();
    for Known { key, variable, kind } in known_keys() {
        let variable = variable.map_or("none".to_owned(), |name| format!("`{name}`"));
        text.push_str(&format!("| `{key}` | {variable} | {kind} |\n"));
    }
    text.push_str(&format!("\n## The default file\n\n```toml\n{DEFAULT}```\n"));
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the test")]
fn the_reference_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    let marker = "<!-- From here on made from the source: UPDATE_DOCS=1 cargo test -p waypost -->\n\n";
    let (prose, made) = page.split_once(marker).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{prose}{marker}{}", reference())).unwrap();
        return;
    }
    assert!(made == reference(), "the reference page is old: run the tests with UPDATE_DOCS=1");
    for name in SPECIAL {
        assert!(prose.contains(name), "{name}");
    }
}
