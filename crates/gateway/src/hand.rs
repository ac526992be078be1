//! Laying hands on owed deliveries, slice by slice until all are done.

use store::{DeliveryNo, OwedOf, Store, StoreError};

/// Makes all of them due at once; gives how many waited.
pub(crate) async fn retry_now(store: &dyn Store, of: OwedOf) -> Result<u64, StoreError> {
    let (mut from, mut changed) = (Some(DeliveryNo(0)), 0);
    while let Some(begin) = from {
        let slice = store.retry_now(of, begin).await?;
        changed += slice.changed;
        from = slice.next;
    }
    Ok(changed)
}

/// Ends all of them as given up; gives how many there were.
pub(crate) async fn give_up(store: &dyn Store, of: OwedOf, now_ms: i64) -> Result<u64, StoreError> {
    let (mut from, mut changed) = (Some(DeliveryNo(0)), 0);
    while let Some(begin) = from {
        let slice = store.give_up(of, begin, now_ms).await?;
        changed += slice.changed;
        from = slice.next;
    }
    Ok(changed)
}
