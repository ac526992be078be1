//! A PostgreSQL of one's own for a test: made from the machine's programs in a folder of its own, on a free port of
//! loopback, run by an ordinary user, with `fsync` on. Nothing is shared between two of them but a template that is only
//! read. It is killed when it is dropped, and when the process that started it ends in any other way.
//!
//! A [`Pooler`] can stand in front of it.
//!
//! Knows nothing of Waypost, and is no pool of servers: whoever starts one pays for it (about half a second).

mod cluster;
mod pooler;
mod process;
mod programs;

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use self::cluster::User;
pub use self::pooler::{Pooler, pooler};
use self::process::Running;
use self::programs::Programs;

/// Names the folder of the server's programs. Where it is set, a test must not be skipped for want of them.
pub const REQUIRED: &str = "WAYPOST_TEST_POSTGRES";
/// The ordinary role that owns the database.
pub const ROLE: &str = "app";
/// The role that may do everything; for the test's own hands.
pub const SUPERUSER: &str = "postgres";
/// The password of both. The server listens on loopback alone.
pub const PASSWORD: &str = "private";
/// The database.
pub const DATABASE: &str = "app";

const STARTING_MAX: Duration = Duration::from_secs(60);

/// Why there is no server.
#[derive(Debug)]
pub struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

fn failed(what: impl fmt::Display, cause: impl fmt::Display) -> Failed {
    Failed(format!("failed to {what}: {cause}"))
}

/// A server. Dropping it kills it and removes its folder.
pub struct Server {
    programs: Programs,
    user: User,
    folder: TempDir,
    port: u16,
    running: Option<Running>,
}

/// A server for a test, or None where PostgreSQL's programs are missing and need not be there; says so then.
///
/// # Panics
///
/// Where it cannot be started, and where the programs are missing although `WAYPOST_TEST_POSTGRES` is set.
#[must_use]
#[expect(clippy::panic, clippy::print_stderr, reason = "a test may fail loudly, and must not be skipped silently")]
pub fn server() -> Option<Server> {
    match Programs::find() {
        Ok(_) => Some(Server::start().unwrap_or_else(|why| panic!("{why}"))),
        Err(why) if programs::required().is_some() => panic!("{why}"),
        Err(why) => {
            eprintln!("SKIPPED: {why}");
            None
        }
    }
}

impl Server {
    /// Makes and starts a server.
    ///
    /// # Errors
    ///
    /// The programs are missing, or the server does not start; with the end of its log.
    pub fn start() -> Result<Self, Failed> {
        Self::start_with(&[])
    }

    /// The same, with settings (`postgresql.conf`) from the start.
    ///
    /// # Errors
    ///
    /// As [`Server::start`].
    pub fn start_with(settings: &[(&str, &str)]) -> Result<Self, Failed> {
        let programs = Programs::find()?;
        let user = User::ordinary()?;
        let folder = cluster::folder(&user)?;
        cluster::copy_template(&programs, &user, &folder.path().join("data"))?;
        let mut server = Self { programs, user, folder, port: free_port()?, running: None };
        server.write(settings)?;
        server.restart()?;
        Ok(server)
    }

    /// A standby of this server under a name (for `synchronous_standby_names`), streaming from it.
    ///
    /// # Errors
    ///
    /// The copy fails, or the standby does not start.
    pub fn standby(&self, name: &str) -> Result<Self, Failed> {
        let folder = cluster::folder(&self.user)?;
        let from =
            format!("host=127.0.0.1 port={} user={SUPERUSER} password={PASSWORD} application_name={name}", self.port);
        let data = folder.path().join("data");
        let mut copy = self.user.command(&self.programs.path("pg_basebackup"));
        copy.args(["--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "-d", &from, "-D"]).arg(data);
        process::finish(copy, "copy the server for its standby")?;
        let (programs, user) = (self.programs.clone(), self.user.clone());
        let mut standby = Self { programs, user, folder, port: free_port()?, running: None };
        standby.restart()?;
        Ok(standby)
    }

    /// `postgres://…` of the database, as the ordinary role, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{}/{DATABASE}", self.port)
    }

    /// The port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server's folder, for files that its settings name. The server's user can read what is put there.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file that only the server's user can read into the folder, and gives its path.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn put(&self, name: &str, text: &str) -> Result<String, Failed> {
        let path = self.folder.path().join(name);
        self.user.write(&path, text)?;
        Ok(path.display().to_string())
    }

