//! How Meta misbehaves, as far as its own documents and public reports tell: it repeats, reorders and regroups; and some
//! requests are not Meta's at all.

use std::fmt;

use fastrand::Rng;

use crate::rebatch;
use crate::sign::Signing;

/// What is unusual about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Habit {
    /// The same bytes again: the first answer was late or lost.
    Repeated,
    /// The same event again, grouped with another body's.
    Regrouped,
    /// Several bodies in one.
    Batched,
    /// The envelope wrapped in an array.
    ArrayWrapped,
    /// One change without its envelope.
    BareSample,
    /// Signed with another secret: a receiver refuses it.
    WrongSignature,
    /// Not signed: a receiver refuses it.
    MissingSignature,
    /// The App Dashboard's test send.
    Dashboard,
    /// Close to the largest body that Meta sends.
    Large,
    /// Its bytes come slowly.
    Slow,
    /// The connection ends in the middle of the body.
    Cut,
}

impl fmt::Display for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repeated => "repeated",
            Self::Regrouped => "regrouped",
            Self::Batched => "batched",
            Self::ArrayWrapped => "array-wrapped",
            Self::BareSample => "bare sample",
            Self::WrongSignature => "wrong signature",
            Self::MissingSignature => "no signature",
            Self::Dashboard => "dashboard test",
            Self::Large => "large",
            Self::Slow => "slow",
            Self::Cut => "cut",
        })
    }
}

/// One request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// The bytes to sign and send.
    pub body: Vec<u8>,
    /// How to sign them.
    pub signing: Signing,
    /// What is unusual about it.
    pub habit: Option<Habit>,
}

impl Post {
    /// An ordinary request.
    #[must_use]
    pub fn plain(body: Vec<u8>) -> Self {
        Self { body, signing: Signing::Right, habit: None }
    }

    fn unusual(body: Vec<u8>, habit: Habit) -> Self {
        let signing = match habit {
            Habit::WrongSignature => Signing::Wrong,
            Habit::MissingSignature => Signing::Missing,
            Habit::Repeated
            | Habit::Regrouped
            | Habit::Batched
            | Habit::ArrayWrapped
            | Habit::BareSample
            | Habit::Dashboard
            | Habit::Large
            | Habit::Slow
            | Habit::Cut => Signing::Right,
        };
        let habit = Some(habit);
        Self { body, signing, habit }
    }

    /// True if a receiver is right to take it.
    #[must_use]
    pub fn is_genuine(&self) -> bool {
        self.signing == Signing::Right
    }
}

/// How often each habit shows, in percent of the bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// Sent a second time, later.
    pub repeated_percent: u8,
    /// Sent a second time, later, together with the body that came before it.
    pub regrouped_percent: u8,
    /// Joined to the one that came before it.
    pub batched_percent: u8,
    /// Wrapped in an array.
    pub array_wrapped_percent: u8,
    /// Followed by a copy signed with a wrong secret.
    pub wrong_signature_percent: u8,
    /// Followed by a copy without a signature.
    pub missing_signature_percent: u8,
    /// How many places a request may be moved from its turn.
    pub reordered_by_max: usize,
}

impl Habits {
    /// Each body once, in order, signed.
    pub const NONE: Self = Self {
        repeated_percent: 0,
        regrouped_percent: 0,
        batched_percent: 0,
        array_wrapped_percent: 0,
        wrong_signature_percent: 0,
        missing_signature_percent: 0,
        reordered_by_max: 0,
    };

    /// A bad day: everything that was ever reported, each now and then.
    pub const BAD_DAY: Self = Self {
        repeated_percent: 20,
        regrouped_percent: 10,
        batched_percent: 20,
        array_wrapped_percent: 3,
        wrong_signature_percent: 3,
        missing_signature_percent: 3,
        reordered_by_max: 4,
    };
}

/// The requests that these bodies become on a day with such habits. Every body is in at least one genuine request, so
/// what a receiver should have in the end does not depend on the habits.
#[must_use]
pub fn misbehave(bodies: &[Vec<u8>], habits: &Habits, rng: &mut Rng) -> Vec<Post> {
    let mut posts = Vec::with_capacity(bodies.len() * 2);
    for (position, body) in bodies.iter().enumerate() {
        send(&mut posts, body, habits, rng);
        let before = position.checked_sub(1).and_then(|before| bodies.get(before));
        again(&mut posts, body, before, habits, rng);
    }
    reorder(posts, habits.reordered_by_max, rng)
}

