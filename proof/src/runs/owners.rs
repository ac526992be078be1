//! No owner's endpoint ever sees a byte of another's events, in any format: every byte that reaches it, heads included, is
//! searched for the marks of all others. The same for what an owner's API key reads.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::Outcome;
use crate::args::Args;
use crate::clock::unix_seconds;
use crate::events::{Event, Talk, message, messaging, status, template, text};
use crate::gateway::Gateway;
use crate::report::{Report, say};
use crate::sender::runtime;
use crate::stage::{Endpoint, Stage};

/// Pages of the API that are read for each owner at most.
const PAGES_MAX: usize = 20;

#[derive(Debug, Default)]
struct Seen {
    requests: u64,
    bytes: u64,
    own_marks: u64,
    leaks: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let owners = (args.endpoints / u32::try_from(args.formats.len().max(1))?).max(2);
    let seen: Arc<Mutex<BTreeMap<String, Seen>>> = Arc::default();
    let book = Arc::clone(&seen);
    let look = move |endpoint: &str, head: &str, body: &[u8]| {
        let mut seen = book.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = seen.entry(endpoint.to_owned()).or_default();
        entry.requests += 1;
        entry.bytes += u64::try_from(body.len()).unwrap_or(0);
        // An operator's own tap, which nobody owns, may see everything.
        if let Some(owner) = owner_of(endpoint) {
            search(entry, owner, owners, &[head.as_bytes(), body]);
        }
    };
    let mut stage = Stage::set(args, Some(Arc::new(look)))?;
    let mut endpoints = vec![Endpoint { name: "tap".to_owned(), wabas: (0..owners).collect(), more: json!({}) }];
    for (owner, format) in (0..owners).flat_map(|owner| args.formats.iter().map(move |format| (owner, format))) {
        let mut more = json!({ "owner": format!("owner-{owner:02}"), "format": format });
        if let (Some(members), "8x8") = (more.as_object_mut(), format.as_str()) {
            members.insert("eight_by_eight".to_owned(), json!({ "account_id": format!("owner-{owner:02}") }));
        }
        endpoints.push(Endpoint { name: format!("o{owner:02}-{format}"), wabas: vec![owner], more });
    }
    stage.add(endpoints)?;
    let sent = send(args, &stage, owners)?;
    stage.drain()?;
    let mut report = Report::default();
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    let owned = || seen.iter().filter(|(endpoint, _)| owner_of(endpoint).is_some()).map(|(_, seen)| seen);
    let leaks: Vec<&String> = owned().flat_map(|seen| &seen.leaks).collect();
    let (requests, bytes): (u64, u64) = owned().fold((0, 0), |(r, b), seen| (r + seen.requests, b + seen.bytes));
    let told =
        leaks.first().map_or_else(|| format!("{requests} requests, {bytes} bytes searched"), |leak| (*leak).clone());
    report.claim("no owner's endpoint sees a byte of another's events", leaks.is_empty() && requests > 0, told);
    let silent = owned().filter(|seen| seen.own_marks == 0).count() + stage.endpoints.len() - seen.len();
    report.claim("the search finds marks: every endpoint got its own", silent == 0, format!("{silent} found none"));
    for format in &args.formats {
        let got =
            seen.iter().filter(|(endpoint, _)| endpoint.ends_with(format)).map(|(_, seen)| seen.requests).sum::<u64>();
        report.figure(&format!("requests in the format {format}"), got);
        // The others make one request of several events, or leave some out.
        if matches!(format.as_str(), "meta" | "waypost" | "cloudevents") {
            report.claim(
                format!("every owner gets all of its own as {format}"),
                got >= sent,
                format!("{got} of {sent}"),
            );
        }
    }
    api(&mut report, &stage.gateway, owners)?;
    report.figure("owners", owners);
    report.figure("formats", args.formats.join(", "));
    report.figure("events", sent);
    Ok(report)
}

/// The mark that every event of an owner bears, in each of its texts.
fn mark(owner: u32) -> String {
    format!("mark-of-{owner:02}-{:08x}", owner.wrapping_add(7).wrapping_mul(0x9e37_79b1))
}

/// The owner of an endpoint: `o03-meta` is that of 3.
fn owner_of(endpoint: &str) -> Option<u32> {
    endpoint.strip_prefix('o')?.split('-').next()?.parse().ok()
}

