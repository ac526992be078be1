//! How endpoints stand beside each other: whether two override the same events, and which of them gets one.

use rules::route::{Contender, Facts, Labels, Rule, explain as judge, first_clash};
use store::{EndpointChange, EndpointRecord, EndpointState, LabelsOf, Store, StoreError};
use thiserror::Error;

use super::EndpointsError;
use crate::endpoint::{BadEndpoint, Definition, EndpointInput};
use crate::routing::labels_of;

/// Two endpoints override the same events equally.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{one} and {other} both have override = true and name some event equally narrowly: let one of them name less, or \
     more narrowly, or take its override away"
)]
pub struct Clash {
    /// One of them.
    pub one: String,
    /// The other.
    pub other: String,
}

/// Why an endpoint gets an event, or not, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The endpoint.
    pub record: EndpointRecord,
    /// Whether it gets the event.
    pub gets_it: bool,
    /// Why.
    pub because: String,
    /// For each of its rules what does not fit; None where the rule matches.
    pub misses: Vec<Option<String>>,
}

/// An endpoint with its rules compiled.
struct Standing {
    record: EndpointRecord,
    rules: Vec<Rule>,
    overrides: bool,
}

impl Standing {
    fn of(record: EndpointRecord) -> Self {
        // One whose definition is damaged gets nothing, here as in routing.
        let definition = serde_json::from_str::<Definition>(&record.definition_json).ok();
        Self {
            rules: definition.as_ref().map(Definition::compiled_rules).unwrap_or_default(),
            overrides: definition.is_some_and(|definition| definition.r#override),
            record,
        }
    }

    fn contender(&self) -> Contender<'_> {
        Contender {
            name: &self.record.id,
            owner: &self.record.owner,
            rules: &self.rules,
            overrides: self.overrides,
            disabled: self.record.state == EndpointState::Disabled,
        }
    }
}

/// Refuses changes after which two endpoints would override the same events equally. Gives the version of the endpoints
/// by which that was judged.
pub(super) async fn check(store: &dyn Store, changes: &[EndpointChange]) -> Result<u64, EndpointsError> {
    let (version, mut records) = store.endpoints().await?;
    let mut could_clash = false;
    for change in changes {
        match change {
            EndpointChange::Put { endpoint, .. } => {
                could_clash |= Standing::of(endpoint.clone()).overrides;
                records.retain(|record| record.id != endpoint.id);
                records.push(endpoint.clone());
            }
            EndpointChange::State { id, state, .. } => {
                for record in records.iter_mut().filter(|record| record.id == *id) {
                    could_clash |= record.state == EndpointState::Disabled && *state != EndpointState::Disabled;
                    record.state = *state;
                }
            }
            EndpointChange::Remove { id, .. } => records.retain(|record| record.id != *id),
            EndpointChange::At { .. } => {}
        }
    }
    if could_clash {
        refuse_clash(records, &labels_of(store).await?)?;
    }
    Ok(version)
}

/// The same for a change of labels.
pub(super) async fn check_labels(store: &dyn Store, changes: &[LabelsOf]) -> Result<(), EndpointsError> {
    let mut labels = labels_of(store).await?;
    for change in changes {
        labels.clear(change.on, &change.id);
        change.labels.iter().for_each(|label| labels.add(change.on, &change.id, label));
    }
    let (_, records) = store.endpoints().await?;
    refuse_clash(records, &labels)
}

fn refuse_clash(records: Vec<EndpointRecord>, labels: &Labels) -> Result<(), EndpointsError> {
    let standing: Vec<Standing> = records.into_iter().map(Standing::of).collect();
    let contenders: Vec<Contender<'_>> = standing.iter().map(Standing::contender).collect();
    match first_clash(&contenders, labels) {
        Some((one, other)) => Err(Clash { one: one.to_owned(), other: other.to_owned() }.into()),
        None => Ok(()),
    }
}

/// The first two of these endpoints that override the same events equally, whatever labels hang where.
pub fn clash_of(inputs: &[EndpointInput]) -> Result<Option<Clash>, BadEndpoint> {
    let mut checked = Vec::with_capacity(inputs.len());
    for input in inputs {
        checked.push((input, input.clone().check()?.rules));
    }
    let contender = |(input, rules): &'_ (&'_ EndpointInput, Vec<Rule>)| {
        (input.id.clone().unwrap_or_default(), input.owner.clone(), rules.clone(), input.r#override)
    };
    let all: Vec<_> = checked.iter().map(contender).collect();
    let contenders: Vec<Contender<'_>> = all
        .iter()
        .map(|(name, owner, rules, overrides)| Contender { name, owner, rules, overrides: *overrides, disabled: false })
        .collect();
    let clash = first_clash(&contenders, &Labels::default());
    Ok(clash.map(|(one, other)| Clash { one: one.to_owned(), other: other.to_owned() }))
}

/// Why each endpoint gets an event with these facts, or not, by the rules and labels as they are now.
pub(super) async fn explain(store: &dyn Store, facts: &Facts<'_>) -> Result<Vec<Explained>, StoreError> {
    let (_, records) = store.endpoints().await?;
    let labels = labels_of(store).await?;
    let standing: Vec<Standing> = records.into_iter().map(Standing::of).collect();
    let contenders: Vec<Contender<'_>> = standing.iter().map(Standing::contender).collect();
    let verdicts = judge(&contenders, facts, &labels);
    let explained = standing.iter().zip(verdicts).map(|(standing, verdict)| Explained {
        record: standing.record.clone(),
        gets_it: verdict.because.gets_it(),
        because: verdict.because.words(),
        misses: verdict.misses.iter().map(|miss| miss.map(|miss| miss.words(facts, &labels))).collect(),
    });
    Ok(explained.collect())
}
