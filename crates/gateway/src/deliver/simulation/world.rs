//! The world of one seed: a store, three endpoints with moods, and chance.

use std::collections::HashSet;
use std::sync::Arc;

use rules::breaker::Standing;
use rules::delivery::{DeliveryState, EndReason};
use rules::identity::{EventId, NotificationId};
use rules::retry::{Answer, Policy};
use store::{
    AttemptRecord, Claim, DeliveryQuery, Embedded, EmbeddedOptions, EndpointChange, EndpointNo, EndpointRecord,
    EndpointState, LaneName, NewEvent, NewNotification, Settlement, Store,
};

use super::dice::Dice;
use super::judge::Judge;
use crate::deliver::breakers::{Breakers, Turn};
use crate::deliver::turning::may_turn;
use crate::deliver::verdict::{Verdict, judge};

const BEGIN_MS: i64 = 1_772_359_200_000;
const LANES: u64 = 4;
const STEPS: u32 = 160;
/// Requests in flight to an endpoint, and those that it accepted and nobody wrote down.
pub(super) const IN_FLIGHT_MAX: u32 = 3;

/// How an endpoint answers now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Flaky,
    Down,
    Slow,
}

struct Endpoint {
    number: EndpointNo,
    id: String,
    ordered: bool,
    policy: Policy,
    mood: Mood,
    state: EndpointState,
}

/// An attempt that is being made.
struct Flight {
    claim: Claim,
    answer: Answer,
    began_ms: i64,
    ends_ms: i64,
}

/// What chance did in a life, or in many.
#[derive(Debug, Default)]
pub(super) struct Totals {
    committed: u64,
    attempts: u64,
    dead: u64,
    pub(super) suspensions: u64,
    pub(super) crashes: u64,
    pub(super) set_aside: u64,
    probes: u64,
}

impl Totals {
    pub(super) fn add(&mut self, other: Self) {
        self.committed += other.committed;
        self.attempts += other.attempts;
        self.dead += other.dead;
        self.suspensions += other.suspensions;
        self.crashes += other.crashes;
        self.set_aside += other.set_aside;
        self.probes += other.probes;
    }
}

pub(super) struct World {
    folder: tempfile::TempDir,
    store: Option<Arc<Embedded>>,
    endpoints: Vec<Endpoint>,
    breakers: Breakers,
    flights: Vec<Flight>,
    /// What came of attempts and is not written yet, in its order.
    unwritten: Vec<Settlement>,
    judge: Judge,
    dice: Dice,
    /// Events that are refused.
    poison: HashSet<EventId>,
    now_ms: i64,
    totals: Totals,
}

fn open(folder: &tempfile::TempDir) -> Option<Arc<Embedded>> {
    // Small windows, so that every life meets the edge between memory and disk.
    let options = EmbeddedOptions {
        window: 8,
        lane_window: 3,
        board_max: 48,
        segment_events: 4,
        ..EmbeddedOptions::new(folder.path())
    };
    Some(Arc::new(Embedded::open(options).unwrap()))
}

impl World {
    pub(super) async fn new(seed: u64) -> Self {
        // Memory serves: what is tested is the order of things, not the disk.
        let shared_memory = std::path::Path::new("/dev/shm");
        let folder = if shared_memory.is_dir() { tempfile::tempdir_in(shared_memory) } else { tempfile::tempdir() };
        let folder = folder.unwrap();
        let mut world = Self {
            store: open(&folder),
            folder,
            endpoints: Vec::new(),
            breakers: Breakers::default(),
            flights: Vec::new(),
            unwritten: Vec::new(),
            judge: Judge::default(),
            dice: Dice::new(seed),
            poison: HashSet::new(),
            now_ms: BEGIN_MS,
            totals: Totals::default(),
        };
        let quick = Policy::eight_by_eight();
        let patient = Policy { lane_hold_ms: None, ..Policy::standard() };
        world.endpoint("standard", true, Policy::standard()).await;
        world.endpoint("quick", false, quick).await;
        world.endpoint("patient", true, patient).await;
        world
    }

