//! PgBouncer in front of a server, in transaction mode: a session of the server belongs to a client for one transaction.

use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::process::Running;
use super::{DATABASE, Failed, PASSWORD, ROLE, STARTING_MAX, Server, failed, free_port, programs};

const MISSING: &str = "this test starts a PgBouncer of its own and found none: install Debian's package pgbouncer";

/// A pooler. Dropping it kills it, and cuts its connections.
pub struct Pooler {
    port: u16,
    _running: Running,
}

/// A pooler for a test, or None where PgBouncer is missing and need not be there; says so then.
///
/// # Panics
///
/// Where it cannot be started, and where it is missing although `WAYPOST_TEST_POSTGRES` is set.
#[must_use]
#[expect(clippy::panic, clippy::print_stderr, reason = "a test may fail loudly, and must not be skipped silently")]
pub fn pooler(server: &Server, sessions: u32) -> Option<Pooler> {
    let Some(program) = program() else {
        assert!(programs::required().is_none(), "{MISSING}");
        eprintln!("SKIPPED: {MISSING}");
        return None;
    };
    Some(Pooler::start(program, server, sessions).unwrap_or_else(|why| panic!("{why}")))
}

impl Pooler {
    fn start(program: PathBuf, server: &Server, sessions: u32) -> Result<Self, Failed> {
        let port = free_port()?;
        // Whoever comes is the ordinary role: it listens on loopback alone.
        let settings = format!(
            "[databases]\n{DATABASE} = host=127.0.0.1 port={} dbname={DATABASE} user={ROLE} password={PASSWORD}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\ndefault_pool_size = {sessions}\nmax_client_conn = 200\n",
            server.port()
        );
        let settings = server.put("pgbouncer.ini", &settings)?;
        let mut command = server.user.command(&program);
        command.arg(settings);
        let log = server.folder().join("pgbouncer.log");
        let mut running = Running::spawn(command, &server.user, &log)?;
        let deadline = Instant::now() + STARTING_MAX;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if running.has_ended() || Instant::now() > deadline {
                let told = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(failed("start PgBouncer", told.trim_end()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { port, _running: running })
    }

    /// `postgres://…` of the server's database, through the pooler.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{}/{DATABASE}", self.port)
    }
}

fn program() -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
    folders.iter().map(|folder| PathBuf::from(folder).join("pgbouncer")).find(|path| path.is_file())
}
