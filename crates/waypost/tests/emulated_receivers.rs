//! The emulator judged by receivers that nobody here wrote: pywa's server and handlers, the package `whatsapp-api-js`, and the
//! handlers of the documentation under Express and FastAPI. Each takes what it knows and refuses a flipped byte.
//!
//! Where the packages are: see `consumers.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may fail loudly"
)]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;
use support::consumer::Consumer;
use support::gateway::Home;
use support::meta::{self, Text};

const SECRET: &str = "a-secret-of-the-test";
const VERIFY_TOKEN: &str = "a-token-of-the-test";
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/examples");

/// One thing to send, and how the receiver should tell of it.
struct Row {
    /// The event type, or the documented body.
    of: &'static str,
    /// Where its id is.
    at: &'static str,
    /// What the receiver calls it.
    told: &'static str,
}

const fn row(of: &'static str, at: &'static str, told: &'static str) -> Row {
    Row { of, at, told }
}

const MESSAGE: &str = "messages[0].id";
const STATUS: &str = "statuses[0].id";
const ECHO: &str = "message_echoes[0].id";

/// Every message and status that pywa has a handler for, and the handler.
const PYWA: [Row; 41] = [
    row("messages.text", MESSAGE, "MessageHandler text"),
    row("messages.image", MESSAGE, "MessageHandler image"),
    row("messages.video", MESSAGE, "MessageHandler video"),
    row("messages.document", MESSAGE, "MessageHandler document"),
    row("messages.audio", MESSAGE, "MessageHandler audio"),
    row("messages.sticker", MESSAGE, "MessageHandler sticker"),
    row("messages.reaction", MESSAGE, "MessageHandler reaction"),
    row("messages.location", MESSAGE, "MessageHandler location"),
    row("messages.contacts", MESSAGE, "MessageHandler contacts"),
    row("messages.order", MESSAGE, "MessageHandler order"),
    row("messages.unsupported", MESSAGE, "MessageHandler unsupported"),
    row("messages.button", MESSAGE, "CallbackButtonHandler button"),
    row("messages.interactive.button_reply", MESSAGE, "CallbackButtonHandler interactive"),
    row("messages.interactive.list_reply", MESSAGE, "CallbackSelectionHandler interactive"),
    row("messages/interactive-nfm-reply-flow", MESSAGE, "FlowCompletionHandler interactive"),
    row("messages.interactive.call_permission_reply", MESSAGE, "CallPermissionUpdateHandler interactive"),
    row("messages.system.user_changed_number", MESSAGE, "PhoneNumberChangeHandler system"),
    row("messages.edit", MESSAGE, "EditedMessageHandler image"),
    row("messages.revoke", MESSAGE, "DeletedMessageHandler revoke"),
    row("messages.status.sent", STATUS, "MessageStatusHandler sent"),
    row("messages.status.delivered", STATUS, "MessageStatusHandler delivered"),
    row("messages.status.read", STATUS, "MessageStatusHandler read"),
    row("messages.status.played", STATUS, "MessageStatusHandler played"),
    row("messages.status.failed", STATUS, "MessageStatusHandler failed"),
    row("calls.connect", "calls[0].id", "CallConnectHandler -"),
    row("calls.terminate", "calls[0].id", "CallTerminateHandler FAILED"),
    row("calls.status.ringing", STATUS, "CallStatusHandler RINGING"),
    row("calls.status.accepted", STATUS, "CallStatusHandler ACCEPTED"),
    row("calls.status.rejected", STATUS, "CallStatusHandler REJECTED"),
    row("messages/text-group", MESSAGE, "MessageHandler text"),
    row("messages/text-ctwa-ad", MESSAGE, "MessageHandler text"),
    row("messages/status-group-read", STATUS, "GroupMessageStatusesHandler read"),
    row("messages.request_welcome", MESSAGE, "MessageHandler request_welcome"),
    row("messages.system.user_changed_user_id", MESSAGE, "PhoneNumberChangeHandler system"),
    row("messages.system.customer_changed_number", MESSAGE, "PhoneNumberChangeHandler system"),
    row("messages.system.customer_identity_changed", MESSAGE, "IdentityChangeHandler system"),
    row("messages.interactive.nfm_reply", MESSAGE, "FlowCompletionHandler interactive"),
    row("smb_message_echoes.text", ECHO, "OutgoingMessageHandler text"),
    row("smb_message_echoes.image", ECHO, "OutgoingMessageHandler image"),
    row("smb_message_echoes.edit", ECHO, "OutgoingEditedMessageHandler image"),
    row("smb_message_echoes.revoke", ECHO, "OutgoingDeletedMessageHandler revoke"),
];