    /// Adds settings, and has a running server read them. Some need a restart.
    ///
    /// # Errors
    ///
    /// They cannot be written.
    pub fn set(&self, settings: &[(&str, &str)]) -> Result<(), Failed> {
        self.write(settings)?;
        if let Some(running) = &self.running {
            running.reload()?;
        }
        Ok(())
    }

    /// Runs SQL as the superuser, and gives what it prints: rows on lines, columns parted by `|`.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub fn sql(&self, text: &str) -> Result<String, Failed> {
        self.sql_in(DATABASE, text)
    }

    /// The same in another database.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub fn sql_in(&self, database: &str, text: &str) -> Result<String, Failed> {
        let mut psql = self.user.command(&self.programs.path("psql"));
        psql.env("PGPASSWORD", PASSWORD).args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", SUPERUSER]);
        psql.args(["-d", database, "-qtAX", "-v", "ON_ERROR_STOP=1", "-c", text]);
        Ok(process::finish(psql, "run SQL")?.trim_end().to_owned())
    }

    /// Makes another database for the ordinary role, and gives its `postgres://…`.
    ///
    /// # Errors
    ///
    /// The server refuses it.
    pub fn database(&self, name: &str) -> Result<String, Failed> {
        let _nothing = self.sql(&format!("CREATE DATABASE {name} OWNER {ROLE}"))?;
        Ok(format!("postgres://{ROLE}:{PASSWORD}@127.0.0.1:{}/{name}", self.port))
    }

    /// Kills every process of the server at once, as a crash of the machine's programs does (SIGKILL).
    pub fn kill(&mut self) {
        drop(self.running.take());
    }

    /// Stops the processes where they stand (SIGSTOP), connections and all.
    pub fn freeze(&self) {
        if let Some(running) = &self.running {
            running.freeze();
        }
    }

    /// Lets frozen processes go on.
    pub fn thaw(&self) {
        if let Some(running) = &self.running {
            running.thaw();
        }
    }

    /// Stops the server in an orderly way; its sessions are ended.
    ///
    /// # Errors
    ///
    /// It does not stop in time; it is killed then.
    pub fn stop(&mut self) -> Result<(), Failed> {
        self.running.take().map_or(Ok(()), |running| running.stop(STARTING_MAX))
    }

    /// Starts the server again on what it left, on its port, and waits until it takes sessions. Kills it first if it runs.
    ///
    /// # Errors
    ///
    /// It does not start; with the end of its log.
    pub fn restart(&mut self) -> Result<(), Failed> {
        self.kill();
        let data = self.folder.path().join("data");
        let log = self.folder.path().join("log");
        // What says that it is ready must not be left over from the server that was killed.
        drop(std::fs::remove_file(data.join("postmaster.pid")));
        let mut command = self.user.command(&self.programs.path("postgres"));
        command.arg("-D").arg(&data).args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        command.args(["-c", &format!("port={}", self.port)]);
        let running = Running::spawn(command, &self.user, &log)?;
        self.running = Some(running);
        self.wait_until_ready(&data, &log)
    }

    /// Makes a standby the server that takes writes.
    ///
    /// # Errors
    ///
    /// It is none, or does not end its recovery.
    pub fn promote(&self) -> Result<(), Failed> {
        let mut promote = self.user.command(&self.programs.path("pg_ctl"));
        promote.args(["promote", "--wait", "-D"]).arg(self.folder.path().join("data"));
        process::finish(promote, "promote the standby").map(drop)
    }

    fn wait_until_ready(&mut self, data: &Path, log: &Path) -> Result<(), Failed> {
        let deadline = Instant::now() + STARTING_MAX;
        let status = data.join("postmaster.pid");
        loop {
            // The eighth line says in which state it is; a standby that follows says so by the same word.
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            if text.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
                return Ok(());
            }
            let ended = self.running.as_mut().is_none_or(Running::has_ended);
            if ended || Instant::now() > deadline {
                let told = std::fs::read_to_string(log).unwrap_or_default();
                let end: Vec<_> = told.lines().rev().take(15).collect();
                let end: Vec<_> = end.into_iter().rev().collect();
                return Err(failed("start PostgreSQL", end.join("\n")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn write(&self, settings: &[(&str, &str)]) -> Result<(), Failed> {
        let quoted = |value: &str| value.replace('\'', "''");
        let lines: String = settings.iter().map(|(name, value)| format!("{name} = '{}'\n", quoted(value))).collect();
        self.user.append(&self.folder.path().join("data/postgresql.conf"), &lines)
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16, Failed> {
    let tell = |cause| failed("find a free port", cause);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(tell)?;
    Ok(listener.local_addr().map_err(tell)?.port())
}
