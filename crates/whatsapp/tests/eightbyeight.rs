//! The normalised form of 8x8: every documented row, the extension, and odd values.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

mod common;

use common::{Tree, body, change, fixtures};
use whatsapp::eightbyeight::{Encoded, Frame, encode, event_id};

const ID: &str = "9ac6f2cb-abb7-43e6-b533-b3d7017846fd";
/// 2026-01-19T13:50:20Z.
const TIME: u32 = 1_768_830_620;

fn frame(documented_only: bool) -> Frame<'static> {
    Frame { event_id: ID, account_id: "Acme", received_at_seconds: 1_758_000_000, documented_only }
}

fn written(body: &[u8], index: u32, documented_only: bool) -> Option<String> {
    match encode(body, index, &frame(documented_only)).unwrap() {
        Encoded::Body(body) => Some(String::from_utf8(body).unwrap()),
        Encoded::LeftOut => None,
    }
}

fn enveloped(event_type: &str, details: &str) -> String {
    format!(
        r#"{{"eventId":"{ID}","timestamp":"2026-01-19T13:50:20.00Z","provider":"WhatsApp","businessAccountId":"1","accountId":"Acme","eventType":"{event_type}","eventDetails":{details}}}"#
    )
}

/// A documented form: the same with and without the extension.
#[track_caller]
fn documented(field: &str, value: &str, event_type: &str, details: &str) {
    let body = change(field, TIME, value);
    let expected = enveloped(event_type, details);
    assert_eq!(written(body.as_bytes(), 0, true).as_ref(), Some(&expected));
    assert_eq!(written(body.as_bytes(), 0, false).as_ref(), Some(&expected));
}

/// A form of the extension: left out where only what is documented is wanted.
#[track_caller]
fn extension(field: &str, value: &str, event_type: &str, details: &str) {
    let body = change(field, TIME, value);
    assert_eq!(written(body.as_bytes(), 0, true), None);
    assert_eq!(written(body.as_bytes(), 0, false), Some(enveloped(event_type, details)));
}

#[track_caller]
fn account(value: &str, details: &str) {
    documented("account_update", value, "account_update", details);
}

#[track_caller]
fn account_extension(value: &str, details: &str) {
    extension("account_update", value, "account_update", details);
}

#[test]
fn a_strike_is_written_as_the_sample_has_it() {
    let meta = r#"{"object":"whatsapp_business_account","entry":[{"id":"950523421983857","time":1768830620,"changes":[{"field":"account_update","value":{"event":"ACCOUNT_RESTRICTION","violation_info":{"violation_type":"DIRECT_SEND_UTILITY_CATEGORY_ABUSE_STRIKE_1"},"restriction_info":[{"restriction_type":"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES","expiration":1769435420}]}}]}]}"#;
    let sample = r#"{"eventId":"9ac6f2cb-abb7-43e6-b533-b3d7017846fd","timestamp":"2026-01-19T13:50:20.00Z","provider":"WhatsApp","businessAccountId":"950523421983857","accountId":"IntegrationTestCampaign","eventType":"account_update","eventDetails":{"event":"ACCOUNT_RESTRICTION","violationInfo":{"violationType":"DIRECT_SEND_UTILITY_CATEGORY_ABUSE_STRIKE_1"},"restrictionInfo":[{"restrictionType":"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES","expiration":"2026-01-26T13:50:20.00Z"}]}}"#;
    let frame = Frame { account_id: "IntegrationTestCampaign", ..frame(true) };
    assert_eq!(encode(meta.as_bytes(), 0, &frame), Some(Encoded::Body(sample.as_bytes().to_vec())));
}

