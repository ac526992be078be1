//! The ledgers as the judge reads them.

use std::collections::HashMap;

use crate::Outcome;
use crate::judge::Spread;

/// An event that was sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) waba: u32,
    /// Its conversation and its position in that.
    pub(crate) lane: Option<(u32, u64)>,
    /// When it was first sent, and when it was first answered 200.
    pub(crate) first_us: Option<u64>,
    pub(crate) acked_us: Option<u64>,
}

/// A request to the gateway that ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) ended_us: u64,
    /// 0: no answer.
    pub(crate) status: u16,
    pub(crate) took_us: u64,
}

/// A request that came to an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) arrived_us: u64,
    pub(crate) answered_us: u64,
    pub(crate) endpoint: String,
    pub(crate) event_id: String,
    pub(crate) late: bool,
    /// 0: no answer.
    pub(crate) status: u16,
    pub(crate) fingerprint: String,
}

impl Arrival {
    pub(crate) fn accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Both ledgers.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// By their keys.
    pub(crate) sent: HashMap<String, Sent>,
    pub(crate) asked: Vec<Asked>,
    /// In the order in which they were answered.
    pub(crate) arrivals: Vec<Arrival>,
    /// How busy the machine was: what a thread waited that only wanted to wake up.
    pub(crate) stalls: Spread,
    /// Other bytes that an event may have, and its key.
    copies: HashMap<String, String>,
}

impl Books {
    pub(crate) fn read(sent: &str, arrived: &str) -> Outcome<Self> {
        let mut books = Self::default();
        for line in sent.lines() {
            books.sent_line(line).ok_or_else(|| format!("cannot be read: {line}"))?;
        }
        for line in arrived.lines() {
            let arrival = arrival(line).ok_or_else(|| format!("cannot be read: {line}"))?;
            books.arrivals.push(arrival);
        }
        Ok(books)
    }

    /// The event whose bytes these are: its key, and what was sent.
    pub(crate) fn event_of(&self, fingerprint: &str) -> Option<(&str, &Sent)> {
        let key = self.copies.get(fingerprint).map_or(fingerprint, String::as_str);
        self.sent.get_key_value(key).map(|(key, sent)| (key.as_str(), sent))
    }

    /// Events that were answered 200.
    pub(crate) fn acked(&self) -> impl Iterator<Item = (&String, &Sent)> {
        self.sent.iter().filter(|(_, sent)| sent.acked_us.is_some())
    }

    fn sent_line(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["event", key, waba, lane, position] => {
                let lane = lane.parse().ok().zip(position.parse().ok());
                let sent = Sent { waba: waba.parse().ok()?, lane, first_us: None, acked_us: None };
                self.sent.insert((*key).to_owned(), sent);
            }
            ["copy", key, fingerprint] => {
                self.copies.insert((*fingerprint).to_owned(), (*key).to_owned());
            }
            ["send", at_us, keys] => {
                let at_us = at_us.parse().ok()?;
                keys.split(',').for_each(|key| self.mark(key, |sent| sent.first_us = sent.first_us.or(Some(at_us))));
            }
            ["done", at_us, status, took_us, keys] => {
                let (ended_us, status) = (at_us.parse().ok()?, status.parse().ok()?);
                self.asked.push(Asked { ended_us, status, took_us: took_us.parse().ok()? });
                if status == 200 {
                    keys.split(',')
                        .for_each(|key| self.mark(key, |sent| sent.acked_us = sent.acked_us.or(Some(ended_us))));
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn mark(&mut self, key: &str, mark: impl FnOnce(&mut Sent)) {
        if let Some(sent) = self.sent.get_mut(key) {
            mark(sent);
        }
    }
}

fn arrival(line: &str) -> Option<Arrival> {
    let words: Vec<&str> = line.split(' ').collect();
    let [arrived_us, answered_us, endpoint, event_id, _attempt, late, status, fingerprint] = words.as_slice() else {
        return None;
    };
    Some(Arrival {
        arrived_us: arrived_us.parse().ok()?,
        answered_us: answered_us.parse().ok()?,
        endpoint: (*endpoint).to_owned(),
        event_id: (*event_id).to_owned(),
        late: *late == "1",
        status: status.parse().ok()?,
        fingerprint: (*fingerprint).to_owned(),
    })
}
