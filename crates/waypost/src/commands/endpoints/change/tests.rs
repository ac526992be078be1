//! What is typed becomes what is meant, and nothing else changes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

use clap::Parser as _;
use gateway::endpoint::{EndpointInput, Format, PolicyInput};

use super::*;
use crate::cli::{Cli, Command, EndpointsCommand};

const SHOWN: &str = r#"{"id":"crm","owner":"acme","state":"active","state_reason":"","url":"https://a.example",
    "format":"waypost","rules":[{"types":["messages.*"]},{"apps":["main"]}],"ordered":true,"concurrency_max":3,
    "lane_hold_ms":90000,"policy":{"preset":"8x8","timeout":"7s"},"has_hub_secret":true,"declared":false,"revision":7,"owed":2,"last_accepted_at":null,
    "created_at":"c","updated_at":"u"}"#;

fn environment() -> Environment {
    Environment::from_pairs([("HUB", "hunter2")])
}

fn typed(words: &str) -> EndpointsCommand {
    let words = ["waypost", "endpoints"].into_iter().chain(words.split(' '));
    let Command::Endpoints(args) = Cli::try_parse_from(words).unwrap().command else {
        panic!("another command");
    };
    args.command
}

fn input(body: &EndpointBody) -> EndpointInput {
    serde_json::from_str(&serde_json::to_string(body).unwrap()).unwrap()
}

fn added(words: &str) -> EndpointInput {
    let EndpointsCommand::Add(args) = typed(words) else {
        panic!("another command");
    };
    input(&body_of(&args, &environment()).unwrap())
}

fn updated(words: &str) -> Result<EndpointInput, Failure> {
    let EndpointsCommand::Update(args) = typed(words) else {
        panic!("another command");
    };
    let before: Shown = serde_json::from_str(SHOWN).unwrap();
    changed(before, &args, &environment()).map(|body| input(&body))
}

#[test]
fn an_endpoint_that_says_nothing_else_is_the_gateways_default() {
    let default: EndpointInput = serde_json::from_str(r#"{"url":"https://a.example"}"#).unwrap();
    assert!(added("add --to https://a.example") == default);
}

#[test]
fn the_options_on_the_form_are_read_with_their_secrets() {
    let added = added(
        "add --to https://a.example --format 8x8 --account-id acme --documented-only --header-prefix X-P- --header \
         X-Key=env:HUB --header X-Plain=a=b --basic me=env:HUB --proxy none --hub-secret-next env:HUB \
         --hub-secret-next-at 2026-12-01T00:00:00Z",
    );
    let wanted: EndpointInput = serde_json::from_str(
        r#"{"url":"https://a.example","format":"8x8","eight_by_eight":{"account_id":"acme","documented_only":true},
            "header_prefix":"X-P-","headers":{"X-Key":"hunter2","X-Plain":"a=b"},
            "auth":{"basic":{"user":"me","password":"hunter2"}},"proxy":"none",
            "hub_secret_next":{"secret":"hunter2","at":"2026-12-01T00:00:00Z"}}"#,
    )
    .unwrap();
    assert!(added == wanted);
}

#[test]
fn of_the_form_only_what_is_typed_changes_and_what_is_secret_stays_by_being_left_out() {
    let shown = SHOWN.replace(
        r#""has_hub_secret":true"#,
        r#""has_hub_secret":true,"form":{"eight_by_eight":{"account_id":"acme","documented_only":true},
            "header_prefix":"X-P-","header_names":["X-Key"],"auth":"bearer","client_certificate":true,"ca":false,
            "proxy":"http://p:1","hub_secret_next_at":null,"webhook_secrets_old_until":[]}"#,
    );
    let updated = |words: &str| {
        let EndpointsCommand::Update(args) = typed(words) else { panic!("another command") };
        input(&changed(serde_json::from_str(&shown).unwrap(), &args, &environment()).unwrap())
    };
    let one = updated("update crm --documented-only false");
    let account = |input: &EndpointInput| input.eight_by_eight.clone().map(|it| (it.account_id, it.documented_only));
    assert_eq!(account(&one), Some(("acme".to_owned(), false)));
    assert_eq!((one.header_prefix.as_deref(), one.proxy.as_deref()), (Some("X-P-"), Some("http://p:1")));
    assert!(one.headers.is_none() && one.auth.is_none() && one.tls.is_none());
    let none = updated("update crm --no-headers --no-auth --no-tls --proxy default");
    assert!(none.headers.is_some_and(|headers| headers.is_empty()) && none.proxy.is_none());
    assert!(none.auth.is_some_and(|auth| auth.kind().is_none()) && none.tls.is_some_and(|tls| tls.is_empty()));
}

