//! The breakages, each with the test that must notice.

/// A breakage.
pub(super) struct Mutant {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    /// What stands there, and what shall stand there.
    pub(super) edits: &'static [(&'static str, &'static str)],
    pub(super) package: &'static str,
    /// A part of the names of the tests that run.
    pub(super) test: &'static str,
}

const fn simulated(name: &'static str, file: &'static str, edits: &'static [(&'static str, &'static str)]) -> Mutant {
    Mutant { name, file, edits, package: "gateway", test: "simulation" }
}

const fn stored(
    name: &'static str,
    file: &'static str,
    edits: &'static [(&'static str, &'static str)],
    test: &'static str,
) -> Mutant {
    Mutant { name, file, edits, package: "store", test }
}

const QUEUE: &str = "crates/store/src/common/board/queue.rs";
const BOARD: &str = "crates/store/src/common/board/mod.rs";
const OPEN: &str = "crates/store/src/embedded/open.rs";
const CUT: &str = "crates/gateway/src/cut.rs";
const POWER: &str = "embedded::power::a_loss_of_power";

pub(super) const MUTANTS: [Mutant; 18] = [
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
    Mutant {
        name: "marked as done before it is sent",
        file: "crates/gateway/src/deliver/dispatcher.rs",
        edits: &[(
            "    let tried = attempter.attempt(work, endpoint.as_deref()).await;\n",
            "    let early = store::Settlement {\n        claim: work.claim.clone(),\n        state: DeliveryState::Accepted,\n        due_at_ms: None,\n        lane_held_until_ms: None,\n        endpoint_down: false,\n        endpoint_held_until_ms: None,\n        attempt: None,\n    };\n    drop(settlements.send(ToSettle { settlement: early, concurrency_max: 1 }).await);\n    let tried = attempter.attempt(work, endpoint.as_deref()).await;\n",
        )],
        package: "gateway",
        test: "",
    },
    Mutant {
        name: "events are told apart by the whole body",
        file: CUT,
        edits: &[(
            "EventId::derive(&received.scope, &key)",
            "EventId::derive(&received.scope, &String::from_utf8_lossy(&received.body))",
        )],
        package: "gateway",
        test: "",
    },
    Mutant {
        name: "what nobody knows is dropped",
        file: CUT,
        edits: &[(
            "        .iter()\n        .map(|event| {\n            let mut new = new_event(",
            "        .iter()\n        .filter(|event| event.problems.is_empty() && !event.event_type.as_str().starts_with(\"notification.\"))\n        .map(|event| {\n            let mut new = new_event(",
        )],
        package: "gateway",
        test: "",
    },
    Mutant {
        name: "any signature fits",
        file: "crates/gateway/src/receive/notification.rs",
        edits: &[(
            "&self.bytes).ok_or(Refusal::SignatureWrong)",
            "&self.bytes).or(Some(0)).ok_or(Refusal::SignatureWrong)",
        )],
        package: "gateway",
        test: "",
    },
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
