//! Documented bodies made new: fresh ids and present times, and everything else byte for byte.
//!
//! What makes two arrivals one event differs by field (Meta gives no event id), so each kind of thing is made new in its
//! own way. Where a field has an id, the id is redrawn. Where only a time tells two events apart, each time is given
//! out once. Where there is neither, a text member gets a mark. What the App Dashboard's test buttons send stays as
//! it is, for a receiver knows it by its constants.

mod address;
mod draw;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use address::{Address, Part};

use crate::json::{self, Kind, Node};

/// What was given out so far, so that it is not given out again. One per run.
///
/// Ids never meet those of another run with another seed. Times do meet: of some management events nothing but a time in
/// whole seconds makes the identity, and a run gives out one second per event, backwards from now. Two runs that begin
/// within that span (about two minutes for all documented bodies) can therefore share a few events.
#[derive(Debug, Clone)]
pub struct Fresh {
    rng: fastrand::Rng,
    now_seconds: i64,
    /// Earliest and latest second given out, per entry id.
    given_out: HashMap<String, (i64, i64)>,
}

impl Fresh {
    /// A source of ids that depends on the seed alone, at this time in Unix seconds.
    #[must_use]
    pub fn new(seed: u64, now_seconds: i64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed), now_seconds, given_out: HashMap::new() }
    }

    /// Tells the present time. Going back is harmless.
    pub fn set_now(&mut self, now_seconds: i64) {
        self.now_seconds = now_seconds;
    }

    /// The latest second, not after now, that was not given out for this entry id.
    fn second(&mut self, entry_id: &str) -> i64 {
        let now = self.now_seconds;
        match self.given_out.get_mut(entry_id) {
            Some((_, latest)) if now > *latest => {
                *latest = now;
                now
            }
            Some((earliest, _)) => {
                *earliest -= 1;
                *earliest
            }
            None => {
                self.given_out.insert(entry_id.to_owned(), (now, now));
                now
            }
        }
    }
}

/// The body with fresh ids and present times: every element in it is an event never seen before. Types, the order of
/// members, and strings and numbers as such stay. Bytes that are not JSON come back as they are.
#[must_use]
pub fn freshen(body: &[u8], fresh: &mut Fresh) -> Vec<u8> {
    let Some((text, nodes)) = std::str::from_utf8(body).ok().and_then(|text| Some((text, json::nodes(text)?))) else {
        return body.to_vec();
    };
    let replacements = Freshening::new(text, &nodes, fresh).run();
    let spans = replacements.iter().map(|(span, new)| (span.clone(), new.as_str()));
    json::splice(text, spans).into_bytes()
}

/// A scalar of the body, without a string's quotes.
struct Scalar<'a> {
    address: Address<'a>,
    text: &'a str,
    span: Range<usize>,
}

/// The work on one body.
struct Freshening<'a, 'f> {
    fresh: &'f mut Fresh,
    scalars: Vec<Scalar<'a>>,
    /// From the body's own latest time to now.
    shift_seconds: i64,
    /// What stood in the body, and what stands there now: one thing keeps one name.
    renamed: HashMap<(Part, &'a str), String>,
    /// What can no longer be mistaken for something earlier: a change of an entry, or (`None`) the whole entry.
    distinct: HashSet<(usize, Option<usize>)>,
}

impl<'a, 'f> Freshening<'a, 'f> {
    fn new(text: &'a str, nodes: &[Node<'a>], fresh: &'f mut Fresh) -> Self {
        let mut scalars: Vec<Scalar<'a>> = nodes.iter().filter_map(|node| scalar(text, node)).collect();
        address::tell_fields(&mut scalars);
        let latest = scalars.iter().filter(|scalar| scalar.address.is_occurrence()).filter_map(seconds).max();
        Self {
            shift_seconds: latest.map_or(0, |latest| fresh.now_seconds - latest),
            fresh,
            scalars,
            renamed: HashMap::new(),
            distinct: HashSet::new(),
        }
    }

    fn run(mut self) -> Vec<(Range<usize>, String)> {
        let scalars = std::mem::take(&mut self.scalars);
        let mut out: Vec<_> = scalars
            .iter()
            .filter(|scalar| !scalar.address.dashboard)
            .filter_map(|scalar| Some((scalar.span.clone(), self.renew(scalar)?)))
            .collect();
        out.extend(self.marks(&scalars));
        out.sort_by_key(|(span, _)| span.start);
        out
    }

    /// What stands in this scalar's place, if anything else than before.
    fn renew(&mut self, scalar: &Scalar<'a>) -> Option<String> {
        let part = scalar.address.part(scalar.text)?;
        let known = self.renamed.get(&(part, scalar.text)).cloned();
        let new = known.or_else(|| self.invent(part, scalar))?;
        // A time is no name: two items of one second may still need two seconds to be told apart.
        if part != Part::Reserved {
            self.renamed.insert((part, scalar.text), new.clone());
        }
        if part.makes_distinct() {
            self.distinct.insert((scalar.address.entry, scalar.address.change));
        }
        Some(new)
    }

    fn invent(&mut self, part: Part, scalar: &Scalar<'a>) -> Option<String> {
        let rng = &mut self.fresh.rng;
        Some(match part {
            Part::MessageId => draw::message_id(rng, scalar.text),
            Part::Number => draw::digits(rng, scalar.text),
            Part::UserId => draw::user_id(rng, scalar.text),
            Part::Tagged => draw::tagged(rng, scalar.text),
            Part::Reserved => {
                seconds(scalar)?;
                self.fresh.second(scalar.address.entry_id).to_string()
            }
            Part::Time => (seconds(scalar)? + self.shift_seconds).to_string(),
        })
    }

