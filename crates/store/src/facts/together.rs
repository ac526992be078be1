//! Two nodes on one database, in two processes of the operating system, as one store: what is committed goes to the one and
//! the other in turn, and claims come from both.
//!
//! The nodes share nothing but the server. An endpoint belongs to the one or the other, so that what is committed, changed,
//! given up, replayed or pruned here is mostly delivered there. A fact that holds here holds for whoever sends to any node
//! of several. Reopening kills the other process (SIGKILL).

mod other;
mod wire;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rules::identity::{EventId, NotificationId};
use tokio::sync::Notify;

use self::other::Other;
use super::build::until;
use super::engine::{Engine, node_of};
use crate::Postgres;
use crate::error::{CommitError, StoreError};
use crate::labels::LabelsOf;
use crate::record::{
    ApiKeyRecord, BacklogLimit, Claim, Claims, Committed, ConflictRecord, DeliveryNo, DeliveryRecord, EndpointNo,
    EndpointRecord, EventRecord, Health, NewNotification, NotificationRecord, NumberEntry, Page, Payload, PruneReport,
    Retention, Settlement, StoreCounts, TrimReport,
};
use crate::replay::{HandSlice, NewReplay, OwedOf, ReplayNo, ReplayRecord, Steer};
use crate::seam::{DeliveryQuery, EndpointChange, EventQuery, Find, Store};

/// The two.
pub(crate) struct Two {
    here: Postgres,
    there: Other,
    turn: AtomicUsize,
    /// Claims that the node there gave.
    given_there: Mutex<HashMap<DeliveryNo, bool>>,
    refuses: AtomicBool,
}

impl Two {
    async fn open(url: &str) -> Self {
        let here = node_of(url, "one").await;
        let there = Other::start(url, "two").await;
        let (turn, refuses) = (AtomicUsize::new(0), AtomicBool::new(false));
        let two = Self { here, there, turn, given_there: Mutex::default(), refuses };
        two.share_out().await;
        two
    }

    /// Waits until each endpoint is with the node that ranks highest for it.
    async fn share_out(&self) {
        let (_, endpoints) = self.here.endpoints().await.unwrap();
        for endpoint in endpoints {
            until("the endpoint to be where it belongs", || async {
                self.here.look_at_owners();
                let (is_here, is_there) = (self.here.owns(endpoint.number), self.there.owns(endpoint.number).await);
                if self.here.is_best_for(endpoint.number).await { is_here } else { is_there }
            })
            .await;
        }
    }

    /// Whether it is the turn of the node there.
    fn is_turn_there(&self) -> bool {
        self.turn.fetch_add(1, Ordering::SeqCst) % 2 == 1
    }

    fn is_of_there(&self, claim: &Claim) -> bool {
        self.given_there.lock().unwrap().get(&claim.delivery).copied().unwrap_or_default()
    }

    fn gave(&self, is_there: bool, claims: &[Claim]) {
        self.given_there.lock().unwrap().extend(claims.iter().map(|claim| (claim.delivery, is_there)));
    }

    /// The node here, which writes; it fails when a fact said so.
    fn here(&self) -> &Postgres {
        if self.refuses.swap(false, Ordering::SeqCst) {
            self.here.fail_commits(1);
        }
        &self.here
    }

    /// The node there, in the same way.
    async fn there(&self) -> &Other {
        if self.refuses.swap(false, Ordering::SeqCst) {
            self.there.fail_next_commit().await;
        }
        &self.there
    }
}