    async fn endpoint(&mut self, id: &str, ordered: bool, policy: Policy) {
        let record = EndpointRecord {
            number: EndpointNo(0),
            id: id.to_owned(),
            owner: String::new(),
            state: EndpointState::Active,
            state_reason: String::new(),
            ordered,
            concurrency_max: IN_FLIGHT_MAX,
            rate_per_second_max: None,
            standing: Standing::default(),
            definition_json: "{}".to_owned(),
            declared: false,
            revision: 0,
            created_at_ms: 0,
            updated_at_ms: 0,
            owed: 0,
            last_accepted_at_ms: None,
        };
        let store = self.store();
        store.change_endpoints(vec![EndpointChange::Put { endpoint: record, if_revision: None }], 0).await.unwrap();
        let (_, records) = store.endpoints().await.unwrap();
        let number = records.iter().find(|record| record.id == id).unwrap().number;
        let (mood, state) = (Mood::Well, EndpointState::Active);
        self.endpoints.push(Endpoint { number, id: id.to_owned(), ordered, policy, mood, state });
    }

    fn store(&self) -> Arc<Embedded> {
        self.store.clone().unwrap()
    }

    fn of(&self, number: EndpointNo) -> &Endpoint {
        self.endpoints.iter().find(|endpoint| endpoint.number == number).unwrap()
    }

    pub(super) async fn live(mut self) -> Totals {
        for _ in 0..STEPS {
            match self.dice.below(40) {
                0 => self.crash(),
                1 => self.pause_or_resume().await,
                2..6 => self.change_mood(),
                6..16 => self.commit().await,
                16..20 => self.claim_and_release().await,
                20..30 => self.claim().await,
                30..32 => self.pass(7_200_000).await,
                32..35 => self.pass(300_000).await,
                _ => self.pass(6_000).await,
            }
            if self.dice.percent(50) {
                self.write().await;
            }
            self.probe().await;
        }
        self.end_well().await;
        self.totals.set_aside = self.judge.set_aside();
        self.totals
    }

    async fn commit(&mut self) {
        let store = self.store();
        let version = store.endpoints().await.unwrap().0;
        for _ in 0..=self.dice.below(5) {
            let (number, lane) = (self.totals.committed, self.dice.below(LANES));
            self.totals.committed += 1;
            let event = EventId::derive("s", &number.to_string());
            let all: Vec<EndpointNo> = self.endpoints.iter().map(|endpoint| endpoint.number).collect();
            let to: Vec<EndpointNo> = all.into_iter().filter(|_| self.dice.percent(80)).collect();
            if self.dice.percent(4) {
                self.poison.insert(event);
            }
            store.commit(vec![notification(event, number, lane, &to, version, self.now_ms)]).await.unwrap();
            self.judge.committed(event, lane, number, &to);
        }
    }

    async fn claim(&mut self) {
        let max = 1 + usize::try_from(self.dice.below(6)).unwrap();
        let claims = self.store().claim(max, self.now_ms).await.unwrap().claims;
        for claim in claims {
            self.begin(claim).await;
        }
    }

    /// What is given back is due at once.
    async fn claim_and_release(&mut self) {
        let store = self.store();
        let claims = store.claim(3, self.now_ms).await.unwrap().claims;
        if claims.is_empty() {
            return;
        }
        store.release(claims.clone()).await.unwrap();
        let again = store.claim(1_000, self.now_ms).await.unwrap().claims;
        for claim in &claims {
            assert!(again.iter().any(|one| one.delivery == claim.delivery), "what was given back is not given again");
        }
        for claim in again {
            self.begin(claim).await;
        }
    }

    async fn begin(&mut self, claim: Claim) {
        let (ordered, hold_ms, mood) = {
            let endpoint = self.of(claim.endpoint);
            (endpoint.ordered, endpoint.policy.lane_hold_ms, endpoint.mood)
        };
        let passed = self.judge.offered(&claim, ordered, self.now_ms);
        for delivery in passed {
            let record = self.store().delivery(delivery).await.unwrap().unwrap();
            self.judge.passed(&record, claim.endpoint, hold_ms, self.now_ms);
        }
        self.totals.attempts += 1;
        let (answer, took_ms) = self.answer(mood, claim.event);
        let began_ms = self.now_ms;
        self.flights.push(Flight { claim, answer, began_ms, ends_ms: began_ms + took_ms });
    }

