//! The breakages, each with the test that must notice.

/// A breakage.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    /// What stands there, and what shall stand there.
    pub(super) edits: &'static [(&'static str, &'static str)],
    pub(super) package: &'static str,
    /// Which of the package's tests, in cargo's words.
    pub(super) target: &'static [&'static str],
    /// A part of the names of the tests that run.
    pub(super) test: &'static str,
}

const fn simulated(name: &'static str, file: &'static str, edits: &'static [(&'static str, &'static str)]) -> Mutant {
    Mutant { name, file, edits, package: "gateway", target: LIB, test: "simulation" }
}

const fn stored(
    name: &'static str,
    file: &'static str,
    edits: &'static [(&'static str, &'static str)],
    test: &'static str,
) -> Mutant {
    Mutant { name, file, edits, package: "store", target: LIB, test }
}

/// Noticed by whoever uses the program.
const fn used(
    name: &'static str,
    file: &'static str,
    edits: &'static [(&'static str, &'static str)],
    (target, test): (&'static [&'static str], &'static str),
) -> Mutant {
    Mutant { name, file, edits, package: "waypost", target, test }
}

const LIB: &[&str] = &["--lib"];
const RECEIVING: &[&str] = &["--test", "receiving"];
const DELIVERING: &[&str] = &["--test", "delivering"];

const QUEUE: &str = "crates/store/src/common/board/queue.rs";
const BOARD: &str = "crates/store/src/common/board/mod.rs";
const OPEN: &str = "crates/store/src/embedded/open.rs";
const CUT: &str = "crates/gateway/src/cut.rs";
const POWER: &str = "embedded::power::a_loss_of_power";