#[test]
fn the_options_on_what_it_wants_make_one_rule() {
    let added = added(
        "add --id bot --to https://a.example --type messages.* --type !messages.status.* --waba 1 --no-tests \
         --hub-secret env:HUB --unordered --lane-hold forever",
    );
    let wanted: EndpointInput = serde_json::from_str(
        r#"{"id":"bot","url":"https://a.example","rules":[{"types":["messages.*","!messages.status.*"],
        "waba_ids":["1"],"test":false}],"hub_secret":"hunter2","ordered":false,"lane_hold":"forever"}"#,
    )
    .unwrap();
    assert!(added == wanted);
    assert!(added.check().is_ok());
}

#[test]
fn an_update_changes_what_was_typed_and_nothing_else() {
    let updated = updated("update crm --to https://b.example").unwrap();
    assert_eq!(updated.url, "https://b.example");
    assert_eq!(updated.format, Format::Waypost);
    assert_eq!((updated.owner.as_str(), updated.rules.len()), ("acme", 2));
    assert!(updated.ordered && updated.concurrency_max == 3 && updated.hub_secret.is_none());
    let kept: PolicyInput = serde_json::from_str(r#"{"preset":"8x8","timeout":"7s"}"#).unwrap();
    assert_eq!(updated.policy, kept);
    assert_eq!(updated.check().unwrap().lane_hold_ms, Some(90_000));
}

#[test]
fn a_policy_is_typed_as_a_preset_and_what_differs_from_it() {
    let words = "add --to https://a.example --policy meta --gaps 1s,5m --attempts-max 4 --give-up-after 2h --timeout 3s \
                 --success 2xx,304 --final 401,404 --retry 5xx --retry-after false --gone-disables true \
                 --jitter-percent 0 --connect-timeout 1s --snippet-bytes 0";
    let wanted: EndpointInput = serde_json::from_str(
        r#"{"url":"https://a.example","policy":{"preset":"meta","gaps":["1s","5m"],"attempts_max":4,
        "give_up_after":"2h","timeout":"3s","success":["2xx","304"],"final":["401","404"],"retry":["5xx"],
        "retry_after":false,"gone_disables":true,"jitter_percent":0,"connect_timeout":"1s","snippet_bytes":0}}"#,
    )
    .unwrap();
    assert!(added(words) == wanted);
    assert!(added(words).check().is_ok());
    let slower = updated("update crm --timeout 9s").unwrap().policy;
    assert_eq!(slower, serde_json::from_str(r#"{"preset":"8x8","timeout":"9s"}"#).unwrap());
}

#[test]
fn rules_are_replaced_as_a_whole_or_taken_away() {
    assert_eq!(updated("update crm --app other").unwrap().rules.len(), 1);
    assert!(updated("update crm --everything").unwrap().rules.is_empty());
    assert!(Cli::try_parse_from(["waypost", "endpoints", "update", "crm", "--everything", "--no-tests"]).is_err());
}

#[test]
fn an_update_that_changes_nothing_is_a_mistake() {
    assert!(matches!(updated("update crm"), Err(Failure::Arguments(_))));
    assert!(matches!(updated("update crm --format waypost"), Err(Failure::Arguments(_))));
    assert!(updated("update crm --hub-secret env:HUB").is_ok());
}

#[test]
fn a_removal_says_what_is_owed() {
    let shown: Shown = serde_json::from_str(SHOWN).unwrap();
    assert_eq!(shown.removal(), "crm is owed 2 deliveries, which would end as dead (endpoint_removed)");
    assert!(shown.facts().contains("wants              type messages.* or app main\n"), "{}", shown.facts());
}
