//! R12: big and odd bodies. What is legal is kept and arrives bit for bit, what is too large is refused unread, a body that
//! was cut short is never taken, and small requests go on beside big ones.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::clock::{micros, unix_seconds};
use crate::events::{Event, Talk, message, messaging, status, text};
use crate::judge::{self, Spread};
use crate::report::{Report, say};
use crate::stage::{Endpoint, Stage};
use crate::wire::{self, signature};

/// The gateway's own limit.
const LIMIT: usize = 4 * 1024 * 1024;
/// Bodies of 3 MB at once, for the time that they take, and for the memory.
const AT_ONCE: usize = 16;
const MANY_AT_ONCE: usize = 100;
const BIG_P99: Duration = Duration::from_millis(500);
const SMALL_P99: Duration = Duration::from_millis(100);
/// The account whose events go to fifty endpoints, and the one of all else.
const FIFTY: u32 = 50;
const WHOLE: u32 = 60;

pub(crate) fn run(args: &Args) -> Outcome<Report> {
    let mut stage = Stage::set(args, None)?;
    let whole = Endpoint {
        name: "whole".to_owned(),
        wabas: vec![WHOLE],
        more: json!({ "format": "raw", "ordered": false, "policy": { "gaps": ["200ms", "1s"] } }),
    };
    let one_by_one = Endpoint {
        name: "each".to_owned(),
        wabas: vec![WHOLE + 1],
        more: json!({ "ordered": false, "concurrency_max": 64 }),
    };
    let fifty = (0..50).map(|n| Endpoint { name: format!("f{n:02}"), wabas: vec![FIFTY], more: json!({}) });
    stage.add(fifty.chain([whole, one_by_one]).collect())?;
    let mut run = Run { report: Report::default(), stage, count: 0 };
    run.sizes()?;
    run.framing()?;
    run.bombs()?;
    run.ten_thousand(args)?;
    run.fifty_endpoints()?;
    let big = run.at_once(AT_ONCE)?;
    run.report.claim_of_speed(
        format!("{AT_ONCE} of 3 MB at once are answered within 500 ms (p99)"),
        big.p99_us <= micros(BIG_P99),
        big.to_string(),
    );
    let peak_kib = run.stage.gateway.rss_peak_kib();
    run.report.figure("memory KiB at most until 16 of 3 MB at once were taken", peak_kib);
    run.beside()?;
    run.many()?;
    run.stage.drain()?;
    let books = run.stage.books()?;
    judge::basics(&mut run.report, &books, &run.stage.endpoints);
    Ok(run.report)
}

struct Run {
    report: Report,
    stage: Stage,
    count: u32,
}

impl Run {
    /// One event whose body has this many bytes.
    fn body(&mut self, waba: u32, length: usize) -> Event {
        self.count += 1;
        let wamid = format!("wamid.BIG{:08X}", self.count);
        let talk = Talk { contact: self.count, wamid: &wamid, at_seconds: unix_seconds() };
        let with = |words: &str| messaging(waba, &message(talk, "Big", &text(words)), None);
        let rest = length.saturating_sub(with("").len());
        Event::new(waba, None, with(&"x".repeat(rest)))
    }

    /// What is answered 200 stands in the ledger as owed.
    fn introduce(&self, event: &Event) {
        let line = &self.stage.line;
        line.introduce(event);
        line.acknowledged(&event.key);
    }

    fn claim_status(&mut self, name: &str, wanted: &[u16], got: &Outcome<wire::Answered>) {
        let told = got.as_ref().map_or_else(ToString::to_string, |answer| answer.status.to_string());
        // A connection that is closed without an answer is no 200.
        let held = got.as_ref().map_or(wanted.contains(&0), |answer| wanted.contains(&answer.status));
        self.report.claim(name, held, told);
    }

    fn sizes(&mut self) -> Outcome<()> {
        for length in [512, 3_000_000, 3_145_728, LIMIT - 1, LIMIT] {
            let event = self.body(WHOLE, length);
            let answer = wire::post(self.stage.home.receive, &event.body);
            if answer.as_ref().is_ok_and(|answer| answer.status == 200) {
                self.introduce(&event);
            }
            self.claim_status(&format!("{length} bytes are taken"), &[200], &answer);
        }
        // Refused by its head alone: no byte of the body is sent.
        let body = self.body(WHOLE, LIMIT + 1).body;
        let head = wire::head(body.len(), &signature(&body), "");
        let answer = wire::send(self.stage.home.receive, &[head.as_bytes()]);
        self.claim_status("one byte over the limit is refused by its length", &[413], &answer);
        let head = chunked_head(&body);
        let answer = wire::send(self.stage.home.receive, &[head.as_bytes(), &chunks(&body)]);
        self.claim_status("one byte over the limit in chunks is refused", &[413], &answer);
        Ok(())
    }