pub(super) const MUTANTS: [Mutant; 22] = [
    stored(
        "200 before the commit",
        "crates/store/src/embedded/commit.rs",
        &[(
            "        self.outcome = Some(self.keep_all(tx)?);\n",
            "        let kept = self.keep_all(tx)?;\n        if let Ok(committed) = &kept {\n            let (other, _) = oneshot::channel();\n            drop(std::mem::replace(&mut self.reply, other).send(Ok(committed.clone())));\n        }\n        self.outcome = Some(kept);\n",
        )],
        POWER,
    ),
    stored(
        "synchronous=OFF",
        OPEN,
        &[("\"synchronous\", \"FULL\"", "\"synchronous\", \"OFF\""), ("synchronous != 2", "synchronous != 0")],
        POWER,
    ),
    stored(
        "synchronous=NORMAL",
        OPEN,
        &[("\"synchronous\", \"FULL\"", "\"synchronous\", \"NORMAL\""), ("synchronous != 2", "synchronous != 1")],
        POWER,
    ),
    stored(
        "a log whose sync was refused is trusted and appended to",
        OPEN,
        &[("    empty_the_log(conn)?;\n    schema::migrate", "    schema::migrate")],
        "embedded::power::the_same_holds_after_syncs",
    ),
    stored(
        "a key is learned before its commit",
        "crates/store/src/embedded/dedupe.rs",
        &[(
            "        tx.gathered.is_new(key, (number, digest));\n",
            "        tx.gathered.is_new(key, (number, digest));\n        let mut early = super::lookup::Gathered::default();\n        early.enter(number, key, digest, &[], notification.received_at_ms);\n        super::shared::lock(tx.index).learn(&early);\n",
        )],
        "a_poisoned_batch_does_not_fail",
    ),
    stored(
        "what is owed is pruned",
        "crates/store/src/embedded/retention/slices.rs",
        &[(
            "            if owed_of_notification(conn, *notification)? {\n",
            "            if false && owed_of_notification(conn, *notification)? {\n",
        )],
        "nothing_owed_is_pruned",
    ),
    stored(
        "retention believes the wall clock",
        "crates/store/src/embedded/retention/mod.rs",
        &[("        return now_ms.min(clock.saturating_add(DAY_MS));\n", "        return now_ms;\n")],
        "one_jump_of_the_clock",
    ),
    stored(
        "a body is given whatever its checksum says",
        "crates/store/src/embedded/read/rows.rs",
        &[(
            "sum.is_some_and(|sum| checksum::is(sum, computed))",
            "sum.is_some_and(|sum| checksum::is(sum, computed) || sum != 0)",
        )],
        "embedded::damage",
    ),
    stored(
        "an event is given whatever its checksum says",
        "crates/store/src/embedded/read/rows.rs",
        &[("    if !fits(OF_EVENT)? ||", "    if false && !fits(OF_EVENT)? ||")],
        "embedded::damage",
    ),
    stored(
        "a log that lost its middle is opened without a word",
        "crates/store/src/embedded/wal.rs",
        &[("filter(|_| later > 0)", "filter(|_| later > u64::MAX - 1)")],
        "embedded::power::rot",
    ),
    stored(
        "a full disk refuses what would make room",
        "crates/store/src/embedded/writer.rs",
        &[(
            "into_iter().partition(|job| job.grows());\n            *jobs",
            "into_iter().partition(|_| true);\n            *jobs",
        )],
        "on_a_full_disk",
    ),
    used(
        "marked as done before it is sent",
        "crates/gateway/src/deliver/dispatcher.rs",
        &[(
            "    let tried = attempter.attempt(work, endpoint.as_deref()).await;\n",
            "    let early = store::Settlement {\n        claim: work.claim.clone(),\n        state: DeliveryState::Accepted,\n        due_at_ms: None,\n        lane_held_until_ms: None,\n        endpoint_down: false,\n        endpoint_held_until_ms: None,\n        attempt: None,\n    };\n    drop(settlements.send(ToSettle { settlement: early, concurrency_max: 1 }).await);\n    let tried = attempter.attempt(work, endpoint.as_deref()).await;\n",
        )],
        (DELIVERING, "lanes_keep_their_order_while_one_in_five_is_refused"),
    ),
    used(
        "events are told apart by the whole body",
        CUT,
        &[(
            "EventId::derive(&received.scope, &key)",
            "EventId::derive(&received.scope, &String::from_utf8_lossy(&received.body))",
        )],
        (RECEIVING, "a_repeat_in_another_batch"),
    ),
    used(
        "what nobody knows is dropped",
        CUT,
        &[(
            "        .iter()\n        .map(|event| {\n            let mut new = new_event(",
            "        .iter()\n        .filter(|event| event.problems.is_empty() && !event.event_type.as_str().starts_with(\"notification.\"))\n        .map(|event| {\n            let mut new = new_event(",
        )],
        (RECEIVING, "what_is_signed_and_strange"),
    ),
    used(
        "any signature fits",
        "crates/gateway/src/receive/notification.rs",
        &[("&self.bytes).ok_or(Refusal::SignatureWrong)", "&self.bytes).or(Some(0)).ok_or(Refusal::SignatureWrong)")],
        (RECEIVING, "a_notification_is_taken_only_with_a_signature"),
    ),
    simulated(
        "a lane is forgotten",
        QUEUE,
        &[(
            "let place = if self.ordered && !item.is_late() { Place::Lane(lane_hash) } else { Place::Alone(item.id) };",
            "let place = Place::Alone(item.id);",
        )],
    ),
    simulated(
        "a claim is released late",
        BOARD,
        &[("            queue.ready_again(claim.delivery.0, held.place);\n", "")],
    ),
    simulated(
        "what was accepted is in flight no more before it is written",
        BOARD,
        &[(
            "        let window = queue.window;\n",
            "        let window = queue.window;\n        queue.in_flight = queue.in_flight.saturating_sub(1);\n",
        )],
    ),
    simulated(
        "the clock runs on while an endpoint stands still",
        "crates/rules/src/breaker.rs",
        &[(
            "(false, None) => Self { since_ms: Some(now_ms), ..*self },",
            "(false, None) => Self { since_ms: None, ..*self },",
        )],
    ),
    simulated(
        "a head in flight lets its lane go on",
        QUEUE,
        &[("        if lane.head != Head::InFlight {\n            self.leave(", "        {\n            self.leave(")],
    ),
    simulated(
        "a suspended endpoint is never probed",
        "crates/gateway/src/deliver/breakers.rs",
        &[("probe.at_ms <= now_ms)", "probe.at_ms < 0)")],
    ),
    simulated(
        "what failed is marked as accepted",
        "crates/gateway/src/deliver/verdict.rs",
        &[(
            "        state: decision.state,\n",
            "        state: if decision.failure.is_some() { rules::delivery::DeliveryState::Accepted } else { decision.state },\n",
        )],
    ),
];
