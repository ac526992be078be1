//! What is told of the machine, and what a folder lies on.

use std::fs;
use std::path::Path;

use crate::Outcome;

/// The processor, its cores, the memory and the system, in a line.
pub(crate) fn line() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cpu = value(&read("/proc/cpuinfo"), "model name");
    // Not those that this process may use: it is on one of them.
    let cores = read("/proc/cpuinfo").lines().filter(|line| line.starts_with("processor")).count();
    let memory: u64 = value(&read("/proc/meminfo"), "MemTotal")
        .split_whitespace()
        .next()
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0);
    let system = read("/proc/sys/kernel/osrelease");
    format!("{cpu}, {cores} cores, {} GiB, Linux {}", memory / (1024 * 1024), system.trim())
}

/// The commit that the tree is at, with a plus when it differs.
pub(crate) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let said = std::process::Command::new("git").args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_default();
    if changed { commit + "+" } else { commit }
}

/// The kind of file system of a folder. One in memory is refused: a sync there costs nothing and promises nothing.
pub(crate) fn disk_of(folder: &Path) -> Outcome<String> {
    let folder = folder.canonicalize()?;
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let over = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (place, kind) = (words.next()?, words.next()?);
        folder.starts_with(place).then(|| (place.len(), kind.to_owned()))
    };
    let kind = mounts.lines().filter_map(over).max_by_key(|(length, _)| *length).map(|(_, kind)| kind);
    let kind = kind.unwrap_or_else(|| "unknown".to_owned());
    if ["tmpfs", "ramfs", "devtmpfs"].contains(&kind.as_str()) {
        return Err(format!("{} lies in memory ({kind}): choose a folder on a disk", folder.display()).into());
    }
    Ok(kind)
}

/// Flushes that the kernel has sent to the disk of this folder so far, from /proc/diskstats: of everybody on the machine,
/// which is why the machine should be quiet. None where the kernel does not say.
pub(crate) fn flushes(folder: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let device = fs::metadata(folder).ok()?.dev();
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00));
    let stats = fs::read_to_string("/proc/diskstats").ok()?;
    stats.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_it = words.first()?.parse() == Ok(major) && words.get(1)?.parse() == Ok(minor);
        // Major, minor, name, then the fields of Documentation/admin-guide/iostats.rst; the 16th counts flushes.
        is_it.then(|| words.get(18)?.parse().ok())?
    })
}