    fn answer(&mut self, mood: Mood, event: EventId) -> (Answer, i64) {
        let status = |code| Answer::Status { code, retry_after_ms: None };
        let poisoned = self.poison.contains(&event);
        let yes = status(if poisoned { 422 } else { 200 });
        match (mood, self.dice.below(10)) {
            (Mood::Down, 0..5) => (Answer::NoAnswer, 15_000),
            (Mood::Down, _) => (status(503), self.dice.ms(500)),
            (Mood::Flaky, 0) => (Answer::Status { code: 429, retry_after_ms: Some(self.dice.ms(90_000)) }, 20),
            (Mood::Flaky, 1..4) => (status(500), self.dice.ms(900)),
            (Mood::Slow, 0..3) => (Answer::NoAnswer, 15_000),
            (Mood::Slow, _) => (yes, self.dice.ms(15_000)),
            (Mood::Well | Mood::Flaky, _) => (yes, self.dice.ms(400)),
        }
    }

    /// Lets time pass, and ends the attempts whose time has come, one after the other.
    async fn pass(&mut self, limit_ms: u64) {
        let until_ms = self.now_ms + self.dice.ms(limit_ms);
        self.pass_until(until_ms).await;
    }

    async fn pass_until(&mut self, until_ms: i64) {
        loop {
            self.flights.sort_by_key(|flight| flight.ends_ms);
            let Some(flight) = self.flights.first().filter(|flight| flight.ends_ms <= until_ms) else { break };
            self.now_ms = self.now_ms.max(flight.ends_ms);
            let flight = self.flights.remove(0);
            self.end(flight).await;
        }
        self.now_ms = self.now_ms.max(until_ms);
    }

    async fn end(&mut self, flight: Flight) {
        let Flight { claim, answer, began_ms, ends_ms } = flight;
        let chance = u8::try_from(self.dice.below(256)).unwrap();
        let attempt = AttemptRecord {
            number: 0,
            started_at_ms: began_ms,
            duration_ms: u32::try_from(ends_ms - began_ms).unwrap(),
            http_status: None,
            failure: None,
            error: None,
            response_snippet: None,
        };
        let policy = self.of(claim.endpoint).policy.clone();
        let Verdict { decision, sign, settlement } =
            judge(claim.clone(), answer, &policy, attempt, self.now_ms, chance);
        self.unwritten.push(settlement);
        self.judge.over(claim.delivery);
        if decision.state == DeliveryState::Accepted {
            self.judge.accepted(&claim);
            self.store().accepted(&claim);
        } else {
            self.judge.writing(&claim);
        }
        if self.dice.percent(40) {
            self.write().await;
        }
        match self.breakers.note(claim.endpoint, sign, claim.probe, self.now_ms, chance) {
            Turn::Stays => {}
            Turn::Suspend(_) => {
                self.totals.suspensions += 1;
                self.turn(claim.endpoint, EndpointState::Suspended).await;
            }
            Turn::Resume => self.turn(claim.endpoint, EndpointState::Active).await,
        }
    }

    /// Writes what came of attempts, as it came.
    async fn write(&mut self) {
        let settlements = std::mem::take(&mut self.unwritten);
        let claims: Vec<Claim> = settlements.iter().map(|settlement| settlement.claim.clone()).collect();
        let taken = self.store().settle(settlements).await.unwrap();
        assert!(taken.iter().all(|taken| *taken), "nobody else ends a delivery");
        claims.iter().for_each(|claim| self.judge.written(claim));
    }

    async fn turn(&mut self, number: EndpointNo, to: EndpointState) {
        if may_turn(self.of(number).state, to) {
            self.set_state(number, to).await;
        }
    }

    async fn set_state(&mut self, number: EndpointNo, state: EndpointState) {
        let endpoint = self.endpoints.iter_mut().find(|endpoint| endpoint.number == number).unwrap();
        endpoint.state = state;
        let change = EndpointChange::State { id: endpoint.id.clone(), state, reason: String::new() };
        self.judge.stands(number, state != EndpointState::Active, self.now_ms);
        self.store().change_endpoints(vec![change], self.now_ms).await.unwrap();
        self.follow().await;
    }

    async fn follow(&self) {
        let (version, records) = self.store().endpoints().await.unwrap();
        let states = records.iter().map(|record| (record.number, record.state));
        self.breakers.follow(version, states, self.now_ms);
    }

    async fn probe(&mut self) {
        for number in self.breakers.due(self.now_ms) {
            if let Some(claim) = self.store().probe(number, self.now_ms).await.unwrap() {
                self.totals.probes += 1;
                self.begin(claim).await;
            }
        }
    }

