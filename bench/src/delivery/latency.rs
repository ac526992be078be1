//! How long an event takes from its sending to its endpoint, at 300 a second.

use std::time::Duration;

use super::bare::{pool, post};
use super::bodies::{Bodies, now_ns};
use super::sink::Sink;
use super::{fill, sink};
use crate::servers::{self, Server};
use crate::{Outcome, say};

const PER_SECOND: u32 = 300;
const COUNT: usize = 6_000;

/// Straight from the bare loop to the sink.
pub(super) fn bare(sink: &Sink) -> Outcome<sink::Arrivals> {
    sink.clear();
    let port = sink.at.port().to_string();
    let mut child = servers::this_on_core_0(&["--bare-paced", &port, &COUNT.to_string()])?;
    let arrivals = sink.wait_for(COUNT, Duration::from_secs(120))?;
    child.wait()?;
    Ok(arrivals)
}

/// Through the gateway.
pub(super) fn waypost(sink: &Sink) -> Outcome<sink::Arrivals> {
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

/// A line of the table.
pub(super) fn row(name: &str, arrivals: &sink::Arrivals) {
    let mut took = arrivals.took_ns.clone();
    took.sort_unstable();
    let at = |percent: usize| took.get(took.len() * percent / 100).map_or(0, |ns| ns / 1_000);
    let ms = |us: u128| format!("{}.{:03}", us / 1_000, us % 1_000);
    say(&format!("| {name} | {} | {} |", ms(at(50)), ms(at(99))));
}
