//! Copies between a folder and a real database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "tests may fail loudly"
)]

mod life;
mod refusals;
mod trips;

use std::collections::BTreeMap;
use std::path::Path;

use private_postgres::Server;

use super::{CopiedTable, CopyEnd, copy};
use crate::error::StoreError;
use crate::facts::build::{DAY, NOW, accept_all};
use crate::facts::engine::node_of;
use crate::record::{DeliveryNo, EndpointNo};
use crate::replay::ReplayNo;
use crate::seam::{DeliveryQuery, EventQuery, Find, Store};
use crate::{Embedded, EmbeddedOptions, Postgres, PostgresOptions};

/// The store in a folder, with tiny windows and segments.
fn in_folder(folder: &Path) -> Embedded {
    Embedded::open(EmbeddedOptions {
        window: 8,
        lane_window: 3,
        board_max: 64,
        segment_events: 4,
        retention_step_min: std::time::Duration::ZERO,
        ..EmbeddedOptions::new(folder)
    })
    .unwrap()
}

async fn in_database(server: &Server) -> Postgres {
    node_of(&server.url(), "one").await
}

fn folder(path: &Path) -> CopyEnd {
    CopyEnd::Folder(path.to_owned())
}

fn database(server: &Server) -> CopyEnd {
    CopyEnd::Postgres(Box::new(PostgresOptions::parse(&server.url()).unwrap()))
}

async fn copied(from: CopyEnd, to: CopyEnd) -> Result<Vec<CopiedTable>, StoreError> {
    copy(from, to, |_| ()).await
}

/// All that a store answers.
async fn told(store: &dyn Store) -> Vec<String> {
    let mut told = Vec::new();
    let (version, endpoints) = store.endpoints().await.unwrap();
    told.push(format!("endpoints at {version}"));
    told.extend(endpoints.iter().map(|endpoint| format!("{endpoint:?}")));
    let mut numbers: Vec<_> = store.numbers().await.unwrap().iter().map(|number| format!("{number:?}")).collect();
    numbers.sort();
    told.extend(numbers);
    told.push(format!("{:?} {:?}", store.labels().await.unwrap(), store.api_keys().await.unwrap()));
    told.push(format!("{:?}", store.setting("check").await.unwrap()));
    told.push(format!("{:?}", store.counts().await.unwrap()));
    told.extend(events(store).await);
    told.extend(deliveries(store).await);
    for number in 1..20 {
        told.extend(store.replay(ReplayNo(number)).await.unwrap().map(|replay| format!("{replay:?}")));
    }
    let names = ["m1", "155", "US.1", "106"].map(str::to_owned);
    let finds = [Find::MessageId(names[0].clone()), Find::Contact(names[1].clone()), Find::Contact(names[2].clone())];
    for find in finds.into_iter().chain([Find::Number(names[3].clone()), Find::Number("1555078".to_owned())]) {
        let found: Vec<_> = store.find(find.clone()).await.unwrap().iter().map(|event| event.key.clone()).collect();
        told.push(format!("{find:?}: {found:?}"));
    }
    told
}

async fn events(store: &dyn Store) -> Vec<String> {
    let mut told = Vec::new();
    let mut query = EventQuery { limit: 7, ..EventQuery::default() };
    loop {
        let page = store.events(query.clone()).await.unwrap();
        for event in page.rows {
            let notification = store.notification(event.notification).await.unwrap();
            let found = store.find(Find::Event(event.id)).await.unwrap();
            let conflicts = store.conflicts(event.id).await.unwrap();
            told.push(format!("{event:?} {notification:?} {conflicts:?} found {}", found.len()));
            let payload = store.payloads(&[event.id]).await.unwrap();
            told.push(format!("{:?} {:?}", payload[0].body, payload[0].signature));
        }
        let Some(cursor) = page.next_cursor else { return told };
        query.cursor = Some(cursor);
    }
}

async fn deliveries(store: &dyn Store) -> Vec<String> {
    let mut told = Vec::new();
    for number in 1..200 {
        told.extend(store.delivery(DeliveryNo(number)).await.unwrap().map(|delivery| format!("{delivery:?}")));
    }
    for state in ["owed", "accepted", "dead", "skipped"] {
        let query = DeliveryQuery { state: Some(state.to_owned()), limit: 500, ..DeliveryQuery::default() };
        let page = store.deliveries(query).await.unwrap();
        told.push(format!("{state}: {:?}", page.rows.iter().map(|delivery| delivery.number.0).collect::<Vec<_>>()));
    }
    told
}

/// Delivers all that is owed to active endpoints; gives what each got, lane by lane, in its order.
async fn drained(store: &dyn Store) -> BTreeMap<(EndpointNo, String), Vec<(i64, u32, u32)>> {
    let later = NOW + 100 * DAY;
    let mut order: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let began = std::time::Instant::now();
    while store.counts().await.unwrap().owed > 0 {
        assert!(began.elapsed().as_secs() < 20, "not all that is owed can be claimed");
        let claims = store.claim(100, later).await.unwrap().claims;
        for claim in &claims {
            let event = store.payloads(&[claim.event]).await.unwrap().remove(0).event;
            // A replay's deliveries are numbered when they are made.
            let number = if claim.replay.is_some() { 0 } else { claim.delivery.0 };
            let got = (number, claim.attempts, claim.uncounted);
            order.entry((claim.endpoint, event.lane.clone())).or_default().push(got);
        }
        accept_all(store, &claims, later).await;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    for endpoint in store.endpoints().await.unwrap().1.iter().filter(|endpoint| !endpoint.ordered) {
        order.iter_mut().filter(|((number, _), _)| *number == endpoint.number).for_each(|(_, got)| got.sort_unstable());
    }
    order
}