    async fn pause_or_resume(&mut self) {
        let at = usize::try_from(self.dice.below(3)).unwrap();
        let (number, state) = (self.endpoints[at].number, self.endpoints[at].state);
        let to = if state == EndpointState::Active { EndpointState::Paused } else { EndpointState::Active };
        self.set_state(number, to).await;
    }

    fn change_mood(&mut self) {
        let at = usize::try_from(self.dice.below(3)).unwrap();
        self.endpoints[at].mood = match self.dice.below(6) {
            0 | 1 => Mood::Down,
            2 => Mood::Flaky,
            3 => Mood::Slow,
            _ => Mood::Well,
        };
    }

    /// The process dies: what was in flight may have been accepted, and nobody wrote it down.
    fn crash(&mut self) {
        self.totals.crashes += 1;
        for flight in std::mem::take(&mut self.flights) {
            let accepts = matches!(flight.answer, Answer::Status { code: 200, .. });
            if accepts && self.dice.percent(50) {
                self.judge.over(flight.claim.delivery);
                self.judge.accepted(&flight.claim);
            }
        }
        self.unwritten.clear();
        self.judge.crashed();
        let store = self.store.take().unwrap();
        assert_eq!(Arc::strong_count(&store), 1, "the world let go of its store");
        drop(store);
        self.store = open(&self.folder);
        // Failures in a row live in memory; who is suspended is read from the store.
        self.breakers = Breakers::default();
    }

    /// Everybody is well again: nothing may be left owed, and what died did so by its policy.
    async fn end_well(&mut self) {
        self.poison.clear();
        for at in 0..self.endpoints.len() {
            self.endpoints[at].mood = Mood::Well;
            if self.endpoints[at].state == EndpointState::Paused {
                self.set_state(self.endpoints[at].number, EndpointState::Active).await;
            }
        }
        self.follow().await;
        for _ in 0..3_000 {
            self.probe().await;
            let claims = self.store().claim(1_000, self.now_ms).await.unwrap();
            let idle = claims.claims.is_empty();
            for claim in claims.claims {
                self.begin(claim).await;
            }
            if idle && self.flights.is_empty() && self.store().counts().await.unwrap().owed == 0 {
                break;
            }
            let step_ms = if idle && self.flights.is_empty() { 60_000 } else { 500 };
            self.pass_until(self.now_ms + step_ms).await;
            self.write().await;
        }
        assert_eq!(self.store().counts().await.unwrap().owed, 0, "something is owed for ever");
        for (endpoint, number, delivery) in self.judge.unaccepted() {
            let delivery = delivery.unwrap_or_else(|| panic!("event {number} was never offered to {endpoint:?}"));
            let record = self.store().delivery(delivery).await.unwrap().unwrap();
            let exhausted = DeliveryState::Dead(EndReason::PolicyExhausted);
            assert_eq!(record.state, exhausted, "event {number} of {endpoint:?} was forgotten");
        }
        let dead = DeliveryQuery { state: Some("dead".to_owned()), limit: 500, ..DeliveryQuery::default() };
        self.totals.dead = self.store().deliveries(dead).await.unwrap().rows.len() as u64;
    }
}

fn notification(
    event: EventId,
    number: u64,
    lane: u64,
    to: &[EndpointNo],
    version: u64,
    now_ms: i64,
) -> NewNotification {
    let body = format!(r#"{{"n":{number}}}"#);
    let mut chance = [0; 10];
    chance[..8].copy_from_slice(&number.to_be_bytes());
    let event = NewEvent {
        id: event,
        key: number.to_string(),
        key_partition: 1,
        event_type: "messages.text".to_owned(),
        field: "messages".to_owned(),
        entry_id: None,
        waba_id: None,
        business_id: None,
        phone_number_id: None,
        display_phone_number: None,
        wa_id: None,
        user_id: None,
        parent_user_id: None,
        message_id: None,
        lane: LaneName::Named(format!("lane {lane}")),
        occurred_at_seconds: None,
        test: false,
        problems_json: "[]".to_owned(),
        data_range: 0..body.len(),
        data_is_json: true,
        position: 0,
        owed_to: to.to_vec(),
    };
    NewNotification {
        id: NotificationId::new(now_ms, chance),
        app: "main".to_owned(),
        scope: "main".to_owned(),
        received_at_ms: now_ms,
        body: body.into_bytes().into(),
        signature: None,
        secret_index: None,
        routes_version: version,
        events: vec![event],
        numbers: Vec::new(),
        whole_to: Vec::new(),
    }
}
