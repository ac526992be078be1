//! The facts of Meta's documents and error reports about its Graph API, one by one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use serde_json::json;

use super::*;
use crate::bodies::Stage;
use crate::play::What;
use crate::scenario::Scenario;
use crate::world::{Level, OVERRIDABLE};

const APP: &str = "670843887433847";
const WABA: &str = "102290129340398";
const NUMBER: &str = "106540352242922";
const NOW: i64 = 1_790_000_000;
const OTHER: &str = "https://other.test/hook";

/// A Graph side whose receivers prove themselves whenever they are asked.
struct Desk {
    world: World,
    memory: Memory,
    rng: Rng,
    mischief: Mischief,
    /// Who was asked.
    verified: Vec<Callback>,
}

impl Desk {
    fn of(scenario: &str) -> Self {
        let world = Scenario::parse(scenario).unwrap().world;
        Self {
            world,
            memory: Memory::default(),
            rng: Rng::with_seed(1),
            mischief: Mischief::default(),
            verified: Vec::new(),
        }
    }

    fn usual() -> Self {
        Self::of("[[apps]]\ncallback = 'https://app.test/hook'\n")
    }

    fn call(&mut self, method: &str, path: &str, token: Option<&str>, parameters: Value) -> Reply {
        let Value::Object(parameters) = parameters else { panic!("parameters are an object") };
        let call = Call {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            parameters,
            token: token.map(str::to_owned),
        };
        let Self { world, memory, rng, mischief, .. } = self;
        match plan(world, &call, &mut Moment { now_seconds: NOW, rng, mischief, memory }) {
            Plan::Answer(reply) => reply,
            Plan::Verify { callback, change } => {
                self.verified.push(callback.clone());
                apply(&mut self.world, change, callback)
            }
        }
    }

    fn user(&mut self, method: &str, path: &str, parameters: Value) -> Reply {
        self.call(method, path, Some("a-token"), parameters)
    }

    fn app(&mut self, method: &str, path: &str, parameters: Value) -> Reply {
        self.call(method, path, Some(&format!("{APP}|emulator-app-secret")), parameters)
    }

    fn goes_to(&self, field: &str) -> Vec<(String, Level)> {
        let found = self.world.destinations(WABA, Some(NUMBER), field);
        found.map(|place| (place.callback.url.clone(), place.level)).collect()
    }
}

#[track_caller]
fn succeeded(reply: &Reply) {
    assert_eq!((reply.status, &reply.body), (200, &json!({ "success": true })));
}

#[track_caller]
fn failed(reply: &Reply, status: u16, code: i64) {
    assert_eq!((reply.status, reply.code()), (status, Some(code)), "{}", reply.body);
    let error = &reply.body["error"];
    assert!(error["message"].is_string() && error["type"].is_string(), "{error}");
}

#[test]
fn an_app_subscribes_after_its_receiver_proved_itself() {
    let mut desk = Desk::of("[[apps]]\nsubscribed = false");
    assert_eq!(desk.goes_to("messages"), []);
    let path = format!("/v26.0/{APP}/subscriptions");
    let set = json!({ "object": "whatsapp_business_account", "callback_url": OTHER, "verify_token": "v", "fields": "messages,calls" });
    succeeded(&desk.app("POST", &path, set));
    assert_eq!(desk.verified, [Callback { url: OTHER.to_owned(), verify_token: "v".to_owned() }]);
    assert_eq!(desk.goes_to("messages"), [(OTHER.to_owned(), Level::App)]);
    assert_eq!(desk.goes_to("history"), []);
    let shown = desk.app("GET", &path, json!({})).body;
    let one = &shown["data"][0];
    assert_eq!((&one["object"], &one["callback_url"]), (&json!("whatsapp_business_account"), &json!(OTHER)));
    assert_eq!((&one["active"], one["fields"].as_array().unwrap().len()), (&json!(true), 2));
    assert!(one["fields"][0]["version"].as_str().unwrap().starts_with('v'));
    succeeded(&desk.app("DELETE", &path, json!({ "object": "whatsapp_business_account", "fields": "calls" })));
    assert_eq!((desk.goes_to("calls"), desk.goes_to("messages").len()), (vec![], 1));
    succeeded(&desk.app("DELETE", &path, json!({ "object": "whatsapp_business_account" })));
    assert_eq!(desk.app("GET", &path, json!({})).body, json!({ "data": [] }));
}

