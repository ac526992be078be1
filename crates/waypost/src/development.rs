//! Development mode: what Waypost makes by itself, so that it runs without a configuration; and the way in for commands
//! on the same machine.
//!
//! What is made is kept in the store's folder, readable by its owner only, and read back at the next start.

use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use gateway::secret::Secret;
use gateway::settings::AppSettings;
use serde::{Deserialize, Serialize};

use crate::config::{Config, SecretsKey};
use crate::exit::Failure;
use crate::private_file;

/// The name of the app that is made.
pub(crate) const APP: &str = "main";

const APP_FILE: &str = "development.toml";
/// The key that is made, in the store's folder.
pub(crate) const KEY_FILE: &str = "secrets.key";
const LOCAL_FILE: &str = "local.json";

/// What is kept of the app that was made.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MadeApp {
    verify_token: String,
    app_secret: String,
}

/// The way in for commands on the same machine.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Local {
    /// Where the admin listener answers.
    pub(crate) admin_url: String,
    /// The first app's callback, as this machine reaches it.
    #[serde(default)]
    pub(crate) callback_url: Option<String>,
    token: String,
}

impl Local {
    /// What lets commands in.
    pub(crate) fn token(&self) -> Secret {
        Secret::new(self.token.clone())
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local").field("admin_url", &self.admin_url).finish_non_exhaustive()
    }
}

/// Makes the store's folder and, in development mode, what the configuration left out: the app and the key that seals
/// secrets, which is returned.
pub(crate) fn prepare(config: &mut Config) -> Result<SecretsKey, Failure> {
    let folder = &config.store_folder;
    make_folder(folder)?;
    if config.settings.development && config.settings.apps.is_empty() {
        config.settings.apps.push(app(folder)?);
    }
    match &config.secrets_key {
        Some(key) => Ok(key.clone()),
        None => secrets_key(folder),
    }
}

/// Makes a token and leaves it, with the addresses of the admin listener and of a callback, where commands on this machine
/// find it.
pub(crate) fn open_way_in(
    folder: &Path,
    admin: SocketAddr,
    receive: SocketAddr,
    callback_path: Option<&str>,
) -> Result<Secret, Failure> {
    let local = Local {
        admin_url: format!("http://{}", reached(admin)),
        callback_url: callback_path.map(|path| format!("http://{}{path}", reached(receive))),
        token: random_text()?,
    };
    let path = folder.join(LOCAL_FILE);
    let doing = format!("write {}", path.display());
    let text = serde_json::to_string(&local).map_err(|error| Failure::file(doing.clone())(error.into()))?;
    private_file::write(&path, &text).map_err(Failure::file(doing))?;
    Ok(local.token())
}

/// The address at which this machine reaches a listener.
fn reached(mut listener: SocketAddr) -> SocketAddr {
    if listener.ip().is_unspecified() {
        listener.set_ip(match listener {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    listener
}

/// The way in that the gateway with this store left. None when none was left.
pub(crate) fn way_in(folder: &Path) -> Result<Option<Local>, Failure> {
    let path = folder.join(LOCAL_FILE);
    let Some(text) = read(&path)? else { return Ok(None) };
    let local =
        serde_json::from_str(&text).map_err(|_| damaged(&path, "start the gateway again: it writes a new one"))?;
    Ok(Some(local))
}

/// A secret text for tokens: 192 random bits.
pub(crate) fn random_text() -> Result<String, Failure> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).map_err(|_| Failure::NoChance)?;
    Ok(BASE64URL.encode(bytes))
}

/// The app that was made for the gateway with this store. None when none was.
pub(crate) fn made_app(folder: &Path) -> Result<Option<AppSettings>, Failure> {
    let path = folder.join(APP_FILE);
    let Some(text) = read(&path)? else { return Ok(None) };
    // The parser's own message would quote the line, and the line may hold the secret.
    let made = toml::from_str(&text).map_err(|_| damaged(&path, "remove it: a new one is made"))?;
    Ok(Some(settings(made)))
}

fn app(folder: &Path) -> Result<AppSettings, Failure> {
    match made_app(folder)? {
        Some(app) => Ok(app),
        None => Ok(settings(make_app(&folder.join(APP_FILE))?)),
    }
}

fn settings(made: MadeApp) -> AppSettings {
    let MadeApp { verify_token, app_secret } = made;
    AppSettings {
        name: APP.to_owned(),
        app_id: None,
        group: None,
        paths: vec![format!("/webhooks/{APP}")],
        verify_token: Secret::new(verify_token),
        secrets: vec![Secret::new(app_secret)],
    }
}

fn make_app(path: &Path) -> Result<MadeApp, Failure> {
    let made = MadeApp { verify_token: random_text()?, app_secret: random_text()? };
    // Both are base64url: nothing in them needs escaping.
    let text = format!(
        "# Made in development mode, read back at each start.\nverify_token = \"{}\"\napp_secret = \"{}\"\n",
        made.verify_token, made.app_secret
    );
    private_file::create(path, &text).map_err(Failure::file(format!("write {}", path.display())))?;
    Ok(made)
}

fn secrets_key(folder: &Path) -> Result<SecretsKey, Failure> {
    let path = folder.join(KEY_FILE);
    if let Some(text) = read(&path)? {
        let hint = "put the key of this store back; without it the secrets in the store cannot be opened";
        return SecretsKey::parse(&Secret::new(text)).ok_or_else(|| damaged(&path, hint));
    }
    let key = SecretsKey::generate().ok_or(Failure::NoChance)?;
    let line = format!("{}\n", key.to_text().expose());
    private_file::create(&path, &line).map_err(Failure::file(format!("write {}", path.display())))?;
    Ok(key)
}

fn make_folder(folder: &Path) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|source| Failure::Folder { folder: folder.display().to_string(), source })
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(format!("read {}", path.display()))(error)),
    }
}

