//! The declared endpoints as they are meant: named, each its own, with their secrets in place.

use std::collections::BTreeSet;

use gateway::endpoint::EndpointInput;
use gateway::endpoint::form::Referable;
use gateway::endpoints::clash_of;
use gateway::settings::AppSettings;

use super::Judge;
use crate::config::endpoints::DeclaredEndpoint;
use crate::config::problem::nearest;
use crate::config::reference::Reference;
use crate::development::APP;

impl Judge<'_> {
    /// Judges the declared endpoints.
    pub(super) fn endpoints(
        &mut self,
        declared: Vec<DeclaredEndpoint>,
        apps: &[AppSettings],
        development: bool,
    ) -> Vec<EndpointInput> {
        let mut app_names: Vec<&str> = apps.iter().map(|app| app.name.as_str()).collect();
        if development && app_names.is_empty() {
            app_names.push(APP);
        }
        let mut names = BTreeSet::new();
        let (mut endpoints, mut places) = (Vec::new(), Vec::new());
        for mut declared in declared {
            let Some(mut input) = declared.input.take() else {
                continue;
            };
            self.endpoint_name(&declared, &input, &mut names);
            self.rule_apps(&declared, &input, &app_names);
            self.endpoint_secrets(&declared, &mut input);
            if !self.endpoint_references(&declared, &mut input) {
                continue;
            }
            if let Err(bad) = input.clone().check() {
                self.problems.error(&declared.at_bad(&bad), bad.expected);
            }
            endpoints.push(input);
            places.push(declared);
        }
        self.overrides(&endpoints, &places);
        endpoints
    }

    /// Two that override the same events equally would leave it to chance who gets them.
    fn overrides(&mut self, endpoints: &[EndpointInput], places: &[DeclaredEndpoint]) {
        // One that is wrong by itself has been told already.
        let Ok(Some(clash)) = clash_of(endpoints) else { return };
        let second = endpoints.iter().position(|endpoint| endpoint.id.as_ref() == Some(&clash.other));
        if let Some(place) = second.and_then(|at| places.get(at)) {
            self.problems.error(&place.at("override"), clash.to_string());
        }
    }

    fn endpoint_name(&mut self, declared: &DeclaredEndpoint, input: &EndpointInput, names: &mut BTreeSet<String>) {
        let Some(name) = &input.id else {
            self.problems
                .error(&declared.here, "missing key `name`")
                .hint("the name is the endpoint's identity: what is owed to it hangs on it");
            return;
        };
        if !names.insert(name.clone()) {
            let message = format!("another endpoint is named {name:?} already");
            self.problems.error(&declared.at("name"), message);
        }
    }

    fn rule_apps(&mut self, declared: &DeclaredEndpoint, input: &EndpointInput, app_names: &[&str]) {
        let rules = input.rules.iter().enumerate();
        for (rule_at, app_at, app) in
            rules.flat_map(|(n, rule)| rule.apps.iter().enumerate().map(move |(at, app)| (n, at, app)))
        {
            if app_names.contains(&app.as_str()) {
                continue;
            }
            let near = nearest(app, app_names.iter().copied());
            self.problems
                .error(&declared.at(&format!("rules[{rule_at}].apps[{app_at}]")), format!("no app is named {app:?}"))
                .maybe_hint(near.map(|near| format!("did you mean {near:?}?")));
        }
    }

    /// Puts what the other references lead to in their place. False when one leads nowhere: the rest cannot be judged.
    fn endpoint_references(&mut self, declared: &DeclaredEndpoint, input: &mut EndpointInput) -> bool {
        let mut all_found = true;
        for Referable { member, text, is_secret } in input.referable() {
            let reference = declared.at(&member).with(Reference::parse(text));
            let found = if is_secret {
                self.resolver.resolve(&reference, "the endpoint's secret", &mut self.problems)
            } else {
                self.resolver.resolve_public(&reference, "the certificate", &mut self.problems)
            };
            match found {
                Some(found) => found.expose().clone_into(text),
                None => all_found = false,
            }
        }
        all_found
    }

    /// Puts the secrets in the place of the references to them. One that is missing is noted, and left out for the rest.
    fn endpoint_secrets(&mut self, declared: &DeclaredEndpoint, input: &mut EndpointInput) {
        for (member, slot) in [("hub_secret", &mut input.hub_secret), ("webhook_secret", &mut input.webhook_secret)] {
            let Some(text) = slot.take() else { continue };
            let reference = declared.at(member).with(Reference::parse(&text));
            let secret = self.resolver.resolve(&reference, "the endpoint's secret", &mut self.problems);
            *slot = secret.map(|secret| secret.expose().to_owned());
        }
    }
}
