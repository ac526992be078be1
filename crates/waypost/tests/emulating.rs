//! `waypost emulate` as it is typed: every scenario against a real gateway, with the books balanced at the end; the Graph
//! side called as a business's own code calls it; loads with their ledger.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod support;

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use support::gateway::{Gateway, Home, SECRET, VERIFY_TOKEN};
use support::sink::{Say, Sink};
use support::{until, until_true, wire};

/// The lines that a run printed, and how it ended.
struct Ended {
    code: Option<i32>,
    lines: Vec<Value>,
    told: String,
}

impl Ended {
    fn sums(&self) -> &Value {
        let last = self.lines.last().unwrap_or_else(|| panic!("nothing was printed: {}", self.told));
        assert_eq!(last["what"], "end", "{}", self.told);
        last
    }

    fn sum(&self, name: &str) -> u64 {
        self.sums()[name].as_u64().unwrap()
    }

    fn attempts(&self) -> impl Iterator<Item = &Value> {
        self.lines.iter().filter(|line| line["what"] == "attempt")
    }
}

fn emulate(home: &Home, arguments: &[&str]) -> Ended {
    let mut command = home.command(&["emulate", "--json"]);
    let output = command.args(arguments).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Ended { code: output.status.code(), lines, told: String::from_utf8(output.stderr).unwrap() }
}

/// A gateway that delivers everything to a sink.
fn stage() -> (Sink, Home, Gateway) {
    let sink = Sink::start();
    let home = Home::production(&sink.endpoint("crm", "format = 'waypost'\nrules = [{ test = true }]"));
    let gateway = home.start();
    (sink, home, gateway)
}

/// Sent, acknowledged, deduplicated, delivered: nothing is missing and nothing is there twice.
#[track_caller]
fn books_balance(ended: &Ended, gateway: &Gateway, sink: &Sink) {
    assert_eq!(ended.code, Some(0), "{}{:?}", ended.told, ended.lines.last());
    assert_eq!(ended.sum("acknowledged"), ended.sum("notifications"));
    assert_eq!((ended.sum("pending"), ended.sum("forged_taken")), (0, 0));
    let accepted = ended.attempts().filter(|attempt| attempt["status"] == 200);
    let taken: u64 = accepted.map(|attempt| attempt["events"].as_u64().unwrap()).sum();
    let kept = gateway.api.events();
    let status = gateway.api.get("/api/v1/status");
    let total = |name: &str| status["totals"][name].as_u64().unwrap();
    let known = u64::try_from(kept.len()).unwrap();
    assert_eq!(taken, known + total("duplicates") + total("conflicts"), "taken is kept or known before");
    assert_eq!(total("conflicts"), 0);
    assert!(known >= ended.sum("events"), "{known} of {}", ended.sum("events"));
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    assert_eq!((gateway.api.total("dead"), gateway.api.total("skipped")), (0, 0));
    let delivered: HashSet<String> = sink.ledger().iter().map(|arrival| arrival.id().to_owned()).collect();
    let kept: HashSet<String> = kept.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(delivered, kept);
}

/// Plays a scenario against a gateway of its own.
#[track_caller]
fn plays(scenario: &str, more: &[&str]) -> (Ended, Vec<Value>) {
    let (sink, home, gateway) = stage();
    let ended = emulate(&home, &[&["--scenario", scenario, "--seed", "7"], more].concat());
    books_balance(&ended, &gateway, &sink);
    let events = gateway.api.events();
    assert!(gateway.stop().success());
    (ended, events)
}

fn count(events: &[Value], of: &str) -> usize {
    events.iter().filter(|event| event["type"].as_str().unwrap().starts_with(of)).count()
}

#[test]
fn hello_ends_with_the_books_balanced() {
    let (ended, events) = plays("hello", &["--speed", "10"]);
    assert_eq!((ended.sum("events"), events.len()), (5, 5));
    assert_eq!((count(&events, "messages.status."), count(&events, "messages.text")), (3, 2));
}

#[test]
fn support_desk_ends_with_the_books_balanced() {
    let (_, events) = plays("support-desk", &["--speed", "20"]);
    let numbers: HashSet<&str> = events.iter().map(|event| event["phone_number_id"].as_str().unwrap()).collect();
    assert_eq!((numbers.len(), count(&events, "messages.status.failed")), (2, 1));
}

