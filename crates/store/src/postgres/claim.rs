//! Claiming: the board gives what is in memory; what is not is read first. Nothing is written for a claim: whoever is not
//! heard of loses its endpoints as a whole.

use std::sync::atomic::Ordering;

use tokio_postgres::types::Type;

use super::fault::Fault;
use super::feed::{self, Feed};
use super::payloads;
use super::session::Sql;
use super::shared::{Shared, lock};
use super::tx::Mode;
use crate::common::board::Aside;
use crate::error::StoreError;
use crate::record::{Claim, Claims, EndpointNo};

/// Reads that one call makes when it has nothing to give.
const READS_IDLE_MAX: usize = 16;
/// Reads that one call makes beside what it gives, so that windows fill under load as well.
const READS_BUSY_MAX: usize = 1;
/// How long a lane waits before its head is set aside again, when writing that down failed.
const POSTPONED_MS: i64 = 1_000;

static SET_ASIDE: Sql = Sql::new(
    "WITH me AS MATERIALIZED (SELECT 1 FROM waypost.nodes WHERE id = $1 AND NOT fenced FOR SHARE)
     UPDATE waypost.deliveries d SET late = true FROM me WHERE d.id = ANY ($2) RETURNING d.id",
    &[Type::INT8, Type::INT8_ARRAY],
);

/// Claims up to `max` deliveries of this node's endpoints.
pub(super) async fn claim(shared: &Shared, max: usize, now_ms: i64) -> Result<Claims, StoreError> {
    shared.check_open()?;
    let mut feed = shared.feed.lock().await;
    if !lock(&shared.lease).holds() {
        return Ok(Claims::default());
    }
    let tell = |fault: Fault| shared.pool.tell(&fault, "read what is owed");
    feed::catch_up(shared, &mut feed).await.map_err(tell)?;
    let (claims, more) = gather(shared, &mut feed, max, now_ms).await;
    drop(feed);
    payloads::fetch(shared, &claims.claims).await;
    if more {
        shared.wake.notify_one();
    }
    Ok(claims)
}

async fn gather(shared: &Shared, feed: &mut Feed, max: usize, now_ms: i64) -> (Claims, bool) {
    let mut claims = take(shared, max, now_ms).await;
    let reads = if claims.claims.is_empty() { READS_IDLE_MAX } else { READS_BUSY_MAX };
    let mut unread = true;
    for _ in 0..reads {
        let want = lock(&shared.board).next_want();
        let Some(want) = want else {
            unread = false;
            break;
        };
        if let Err(fault) = feed::step(shared, feed, Some(&want)).await {
            tracing::warn!(why = fault.words(), "failed to read what is owed");
            // Asking again at once would only spin.
            return (claims, false);
        }
        let missing = max.saturating_sub(claims.claims.len());
        let more = take(shared, missing, now_ms).await;
        claims.claims.extend(more.claims);
        claims.next_due_at_ms = more.next_due_at_ms;
    }
    let more = unread || lock(&shared.board).has_turns() || shared.dirty.load(Ordering::SeqCst);
    (claims, more)
}

/// Claims one delivery of a suspended endpoint of this node.
pub(super) async fn probe(shared: &Shared, endpoint: EndpointNo, now_ms: i64) -> Result<Option<Claim>, StoreError> {
    shared.check_open()?;
    let mut feed = shared.feed.lock().await;
    if !lock(&shared.lease).holds() {
        return Ok(None);
    }
    let tell = |fault: Fault| shared.pool.tell(&fault, "read what is owed");
    feed::catch_up(shared, &mut feed).await.map_err(tell)?;
    for _ in 0..READS_IDLE_MAX {
        let probed = lock(&shared.board).probe(endpoint, now_ms);
        if let Ok(claim) = probed {
            return Ok(claim);
        }
        let want = lock(&shared.board).next_want();
        let Some(want) = want else { break };
        feed::step(shared, &mut feed, Some(&want)).await.map_err(tell)?;
    }
    Ok(None)
}

async fn take(shared: &Shared, max: usize, now_ms: i64) -> Claims {
    let (mut claims, asides) = {
        let mut board = lock(&shared.board);
        let claims = Claims { claims: board.claim(max, now_ms), next_due_at_ms: board.next_due_at_ms() };
        (claims, board.take_asides())
    };
    if asides.is_empty() {
        return claims;
    }
    let written = set_aside(shared, &asides).await;
    let mut board = lock(&shared.board);
    if let Err(fault) = written {
        tracing::warn!(why = fault.words(), "failed to set the heads of lanes aside");
        asides.into_iter().for_each(|aside| board.postpone(aside, now_ms.saturating_add(POSTPONED_MS)));
        return claims;
    }
    asides.into_iter().for_each(|aside| board.set_aside(aside));
    let rest = max.saturating_sub(claims.claims.len());
    claims.claims.extend(board.claim(rest, now_ms));
    claims.next_due_at_ms = board.next_due_at_ms();
    claims
}

/// Writes down that heads of lanes were set aside; their lanes go on only after that.
async fn set_aside(shared: &Shared, asides: &[Aside]) -> Result<(), Fault> {
    let ids: Vec<i64> = asides.iter().map(|aside| aside.id).collect();
    let node = lock(&shared.lease).node;
    let tx = shared.pool.begin(Mode::Durable).await?;
    let _rows = shared.last(tx, &SET_ASIDE, &[&node, &ids]).await?;
    Ok(())
}
