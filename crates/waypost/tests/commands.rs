//! The commands that talk to a gateway, against a real one with a real store.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may fail loudly")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use gateway::clock::Clock;
use gateway::secret::{Sealer, Secret};
use gateway::settings::{AdminSettings, AppSettings, OutboundSettings, ReceiveSettings};
use gateway::{Parts, Running, Settings};
use serde_json::Value;
use store::{Embedded, EmbeddedOptions, Retention};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const TOKEN: &str = "local-token";
const APP_SECRET: &str = "app-secret";
const MESSAGE: &[u8] = include_bytes!("../../../fixtures/payloads/messages/text.json");
const PIN_CHANGE: &[u8] = include_bytes!("../../../fixtures/payloads/security/pin-changed.synth.json");

/// A gateway whose endpoints cannot be reached, in a folder where commands find it.
struct Gateway {
    folder: tempfile::TempDir,
    runtime: Runtime,
    running: Option<Running>,
    receive: SocketAddr,
}

struct Ran {
    code: i32,
    out: String,
    told: String,
}

impl Gateway {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let store = folder.path().join("waypost-data");
        let (running, receive, admin) = runtime.block_on(start(&store));
        let local = format!(r#"{{"admin_url":"http://{admin}","token":"{TOKEN}"}}"#);
        std::fs::write(store.join("local.json"), local).unwrap();
        Self { folder, runtime, running: Some(running), receive }
    }

    /// Sends a body as Meta does; it must be kept.
    fn receive(&self, body: &[u8]) {
        let signature = gateway::sign::hub_signature(&Secret::new(APP_SECRET), body);
        let head = format!(
            "POST /webhooks/main HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nx-hub-signature-256: {signature}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(self.receive).unwrap();
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.folder.path(), arguments)
    }

    /// The standard output of a command that must go well.
    #[track_caller]
    fn out(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.told);
        ran.out
    }

    /// The one JSON value that it prints.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.out(&[arguments, &["--json"]].concat())).unwrap()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn start(folder: &Path) -> (Running, SocketAddr, SocketAddr) {
    let receive = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (receive_at, admin_at) = (receive.local_addr().unwrap(), admin.local_addr().unwrap());
    let app = AppSettings {
        name: "main".to_owned(),
        app_id: None,
        group: None,
        paths: vec!["/webhooks/main".to_owned()],
        verify_token: Secret::new("token"),
        secrets: vec![Secret::new(APP_SECRET)],
    };
    let settings = Settings {
        development: true,
        receive: ReceiveSettings::default(),
        admin: AdminSettings { listen: admin_at, local_token: Some(Secret::new(TOKEN)) },
        apps: vec![app],
        endpoints: Vec::new(),
        outbound: OutboundSettings { in_flight_max: 8, ..OutboundSettings::default() },
        retention: Retention { body_days: 7, metadata_days: 30, key_days: 8, store_bytes_max: None },
    };
    let parts = Parts {
        settings,
        store: Arc::new(Embedded::open(EmbeddedOptions::new(folder)).unwrap()),
        sealer: Sealer::new(&[7; 32]),
        clock: Clock::System,
        receive,
        admin,
    };
    (gateway::start(parts).await.unwrap(), receive_at, admin_at)
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WAYPOST_") {
            command.env_remove(name);
        }
    }
    let output = command.env("HUB", "hunter2").output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        told: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn what_was_received_is_listed_found_and_shown_with_its_delivery() {
    let gateway = Gateway::start();
    gateway.out(&["endpoints", "add", "--id", "crm", "--to", "http://127.0.0.1:9/", "--field", "messages", "--paused"]);
    gateway.receive(MESSAGE);

    let event = gateway.json(&["events", "--type", "messages.*", "--since", "1h"]);
    let id = event["id"].as_str().unwrap();
    assert_eq!(event["type"], "messages.text");
    assert_eq!(gateway.out(&["events", "--unrouted"]), "");

    let found = gateway.out(&["events", "find", event["message_id"].as_str().unwrap()]);
    assert!(found.contains(&format!("\t{id}\tmessages.text\t")), "{found}");
    assert_eq!(gateway.json(&["events", "find", "+1 650 555 1234"])["id"], id);

    let shown = gateway.out(&["events", "show", id]);
    assert!(shown.contains("\n  \"text\": {\n"), "{shown}");
    assert_eq!(gateway.json(&["events", "show", id])["deliveries"][0]["endpoint"], "crm");

    let delivery = gateway.json(&["deliveries", "--endpoint", "crm", "--state", "owed"]);
    let number = delivery["number"].to_string();
    assert!(gateway.out(&["deliveries", "show", &number]).contains("owed\n"));
    assert_eq!(gateway.json(&["deliveries", "show", &number])["event_id"], id);
}

