//! Where a notification goes: every app that is subscribed to the account and the field, each at the most particular
//! callback that it has for it.

use super::{Callback, World};

/// The fields for which a number's or an account's own callback counts. All others go to the app's.
pub const OVERRIDABLE: [&str; 13] = [
    "messages",
    "message_echoes",
    "calls",
    "consumer_profile",
    "messaging_handovers",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "account_settings_update",
];

/// What a callback was set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The number.
    Number,
    /// The account.
    Waba,
    /// The app.
    App,
}

/// One app's place for a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The app, whose secret signs.
    pub app: &'a str,
    /// Where it goes.
    pub callback: &'a Callback,
    /// What the callback was set for.
    pub level: Level,
}

impl World {
    /// Where a notification of this field goes, in the order of the apps.
    pub fn destinations<'a>(
        &'a self,
        waba: &str,
        number: Option<&str>,
        field: &str,
    ) -> impl Iterator<Item = Destination<'a>> {
        let waba = self.waba(waba);
        let number = number.and_then(|id| self.number(id));
        let may_override = OVERRIDABLE.contains(&field);
        self.apps.iter().filter_map(move |app| {
            let own_override = waba?.apps.get(&app.id)?;
            let subscription = app.subscription.as_ref().filter(|known| known.fields.contains(field))?;
            let of_number = number.and_then(|number| number.overrides.get(&app.id)).filter(|_| may_override);
            let of_waba = own_override.as_ref().filter(|_| may_override);
            let (callback, level) = match (of_number, of_waba) {
                (Some(callback), _) => (callback, Level::Number),
                (None, Some(callback)) => (callback, Level::Waba),
                (None, None) => (&subscription.callback, Level::App),
            };
            Some(Destination { app: &app.id, callback, level })
        })
    }

    /// Every callback that is set, once.
    pub fn callbacks(&self) -> impl Iterator<Item = &Callback> {
        let of_apps = self.apps.iter().filter_map(|app| Some(&app.subscription.as_ref()?.callback));
        let of_wabas = self.wabas.iter().flat_map(|waba| waba.apps.values().flatten());
        let of_numbers = self.numbers.iter().flat_map(|number| number.overrides.values());
        let mut seen: Vec<&Callback> = Vec::new();
        for callback in of_apps.chain(of_wabas).chain(of_numbers) {
            if !seen.contains(&callback) {
                seen.push(callback);
            }
        }
        seen.into_iter()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]
    use super::*;
    use crate::scenario::Scenario;

    fn callback(name: &str) -> Callback {
        Callback { url: format!("http://{name}.test/"), verify_token: "v".to_owned() }
    }

    /// One account with one number; the first app is linked and wants everything.
    fn world() -> World {
        let mut world = Scenario::parse("").unwrap().world;
        for app in &mut world.apps {
            app.subscription.as_mut().unwrap().callback = callback("app");
        }
        world
    }

    fn places(world: &World, field: &str) -> Vec<(String, Level)> {
        let (waba, number) = (&world.wabas[0].id, &world.numbers[0].id);
        let found = world.destinations(waba, Some(number), field);
        found.map(|place| (place.callback.url.clone(), place.level)).collect()
    }

    #[test]
    fn the_number_beats_the_account_and_the_account_beats_the_app() {
        let mut world = world();
        let app = world.apps[0].id.clone();
        let of = |name: &str, level| vec![(format!("http://{name}.test/"), level)];
        assert_eq!(places(&world, "messages"), of("app", Level::App));
        world.wabas[0].apps.insert(app.clone(), Some(callback("waba")));
        assert_eq!(places(&world, "messages"), of("waba", Level::Waba));
        world.numbers[0].overrides.insert(app, callback("number"));
        assert_eq!(places(&world, "messages"), of("number", Level::Number));
        for field in OVERRIDABLE {
            assert_eq!(places(&world, field), of("number", Level::Number), "{field}");
        }
        for field in ["message_template_status_update", "security", "standby", "user_preferences"] {
            assert_eq!(places(&world, field), of("app", Level::App), "{field}");
        }
    }

    #[test]
    fn only_apps_that_are_subscribed_to_account_and_field_get_anything() {
        let mut world = world();
        world.apps[0].subscription.as_mut().unwrap().fields.remove("messages");
        assert_eq!(places(&world, "messages"), []);
        assert_eq!(places(&world, "calls").len(), 1);
        world.wabas[0].apps.clear();
        assert_eq!(places(&world, "calls"), []);
        assert_eq!(world.destinations("unknown", None, "calls").count(), 0);
    }
}
