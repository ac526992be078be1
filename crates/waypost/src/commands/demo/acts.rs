//! The acts, in order. Each ends when what it sent has arrived, so that the lines stand under their act.

use std::collections::BTreeMap;
use std::time::Duration;

use emulator::{Fixture, Signing, fixtures, rebatch};

use super::books::{Books, Order};
use super::sender::{CONVERSATIONS, Sender, is_known_again, keys};
use super::stage::{EVERYTHING, STATUSES, Stage};
use crate::exit::Failure;

/// Arrivals that take longer are missing.
const PATIENCE: Duration = Duration::from_secs(20);
/// Every so many documented bodies one is sent again.
const REPEATED_EVERY: usize = 8;
/// Bodies joined into one.
const BATCH: usize = 40;
/// Bodies of the conversations with a failing endpoint, at least. Who speaks next is chance, so it may take more until
/// everybody has spoken.
const BODIES_MIN: usize = 16;
/// And at most.
const BODIES_MAX: usize = 64;

/// Plays everything and gives the books.
pub(super) async fn play(stage: &Stage) -> Result<Books, Failure> {
    let mut sender = Sender::new(&stage.callback_url(), stage.app())?;
    let handshakes = handshakes(stage, &sender).await?;
    let bodies = documented(stage, &mut sender).await?;
    repeated(stage, &mut sender, &bodies).await?;
    regrouped(stage, &mut sender, &bodies).await?;
    foreign(stage, &mut sender, &bodies).await?;
    odd(stage, &mut sender).await?;
    let conversations = failing(stage, &mut sender).await?;
    let everything = stage.door(EVERYTHING)?.received().clone();
    Ok(Books {
        scope: stage.app().scope(),
        order: Order::compare(conversations.values(), &everything.keys),
        sent: sender.sent,
        gateway: stage.counts().await?,
        everything,
        statuses: stage.door(STATUSES)?.received().clone(),
        handshakes,
    })
}

async fn handshakes(stage: &Stage, sender: &Sender) -> Result<(bool, bool), Failure> {
    let show = stage.show;
    show.act("1. The handshake: Meta asks the callback to prove that it knows the verify token.")?;
    let (right, wrong) = sender.handshakes().await;
    show.say(if right { "the right token: the challenge came back" } else { "the right token was refused" })?;
    show.say(if wrong { "a wrong token was taken" } else { "a wrong token: refused" })?;
    Ok((right, wrong))
}

/// Sends every documented body and gives them as they were sent.
async fn documented(stage: &Stage, sender: &mut Sender) -> Result<Vec<Vec<u8>>, Failure> {
    let documented: Vec<Fixture> = fixtures::all().collect();
    stage.show.act(&format!(
        "2. All {} documented webhooks, with fresh ids and present times, spelled and signed as Meta does.",
        documented.len()
    ))?;
    let mut bodies = Vec::with_capacity(documented.len());
    for fixture in documented {
        let body = sender.renew(fixture);
        sender.send(&body).await;
        bodies.push(body);
    }
    stage.nothing_owed(PATIENCE).await?;
    Ok(bodies)
}

async fn repeated(stage: &Stage, sender: &mut Sender, bodies: &[Vec<u8>]) -> Result<(), Failure> {
    let again: Vec<_> = bodies.iter().step_by(REPEATED_EVERY).filter(|body| is_known_again(body)).collect();
    let act = format!("3. {} of them again, byte for byte, as if the first 200 had been lost.", again.len());
    stage.show.act(&act)?;
    let before = stage.counts().await?;
    for body in again {
        sender.send(body).await;
    }
    stage.nothing_owed(PATIENCE).await?;
    tell_duplicates(stage, before).await
}