macro_rules! here {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Two {
            async fn commit(&self, batch: Vec<NewNotification>) -> Result<Vec<Committed>, CommitError> {
                if self.is_turn_there() { self.there().await.commit(batch).await } else { self.here().commit(batch).await }
            }

            async fn claim(&self, max: usize, now_ms: i64) -> Result<Claims, StoreError> {
                let mut all = Claims::default();
                let first = self.is_turn_there();
                for is_there in [first, !first] {
                    let left = max - all.claims.len();
                    self.here.look_at_next_claim().await;
                    let claims = match is_there {
                        true => self.there.claim(left, now_ms).await?,
                        false => self.here.claim(left, now_ms).await?,
                    };
                    self.gave(is_there, &claims.claims);
                    all.claims.extend(claims.claims);
                    all.next_due_at_ms = all.next_due_at_ms.into_iter().chain(claims.next_due_at_ms).min();
                }
                all.claims.sort_by_key(|claim| claim.delivery);
                Ok(all)
            }

            async fn probe(&self, endpoint: EndpointNo, now_ms: i64) -> Result<Option<Claim>, StoreError> {
                self.here.look_at_next_claim().await;
                if let Some(claim) = self.here.probe(endpoint, now_ms).await? {
                    self.gave(false, std::slice::from_ref(&claim));
                    return Ok(Some(claim));
                }
                let claim = self.there.probe(endpoint, now_ms).await?;
                self.gave(true, claim.as_slice());
                Ok(claim)
            }

            fn may_begin(&self, claim: &Claim, attempt: Duration) -> bool {
                if self.is_of_there(claim) {
                    self.there.may_begin(claim, attempt)
                } else {
                    self.here.may_begin(claim, attempt)
                }
            }

            fn accepted(&self, claim: &Claim) {
                if self.is_of_there(claim) { self.there.accepted(claim) } else { self.here.accepted(claim) }
            }

            async fn settle(&self, settlements: Vec<Settlement>) -> Result<Vec<bool>, StoreError> {
                self.settle_in_company(settlements, Duration::ZERO).await
            }

            async fn settle_in_company(
                &self,
                settlements: Vec<Settlement>,
                patience: Duration,
            ) -> Result<Vec<bool>, StoreError> {
                let mut taken = vec![false; settlements.len()];
                for is_there in [false, true] {
                    let of_node = |(_, one): &(usize, &Settlement)| self.is_of_there(&one.claim) == is_there;
                    let (places, own): (Vec<usize>, Vec<Settlement>) =
                        settlements.iter().enumerate().filter(of_node).map(|(at, one)| (at, one.clone())).unzip();
                    let answers = match (own.is_empty(), is_there) {
                        (true, _) => continue,
                        (false, true) => self.there().await.settle(own, patience).await?,
                        (false, false) => self.here().settle_in_company(own, patience).await?,
                    };
                    places.into_iter().zip(answers).for_each(|(at, answer)| taken[at] = answer);
                }
                Ok(taken)
            }

            async fn release(&self, claims: Vec<Claim>) -> Result<(), StoreError> {
                let (there, here): (Vec<_>, Vec<_>) = claims.into_iter().partition(|claim| self.is_of_there(claim));
                self.here.release(here).await?;
                self.there.release(there).await
            }

            async fn change_endpoints(&self, changes: Vec<EndpointChange>, now_ms: i64) -> Result<u64, StoreError> {
                let version = self.here().change_endpoints(changes, now_ms).await?;
                self.share_out().await;
                Ok(version)
            }

            /// What only the node of an endpoint knows is brought together, here and in the next two.
            async fn endpoints(&self) -> Result<(u64, Vec<EndpointRecord>), StoreError> {
                let theirs: HashMap<EndpointNo, Option<i64>> = self.there.last_accepted().await.into_iter().collect();
                let (version, mut all) = self.here.endpoints().await?;
                for record in &mut all {
                    let theirs = theirs.get(&record.number).copied().flatten();
                    record.last_accepted_at_ms = record.last_accepted_at_ms.max(theirs);
                }
                Ok((version, all))
            }

            async fn deliveries(&self, query: DeliveryQuery) -> Result<Page<DeliveryRecord>, StoreError> {
                let mut page = self.here.deliveries(query).await?;
                let theirs = self.there.in_flight(page.rows.iter().map(|record| record.number).collect()).await;
                page.rows.iter_mut().zip(theirs).for_each(|(record, theirs)| record.in_flight |= theirs);
                Ok(page)
            }

            async fn delivery(&self, number: DeliveryNo) -> Result<Option<DeliveryRecord>, StoreError> {
                let theirs = self.there.in_flight(vec![number]).await.contains(&true);
                let found = self.here.delivery(number).await?;
                Ok(found.map(|record| DeliveryRecord { in_flight: record.in_flight || theirs, ..record }))
            }

            /// Every node prunes.
            async fn prune(&self, retention: Retention, now_ms: i64) -> Result<PruneReport, StoreError> {
                let report = self.here().prune(retention, now_ms).await?;
                let more = self.there.prune(retention, now_ms).await?;
                Ok(PruneReport { more: report.more || more, ..report })
            }

            async fn health(&self) -> Health {
                let (health, is_writable) = (self.here.health().await, self.there.is_writable().await);
                Health { writable: health.writable && is_writable, ..health }
            }

            /// Nobody waits for it here: claims are asked for.
            fn wake(&self) -> &Notify {
                self.here.wake()
            }

            async fn close(&self) {
                self.here.close().await;
                self.there.close().await;
            }

            $(async fn $name(&self, $($argument: $type),*) -> $answer {
                self.here().$name($($argument),*).await
            })*
        }
    };
}

