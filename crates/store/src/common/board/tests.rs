//! Interleavings of reads and commits that a test of the seam cannot bring about.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail loudly"
)]

use rules::delivery::DeliveryState;
use rules::identity::EventId;

use super::{Board, Item, NewlyOwed, Row, Sizes, Tried, Want};
use crate::facts::build::endpoint;
use crate::record::{EndpointNo, EndpointRecord, Settlement};

const NUMBER: EndpointNo = EndpointNo(1);

fn board(window: usize, lane: usize) -> Board {
    let mut board = Board::new(Sizes { window, lane, total: 1_000 });
    let record = EndpointRecord { number: NUMBER, ..endpoint("e") };
    board.put_endpoint(&record, None);
    board
}

fn event(id: i64) -> EventId {
    EventId::derive("test", &id.to_string())
}

fn owe(board: &mut Board, id: i64, lane: i64) {
    board.owe(&[NewlyOwed { endpoint: NUMBER, lane, id, event: event(id), event_no: id, replay: None }]);
}

/// What a read brings whose snapshot holds these rows.
fn rows(want: &Want, ids: &[i64], lane: i64) -> Vec<Row> {
    let wanted = ids.iter().filter(|id| (want.from..=want.upto).contains(*id));
    let row = |id: &i64| {
        let item = Item { id: *id, event: event(*id), event_no: *id, tried: None };
        Row::new(item, lane, Tried::default())
    };
    wanted.take(want.limit).map(row).collect()
}

/// Claims and accepts until nothing is left; gives the deliveries in their order.
fn accept_all(board: &mut Board) -> Vec<i64> {
    let mut order = Vec::new();
    while let Some(claim) = board.claim(1, 0).pop() {
        order.push(claim.delivery.0);
        let settlement = Settlement {
            claim,
            state: DeliveryState::Accepted,
            due_at_ms: None,
            lane_held_until_ms: None,
            endpoint_down: false,
            endpoint_held_until_ms: None,
            attempt: None,
        };
        board.settle(&settlement, true);
    }
    order
}

#[test]
fn followers_parked_while_their_lane_is_read_are_read_after_it() {
    let mut board = board(100, 2);
    for id in 1..=4 {
        owe(&mut board, id, 7);
    }
    assert_eq!(accept_all(&mut board), [1, 2]);
    let want = board.next_want().unwrap();
    assert_eq!((want.from, want.upto, want.lane), (3, 4, Some(7)));
    // Committed between the read's snapshot and its return; the lane is parked, so it stays on disk.
    owe(&mut board, 5, 7);
    let brought = rows(&want, &[3], 7);
    board.give(&want, Some(brought));
    assert_eq!(accept_all(&mut board), [3]);
    let want = board.next_want().unwrap();
    assert_eq!((want.from, want.upto), (5, 5));
    let brought = rows(&want, &[5], 7);
    board.give(&want, Some(brought));
    assert_eq!(accept_all(&mut board), [5]);
    assert!(board.next_want().is_none());
}

#[test]
fn what_is_committed_while_the_window_is_read_is_neither_lost_nor_doubled() {
    let mut board = board(2, 10);
    for id in 1..=3 {
        owe(&mut board, id, id);
    }
    assert_eq!(accept_all(&mut board), [1, 2]);
    let want = board.next_want().unwrap();
    assert_eq!((want.from, want.upto), (3, 3));
    owe(&mut board, 4, 4);
    assert!(board.claim(1, 0).is_empty(), "a newer one does not pass those on disk");
    // The snapshot was taken late enough to hold both; what is beyond the question is left for the next.
    let brought = rows(&want, &[3, 4], 3);
    board.give(&want, Some(brought));
    assert_eq!(accept_all(&mut board), [3]);
    let want = board.next_want().unwrap();
    let brought = rows(&want, &[4], 4);
    board.give(&want, Some(brought));
    assert_eq!(accept_all(&mut board), [4]);
    owe(&mut board, 5, 5);
    assert_eq!(accept_all(&mut board), [5], "caught up: straight from the commit");
}

#[test]
fn a_read_that_began_before_the_window_was_dropped_is_thrown_away() {
    let mut board = board(2, 10);
    for id in 1..=3 {
        owe(&mut board, id, id);
    }
    assert_eq!(accept_all(&mut board), [1, 2]);
    let want = board.next_want().unwrap();
    let stale = rows(&want, &[3], 3);
    let unordered = EndpointRecord { number: NUMBER, ordered: false, ..endpoint("e") };
    board.put_endpoint(&unordered, None);
    board.give(&want, Some(stale));
    assert!(board.claim(1, 0).is_empty());
    let want = board.next_want().unwrap();
    assert_eq!((want.from, want.upto), (1, 3));
    let brought = rows(&want, &[3], 3);
    board.give(&want, Some(brought));
    assert_eq!(accept_all(&mut board), [3]);
}
