//! From what happened to the requests that tell of it.

use fastrand::Rng;

use super::Mischief;
use crate::bodies;
use crate::escape::{Escapes, wire_form};
use crate::faults::Habit;
use crate::rebatch;
use crate::sign::Signing;

/// Events that one may be overtaken by, at most.
const OVERTAKEN_BY_MAX: usize = 4;

/// Something happened, and Meta has a webhook for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The account that it happened to.
    pub waba: String,
    /// The number, where it is about one.
    pub number: Option<String>,
    /// The field of its webhook.
    pub field: String,
    /// The envelope with this one change.
    pub body: Vec<u8>,
    /// Where it goes now, app by app: what goes elsewhere is never in one body with it.
    pub route: Vec<(String, String)>,
}

/// How the bytes go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// At once.
    #[default]
    Whole,
    /// In small pieces with waits between them.
    Slow,
    /// The first time only in half; then whole.
    Cut,
}

/// A notification to send, to every app that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Whose it is.
    pub waba: String,
    /// Which number's.
    pub number: Option<String>,
    /// The field that decides where it goes.
    pub field: String,
    /// The bytes.
    pub body: Vec<u8>,
    /// How they are signed.
    pub signing: Signing,
    /// With the app's second secret.
    pub second_secret: bool,
    /// How they go out.
    pub wire: Wire,
    /// What is unusual about it.
    pub habit: Option<Habit>,
    /// A receiver must take it. What is forged or bare is sent once, whatever it is answered.
    pub must_arrive: bool,
}

/// What is held back on the way.
#[derive(Debug)]
pub struct Stage {
    mischief: Mischief,
    escapes: Escapes,
    /// Waiting to be joined by more.
    batch: Vec<Occurrence>,
    /// Waiting to be overtaken, and by how many.
    late: Vec<(usize, Occurrence)>,
    /// What came before, for a regrouped copy.
    before: Option<Occurrence>,
}

impl Stage {
    /// A day like this.
    #[must_use]
    pub fn new(mischief: Mischief, escapes: Escapes) -> Self {
        Self { mischief, escapes, batch: Vec::new(), late: Vec::new(), before: None }
    }