#[test]
fn an_apps_subscription_needs_its_own_token_and_known_fields() {
    let mut desk = Desk::usual();
    let path = format!("/{APP}/subscriptions");
    failed(&desk.user("GET", &path, json!({})), 400, 15);
    failed(&desk.call("GET", &path, None, json!({})), 401, 190);
    failed(&desk.call("GET", &path, Some(&format!("{APP}|wrong")), json!({})), 401, 190);
    let good = json!({ "object": "whatsapp_business_account", "callback_url": OTHER, "verify_token": "v", "fields": "messages" });
    for missing in ["object", "callback_url", "verify_token", "fields"] {
        let mut parameters = good.clone();
        parameters.as_object_mut().unwrap().remove(missing);
        let reply = desk.app("POST", &path, parameters);
        failed(&reply, 400, 100);
        assert!(reply.body["error"]["message"].as_str().unwrap().contains(missing), "{}", reply.body);
    }
    let mut unknown = good.clone();
    unknown["fields"] = json!("messages,mesages");
    assert!(desk.app("POST", &path, unknown).body.to_string().contains("fields[1]"));
    let mut other = good;
    other["callback_url"] = json!("nowhere");
    assert_eq!(desk.app("POST", &path, other).body["error"]["message"], "Invalid callback URI format");
    assert!(desk.verified.is_empty());
    failed(&desk.app("GET", "/1/subscriptions", json!({})), 400, 100);
}

#[test]
fn the_receivers_failure_is_told_as_2200() {
    for (error, said) in [
        (HandshakeError::Status(http::StatusCode::NOT_FOUND), "HTTP Status Code = 404; HTTP Message = Not Found"),
        (
            HandshakeError::Timeout(Duration::from_secs(6)),
            "curl_errno = 28; curl_error = Connection timed out after 6000 milliseconds",
        ),
        (
            HandshakeError::Challenge { expected: "39676783".into(), received: "\"39676783\"".into() },
            r#"Response does not match challenge, expected value="39676783", received="\"39676783\"""#,
        ),
    ] {
        let reply = not_verified(&error);
        failed(&reply, 400, 2200);
        let message = reply.body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("(#2200) Callback verification failed with the following errors: "), "{message}");
        assert!(message.ends_with(said) && message.matches("#2200").count() == 1, "{message}");
        assert_eq!(reply.body["error"]["type"], "OAuthException");
    }
}

#[test]
fn an_override_needs_a_subscription_first() {
    let mut desk = Desk::of("[[apps]]\ncallback = 'https://app.test/hook'\n[[wabas]]\napps = []\n");
    let path = format!("/v25.0/{WABA}/subscribed_apps");
    assert_eq!(desk.user("GET", &path, json!({})).body, json!({ "data": [] }));
    let set = json!({ "override_callback_uri": OTHER, "verify_token": "v" });
    let before = desk.user("POST", &path, set.clone());
    failed(&before, 400, 100);
    assert_eq!(
        before.body["error"]["message"],
        "Before override the current callback uri, your app must be subscribed to receive messages for WhatsApp Business Account"
    );
    let of_number = json!({ "webhook_configuration": { "override_callback_uri": OTHER, "verify_token": "v" } });
    failed(&desk.user("POST", NUMBER, of_number), 400, 100);
    assert!(desk.verified.is_empty());
    succeeded(&desk.user("POST", &path, json!({})));
    succeeded(&desk.user("POST", &path, set));
    assert_eq!(desk.goes_to("messages"), [(OTHER.to_owned(), Level::Waba)]);
}

