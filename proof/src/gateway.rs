//! The gateway: the release binary as a process of its own, started, killed, told to stop, and asked by its API.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Outcome;
use crate::args::Args;
use crate::volume::Volume;

/// The app secret with which everything is signed.
pub(crate) const SECRET: &str = "app-secret-of-the-proof";
/// Where webhooks go.
pub(crate) const PATH: &str = "/webhooks/main";
/// The store's folder within a gateway's.
const STORE: &str = "waypost-data";
/// The longest that anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a run's gateways have besides the usual.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    /// Built with `failpoints`: its disk and its end can be steered by orders.
    pub(crate) failpoints: bool,
    /// Further lines of the configuration, with their keys in full.
    pub(crate) config: &'static str,
    /// Bytes of a volume of its own for the store, in memory.
    pub(crate) volume_bytes: Option<u64>,
}

/// A folder with a configuration, in which gateways run one after the other on the same ports.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    binary: PathBuf,
    pub(crate) receive: SocketAddr,
    admin: SocketAddr,
    volume: Option<Volume>,
}

/// A gateway that runs.
#[derive(Debug)]
pub(crate) struct Gateway {
    child: Child,
    admin: SocketAddr,
    token: String,
}

impl Home {
    /// A new one. Builds the program where none is named.
    pub(crate) fn make(args: &Args, setup: &Setup) -> Outcome<Self> {
        let folder = args.folder();
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        let binary = match &args.waypost {
            Some(path) => path.canonicalize()?,
            None => build(setup.failpoints)?,
        };
        let mut home = Self::in_folder(folder, binary, "", setup.config)?;
        home.volume = setup.volume_bytes.map(|bytes| Volume::mount(&home.folder.join(STORE), bytes)).transpose()?;
        Ok(home)
    }

    /// The place of one of several gateways that share a database, below this one.
    pub(crate) fn node(&self, number: usize, store: &str) -> Outcome<Self> {
        let folder = self.folder.join(format!("node-{number}"));
        fs::create_dir_all(&folder)?;
        Self::in_folder(folder, self.binary.clone(), &format!("store = '{store}'\n"), "")
    }

    /// With these lines in front of the configuration, and further ones before its tables.
    fn in_folder(folder: PathBuf, binary: PathBuf, first: &str, more: &str) -> Outcome<Self> {
        let (receive, admin) = (free_address()?, free_address()?);
        // Base64 of 32 bytes.
        let config = format!(
            "{first}secrets_key = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='\nreceive.listen = '{receive}'\n\
             admin.listen = '{admin}'\n{more}[[apps]]\nname = 'main'\nverify_token = 'proof'\nsecrets = ['{SECRET}']\n\
             [outbound]\nallow_networks = ['127.0.0.0/8']\nallow_hosts = ['no-such-name.invalid']\n\
             [logs]\nformat = 'json'\nlevel = 'warn'\n"
        );
        fs::write(folder.join("waypost.toml"), config)?;
        Ok(Self { folder, binary, receive, admin, volume: None })
    }

