//! Receiving and delivering at once, on both cores: a sink that only counts, and how many came to it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::bodies::USUAL;
use crate::load::{Ledger, Plan, run};
use crate::report::{Report, mean};
use crate::servers::{Cores, SECRET, Server};

const MEASURED: Duration = Duration::from_secs(5);
const ROUNDS: usize = 2;

/// Measures it beside bare hyper on the same cores.
pub(crate) fn through(folder: &Path, report: &mut Report) -> Outcome<()> {
    report
        .table("Received, kept and delivered to one endpoint, on all cores (2 KB, 64 connections)", &["what", "value"]);
    let plan = Plan { connections: 64, shape: USUAL, measured: MEASURED, per_second: None };
    let (mut bare, mut received, mut delivered) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let server = Server::bare(Cores::All)?;
        bare.push(run(&server, plan, &mut Ledger::default())?.per_second);
        drop(server);
        let own = folder.join(round.to_string());
        std::fs::create_dir_all(&own)?;
        let (in_, out) = one(&own, plan)?;
        received.push(in_);
        delivered.push(out);
    }
    report.value("bare hyper", mean(&bare), "requests/s");
    report.value("received while it delivered", mean(&received), "requests/s");
    report.value("delivered, from the first request to the last delivery", mean(&delivered), "events/s");
    report.value("of bare hyper", mean(&delivered) / mean(&bare) * 100.0, "%");
    Ok(())
}

fn one(folder: &Path, plan: Plan) -> Outcome<(f64, f64)> {
    let (sink, count) = sink()?;
    let config = format!(
        "secrets_key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='\n[[apps]]\nname = 'main'\nverify_token = 'bench'\n\
         secrets = ['{SECRET}']\n[outbound]\nallow_networks = ['127.0.0.0/8']\n[[endpoints]]\nname = 'one'\n\
         url = 'http://{sink}/'\nhub_secret = 'bench'\nconcurrency_max = 64\n"
    );
    std::fs::write(folder.join("waypost.toml"), config)?;
    let server = Server::waypost_on(folder, Cores::All)?;
    let mut ledger = Ledger::default();
    let begun = Instant::now();
    let figures = run(&server, plan, &mut ledger)?;
    let events = ledger.events();
    let deadline = Instant::now() + Duration::from_secs(120);
    while count.load(Ordering::Relaxed) < events {
        if Instant::now() > deadline {
            return Err(format!("{} of {events} were delivered", count.load(Ordering::Relaxed)).into());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok((figures.per_second, f64::from(u32::try_from(events)?) / begun.elapsed().as_secs_f64()))
}

/// A sink, and the requests that it has answered so far.
fn sink() -> Outcome<(SocketAddr, Arc<AtomicU64>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (at, count) = (listener.local_addr()?, Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counted = Arc::clone(&counted);
            // A connection that breaks is opened anew by who sends.
            std::thread::spawn(move || drop(answer(stream, &counted)));
        }
    });
    Ok((at, count))
}

fn answer(mut stream: TcpStream, counted: &AtomicU64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        while let Some(whole) = request(&bytes) {
            bytes.drain(..whole);
            counted.fetch_add(1, Ordering::Relaxed);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        }
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
    }
}

/// The length of the request that these bytes begin with, when it is whole.
fn request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?.to_ascii_lowercase();
    let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()?.parse().ok());
    let whole = head + length.unwrap_or(0);
    (bytes.len() >= whole).then_some(whole)
}
