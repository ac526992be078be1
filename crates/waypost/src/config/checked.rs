//! The configuration as it is meant: what the program is built from.

mod apps;
mod endpoints;
mod store;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use ::store::Retention;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use gateway::Settings;
use gateway::secret::Secret;
use gateway::settings::{AdminSettings, OutboundSettings, ReceiveSettings};
use ipnet::IpNet;

pub(crate) use self::store::{StorePlace, is_database};
use super::problem::{At, Problems, nearest};
use super::raw::{Raw, RawLogs, RawOutbound, RawReceive, RawRetention};
use super::reference::{Reference, Resolver};

/// A configuration without errors.
#[derive(Debug)]
pub(crate) struct Config {
    /// What the gateway is told. In development mode the apps may still be missing: `development::prepare` makes one.
    pub(crate) settings: Settings,
    /// Where everything is kept.
    pub(crate) store: StorePlace,
    /// The store's folder; with a database, the folder for what belongs to this node alone.
    pub(crate) store_folder: PathBuf,
    /// This node's name, where it has one and the store is a database.
    pub(crate) node: Option<String>,
    /// The share of the store's volume, in per cent, beyond which the oldest bodies go early.
    pub(crate) volume_percent_max: u8,
    /// Seals the secrets in the store. None in development mode only, where `development::prepare` makes one.
    pub(crate) secrets_key: Option<SecretsKey>,
    /// How the program logs.
    pub(crate) logs: LogSettings,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
    /// What is no error and should be told.
    pub(crate) warnings: Problems,
}

impl Config {
    /// Where everything is kept, for people: the folder, or where the database is.
    pub(crate) fn store_name(&self) -> String {
        match &self.store {
            StorePlace::Folder => self.store_folder.display().to_string(),
            StorePlace::Postgres(options) => format!("postgres://{}", options.server()),
        }
    }
}

/// The key that seals the secrets in the store.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretsKey(pub(crate) [u8; 32]);

/// How the program logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogSettings {
    /// The shape of a line.
    pub(crate) format: LogFormat,
    /// What is logged, as `tracing_subscriber::EnvFilter` reads it.
    pub(crate) filter: String,
}

/// The shape of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// One JSON object a line.
    Json,
    /// For eyes.
    Pretty,
}

/// Judges what was typed, and notes what is wrong.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    /// Where references to secrets lead.
    pub(super) resolver: Resolver<'a>,
    /// What was wrong so far.
    pub(super) problems: Problems,
}

impl SecretsKey {
    /// Reads it as it is written: base64 of 32 bytes.
    pub(crate) fn parse(text: &Secret) -> Option<Self> {
        let bytes = BASE64.decode(text.expose().trim()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// A fresh one. None when the system gives no random numbers.
    pub(crate) fn generate() -> Option<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).ok()?;
        Some(Self(key))
    }

    /// As [`SecretsKey::parse`] reads it.
    pub(crate) fn to_text(&self) -> Secret {
        Secret::new(BASE64.encode(self.0))
    }
}

impl std::fmt::Debug for SecretsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretsKey")
    }
}