#[test]
fn template_life_ends_with_the_books_balanced() {
    let (_, events) = plays("template-life", &["--speed", "20"]);
    assert_eq!(count(&events, "message_template_status_update."), 8);
}

#[test]
fn account_trouble_ends_with_the_books_balanced() {
    let (_, events) = plays("account-trouble", &["--speed", "20"]);
    assert_eq!(count(&events, "security."), 3);
}

#[test]
fn coexistence_ends_with_the_books_balanced() {
    let (_, events) = plays("coexistence", &["--speed", "20"]);
    assert_eq!((count(&events, "history.chunk"), count(&events, "smb_app_state_sync")), (6, 2));
}

#[test]
fn calls_end_with_the_books_balanced() {
    let (_, events) = plays("calls", &["--speed", "40"]);
    assert_eq!((count(&events, "calls.connect"), count(&events, "calls.terminate")), (3, 4));
}

#[test]
fn a_storm_ends_with_the_books_balanced() {
    let (ended, events) = plays("storm", &["--speed", "5"]);
    assert_eq!((ended.sum("events"), events.len()), (1_000, 1_000));
    assert!(ended.sum("strange") > 0 && ended.sum("retried") > 0);
}

#[test]
fn a_bad_day_ends_with_the_books_balanced_and_one_seed_repeats_it() {
    let bodies = |ended: &Ended| -> Vec<(u64, Value, Value)> {
        let mut all: Vec<_> = ended
            .attempts()
            .map(|one| (one["notification"].as_u64().unwrap(), one["types"].clone(), one["habit"].clone()))
            .collect();
        all.sort_by_key(|(number, _, _)| *number);
        all
    };
    let arguments = ["--bad-day", "--speed", "20", "--large", "40", "--outage", "2days"];
    let (first, _) = plays("support-desk", &arguments);
    let (second, _) = plays("support-desk", &arguments);
    assert!(first.attempts().any(|attempt| attempt["habit"] == "large"));
    assert_eq!(first.sum("events"), second.sum("events"));
    assert_eq!(bodies(&first), bodies(&second));
}

#[test]
fn a_receiver_that_is_down_for_a_while_gets_everything_in_the_end() {
    let sink = Sink::start_with(None, None);
    let home = Home::bare();
    let mut refused = 0;
    sink.answer(move |arrival| {
        if arrival.path.contains("hub.challenge=") {
            return Say::Status(200);
        }
        refused += 1;
        Say::Status(if refused <= 6 { 503 } else { 200 })
    });
    let url = sink.url("/hook");
    let ended = emulate(&home, &["--to", &url, "--speed", "1000", "--no-handshake"]);
    assert_eq!((ended.code, ended.sum("acknowledged"), ended.sum("pending")), (Some(0), 5, 0));
    assert_eq!(ended.sum("retried"), 6);
    let retry = ended.lines.iter().find(|line| line["what"] == "retry").unwrap();
    assert_eq!(retry["after_seconds"], 0, "the first at once");
    // The secret that it tells a newcomer is the one that signs.
    let arrival = &sink.at_path("/hook")[0];
    let expected = support::meta::signature("emulator-app-secret", &arrival.body);
    assert_eq!(arrival.header("x-hub-signature-256"), expected);
    assert_eq!((arrival.header("user-agent"), arrival.header("accept")), ("facebookexternalua", "*/*"));
}

#[test]
fn what_never_gets_a_200_fails_and_so_does_a_receiver_that_takes_forgeries() {
    let sink = Sink::start_with(None, None);
    let home = Home::bare();
    let url = sink.url("/hook");
    sink.answer(|_| Say::Status(500));
    let never = emulate(&home, &["--to", &url, "--speed", "1000000", "--no-handshake"]);
    assert_eq!((never.code, never.sum("given_up"), never.sum("acknowledged")), (Some(1), 5, 0));
    sink.answer(|_| Say::Status(200));
    let blind = emulate(&home, &["--to", &url, "--speed", "20", "--no-handshake", "--wrong-signature", "100"]);
    assert_eq!((blind.code, blind.sum("forged_taken"), blind.sum("pending")), (Some(1), 5, 0));
}