    /// Marks in the texts of changes that have neither an id nor a time of their own.
    fn marks(&mut self, scalars: &[Scalar<'a>]) -> Vec<(Range<usize>, String)> {
        let mut out = Vec::new();
        for scalar in scalars {
            let Address { entry, change, dashboard, .. } = scalar.address;
            let distinct = self.distinct.contains(&(entry, None)) || self.distinct.contains(&(entry, change));
            if scalar.address.is_free_text() && !dashboard && !distinct {
                self.distinct.insert((entry, change));
                out.push((scalar.span.clone(), draw::marked(&mut self.fresh.rng, scalar.text)));
            }
        }
        out
    }
}

fn scalar<'a>(text: &'a str, node: &Node<'a>) -> Option<Scalar<'a>> {
    let span = match node.kind {
        Kind::String => node.span.start + 1..node.span.end - 1,
        Kind::Bare => node.span.clone(),
        Kind::Object | Kind::Array => return None,
    };
    Some(Scalar { address: Address::of(node), text: text.get(span.clone())?, span })
}

/// The scalar as Unix seconds: ten digits, quoted or not.
fn seconds(scalar: &Scalar<'_>) -> Option<i64> {
    let plausible = scalar.text.len() == 10 && scalar.text.bytes().all(|b| b.is_ascii_digit());
    plausible.then(|| scalar.text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;
    use crate::fixtures;

    const NOW: i64 = 1_790_000_000;

    fn freshened(name: &str) -> String {
        let fixture = fixtures::find(name).unwrap();
        String::from_utf8(freshen(fixture.body, &mut Fresh::new(1, NOW))).unwrap()
    }

    /// The text with every scalar blanked, but for whether it is quoted.
    fn shape(text: &str) -> String {
        let nodes = json::nodes(text).unwrap();
        let spans = nodes.iter().filter_map(|node| Some((scalar(text, node)?.span, "_")));
        json::splice(text, spans)
    }

    #[test]
    fn a_fresh_body_has_the_shape_of_the_documented_one() {
        let mut fresh = Fresh::new(1, NOW);
        for fixture in fixtures::all() {
            let old = std::str::from_utf8(fixture.body).unwrap();
            let new = String::from_utf8(freshen(fixture.body, &mut fresh)).unwrap();
            assert_eq!(shape(&new), shape(old), "{}", fixture.name);
        }
    }

    #[test]
    fn no_body_comes_twice_except_the_dashboards() {
        let mut fresh = Fresh::new(1, NOW);
        let mut seen = HashSet::new();
        for fixture in (0..3).flat_map(|_| fixtures::all()) {
            let body = freshen(fixture.body, &mut fresh);
            assert!(seen.insert(body.clone()) || body == fixture.body, "{}", fixture.name);
        }
    }

    #[test]
    fn what_the_dashboard_sends_stays_as_it_is() {
        let fixture = fixtures::find("message_echoes/text-dashboard-sample").unwrap();
        assert_eq!(freshen(fixture.body, &mut Fresh::new(1, NOW)), fixture.body);
    }

    #[test]
    fn one_thing_keeps_one_name_within_a_body() {
        let body = br#"{"entry":[{"id":"7","changes":[{"field":"messages","value":{"statuses":[
            {"id":"wamid.AAAA","recipient_participant_id":"1"},{"id":"wamid.AAAA","recipient_participant_id":"2"},
            {"id":"wamid.BBBB"}]}}]}]}"#;
        let new = String::from_utf8(freshen(body, &mut Fresh::new(1, NOW))).unwrap();
        let nodes = json::nodes(&new).unwrap();
        let ids: Vec<&str> = nodes.iter().filter_map(|node| scalar(&new, node)).map(|scalar| scalar.text).collect();
        let ids: Vec<&str> = ids.into_iter().filter(|text| text.starts_with("wamid.")).collect();
        assert_eq!(ids[0], ids[1]);
        assert_ne!(ids[1], ids[2]);
    }

    #[test]
    fn a_message_happens_now_and_a_past_keeps_its_distances() {
        assert!(freshened("messages/text.json").contains(&format!("\"timestamp\": \"{NOW}\"")));
        let history = freshened("history/chunk-final-bsuid");
        assert!(history.contains(&format!("\"timestamp\": \"{}\"", NOW - 200)));
        assert!(freshened("account_update/partner-added").contains(&format!("\"time\": {NOW}")));
    }

    #[test]
    fn a_second_is_given_out_once_and_never_lies_ahead() {
        let mut fresh = Fresh::new(1, 100);
        let seconds = [(); 3].map(|()| fresh.second("7"));
        fresh.set_now(102);
        let later = [(); 3].map(|()| fresh.second("7"));
        assert_eq!((seconds, later), ([100, 99, 98], [102, 97, 96]));
        assert_eq!(fresh.second("8"), 102);
    }

    #[test]
    fn what_is_not_json_comes_back_as_it_is() {
        for body in [&b"{\"id\":"[..], b"\xff", b""] {
            assert_eq!(freshen(body, &mut Fresh::new(1, NOW)), body);
        }
    }
}
