//! Seeded simulation: the production code of lanes, retries and breakers over a real embedded store, with only the clock
//! and the endpoints' answers made up.
//!
//! Chance commits, claims, answers, crashes, pauses and lets hours pass; a judge that shares no state with the store holds
//! against it what design promises: order in every lane, nothing forgotten, no repetition that no crash explains.
//!
//! `WAYPOST_SIMULATION_SEEDS=10000 WAYPOST_SIMULATION_FIRST=1 cargo nextest run --release -p gateway simulation` runs many;
//! a seed that fails is printed, and runs alone with `SEEDS=1 FIRST=<seed>`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests may fail loudly, say what they did, and ask the environment how long they shall run"
)]

mod dice;
mod judge;
mod world;

use self::world::World;

/// Seeds that run with all other tests.
const SEEDS_DEFAULT: u64 = 60;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn chance_neither_loses_nor_reorders_nor_repeats_a_delivery() {
    let first = number("WAYPOST_SIMULATION_FIRST", 1);
    let seeds = number("WAYPOST_SIMULATION_SEEDS", SEEDS_DEFAULT);
    let mut totals = world::Totals::default();
    for seed in first..first + seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async { World::new(seed).await.live().await })
        }));
        match lived {
            Ok(lived) => totals.add(lived),
            Err(panic) => {
                println!("seed {seed} failed, after {} that held", seed - first);
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{seeds} seeds from {first}: {totals:?}");
    assert!(totals.suspensions > 0 && totals.crashes > 0 && totals.set_aside > 0, "chance met everything: {totals:?}");
}