/// Every message and status that `whatsapp-api-js` knows.
const API_JS: [Row; 22] = [
    row("messages.text", MESSAGE, "text"),
    row("messages.image", MESSAGE, "image"),
    row("messages.video", MESSAGE, "video"),
    row("messages.document", MESSAGE, "document"),
    row("messages.audio", MESSAGE, "audio"),
    row("messages.sticker", MESSAGE, "sticker"),
    row("messages.reaction", MESSAGE, "reaction"),
    row("messages.location", MESSAGE, "location"),
    row("messages.contacts", MESSAGE, "contacts"),
    row("messages.order", MESSAGE, "order"),
    row("messages.unsupported", MESSAGE, "unsupported"),
    row("messages.button", MESSAGE, "button"),
    row("messages.interactive.button_reply", MESSAGE, "interactive"),
    row("messages.interactive.list_reply", MESSAGE, "interactive"),
    row("messages.interactive.nfm_reply", MESSAGE, "interactive"),
    row("messages.system.user_changed_number", MESSAGE, "system"),
    row("messages.request_welcome", MESSAGE, "request_welcome"),
    row("messages.edit", MESSAGE, "edit"),
    row("messages.status.sent", STATUS, "sent"),
    row("messages.status.delivered", STATUS, "delivered"),
    row("messages.status.read", STATUS, "read"),
    row("messages.status.failed", STATUS, "failed"),
];

fn id(position: usize) -> String {
    format!("wamid.OF-THE-TEST-{position:02}")
}

/// What Meta's pages leave out in places and its captures have, and pywa wants.
fn wanted_by_pywa(of: &str) -> &'static str {
    match of {
        "messages.status.failed" => {
            "'contacts' = [{ wa_id = '16505551234', user_id = 'US.13491208655302741918', profile = { name = 'Z' } }], "
        }
        "messages/status-group-read" => {
            "'contacts' = [{ wa_id = '16505551234', user_id = 'US.1', profile = { name = 'Z' } }], \
             'statuses[0].recipient_participant_user_id' = 'US.1', "
        }
        "messages.system.user_changed_user_id" => "'messages[0].from' = '16505551234', ",
        "messages.system.customer_identity_changed" => {
            "'messages[0].identity' = { acknowledged = true, created_timestamp = '1758254144', hash = 'DF2lS5v2W6x=' }, "
        }
        _ => "",
    }
}

/// A scenario that sends each row once, under an id that we know.
fn scenario(rows: &[Row]) -> String {
    let steps = rows.iter().enumerate().map(|(position, Row { of, at, .. })| {
        let more = wanted_by_pywa(of);
        format!(
            "[[script]]\ndo = 'event'\nafter = '100ms'\ntype = '{of}'\nset = {{ {more}'{at}' = '{}' }}\n",
            id(position)
        )
    });
    steps.collect()
}

