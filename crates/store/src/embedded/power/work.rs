//! What a store does while its disk remembers: commits from several sides, copies among them, deliveries, a change of the
//! endpoints now and then. What was answered becomes a line in the disk's memory.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use testdisk::Disk;

use crate::embedded::shared::lock;
use crate::embedded::{Embedded, EmbeddedOptions};
use crate::error::CommitError;
use crate::facts::build::{Body, NOW, accepted, endpoint, put, retry};
use crate::record::{EndpointNo, NewNotification};
use crate::seam::Store;

/// Sides from which commits come.
const SIDES: u64 = 6;
/// Notifications in all.
const NOTIFICATIONS: usize = 900;
/// One in so many is a copy of an earlier one.
const COPIES: usize = 8;

/// A notification that was given to the store, whatever came of it.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) notification: NewNotification,
    /// The one that it repeats.
    pub(super) of: Option<usize>,
}

/// A line of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The commit of this notification was answered.
    Committed(usize),
    /// The settlement of this delivery as accepted was answered.
    Settled(i64),
}

const SETTLED: u64 = 1 << 60;

impl Line {
    fn write(self) -> u64 {
        match self {
            Self::Committed(number) => u64::try_from(number).unwrap(),
            Self::Settled(delivery) => SETTLED | u64::try_from(delivery).unwrap(),
        }
    }

    pub(super) fn read(line: u64) -> Self {
        if line & SETTLED == 0 {
            Self::Committed(usize::try_from(line).unwrap())
        } else {
            Self::Settled(i64::try_from(line & !SETTLED).unwrap())
        }
    }
}

struct Work {
    store: Embedded,
    disk: Arc<Disk>,
    endpoints: [EndpointNo; 2],
    sent: Mutex<Vec<Sent>>,
    /// Those that were answered: only they are repeated.
    committed: Mutex<Vec<usize>>,
    /// Refusals in a row that a side puts up with.
    done: AtomicUsize,
    stop: AtomicBool,
}

/// Works until everything was given to the store and closes it; gives what was given.
pub(super) async fn run(folder: &Path, disk: &Arc<Disk>, seed: u64) -> Vec<Sent> {
    let store = Embedded::open(EmbeddedOptions::new(folder)).unwrap();
    let endpoints = [put(&store, endpoint("one")).await, put(&store, endpoint("two")).await];
    let work = Arc::new(Work {
        store,
        disk: Arc::clone(disk),
        endpoints,
        sent: Mutex::default(),
        committed: Mutex::default(),
        done: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
    });
    let sides: Vec<_> = (0..SIDES)
        .map(|side| tokio::spawn(commit(Arc::clone(&work), Rng::with_seed(seed ^ side.wrapping_mul(0x9e37_79b9)))))
        .collect();
    let delivering = tokio::spawn(deliver(Arc::clone(&work), Rng::with_seed(!seed)));
    for side in sides {
        side.await.unwrap();
    }
    work.stop.store(true, Ordering::SeqCst);
    delivering.await.unwrap();
    work.store.close().await;
    let work = Arc::into_inner(work).unwrap();
    work.sent.into_inner().unwrap()
}

async fn commit(work: Arc<Work>, mut chance: Rng) {
    while work.done.fetch_add(1, Ordering::SeqCst) < NOTIFICATIONS {
        // The disk may refuse for a while.
        let version = loop {
            match work.store.endpoints().await {
                Ok((version, _)) => break version,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let (number, notification) = {
            let mut sent = lock(&work.sent);
            let next = make(&work, &sent, version, &mut chance);
            sent.push(next.clone());
            (sent.len() - 1, next.notification)
        };
        match work.store.commit(vec![notification]).await {
            Ok(_) => {
                work.disk.note(Line::Committed(number).write());
                lock(&work.committed).push(number);
            }
            Err(CommitError::RoutesMoved { .. } | CommitError::Overloaded) => {}
            // What was refused is sent again, as Meta does, by chance as a copy.
            Err(CommitError::Store(_)) => tokio::time::sleep(Duration::from_millis(30)).await,
        }
        // The log is copied four times a second: there must be time for it.
        tokio::time::sleep(Duration::from_millis(chance.u64(5..25))).await;
    }
}

fn make(work: &Work, sent: &[Sent], version: u64, chance: &mut Rng) -> Sent {
    let copies = chance.usize(..COPIES) == 0;
    let earlier = chance.choice(&*lock(&work.committed)).copied().filter(|_| copies);
    if let Some(of) = earlier {
        let of = sent[of].of.unwrap_or(of);
        let mut notification = sent[of].notification.clone();
        notification.id = Body::new().build(version).id;
        notification.routes_version = version;
        return Sent { notification, of: Some(of) };
    }
    let mut body = Body::new();
    for n in 0..chance.usize(1..5) {
        let words: String = (0..chance.usize(100..2_500)).map(|_| chance.alphanumeric()).collect();
        let to = match chance.u8(..4) {
            0 => &work.endpoints[..1],
            1 => &work.endpoints[1..],
            _ => &work.endpoints[..],
        };
        let lane = format!("lane{}", chance.u8(..20));
        body = body.event(&format!("k{}-{n}", sent.len()), &format!("\"{words}\""), &lane, to);
    }
    Sent { notification: body.build(version), of: None }
}

async fn deliver(work: Arc<Work>, mut chance: Rng) {
    let mut now = NOW;
    while !work.stop.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        now += 10;
        let claims = work.store.claim(chance.usize(1..40), now).await.map(|claims| claims.claims).unwrap_or_default();
        let settlements: Vec<_> = claims
            .iter()
            .map(|claim| if chance.u8(..5) == 0 { retry(claim, now, now + 100, None) } else { accepted(claim, now) })
            .collect();
        let Ok(taken) = work.store.settle(settlements.clone()).await else { continue };
        for (settlement, taken) in settlements.iter().zip(taken) {
            if taken && settlement.state.is_final() {
                work.disk.note(Line::Settled(settlement.claim.delivery.0).write());
            }
        }
    }
}