#[test]
fn nothing_is_sent_before_the_receiver_proved_itself() {
    let sink = Sink::start_with(None, None);
    let home = Home::bare();
    let ended = emulate(&home, &["--to", &sink.url("/hook")]);
    assert_eq!(ended.code, Some(1));
    let said = "Response does not match challenge, expected value=";
    assert!(ended.told.contains(said) && ended.told.contains("nothing was sent"), "{}", ended.told);
    let [asked] = sink.ledger().try_into().unwrap_or_else(|all| panic!("one request: {all:?}"));
    assert!(asked.path.starts_with("/hook?hub.mode=subscribe&hub.challenge="), "{}", asked.path);
    assert!(asked.path.ends_with("&hub.verify_token=emulator-verify-token"), "{}", asked.path);
    let nowhere = emulate(&home, &[]);
    assert_eq!(nowhere.code, Some(4), "{}", nowhere.told);
    let unknown = emulate(&home, &["--scenario", "helo"]);
    assert!(unknown.code == Some(2) && unknown.told.contains("there are: hello, support-desk"), "{}", unknown.told);
}

/// An emulator that stays.
struct Staying {
    child: Child,
    graph: SocketAddr,
    lines: BufReader<std::process::ChildStdout>,
}

impl Staying {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command(&["emulate", "--json", "--graph", "127.0.0.1:0"]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let begin: Value = serde_json::from_str(&first).unwrap();
        let graph = begin["graph"].as_str().unwrap().trim_start_matches("http://").parse().unwrap();
        Self { child, graph, lines }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value, wire::Reply) {
        let headers = [("Authorization", "Bearer any-token"), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let reply = wire::exchange(self.graph, &wire::request(method, path, &headers, body.as_bytes())).unwrap();
        (reply.status, serde_json::from_slice(&reply.body).unwrap(), reply)
    }

    /// Ctrl-C, and what it said at the end.
    fn interrupt(mut self) -> Ended {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code();
        let lines = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        Ended { code, lines, told: String::new() }
    }
}

#[test]
fn a_send_through_the_graph_side_is_followed_by_its_statuses() {
    let (sink, home, gateway) = stage();
    home.write("quiet.toml", "[[numbers]]\ncoexistence = true\n[[contacts]]\nname = 'zoe'\nwa-id = '16505551234'\n");
    let meta = Staying::start(&home, &["--scenario", "quiet.toml", "--speed", "20"]);
    let send = json!({ "messaging_product": "whatsapp", "to": "16505551234", "text": { "body": "hi" } });
    let (status, answer, reply) = meta.call("POST", "/v26.0/106540352242922/messages", &send);
    assert_eq!(status, 200);
    for header in [
        "x-app-usage",
        "x-business-use-case-usage",
        "facebook-api-version",
        "x-fb-request-id",
        "x-fb-trace-id",
        "x-fb-debug",
    ] {
        assert!(reply.header(header).is_some(), "{header}");
    }
    let wamid = answer["messages"][0]["id"].as_str().unwrap();
    let types = || -> Vec<String> {
        let events = gateway.api.events();
        let mine = events.iter().filter(|event| event["key"].as_str().unwrap().contains(wamid));
        mine.map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    };
    let mut found = until("three statuses", || Some(types()).filter(|types| types.len() == 3));
    found.sort();
    assert_eq!(found, ["messages.status.delivered", "messages.status.read", "messages.status.sent"]);

    let sync = json!({ "messaging_product": "whatsapp", "sync_type": "history" });
    assert_eq!(meta.call("POST", "/106540352242922/smb_app_data", &sync).0, 200);
    until_true("the history", || count(&gateway.api.events(), "history.chunk") == 6);
    let (again, error, _) = meta.call("POST", "/106540352242922/smb_app_data", &sync);
    assert_eq!((again, &error["error"]["code"]), (400, &json!(100)));
    assert!(error["error"]["fbtrace_id"].as_str().unwrap().starts_with('A'));

    let ended = meta.interrupt();
    books_balance(&ended, &gateway, &sink);
    assert!(gateway.stop().success());
}

#[test]
fn an_override_moves_the_webhooks_once_its_receiver_proved_itself() {
    let (_sink, home, gateway) = stage();
    home.write("quiet.toml", "");
    let meta = Staying::start(&home, &["--scenario", "quiet.toml", "--speed", "50"]);
    let other = Sink::start_with(None, None);
    let set = json!({ "override_callback_uri": other.url("/own"), "verify_token": "own-token" });
    let path = "/v26.0/102290129340398/subscribed_apps";
    let (status, error, _) = meta.call("POST", path, &set);
    assert_eq!((status, &error["error"]["code"]), (400, &json!(2200)));
    assert!(error["error"]["message"].as_str().unwrap().contains("Response does not match challenge"), "{error}");
    // A gateway proves itself by its own token.
    let own = format!("http://{}/webhooks/main", gateway.receive);
    let wrong = json!({ "override_callback_uri": own, "verify_token": "wrong" });
    let (_, error, _) = meta.call("POST", path, &wrong);
    assert!(error["error"]["message"].as_str().unwrap().contains("HTTP Status Code = 403"), "{error}");
    let right = json!({ "webhook_configuration": { "override_callback_uri": own, "verify_token": VERIFY_TOKEN } });
    assert_eq!(meta.call("POST", "/106540352242922", &right).1, json!({ "success": true }));
    let read = meta.call("GET", "/106540352242922?fields=webhook_configuration", &Value::Null).1;
    assert_eq!(read["webhook_configuration"]["phone_number"], json!(own));
    assert!(other.at_path("/own").is_empty(), "nothing but the question came there");
    assert_eq!(meta.interrupt().code, Some(0));
}

#[test]
fn a_load_is_written_down_and_nothing_of_it_is_lost() {
    let (sink, home, gateway) = stage();
    let arguments = ["--load", "400/s", "--for", "2s", "--seed", "3", "--ledger", "ledger.jsonl"];
    let ended = emulate(&home, &arguments);
    assert_eq!((ended.code, ended.sum("pending")), (Some(0), 0), "{}", ended.told);
    let ledger = std::fs::read_to_string(home.path().join("ledger.jsonl")).unwrap();
    let lines: Vec<Value> = ledger.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sent: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["events"].as_array())
        .flatten()
        .map(|event| event.as_str().unwrap())
        .collect();
    let acknowledged = lines.iter().filter(|line| line["status"] == 200).count();
    assert_eq!(u64::try_from(sent.len()).unwrap(), ended.sum("events"));
    assert_eq!(u64::try_from(acknowledged).unwrap(), ended.sum("bodies"));
    assert!((700..=1_900).contains(&sent.len()), "{}", sent.len());
    until_true("that nothing is owed", || gateway.api.total("owed") == 0);
    let events = gateway.api.events();
    assert_eq!(events.len(), sent.len());
    assert_eq!(sink.ledger().len(), sent.len());
    assert!(ended.sums()["latency_ms"]["p99"].as_f64().unwrap() > 0.0);
    assert!(gateway.stop().success());
}

