//! What became of one message: its statuses, whatever their order and however often they come, combined into one state
//! that never steps back.
//!
//! Meta sends statuses unordered and more than once, leaves steps out (`read` without `delivered`), and may report both
//! `delivered` and `failed` when a person has several devices. So a [`Life`] is a set: which statuses were seen, and when
//! each of them happened first. Adding to a set and uniting two sets is commutative, associative and idempotent; the
//! state is read off the set.
//!
//! A message to a group has a life with each participant. Whoever unites them sees how far the first of them got.

use std::collections::BTreeMap;

/// Unknown statuses of one message that are kept, and payment statuses likewise. Beyond it the first by name stay, which
/// is the same choice in whatever order they come.
const WORDS_MAX: usize = 16;

/// A step that a message takes, in the order of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Meta has it.
    Sent,
    /// A device has it.
    Delivered,
    /// The person opened the conversation.
    Read,
    /// The person played a voice message.
    Played,
}

impl Step {
    /// Every step, from the first to the last.
    pub const ALL: [Self; 4] = [Self::Sent, Self::Delivered, Self::Read, Self::Played];

    /// Meta's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
        }
    }
}

/// What one status says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Status {
    /// The message took a step.
    Step(Step),
    /// It failed, on some device at least.
    Failed,
    /// A payment: it has a life of its own, and no rank here.
    Payment(String),
    /// A word that has no rank: retired, or new.
    Other(String),
}

impl Status {
    /// What a status event's type says; `None` for events that are no statuses of messages.
    #[must_use]
    pub fn of_type(event_type: &str) -> Option<Self> {
        if let Some(word) = event_type.strip_prefix("messages.payment.") {
            return Some(Self::Payment(word.to_owned()));
        }
        let word =
            event_type.strip_prefix("messages.status.").or_else(|| event_type.strip_prefix("standby.status."))?;
        let step = Step::ALL.into_iter().find(|step| step.as_str() == word);
        Some(match (step, word) {
            (Some(step), _) => Self::Step(step),
            (None, "failed") => Self::Failed,
            (None, _) => Self::Other(word.to_owned()),
        })
    }

    /// Meta's word, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Step(step) => step.as_str(),
            Self::Failed => "failed",
            Self::Payment(word) | Self::Other(word) => word,
        }
    }
}

/// When a status happened first, in Unix seconds. `None` where no copy of it had a time.
pub type FirstAt = Option<i64>;

/// What came of adding one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// True when the life says more than before: a new status, or an earlier time of a known one.
    pub changed: bool,
    /// True when the message had gone further already: the step is noted and the state stays.
    pub superseded: bool,
}

/// All that is known of one message's statuses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Life {
    seen: BTreeMap<Status, FirstAt>,
}

impl Life {
    /// Adds one status.
    pub fn add(&mut self, status: Status, at_seconds: FirstAt) -> Heard {
        let superseded = matches!(status, Status::Step(step) if self.step() > Some(step));
        let before = self.seen.get(&status).copied();
        self.note(status.clone(), at_seconds);
        self.bound();
        let changed = self.seen.get(&status).copied() != before;
        Heard { changed, superseded }
    }

    /// Adds all that another life of the same message says.
    pub fn unite(&mut self, other: &Self) {
        other.seen.iter().for_each(|(status, at)| self.note(status.clone(), *at));
        self.bound();
    }