/// What Meta sends again it may group in another way, and with something new in the middle.
async fn regrouped(stage: &Stage, sender: &mut Sender, bodies: &[Vec<u8>]) -> Result<(), Failure> {
    let mut known: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).filter(|body| is_known_again(body)).collect();
    known.reverse();
    let act =
        format!("4. {} of them once more, {BATCH} joined into one body, and a new message among them.", known.len());
    stage.show.act(&act)?;
    let before = stage.counts().await?;
    for (position, batch) in known.chunks(BATCH).enumerate() {
        let new = if position == 0 { sender.text() } else { None };
        let mut batch = batch.to_vec();
        if let Some(new) = &new {
            batch.insert(batch.len() / 2, new);
        }
        sender.send(&rebatch::merge(&batch)).await;
    }
    stage.nothing_owed(PATIENCE).await?;
    tell_duplicates(stage, before).await
}

async fn tell_duplicates(stage: &Stage, before: store::StoreCounts) -> Result<(), Failure> {
    let now = stage.counts().await?;
    stage.show.say(&format!(
        "{} copies were known and went no further; {} new",
        now.duplicates + now.conflicts - before.duplicates - before.conflicts,
        now.events - before.events
    ))
}

async fn foreign(stage: &Stage, sender: &mut Sender, bodies: &[Vec<u8>]) -> Result<(), Failure> {
    stage.show.act("5. Three requests that are not Meta's: two signed with another secret, one not signed.")?;
    let known = bodies.first().cloned().unwrap_or_default();
    let new = sender.text().unwrap_or_default();
    for (body, signing, what) in [
        (&new, Signing::Wrong, "a new message with a wrong signature"),
        (&known, Signing::Wrong, "a known body with a wrong signature"),
        (&new, Signing::Missing, "the new message without a signature"),
    ] {
        let taken = sender.forge(body, signing).await;
        stage.show.say(&format!("{what}: {}", if taken { "taken" } else { "refused" }))?;
    }
    Ok(())
}

async fn odd(stage: &Stage, sender: &mut Sender) -> Result<(), Failure> {
    stage.show.act(
        "6. Odd ones, rightly signed: an envelope in an array, a change without one, no JSON at all, and the \
         dashboard's test button pressed twice.",
    )?;
    if let (Some(wrapped), Some(bare)) = (sender.text(), sender.text()) {
        sender.send(&rebatch::array_wrapped(&wrapped)).await;
        sender.send(&rebatch::bare_sample(&bare).unwrap_or(bare)).await;
    }
    sender.send(b"this is not JSON").await;
    let is_test = |fixture: &Fixture| whatsapp::read(fixture.body).events.iter().all(|event| event.test);
    if let Some(test) = fixtures::all().find(is_test) {
        let body = sender.renew(test);
        sender.send(&body).await;
        sender.send(&body).await;
    }
    stage.nothing_owed(PATIENCE).await?;
    Ok(())
}

/// Some conversations while one endpoint fails. Gives the keys of each in the order in which they were sent.
async fn failing(stage: &Stage, sender: &mut Sender) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let show = stage.show;
    let (everything, statuses) = (stage.door(EVERYTHING)?, stage.door(STATUSES)?);
    show.act(
        "7. The endpoint `everything` fails (503) in the middle of some conversations; `statuses` does not notice.",
    )?;
    let turned_away = everything.received().turned_away;
    everything.set_down(true);
    let mut conversations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for position in 0..BODIES_MAX {
        if position >= BODIES_MIN && conversations.len() >= CONVERSATIONS {
            break;
        }
        let (whose, body) = sender.conversation();
        sender.send(&body).await;
        conversations.entry(whose).or_default().extend(keys(&body));
    }
    let refused = turned_away + conversations.len() as u64;
    let unnoticed = sender.sent.statuses();
    let seen = || everything.received().turned_away >= refused && statuses.received().events() >= unnoticed;
    stage.until(PATIENCE, seen).await;
    everything.set_down(false);
    show.say("`everything` is back: each conversation waits for the retry of its first event, 5 s after the failure")?;
    stage.nothing_owed(PATIENCE).await?;
    Ok(conversations)
}