#[test]
fn an_empty_post_removes_the_accounts_override_and_delete_the_subscription() {
    let mut desk = Desk::usual();
    let path = format!("/{WABA}/subscribed_apps");
    succeeded(&desk.user("POST", &path, json!({ "override_callback_uri": OTHER, "verify_token": "v" })));
    let shown = desk.user("GET", &path, json!({})).body;
    assert_eq!(shown["data"][0]["override_callback_uri"], OTHER);
    assert_eq!(shown["data"][0]["whatsapp_business_api_data"]["id"], APP);
    for member in ["link", "name"] {
        assert!(shown["data"][0]["whatsapp_business_api_data"][member].is_string());
    }
    succeeded(&desk.user("POST", &path, json!({})));
    assert_eq!(desk.goes_to("messages"), [("https://app.test/hook".to_owned(), Level::App)]);
    assert!(desk.user("GET", &path, json!({})).body["data"][0].get("override_callback_uri").is_none());
    succeeded(&desk.user("DELETE", &path, json!({})));
    assert_eq!((desk.goes_to("messages"), desk.goes_to("account_update")), (vec![], vec![]));
    assert_eq!(desk.user("GET", &path, json!({})).body, json!({ "data": [] }));
}

#[test]
fn an_override_has_both_its_parts_and_no_more_than_200_characters() {
    let mut desk = Desk::usual();
    let path = format!("/{WABA}/subscribed_apps");
    let alone = desk.user("POST", &path, json!({ "override_callback_uri": OTHER }));
    failed(&alone, 400, 100);
    assert!(alone.body.to_string().contains("verify_token"));
    let long = |length: usize| format!("https://other.test/{}", "x".repeat(length - 19));
    for (length, fine) in [(200, true), (201, false)] {
        let reply = desk.user("POST", &path, json!({ "override_callback_uri": long(length), "verify_token": "v" }));
        assert_eq!(reply.status == 200, fine, "{length}");
        let of_number =
            json!({ "webhook_configuration": { "override_callback_uri": long(length), "verify_token": "v" } });
        assert_eq!(desk.user("POST", NUMBER, of_number).status == 200, fine, "{length}");
    }
    let odd = desk.user("POST", &path, json!({ "override_callback_uri": "ftp://x/", "verify_token": "v" }));
    assert_eq!((odd.status, &odd.body["error"]["message"]), (400, &json!("Invalid callback URI format")));
}

#[test]
fn a_numbers_override_is_set_read_and_deleted_by_an_empty_string() {
    let mut desk = Desk::usual();
    let path = format!("/v26.0/{NUMBER}");
    let fields = json!({ "fields": "webhook_configuration" });
    let of_app = json!({ "webhook_configuration": { "application": "https://app.test/hook" }, "id": NUMBER });
    assert_eq!(desk.user("GET", &path, fields.clone()).body, of_app);
    let set = json!({ "webhook_configuration": { "override_callback_uri": OTHER, "verify_token": "v" } });
    succeeded(&desk.user("POST", &path, set));
    let waba = json!({ "override_callback_uri": "https://waba.test/", "verify_token": "v" });
    succeeded(&desk.user("POST", &format!("/{WABA}/subscribed_apps"), waba));
    let all = json!({ "phone_number": OTHER, "whatsapp_business_account": "https://waba.test/", "application": "https://app.test/hook" });
    assert_eq!(desk.user("GET", &path, fields).body["webhook_configuration"], all);
    assert_eq!(desk.goes_to("messages"), [(OTHER.to_owned(), Level::Number)]);
    succeeded(&desk.user("POST", &path, json!({ "webhook_configuration": { "override_callback_uri": "" } })));
    assert_eq!(desk.goes_to("messages"), [("https://waba.test/".to_owned(), Level::Waba)]);
    failed(&desk.user("POST", &path, json!({})), 400, 100);
    let without = json!({ "webhook_configuration": { "override_callback_uri": OTHER } });
    failed(&desk.user("POST", &path, without), 400, 100);
}

