//! R14: JSON that is hostile and rightly signed. All of it is answered 200, kept, and forwarded as it is; it costs no more
//! time than its size; what is known in the same body still gets through.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::args::Args;
use crate::clock::unix_seconds;
use crate::events::{Event, Talk, message, messaging, text};
use crate::judge;
use crate::ledger::fingerprint;
use crate::report::{Report, say};
use crate::stage::{Endpoint, Stage};
use crate::wire;

/// Processor time for a megabyte at most.
const CPU_PER_MB: Duration = Duration::from_millis(50);
/// Less than this cannot be read from the system's count of ticks.
const TICKS: Duration = Duration::from_millis(40);
/// The account of what is known.
const KNOWN: u32 = 3;

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut stage = Stage::set(args, None)?;
    // Whatever arrives goes to the first as it arrived; the second wants one account's messages.
    let tap = Endpoint {
        name: "tap".to_owned(),
        wabas: vec![0],
        more: json!({ "format": "raw", "ordered": false, "rules": [{}] }),
    };
    let known = Endpoint { name: "known".to_owned(), wabas: vec![KNOWN], more: json!({ "ordered": false }) };
    stage.add(vec![tap, known])?;
    let mut report = Report::default();
    let mut chance = Rng::with_seed(args.seed);
    hostile(&mut report, &stage, &mut chance)?;
    mutated(&mut report, &stage, args, &mut chance)?;
    beside(&mut report, &stage)?;
    stage.drain()?;
    let alive = stage.gateway.is_ready();
    report.claim("the gateway still stands", alive, alive.to_string());
    let books = stage.books()?;
    judge::basics(&mut report, &books, &stage.endpoints);
    Ok(report)
}

/// Writes down that it is owed to the tap, as it is.
fn taken(stage: &Stage, body: &[u8]) {
    let event = Event { key: fingerprint(body), waba: 0, lane: None, body: Vec::new() };
    stage.line.introduce(&event);
    stage.line.acknowledged(&event.key);
}

fn hostile(report: &mut Report, stage: &Stage, chance: &mut Rng) -> Outcome<()> {
    report.row("| signed and strange | bytes | answer | took ms | processor ms |".to_owned());
    report.row("| --- | --- | --- | --- | --- |".to_owned());
    for (name, body) in corpus(chance) {
        let (before, started) = (stage.gateway.cpu(), Instant::now());
        let answer = wire::post(stage.home.receive, &body);
        let (used, took) = (stage.gateway.cpu().saturating_sub(before), started.elapsed());
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        taken(stage, &body);
        report.row(format!("| {name} | {} | {status} | {} | {} |", body.len(), took.as_millis(), used.as_millis()));
        report.claim(format!("{name}: answered 200"), status == 200, status.to_string());
        let megabytes = f64::from(u32::try_from(body.len())?) / 1e6;
        let allowed = CPU_PER_MB.mul_f64(megabytes) + TICKS;
        // An unoptimised build is slower by an order of magnitude, and none is shipped.
        let held = cfg!(debug_assertions) || used <= allowed;
        report.claim(
            format!("{name}: costs 50 ms of processor time per megabyte at most"),
            held,
            format!("{} ms, {} ms allowed", used.as_millis(), allowed.as_millis()),
        );
    }
    Ok(())
}

/// A body of one message with these words, told apart by a mark.
fn note(mark: &str, words: &str) -> Vec<u8> {
    let wamid = format!("wamid.STRANGE{mark}");
    let talk = Talk { contact: 4, wamid: &wamid, at_seconds: unix_seconds() };
    messaging(0, &message(talk, "Strange", &text(words)), None).into_bytes()
}