/// Sends the scenario to a receiver; it must take everything at the first attempt.
#[track_caller]
fn takes_everything(rows: &[Row], url: &str) {
    let home = Home::bare();
    home.write("every.toml", &scenario(rows));
    let arguments = ["emulate", "--scenario", "every.toml", "--to", url, "--json", "--speed", "10"];
    let mut command = home.command(&arguments);
    command.args(["--secret", SECRET, "--verify-token", VERIFY_TOKEN, "--seed", "1"]).arg("--for").arg("15s");
    let output = command.output().unwrap();
    let (out, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let end: Value = serde_json::from_str(out.lines().last().unwrap_or_else(|| panic!("{told}"))).unwrap();
    assert_eq!(output.status.code(), Some(0), "{out}{told}");
    let all = u64::try_from(rows.len()).unwrap();
    assert_eq!((end["acknowledged"].as_u64(), end["requests"].as_u64()), (Some(all), Some(all)), "{out}");
}

/// The lines that a receiver prints, as JSON.
fn told(consumer: &Consumer, count: usize) -> Vec<Value> {
    consumer.lines(count).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn pywa_calls_the_right_handler_for_every_message_and_status_that_it_knows() {
    let Some(bot) = Consumer::python("pywa_every.py", &[SECRET, VERIFY_TOKEN]) else { return };
    takes_everything(&PYWA, &format!("http://{}/", bot.at));
    let told = told(&bot, PYWA.len());
    let word = |one: &Value| {
        let of = ["status", "type"].into_iter().find_map(|name| one[name].as_str()).unwrap_or("-");
        format!("{} {of}", one["handler"].as_str().unwrap())
    };
    let found: BTreeSet<(String, String)> =
        told.iter().map(|one| (one["id"].as_str().unwrap().to_owned(), word(one))).collect();
    let expected: BTreeSet<(String, String)> =
        PYWA.iter().enumerate().map(|(position, row)| (id(position), row.told.to_owned())).collect();
    assert_eq!(found, expected);
    let of = |event: &str| {
        let position = PYWA.iter().position(|row| row.of == event).unwrap();
        told.iter().find(|one| one["id"] == id(position).as_str()).unwrap()
    };
    assert_eq!(of("messages.text")["from"], "16505551234", "the world's own contact");
    assert!(of("messages.text")["text"].is_string());
    assert!(of("messages.image")["media"].as_str().unwrap().starts_with("image/"));
    assert!(of("messages.status.failed")["code"].is_number());
}

#[test]
fn whatsapp_api_js_calls_its_handlers_for_every_message_and_status_that_it_knows() {
    let Some(receiver) = Consumer::node("whatsapp_api_js.mjs", &[SECRET, VERIFY_TOKEN]) else { return };
    takes_everything(&API_JS, &format!("http://{}/", receiver.at));
    let word = |one: &Value| ["message", "status"].into_iter().find_map(|name| one[name].as_str()).unwrap().to_owned();
    let found: BTreeSet<(String, String)> =
        told(&receiver, API_JS.len()).iter().map(|one| (one["id"].as_str().unwrap().to_owned(), word(one))).collect();
    let expected: BTreeSet<(String, String)> =
        API_JS.iter().enumerate().map(|(position, row)| (id(position), row.told.to_owned())).collect();
    assert_eq!(found, expected);
}

/// Signed right it is taken; with a byte flipped, unsigned or signed by another it is refused.
#[track_caller]
fn refuses_a_flipped_byte(receiver: &Consumer, path: &str) {
    let body = Text::new("wamid.FLIPPED").body();
    let judged = |signature: &str, body: &[u8]| {
        let headers = [("x-hub-signature-256", signature), ("content-type", "application/json")];
        receiver.judges_at(path, &headers, body)
    };
    let signature = meta::signature(SECRET, &body);
    for position in [0, body.len() / 2, body.len() - 1] {
        let mut flipped = body.clone();
        flipped[position] ^= 1;
        assert!((400..=500).contains(&judged(&signature, &flipped)), "byte {position}");
    }
    assert!((400..500).contains(&judged(&meta::signature("another", &body), &body)));
    assert!((400..=500).contains(&receiver.judges_at(path, &[("content-type", "application/json")], &body)));
    assert_eq!(judged(&signature, &body), 200);
}

#[test]
fn the_libraries_refuse_a_flipped_byte() {
    let Some(bot) = Consumer::python("pywa_every.py", &[SECRET, VERIFY_TOKEN]) else { return };
    refuses_a_flipped_byte(&bot, "/");
    let Some(receiver) = Consumer::node("whatsapp_api_js.mjs", &[SECRET, VERIFY_TOKEN]) else { return };
    refuses_a_flipped_byte(&receiver, "/");
}

/// A ready scenario goes through an example of the documentation.
#[track_caller]
fn serves_as_a_handler(example: &Consumer) {
    let home = Home::bare();
    let url = format!("http://{}/webhook", example.at);
    let mut command = home.command(&["emulate", "--scenario", "support-desk", "--to", &url, "--speed", "40"]);
    let output =
        command.args(["--secret", SECRET, "--verify-token", VERIFY_TOKEN, "--batch", "3", "--wrong-signature", "20"]);
    let output = output.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("0 pending, 0 given up"), "{text}");
    assert!(example.lines(10).iter().all(|line| line == "messages"));
    refuses_a_flipped_byte(example, "/webhook");
}

#[test]
fn the_express_handler_of_the_documentation_takes_a_scenario_and_refuses_a_flipped_byte() {
    let Some(mut command) = Consumer::node_command() else { return };
    command.arg(format!("{EXAMPLES}/express.cjs"));
    serves_as_a_handler(&Consumer::example(command, SECRET, VERIFY_TOKEN));
}

#[test]
fn the_fastapi_handler_of_the_documentation_takes_a_scenario_and_refuses_a_flipped_byte() {
    let Some(mut command) = Consumer::python_command() else { return };
    let run = "import os, uvicorn; uvicorn.run('fastapi_app:app', port=int(os.environ['PORT']), log_level='critical')";
    command.args(["-c", run]).current_dir(EXAMPLES).env("PYTHONDONTWRITEBYTECODE", "1");
    serves_as_a_handler(&Consumer::example(command, SECRET, VERIFY_TOKEN));
}

#[test]
fn a_bot_of_pywa_sets_its_callback_sends_and_gets_its_statuses_through_the_graph_side() {
    for scope in ["APP", "WABA", "PHONE"] {
        let home = Home::bare();
        home.write("world.toml", "[[apps]]\ncallback = 'http://127.0.0.1:9/nowhere'\n");
        let arguments = ["emulate", "--json", "--graph", "127.0.0.1:0", "--scenario", "world.toml", "--no-handshake"];
        let mut meta = home.command(&arguments);
        let mut meta = meta.args(["--secret", SECRET, "--speed", "20"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(meta.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
        let begin: Value = serde_json::from_str(&first).unwrap();
        let graph = begin["graph"].as_str().unwrap().to_owned();
        let [app, waba, number] = ["670843887433847", "102290129340398", "106540352242922"];
        let bot = Consumer::python("pywa_graph.py", &[SECRET, &graph, app, waba, number, scope]);
        let told = bot.map(|bot| bot.lines(4));
        meta.kill().unwrap();
        meta.wait().unwrap();
        let Some(told) = told else { return };
        let id = told.iter().find_map(|line| line.strip_prefix("sent ")).unwrap();
        let statuses: Vec<&str> = told.iter().filter_map(|line| line.strip_prefix(&format!("status {id} "))).collect();
        assert_eq!(statuses, ["sent", "delivered", "read"], "{scope}");
    }
}