#[test]
fn inspect_gives_an_event_the_id_the_key_and_the_lane_that_the_gateway_gives_it() {
    let gateway = Gateway::start();
    for body in [MESSAGE, PIN_CHANGE] {
        gateway.receive(body);
    }
    std::fs::write(gateway.folder.path().join("1.json"), MESSAGE).unwrap();
    std::fs::write(gateway.folder.path().join("2.json"), PIN_CHANGE).unwrap();
    let lines = |out: String| -> Vec<Value> { out.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let mut kept = lines(gateway.out(&["events", "--json"]));
    kept.reverse();
    let inspected = lines(gateway.out(&["inspect", "1.json", "2.json"]));
    assert_eq!(kept.len(), 2);
    for (kept, inspected) in kept.iter().zip(&inspected) {
        for member in ["id", "type", "key", "lane", "phone_number_id", "waba_id", "occurred_at", "problems", "data"] {
            assert_eq!(kept[member], inspected[member], "{member}");
        }
    }
}

#[test]
fn an_endpoint_is_made_changed_paused_resumed_and_removed() {
    let gateway = Gateway::start();
    let made = gateway.run(&[
        "endpoints",
        "add",
        "--id",
        "crm",
        "--to",
        "http://127.0.0.1:9/",
        "--hub-secret",
        "env:HUB",
        "--no-tests",
    ]);
    assert_eq!(made.code, 0, "{}", made.told);
    assert!(made.out.contains("webhook secret  whsec_"), "{}", made.out);
    assert!(!made.out.contains("hunter2") && made.told.contains("shown this once"));

    gateway.out(&["endpoints", "update", "crm", "--to", "http://127.0.0.1:10/", "--lane-hold", "forever"]);
    let shown = gateway.json(&["endpoints", "show", "crm"]);
    assert_eq!(shown["url"], "http://127.0.0.1:10/");
    assert_eq!((shown["has_hub_secret"].as_bool(), &shown["lane_hold_ms"]), (Some(true), &Value::Null));
    assert_eq!(shown["rules"][0]["test"], false);
    gateway.out(&["endpoints", "update", "crm", "--everything"]);
    assert_eq!(gateway.json(&["endpoints", "show", "crm"])["lane_hold_ms"], Value::Null);

    assert_eq!(gateway.out(&["endpoints", "pause", "crm"]), "paused crm\n");
    assert!(gateway.out(&["endpoints", "list"]).starts_with("crm\tpaused\t0\tmeta\teverything\t"));
    assert_eq!(gateway.json(&["endpoints", "resume", "crm"])["resumed"], "crm");

    let unsure = gateway.run(&["endpoints", "remove", "crm"]);
    assert_eq!((unsure.code, unsure.told.contains("--yes")), (2, true), "{}", unsure.told);
    gateway.out(&["endpoints", "remove", "crm", "--yes"]);
    let gone = gateway.run(&["endpoints", "show", "crm"]);
    assert_eq!((gone.code, gone.told.contains("(not_found)")), (1, true), "{}", gone.told);
}

#[test]
fn declared_endpoints_are_planned_and_applied() {
    let gateway = Gateway::start();
    let file = gateway.folder.path().join("waypost.toml");
    let endpoint = "development = true\n[[endpoints]]\nname = \"crm\"\nurl = \"http://127.0.0.1:9/\"\n";
    std::fs::write(&file, format!("{endpoint}hub_secret = \"env:HUB\"\n")).unwrap();
    let plan = gateway.run(&["apply", "--plan"]);
    assert_eq!((plan.code, plan.out.as_str()), (7, "create\tcrm\t-\n"), "{}", plan.told);
    assert_eq!(gateway.out(&["apply"]), "create\tcrm\t-\n");
    assert_eq!(gateway.out(&["apply", "--plan"]), "");

    let updated = gateway.run(&["endpoints", "update", "crm", "--concurrency-max", "3"]);
    assert!(updated.told.contains("declared in the configuration"), "{}", updated.told);
    std::fs::write(&file, endpoint).unwrap();
    let plan = gateway.run(&["apply", "--plan"]);
    assert_eq!(plan.out, "change\tcrm\tdeclared, concurrency_max, hub_secret\n");
    gateway.out(&["apply"]);

    std::fs::write(&file, "development = true\n").unwrap();
    let paused = gateway.run(&["apply"]);
    assert_eq!(paused.out, "pause\tcrm\t-\n");
    assert!(paused.told.contains("declared no longer"), "{}", paused.told);
    assert_eq!(gateway.out(&["apply", "--prune"]), "remove\tcrm\t-\n");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(gateway.run(&["apply"]).code, 2);
}

#[test]
fn a_key_lets_in_from_elsewhere_until_it_is_revoked() {
    let gateway = Gateway::start();
    let key = gateway.out(&["keys", "create", "--name", "ci", "--scope", "read"]);
    let local = std::fs::read_to_string(gateway.folder.path().join("waypost-data/local.json")).unwrap();
    let local: Value = serde_json::from_str(&local).unwrap();
    let url = local["admin_url"].as_str().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let status = |key: &str| run(elsewhere.path(), &["status", "--url", url, "--api-key", key]);
    assert_eq!(status(key.trim()).code, 0);
    let listed = gateway.json(&["keys", "list"]);
    assert!(!listed.to_string().contains(key.trim()));
    gateway.out(&["keys", "revoke", listed["id"].as_str().unwrap()]);
    let refused = status(key.trim());
    assert_eq!((refused.code, refused.told.contains("(unauthorized)")), (1, true), "{}", refused.told);
    assert!(!refused.told.contains(key.trim()));
}

#[test]
fn one_screen_says_how_the_gateway_is() {
    let gateway = Gateway::start();
    gateway.receive(MESSAGE);
    let screen = gateway.out(&["status"]);
    for wanted in ["ready      yes\n", "gateway    ", "1 unrouted\n", "refused    nothing since the start", "\nmain\t"]
    {
        assert!(screen.contains(wanted), "{wanted:?} in {screen}");
    }
    assert_eq!(gateway.json(&["status"])["totals"]["events"], 1);
    assert_eq!(gateway.json(&["apps"])["callback_paths"][0], "/webhooks/main");
}

#[test]
fn a_number_that_is_set_is_listed() {
    let gateway = Gateway::start();
    gateway.out(&["numbers", "set", "+1 (555) 000", "77", "--waba", "5"]);
    assert_eq!(gateway.out(&["numbers", "list"]), "main\t1555000\t77\t5\n");
}

#[test]
fn a_gateway_that_has_stopped_is_told_as_unreachable() {
    let mut gateway = Gateway::start();
    gateway.stop();
    let ran = gateway.run(&["status"]);
    assert_eq!((ran.code, ran.told.contains("waypost serve")), (4, true), "{}", ran.told);
}