fn corpus(chance: &mut Rng) -> Vec<(&'static str, Vec<u8>)> {
    let mark: String = (0..12).map(|_| chance.alphanumeric()).collect();
    let marked = |n: u32, words: &str| note(&format!("{mark}{n}"), words);
    let envelope = |value: &str| {
        format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1{mark}","changes":[{{"field":"messages","value":{value}}}]}}]}}"#).into_bytes()
    };
    let deep = |open: &str, close: &str, depth: usize| [open.repeat(depth), close.repeat(depth)].concat();
    let keys: String = (0..150_000).map(|n| format!(r#""{mark}{n}":1,"#)).collect();
    let wide = |inner: &str| format!("{{{inner}\"end\":0}}");
    let raw = |bytes: &[u8], n: u32| [bytes, mark.as_bytes(), n.to_string().as_bytes()].concat();
    let mut lone = marked(1, "\\ud800 alone \\udc00\\ud800");
    lone.push(b' ');
    let mut bom = vec![0xef, 0xbb, 0xbf];
    bom.extend(marked(2, "after a mark of byte order"));
    let mut utf8 = marked(3, "MARK");
    if let Some(at) = utf8.windows(4).position(|four| four == b"MARK") {
        utf8.splice(at..at + 4, [0xff, 0xfe, 0xc0, 0x80]);
    }
    let mut nul = marked(4, "MARK");
    if let Some(at) = nul.windows(4).position(|four| four == b"MARK") {
        nul.splice(at..at + 4, [0, 0, 0, 0]);
    }
    let twice =
        String::from_utf8_lossy(&marked(5, "first")).replacen(r#""field":"#, r#""field":"account_update","field":"#, 1);
    let number = |n: &str| {
        let id = n.len();
        envelope(&format!(r#"{{"messages":[{{"id":"{mark}{id}","timestamp":{n},"from":{n}}}]}}"#))
    };
    vec![
        ("arrays 100,000 deep", envelope(&deep("[", "]", 100_000))),
        ("objects 100,000 deep", envelope(&[r#"{"a":"#.repeat(100_000), "1".to_owned(), "}".repeat(100_000)].concat())),
        ("100,000 deep and never closed", raw("[".repeat(100_000).as_bytes(), 6)),
        ("arrays 100,000 deep as a whole body", raw(deep("[", "]", 100_000).as_bytes(), 7)),
        ("150,000 members", envelope(&wide(&keys))),
        ("the same member 200,000 times", envelope(&wide(&format!(r#""{mark}":1,"#).repeat(150_000)))),
        (
            "200,000 changes that are null",
            format!(
                r#"{{"object":"whatsapp_business_account","entry":[{{"id":"2{mark}","changes":[{}null]}}]}}"#,
                "null,".repeat(200_000)
            )
            .into_bytes(),
        ),
        ("100,000 digits", number(&"9".repeat(100_000))),
        ("an exponent beyond all bounds", number("1e999999999")),
        ("NaN", number("NaN")),
        ("lone surrogates", lone),
        ("a mark of byte order", bom),
        ("invalid UTF-8", utf8),
        ("NUL bytes in a text", nul),
        ("a member twice", twice.into_bytes()),
        ("an array instead of the envelope", raw(format!(r#"["{mark}"]"#).as_bytes(), 0)),
        ("a text", format!(r#""{mark}""#).into_bytes()),
        ("half a document", marked(8, "half").get(..150).unwrap_or_default().to_vec()),
        ("another object", format!(r#"{{"object":"page","entry":[{{"id":"{mark}"}}]}}"#).into_bytes()),
        ("white space, 500,000 bytes of it", [" ".repeat(500_000).as_bytes(), &marked(9, "far")].concat()),
        ("escapes, 300,000 of them", marked(10, &"\\u0041".repeat(300_000))),
        ("noise", (0..50_000).map(|_| chance.u8(..)).collect()),
    ]
}

/// Documented bodies with something wrong at some path, each made new before, so that each is an event of its own.
fn mutated(report: &mut Report, stage: &Stage, args: &Args, chance: &mut Rng) -> Outcome<()> {
    let mut fresh = emulator::Fresh::new(args.seed, i64::try_from(unix_seconds())?);
    let fixtures: Vec<Vec<u8>> = emulator::fixtures::all().map(|fixture| fixture.body.to_vec()).collect();
    let wanted = usize::try_from(args.rate)? * 10;
    let (mut refused, mut sent) = (Vec::new(), HashSet::new());
    let (mut events, mut copies) = (stage.gateway.total("events")?, 0_u32);
    while sent.len() < wanted {
        let Some(fixture) = chance.choice(&fixtures) else { return Err("no fixtures".into()) };
        let Ok(mut value) = serde_json::from_slice::<Value>(&emulator::freshen(fixture, &mut fresh)) else { continue };
        let paths = paths(&value, String::new());
        let Some(path) = chance.choice(&paths) else { continue };
        mutate(&mut value, path, chance);
        let body = value.to_string().into_bytes();
        if !sent.insert(fingerprint(&body)) {
            continue;
        }
        let status = wire::post(stage.home.receive, &body).map_or(0, |answer| answer.status);
        if status != 200 {
            refused.push(format!("{status} for {path}"));
        }
        // What lost its identity to the mutation may be a copy of another; it is listed, and no news to anybody.
        let before = std::mem::replace(&mut events, stage.gateway.total("events")?);
        if events > before {
            taken(stage, &body);
        } else {
            copies += 1;
        }
        if sent.len().is_multiple_of(1_000) {
            say(&format!("{} mutated bodies", sent.len()));
        }
    }
    let told = refused.first().cloned().unwrap_or_else(|| format!("{} bodies", sent.len()));
    report.claim("documented bodies with something wrong at any path are answered 200", refused.is_empty(), told);
    let listed = stage.gateway.total("conflicts")? + stage.gateway.total("duplicates")?;
    report.claim(
        "those that brought nothing new are listed as copies",
        listed >= u64::from(copies),
        format!("{copies} of {}, {listed} copies listed", sent.len()),
    );
    Ok(())
}

/// The paths of everything in it.
fn paths(value: &Value, at: String) -> Vec<String> {
    let mut all = vec![at.clone()];
    match value {
        Value::Object(members) => {
            all.extend(members.iter().flat_map(|(name, value)| {
                paths(value, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")))
            }));
        }
        Value::Array(elements) => {
            all.extend(elements.iter().enumerate().flat_map(|(n, value)| paths(value, format!("{at}/{n}"))));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all
}

fn mutate(value: &mut Value, path: &str, chance: &mut Rng) {
    let way = chance.u8(..8);
    let (parent, name) = path.rsplit_once('/').unwrap_or_default();
    if let (0 | 1, Some(Value::Object(members))) = (way, value.pointer_mut(parent)) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let taken = members.remove(&name);
        if let (1, Some(taken)) = (way, taken) {
            members.insert(format!("{name}_renamed"), taken);
        }
        return;
    }
    if let Some(place) = value.pointer_mut(path) {
        *place = match way {
            2 => Value::Null,
            3 => json!([place.take()]),
            4 => json!({ "unexpected": place.take() }),
            5 => json!(-1.5e300),
            6 => json!(true),
            7 => json!("\u{0}\u{fffd} \u{202e}"),
            _ => Value::Object(Map::new()),
        };
    }
}

/// A known event in the same body as something that nobody can read.
fn beside(report: &mut Report, stage: &Stage) -> Outcome<()> {
    let talk = Talk { contact: 4, wamid: "wamid.KNOWN", at_seconds: unix_seconds() };
    let known = Event::new(KNOWN, None, messaging(KNOWN, &message(talk, "Known", &text("still here")), None));
    let body = String::from_utf8_lossy(&known.body).into_owned();
    let strange = r#"[{"id":{"no":"text"},"changes":"none"},{"id":"7","changes":[{"field":"of_tomorrow","value":[[[]]]},null,7]},"#;
    let body = body.replacen(r#""entry":["#, &format!(r#""entry":{strange}"#), 1);
    let status = wire::post(stage.home.receive, body.as_bytes())?.status;
    stage.line.introduce(&known);
    stage.line.acknowledged(&known.key);
    taken(stage, body.as_bytes());
    report.claim("strange entries beside a known one are answered 200", status == 200, status.to_string());
    Ok(())
}
