//! How a database is reached: the address as typed, read strictly.

use std::time::Duration;

use thiserror::Error;
use tokio_postgres::config::{Config, Host, LoadBalanceHosts, SslMode as Offer, TargetSessionAttrs};

use super::tls::Trust;

/// Sessions that one node holds at most, unless the address says otherwise.
const SESSIONS_MAX: usize = 12;
/// What `sessions_max` may be.
const SESSIONS_RANGE: std::ops::RangeInclusive<usize> = 4..=200;

/// What is wrong with an address. It quotes names of parameters, never a value: one of them may be a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct BadAddress(String);

/// Options of a PostgreSQL store.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(super) config: Config,
    pub(super) trust: Trust,
    pub(super) root_certificates: Option<String>,
    root_certificates_at: Option<String>,
    pub(super) sessions_max: usize,
    pub(super) prepared_statements: bool,
    /// How long a call waits for a session.
    pub(super) session_wait: Duration,
}

impl PostgresOptions {
    /// Reads `postgres://user@host:5432/database?sslmode=verify-full&…`. Several hosts, parted by commas, are tried until
    /// one is found that takes writes.
    ///
    /// | parameter | means |
    /// | --- | --- |
    /// | `sslmode` | `disable`, `prefer`, `require` (encrypted, to whoever answers) or `verify-full`, which is the default except on this machine |
    /// | `sslrootcert` | a file with the authorities (PEM) that may have signed the server's certificate, instead of the public ones |
    /// | `sessions_max` | sessions of one node at most, 4 to 200 |
    /// | `prepared_statements` | `on`: statements are prepared once for each session. Only for a direct connection, or a pooler that keeps track of them |
    /// | `application_name`, `connect_timeout` | as libpq has them |
    ///
    /// # Errors
    ///
    /// Says what is wrong, in a sentence without a value of the address.
    pub fn parse(address: &str) -> Result<Self, BadAddress> {
        if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
            return Err(bad("expected an address like `postgres://waypost@db.internal:5432/waypost`"));
        }
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        let mut config: Config =
            base.parse().map_err(|_| bad("expected `postgres://user@host:5432/database`; a `%`, `/`, `?`, `#` or `@` in a name or password is written as %25, %2F, %3F, %23 or %40"))?;
        if config.get_hosts().is_empty() {
            return Err(bad("the address names no host"));
        }
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(bad("the address names no database: expected `postgres://user@host:5432/database`"));
        }
        if config.get_user().is_none_or(str::is_empty) {
            return Err(bad("the address names no user: expected `postgres://user@host:5432/database`"));
        }
        config
            .application_name("waypost")
            .connect_timeout(Duration::from_secs(3))
            .tcp_user_timeout(Duration::from_secs(10))
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(3))
            .keepalives_retries(3)
            .load_balance_hosts(LoadBalanceHosts::Disable)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        let trust = if is_here(&config) { Trust::Offered } else { Trust::Verified };
        let mut options = Self {
            config,
            trust,
            root_certificates: None,
            root_certificates_at: None,
            sessions_max: SESSIONS_MAX,
            prepared_statements: false,
            session_wait: Duration::from_secs(2),
        };
        for (name, value) in query.split('&').filter(|part| !part.is_empty()).map(parted) {
            options.take(name, &unescaped(value).ok_or_else(|| bad(format!("`{name}` has a broken %-escape")))?)?;
        }
        options.config.ssl_mode(match options.trust {
            Trust::Plain => Offer::Disable,
            Trust::Offered => Offer::Prefer,
            Trust::Anyone | Trust::Verified => Offer::Require,
        });
        Ok(options)
    }

    /// With this password, where the address has none of its own.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// Whether a password is known.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The file that `sslrootcert` names. The caller reads it, and gives it to [`Self::with_root_certificates`].
    #[must_use]
    pub fn root_certificates_at(&self) -> Option<&str> {
        self.root_certificates_at.as_deref()
    }

    /// With these authorities (PEM) instead of the public ones.
    #[must_use]
    pub fn with_root_certificates(mut self, pem: String) -> Self {
        self.root_certificates = Some(pem);
        self
    }

    /// Where the database is: hosts, ports and its name; no user and no password.
    #[must_use]
    pub fn server(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            #[cfg(unix)]
            Host::Unix(path) => path.display().to_string(),
        });
        let ports = self.config.get_ports();
        let port = |n: usize| ports.get(n).or(ports.first()).copied().unwrap_or(5432);
        let shown: Vec<_> = hosts.enumerate().map(|(n, host)| format!("{host}:{}", port(n))).collect();
        format!("{}/{}", shown.join(","), self.config.get_dbname().unwrap_or_default())
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), BadAddress> {
        match name {
            "sslmode" => self.trust = Trust::parse(value).ok_or_else(|| bad(SSL_MODES))?,
            "sslrootcert" => self.root_certificates_at = Some(value.to_owned()),
            "sessions_max" => {
                let count = value.parse().ok().filter(|count| SESSIONS_RANGE.contains(count));
                self.sessions_max = count.ok_or_else(|| bad("`sessions_max` is a number from 4 to 200"))?;
            }
            "prepared_statements" => {
                self.prepared_statements = match value {
                    "on" => true,
                    "off" => false,
                    _ => return Err(bad("`prepared_statements` is `on` or `off`")),
                };
            }
            "application_name" => drop(self.config.application_name(value)),
            "connect_timeout" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=60).contains(seconds));
                let seconds = seconds.ok_or_else(|| bad("`connect_timeout` is a number of seconds from 1 to 60"))?;
                let _config = self.config.connect_timeout(Duration::from_secs(seconds));
            }
            _ => {
                return Err(bad(format!(
                    "the address has a parameter `{name}` that Waypost does not know; it knows sslmode, sslrootcert, sessions_max, prepared_statements, application_name and connect_timeout"
                )));
            }
        }
        Ok(())
    }
}

