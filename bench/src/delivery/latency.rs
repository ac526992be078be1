//! How long an event takes from its sending to its endpoint, at 300 a second.

use std::time::Duration;

use super::bare::{pool, post};
use super::bodies::{Bodies, now_ns};
use super::sink::Sink;
use super::{fill, sink};
use crate::servers::{self, Server};
use crate::{Outcome, say};

pub(super) const PER_SECOND: u32 = 300;
const COUNT: usize = 6_000;

const ROUNDS: usize = 3;

/// Measures them in turn and says the table.
pub(super) fn run(sink: &Sink) -> Outcome<()> {
    let mut measured = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let [bare, synced, waypost] = &mut measured;
        bare.push(Times::of(&yardstick(sink, "--bare-paced")?));
        synced.push(Times::of(&yardstick(sink, "--synced-paced")?));
        waypost.push(Times::of(&through(sink)?));
    }
    say("");
    say("| 300/s for 20 s | p50 ms (each round) | p99 ms (each round) |");
    say("| --- | --- | --- |");
    for (name, rounds) in
        ["bare signed loop", "the same, synced first", "received, kept, delivered"].iter().zip(&measured)
    {
        let each = |of: fn(&Times) -> u128| rounds.iter().map(|times| ms(of(times))).collect::<Vec<_>>().join(", ");
        say(&format!("| {name} | {} | {} |", each(|times| times.p50_us), each(|times| times.p99_us)));
    }
    Ok(())
}

/// How long the arrivals of a round took.
struct Times {
    p50_us: u128,
    p99_us: u128,
}

impl Times {
    fn of(arrivals: &sink::Arrivals) -> Self {
        let mut took = arrivals.took_ns.clone();
        took.sort_unstable();
        let at = |percent: usize| took.get(took.len() * percent / 100).map_or(0, |ns| ns / 1_000);
        Self { p50_us: at(50), p99_us: at(99) }
    }
}

fn ms(us: u128) -> String {
    format!("{}.{:03}", us / 1_000, us % 1_000)
}

/// Straight from a yardstick to the sink.
fn yardstick(sink: &Sink, mode: &str) -> Outcome<sink::Arrivals> {
    sink.clear();
    let port = sink.at.port().to_string();
    let mut child = servers::this_on_core_0(&[mode, &port, &COUNT.to_string()])?;
    let arrivals = sink.wait_for(COUNT, Duration::from_secs(120))?;
    child.wait()?;
    Ok(arrivals)
}

/// Through the gateway.
fn through(sink: &Sink) -> Outcome<sink::Arrivals> {
    let folder = tempfile::tempdir_in("target")?;
    sink.clear();
    let config = format!(
        "secrets_key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='\n[[apps]]\nname = 'main'\nverify_token = 'bench'\n\
         secrets = ['bench']\n[outbound]\nallow_networks = ['127.0.0.0/8']\n[[endpoints]]\nname = 'one'\n\
         url = 'http://127.0.0.1:{}/'\nhub_secret = 'bench'\nconcurrency_max = 64\n",
        sink.at.port()
    );
    std::fs::write(folder.path().join("waypost.toml"), config)?;
    let server = Server::waypost_with(folder.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(paced_through(&server))?;
    sink.wait_for(COUNT, Duration::from_secs(60))
}

async fn paced_through(server: &Server) -> Outcome<()> {
    let mut streams = Vec::new();
    for _ in 0..16 {
        let stream = tokio::net::TcpStream::connect(server.at).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    let mut bodies = Bodies::new(u64::try_from(now_ns() & 0xffff_ffff)?, 1);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    for n in 0..COUNT {
        ticks.tick().await;
        let at = n % streams.len();
        let Some(stream) = streams.get_mut(at) else { continue };
        fill::post(stream, server.path, &bodies.next_body(now_ns())).await?;
    }
    Ok(())
}

/// Sends so many to a port, evenly.
pub(super) fn send_paced(port: u16, count: usize) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, mut bodies) = (pool(), Bodies::new(1, 1));
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
        for _ in 0..count {
            ticks.tick().await;
            post(&client, port, bodies.next_body(now_ns())).await?;
        }
        Ok(())
    })
}