    fn framing(&mut self) -> Outcome<()> {
        let at = self.stage.home.receive;
        let event = self.body(WHOLE, 100_000);
        let answer = wire::send(at, &[chunked_head(&event.body).as_bytes(), &chunks(&event.body)]);
        self.introduce(&event);
        self.claim_status("chunks are taken", &[200], &answer);
        let event = self.body(WHOLE, 50_000);
        let head =
            wire::head(event.body.len(), &signature(&event.body), "Expect: 100-continue\r\nConnection: close\r\n");
        let answer = expecting(at, &head, &event.body);
        self.introduce(&event);
        self.claim_status("`Expect: 100-continue` is answered and the body taken", &[200], &answer);
        let body = self.body(WHOLE, 50_000).body;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: p\r\nX-Hub-Signature-256: {}\r\n\r\n",
            crate::gateway::PATH,
            signature(&body)
        );
        let answer = wire::send(at, &[head.as_bytes(), &body]);
        self.claim_status("a body without a length is none", &[401], &answer);
        for (name, kept) in [("cut in the middle", 25_000), ("cut before its last byte", 49_999)] {
            let body = self.body(WHOLE, 50_000).body;
            let answer = cut(at, &body, kept);
            self.claim_status(&format!("a body that is {name} is not taken"), &[400, 408, 0], &answer);
            let chunked = [chunked_head(&body).into_bytes(), chunks(&body)].concat();
            let answer = cut_bytes(at, chunked.get(..chunked.len() - 50_000 + kept - 7).unwrap_or_default());
            self.claim_status(&format!("a body in chunks that is {name} is not taken"), &[400, 408, 0], &answer);
        }
        // A length that is too short: what is left is no request, and the signature fits nothing that was read.
        let body = self.body(WHOLE, 50_000).body;
        let head = wire::head(49_000, &signature(&body), "");
        let answer = wire::send(at, &[head.as_bytes(), &body]);
        self.claim_status("a length that is too short verifies nothing", &[401], &answer);
        Ok(())
    }

    /// Compressed bytes are bytes: nothing is unpacked.
    fn bombs(&mut self) -> Outcome<()> {
        let before = self.stage.gateway.rss_kib();
        // The head of a gzip stream, then what would unpack to very much.
        let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        bomb.extend(std::iter::repeat_n([0xec, 0xc1, 0x01, 0x01], 100_000).flatten());
        let head = wire::head(bomb.len(), &signature(&bomb), "Content-Encoding: gzip\r\nConnection: close\r\n");
        let answer = wire::send(self.stage.home.receive, &[head.as_bytes(), &bomb]);
        self.claim_status("signed gzip is kept as it is", &[200], &answer);
        let grown = self.stage.gateway.rss_kib().saturating_sub(before);
        self.report.claim("nothing is unpacked", grown < 32 * 1024, format!("memory grew by {grown} KiB"));
        Ok(())
    }

    fn ten_thousand(&mut self, args: &Args) -> Outcome<()> {
        let before = self.stage.gateway.total("events")?;
        let of = |n: u32| {
            let wamid = format!("wamid.MANY{:08X}{n:08X}", args.seed);
            let talk = Talk { contact: n % 500, wamid: &wamid, at_seconds: unix_seconds() };
            Event::new(WHOLE + 1, None, messaging(WHOLE + 1, &status(talk, "delivered", ""), None))
        };
        let events: Vec<Event> = (0..10_000).map(of).collect();
        let bodies: Vec<&[u8]> = events.iter().map(|event| event.body.as_slice()).collect();
        let body = emulator::rebatch::merge(&bodies);
        let answer = wire::post(self.stage.home.receive, &body);
        events.iter().for_each(|event| self.introduce(event));
        let took = answer.as_ref().map_or(0, |answer| answer.took.as_millis());
        self.claim_status("10,000 statuses in one body are taken", &[200], &answer);
        let kept = self.stage.gateway.total("events")? - before;
        self.report.claim(
            "all of them or none",
            kept == 10_000,
            format!("{kept} events, {} bytes, {took} ms", body.len()),
        );
        Ok(())
    }

    fn fifty_endpoints(&mut self) -> Outcome<()> {
        let event = self.body(FIFTY, 2_000);
        let answer = wire::post(self.stage.home.receive, &event.body);
        self.introduce(&event);
        self.claim_status("one event for fifty endpoints is taken", &[200], &answer);
        Ok(())
    }

    /// So many bodies of 3 MB, each on a connection of its own, sent again until they are answered 200.
    fn at_once(&mut self, count: usize) -> Outcome<Spread> {
        let events: Vec<Event> = (0..count).map(|_| self.body(WHOLE, 3_000_000)).collect();
        let at = self.stage.home.receive;
        let times = std::thread::scope(|scope| {
            let senders: Vec<_> =
                events.iter().map(|event| scope.spawn(move || until_taken(at, &event.body))).collect();
            senders.into_iter().filter_map(|sender| sender.join().ok()).collect::<Outcome<Vec<u64>>>()
        })?;
        events.iter().for_each(|event| self.introduce(event));
        Ok(Spread::of(times))
    }

    /// Small requests, alone and beside big ones.
    fn beside(&mut self) -> Outcome<()> {
        let at = self.stage.home.receive;
        let small: Vec<Event> = (0..400).map(|_| self.body(WHOLE, 700)).collect();
        let big: Vec<Event> = (0..3 * AT_ONCE).map(|_| self.body(WHOLE, 3_000_000)).collect();
        let (alone_part, beside_part) = small.split_at(small.len() / 2);
        let each = |events: &[Event]| -> Outcome<Spread> {
            let times = events.iter().map(|event| {
                std::thread::sleep(Duration::from_millis(5));
                until_taken(at, &event.body)
            });
            Ok(Spread::of(times.collect::<Outcome<Vec<u64>>>()?))
        };
        let alone = each(alone_part)?;
        let beside = std::thread::scope(|scope| {
            for part in big.chunks(3) {
                scope.spawn(move || {
                    part.iter().map(|event| until_taken(at, &event.body)).collect::<Outcome<Vec<u64>>>()
                });
            }
            each(beside_part)
        })?;
        small.iter().chain(&big).for_each(|event| self.introduce(event));
        self.report.figure("small requests alone", alone.to_string());
        self.report.claim_of_speed(
            format!("small requests beside {AT_ONCE} of 3 MB are answered within 100 ms (p99)"),
            beside.p99_us <= micros(SMALL_P99),
            beside.to_string(),
        );
        Ok(())
    }

    fn many(&mut self) -> Outcome<()> {
        let many = self.at_once(MANY_AT_ONCE)?;
        say(&format!("{MANY_AT_ONCE} at once: {many}"));
        self.report.figure("100 of 3 MB at once, until the last is answered 200", many.to_string());
        self.memory(MANY_AT_ONCE)
    }

    /// No more than 64 MiB, and twice the limit of a body for each that is under way.
    fn memory(&mut self, at_once: usize) -> Outcome<()> {
        let (peak_kib, allowed_kib) =
            (self.stage.gateway.rss_peak_kib(), 64 * 1024 + 2 * 4 * 1024 * u64::try_from(at_once)?);
        self.report.claim(
            format!("memory with {at_once} at once: 64 MiB and twice 4 MiB for each at most"),
            peak_kib <= allowed_kib,
            format!("{peak_kib} KiB, {allowed_kib} KiB allowed"),
        );
        Ok(())
    }
}

