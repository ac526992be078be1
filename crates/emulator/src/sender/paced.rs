//! The bytes of a request as they go out: at once, slowly, or only in half.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::mischief::Wire;

/// Between two pieces of a slow body.
const WAIT: Duration = Duration::from_millis(60);
/// Pieces of a slow body.
const PIECES: usize = 16;

/// A body that keeps its own pace.
pub(super) struct Paced {
    left: Bytes,
    pace: Pace,
}

enum Pace {
    Whole,
    Slow {
        piece_bytes: usize,
        wait: Pin<Box<Sleep>>,
    },
    /// Half of it, and then an error that ends the connection.
    Cut {
        half_bytes: usize,
        sent: bool,
    },
}

impl Paced {
    pub(super) fn new(body: Bytes, wire: Wire) -> Self {
        let pace = match wire {
            Wire::Whole => Pace::Whole,
            Wire::Slow => {
                Pace::Slow { piece_bytes: body.len().div_ceil(PIECES).max(1), wait: Box::pin(sleep(Duration::ZERO)) }
            }
            Wire::Cut => Pace::Cut { half_bytes: body.len() / 2, sent: false },
        };
        Self { left: body, pace }
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Self { left, pace } = self.get_mut();
        if left.is_empty() {
            return Poll::Ready(None);
        }
        let piece = match pace {
            Pace::Whole => std::mem::take(left),
            Pace::Slow { piece_bytes, wait } => {
                std::task::ready!(wait.as_mut().poll(context));
                wait.set(sleep(WAIT));
                left.split_to((*piece_bytes).min(left.len()))
            }
            Pace::Cut { sent: true, .. } => {
                return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::Interrupted, "cut as planned"))));
            }
            Pace::Cut { half_bytes, sent } => {
                *sent = true;
                left.split_to((*half_bytes).min(left.len()))
            }
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.left.len()).unwrap_or(u64::MAX))
    }
}
