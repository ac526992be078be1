//! Events of accounts, portfolios and what partners share.

use std::borrow::Cow;

use super::{by_display, object_lane, or_empty, start};
use crate::draft::{Account, Draft};
use crate::event::Lane;
use crate::part::Part;
use crate::scene::{Number, Scene};

/// Limits, badges and photos. Two shapes: the alert nested in `alert_info`, or flat; nested wins.
pub(super) fn alert<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let info = part.part("alert_info");
    let word = |name| info.as_ref().and_then(|info| info.word(name)).or_else(|| part.word(name));
    let (kind, entity, entity_type) = (word("alert_type"), part.word("entity_id"), part.word("entity_type"));
    let key = start("account_alerts", scene).need(entity.as_deref()).need(kind.as_deref());
    let key = key.may(word("alert_severity").as_deref()).may(word("alert_status").as_deref()).timed(scene);
    let mut draft = of_account(scene, &["account_alerts", or_empty(&kind)], key);
    match entity_type.as_deref() {
        Some("PHONE_NUMBER") => draft.number = Some(Number { id: entity, display: None }),
        Some("BUSINESS") => draft.account = Some(Account { waba_id: scene.waba_id(), business_id: entity }),
        _ => {}
    }
    draft
}

pub(super) fn review<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let decision = part.word("decision");
    let key = start("account_review_update", scene).need(decision.as_deref()).timed(scene);
    of_account(scene, &["account_review_update", or_empty(&decision)], key)
}

pub(super) fn capability<'a>(scene: &Scene<'_, 'a>) -> Draft<'a> {
    let key = start("business_capability_update", scene).content(scene).timed(scene);
    of_account(scene, &["business_capability_update"], key)
}

pub(super) fn payment_configuration<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let [name, status] = [part.word("configuration_name"), part.word("status")];
    let key = start("payment_configuration_update", scene).need(name.as_deref()).need(status.as_deref());
    let key = key.need(part.word("updated_timestamp").as_deref()).end(|| scene.content_hash(scene.whole));
    let mut draft = of_account(scene, &["payment_configuration_update", or_empty(&status)], key);
    draft.occurred_at_seconds = draft.occurred_at_seconds.or_else(|| part.time("updated_timestamp"));
    draft
}

/// A multi-partner solution; the entry's id is a portfolio.
pub(super) fn solution<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let [event, solution] = [part.word("event"), part.word("solution_id")];
    let key = start("partner_solutions", scene).need(solution.as_deref()).need(event.as_deref());
    let key = key.need(part.word("solution_status").as_deref()).timed(scene);
    let lane = object_lane("solution", &solution);
    let mut draft = Draft::new(&["partner_solutions", or_empty(&event)], key, lane).at(scene.entry_seconds());
    draft.account = Some(Account { waba_id: None, business_id: scene.waba_id() });
    draft
}

pub(super) fn update<'a>(scene: &Scene<'_, 'a>, part: &Part<'_, 'a>) -> Draft<'a> {
    let event = part.word("event");
    let info = part.part("waba_info");
    let waba = info.as_ref().and_then(|info| info.word("waba_id"));
    let phone = part.word("phone_number");
    let key = start("account_update", scene).need(event.as_deref()).may(waba.as_deref().or(phone.as_deref()));
    let key = key.content(scene).timed(scene);
    let account = account(scene, part, info.as_ref(), waba, or_empty(&event));
    let mut draft = of_account(scene, &["account_update", or_empty(&event)], key);
    draft.lane = account_lane(account.waba_id.as_ref().or(scene.entry_id.as_ref()));
    draft.account = Some(account);
    draft.number = by_display(phone);
    draft
}

/// Which account and portfolio an `account_update` is about: the entry's id is one or the other, by event.
fn account<'a>(
    scene: &Scene<'_, 'a>,
    part: &Part<'_, 'a>,
    info: Option<&Part<'_, 'a>>,
    waba: Option<Cow<'a, str>>,
    event: &str,
) -> Account<'a> {
    let owner = info.and_then(|info| info.word("owner_business_id"));
    let certified = || {
        let info = ["partner_client_certification_info", "partner_client_certification_needed_info"];
        info.into_iter().find_map(|name| part.part(name)?.word("client_business_id"))
    };
    if waba.is_some() {
        let entry_is_waba = waba == scene.entry_id;
        return Account { waba_id: waba, business_id: if entry_is_waba { owner } else { scene.waba_id() } };
    }
    match event {
        "PARTNER_CLIENT_CERTIFICATION_NEEDED" => {
            Account { waba_id: None, business_id: certified().or_else(|| scene.waba_id()) }
        }
        "PARTNER_ADDED"
        | "PARTNER_APP_INSTALLED"
        | "PARTNER_APP_UNINSTALLED"
        | "MM_LITE_TERMS_SIGNED"
        | "AD_ACCOUNT_LINKED" => Account { waba_id: None, business_id: scene.waba_id() },
        _ => Account { waba_id: scene.waba_id(), business_id: owner.or_else(certified) },
    }
}

fn of_account<'a>(scene: &Scene<'_, 'a>, words: &[&str], key: String) -> Draft<'a> {
    Draft::new(words, key, account_lane(scene.entry_id.as_ref())).at(scene.entry_seconds())
}

fn account_lane<'a>(id: Option<&Cow<'_, str>>) -> Lane<'a> {
    object_lane("account", &id.cloned())
}
