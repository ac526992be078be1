//! Where the gateway is, and what lets commands in.
//!
//! On the gateway's own machine commands find it by themselves: it leaves its address and a token in the store's folder.
//! For that only the folder is needed, so a configuration whose secrets are elsewhere does not stand in the way.

use std::path::{Path, PathBuf};

use gateway::secret::Secret;
use hyper::Uri;
use toml::de::DeTable;

use crate::cli::GatewayArgs;
use crate::config::{self, DEFAULT, Environment, USUAL_FILE};
use crate::exit::Failure;
use crate::{development, secret_argument};

/// The way to a gateway.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// Its admin listener, without a slash at the end.
    pub(super) url: String,
    /// What lets us in.
    pub(super) key: Option<Secret>,
}

/// Finds it: what was typed, else what the environment says, else the gateway of this machine's store.
pub(super) fn find(args: &GatewayArgs, environment: &Environment) -> Result<Way, Failure> {
    let from_environment = |name| environment.get(name).map(str::to_owned);
    let url = args.url.clone().or_else(|| from_environment("WAYPOST_URL"));
    let url = url.map(|url| checked(&url)).transpose()?;
    let key = match &args.api_key {
        Some(text) => Some(secret_argument::read("--api-key", text, environment)?),
        None => from_environment("WAYPOST_API_KEY").map(Secret::new),
    };
    if let (Some(url), Some(_)) = (&url, &key) {
        return Ok(Way { url: url.clone(), key });
    }
    let folder = store_folder(args.config.config.as_deref(), environment)?;
    let local = development::way_in(&folder);
    match url {
        None => {
            let local = local?.ok_or(Failure::NoGateway { folder })?;
            Ok(Way { key: Some(key.unwrap_or_else(|| local.token())), url: local.admin_url })
        }
        // The token of this machine's gateway goes to that gateway alone.
        Some(url) => match local {
            Ok(Some(local)) if local.admin_url == url => Ok(Way { key: Some(local.token()), url }),
            _ => Err(Failure::Arguments(
                "a gateway at a URL wants an API key: give --api-key or WAYPOST_API_KEY".to_owned(),
            )),
        },
    }
}

fn checked(url: &str) -> Result<String, Failure> {
    let url = url.trim_end_matches('/');
    let fine = url.parse::<Uri>().is_ok_and(|uri| {
        let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        scheme && authority && uri.query().is_none()
    });
    if fine {
        return Ok(url.to_owned());
    }
    let message = "the gateway's URL cannot be used: expected something like https://waypost.example.com";
    Err(Failure::Arguments(message.to_owned()))
}

/// The store's folder as the configuration has it (with a database, this node's), without demanding anything else of the
/// configuration.
pub(crate) fn store_folder(named: Option<&Path>, environment: &Environment) -> Result<PathBuf, Failure> {
    let typed = environment.get("WAYPOST_STORE");
    if let Some(folder) = typed.filter(|store| !config::is_database(store)) {
        return Ok(PathBuf::from(folder));
    }
    let from_environment = || environment.get("WAYPOST_CONFIG").map(PathBuf::from);
    let usual = || Some(PathBuf::from(USUAL_FILE)).filter(|usual| usual.exists());
    let file = named.map(Path::to_owned).or_else(from_environment).or_else(usual);
    let text = match &file {
        Some(file) => std::fs::read_to_string(file).map_err(Failure::file(format!("read {}", file.display())))?,
        None => String::new(),
    };
    let said = |key| text_at(&text, key).or_else(|| text_at(DEFAULT, key)).unwrap_or_default();
    let store = typed.map_or_else(|| said("store"), str::to_owned);
    let folder = match config::is_database(&store) {
        true => match environment.get("WAYPOST_NODE_FOLDER") {
            Some(folder) => return Ok(PathBuf::from(folder)),
            None => said("node_folder"),
        },
        false => store,
    };
    // Paths in a file go from the file's folder, the default one included.
    let beside = file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    Ok(beside.join(folder))
}

/// What a file says at a key, whatever else is wrong with it.
fn text_at(text: &str, key: &str) -> Option<String> {
    let (table, _) = DeTable::parse_recoverable(text);
    table.get_ref().get(key)?.get_ref().as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

    use super::*;
    use crate::cli::ConfigArgs;

    /// What the loader wants beside the store.
    const GOOD: &str = "development = true\n";

    fn none() -> Environment {
        Environment::from_pairs::<&str>([])
    }

    #[track_caller]
    fn same_as_the_loader(text: &str, environment: &Environment) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("waypost.toml");
        std::fs::write(&file, format!("{GOOD}{text}")).unwrap();
        let loaded = config::load(Some(&file), environment).unwrap();
        assert_eq!(store_folder(Some(&file), environment).unwrap(), loaded.store_folder);
    }

    #[test]
    fn the_folder_is_the_one_that_the_gateway_uses() {
        same_as_the_loader("", &none());
        same_as_the_loader("store = \"elsewhere\"", &none());
        same_as_the_loader("store = \"/var/lib/waypost\"", &none());
        same_as_the_loader("store = \"x\"", &Environment::from_pairs([("WAYPOST_STORE", "there")]));
        let database = "store = \"postgres://w@127.0.0.1/w\"\n";
        same_as_the_loader(database, &none());
        same_as_the_loader(&format!("{database}node_folder = \"node-1\""), &none());
        same_as_the_loader(database, &Environment::from_pairs([("WAYPOST_NODE_FOLDER", "there")]));
        same_as_the_loader(database, &Environment::from_pairs([("WAYPOST_STORE", "there")]));
        same_as_the_loader("", &Environment::from_pairs([("WAYPOST_STORE", "postgres://w@127.0.0.1/w")]));
    }

    #[test]
    fn a_configuration_without_its_secrets_still_leads_to_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("waypost.toml");
        let text = "store = \"kept\"\nsecrets_key = \"env:NOT_HERE\"\n[[apps]]\nname = 7\n";
        std::fs::write(&file, text).unwrap();
        assert!(config::load(Some(&file), &none()).is_err());
        assert_eq!(store_folder(Some(&file), &none()).unwrap(), folder.path().join("kept"));
    }

    fn args(file: &Path, url: Option<&str>) -> GatewayArgs {
        GatewayArgs {
            config: ConfigArgs { config: Some(file.to_owned()) },
            url: url.map(str::to_owned),
            ..GatewayArgs::default()
        }
    }

    #[test]
    fn the_token_of_this_machine_goes_to_its_own_gateway_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("waypost.toml");
        std::fs::write(&file, "store = \".\"").unwrap();
        let token = {
            let listen = "127.0.0.1:8081".parse().unwrap();
            development::open_way_in(folder.path(), listen, listen, None).unwrap()
        };
        let found = |url| find(&args(&file, url), &none());
        for url in [None, Some("http://127.0.0.1:8081/")] {
            let way = found(url).unwrap();
            assert_eq!(way.url, "http://127.0.0.1:8081");
            assert!(way.key == Some(token.clone()));
        }
        assert!(matches!(found(Some("https://example.com")), Err(Failure::Arguments(_))));
        assert!(matches!(found(Some("https://user:hunter2@example.com")), Err(Failure::Arguments(_))));
    }

    #[test]
    fn without_a_gateway_the_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("waypost.toml");
        std::fs::write(&file, "store = \"kept\"").unwrap();
        let Err(Failure::NoGateway { folder: told }) = find(&args(&file, None), &none()) else {
            panic!("a gateway was found where none is");
        };
        assert_eq!(told, folder.path().join("kept"));
    }
}
