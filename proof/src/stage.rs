//! Everything that a run needs, put together: gateway, endpoints, sinks, the line to the gateway, the ledgers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Outcome;
use crate::args::Args;
use crate::books::Books;
use crate::clock::Clock;
use crate::gateway::{Gateway, Home, PATH, SECRET, Setup};
use crate::judge::Interruptions;
use crate::ledger::Ledger;
use crate::sender::{Line, Meta, SENDERS};
use crate::sink::{Look, Sink};
use crate::stalls::Stalls;
use crate::traffic::Traffic;

/// What is owed must be delivered within this time after the end.
const DRAIN: Duration = Duration::from_secs(240);

/// An endpoint as the run has it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    /// The accounts whose events it wants.
    pub(crate) wabas: Vec<u32>,
    /// Members of its definition besides name, URL and rules.
    pub(crate) more: Value,
}

/// How a gateway ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// SIGKILL.
    Kill,
    /// SIGTERM.
    Stop,
}

/// The stage.
pub(crate) struct Stage {
    pub(crate) home: Home,
    pub(crate) gateway: Gateway,
    pub(crate) sink: Sink,
    pub(crate) line: Line,
    pub(crate) clock: Clock,
    pub(crate) endpoints: Vec<Endpoint>,
    sent: Ledger,
    arrived: Ledger,
    stalls: Stalls,
}

impl Stage {
    /// Starts everything but traffic and endpoints.
    pub(crate) fn set(args: &Args, look: Option<Look>) -> Outcome<Self> {
        Self::set_up(args, look, &Setup::default())
    }

    /// The same with a gateway that has more than the usual.
    pub(crate) fn set_up(args: &Args, look: Option<Look>, setup: &Setup) -> Outcome<Self> {
        let home = Home::make(args, setup)?;
        let clock = Clock::start();
        let sent = Ledger::create(home.folder(), "sent.ledger")?;
        let arrived = Ledger::create(home.folder(), "arrived.ledger")?;
        let sink = Sink::start(arrived.clone(), clock, args.seed, look)?;
        let gateway = home.start()?;
        let line = Line::new(home.receive, PATH, SECRET, sent.clone(), clock)?;
        Ok(Self { home, gateway, sink, line, clock, endpoints: Vec::new(), sent, arrived, stalls: Stalls::start() })
    }

    /// The usual endpoints: as many as accounts, each wanting two of them, so that each event goes to two.
    pub(crate) fn ring(count: u32, more: &Value) -> Vec<Endpoint> {
        let endpoint =
            |n: u32| Endpoint { name: format!("e{n:02}"), wabas: vec![n, (n + 1) % count], more: more.clone() };
        (0..count).map(endpoint).collect()
    }

    /// Makes endpoints that the sink serves.
    pub(crate) fn add(&mut self, endpoints: Vec<Endpoint>) -> Outcome<()> {
        for endpoint in endpoints {
            let url = format!("http://{}/{}", self.sink.at, endpoint.name);
            self.gateway.ask("POST", "/api/v1/endpoints", Some(&definition(&endpoint, &url)))?;
            self.endpoints.push(endpoint);
        }
        Ok(())
    }

    /// Ends the gateway and starts it again, and says how long the start took.
    pub(crate) fn restart(&mut self, end: End, interruptions: &mut Interruptions) -> Outcome<Duration> {
        match end {
            End::Kill => {
                self.gateway.kill()?;
                interruptions.kills_us.push(self.clock.now_us());
            }
            End::Stop => self.gateway.stop()?,
        }
        let started = Instant::now();
        self.gateway = self.home.start()?;
        Ok(started.elapsed())
    }

    /// Waits for a gateway to end by an order, and starts it again. None: it did not end in time.
    pub(crate) fn await_end(
        &mut self,
        patience: Duration,
        interruptions: &mut Interruptions,
    ) -> Outcome<Option<Duration>> {
        if !self.gateway.ends_within(patience)? {
            return Ok(None);
        }
        interruptions.kills_us.push(self.clock.now_us());
        self.home.order_later("")?;
        let started = Instant::now();
        self.gateway = self.home.start()?;
        Ok(Some(started.elapsed()))
    }

    /// Starts the usual traffic.
    pub(crate) fn traffic(&self, args: &Args) -> Outcome<Meta> {
        Meta::start(&self.line, args.rate, |n| Traffic::new(args.seed, (n, SENDERS), args.contacts, args.endpoints))
    }

    /// Waits until nothing is owed.
    pub(crate) fn drain(&self) -> Outcome<()> {
        wait("that nothing is owed", DRAIN, || Ok(self.gateway.total("owed")? == 0))
    }

    /// The ledgers, read from their files.
    pub(crate) fn books(&self) -> Outcome<Books> {
        let mut books = Books::read(&self.sent.read()?, &self.arrived.read()?)?;
        books.stalls = self.stalls.spread();
        Ok(books)
    }
}

/// An endpoint as the API takes it.
pub(crate) fn definition(endpoint: &Endpoint, url: &str) -> Value {
    let wabas: Vec<String> = endpoint.wabas.iter().map(|waba| crate::events::waba_id(*waba)).collect();
    let mut whole = json!({ "id": endpoint.name, "url": url, "rules": [{ "waba_ids": wabas }] });
    if let (Some(members), Some(more)) = (whole.as_object_mut(), endpoint.more.as_object()) {
        members.extend(more.clone());
    }
    whole
}

/// Waits until it is so.
pub(crate) fn wait(what: &str, patience: Duration, mut is_so: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    let deadline = Instant::now() + patience;
    while !is_so()? {
        if Instant::now() > deadline {
            return Err(format!("waited in vain: {what}").into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