#[test]
fn a_status_can_come_before_the_answer_to_the_send_call() {
    let sink = Sink::start_with(None, None);
    let home = Home::bare();
    home.write("quiet.toml", "[[contacts]]\nname = 'zoe'\nreads = false\n");
    let to = ["--scenario", "quiet.toml", "--to", &sink.url("/hook"), "--no-handshake"];
    let send = json!({ "messaging_product": "whatsapp", "to": "1", "text": { "body": "hi" } });
    for (percent, first) in [("100", "attempt"), ("0", "graph")] {
        let before = sink.ledger().len();
        let meta = Staying::start(&home, &[&to[..], &["--status-before-answer", percent]].concat());
        assert_eq!(meta.call("POST", "/106540352242922/messages", &send).0, 200);
        until_true("its statuses", || sink.ledger().len() >= before + 2);
        assert_eq!(meta.interrupt().lines[0]["what"], first);
    }
}

#[test]
fn a_second_secret_signs_its_share_and_a_load_has_no_faults() {
    let sink = Sink::start_with(Some("another-secret"), None);
    let home = Home::bare();
    let url = sink.url("/hook");
    let arguments = ["--to", &url, "--no-handshake", "--speed", "50", "--other-secret", "another-secret"];
    let ended = emulate(&home, &[&arguments[..], &["--second-secret", "100"]].concat());
    assert_eq!((ended.code, sink.ledger().len()), (Some(0), 5), "the sink checks the signatures");
    let load = emulate(&home, &["--to", &url, "--load", "1/s", "--duplicates", "5"]);
    assert!(load.code == Some(2) && load.told.contains("cannot be used with"), "{}", load.told);
}