#[test]
fn documented_account_updates_have_their_documented_forms() {
    account(
        r#"{"event":"PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE","partner_client_certification_info":{"client_business_id":"2729063412676005","status":"FAILED","rejection_reasons":["LEGAL NAME NOT FOUND IN DOCUMENTS","BUSINESS_NOT_ELIGIBLE"]}}"#,
        r#"{"event":"BUSINESS_VERIFICATION_STATUS_UPDATE","businessVerificationInfo":{"businessId":"2729063412676005","verificationStatus":"FAILED","rejectionReasons":["LEGAL_NAME_NOT_FOUND_IN_DOCUMENTS","BUSINESS_NOT_ELIGIBLE"]}}"#,
    );
    account(
        r#"{"event":"PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE","partner_client_certification_info":{"client_business_id":"27","status":"APPROVED","rejection_reasons":["NONE"]}}"#,
        r#"{"event":"BUSINESS_VERIFICATION_STATUS_UPDATE","businessVerificationInfo":{"businessId":"27","verificationStatus":"APPROVED","rejectionReasons":["NONE"]}}"#,
    );
    for word in ["WARN", "UNBAN"] {
        account(
            &format!(
                r#"{{"event":"ACCOUNT_RESTRICTION","violation_info":{{"violation_type":"DIRECT_SEND_UTILITY_CATEGORY_ABUSE_{word}"}}}}"#
            ),
            &format!(
                r#"{{"event":"ACCOUNT_RESTRICTION","violationInfo":{{"violationType":"DIRECT_SEND_UTILITY_CATEGORY_ABUSE_{word}"}}}}"#
            ),
        );
    }
    account(
        r#"{"phone_number":"16505552771","event":"ACCOUNT_VIOLATION","violation_info":{"violation_type":"USER_INITIATED_CALLS_LOW_PICKUP_RATE","remediation":"Pick up."}}"#,
        r#"{"event":"ACCOUNT_VIOLATION","phoneNumber":"16505552771","violationInfo":{"violationType":"USER_INITIATED_CALLS_LOW_PICKUP_RATE","remediation":"Pick up."}}"#,
    );
    account(
        r#"{"event":"ACCOUNT_RESTRICTION","phone_number":"16505552771","restriction_info":[{"restriction_type":"RESTRICTED_BUSINESS_INITIATED_CALLING","expiration":"1641848057","remediation":"Wait."},{"restriction_type":"RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN"}]}"#,
        r#"{"event":"ACCOUNT_RESTRICTION","phoneNumber":"16505552771","restrictionInfo":[{"restrictionType":"RESTRICTED_BUSINESS_INITIATED_CALLING","expiration":"2022-01-10T20:54:17.00Z","remediation":"Wait."},{"restrictionType":"RESTRICTED_USER_INITIATED_CALLING_CALL_BUTTON_HIDDEN"}]}"#,
    );
}