/// The first genuine sending of a body.
fn send(posts: &mut Vec<Post>, body: &[u8], habits: &Habits, rng: &mut Rng) {
    let post = if happens(habits.array_wrapped_percent, rng) {
        Post::unusual(rebatch::array_wrapped(body), Habit::ArrayWrapped)
    } else {
        Post::plain(body.to_vec())
    };
    match posts.last_mut() {
        Some(last) if joins(last, &post) && happens(habits.batched_percent, rng) => {
            *last = Post::unusual(rebatch::merge(&[&last.body, &post.body]), Habit::Batched);
        }
        Some(_) | None => posts.push(post),
    }
}

fn joins(last: &Post, post: &Post) -> bool {
    matches!(last.habit, None | Some(Habit::Batched))
        && post.habit.is_none()
        && rebatch::changes(&last.body) > 0
        && rebatch::changes(&post.body) > 0
}

/// What comes beside the first sending.
fn again(posts: &mut Vec<Post>, body: &[u8], before: Option<&Vec<u8>>, habits: &Habits, rng: &mut Rng) {
    if happens(habits.repeated_percent, rng) {
        posts.push(Post::unusual(body.to_vec(), Habit::Repeated));
    }
    if let Some(before) = before.filter(|_| happens(habits.regrouped_percent, rng))
        && rebatch::changes(before) > 0
        && rebatch::changes(body) > 0
    {
        posts.push(Post::unusual(rebatch::merge(&[body, before.as_slice()]), Habit::Regrouped));
    }
    if happens(habits.wrong_signature_percent, rng) {
        posts.push(Post::unusual(body.to_vec(), Habit::WrongSignature));
    }
    if happens(habits.missing_signature_percent, rng) {
        posts.push(Post::unusual(body.to_vec(), Habit::MissingSignature));
    }
}

/// Moves each request by at most this many places back.
fn reorder(posts: Vec<Post>, by_max: usize, rng: &mut Rng) -> Vec<Post> {
    let mut turns: Vec<(usize, Post)> =
        posts.into_iter().enumerate().map(|(turn, post)| (turn + rng.usize(..=by_max), post)).collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().map(|(_, post)| post).collect()
}

fn happens(percent: u8, rng: &mut Rng) -> bool {
    rng.u8(..100) < percent
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]
    use std::collections::BTreeSet;

    use super::*;
    use crate::{Escapes, Fresh, fixtures, freshen, wire_form};

    fn bodies() -> Vec<Vec<u8>> {
        let mut fresh = Fresh::new(3, 1_790_000_000);
        let bodies = fixtures::all().map(|fixture| wire_form(&freshen(fixture.body, &mut fresh), Escapes::Meta));
        bodies.filter(|body| rebatch::changes(body) > 0).collect()
    }

    /// The changes of all genuine requests, each with what its entry says.
    fn genuine(posts: &[Post]) -> BTreeSet<Vec<u8>> {
        let unwrapped = posts.iter().filter(|post| post.is_genuine()).map(|post| match post.habit {
            Some(Habit::ArrayWrapped) => post.body.get(1..post.body.len() - 1).unwrap(),
            _ => post.body.as_slice(),
        });
        unwrapped.flat_map(rebatch::split).collect()
    }

    #[test]
    fn without_habits_every_body_goes_once_and_in_order() {
        let bodies = bodies();
        let expected: Vec<Post> = bodies.iter().cloned().map(Post::plain).collect();
        assert_eq!(misbehave(&bodies, &Habits::NONE, &mut Rng::with_seed(1)), expected);
    }

    #[test]
    fn on_a_bad_day_every_change_still_arrives_and_nothing_else_does() {
        let bodies = bodies();
        let expected: BTreeSet<Vec<u8>> = bodies.iter().flat_map(|body| rebatch::split(body)).collect();
        for seed in 0..10 {
            let posts = misbehave(&bodies, &Habits::BAD_DAY, &mut Rng::with_seed(seed));
            assert_eq!(genuine(&posts), expected, "seed {seed}");
        }
    }

    #[test]
    fn a_bad_day_shows_every_habit_and_one_seed_repeats_it() {
        let bodies = bodies();
        let day = |seed| misbehave(&bodies, &Habits::BAD_DAY, &mut Rng::with_seed(seed));
        let shown: BTreeSet<Habit> = day(1).iter().filter_map(|post| post.habit).collect();
        let expected = [
            Habit::Repeated,
            Habit::Regrouped,
            Habit::Batched,
            Habit::ArrayWrapped,
            Habit::WrongSignature,
            Habit::MissingSignature,
        ];
        assert_eq!(shown, BTreeSet::from(expected));
        assert!(day(1) == day(1) && day(1) != day(2));
    }
}