fn damaged(path: &Path, hint: &'static str) -> Failure {
    Failure::File {
        doing: format!("read {}", path.display()),
        hint: Some(hint),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, "it is damaged"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

    use super::*;
    use crate::config::{Environment, load};

    fn prepared(folder: &Path) -> (Config, SecretsKey) {
        let store = folder.join("store");
        let environment =
            Environment::from_pairs([("WAYPOST_STORE", store.to_str().unwrap()), ("WAYPOST_DEVELOPMENT", "true")]);
        let mut config = load(None, &environment).unwrap();
        let key = prepare(&mut config).unwrap();
        (config, key)
    }

    #[test]
    fn what_was_made_once_is_read_back_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let (first, key) = prepared(folder.path());
        let (second, same_key) = prepared(folder.path());
        let (first, second) = (&first.settings.apps[0], &second.settings.apps[0]);
        assert_eq!(first.name, APP);
        assert_eq!(first.secrets, second.secrets);
        assert_eq!(first.verify_token, second.verify_token);
        assert_ne!(first.verify_token, first.secrets[0]);
        assert!(key == same_key);
    }

    #[test]
    fn the_way_in_changes_at_each_start_and_leads_to_this_machine() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(way_in(folder.path()).unwrap(), None);
        let receive = "0.0.0.0:8080".parse().unwrap();
        let open = |admin: &str| open_way_in(folder.path(), admin.parse().unwrap(), receive, Some("/webhooks/main"));
        let first = open("0.0.0.0:8081").unwrap();
        let second = open("[::]:8081").unwrap();
        assert_ne!(first, second);
        let found = way_in(folder.path()).unwrap().unwrap();
        assert_eq!((found.admin_url.as_str(), found.token()), ("http://[::1]:8081", second.clone()));
        assert_eq!(found.callback_url.as_deref(), Some("http://127.0.0.1:8080/webhooks/main"));
        assert!(!format!("{found:?}").contains(second.expose()));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_what_was_made() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (config, _) = prepared(folder.path());
        let listen = config.settings.admin.listen;
        open_way_in(&config.store_folder, listen, listen, None).unwrap();
        for name in [APP_FILE, KEY_FILE, LOCAL_FILE] {
            let file = std::fs::metadata(config.store_folder.join(name)).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
        }
        let store = std::fs::metadata(&config.store_folder).unwrap();
        assert_eq!(store.permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_damaged_file_is_told_without_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        for name in [APP_FILE, KEY_FILE, LOCAL_FILE] {
            private_file::create(&folder.path().join(name), "hunter2").unwrap();
        }
        let told = [
            format!("{:?}", app(folder.path()).unwrap_err()),
            format!("{:?}", secrets_key(folder.path()).unwrap_err()),
            format!("{:?}", way_in(folder.path()).unwrap_err()),
        ];
        assert!(told.iter().all(|told| told.contains("damaged") && !told.contains("hunter2")), "{told:?}");
    }
}
