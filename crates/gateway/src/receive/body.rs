//! Reading a body: no more than the limit, within the time, and under a bound on the bytes of all bodies together.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refusal;

/// A body, and its share of the bound on all bodies, which it holds until it is dropped.
#[derive(Debug)]
pub(super) struct BoundedBody {
    pub(super) bytes: Vec<u8>,
    _share: Option<OwnedSemaphorePermit>,
}

/// Reads a body. Its share grows with what has arrived, so that a slow sender holds only what it has sent.
pub(super) async fn read(
    body: Incoming,
    bytes_max: usize,
    timeout: Duration,
    all_bodies: &Arc<Semaphore>,
) -> Result<BoundedBody, Refusal> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|bytes| bytes > u64::try_from(bytes_max).unwrap_or(u64::MAX)) {
        return Err(Refusal::BodyTooLarge);
    }
    // What is announced is not believed beyond a first piece: memory grows with what arrives.
    let first = announced.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0).min(64 * 1024);
    tokio::time::timeout(timeout, collect(body, first, bytes_max, all_bodies))
        .await
        .unwrap_or(Err(Refusal::BodyTimeout))
}

async fn collect(
    mut body: Incoming,
    first: usize,
    bytes_max: usize,
    all_bodies: &Arc<Semaphore>,
) -> Result<BoundedBody, Refusal> {
    let mut bytes = Vec::with_capacity(first);
    let mut share: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BodyBroken)?.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > bytes_max {
            return Err(Refusal::BodyTooLarge);
        }
        let more = u32::try_from(data.len()).map_err(|_| Refusal::BodyTooLarge)?;
        let permit = Arc::clone(all_bodies).try_acquire_many_owned(more).map_err(|_| Refusal::Overloaded)?;
        match &mut share {
            Some(share) => share.merge(permit),
            None => share = Some(permit),
        }
        bytes.extend_from_slice(&data);
    }
    Ok(BoundedBody { bytes, _share: share })
}
