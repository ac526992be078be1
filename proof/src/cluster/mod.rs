//! Several gateways on one private PostgreSQL: what stands between them can be cut, and each part killed, stopped and
//! started on its own.
//!
//! ```text
//! sender ─▶ front (a relay that deals connections out) ─▶ node ─▶ relay ─▶ PostgreSQL ─▶ its synchronous standby
//! ```

pub(crate) mod database;
pub(crate) mod judge;
pub(crate) mod relay;

use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::args::Args;
use crate::books::Books;
use crate::clock::Clock;
use crate::gateway::{Gateway, Home, PATH, SECRET, Setup};
use crate::ledger::Ledger;
use crate::sender::{Line, Meta, SENDERS};
use crate::sink::Sink;
use crate::stage::{Endpoint, Stage, definition, wait};
use crate::stalls::Stalls;
use crate::traffic::Traffic;

use self::database::Database;
use self::judge::Disturbance;
use self::relay::Relay;

/// Gateways side by side.
pub(crate) const NODES: usize = 3;
/// What is owed must be delivered within this time after the end.
const DRAIN: Duration = Duration::from_secs(300);
/// After this long a balancer that asks for health has noticed.
const NOTICED: Duration = Duration::from_secs(2);

/// A gateway's place, and the gateway where one runs.
pub(crate) struct Node {
    pub(crate) home: Home,
    pub(crate) gateway: Option<Gateway>,
}

/// All of it.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) front: Relay,
    pub(crate) database: Database,
    pub(crate) sink: Sink,
    pub(crate) line: Line,
    pub(crate) clock: Clock,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) disturbances: Vec<Disturbance>,
    sent: Ledger,
    arrived: Ledger,
    stalls: Stalls,
}

impl Cluster {
    /// Starts everything but traffic, with the usual endpoints.
    pub(crate) fn set(args: &Args) -> Outcome<Self> {
        let first = Home::make(args, &Setup::default())?;
        let database = Database::start(args.seed)?;
        let clock = Clock::start();
        let sent = Ledger::create(first.folder(), "sent.ledger")?;
        let arrived = Ledger::create(first.folder(), "arrived.ledger")?;
        let sink = Sink::start(arrived.clone(), clock, args.seed, None)?;
        let mut nodes = Vec::new();
        for n in 0..NODES {
            let home = first.node(n, &database.url())?;
            let gateway = Some(home.start()?);
            nodes.push(Node { home, gateway });
        }
        let front = Relay::start(args.seed, nodes.iter().map(|node| node.home.receive).collect())?;
        let line = Line::new(front.at, PATH, SECRET, sent.clone(), clock)?;
        let stalls = Stalls::start();
        let mut cluster = Self {
            nodes,
            front,
            database,
            sink,
            line,
            clock,
            endpoints: Vec::new(),
            disturbances: Vec::new(),
            sent,
            arrived,
            stalls,
        };
        cluster.endpoints = Stage::ring(args.endpoints, &json!({ "policy": { "gaps": ["200ms", "1s"] } }));
        for endpoint in &cluster.endpoints {
            let url = format!("http://{}/{}", cluster.sink.at, endpoint.name);
            cluster.anyone()?.ask("POST", "/api/v1/endpoints", Some(&definition(endpoint, &url)))?;
        }
        Ok(cluster)
    }

    /// Starts the usual traffic.
    pub(crate) fn traffic(&self, args: &Args) -> Outcome<Meta> {
        Meta::start(&self.line, args.rate, |n| Traffic::new(args.seed, (n, SENDERS), args.contacts, args.endpoints))
    }

    /// A gateway that runs.
    pub(crate) fn anyone(&self) -> Outcome<&Gateway> {
        self.nodes.iter().find_map(|node| node.gateway.as_ref()).ok_or_else(|| "no gateway runs".into())
    }

    /// SIGKILL. The balancer's connections to it break, and new ones are refused.
    pub(crate) fn kill(&mut self, n: usize) -> Outcome<()> {
        if let Some(mut gateway) = self.node(n)?.gateway.take() {
            gateway.kill()?;
        }
        Ok(())
    }

    /// Starts a gateway where none runs, and waits until it is ready.
    pub(crate) fn start(&mut self, n: usize) -> Outcome<()> {
        let node = self.node(n)?;
        if node.gateway.is_none() {
            node.gateway = Some(node.home.start()?);
        }
        let receive = node.home.receive;
        self.front.add(receive);
        Ok(())
    }

    /// Takes a gateway out of the balancer, lets it drain, and starts it anew: one step of a roll.
    pub(crate) fn roll(&mut self, n: usize) -> Outcome<()> {
        let receive = self.node(n)?.home.receive;
        self.front.remove(receive, false);
        if let Some(mut gateway) = self.node(n)?.gateway.take() {
            gateway.stop()?;
        }
        self.start(n)
    }

    /// SIGSTOP for so long, then SIGCONT. The balancer notices after a while, as one that asks for health does.
    pub(crate) fn pause(&mut self, n: usize, lasts: Duration) -> Outcome<()> {
        let began = Instant::now();
        let receive = self.node(n)?.home.receive;
        self.signal(n, "STOP")?;
        std::thread::sleep(NOTICED.min(lasts));
        self.front.remove(receive, true);
        std::thread::sleep(lasts.saturating_sub(began.elapsed()));
        self.signal(n, "CONT")?;
        self.front.add(receive);
        Ok(())
    }

    /// Notes a disturbance that began then and is over now, from where on it must recover.
    pub(crate) fn disturbed(&mut self, what: &str, from_us: u64) {
        let to_us = self.clock.now_us();
        self.disturbed_at(what, from_us, vec![to_us]);
    }

    /// The same where recovery counts from these moments.
    pub(crate) fn disturbed_at(&mut self, what: &str, from_us: u64, moments_us: Vec<u64>) {
        let to_us = self.clock.now_us();
        self.disturbances.push(Disturbance { what: what.to_owned(), from_us, to_us, moments_us });
    }

    /// Waits until nothing is owed.
    pub(crate) fn drain(&self) -> Outcome<()> {
        wait("that nothing is owed", DRAIN, || Ok(self.anyone()?.total("owed").is_ok_and(|owed| owed == 0)))
    }

    /// The ledgers, read from their files.
    pub(crate) fn books(&self) -> Outcome<Books> {
        let mut books = Books::read(&self.sent.read()?, &self.arrived.read()?)?;
        books.stalls = self.stalls.spread();
        Ok(books)
    }

    fn signal(&mut self, n: usize, signal: &str) -> Outcome<()> {
        self.node(n)?.gateway.as_ref().map_or(Ok(()), |gateway| gateway.signal(signal))
    }

    fn node(&mut self, n: usize) -> Outcome<&mut Node> {
        self.nodes.get_mut(n).ok_or_else(|| "no such node".into())
    }
}
