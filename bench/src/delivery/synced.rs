//! The floor for time: a program that writes each body to disk, syncs, sends it on, and does nothing else.
//!
//! It writes over a file that has its length already, and what came during one sync shares the next: as little as a
//! receiver can do that answers after the sync. What it takes beyond the bare loop is the disk's.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::mpsc::{self, channel};
use tokio::task::JoinSet;

use super::bare::{pool, post};
use super::bodies::{Bodies, now_ns};
use super::latency::PER_SECOND;
use crate::Outcome;

const SPACE_BYTES: u64 = 32 * 1024 * 1024;
/// Bodies that wait for the disk, or for their sending: ten seconds of them.
const WAITING_MAX: usize = 3_000;

/// Keeps and sends so many, evenly.
pub(super) fn send_paced(port: u16, count: usize) -> Outcome<()> {
    let file = with_space()?;
    let ((come, bodies), (kept, durable)) = (sync_channel(WAITING_MAX), channel(WAITING_MAX));
    let writer = std::thread::spawn(move || keep(&file, &bodies, &kept));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { tokio::try_join!(pace(come, count), send(durable, port)) })?;
    writer.join().map_err(|_| "the writer panicked")??;
    Ok(())
}

fn with_space() -> Outcome<File> {
    let path = tempfile::NamedTempFile::new_in("target")?.into_temp_path();
    let mut file = OpenOptions::new().write(true).open(&path)?;
    file.write_all(&vec![0; usize::try_from(SPACE_BYTES)?])?;
    file.sync_all()?;
    Ok(file)
}

async fn pace(come: SyncSender<Vec<u8>>, count: usize) -> Result<(), String> {
    let (mut bodies, mut ticks) = (Bodies::new(1, 1), tokio::time::interval(Duration::from_secs(1) / PER_SECOND));
    for _ in 0..count {
        ticks.tick().await;
        come.try_send(bodies.next_body(now_ns())).map_err(|cause| cause.to_string())?;
    }
    Ok(())
}

/// Ends when nobody brings anything any more.
fn keep(file: &File, bodies: &Receiver<Vec<u8>>, kept: &mpsc::Sender<Vec<u8>>) -> Result<(), String> {
    let mut at = 0;
    while let Ok(first) = bodies.recv() {
        let batch: Vec<Vec<u8>> = std::iter::once(first).chain(bodies.try_iter()).collect();
        for body in &batch {
            file.write_all_at(body, at).map_err(|cause| cause.to_string())?;
            at = (at + body.len() as u64) % (SPACE_BYTES - 4_096);
        }
        file.sync_data().map_err(|cause| cause.to_string())?;
        for body in batch {
            kept.blocking_send(body).map_err(|cause| cause.to_string())?;
        }
    }
    Ok(())
}

async fn send(mut durable: mpsc::Receiver<Vec<u8>>, port: u16) -> Result<(), String> {
    let (client, mut sends) = (pool(), JoinSet::new());
    while let Some(body) = durable.recv().await {
        let client = client.clone();
        sends.spawn(async move { post(&client, port, body).await });
    }
    while let Some(sent) = sends.join_next().await {
        sent.map_err(|cause| cause.to_string())??;
    }
    Ok(())
}
