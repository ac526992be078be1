//! Which lane a person's conversation has.
//!
//! A person has up to three names towards a business number: phone, user id, parent user id. An event may show one of
//! them or several. The store keeps, per scope and business number, which lane each name belongs to; the decision is
//! here. The last link wins, and two strangers never share a lane: a phone number that has passed to a person with
//! another user id leaves the old person's lane behind.

/// The names of one person in one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Phone number or WhatsApp id.
    pub phone: Option<String>,
    /// Business-scoped user id.
    pub user_id: Option<String>,
    /// User id of linked portfolios.
    pub parent_user_id: Option<String>,
}

/// What the store knows of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The lane that the name belongs to.
    pub lane: String,
    /// The user id that the name was last seen with.
    pub user_id: Option<String>,
}

/// The lane of an event, and what the store should know from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The event's lane.
    pub lane: String,
    /// Names whose entry must be written, because it is new or has changed.
    pub learn: Vec<(String, Known)>,
}

/// Finds the lane for `now` (continuing that of `before`, where an event tells of a change). `known` looks a name up
/// under the key that [`Names`] gives it: `u:<user id>`, `p:<phone>`, `e:<parent user id>`.
///
/// Returns None when the event names nobody.
pub fn resolve<E>(
    number: &str,
    now: &Names,
    before: &Names,
    mut known: impl FnMut(&str) -> Result<Option<Known>, E>,
) -> Result<Option<Resolved>, E> {
    let current = keys(now);
    let Some(first) = current.first().or(keys(before).first()).cloned() else {
        return Ok(None);
    };
    let lane = match lane_of(before, &mut known)? {
        Some(lane) => lane,
        None => match lane_of(now, &mut known)? {
            Some(lane) => lane,
            None => format!("contact:{number}:{first}"),
        },
    };
    let mut learn = Vec::new();
    for key in current {
        let entry = known(&key)?;
        // An event that shows the phone alone says nothing about the user id that goes with it.
        let user_id = now.user_id.clone().or_else(|| entry.as_ref().and_then(|known| known.user_id.clone()));
        let fresh = Known { lane: lane.clone(), user_id };
        if entry.as_ref() != Some(&fresh) {
            learn.push((key, fresh));
        }
    }
    Ok(Some(Resolved { lane, learn }))
}

/// The lane that these names lead to, the most trusted name first.
fn lane_of<E>(names: &Names, known: &mut impl FnMut(&str) -> Result<Option<Known>, E>) -> Result<Option<String>, E> {
    for key in keys(names) {
        let Some(entry) = known(&key)? else { continue };
        let stranger = matches!((&entry.user_id, &names.user_id), (Some(theirs), Some(ours)) if theirs != ours);
        if !stranger {
            return Ok(Some(entry.lane));
        }
    }
    Ok(None)
}

/// The names as look-up keys, the most trusted first: a user id is never reused, a phone number is.
fn keys(names: &Names) -> Vec<String> {
    let named = [("u:", &names.user_id), ("p:", &names.phone), ("e:", &names.parent_user_id)];
    named.iter().filter_map(|(prefix, name)| name.as_ref().map(|name| format!("{prefix}{name}"))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use super::*;

    /// A store of names in memory.
    #[derive(Default)]
    struct Book(HashMap<String, Known>);

    impl Book {
        fn lane(&mut self, now: &Names, before: &Names) -> String {
            let found: Result<_, Infallible> = resolve("7", now, before, |key| Ok(self.0.get(key).cloned()));
            let Ok(Some(resolved)) = found else {
                return String::new();
            };
            self.0.extend(resolved.learn);
            resolved.lane
        }
    }

    fn names(phone: &str, user_id: &str) -> Names {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Names { phone: some(phone), user_id: some(user_id), parent_user_id: None }
    }

    #[test]
    fn a_person_keeps_one_lane_whichever_name_an_event_shows() {
        let mut book = Book::default();
        let none = Names::default();
        let lane = book.lane(&names("155", ""), &none);
        assert_eq!(book.lane(&names("155", "US.1"), &none), lane);
        assert_eq!(book.lane(&names("", "US.1"), &none), lane);
        assert_eq!(book.lane(&names("155", ""), &none), lane);
    }

    #[test]
    fn a_user_id_that_was_seen_first_lends_its_lane_to_the_phone() {
        let mut book = Book::default();
        let none = Names::default();
        let lane = book.lane(&names("", "US.1"), &none);
        assert_eq!(book.lane(&names("155", "US.1"), &none), lane);
        assert_eq!(book.lane(&names("155", ""), &none), lane);
    }

    #[test]
    fn a_phone_number_that_passed_to_a_stranger_takes_no_lane_along() {
        let mut book = Book::default();
        let none = Names::default();
        let old = book.lane(&names("155", "US.1"), &none);
        let new = book.lane(&names("155", "US.2"), &none);
        assert_ne!(old, new);
        assert_eq!(book.lane(&names("155", ""), &none), new);
        assert_eq!(book.lane(&names("", "US.1"), &none), old);
    }

    #[test]
    fn a_change_of_number_continues_the_conversation_under_the_new_names() {
        let mut book = Book::default();
        let none = Names::default();
        let lane = book.lane(&names("155", "US.1"), &none);
        assert_eq!(book.lane(&names("177", "US.2"), &names("155", "US.1")), lane);
        assert_eq!(book.lane(&names("177", ""), &none), lane);
        assert_eq!(book.lane(&names("", "US.2"), &none), lane);
    }

    #[test]
    fn an_event_that_names_nobody_has_no_conversation() {
        assert_eq!(Book::default().lane(&Names::default(), &Names::default()), "");
    }
}
