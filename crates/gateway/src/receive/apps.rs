//! The apps by callback path.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use rules::directory::{Directory, Number};
use store::NumberEntry;

use crate::settings::AppSettings;

/// An app with what it has learned.
#[derive(Debug)]
pub struct App {
    /// As configured.
    pub settings: AppSettings,
    /// Within which keys are unique.
    pub scope: String,
    directory: RwLock<Directory>,
}

impl App {
    /// Works with the app's directory of numbers.
    pub fn with_directory<T>(&self, work: impl FnOnce(&Directory) -> T) -> T {
        // A poisoned lock still holds a good directory: learning replaces whole entries.
        work(&self.directory.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Learns numbers that are committed.
    pub fn learn(&self, numbers: Vec<NumberEntry>) {
        if numbers.is_empty() {
            return;
        }
        let mut directory = self.directory.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for NumberEntry { display_digits, phone_number_id, waba_id, .. } in numbers {
            directory.learn(display_digits, Number { phone_number_id, waba_id });
        }
    }
}

/// All apps.
#[derive(Debug, Default)]
pub struct Apps {
    apps: Vec<Arc<App>>,
    by_path: HashMap<String, Arc<App>>,
}

impl Apps {
    /// The apps with the numbers that the store knows.
    #[must_use]
    pub fn new(settings: Vec<AppSettings>, numbers: Vec<NumberEntry>) -> Self {
        let mut all = Self::default();
        for settings in settings {
            let scope = settings.scope();
            let app = Arc::new(App { scope, directory: RwLock::default(), settings });
            let own = numbers.iter().filter(|entry| entry.app == app.settings.name).cloned().collect();
            app.learn(own);
            for path in &app.settings.paths {
                all.by_path.insert(path.clone(), Arc::clone(&app));
            }
            all.apps.push(app);
        }
        all
    }

    /// The app with this callback path.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Arc<App>> {
        self.by_path.get(path)
    }

    /// The app with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<App>> {
        self.apps.iter().find(|app| app.settings.name == name)
    }

    /// All apps, as configured.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<App>> {
        self.apps.iter()
    }
}
