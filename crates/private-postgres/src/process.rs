//! The server's processes: one that forks the others.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::cluster::User;
use super::{Failed, failed};

/// Processes that were killed are waited for at most so long.
const ENDING_MAX: Duration = Duration::from_secs(10);

/// A server that runs. Dropping it kills all of its processes.
pub(crate) struct Running {
    child: Child,
    /// Kept open, it keeps the thread alive that started the server: the kernel ends the server with that thread, so
    /// that none outlives a test that was killed.
    _keeper: SyncSender<()>,
}

impl Running {
    /// Starts the server.
    pub(crate) fn spawn(command: Command, user: &User, log: &Path) -> Result<Self, Failed> {
        let out = File::options().create(true).append(true).open(log);
        let out = out.map_err(|cause| failed(format!("write {}", log.display()), cause))?;
        let err = out.try_clone().map_err(|cause| failed("share the log", cause))?;
        let mut command = bound(command, user);
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let (started, told) = sync_channel(1);
        let (keeper, end) = sync_channel::<()>(0);
        let thread = std::thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            if started.send(command.spawn()).is_ok() {
                // Ends when the sender is dropped.
                let _ = end.recv();
            }
        });
        let _detached = thread.map_err(|cause| failed("start a thread", cause))?;
        let child = told.recv().map_err(|cause| failed("start postgres", cause))?;
        Ok(Self { child: child.map_err(|cause| failed("start postgres", cause))?, _keeper: keeper })
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Has it read its settings again.
    pub(crate) fn reload(&self) -> Result<(), Failed> {
        let pid = self.pid().ok_or_else(|| Failed("the server has no process".to_owned()))?;
        kill_process(pid, Signal::HUP).map_err(|cause| failed("reload the settings", cause))
    }

    /// Stops it in an orderly way.
    pub(crate) fn stop(mut self, limit: Duration) -> Result<(), Failed> {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::INT);
        }
        let deadline = Instant::now() + limit;
        while !self.has_ended() {
            if Instant::now() > deadline {
                return Err(Failed("PostgreSQL did not stop in time".to_owned()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Stops all processes where they stand.
    pub(crate) fn freeze(&self) {
        self.signal_all(Signal::STOP);
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) {
        self.signal_all(Signal::CONT);
    }

    /// The first one first: while it stands, it forks no more.
    fn signal_all(&self, signal: Signal) {
        let Some(first) = self.pid() else { return };
        let _ = kill_process(first, signal);
        for pid in children(self.child.id()) {
            let _ = kill_process(pid, signal);
        }
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut killed = Vec::new();
        if !self.has_ended() {
            self.freeze();
            killed = children(self.child.id());
            for pid in &killed {
                let _ = kill_process(*pid, Signal::KILL);
            }
        }
        drop(self.child.kill());
        drop(self.child.wait());
        // One that waits for the disk ends later, and a server that starts again before then is refused the shared memory.
        let deadline = Instant::now() + ENDING_MAX;
        while killed.iter().any(|pid| is_there(*pid)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Whether a process holds anything still: one that has ended and that nobody waited for does not.
fn is_there(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    state.is_some_and(|state| !matches!(state, "Z" | "X"))
}

/// The processes that a process started and that are there. Without /proc they end by themselves, when they miss theirs.
fn children(of: u32) -> Vec<Pid> {
    let text = std::fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok().and_then(Pid::from_raw)).collect()
}

/// Ends a command with the thread that starts it, where util-linux is there to arrange it.
fn bound(command: Command, user: &User) -> Command {
    let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].into_iter().map(Path::new).find(|path| path.is_file());
    let Some(setpriv) = setpriv else { return command };
    let mut bound = user.command(setpriv);
    bound.args(["--pdeathsig", "QUIT"]).arg(command.get_program()).args(command.get_args());
    bound
}

/// Runs a command to its end, and gives what it printed.
pub(crate) fn finish(mut command: Command, what: &str) -> Result<String, Failed> {
    let output = command.output().map_err(|cause| failed(what, cause))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(failed(what, told.trim_end()))
}
