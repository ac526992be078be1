//! Two nodes on one store, as far as one process can have them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use store::{Embedded, EmbeddedOptions};

use super::*;
use crate::routing::follow;

fn declared(names: &[&str]) -> Vec<EndpointInput> {
    let input = |name: &&str| EndpointInput {
        id: Some((*name).to_owned()),
        url: format!("https://{name}.example.com/hook"),
        concurrency_max: 16,
        ordered: true,
        ..EndpointInput::default()
    };
    names.iter().map(input).collect()
}

async fn node(store: &Arc<dyn Store>) -> Endpoints {
    let sealer = Sealer::new(&[7; 32]);
    let routing = Arc::new(Routing::load(Arc::clone(store), sealer.clone()).await.unwrap());
    Endpoints::new(Arc::clone(store), routing, sealer, Clock::System)
}

fn store_in(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    Arc::new(Embedded::open(EmbeddedOptions::new(folder.path())).unwrap())
}

#[tokio::test]
async fn nodes_that_start_at_once_apply_what_is_declared_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(&folder);
    let mut nodes = Vec::new();
    for _ in 0..4 {
        let node = node(&store).await;
        nodes.push(tokio::spawn(async move { node.apply(&declared(&["crm", "bot"]), false).await.unwrap() }));
    }
    let mut made = 0;
    for node in nodes {
        let steps = node.await.unwrap();
        made += steps.iter().filter(|step| matches!(step, PlanStep::Create(_))).count();
    }
    let (version, records) = store.endpoints().await.unwrap();
    assert_eq!((made, version, records.len()), (2, 1, 2));
    assert!(records.iter().all(|record| record.revision == 1), "a secret that was made up is not made up again");
    store.close().await;
}

#[tokio::test]
async fn endpoints_that_clash_are_refused_whichever_nodes_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(&folder);
    let mut nodes = Vec::new();
    for name in ["one", "other", "third", "fourth"] {
        let node = node(&store).await;
        let input = EndpointInput { r#override: true, ..declared(&[name]).remove(0) };
        nodes.push(tokio::spawn(async move { node.put(input, None).await.is_ok() }));
    }
    let mut taken = 0;
    for node in nodes {
        taken += usize::from(node.await.unwrap());
    }
    assert_eq!((taken, store.endpoints().await.unwrap().1.len()), (1, 1));
    store.close().await;
}

#[tokio::test]
async fn a_node_learns_what_another_changed_without_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = store_in(&folder);
    let (here, there) = (node(&store).await, node(&store).await);
    let stop = tokio_util::sync::CancellationToken::new();
    let following = tokio::spawn(follow::run(Arc::clone(&store), Arc::clone(&here.routing), stop.clone()));
    let put = there.put(declared(&["crm"]).remove(0), None).await.unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !here.routing.current().endpoints.contains_key(&put.record.number) {
        assert!(std::time::Instant::now() < deadline, "the other node never learns of it");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    stop.cancel();
    following.await.unwrap();
    store.close().await;
}