here! {
    trim_backlogs(limits: Vec<BacklogLimit>, now_ms: i64) -> Result<TrimReport, StoreError>;
    put_numbers(numbers: Vec<NumberEntry>) -> Result<(), StoreError>;
    put_labels(labels: Vec<LabelsOf>) -> Result<u64, StoreError>;
    make_replay(replay: NewReplay, now_ms: i64) -> Result<ReplayRecord, StoreError>;
    count_replay(number: ReplayNo, now_ms: i64) -> Result<ReplayRecord, StoreError>;
    advance_replay(number: ReplayNo, max: usize, now_ms: i64) -> Result<ReplayRecord, StoreError>;
    steer_replay(number: ReplayNo, steer: Steer, who: &str, now_ms: i64) -> Result<ReplayRecord, StoreError>;
    retry_now(of: OwedOf, from: DeliveryNo) -> Result<HandSlice, StoreError>;
    give_up(of: OwedOf, from: DeliveryNo, now_ms: i64) -> Result<HandSlice, StoreError>;
    put_api_key(key: ApiKeyRecord) -> Result<(), StoreError>;
    put_setting(name: &str, value: &str) -> Result<(), StoreError>;
    payloads(events: &[EventId]) -> Result<Vec<Payload>, StoreError>;
    numbers() -> Result<Vec<NumberEntry>, StoreError>;
    labels() -> Result<Vec<LabelsOf>, StoreError>;
    events(query: EventQuery) -> Result<Page<EventRecord>, StoreError>;
    find(find: Find) -> Result<Vec<EventRecord>, StoreError>;
    conflicts(event: EventId) -> Result<Vec<ConflictRecord>, StoreError>;
    notification(id: NotificationId) -> Result<Option<NotificationRecord>, StoreError>;
    replays(before: Option<ReplayNo>, limit: usize) -> Result<Vec<ReplayRecord>, StoreError>;
    busy_replays() -> Result<Vec<ReplayRecord>, StoreError>;
    replay(number: ReplayNo) -> Result<Option<ReplayRecord>, StoreError>;
    api_keys() -> Result<Vec<ApiKeyRecord>, StoreError>;
    setting(name: &str) -> Result<Option<String>, StoreError>;
    counts() -> Result<StoreCounts, StoreError>;
}

/// The engine of two processes.
pub(crate) struct Pair {
    url: String,
    store: Option<Arc<Two>>,
    _server: private_postgres::Server,
}

/// None where the machine has no PostgreSQL and need not have one.
pub(crate) async fn two_processes() -> Option<Pair> {
    let server = private_postgres::server()?;
    let url = server.url();
    let store = Some(Arc::new(Two::open(&url).await));
    Some(Pair { url, store, _server: server })
}

#[async_trait]
impl Engine for Pair {
    fn store(&self) -> Arc<dyn Store> {
        self.store.clone().unwrap()
    }

    async fn reopen(&mut self) {
        let store = self.store.take().unwrap();
        assert_eq!(Arc::strong_count(&store), 1, "a fact let go of the store before it reopens");
        drop(store);
        self.store = Some(Arc::new(Two::open(&self.url).await));
    }

    fn fail_next_commit(&self) {
        self.store.as_ref().unwrap().refuses.store(true, Ordering::SeqCst);
    }
}
