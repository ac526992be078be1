//! One notification, from its first attempt to its end.
//!
//! As Meta does it: every app that is subscribed gets it, one after the other; if one does not answer 200, all of them get it
//! again, at once and then after growing gaps. It ends when each has answered 200 once, or when its time is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::told::End;
use super::{Attempt, Shared, State, Told};
use crate::bodies;
use crate::faults::Habit;
use crate::mischief::{Outgoing, Wire};
use crate::retry;
use crate::sender::{Answer, Target};
use crate::sign::{AppSecret, SignatureHeaders, Signing};
use crate::world::Storage;

/// Types that are told of one body.
const TYPES_MAX: usize = 4;

/// A challenge as Meta's are: ten digits.
pub(crate) fn challenge(shared: &Shared) -> String {
    shared.state().chance.u64(1_000_000_000..10_000_000_000).to_string()
}

/// Who carries one notification.
pub(super) struct Courier {
    shared: Arc<Shared>,
    outgoing: Outgoing,
    number: u64,
    types: Vec<String>,
    events: usize,
    /// Attempts for each app.
    attempts: BTreeMap<String, u32>,
    acknowledged: BTreeSet<String>,
    /// Its own, so that what others meet changes nothing for it.
    rng: Rng,
}

/// One app's place, with what signs for it.
struct Place {
    app: String,
    url: String,
    signatures: SignatureHeaders,
}

impl Courier {
    pub(super) fn new(shared: Arc<Shared>, outgoing: Outgoing, number: u64) -> Self {
        let (types, events) = types(&outgoing.body);
        let rng = Rng::with_seed(shared.seed.wrapping_mul(1_000_003).wrapping_add(number));
        let (attempts, acknowledged) = (BTreeMap::new(), BTreeSet::new());
        Self { shared, outgoing, number, types, events, attempts, acknowledged, rng }
    }

    pub(super) async fn deliver(mut self) {
        let end = self.try_on().await;
        let (notification, waba, field) = (self.number, self.outgoing.waba, self.outgoing.field);
        self.shared.books.end(end);
        match end {
            End::GivenUp => self.shared.tell(Told::GaveUp { notification }).await,
            End::Nobodys => self.shared.tell(Told::Nobody { notification, waba, field }).await,
            End::Acknowledged | End::Strange => {}
        }
    }

    async fn try_on(&mut self) -> End {
        let begun = Instant::now();
        let mut storage = self.storage();
        let mut failures = 0;
        loop {
            let places = self.places();
            if places.is_empty() {
                return if self.outgoing.must_arrive { End::Nobodys } else { End::Strange };
            }
            for place in &places {
                self.attempt(place).await;
            }
            if !self.outgoing.must_arrive {
                return End::Strange;
            }
            if places.iter().all(|place| self.acknowledged.contains(&place.app)) {
                return End::Acknowledged;
            }
            failures += 1;
            let since = self.shared.pace.metas(begun.elapsed());
            let gap = retry::gap(failures, since, storage, &mut self.rng);
            let gap = match gap {
                Some(gap) => gap,
                // The content may be kept no longer; that it is gone is told instead.
                None if storage == Storage::Hour && self.outgoing.field == "messages" => {
                    self.replace();
                    storage = Storage::Cloud;
                    Duration::ZERO
                }
                None => return End::GivenUp,
            };
            self.shared.tell(Told::Retry { notification: self.number, after: gap }).await;
            sleep(self.shared.pace.real(gap)).await;
        }
    }

    fn storage(&self) -> Storage {
        let State { world, .. } = &*self.shared.state();
        let number = self.outgoing.number.as_deref().and_then(|id| world.number(id));
        number.map_or(Storage::Cloud, |number| number.storage)
    }

    fn replace(&mut self) {
        self.outgoing.body = bodies::retention(&self.outgoing.body);
        (self.types, self.events) = types(&self.outgoing.body);
        self.acknowledged.clear();
    }

    /// Where it goes now: a callback may have been changed since the last time.
    fn places(&self) -> Vec<Place> {
        let State { world, .. } = &*self.shared.state();
        let Outgoing { waba, number, field, body, signing, second_secret, .. } = &self.outgoing;
        let found = world.destinations(waba, number.as_deref(), field);
        found
            .filter_map(|found| {
                let app = world.app(found.app)?;
                let second = app.second_secret.as_ref().filter(|_| *second_secret);
                let secret: &AppSecret = second.unwrap_or(&app.secret);
                let (app, url) = (app.id.clone(), found.callback.url.clone());
                Some(Place { app, url, signatures: signing.headers(secret, body) })
            })
            .collect()
    }

    async fn attempt(&mut self, place: &Place) {
        let attempts = self.attempts.entry(place.app.clone()).or_default();
        *attempts += 1;
        let (attempt, is_first) = (*attempts, *attempts == 1);
        let forged = self.outgoing.signing != Signing::Right;
        let wire = match self.outgoing.wire {
            Wire::Cut if !is_first => Wire::Whole,
            wire @ (Wire::Whole | Wire::Slow | Wire::Cut) => wire,
        };
        let answer = self.send(place, wire).await;
        self.shared.books.request(!is_first);
        if answer.is_delivered() {
            self.acknowledged.insert(place.app.clone());
            if forged {
                self.shared.books.forged_taken();
            }
        }
        let told = Attempt {
            notification: self.number,
            attempt,
            app: place.app.clone(),
            url: place.url.clone(),
            types: self.types.clone(),
            events: self.events,
            bytes: self.outgoing.body.len(),
            habit: self.habit(wire),
            result: answer.result.map_err(|error| error.to_string()),
            duration: answer.duration,
            forged,
        };
        self.shared.tell(Told::Attempt(told)).await;
    }

    fn habit(&self, wire: Wire) -> Option<Habit> {
        match wire {
            Wire::Cut => Some(Habit::Cut),
            Wire::Slow => Some(Habit::Slow),
            Wire::Whole => self.outgoing.habit,
        }
    }

    async fn send(&self, place: &Place, wire: Wire) -> Answer {
        // Never closed while somebody sends.
        let _turn = self.shared.sending.acquire().await;
        match Target::parse(&place.url) {
            Ok(target) => {
                let body = Bytes::from(self.outgoing.body.clone());
                self.shared.sender.send_so(&target, body, &place.signatures, wire).await
            }
            Err(_) => Answer::nowhere(),
        }
    }
}

fn types(body: &[u8]) -> (Vec<String>, usize) {
    let read = whatsapp::read(body);
    let types = read.events.iter().take(TYPES_MAX).map(|event| event.event_type.as_str().to_owned());
    (types.collect(), read.events.len())
}
