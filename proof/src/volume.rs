//! A volume of its own for a store: a filesystem in memory, in a namespace that needs no rights, so that it can really
//! fill up.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Outcome;

/// The volume, as long as this lives.
pub(crate) struct Volume {
    holder: Child,
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Volume({})", self.holder.id())
    }
}

impl Volume {
    /// Mounts it at this folder, for those alone that are started inside.
    pub(crate) fn mount(at: &Path, bytes: u64) -> Outcome<Self> {
        std::fs::create_dir_all(at)?;
        let script = format!(
            "mount -t tmpfs -o size={bytes},mode=700 tmpfs '{}' && echo mounted && exec sleep 86400",
            at.display()
        );
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "--", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|cause| format!("unshare: {cause}"))?;
        let mut line = String::new();
        if let Some(out) = holder.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let volume = Self { holder };
        if line.trim() == "mounted" { Ok(volume) } else { Err("no volume could be mounted in a namespace".into()) }
    }

    /// A path inside, as a process outside reaches it.
    pub(crate) fn seen(&self, path: &Path) -> PathBuf {
        let mut seen = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        seen.extend(path.components().skip(1));
        seen
    }

    /// What runs a line of the shell inside. It becomes that line's program.
    pub(crate) fn inside(&self, line: &str) -> Command {
        let mut command = Command::new("nsenter");
        let target = self.holder.id().to_string();
        command.args(["--target", &target, "--user", "--mount", "--preserve-credentials", "--", "sh", "-c", line]);
        command
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}
