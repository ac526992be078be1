//! Receivers that are somebody else's, as processes of their own.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::{until, until_true, wire};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/consumers");

/// Where a consumer's packages are. None, with a note, where they were not installed; on the build server that is a
/// failure.
#[expect(clippy::disallowed_methods, reason = "where the consumers are is for the environment to say")]
fn installed(variable: &str) -> Option<OsString> {
    let found = std::env::var_os(variable);
    if found.is_none() {
        let need = format!("{variable} must name what `cargo xtask consumers` installs under target/");
        assert!(std::env::var_os("CI").is_none(), "{need}");
        eprintln!("not tested: {need}");
    }
    found
}

/// A receiver that is somebody else's.
pub(crate) struct Consumer {
    child: Child,
    pub(crate) at: SocketAddr,
    told: Arc<Mutex<Vec<String>>>,
}

impl Consumer {
    pub(crate) fn python(script: &str, arguments: &[&str]) -> Option<Self> {
        let mut command = Command::new(installed("WAYPOST_TEST_PYTHON")?);
        command.arg(format!("{SCRIPTS}/{script}")).args(arguments);
        Some(Self::start(command))
    }

    pub(crate) fn node(script: &str, arguments: &[&str]) -> Option<Self> {
        let folder = installed("WAYPOST_TEST_NODE")?;
        let mut command = Command::new("node");
        command.arg(format!("{SCRIPTS}/{script}")).arg(folder).args(arguments);
        Some(Self::start(command))
    }

    /// An example of the documentation, which takes its port and its secrets from the environment.
    pub(crate) fn example(mut command: Command, secret: &str, verify_token: &str) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = free.local_addr().unwrap();
        drop(free);
        command.env("PORT", at.port().to_string()).env("APP_SECRET", secret).env("VERIFY_TOKEN", verify_token);
        Self::listening(command, Some(at))
    }

    /// The Python that has the packages.
    pub(crate) fn python_command() -> Option<Command> {
        Some(Command::new(installed("WAYPOST_TEST_PYTHON")?))
    }

    /// Node, with the packages to be found by `require`.
    pub(crate) fn node_command() -> Option<Command> {
        let folder = installed("WAYPOST_TEST_NODE")?;
        let mut command = Command::new("node");
        command.env("NODE_PATH", Path::new(&folder).join("node_modules"));
        Some(command)
    }

    fn start(command: Command) -> Self {
        Self::listening(command, None)
    }

    /// Where it listens: as it says in its first line, unless that is known.
    fn listening(mut command: Command, known: Option<SocketAddr>) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let at = known.unwrap_or_else(|| {
            let port = lines.next().unwrap().unwrap();
            SocketAddr::from((Ipv4Addr::LOCALHOST, port.trim().parse().unwrap()))
        });
        let told = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&told);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| noted.lock().unwrap().push(line)));
        until_true("the consumer to listen", || TcpStream::connect(at).is_ok());
        Self { child, at, told }
    }

    /// What it answers to a delivery.
    pub(crate) fn judges(&self, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        self.judges_at("/", headers, body)
    }

    /// The same at another path than the first.
    pub(crate) fn judges_at(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        wire::exchange(self.at, &wire::request("POST", path, headers, body)).unwrap().status
    }

    /// What it told, once it told so many lines.
    #[track_caller]
    pub(crate) fn lines(&self, count: usize) -> Vec<String> {
        until(&format!("{count} lines"), || Some(self.told.lock().unwrap().clone()).filter(|told| told.len() >= count))
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