#[test]
fn a_stop_with_something_pending_fails() {
    let sink = Sink::start_with(None, None);
    sink.answer(|_| Say::Status(500));
    let home = Home::bare();
    let meta = Staying::start(&home, &["--to", &sink.url("/hook"), "--no-handshake"]);
    sink.wait_for(2);
    let ended = meta.interrupt();
    assert_eq!((ended.code, ended.sum("acknowledged")), (Some(1), 0));
    assert!(ended.sum("pending") >= 1 && ended.sum("retried") >= 1);
}

#[test]
fn a_client_certificate_is_made_once_and_its_key_is_the_owners() {
    let sink = Sink::start_with(None, None);
    let home = Home::bare();
    let url = sink.url("/hook");
    let arguments = ["--to", &url, "--no-handshake", "--speed", "50", "--mtls", "tls"];
    let files = || ["ca.pem", "client.pem", "client.key"].map(|name| std::fs::read(home.path().join("tls").join(name)));
    let first = emulate(&home, &arguments);
    assert!(first.code == Some(0) && first.told.contains("client.webhooks.fbclientcerts.com"), "{}", first.told);
    let made = files().map(Result::unwrap);
    let second = emulate(&home, &arguments);
    assert_eq!(second.code, Some(0));
    assert_eq!(files().map(Result::unwrap), made);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let key = std::fs::metadata(home.path().join("tls/client.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_batch_has_several_accounts_fields_and_entries_and_is_taken_whole() {
    let (sink, home, gateway) = stage();
    let script: String = ["write", "answer", "event", "write", "event"]
        .iter()
        .enumerate()
        .map(|(n, act)| {
            let waba = if n % 2 == 0 { "1" } else { "2" };
            let kind = if *act == "event" { "type = 'account_update.verified_account'" } else { "" };
            format!("[[script]]\ndo = '{act}'\nafter = '1ms'\nnumber = '1{waba}'\n{kind}\n")
        })
        .collect();
    let numbers = "[[numbers]]\nid = '11'\nwaba = '1'\n[[numbers]]\nid = '12'\nwaba = '2'\n";
    home.write("two.toml", &format!("[[wabas]]\nid = '1'\n[[wabas]]\nid = '2'\n{numbers}{script}"));
    let ended = emulate(&home, &["--scenario", "two.toml", "--batch", "5", "--speed", "2", "--seed", "1"]);
    books_balance(&ended, &gateway, &sink);
    let largest = ended.attempts().map(|one| one["events"].as_u64().unwrap()).max();
    assert_eq!(largest, Some(5));
    let wabas: HashSet<String> = gateway.api.events().iter().map(|event| event["waba_id"].to_string()).collect();
    assert_eq!(wabas.len(), 2);
    assert!(gateway.stop().success());
}

#[test]
fn scenarios_are_listed_and_printed() {
    let home = Home::bare();
    let list = emulate(&home, &["--list"]);
    let names: Vec<&str> = list.lines.iter().map(|line| line["scenario"].as_str().unwrap()).collect();
    let expected = ["hello", "support-desk", "template-life", "account-trouble", "coexistence", "calls", "storm"];
    assert_eq!(names, expected);
    let printed = home.command(&["emulate", "--show", "calls"]).output().unwrap();
    home.write("own.toml", &String::from_utf8(printed.stdout).unwrap());
    let own = emulate(&home, &["--scenario", "own.toml", "--to", "http://127.0.0.1:9/", "--secret", SECRET]);
    assert!(own.code == Some(1) && own.told.contains("curl_errno = 7"), "{}", own.told);
}
