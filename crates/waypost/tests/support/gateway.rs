//! The gateway as a process of its own: started, killed, told to stop, started again.
//!
//! A gateway that ends without having panicked or logged an error is part of every test.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use super::api::Api;
use super::meta;
use super::wire::{self, Reply};
use super::{until, until_true};

/// The app secret of the app `main` in [`Home::production`].
pub(crate) const SECRET: &str = "app-secret-of-main";
/// Its verify token.
pub(crate) const VERIFY_TOKEN: &str = "verify-token-of-main";

/// A folder with a configuration in which gateways live one after the other.
pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
}

impl Home {
    /// A folder without a configuration: development mode.
    pub(crate) fn bare() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with this configuration.
    pub(crate) fn with(config: &str) -> Self {
        let home = Self::bare();
        home.write("waypost.toml", config);
        home
    }

    /// A production configuration that may deliver to loopback, with one app, and this besides.
    pub(crate) fn production(more: &str) -> Self {
        Self::limited("", more)
    }

    /// The same with settings of the first level, for instance `receive.body_bytes_max = 2_000`.
    pub(crate) fn limited(first: &str, more: &str) -> Self {
        Self::with(&format!(
            "{}\n{first}\n[[apps]]\nname = 'main'\nverify_token = '{VERIFY_TOKEN}'\nsecrets = ['{SECRET}']\n\
             [outbound]\nallow_networks = ['127.0.0.0/8']\n{more}",
            basics()
        ))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("waypost-data")
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    /// The program in this folder, with nothing of ours in its environment but free ports.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waypost"));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("WAYPOST_") {
                command.env_remove(name);
            }
        }
        command
    }

    /// Starts `waypost serve` and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(&self) -> Gateway {
        self.start_with(&[])
    }

    /// The same with more arguments.
    #[track_caller]
    pub(crate) fn start_with(&self, arguments: &[&str]) -> Gateway {
        let mut command = self.command(&["serve"]);
        command.args(arguments);
        if !self.path().join("waypost.toml").exists() {
            command.env("WAYPOST_RECEIVE_LISTEN", "127.0.0.1:0").env("WAYPOST_ADMIN_LISTEN", "127.0.0.1:0");
        }
        Gateway::spawn(command, &self.store())
    }
}

/// The part of a production configuration that every test needs.
pub(crate) fn basics() -> String {
    // Base64 of 32 bytes.
    "secrets_key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='\n\
     receive.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'"
        .to_owned()
}

/// All that a process prints, as it prints it.
#[derive(Clone, Default)]
pub(crate) struct Printed(Arc<Mutex<String>>);

impl Printed {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn read(stream: impl std::io::Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let printed = Self::default();
        let kept = printed.clone();
        let reading = std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                kept.0.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        (printed, reading)
    }
}

/// A gateway that runs.
pub(crate) struct Gateway {
    child: Child,
    /// Where Meta reaches it.
    pub(crate) receive: SocketAddr,
    /// Its API with the local token.
    pub(crate) api: Api,
    /// What it prints on standard error, and on standard output.
    pub(crate) told: Printed,
    pub(crate) printed: Printed,
    readers: Vec<JoinHandle<()>>,
    /// Set where a test provokes errors in the log.
    pub(crate) errors_expected: bool,
}

impl Gateway {
    #[track_caller]
    fn spawn(mut command: Command, store: &Path) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (told, telling) = Printed::read(child.stderr.take().unwrap());
        let (printed, printing) = Printed::read(child.stdout.take().unwrap());
        let banner = until("the banner", || {
            let text = told.text();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the gateway ended with {status}: {text}");
            }
            text.contains("\n  store ").then_some(text)
        });
        let receive = address(&banner, "  callback (");
        let admin = address(&banner, "  API, metrics ");
        let local: Value = serde_json::from_slice(&std::fs::read(store.join("local.json")).unwrap()).unwrap();
        assert_eq!(local["admin_url"], format!("http://{admin}"));
        let api = Api { at: admin, key: local["token"].as_str().map(str::to_owned) };
        let ready = wire::request("GET", "/readyz", &[], b"");
        until_true("readiness", || wire::exchange(admin, &ready).is_ok_and(|reply| reply.status == 200));
        Self { child, receive, api, told, printed, readers: vec![telling, printing], errors_expected: false }
    }

    /// Sends a body to the app `main` as Meta does.
    #[track_caller]
    pub(crate) fn send(&self, body: &[u8]) -> Reply {
        meta::send(self.receive, "/webhooks/main", SECRET, body)
    }

    /// The same for a body that must be taken.
    #[track_caller]
    pub(crate) fn take(&self, body: &[u8]) {
        let reply = self.send(body);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(mut self) {
        self.end_now();
        self.audit();
    }

    /// SIGTERM, and the process as it goes on.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGTERM, and how it ended.
    #[track_caller]
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.terminate();
        let status = self.wait();
        self.audit();
        status
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = until("the end of the gateway", || self.child.try_wait().unwrap());
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        status
    }

    fn end_now(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        self.child.wait().unwrap();
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
    }

    /// Nothing in it panicked, and what it called an error was meant to happen.
    #[track_caller]
    fn audit(&self) {
        let told = self.told.text();
        assert!(!told.contains("panicked at"), "{told}");
        let error = told.lines().find(|line| line.contains(r#""level":"ERROR""#));
        assert!(self.errors_expected || error.is_none(), "{error:?}");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end_now();
        if std::thread::panicking() {
            eprintln!("── the gateway told:\n{}", self.told.text());
        } else {
            self.audit();
        }
    }
}

/// The address in the first line of the banner that begins like this.
fn address(banner: &str, line: &str) -> SocketAddr {
    let line = banner.lines().find(|known| known.starts_with(line)).unwrap();
    let (_, url) = line.split_once("http://").unwrap();
    url.split('/').next().unwrap().parse().unwrap()
}

/// Runs a program that must end by itself, and what it told.
#[track_caller]
pub(crate) fn run_to_the_end(mut command: Command) -> (Option<i32>, String) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stream = child.stderr.take().unwrap();
    let reading = std::thread::spawn(move || {
        let mut told = String::new();
        stream.read_to_string(&mut told).map(|_| told)
    });
    let deadline = std::time::Instant::now() + super::PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if std::time::Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it still runs; told: {:?}", reading.join().unwrap());
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    };
    (status.code(), reading.join().unwrap().unwrap())
}