#[test]
fn thirteen_fields_follow_an_override_and_no_other_does() {
    let mut desk = Desk::usual();
    let set = json!({ "override_callback_uri": OTHER, "verify_token": "v" });
    succeeded(&desk.user("POST", &format!("/{WABA}/subscribed_apps"), set));
    let fields = whatsapp::catalogue::fields().iter().map(|field| field.name);
    let (follow, stay): (Vec<_>, Vec<_>) = fields.partition(|field| desk.goes_to(field)[0].1 == Level::Waba);
    assert_eq!(follow.len(), 13);
    assert!(follow.iter().all(|field| OVERRIDABLE.contains(field)), "{follow:?}");
    for field in ["message_template_status_update", "phone_number_quality_update", "security", "account_update"] {
        assert!(stay.contains(&field), "{field}");
    }
}

#[test]
fn a_token_is_described_and_a_bad_one_is_190() {
    let mut desk = Desk::of(
        "[[tokens]]\ntoken = 'good'\n[[tokens]]\ntoken = 'old'\nexpired = true\n\
         [[tokens]]\ntoken = 'reader'\nscopes = ['whatsapp_business_management']\n",
    );
    let data = desk.call("GET", "/debug_token", Some("good"), json!({ "input_token": "good" })).body["data"].clone();
    assert_eq!((&data["app_id"], &data["is_valid"], &data["expires_at"]), (&json!(APP), &json!(true), &json!(0)));
    assert_eq!(data["scopes"], json!(["whatsapp_business_management", "whatsapp_business_messaging"]));
    assert!(data["granular_scopes"].is_array() && data["type"].is_string());
    let data = desk.call("GET", "/debug_token", Some("good"), json!({ "input_token": "old" })).body["data"].clone();
    assert_eq!((&data["is_valid"], &data["error"]["subcode"]), (&json!(false), &json!(463)));
    let path = format!("/{NUMBER}/messages");
    let hello = json!({ "messaging_product": "whatsapp", "to": "1", "text": { "body": "hi" } });
    for (token, subcode) in [("old", 463), ("unknown", 467)] {
        let reply = desk.call("POST", &path, Some(token), hello.clone());
        failed(&reply, 401, 190);
        assert_eq!(reply.body["error"]["error_subcode"], subcode);
    }
    failed(&desk.call("POST", &path, None, hello.clone()), 401, 190);
    failed(&desk.call("POST", &path, Some("reader"), hello), 403, 200);
    let made = json!({ "grant_type": "client_credentials", "client_id": APP, "client_secret": "emulator-app-secret" });
    let token = desk.call("GET", "/oauth/access_token", None, made).body["access_token"].clone();
    assert_eq!(desk.call("GET", &format!("/{APP}/subscriptions"), token.as_str(), json!({})).status, 200);
}

fn text(to: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "hi" }, "biz_opaque_callback_data": "order 7" })
}

fn stages(reply: &Reply) -> Vec<Stage> {
    let stage = |what: &What| {
        let What::Status { stage, opaque, .. } = what else { return None };
        assert_eq!(opaque.as_deref(), Some("order 7"));
        Some(*stage)
    };
    reply.effects.iter().filter_map(|(_, deed)| stage(&deed.what)).collect()
}