#[test]
fn the_other_account_updates_are_written_in_the_extension() {
    for event in ["ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED", "ACCOUNT_RECONNECTED"] {
        account_extension(&format!(r#"{{"event":"{event}"}}"#), &format!(r#"{{"event":"{event}"}}"#));
    }
    account_extension(
        r#"{"event":"VERIFIED_ACCOUNT","phone_number":"1605"}"#,
        r#"{"event":"VERIFIED_ACCOUNT","phoneNumber":"1605"}"#,
    );
    account_extension(
        r#"{"event":"PARTNER_CLIENT_CERTIFICATION_NEEDED","partner_client_certification_needed_info":{"client_business_id":"27"}}"#,
        r#"{"event":"PARTNER_CLIENT_CERTIFICATION_NEEDED","partnerClientCertificationNeededInfo":{"clientBusinessId":"27"}}"#,
    );
    account_extension(
        r#"{"event":"DISABLED_UPDATE","ban_info":{"waba_ban_state":["DISABLE"],"waba_ban_date":"April 17, 2025"}}"#,
        r#"{"event":"DISABLED_UPDATE","banInfo":{"wabaBanState":["DISABLE"],"wabaBanDate":"April 17, 2025"}}"#,
    );
    account_extension(
        r#"{"event":"BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE","country":"US"}"#,
        r#"{"event":"BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE","country":"US"}"#,
    );
    account_extension(
        r#"{"event":"AUTH_INTL_PRICE_ELIGIBILITY_UPDATE","auth_international_rate_eligibility":{"start_time":1769435420,"exception_countries":[{"country_code":"IN","start_time":1641848057}]}}"#,
        r#"{"event":"AUTH_INTL_PRICE_ELIGIBILITY_UPDATE","authInternationalRateEligibility":{"startTime":"2026-01-26T13:50:20.00Z","exceptionCountries":[{"countryCode":"IN","startTime":"2022-01-10T20:54:17.00Z"}]}}"#,
    );
    account_extension(
        r#"{"event":"VOLUME_BASED_PRICING_TIER_UPDATE","volume_tier_info":{"tier_update_time":1769435420,"pricing_category":"UTILITY","tier":"1:2","effective_month":"2026-02","region":"India"}}"#,
        r#"{"event":"VOLUME_BASED_PRICING_TIER_UPDATE","volumeTierInfo":{"tierUpdateTime":"2026-01-26T13:50:20.00Z","pricingCategory":"UTILITY","tier":"1:2","effectiveMonth":"2026-02","region":"India"}}"#,
    );
    account_extension(
        r#"{"event":"NEVER_HEARD_OF","some_new_thing":{"inner_name":1.50,"b":null},"another_one":12345678901234567890}"#,
        r#"{"event":"NEVER_HEARD_OF","someNewThing":{"inner_name":1.50,"b":null},"anotherOne":12345678901234567890}"#,
    );
}

#[test]
fn partner_events_are_about_the_account_in_waba_info_and_not_the_portfolio_of_the_entry() {
    let with_info = |event: &str, members: &str, expected: &str| {
        let info = format!(r#"{{"waba_id":"77","owner_business_id":"88"{members}}}"#);
        let value = format!(r#"{{"event":"{event}","waba_info":{info}}}"#);
        let written = written(change("account_update", TIME, &value).as_bytes(), 0, false).unwrap();
        assert!(written.contains(r#""businessAccountId":"77""#), "{written}");
        let details = format!(r#"{{"event":"{event}","wabaInfo":{{"wabaId":"77","ownerBusinessId":"88"{expected}}}}}"#);
        assert!(written.ends_with(&format!("\"eventDetails\":{details}}}")), "{written}");
    };
    for event in ["PARTNER_ADDED", "PARTNER_REMOVED", "MM_LITE_TERMS_SIGNED"] {
        with_info(event, "", "");
    }
    with_info("PARTNER_APP_INSTALLED", r#","partner_app_id":"9""#, r#","partnerAppId":"9""#);
    with_info("PARTNER_APP_UNINSTALLED", r#","partner_app_id":"9""#, r#","partnerAppId":"9""#);
    with_info(
        "PARTNER_ADDED",
        r#","solution_id":"5","solution_partner_business_ids":["1","2"]"#,
        r#","solutionId":"5","solutionPartnerBusinessIds":["1","2"]"#,
    );
    with_info("AD_ACCOUNT_LINKED", r#","ad_account_linked":"4""#, r#","adAccountLinked":"4""#);
    with_info("AD_ACCOUNT_LINKED", r#","ad_account_id":"4""#, r#","adAccountLinked":"4""#);
    with_info(
        "AD_ACCOUNT_LINKED",
        r#","ad_account_id":"4","ad_account_linked":"5""#,
        r#","adAccountLinked":"5","adAccountId":"4""#,
    );
    account_extension(
        r#"{"event":"PARTNER_REMOVED","phone_number":"1605","disconnection_info":{"reason":"CHANGE_NUMBER","initiated_by":"USER"}}"#,
        r#"{"event":"PARTNER_REMOVED","phoneNumber":"1605","disconnectionInfo":{"reason":"CHANGE_NUMBER","initiatedBy":"USER"}}"#,
    );
    let bare = change("account_update", TIME, r#"{"event":"PARTNER_APP_UNINSTALLED"}"#);
    assert!(written(bare.as_bytes(), 0, false).unwrap().contains(r#""businessAccountId":"1""#));
}

const TEMPLATE: &str =
    r#""message_template_id":12345678901234567,"message_template_name":"n","message_template_language":"en-US""#;

fn of_template(meta: &str) -> String {
    format!(r#"{{"templateId":12345678901234567,"templateName":"n","templateLanguage":"en-US","meta":{meta}}}"#)
}

#[track_caller]
fn template(field: &str, members: &str, event_type: &str, meta: &str) {
    documented(field, &format!("{{{TEMPLATE},{members}}}"), event_type, &of_template(meta));
}

#[test]
fn documented_template_events_have_their_documented_forms() {
    template(
        "template_category_update",
        r#""previous_category":"UTILITY","new_category":"MARKETING""#,
        "template_category_update",
        r#"{"previousCategory":"UTILITY","newCategory":"MARKETING"}"#,
    );
    template(
        "message_template_quality_update",
        r#""previous_quality_score":"GREEN","new_quality_score":"YELLOW""#,
        "template_quality_update",
        r#"{"previousQualityScore":"GREEN","newQualityScore":"YELLOW"}"#,
    );
    template(
        "template_correct_category_detection",
        r#""category":"UTILITY","correct_category":"MARKETING""#,
        "template_correct_category_detection",
        r#"{"category":"UTILITY","correctCategory":"MARKETING"}"#,
    );
    let status = |members: &str, meta: &str| {
        template("message_template_status_update", members, "template_status_update", meta);
    };
    status(
        r#""event":"PAUSED","reason":"NONE","other_info":{"title":"FIRST_PAUSE","description":"Three hours."}"#,
        r#"{"status":"PAUSED","reason":"NONE","otherInfo":{"title":"FIRST_PAUSE","description":"Three hours."}}"#,
    );
    status(r#""event":"APPROVED","reason":null"#, r#"{"status":"APPROVED","reason":"NONE"}"#);
    status(r#""event":"APPROVED""#, r#"{"status":"APPROVED","reason":"NONE"}"#);
    status(r#""event":"PENDING_DELETION","reason":null"#, r#"{"status":"PENDING_DELETION"}"#);
    status(r#""event":"REJECTED","reason":"SCAM""#, r#"{"status":"REJECTED","reason":"SCAM"}"#);
    status(
        r#""event":"FLAGGED","disable_info":{"disable_date":1769435420}"#,
        r#"{"status":"FLAGGED","disableInfo":{"disableDate":"2026-01-26T13:50:20.00Z"}}"#,
    );
    status(
        r#""event":"DISABLED","disable_info":{"disable_date":"DATE"}"#,
        r#"{"status":"DISABLED","disableInfo":{"disableDate":"DATE"}}"#,
    );
}

#[test]
fn what_is_not_documented_of_templates_is_the_extension() {
    for status in ["ARCHIVED", "UNARCHIVED", "DELETED", "IN_APPEAL", "LIMIT_EXCEEDED", "LOCKED", "REINSTATED"] {
        extension(
            "message_template_status_update",
            &format!(r#"{{{TEMPLATE},"event":"{status}"}}"#),
            "template_status_update",
            &of_template(&format!(r#"{{"status":"{status}"}}"#)),
        );
    }
    extension(
        "template_category_update",
        &format!(
            r#"{{{TEMPLATE},"new_category":"UTILITY","correct_category":"MARKETING","category_update_timestamp":1769435420}}"#
        ),
        "template_category_update",
        &of_template(
            r#"{"newCategory":"UTILITY","correctCategory":"MARKETING","categoryUpdateTimestamp":"2026-01-26T13:50:20.00Z"}"#,
        ),
    );
    let value = format!(
        r#"{{{TEMPLATE},"event":"REJECTED","reason":"SCAM","message_template_category":"UTILITY","rejection_info":{{"reason":"r","recommendation":"c"}},"brand_new":[1]}}"#
    );
    let body = change("message_template_status_update", TIME, &value);
    assert_eq!(
        written(body.as_bytes(), 0, true),
        Some(enveloped("template_status_update", &of_template(r#"{"status":"REJECTED","reason":"SCAM"}"#)))
    );
    let all = r#"{"status":"REJECTED","reason":"SCAM","category":"UTILITY","rejectionInfo":{"reason":"r","recommendation":"c"},"brandNew":[1]}"#;
    assert_eq!(written(body.as_bytes(), 0, false), Some(enveloped("template_status_update", &of_template(all))));
}

#[test]
fn the_quality_of_a_number_has_its_documented_forms() {
    for (members, meta) in [
        (
            r#""event":"UPGRADE","current_limit":"TIER_10K","old_limit":"TIER_1K""#,
            r#"{"event":"UPGRADE","currentLimit":"TIER_10K","oldLimit":"TIER_1K"}"#,
        ),
        (
            r#""event":"ONBOARDING","max_daily_conversations_per_business":"TIER_10K""#,
            r#"{"event":"ONBOARDING","maxDailyConversationsPerBusiness":"TIER_10K"}"#,
        ),
        (r#""event":"FLAGGED","reason":"QUALITY_DECREASE""#, r#"{"event":"FLAGGED","reason":"QUALITY_DECREASE"}"#),
        (
            r#""event":"THROUGHPUT_UPGRADE","current_limit":"TIER_UNLIMITED""#,
            r#"{"event":"THROUGHPUT_UPGRADE","currentLimit":"TIER_UNLIMITED"}"#,
        ),
    ] {
        documented(
            "phone_number_quality_update",
            &format!(r#"{{"display_phone_number":"15550783881",{members}}}"#),
            "phone_number_quality_update",
            &format!(r#"{{"displayPhoneNumber":"15550783881","meta":{meta}}}"#),
        );
    }
}

#[test]
fn events_of_persons_are_passed_through_cut_to_one_event() {
    let card = |id: &str| {
        format!(
            r#"{{"id":"{id}","from":"16505551234","timestamp":"1758000000","type":"contacts","contacts":[{{"name":{{"formatted_name":"N"}}}}]}}"#
        )
    };
    let text = r#"{"id":"t","from":"16505559999","timestamp":"1758000000","type":"text","text":{"body":"secret"}}"#;
    let body = body(
        "messages",
        &format!(
            r#""contacts":[{{"wa_id":"16505551234"}},{{"wa_id":"16505559999"}}],"messages":[{},{text},{}]"#,
            card("a"),
            card("b")
        ),
    );
    let first = written(body.as_bytes(), 0, true).unwrap();
    let expected = format!(
        r#"{{"eventId":"{ID}","timestamp":"2025-09-16T05:20:00.00Z","provider":"WhatsApp","businessAccountId":"1","accountId":"Acme","eventType":"whatsapp_contact","eventDetails":{{"rawEvent":{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"7"}},"contacts":[{{"wa_id":"16505551234"}}],"messages":[{}]}}}}}}}}"#,
        card("a")
    );
    assert_eq!(first, expected);
    assert_eq!(written(body.as_bytes(), 1, false), None, "a text is no event about the business");
    assert!(written(body.as_bytes(), 2, true).unwrap().contains(r#""id":"b""#));

    for (name, event_type) in [
        ("user_id_update/with-parent.synth.json", "whatsapp_user_id_update"),
        ("user_preferences/stop.synth.json", "whatsapp_preference"),
    ] {
        let (_, body) = fixtures().into_iter().find(|(known, _)| known == name).unwrap();
        let written = written(&body, 0, true).unwrap();
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        let meta: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(written["eventType"], event_type);
        assert_eq!(written["eventDetails"]["rawEvent"], meta["entry"][0]["changes"][0]);
    }
}

#[test]
fn fields_without_a_form_are_passed_through_as_an_extension() {
    for field in ["security", "account_alerts", "flows", "message_template_components_update", "never_heard_of"] {
        let value = r#"{"event":"X","n":1.50}"#;
        let raw = format!(r#"{{"rawEvent":{{"field":"{field}","value":{value}}}}}"#);
        extension(field, value, field, &raw);
    }
}

#[test]
fn what_is_no_event_about_the_business_is_left_out() {
    let business = |name: &str| {
        let (folder, file) = name.split_once('/').unwrap();
        let person = ["user_id_update", "user_preferences"].contains(&folder);
        let cards = folder == "messages" && file.starts_with("contacts");
        let messaging = [
            "calls",
            "consumer_profile",
            "group_lifecycle_update",
            "group_participants_update",
            "group_settings_update",
            "group_status_update",
            "history",
            "message_echoes",
            "messages",
            "messaging_handovers",
            "smb_app_state_sync",
            "smb_message_echoes",
            "standby",
        ];
        person || cards || !messaging.contains(&folder)
    };
    for (name, body) in fixtures().into_iter().filter(|(name, _)| !name.starts_with("mixed/")) {
        for event in whatsapp::read(&body).events {
            let written = written(&body, event.origin.event, false);
            assert_eq!(written.is_some(), business(&name), "{name}");
        }
    }
    for body in [&b"\xff"[..], b"{}", br#"{"object":"page","entry":[]}"#, br#"{"entry":[{"id":"1","changes":[]}]}"#] {
        assert_eq!(written(body, 0, false), None);
    }
    assert_eq!(encode(b"{}", 1, &frame(false)), None, "there is no such event");
}

/// Every scalar of a tree.
fn scalars(tree: &Tree, found: &mut Vec<String>) {
    match tree {
        Tree::Object(members) => members.iter().for_each(|(_, value)| scalars(value, found)),
        Tree::Array(elements) => elements.iter().for_each(|value| scalars(value, found)),
        Tree::Scalar(text) => found.push(text.clone()),
    }
}

/// A tree with one of its values changed, for each value below it.
fn variants(tree: &Tree, to: &Tree) -> Vec<Tree> {
    let mut all = vec![to.clone()];
    match tree {
        Tree::Object(members) => {
            for (at, (_, value)) in members.iter().enumerate() {
                all.extend(variants(value, to).into_iter().map(|value| {
                    let mut members = members.clone();
                    members[at].1 = value;
                    Tree::Object(members)
                }));
            }
        }
        Tree::Array(elements) => {
            for (at, value) in elements.iter().enumerate() {
                all.extend(variants(value, to).into_iter().map(|value| {
                    let mut elements = elements.clone();
                    elements[at] = value;
                    Tree::Array(elements)
                }));
            }
        }
        Tree::Scalar(_) => {}
    }
    all
}

fn value_of(body: &[u8]) -> (Tree, Tree) {
    let member = |tree: &Tree, name: &str| match tree {
        Tree::Object(members) => members.iter().find(|(known, _)| known == name).unwrap().1.clone(),
        Tree::Array(elements) => elements[0].clone(),
        Tree::Scalar(_) => panic!(),
    };
    let body = Tree::parse(std::str::from_utf8(body).unwrap());
    let change = member(&member(&member(&member(&body, "entry"), ""), "changes"), "");
    (member(&change, "field"), member(&change, "value"))
}

#[test]
fn an_odd_value_passes_as_it_is_and_nothing_is_lost() {
    let odd = [
        "null",
        "true",
        "-7.50",
        "\"odd \\ud83d text\"",
        "[]",
        "{}",
        "[\"a\",{\"deep_one\":1}]",
        "{\"deep_one\":\"marker\"}",
    ];
    let mut tried = 0;
    for (name, body) in fixtures() {
        let forms = ["account_update/", "message_template_", "template_", "phone_number_quality_update/"];
        if !forms.iter().any(|form| name.starts_with(form)) {
            continue;
        }
        let (field, value) = value_of(&body);
        for value in odd.iter().flat_map(|odd| variants(&value, &Tree::parse(odd))).chain([value.clone()]) {
            let body = change(field.compact().trim_matches('"'), TIME, &value.compact());
            let written = written(body.as_bytes(), 0, false).unwrap_or_else(|| panic!("{name}: {body}"));
            assert!(serde_json::from_str::<serde::de::IgnoredAny>(&written).is_ok(), "{written}");
            let mut all = Vec::new();
            scalars(&value, &mut all);
            for scalar in all.iter().filter(|scalar| *scalar != "null") {
                let digits = scalar.trim_matches('"');
                let kept = written.contains(scalar.as_str())
                    || written.contains(&scalar.replace(' ', "_"))
                    || digits == "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE"
                    || (digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit()));
                assert!(kept, "{name}: {scalar} of {body} is not in {written}");
            }
            tried += 1;
        }
    }
    assert!(tried > 3_000, "{tried}");
}

#[test]
fn a_missing_time_is_the_events_own_or_that_of_receipt_and_a_zero_is_none() {
    let untimed = r#"{"entry":[{"id":"1","changes":[{"field":"security","value":{"event":"PIN_CHANGED"}}]}]}"#;
    let untimed = written(untimed.as_bytes(), 0, false).unwrap();
    assert!(untimed.contains(r#""timestamp":"2025-09-16T05:20:00.00Z""#), "{untimed}");
    account(
        r#"{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"R","expiration":0}]}"#,
        r#"{"event":"ACCOUNT_RESTRICTION","restrictionInfo":[{"restrictionType":"R"}]}"#,
    );
    account(
        r#"{"event":"ACCOUNT_RESTRICTION","restriction_info":[{"restriction_type":"R","expiration":"soon"}]}"#,
        r#"{"event":"ACCOUNT_RESTRICTION","restrictionInfo":[{"restrictionType":"R","expiration":"soon"}]}"#,
    );
}

#[test]
fn the_id_of_an_event_is_a_uuid_of_version_8() {
    assert_eq!(event_id([0xff; 16]), "ffffffff-ffff-8fff-bfff-ffffffffffff");
    assert_eq!(event_id(*b"0123456789abcdef"), "30313233-3435-8637-b839-616263646566");
}