    /// How far the message got.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        Step::ALL.into_iter().rev().find(|step| self.seen.contains_key(&Status::Step(*step)))
    }

    /// True when it failed. It may have been delivered all the same, to another device.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.seen.contains_key(&Status::Failed)
    }

    /// When this status happened first; the outer `None` where it never did.
    #[must_use]
    pub fn first(&self, status: &Status) -> Option<FirstAt> {
        self.seen.get(status).copied()
    }

    /// Every status that was seen, steps first, with its first time.
    pub fn statuses(&self) -> impl Iterator<Item = (&Status, FirstAt)> {
        self.seen.iter().map(|(status, at)| (status, *at))
    }

    fn note(&mut self, status: Status, at: FirstAt) {
        let first = self.seen.entry(status).or_insert(at);
        *first = match (*first, at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }

    /// Drops the last words by name beyond the limit. One that is dropped has [`WORDS_MAX`] before it for good, so it
    /// never comes back with a part of its times forgotten.
    fn bound(&mut self) {
        let [mut payments, mut others] = [WORDS_MAX; 2];
        self.seen.retain(|status, _| {
            let room = match status {
                Status::Step(_) | Status::Failed => return true,
                Status::Payment(_) => &mut payments,
                Status::Other(_) => &mut others,
            };
            let stays = *room > 0;
            *room = room.saturating_sub(1);
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;

    /// Numbers that look random and are the same each time.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % end
        }

        /// A status with a time, from a world small enough that copies and ties are common; at times one of so many
        /// unknown words that the limit is met.
        fn status(&mut self) -> (Status, FirstAt) {
            let words = ["sent", "delivered", "read", "played", "failed", "deleted", "warning"];
            let status = match self.below(9) {
                7 => Status::Payment(["pending", "captured"][self.below(2)].to_owned()),
                8 => Status::Other(format!("word{}", self.below(3 * WORDS_MAX))),
                word => Status::of_type(&format!("messages.status.{}", words[word])).unwrap(),
            };
            let at = [None, Some(1), Some(2), Some(3)][self.below(4)];
            (status, at)
        }

        fn statuses(&mut self) -> Vec<(Status, FirstAt)> {
            let mut count = self.below(8);
            if self.below(10) == 0 {
                count = 100;
            }
            (0..count).map(|_| self.status()).collect()
        }

        fn shuffle<T>(&mut self, items: &mut [T]) {
            (1..items.len()).for_each(|end| items.swap(end, self.below(end + 1)));
        }
    }

    fn life(statuses: &[(Status, FirstAt)]) -> Life {
        let mut life = Life::default();
        statuses.iter().for_each(|(status, at)| {
            let _heard = life.add(status.clone(), *at);
        });
        life
    }

    fn united(one: &Life, other: &Life) -> Life {
        let mut all = one.clone();
        all.unite(other);
        all
    }

    fn for_many(mut claim: impl FnMut(&mut Dice)) {
        (0..3_000).for_each(|seed| claim(&mut Dice(seed)));
    }

    #[test]
    fn statuses_in_any_order_and_number_give_the_same_life() {
        for_many(|dice| {
            let statuses = dice.statuses();
            let mut again = [statuses.clone(), statuses.clone()].concat();
            dice.shuffle(&mut again);
            assert_eq!(life(&again), life(&statuses), "{statuses:?}");
        });
    }

    #[test]
    fn uniting_is_commutative_associative_and_idempotent() {
        for_many(|dice| {
            let [a, b, c] = [(); 3].map(|()| life(&dice.statuses()));
            assert_eq!(united(&a, &b), united(&b, &a), "{a:?} {b:?}");
            assert_eq!(united(&united(&a, &b), &c), united(&a, &united(&b, &c)), "{a:?} {b:?} {c:?}");
            assert_eq!(united(&a, &a), a);
            assert_eq!(united(&a, &Life::default()), a);
        });
    }

    #[test]
    fn uniting_two_lives_is_adding_all_statuses_of_both() {
        for_many(|dice| {
            let [one, other] = [dice.statuses(), dice.statuses()];
            assert_eq!(united(&life(&one), &life(&other)), life(&[one, other].concat()));
        });
    }

    #[test]
    fn the_state_never_steps_back_and_a_copy_changes_nothing() {
        for_many(|dice| {
            let mut life = Life::default();
            for (status, at) in dice.statuses() {
                let before = life.clone();
                let heard = life.add(status.clone(), at);
                assert!(life.step() >= before.step());
                assert!(!before.has_failed() || life.has_failed());
                assert_eq!(heard.changed, life != before);
                assert!(!heard.superseded || life.step() == before.step());
                let copy = life.clone();
                assert!(!life.add(status, at).changed);
                assert_eq!(life, copy);
            }
        });
    }

    #[test]
    fn a_step_below_the_present_one_is_superseded_and_its_time_is_kept() {
        let mut life = Life::default();
        let delivered = Status::Step(Step::Delivered);
        let fresh = Heard { changed: true, superseded: false };
        assert_eq!(life.add(Status::Step(Step::Read), Some(30)), fresh);
        assert_eq!(life.add(delivered.clone(), Some(20)), Heard { changed: true, superseded: true });
        assert_eq!(life.add(delivered.clone(), Some(25)), Heard { changed: false, superseded: true });
        assert_eq!(life.add(Status::Step(Step::Read), Some(30)), Heard::default());
        assert_eq!(life.step(), Some(Step::Read));
        assert_eq!(life.first(&delivered), Some(Some(20)));
        assert_eq!(life.first(&Status::Step(Step::Sent)), None);
    }

    #[test]
    fn a_message_can_be_delivered_and_have_failed() {
        let life = life(&[(Status::Failed, Some(9)), (Status::Step(Step::Delivered), Some(8))]);
        assert_eq!((life.step(), life.has_failed()), (Some(Step::Delivered), true));
        let heard = life.clone().add(Status::Failed, Some(7));
        assert_eq!(heard, Heard { changed: true, superseded: false });
    }

    #[test]
    fn payments_and_unknown_words_are_kept_and_move_nothing() {
        let types = ["messages.payment.failed", "messages.status.deleted", "messages.status.telepathy"];
        let statuses = types.map(|event_type| (Status::of_type(event_type).unwrap(), Some(5)));
        let life = life(&statuses);
        assert_eq!((life.step(), life.has_failed()), (None, false));
        let words: Vec<&str> = life.statuses().map(|(status, _)| status.as_str()).collect();
        assert_eq!(words, ["failed", "deleted", "telepathy"]);
    }

    #[test]
    fn only_statuses_of_messages_are_taken() {
        assert_eq!(Status::of_type("standby.status.read"), Some(Status::Step(Step::Read)));
        for event_type in ["messages.text", "calls.status.ringing", "messages.error", "messages.status"] {
            assert_eq!(Status::of_type(event_type), None, "{event_type}");
        }
    }

    #[test]
    fn a_time_that_comes_late_is_taken_and_the_earliest_stays() {
        let sent = Status::Step(Step::Sent);
        let life = life(&[(sent.clone(), None), (sent.clone(), Some(4)), (sent.clone(), Some(6))]);
        assert_eq!(life.first(&sent), Some(Some(4)));
    }

    #[test]
    fn words_beyond_the_limit_are_dropped_and_steps_never() {
        let word = |index: usize| Status::Other(format!("{index:03}"));
        let mut statuses: Vec<_> = (0..100).map(|index| (word(index), Some(1))).collect();
        statuses.push((Status::Step(Step::Sent), Some(1)));
        let life = life(&statuses);
        assert_eq!(life.statuses().count(), WORDS_MAX + 1);
        assert_eq!(life.step(), Some(Step::Sent));
        assert_eq!((life.first(&word(0)), life.first(&word(99))), (Some(Some(1)), None));
    }
}
