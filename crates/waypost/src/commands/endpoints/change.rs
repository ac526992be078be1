//! From what was typed to an endpoint: a new one, or one that is there with some of it changed.

use gateway::endpoint::{BacklogInput, PolicyInput, RuleInput};

use super::super::endpoint_body::{EndpointBody, FormBody};
use super::shown::Shown;
use super::{form, policy};
use crate::cli::{EndpointOptions, EndpointsAddArgs, EndpointsUpdateArgs};
use crate::config::Environment;
use crate::exit::Failure;
use crate::secret_argument;

/// The endpoint that `add` makes.
pub(super) fn body_of(args: &EndpointsAddArgs, environment: &Environment) -> Result<EndpointBody, Failure> {
    let mut body = EndpointBody {
        id: args.id.clone(),
        url: args.to.clone(),
        format: "meta".to_owned(),
        owner: String::new(),
        rules: Vec::new(),
        r#override: false,
        ages: Vec::new(),
        ordered: true,
        concurrency_max: 16,
        rate_per_second_max: None,
        backlog: BacklogInput::default(),
        lane_hold: None,
        policy: PolicyInput::default(),
        hub_secret: None,
        webhook_secret: None,
        paused: args.paused,
        form: FormBody::default(),
    };
    change(&mut body, &args.options, environment)?;
    Ok(body)
}

/// The endpoint as `update` leaves it. The API replaces an endpoint as a whole, secrets apart, so what was not typed is
/// sent as it is; the revision keeps that from undoing somebody else's change.
pub(super) fn changed(
    before: Shown,
    args: &EndpointsUpdateArgs,
    environment: &Environment,
) -> Result<EndpointBody, Failure> {
    let lane_hold = before.lane_hold();
    let before = EndpointBody {
        id: Some(before.id),
        url: before.url.unwrap_or_default(),
        format: before.format.unwrap_or_else(|| "meta".to_owned()),
        owner: before.owner,
        rules: before.rules.unwrap_or_default(),
        r#override: before.r#override,
        ages: before.ages.unwrap_or_default(),
        ordered: before.ordered,
        concurrency_max: before.concurrency_max,
        rate_per_second_max: before.rate_per_second_max,
        backlog: before.backlog.unwrap_or_default(),
        lane_hold: Some(lane_hold),
        policy: before.policy.unwrap_or_default(),
        hub_secret: None,
        webhook_secret: None,
        paused: false,
        form: before.form.unwrap_or_default().unchanged(),
    };
    let mut body = before.clone();
    change(&mut body, &args.options, environment)?;
    if let Some(url) = &args.to {
        body.url.clone_from(url);
    }
    if args.everything {
        body.rules.clear();
    }
    if args.ordered {
        body.ordered = true;
    }
    if args.no_override {
        body.r#override = false;
    }
    if body == before {
        let message = "nothing would change: `waypost endpoints update --help` lists what can";
        return Err(Failure::Arguments(message.to_owned()));
    }
    Ok(body)
}

fn change(body: &mut EndpointBody, options: &EndpointOptions, environment: &Environment) -> Result<(), Failure> {
    let set = |member: &mut String, given: &Option<String>| {
        if let Some(given) = given {
            member.clone_from(given);
        }
    };
    set(&mut body.format, &options.format);
    set(&mut body.owner, &options.owner);
    body.rules = rule(options).map_or_else(|| std::mem::take(&mut body.rules), |rule| vec![rule]);
    body.r#override |= options.r#override;
    body.ordered &= !options.unordered;
    body.concurrency_max = options.concurrency_max.unwrap_or(body.concurrency_max);
    body.rate_per_second_max = options.rate_per_second_max.or(body.rate_per_second_max);
    body.backlog.age_max = options.backlog_age_max.clone().or_else(|| body.backlog.age_max.take());
    body.backlog.share_percent_max = options.backlog_share_max.or(body.backlog.share_percent_max);
    body.lane_hold = options.lane_hold.clone().or_else(|| body.lane_hold.take());
    body.policy = policy::changed(std::mem::take(&mut body.policy), &options.policy)?;
    let secret = |argument: &str, given: &Option<String>| {
        let read = |text: &String| secret_argument::read(argument, text, environment);
        let secret = given.as_ref().map(read).transpose()?;
        Ok::<_, Failure>(secret.map(|secret| secret.expose().to_owned()))
    };
    body.hub_secret = secret("--hub-secret", &options.hub_secret)?;
    body.webhook_secret = secret("--webhook-secret", &options.webhook_secret)?;
    form::change(&mut body.form, &options.form, environment)
}

/// The one rule that the options make. None where they say nothing about what is wanted.
fn rule(options: &EndpointOptions) -> Option<RuleInput> {
    let rule = RuleInput {
        apps: options.app.clone(),
        fields: options.field.clone(),
        types: options.event_type.clone(),
        waba_ids: options.waba.clone(),
        phone_number_ids: options.phone_number_id.clone(),
        labels: options.label.clone(),
        test: !options.no_tests,
    };
    let anything = RuleInput { test: true, ..RuleInput::default() };
    (rule != anything).then_some(rule)
}

#[cfg(test)]
mod tests;
