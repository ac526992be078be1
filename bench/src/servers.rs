//! The servers, started and ended by the benchmark itself, on core 0 where `taskset` is there, unless a case wants all cores.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::yardsticks::Yardstick;

pub(crate) const SECRET: &str = "bench";

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    pub(crate) at: SocketAddr,
    pub(crate) path: &'static str,
    pub(crate) secret: &'static str,
    /// Where Waypost tells of itself; nothing is there for the others.
    pub(crate) admin: SocketAddr,
}

/// Where a server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// On core 0; the generator is on another.
    Zero,
    /// Wherever the system puts it, beside the generator.
    All,
}

impl Server {
    /// The release binary of Waypost, with a store in this folder and no endpoint.
    pub(crate) fn waypost(folder: &Path, log: &str) -> Outcome<Self> {
        let (mut command, receive, admin) = serve(folder, Cores::Zero)?;
        command.env("WAYPOST_DEVELOPMENT", "true").env("WAYPOST_APP_NAME", "main").env("WAYPOST_LOG", log);
        command.env("WAYPOST_APP_SECRET", SECRET).env("WAYPOST_VERIFY_TOKEN", "bench");
        Self::start(command, receive, admin, "/webhooks/main")
    }

    /// The same with the configuration that lies in the folder.
    pub(crate) fn waypost_with(folder: &Path) -> Outcome<Self> {
        Self::waypost_on(folder, Cores::Zero)
    }

    /// The same on these cores.
    pub(crate) fn waypost_on(folder: &Path, cores: Cores) -> Outcome<Self> {
        let (command, receive, admin) = serve(folder, cores)?;
        Self::start(command, receive, admin, "/webhooks/main")
    }

    /// A receiver by hand, with its store in this folder.
    pub(crate) fn by_hand(yardstick: &Yardstick, folder: &Path) -> Outcome<Self> {
        let port = free_port()?;
        let mut command = on(Cores::Zero, &yardstick.program.to_string_lossy());
        command.arg(&yardstick.script).args([&port.to_string(), SECRET]).arg(folder.join("events.db"));
        command.env("NODE_ENV", "production");
        Self::start(command, port, port, "/webhook")
    }

    /// Ends it at once; what it had answered 200 is on disk.
    pub(crate) fn stop(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The bare server, which is this program again.
    pub(crate) fn bare(cores: Cores) -> Outcome<Self> {
        let port = free_port()?;
        let mut command = on(cores, &std::env::current_exe()?.to_string_lossy());
        let threads = if cores == Cores::Zero { "1" } else { "0" };
        command.args(["--yardstick", &port.to_string(), threads]);
        Self::start(command, port, port, "/")
    }

    fn start(mut command: Command, port: u16, admin: u16, path: &'static str) -> Outcome<Self> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let admin = SocketAddr::from((Ipv4Addr::LOCALHOST, admin));
        let server = Self { child, at, path, secret: SECRET, admin };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(at).is_err() {
            if Instant::now() > deadline {
                return Err(format!("{command:?} did not start").into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(server)
    }

    /// User and system time so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> u64 {
        cpu_us_of(self.child.id())
    }

    /// Memory that is resident now, and the most that was, in MiB.
    pub(crate) fn memory_mib(&self) -> (f64, f64) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let kib = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u32>().ok()).map_or(0.0, f64::from)
        };
        (kib("VmRSS:") / 1_024.0, kib("VmHWM:") / 1_024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// User and system time of a process so far, in microseconds.
pub(crate) fn cpu_us_of(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces; user and system time are the 12th and 13th word after it.
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok());
    ticks.sum::<u64>() * 10_000
}

/// Builds the release binary of Waypost.
pub(crate) fn build() -> Outcome<()> {
    let built = Command::new("cargo").args(["build", "--release", "--locked", "--package", "waypost"]).status()?;
    if built.success() { Ok(()) } else { Err("cargo build failed".into()) }
}

fn serve(folder: &Path, cores: Cores) -> Outcome<(Command, u16, u16)> {
    let binary = std::env::current_exe()?.with_file_name("waypost");
    let (receive, admin) = (free_port()?, free_port()?);
    let mut command = on(cores, &binary.to_string_lossy());
    command.arg("serve").current_dir(folder);
    command.env("WAYPOST_RECEIVE_LISTEN", format!("127.0.0.1:{receive}"));
    command.env("WAYPOST_ADMIN_LISTEN", format!("127.0.0.1:{admin}"));
    Ok((command, receive, admin))
}

/// This program again, on core 0.
pub(crate) fn this_on_core_0(arguments: &[&str]) -> Outcome<Child> {
    let mut command = on(Cores::Zero, &std::env::current_exe()?.to_string_lossy());
    Ok(command.args(arguments).spawn()?)
}

/// Moves this process to a core, where `taskset` is there.
pub(crate) fn move_to_core(core: &str) {
    let id = std::process::id().to_string();
    drop(Command::new("taskset").args(["-a", "-c", "-p", core, &id]).stdout(Stdio::null()).status());
}

fn on(cores: Cores, program: &str) -> Command {
    let has_taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    if cores == Cores::All {
        // The benchmark itself is on one core, which its children would share.
        let mut command = Command::new(if has_taskset { "taskset" } else { program });
        if has_taskset {
            command.args(["-c", "0-1023", program]);
        }
        return command;
    }
    if !has_taskset {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["-c", "0", program]);
    command
}

fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
