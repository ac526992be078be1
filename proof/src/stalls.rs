//! How long the machine lets a thread wait that only wants to wake up: without it nobody can tell a slow gateway from a
//! busy machine.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::micros;
use crate::judge::Spread;

const STEP: Duration = Duration::from_millis(10);
/// Samples that are kept: a day of them.
const SAMPLES_MAX: usize = 8_640_000;

/// Samples of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stalls(Arc<Mutex<Vec<u64>>>);

impl Stalls {
    /// Samples until the process ends.
    pub(crate) fn start() -> Self {
        let stalls = Self::default();
        let samples = Arc::clone(&stalls.0);
        std::thread::spawn(move || {
            loop {
                let before = Instant::now();
                std::thread::sleep(STEP);
                let stall = micros(before.elapsed().saturating_sub(STEP));
                let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                if samples.len() == SAMPLES_MAX {
                    return;
                }
                samples.push(stall);
            }
        });
        stalls
    }

    /// All of them.
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
