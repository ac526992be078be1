//! A store that has grown: what a request costs then, memory, and how long a start takes after a kill.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::bodies::{FILLING, SMALL, USUAL};
use crate::load::{Figures, Ledger, Plan, fill, run};
use crate::report::{Report, mean};
use crate::servers::{SECRET, Server};
use crate::{Outcome, readback};

const ROUNDS: usize = 3;

/// Events in millions at which it is measured.
pub(crate) fn grown(folder: &Path, report: &mut Report, millions: &[u64]) -> Outcome<()> {
    report.table(
        "A store that has grown (events of 300 B, then requests of 2 KB over 64 connections)",
        &["what", "value"],
    );
    let mut ledger = Ledger::default();
    let mut server = Server::waypost(folder, "info")?;
    let mut first: Option<(f64, f64)> = None;
    for million in millions {
        let missing = (million * 1_000_000).saturating_sub(ledger.events());
        let begun = Instant::now();
        fill(&server, FILLING, 64, missing.div_ceil(50), &mut ledger)?;
        let rate = f64::from(u32::try_from(missing)?) / begun.elapsed().as_secs_f64();
        report.value(&format!("filled to {million} M, 50 events a body"), rate, "events/s");
        let plan = Plan { connections: 64, shape: USUAL, measured: Duration::from_secs(3), per_second: None };
        let rounds: Vec<Figures> = (0..ROUNDS).map(|_| run(&server, plan, &mut ledger)).collect::<Outcome<_>>()?;
        let per_second = mean(&rounds.iter().map(|round| round.per_second).collect::<Vec<_>>());
        let cpu_us = mean(&rounds.iter().map(|round| round.cpu_us).collect::<Vec<_>>());
        let (base_rate, base_cpu) = *first.get_or_insert((per_second, cpu_us));
        report.value(&format!("requests/s at {million} M"), per_second, "");
        report.value(
            &format!("of the rate at {} M", millions.first().unwrap_or(million)),
            per_second / base_rate * 100.0,
            "%",
        );
        report.value(&format!("CPU a request at {million} M"), cpu_us, "µs");
        report.value("of the first one's", cpu_us / base_cpu * 100.0, "%");
        report.value(&format!("memory at {million} M"), server.memory_mib().0, "MiB");
        server.stop()?;
        let begun = Instant::now();
        server = Server::waypost(folder, "info")?;
        first_200(&server)?;
        report.value(
            &format!("kill -9, start, first 200 at {million} M"),
            begun.elapsed().as_secs_f64() * 1_000.0,
            "ms",
        );
        report.value("memory after that", server.memory_mib().0, "MiB");
    }
    read_back(folder, &ledger, report)
}

/// What is read back must be everything that was acknowledged.
pub(crate) fn read_back(folder: &Path, ledger: &Ledger, report: &mut Report) -> Outcome<()> {
    let missing = readback::missing(&folder.join("waypost-data"), ledger)?;
    report.text(
        "events acknowledged, read back after kill -9",
        &format!("{} acknowledged, {missing} missing", ledger.events()),
    );
    if missing > 0 {
        return Err(format!("{missing} acknowledged events are not there").into());
    }
    Ok(())
}

/// A start with a backlog of a million that an endpoint which is down is owed.
pub(crate) fn backlog(folder: &Path, report: &mut Report, events: u64) -> Outcome<()> {
    report.table("A backlog", &["what", "value"]);
    // Nothing listens on this port while it is held.
    let down = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let config = format!(
        "secrets_key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='\n[[apps]]\nname = 'main'\nverify_token = 'bench'\n\
         secrets = ['{SECRET}']\n[outbound]\nallow_networks = ['127.0.0.0/8']\n[[endpoints]]\nname = 'down'\n\
         url = 'http://{down}/'\nhub_secret = 'bench'\n"
    );
    std::fs::write(folder.join("waypost.toml"), config)?;
    let server = Server::waypost_with(folder)?;
    let mut ledger = Ledger::default();
    fill(&server, FILLING, 64, events.div_ceil(50), &mut ledger)?;
    report.value("memory with the backlog", server.memory_mib().0, "MiB");
    server.stop()?;
    let begun = Instant::now();
    let server = Server::waypost_with(folder)?;
    first_200(&server)?;
    let what = format!("kill -9, start, first 200 with {} owed", ledger.events());
    report.value(&what, begun.elapsed().as_secs_f64() * 1_000.0, "ms");
    report.value("memory after that", server.memory_mib().0, "MiB");
    read_back(folder, &ledger, report)
}

fn first_200(server: &Server) -> Outcome<()> {
    fill(server, SMALL, 1, 1, &mut Ledger::default())
}

/// What watching costs: logs in detail, and metrics that are asked for ten times a second.
pub(crate) fn watched(folder: &Path, report: &mut Report) -> Outcome<()> {
    report.table("What watching costs (2 KB, 64 connections)", &["what", "value"]);
    let mut costs: [Vec<f64>; 3] = Default::default();
    for round in 0..2 {
        for (n, (log, asks)) in [("info", false), ("debug", false), ("info", true)].into_iter().enumerate() {
            let own = folder.join(format!("{round}{n}"));
            std::fs::create_dir_all(&own)?;
            let server = Server::waypost(&own, log)?;
            let cost = cost(&server, asks)?;
            costs.get_mut(n).into_iter().for_each(|costs| costs.push(cost));
        }
    }
    for (what, costs) in ["as usual", "logs at debug", "metrics asked for 10 times a second"].iter().zip(&costs) {
        report.value(what, mean(costs), "µs CPU a request");
    }
    Ok(())
}

fn cost(server: &Server, asks: bool) -> Outcome<f64> {
    let plan = Plan { connections: 64, shape: USUAL, measured: Duration::from_secs(3), per_second: None };
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        if asks {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    // Who asks in vain has still been answered.
                    drop(ask(server));
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        let figures = run(server, plan, &mut Ledger::default());
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok(figures?.cpu_us)
    })
}

fn ask(server: &Server) -> std::io::Result<usize> {
    use std::io::{Read as _, Write as _};
    let mut stream = TcpStream::connect(server.admin)?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    stream.read_to_end(&mut Vec::new())
}