    /// True if something is held back.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.batch.is_empty() || !self.late.is_empty()
    }

    /// What goes out now that this happened.
    pub fn take(&mut self, occurrence: Occurrence, now_seconds: i64, rng: &mut Rng) -> Vec<Outgoing> {
        let mut out = Vec::new();
        if self.mischief.reorder.strikes(rng) {
            self.late.push((1 + rng.usize(..OVERTAKEN_BY_MAX), occurrence));
            return out;
        }
        self.join(occurrence, now_seconds, rng, &mut out);
        let mut overtaken = Vec::new();
        for (by, late) in std::mem::take(&mut self.late) {
            if by <= 1 {
                overtaken.push(late);
            } else {
                self.late.push((by - 1, late));
            }
        }
        overtaken.into_iter().for_each(|late| self.join(late, now_seconds, rng, &mut out));
        out
    }

    /// What was held back.
    pub fn flush(&mut self, now_seconds: i64, rng: &mut Rng) -> Vec<Outgoing> {
        let mut out = Vec::new();
        for (_, late) in std::mem::take(&mut self.late) {
            self.join(late, now_seconds, rng, &mut out);
        }
        self.send_batch(now_seconds, rng, &mut out);
        out
    }

    fn join(&mut self, mut occurrence: Occurrence, now_seconds: i64, rng: &mut Rng, out: &mut Vec<Outgoing>) {
        if self.mischief.retention.strikes(rng) && occurrence.field == "messages" {
            occurrence.body = bodies::retention(&occurrence.body);
        }
        if self.batch.first().is_some_and(|there| there.route != occurrence.route) {
            self.send_batch(now_seconds, rng, out);
        }
        self.batch.push(occurrence);
        if self.batch.len() >= usize::from(self.mischief.batch.clamp(1, 1_000)) {
            self.send_batch(now_seconds, rng, out);
        }
    }

    fn send_batch(&mut self, now_seconds: i64, rng: &mut Rng, out: &mut Vec<Outgoing>) {
        let batch = std::mem::take(&mut self.batch);
        let Some(first) = batch.first().cloned() else { return };
        let several = batch.len() > 1;
        let bodies: Vec<&[u8]> = batch.iter().map(|one| one.body.as_slice()).collect();
        let body = if several { rebatch::gather(&bodies) } else { first.body.clone() };
        let habit = several.then_some(Habit::Batched);
        self.requests(Occurrence { body, ..first }, habit, now_seconds, rng, out);
        self.before = batch.into_iter().next_back();
    }

    /// The request for this body and what comes beside it.
    fn requests(
        &self,
        occurrence: Occurrence,
        habit: Option<Habit>,
        now_seconds: i64,
        rng: &mut Rng,
        out: &mut Vec<Outgoing>,
    ) {
        let day = &self.mischief;
        let plain = self.outgoing(&occurrence, &occurrence.body, habit);
        let mut usual = plain.clone();
        if day.array_wrapped.strikes(rng) {
            usual.body = rebatch::array_wrapped(&plain.body);
            usual.habit = Some(Habit::ArrayWrapped);
        }
        usual.second_secret = day.second_secret.strikes(rng);
        usual.wire = match (day.slow.strikes(rng), day.cut.strikes(rng)) {
            (_, true) => Wire::Cut,
            (true, false) => Wire::Slow,
            (false, false) => Wire::Whole,
        };
        out.push(usual.clone());
        if day.duplicates.strikes(rng) {
            out.push(Outgoing { habit: Some(Habit::Repeated), wire: Wire::Whole, ..usual });
        }
        let before = self.before.as_ref().filter(|before| before.route == occurrence.route);
        if let Some(before) = before.filter(|_| day.regroup.strikes(rng)) {
            let body = rebatch::gather(&[occurrence.body.as_slice(), &before.body]);
            out.push(self.outgoing(&occurrence, &body, Some(Habit::Regrouped)));
        }
        self.strange(&occurrence, &plain, rng, out);
        if day.large.strikes(rng) {
            out.push(self.large(&occurrence, now_seconds, rng));
        }
    }

    /// What nobody has to take.
    fn strange(&self, occurrence: &Occurrence, plain: &Outgoing, rng: &mut Rng, out: &mut Vec<Outgoing>) {
        let day = &self.mischief;
        let mut beside = |habit, signing, body: Vec<u8>| {
            let habit = Some(habit);
            out.push(Outgoing { body, signing, habit, must_arrive: false, ..plain.clone() });
        };
        if day.wrong_signature.strikes(rng) {
            beside(Habit::WrongSignature, Signing::Wrong, plain.body.clone());
        }
        if day.missing_signature.strikes(rng) {
            beside(Habit::MissingSignature, Signing::Missing, plain.body.clone());
        }
        if day.bare_sample.strikes(rng)
            && let Some(bare) = rebatch::bare_sample(&occurrence.body)
        {
            beside(Habit::BareSample, Signing::Right, wire_form(&bare, self.escapes));
        }
        if day.dashboard.strikes(rng) {
            beside(Habit::Dashboard, Signing::Right, wire_form(&bodies::dashboard(), self.escapes));
        }
    }

    fn large(&self, occurrence: &Occurrence, now_seconds: i64, rng: &mut Rng) -> Outgoing {
        let body = bodies::large(&occurrence.waba, occurrence.number.as_deref(), now_seconds, rng);
        let history = Occurrence { field: "history".to_owned(), body, ..occurrence.clone() };
        self.outgoing(&history, &history.body, Some(Habit::Large))
    }

    fn outgoing(&self, occurrence: &Occurrence, body: &[u8], habit: Option<Habit>) -> Outgoing {
        Outgoing {
            waba: occurrence.waba.clone(),
            number: occurrence.number.clone(),
            field: occurrence.field.clone(),
            body: wire_form(body, self.escapes),
            signing: Signing::Right,
            second_secret: false,
            wire: Wire::Whole,
            habit,
            must_arrive: true,
        }
    }
}

#[cfg(test)]
mod tests;