/// From its first byte to its 200, in microseconds.
fn until_taken(at: std::net::SocketAddr, body: &[u8]) -> Outcome<u64> {
    let started = Instant::now();
    for _ in 0..500 {
        if wire::post(at, body).is_ok_and(|answer| answer.status == 200) {
            return Ok(micros(started.elapsed()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err("a body was never taken".into())
}

fn chunked_head(body: &[u8]) -> String {
    format!(
        "POST {} HTTP/1.1\r\nHost: p\r\nX-Hub-Signature-256: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        crate::gateway::PATH,
        signature(body)
    )
}

fn chunks(body: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for chunk in body.chunks(60_000) {
        all.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        all.extend_from_slice(chunk);
        all.extend_from_slice(b"\r\n");
    }
    all.extend_from_slice(b"0\r\n\r\n");
    all
}

/// Announces all of it, sends a part, and ends its side.
fn cut(at: std::net::SocketAddr, body: &[u8], kept: usize) -> Outcome<wire::Answered> {
    let head = wire::head(body.len(), &signature(body), "");
    cut_bytes(at, &[head.as_bytes(), body.get(..kept).unwrap_or_default()].concat())
}

fn cut_bytes(at: std::net::SocketAddr, bytes: &[u8]) -> Outcome<wire::Answered> {
    let mut stream = TcpStream::connect(at)?;
    let started = Instant::now();
    stream.write_all(bytes)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    wire::read(&mut stream, started)
}

fn expecting(at: std::net::SocketAddr, head: &str, body: &[u8]) -> Outcome<wire::Answered> {
    let mut stream = TcpStream::connect(at)?;
    let started = Instant::now();
    stream.write_all(head.as_bytes())?;
    let first = wire::read(&mut stream, started)?;
    if first.status != 100 {
        return Ok(first);
    }
    stream.write_all(body)?;
    wire::read(&mut stream, started)
}