const SSL_MODES: &str = "`sslmode` is `disable`, `prefer`, `require` or `verify-full`; instead of `verify-ca`, use `verify-full`, which also checks the name";

/// Says where it leads, and nothing that opens it.
impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("server", &self.server())
            .field("trust", &self.trust)
            .field("sessions_max", &self.sessions_max)
            .finish_non_exhaustive()
    }
}

fn bad(why: impl Into<String>) -> BadAddress {
    BadAddress(why.into())
}

fn parted(parameter: &str) -> (&str, &str) {
    parameter.split_once('=').unwrap_or((parameter, ""))
}

/// Whether every host is this machine: there is no network between to listen on.
fn is_here(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
        #[cfg(unix)]
        Host::Unix(_) => true,
    })
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may fail loudly")]

    use super::*;

    #[test]
    fn an_address_says_where_and_how() {
        let options = PostgresOptions::parse(
            "postgres://waypost:s%40cret@db1.internal:5433,db2.internal:5434/way?sslmode=require&sessions_max=30&sslrootcert=%2Fetc%2Fca.pem",
        )
        .unwrap();
        assert_eq!(options.server(), "db1.internal:5433,db2.internal:5434/way");
        assert_eq!((options.trust, options.sessions_max), (Trust::Anyone, 30));
        assert_eq!(options.root_certificates_at(), Some("/etc/ca.pem"));
        assert_eq!(options.config.get_password(), Some("s@cret".as_bytes()));
        assert!(!options.prepared_statements);
    }

    #[test]
    fn a_database_elsewhere_must_prove_who_it_is_unless_the_address_says_otherwise() {
        let trust = |address: &str| PostgresOptions::parse(address).unwrap().trust;
        assert_eq!(trust("postgres://w@db.internal/w"), Trust::Verified);
        assert_eq!(trust("postgres://w@localhost,db.internal/w"), Trust::Verified);
        assert_eq!(trust("postgres://w@127.0.0.1/w"), Trust::Offered);
        assert_eq!(trust("postgres://w@db.internal/w?sslmode=disable"), Trust::Plain);
    }

    #[test]
    fn nothing_that_opens_it_is_ever_shown() {
        let options = PostgresOptions::parse("postgres://w:hunter2@db.internal/w").unwrap();
        assert!(!format!("{options:?} {}", options.server()).contains("hunter2"));
        for broken in [
            "mysql://w:hunter2@h/w",
            "postgres://w:hunter2@h:port/w",
            "postgres://w:hunter2@h",
            "postgres://w:hunter2@/w",
            "postgres://w@h/w?password=hunter2",
            "postgres://w@h/w?sslmode=hunter2",
            "postgres://w@h/w?sessions_max=hunter2",
            "postgres://w@h/w?application_name=%zhunter2",
        ] {
            let told = PostgresOptions::parse(broken).unwrap_err().to_string();
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
