//! One long fact: chance decides what happens next, and a model says what must hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rules::identity::EventId;

use super::build::{Body, NOW, accepted, claim, endpoint, id, put, retry, set_state, until};
use super::engine::Engine;
use crate::record::{Claim, DeliveryNo, EndpointNo, EndpointRecord, EndpointState};
use crate::replay::OwedOf;
use crate::seam::{DeliveryQuery, Store};

const LANES: u64 = 4;

/// Reproducible chance.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// What must be owed, per endpoint and lane, oldest first.
#[derive(Default)]
struct Model {
    lane_of: HashMap<EventId, (u64, u64)>,
    owed: BTreeMap<(EndpointNo, u64), BTreeSet<u64>>,
    committed: u64,
    out: Vec<Claim>,
}

impl Model {
    fn commit(&mut self, lane: u64, endpoints: &[EndpointNo]) -> String {
        let key = format!("n{}", self.committed);
        self.lane_of.insert(id(&key), (lane, self.committed));
        for endpoint in endpoints {
            self.owed.entry((*endpoint, lane)).or_default().insert(self.committed);
        }
        self.committed += 1;
        key
    }

    /// The first endpoint is ordered, and gets nothing out of turn.
    fn claimed(&mut self, ordered: EndpointNo, claim: Claim) {
        let (lane, number) = self.lane_of[&claim.event];
        let owed = &self.owed[&(claim.endpoint, lane)];
        assert!(owed.contains(&number), "what is claimed is owed");
        assert!(!self.out.iter().any(|out| out.delivery == claim.delivery), "one holder at a time");
        if claim.endpoint == ordered {
            assert_eq!(owed.first(), Some(&number), "the oldest of the lane comes first");
        }
        self.out.push(claim);
    }

    fn accepted(&mut self, claim: &Claim) {
        let (lane, number) = self.lane_of[&claim.event];
        assert!(self.owed.get_mut(&(claim.endpoint, lane)).unwrap().remove(&number));
    }

    fn left(&self) -> usize {
        self.owed.values().map(BTreeSet::len).sum()
    }
}

async fn commit_some(store: &dyn Store, model: &mut Model, dice: &mut Dice, endpoints: &[EndpointNo]) {
    let version = store.endpoints().await.unwrap().0;
    for _ in 0..=dice.below(6) {
        let lane = dice.below(LANES);
        let key = model.commit(lane, endpoints);
        let body = Body::new().event(&key, "1", &format!("lane {lane}"), endpoints);
        store.commit(vec![body.build(version)]).await.unwrap();
    }
}

/// Settles or releases some of what is out.
async fn settle_some(store: &dyn Store, model: &mut Model, dice: &mut Dice, now_ms: i64) {
    for claim in std::mem::take(&mut model.out) {
        match dice.below(8) {
            0 => model.out.push(claim),
            1 => store.release(vec![claim]).await.unwrap(),
            2 | 3 => {
                let due = now_ms + i64::try_from(dice.below(5_000)).unwrap();
                let settled = store.settle(vec![retry(&claim, now_ms, due, None)]).await.unwrap();
                assert_eq!(settled, [true]);
            }
            _ => {
                assert_eq!(store.settle(vec![accepted(&claim, now_ms)]).await.unwrap(), [true]);
                model.accepted(&claim);
            }
        }
    }
}

/// A hand is laid on something that is owed and not out.
async fn give_up_one(store: &dyn Store, model: &mut Model, dice: &mut Dice, endpoints: &[EndpointNo]) {
    let endpoint = endpoints[usize::try_from(dice.below(2)).unwrap()];
    let lane = dice.below(LANES);
    let Some(owed) = model.owed.get(&(endpoint, lane)).filter(|owed| !owed.is_empty()) else { return };
    let at = usize::try_from(dice.below(owed.len() as u64)).unwrap();
    let number = *owed.iter().nth(at).unwrap();
    let event = id(&format!("n{number}"));
    if model.out.iter().any(|out| out.event == event && out.endpoint == endpoint) {
        return;
    }
    let query = DeliveryQuery { event: Some(event), endpoint: Some(endpoint), ..DeliveryQuery::default() };
    let delivery = store.deliveries(query).await.unwrap().rows[0].number;
    let given_up = store.give_up(OwedOf::Delivery(delivery), DeliveryNo(0), NOW).await.unwrap();
    assert_eq!(given_up.changed, 1);
    assert!(model.owed.get_mut(&(endpoint, lane)).unwrap().remove(&number));
}

/// A commit whose sync is refused: it leaves nothing, and claims stay out.
async fn refuse_one(engine: &dyn Engine, endpoints: &[EndpointNo]) {
    let store = engine.store();
    let version = store.endpoints().await.unwrap().0;
    engine.fail_next_commit();
    let body = Body::new().event("refused", "1", "lane 0", endpoints).build(version);
    store.commit(vec![body]).await.unwrap_err();
    until("the store to be writable", || async { store.health().await.writable }).await;
}

pub(crate) async fn a_long_life_of_accidents_loses_nothing_and_keeps_every_lane_in_order(engine: &mut dyn Engine) {
    for seed in 1..=4 {
        live(engine, seed).await;
    }
}

async fn live(engine: &mut dyn Engine, seed: u64) {
    let mut dice = Dice(seed);
    let mut model = Model::default();
    let mut now = NOW;
    let store = engine.store();
    let ordered = put(&*store, endpoint(&format!("ordered{seed}"))).await;
    let unordered = EndpointRecord { ordered: false, ..endpoint(&format!("unordered{seed}")) };
    let endpoints = [ordered, put(&*store, unordered).await];
    model.committed = seed * 1_000_000;
    drop(store);
    for step in 0..150 {
        let store = engine.store();
        now += i64::try_from(dice.below(1_000)).unwrap();
        match dice.below(40) {
            0 => {
                drop(store);
                engine.reopen().await;
                // What was out is owed again.
                model.out.clear();
                continue;
            }
            1 if step % 50 < 5 => refuse_one(engine, &endpoints).await,
            2 => set_state(&*store, &format!("ordered{seed}"), EndpointState::Paused).await,
            3..8 => set_state(&*store, &format!("ordered{seed}"), EndpointState::Active).await,
            8..18 => commit_some(&*store, &mut model, &mut dice, &endpoints).await,
            18..30 => {
                for claim in store.claim(5, now).await.unwrap().claims {
                    model.claimed(ordered, claim);
                }
            }
            36 => drop(store.retry_now(OwedOf::Endpoint(ordered), DeliveryNo(0)).await.unwrap()),
            37..40 => give_up_one(&*store, &mut model, &mut dice, &endpoints).await,
            _ => settle_some(&*store, &mut model, &mut dice, now).await,
        }
    }
    drain(engine, &mut model, (seed, ordered), now + 10_000).await;
}

/// In the end everything that was committed has been accepted.
async fn drain(engine: &dyn Engine, model: &mut Model, (seed, ordered): (u64, EndpointNo), now_ms: i64) {
    let store = engine.store();
    set_state(&*store, &format!("ordered{seed}"), EndpointState::Active).await;
    loop {
        for claim in claim(&*store, now_ms).await {
            model.claimed(ordered, claim);
        }
        let out = std::mem::take(&mut model.out);
        if out.is_empty() {
            break;
        }
        for claim in out {
            assert_eq!(store.settle(vec![accepted(&claim, now_ms)]).await.unwrap(), [true]);
            model.accepted(&claim);
        }
    }
    assert_eq!(model.left(), 0, "seed {seed}");
    assert_eq!(store.counts().await.unwrap().owed, 0, "seed {seed}");
}
