//! A store beside a plain set, through random days: what the set knows is a copy, and what it does not know is new.
//!
//! `WAYPOST_MODEL_SEED` repeats one seed.

use std::collections::BTreeMap;

use super::{killed, store_in};
use crate::embedded::{Embedded, check};
use crate::facts::build::{Body, DAY, NOW, id, until};
use crate::record::{EventOutcome, NewNotification, Retention};
use crate::seam::{Find, Store};

const KEY_DAYS: u32 = 3;

/// Splitmix64: repeatable from the seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

struct World {
    chance: Chance,
    folder: tempfile::TempDir,
    store: Option<Embedded>,
    /// Each key's last arrival.
    known: BTreeMap<usize, i64>,
    next: usize,
    now_ms: i64,
}

impl World {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut chance = Chance(seed);
        let store = Some(store_in(folder.path(), 1 + chance.below(12)));
        Self { chance, folder, store, known: BTreeMap::new(), next: 0, now_ms: NOW }
    }

    fn store(&self) -> &Embedded {
        self.store.as_ref().unwrap()
    }

    /// Fresh ones mostly, of any day; some that were there, some twice in one body.
    fn batch(&mut self) -> Vec<usize> {
        let count = 1 + self.chance.below(6);
        (0..count)
            .map(|_| {
                if self.next > 0 && self.chance.below(3) == 0 {
                    return self.chance.below(self.next);
                }
                self.next += 1;
                self.next - 1
            })
            .collect()
    }

    fn body(&self, numbers: &[usize]) -> NewNotification {
        let event = |body: Body, n: &usize| {
            body.shaped(&format!("k{n}"), &n.to_string(), &[], |event| {
                event.key_partition = i64::try_from(n % 7).unwrap() - 2;
                event.message_id = Some(format!("wamid.{n}"));
            })
        };
        numbers.iter().fold(Body::new(), event).build_at(0, self.now_ms)
    }

    /// Commits, and compares with what the set says. A key may be remembered for longer than it must.
    async fn commit(&mut self) {
        let numbers = self.batch();
        if self.chance.below(60) == 0 {
            self.store().fail_commits(1);
        }
        let Ok(committed) = self.store().commit(vec![self.body(&numbers)]).await else {
            until("the store to be writable", || async { self.store().health().await.writable }).await;
            return;
        };
        let keep_ms = i64::from(KEY_DAYS) * DAY;
        for (n, outcome) in numbers.iter().zip(&committed[0].events) {
            match (self.known.get(n), outcome) {
                (None, EventOutcome::New) | (Some(_), EventOutcome::Duplicate) => {}
                (Some(at), EventOutcome::New) => assert!(self.now_ms - at >= keep_ms, "{n} was forgotten"),
                (known, outcome) => panic!("{n}: {outcome:?} where {known:?}"),
            }
            self.known.insert(*n, self.now_ms);
        }
    }

    async fn prune(&mut self) {
        self.now_ms += DAY / 2;
        let retention = Retention { body_days: 2, metadata_days: 9, key_days: KEY_DAYS, store_bytes_max: None };
        for _ in 0..1 + self.chance.below(40) {
            if !self.store().prune(retention, self.now_ms).await.is_ok_and(|report| report.more) {
                break;
            }
        }
        until("the store to be writable", || async { self.store().health().await.writable }).await;
    }

    fn reopen(&mut self) {
        let size = 1 + self.chance.below(12);
        if self.chance.below(2) == 0 {
            let killed = killed(&self.folder);
            self.store = None;
            self.folder = killed;
        }
        self.store = None;
        assert_eq!(check(self.folder.path()).unwrap().problems, Vec::<String>::new());
        self.store = Some(store_in(self.folder.path(), size));
    }

    async fn look(&mut self) {
        if self.next == 0 {
            return;
        }
        let n = self.chance.below(self.next);
        let by_name = self.store().find(Find::MessageId(format!("wamid.{n}"))).await.unwrap();
        let by_id = self.store().find(Find::Event(id(&format!("k{n}")))).await.unwrap();
        assert_eq!(by_name, by_id);
        let is_young = self.known.get(&n).is_some_and(|at| self.now_ms - at < DAY);
        assert!(!is_young || !by_id.is_empty() || self.next > 0 && self.is_old(n), "{n} is not found");
    }

    /// A copy that came lately says nothing about how old the event itself is.
    fn is_old(&self, n: usize) -> bool {
        n + 200 < self.next
    }
}

async fn live(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..200 {
        match world.chance.below(20) {
            0 => world.reopen(),
            1 => world.prune().await,
            2 => world.look().await,
            _ => world.commit().await,
        }
    }
    world.reopen();
    let copies: Vec<usize> = world.known.iter().filter(|(_, at)| world.now_ms - **at < DAY).map(|(n, _)| *n).collect();
    for n in copies {
        let committed = world.store().commit(vec![world.body(&[n])]).await.unwrap();
        assert_eq!(committed[0].events, [EventOutcome::Duplicate], "{n} of seed {seed}");
    }
}

#[expect(clippy::disallowed_methods, reason = "which seed runs is not for the product's configuration")]
fn seeds() -> std::ops::Range<u64> {
    let given = std::env::var("WAYPOST_MODEL_SEED").ok().and_then(|seed| seed.parse().ok());
    given.map_or(1..4, |seed| seed..seed + 1)
}

#[tokio::test]
async fn no_event_is_lost_or_wrongly_taken_for_a_copy_through_random_days() {
    for seed in seeds() {
        tell(seed);
        live(seed).await;
    }
}

#[expect(clippy::print_stderr, reason = "the seed must be known when it fails")]
fn tell(seed: u64) {
    eprintln!("WAYPOST_MODEL_SEED={seed}");
}