    /// Gives orders to the gateway, which must be one with `failpoints`, and waits until they are in force.
    pub(crate) fn order(&self, orders: &str) -> Outcome<()> {
        fs::write(self.orders(), orders)?;
        let taken = self.folder.join("orders.taken");
        let deadline = Instant::now() + PATIENCE;
        while fs::read_to_string(&taken).unwrap_or_default() != orders {
            if Instant::now() > deadline {
                return Err("the orders were not taken".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Gives orders that the next gateway takes when it starts.
    pub(crate) fn order_later(&self, orders: &str) -> Outcome<()> {
        Ok(fs::write(self.orders(), orders)?)
    }

    fn orders(&self) -> PathBuf {
        self.folder.join("orders")
    }

    /// The store's folder, as this process sees it.
    pub(crate) fn store(&self) -> PathBuf {
        let store = self.folder.join(STORE);
        self.volume.as_ref().map_or_else(|| store.clone(), |volume| volume.seen(&store))
    }

    fn command(&self) -> Command {
        let Some(volume) = &self.volume else {
            let mut command = Command::new(&self.binary);
            command.arg("serve").current_dir(&self.folder);
            return command;
        };
        volume.inside(&format!("cd '{}' && exec '{}' serve", self.folder.display(), self.binary.display()))
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a gateway, and waits until it is ready.
    pub(crate) fn start(&self) -> Outcome<Gateway> {
        let log = fs::File::options().create(true).append(true).open(self.folder.join("gateway.log"))?;
        let mut command = self.command();
        command.env("FAILPOINTS", self.orders()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn()?;
        let mut gateway = Gateway { child, admin: self.admin, token: String::new() };
        let deadline = Instant::now() + PATIENCE;
        while !gateway.call("GET", "/readyz", None).is_ok_and(|(status, _)| status == 200) {
            if Instant::now() > deadline || gateway.child.try_wait()?.is_some() {
                return Err("the gateway did not start: see gateway.log".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let local: Value = serde_json::from_slice(&fs::read(self.store().join("local.json"))?)?;
        gateway.token = local.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(gateway)
    }
}

impl Gateway {
    /// Whether it says that it can take notifications.
    pub(crate) fn is_ready(&self) -> bool {
        self.call("GET", "/readyz", None).is_ok_and(|(status, _)| status == 200)
    }

    /// Waits for its end, which an order brings. False: it did not come in time.
    pub(crate) fn ends_within(&mut self, patience: Duration) -> Outcome<bool> {
        let deadline = Instant::now() + patience;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(true)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// A signal, by its name.
    pub(crate) fn signal(&self, name: &str) -> Outcome<()> {
        Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status()?;
        Ok(())
    }

    /// SIGTERM, and waits for its end.
    pub(crate) fn stop(&mut self) -> Outcome<()> {
        self.signal("TERM")?;
        let deadline = Instant::now() + 2 * PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                return Err("the gateway did not stop".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Memory that is resident, in KiB.
    pub(crate) fn rss_kib(&self) -> u64 {
        self.of_status("VmRSS:")
    }

    /// The most that it was.
    pub(crate) fn rss_peak_kib(&self) -> u64 {
        self.of_status("VmHWM:")
    }

    fn of_status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
    }

    /// Descriptors that it holds.
    pub(crate) fn handles(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).map_or(0, Iterator::count)
    }

    /// Processor time that it has used.
    pub(crate) fn cpu(&self) -> Duration {
        // In ticks of 10 ms: the 14th and 15th field, counted from behind the name.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
        let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    /// What is at a path of the API.
    pub(crate) fn get(&self, path: &str) -> Outcome<Value> {
        self.ask("GET", path, None)
    }

    /// A call that must succeed.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<Value> {
        let (status, text) = self.call(method, path, body)?;
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path}: {status} {text}").into());
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// One of the status page's totals.
    pub(crate) fn total(&self, name: &str) -> Outcome<u64> {
        let status = self.get("/api/v1/status")?;
        let total = status.pointer(&format!("/totals/{name}")).and_then(Value::as_u64);
        total.ok_or_else(|| format!("no total {name}").into())
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<(u16, String)> {
        self.call_as(&self.token, method, path, body)
    }

    /// A call with another key.
    pub(crate) fn call_as(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> Outcome<(u16, String)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect_timeout(&self.admin, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: proof\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.get(9..12).and_then(|code| code.parse().ok()).ok_or("no answer from the API")?;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
        Ok((status, body.to_owned()))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Builds the program as this one was built, and gives the path of a copy that no later build overwrites.
fn build(failpoints: bool) -> Outcome<PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["build", "--locked", "--package", "waypost"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    if failpoints {
        command.args(["--features", "failpoints"]);
    }
    if !command.status()?.success() {
        return Err("cargo build failed".into());
    }
    let built = std::env::current_exe()?.with_file_name("waypost");
    let copy = built.with_file_name(if failpoints { "waypost-of-failpoints" } else { "waypost-of-proofs" });
    // One that runs cannot be written to, and a link to it can be put in its place.
    drop(fs::remove_file(&copy));
    fs::copy(&built, &copy)?;
    Ok(copy)
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