#[test]
fn a_send_answers_with_a_wamid_and_causes_its_statuses_in_order() {
    let mut desk = Desk::of(
        "[[contacts]]\nname = 'a'\nwa-id = '1'\n[[contacts]]\nname = 'b'\nwa-id = '2'\nreads = false\n\
         [[contacts]]\nname = 'c'\nwa-id = '3'\nfails = 131026\n[[contacts]]\nname = 'd'\nwa-id = '4'\nreply = 'ok'\n",
    );
    let path = format!("/{NUMBER}/messages");
    let reply = desk.user("POST", &path, text("+1"));
    assert_eq!(reply.body["messaging_product"], "whatsapp");
    assert_eq!(reply.body["contacts"], json!([{ "input": "+1", "wa_id": "1" }]));
    let wamid = reply.body["messages"][0]["id"].as_str().unwrap().to_owned();
    assert!(wamid.starts_with("wamid."));
    assert_eq!(stages(&reply), [Stage::Sent, Stage::Delivered, Stage::Read]);
    assert!(reply.effects.iter().all(|(_, deed)| matches!(&deed.what, What::Status { wamid: of, .. } if *of == wamid)));
    assert!(reply.effects.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(stages(&desk.user("POST", &path, text("2"))), [Stage::Sent, Stage::Delivered]);
    assert_eq!(stages(&desk.user("POST", &path, text("3"))), [Stage::Failed(131_026)]);
    let answered = desk.user("POST", &path, text("4"));
    assert!(matches!(&answered.effects.last().unwrap().1.what, What::Message { text, .. } if text == "ok"));
    assert_eq!(stages(&desk.user("POST", &path, text("4915112345"))).len(), 3, "a stranger is as good as others");
}

#[test]
fn a_send_without_its_parts_is_error_100_and_marking_as_read_succeeds() {
    let mut desk = Desk::usual();
    let path = format!("/{NUMBER}/messages");
    for (parameters, named) in [
        (json!({ "to": "1", "text": { "body": "x" } }), "messaging_product"),
        (json!({ "messaging_product": "sms", "to": "1", "text": { "body": "x" } }), "messaging_product"),
        (json!({ "messaging_product": "whatsapp", "text": { "body": "x" } }), "to"),
        (json!({ "messaging_product": "whatsapp", "to": "1" }), "text"),
        (json!({ "messaging_product": "whatsapp", "to": "1", "text": {} }), "text['body']"),
        (json!({ "messaging_product": "whatsapp", "to": "1", "type": "smell" }), "type"),
        (json!({ "messaging_product": "whatsapp", "to": "1", "type": "image" }), "image"),
        (json!({ "messaging_product": "whatsapp", "to": "1", "type": "template", "template": {} }), "template['name']"),
    ] {
        let reply = desk.user("POST", &path, parameters);
        failed(&reply, 400, 100);
        assert!(reply.body["error"]["message"].as_str().unwrap().contains(named), "{}", reply.body);
        assert!(reply.effects.is_empty());
    }
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A" });
    succeeded(&desk.user("POST", &path, read));
    failed(&desk.user("POST", "/1/messages", text("1")), 400, 100);
    assert_eq!(desk.user("POST", "/1/messages", text("1")).body["error"]["error_subcode"], 33);
}

#[test]
fn a_template_is_sent_only_while_it_is_approved() {
    let mut desk = Desk::of("[[templates]]\nname = 'offer'\ncategory = 'MARKETING'\n");
    let path = format!("/{NUMBER}/messages");
    let send = |name: &str, language: &str| {
        json!({ "messaging_product": "whatsapp", "to": "1", "type": "template", "biz_opaque_callback_data": "order 7",
                "template": { "name": name, "language": { "code": language } } })
    };
    let reply = desk.user("POST", &path, send("offer", "en_US"));
    assert_eq!(reply.body["messages"][0]["message_status"], "accepted");
    assert!(matches!(&reply.effects[0].1.what, What::Status { category, .. } if category == "marketing"));
    failed(&desk.user("POST", &path, send("ofer", "en_US")), 404, 132_001);
    failed(&desk.user("POST", &path, send("offer", "de")), 404, 132_001);
    for (status, code) in [("PAUSED", 132_015), ("DISABLED", 132_016), ("PENDING", 132_001)] {
        desk.world.set_template_status("offer", status);
        assert_eq!(desk.user("POST", &path, send("offer", "en_US")).code(), Some(code), "{status}");
    }
}

#[test]
fn a_number_has_a_throughput_and_an_account_an_hour_of_calls() {
    let mut desk = Desk::usual();
    let path = format!("/{NUMBER}/messages");
    for _ in 0..80 {
        assert_eq!(desk.user("POST", &path, text("1")).status, 200);
    }
    failed(&desk.user("POST", &path, text("1")), 400, 130_429);
    let mut memory = Memory::default();
    let used: Vec<u64> = (0..5_001).map(|_| memory.count(WABA, NOW)).collect();
    assert_eq!((used[49], used[4_999]), (1, 100));
    assert_eq!(memory.count(WABA, NOW + 3_600), 0);
    let headers = usage::headers(Some(WABA), 100);
    assert_eq!((headers[0].0, headers[1].0), ("X-App-Usage", "X-Business-Use-Case-Usage"));
    assert_eq!(usage::headers(None, 0).len(), 1);
    let value: Value = serde_json::from_str(&headers[1].1).unwrap();
    for member in ["type", "call_count", "total_cputime", "total_time", "estimated_time_to_regain_access"] {
        assert!(!value[WABA][0][member].is_null(), "{member}");
    }
    failed(&usage::too_many(), 429, 80_008);
    let call =
        |path: &str| Call { method: Method::GET, path: path.to_owned(), parameters: Map::default(), token: None };
    let mut used = |path: &str| memory.used(&desk.world, &call(path), NOW);
    (0..50).for_each(|_| drop(used(&format!("/v26.0/{NUMBER}"))));
    assert_eq!(
        used(&format!("/{WABA}/subscribed_apps")),
        (Some(WABA.to_owned()), 1),
        "an account and its numbers share"
    );
    assert_eq!(used(&format!("/{NUMBER}/messages")), (Some(WABA.to_owned()), 0), "messages are not counted");
    assert_eq!(used("/debug_token"), (None, 0));
}

#[test]
fn the_one_time_synchronisation_can_be_asked_for_once() {
    let mut desk = Desk::of("[[numbers]]\ncoexistence = true\n");
    let path = format!("/{NUMBER}/smb_app_data");
    let ask = |kind: &str| json!({ "messaging_product": "whatsapp", "sync_type": kind });
    let contacts = desk.user("POST", &path, ask("smb_app_state_sync"));
    assert!(contacts.body["request_id"].is_string() && contacts.body["messaging_product"] == "whatsapp");
    assert!(matches!(contacts.effects[0].1.what, What::Contacts));
    let history = desk.user("POST", &path, ask("history"));
    let chunks = history.effects.iter().filter_map(|(_, deed)| {
        let What::History(chunk) = &deed.what else { return None };
        Some((chunk.phase, chunk.order, chunk.progress))
    });
    let chunks: Vec<_> = chunks.collect();
    assert_eq!(chunks, [(0, 1, 16), (0, 2, 33), (1, 1, 50), (1, 2, 66), (2, 1, 83), (2, 2, 100)]);
    for kind in ["smb_app_state_sync", "history", "something"] {
        failed(&desk.user("POST", &path, ask(kind)), 400, 100);
    }
    let mut declined = Desk::of("[[numbers]]\ncoexistence = true\nshares-history = false\n");
    let effects = declined.user("POST", &path, ask("history")).effects;
    assert!(matches!(effects.as_slice(), [(_, Deed { what: What::HistoryDeclined, .. })]));
    failed(&Desk::usual().user("POST", &path, ask("history")), 400, 100);
}

#[test]
fn what_does_not_exist_is_100_33_or_803() {
    let mut desk = Desk::usual();
    let number = desk.user("GET", "/v26.0/12345", json!({}));
    failed(&number, 400, 100);
    assert_eq!(
        (&number.body["error"]["type"], &number.body["error"]["error_subcode"]),
        (&json!("GraphMethodException"), &json!(33))
    );
    let waba = desk.user("GET", "/12345/subscribed_apps", json!({}));
    failed(&waba, 404, 803);
    assert_eq!(waba.body["error"]["type"], "GraphMethodException");
    failed(&desk.user("PUT", &format!("/{NUMBER}"), json!({})), 400, 100);
    failed(&desk.user("GET", "/v26.0/", json!({})), 400, 100);
    let numbers = desk.user("GET", &format!("/{WABA}/phone_numbers"), json!({})).body;
    assert_eq!(numbers["data"][0]["id"], NUMBER);
}