fn search(seen: &mut Seen, owner: u32, owners: u32, texts: &[&[u8]]) {
    for (other, text) in (0..owners).flat_map(|other| texts.iter().map(move |text| (other, *text))) {
        let mark = mark(other);
        if text.windows(mark.len()).any(|part| part == mark.as_bytes()) {
            if other == owner {
                seen.own_marks += 1;
            } else {
                seen.leaks.push(format!("owner {owner} saw {mark}"));
            }
        }
    }
}

/// Sends bodies that hold events of several owners each, and gives their number.
fn send(args: &Args, stage: &Stage, owners: u32) -> Outcome<u64> {
    let mut rng = Rng::with_seed(args.seed);
    let runtime = runtime()?;
    let all = u64::from(args.rate) * args.lasts.as_secs().max(1);
    let mut count = 0;
    while count < all {
        let batch: Vec<Event> = (0..rng.u32(1..=12)).map(|at| event(&mut rng, owners, count + u64::from(at))).collect();
        batch.iter().for_each(|event| stage.line.introduce(event));
        let keys: Vec<&str> = batch.iter().map(|event| event.key.as_str()).collect();
        let bodies: Vec<&[u8]> = batch.iter().map(|event| event.body.as_slice()).collect();
        runtime.block_on(stage.line.send(&keys, &bodies));
        count += u64::try_from(batch.len())?;
        if count.is_multiple_of(10_000) {
            say(&format!("{count} events"));
        }
    }
    Ok(count)
}

/// An event of any owner whose texts all bear its mark.
fn event(rng: &mut Rng, owners: u32, n: u64) -> Event {
    let owner = rng.u32(..owners);
    let (mark, wamid) = (mark(owner), format!("wamid.{}.{n}", mark(owner)));
    let talk = Talk { contact: rng.u32(..50), wamid: &wamid, at_seconds: unix_seconds() };
    match rng.u8(..10) {
        0 => Event::new(owner, None, template(owner, 9_000_000 + n, "APPROVED", &mark, unix_seconds())),
        1..5 => Event::new(owner, None, messaging(owner, &message(talk, &mark, &text(&mark)), None)),
        _ => {
            let more = format!(r#","biz_opaque_callback_data":"{mark}""#);
            Event::new(owner, None, messaging(owner, &status(talk, "delivered", &more), None))
        }
    }
}

/// What an owner's key reads bears no mark of another.
fn api(report: &mut Report, gateway: &Gateway, owners: u32) -> Outcome<()> {
    let (mut pages, mut leaks) = (0, Vec::new());
    for owner in 0..owners {
        let key = json!({ "name": "proof", "scope": "read", "owner": format!("owner-{owner:02}") });
        let made = gateway.ask("POST", "/api/v1/keys", Some(&key))?;
        let key = made.get("key").and_then(Value::as_str).ok_or("no key")?.to_owned();
        for list in ["/api/v1/events?limit=200", "/api/v1/deliveries?limit=200", "/api/v1/endpoints?limit=200"] {
            let mut seen = Seen::default();
            pages += read_all(gateway, &key, list, |page| search(&mut seen, owner, owners, &[page.as_bytes()]))?;
            leaks.append(&mut seen.leaks);
        }
    }
    let told = leaks.first().cloned().unwrap_or_else(|| format!("{pages} pages searched"));
    report.claim("no owner's API key reads another's events", leaks.is_empty(), told);
    Ok(())
}

/// Reads a list page by page, and gives the number of pages.
fn read_all(gateway: &Gateway, key: &str, list: &str, mut look: impl FnMut(&str)) -> Outcome<usize> {
    let mut cursor = String::new();
    for page in 1..=PAGES_MAX {
        let (_, text) = gateway.call_as(key, "GET", &format!("{list}{cursor}"), None)?;
        look(&text);
        let next: Option<Value> = serde_json::from_str(&text).ok();
        match next.as_ref().and_then(|page| page.get("next_cursor")).and_then(Value::as_str) {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(page),
        }
    }
    Ok(PAGES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_another_owner_is_found_wherever_it_stands() {
        let (own, other) = (mark(1), mark(2));
        let told = |head: &str, body: &str| {
            let mut seen = Seen::default();
            search(&mut seen, 1, 4, &[head.as_bytes(), body.as_bytes()]);
            (seen.own_marks, seen.leaks.len())
        };
        assert_eq!(told("", &format!("x{own}y")), (1, 0));
        assert_eq!(told(&format!("x-some: {other}"), &own), (1, 1));
        assert_eq!(told("", &format!("{own}{other}")), (1, 1));
        assert_eq!(told("", ""), (0, 0));
        assert_eq!((owner_of("o03-meta"), owner_of("o11-8x8"), owner_of("tap")), (Some(3), Some(11), None));
    }
}