impl Judge<'_> {
    /// Judges everything. The result is to be used only when nothing is wrong.
    pub(super) fn config(mut self, raw: Raw, file: Option<&Path>, development: bool) -> Result<Config, Problems> {
        let receive = self.receive(&raw.receive);
        let admin = self.admin(&raw.admin.listen, &raw.receive.listen, receive.listen);
        if development && !receive.listen.ip().is_loopback() {
            self.problems
                .warning(&raw.receive.listen, "development mode listens on more than this machine")
                .hint("its secrets are made up and its targets unguarded: keep it on 127.0.0.1");
        }
        let apps = self.apps(raw.apps, development);
        let endpoints = self.endpoints(raw.endpoints, &apps, development);
        let settings = Settings {
            development,
            receive,
            admin,
            outbound: self.outbound(&raw.outbound),
            retention: self.retention(&raw.retention),
            apps,
            endpoints,
        };
        let (store, store_folder) = self.store(&raw.store, raw.store_password.as_ref(), &raw.node_folder);
        let node = raw.node.and_then(|raw| self.node(&raw, &store));
        let config = Config {
            settings,
            store,
            store_folder,
            node,
            volume_percent_max: u8::try_from(self.within(&raw.retention.volume_percent_max, 1..=95)).unwrap_or(95),
            secrets_key: self.secrets_key(raw.secrets_key.as_ref(), development),
            logs: self.logs(&raw.logs),
            file: file.map(Path::to_owned),
            warnings: Problems::default(),
        };
        if self.problems.refuse() {
            return Err(self.problems);
        }
        Ok(Config { warnings: self.problems, ..config })
    }

    fn receive(&mut self, raw: &RawReceive) -> ReceiveSettings {
        let body_bytes_max = self.size(&raw.body_bytes_max, 1_024..=64 * 1024 * 1024);
        let bytes_in_flight_max = self.size(&raw.bytes_in_flight_max, 1_024..=1 << 40);
        if bytes_in_flight_max < body_bytes_max {
            let message = format!("expected at least receive.body_bytes_max ({body_bytes_max})");
            self.problems.error(&raw.bytes_in_flight_max, message);
        }
        ReceiveSettings {
            listen: self.address(&raw.listen),
            body_bytes_max,
            requests_in_flight_max: self.size(&raw.requests_in_flight_max, 1..=1_000_000),
            bytes_in_flight_max,
            connections_max: self.size(&raw.connections_max, 1..=1_000_000),
            drain_seconds: self.within(&raw.drain_seconds, 0..=3_600),
            keep_refused: raw.keep_refused.value,
        }
    }

    fn admin(&mut self, raw: &At<String>, receive_raw: &At<String>, receive: SocketAddr) -> AdminSettings {
        let listen = self.address(raw);
        let same_ip = listen.ip() == receive.ip() || listen.ip().is_unspecified() || receive.ip().is_unspecified();
        if same_ip && listen.port() == receive.port() && listen.port() != 0 {
            // The one that was typed is the one to change.
            let at = if raw.origin == super::problem::Origin::Default { receive_raw } else { raw };
            self.problems
                .error(at, "receive.listen and admin.listen are the same address")
                .hint("give each its own port");
        }
        if !listen.ip().is_loopback() {
            self.problems
                .warning(raw, "the admin listener can be reached from other machines")
                .hint("let a firewall or a proxy decide who may reach it");
        }
        AdminSettings { listen, local_token: None }
    }

    fn outbound(&mut self, raw: &RawOutbound) -> OutboundSettings {
        let mut allow_networks = Vec::new();
        for text in &raw.allow_networks.value {
            match text.parse::<IpNet>() {
                Ok(network) => allow_networks.push(network),
                Err(_) => {
                    let message = format!("expected networks like \"10.0.0.0/8\", found {text:?}");
                    self.problems.error(&raw.allow_networks, message);
                }
            }
        }
        for (n, host) in raw.allow_hosts.value.iter().enumerate() {
            let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
            if host.is_empty() || host == "." || !host.chars().all(fine) {
                let message = format!("item {}: expected a host name without scheme, port and path", n + 1);
                self.problems.error(&raw.allow_hosts, message);
            }
        }
        OutboundSettings {
            allow_networks,
            allow_hosts: raw.allow_hosts.value.iter().map(|host| host.to_ascii_lowercase()).collect(),
            in_flight_max: self.size(&raw.in_flight_max, 1..=100_000),
            proxy: raw.proxy.as_ref().and_then(|raw| self.proxy(raw)),
        }
    }

    fn proxy(&mut self, raw: &At<String>) -> Option<gateway::settings::ProxyAddress> {
        match gateway::endpoint::link::proxy(&raw.value) {
            Ok(proxy) => Some(proxy),
            Err(expected) => {
                self.problems.error(raw, expected);
                None
            }
        }
    }

    fn retention(&mut self, raw: &RawRetention) -> Retention {
        let body_days = self.days(&raw.body_days);
        let metadata_days = self.days(&raw.metadata_days);
        let key_days = self.days(&raw.key_days);
        if metadata_days < body_days {
            let message = format!("expected at least retention.body_days ({body_days})");
            self.problems.error(&raw.metadata_days, message);
        }
        if key_days < rules::limits::KEY_DAYS_DEFAULT {
            self.problems
                .warning(&raw.key_days, "Meta repeats a webhook for up to 7 days")
                .hint("below 8 days, a late repeat is delivered a second time");
        }
        Retention {
            body_days,
            metadata_days,
            key_days,
            store_bytes_max: raw.store_bytes_max.as_ref().map(|at| self.within(at, 1 << 20..=1 << 50)),
        }
    }

    fn secrets_key(&mut self, raw: Option<&At<Reference>>, development: bool) -> Option<SecretsKey> {
        const MAKE: &str = "make one: `openssl rand -base64 32 > waypost.key && chmod 600 waypost.key`, then \
                            `secrets_key = \"file:waypost.key\"`";
        let Some(raw) = raw else {
            if !development {
                self.problems.error(&missing("secrets_key"), "is missing").hint(MAKE);
            }
            return None;
        };
        let text = self.resolver.resolve(raw, "the secrets key", &mut self.problems)?;
        let key = SecretsKey::parse(&text);
        if key.is_none() {
            self.problems.error(raw, "expected base64 of 32 bytes").hint(MAKE);
        }
        key
    }

    fn logs(&mut self, raw: &RawLogs) -> LogSettings {
        let formats = [("auto", LogFormat::Auto), ("json", LogFormat::Json), ("pretty", LogFormat::Pretty)];
        let format = self.word(&raw.format, &formats);
        let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level));
        let level = self.word(&raw.level, &levels);
        let finer = self.resolver.environment.get("WAYPOST_LOG").map(str::to_owned);
        LogSettings {
            format: format.unwrap_or(LogFormat::Auto),
            filter: finer.unwrap_or_else(|| level.unwrap_or("info").to_owned()),
        }
    }

    fn address(&mut self, raw: &At<String>) -> SocketAddr {
        raw.value.parse().unwrap_or_else(|_| {
            self.problems
                .error(raw, format!("expected an address and a port, found {:?}", raw.value))
                .hint("for instance \"127.0.0.1:8080\", or \"0.0.0.0:8080\" for all addresses of this machine");
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    fn word<T: Copy>(&mut self, raw: &At<String>, words: &[(&str, T)]) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == raw.value);
        if found.is_none() {
            let right: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            let near = nearest(&raw.value, words.iter().map(|(word, _)| *word));
            let message = format!("expected one of {}, found {:?}", right.join(", "), raw.value);
            self.problems.error(raw, message).maybe_hint(near.map(|near| format!("did you mean {near:?}?")));
        }
        found.map(|(_, value)| *value)
    }

    fn within(&mut self, raw: &At<u64>, range: RangeInclusive<u64>) -> u64 {
        if !range.contains(&raw.value) {
            let message = format!("expected a number from {} to {}, found {}", range.start(), range.end(), raw.value);
            self.problems.error(raw, message);
        }
        raw.value.clamp(*range.start(), *range.end())
    }

    fn size(&mut self, raw: &At<u64>, range: RangeInclusive<u64>) -> usize {
        usize::try_from(self.within(raw, range)).unwrap_or(usize::MAX)
    }

    fn days(&mut self, raw: &At<u64>) -> u32 {
        u32::try_from(self.within(raw, 1..=3_650)).unwrap_or(u32::MAX)
    }
}

/// The place of a key that was not given.
fn missing(key: &str) -> At<()> {
    At { key: key.to_owned(), ..At::default() }
}
