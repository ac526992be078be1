//! Folders of servers, and who owns them. `initdb` takes two seconds, so it runs once on a machine; each server begins
//! with a copy of what it made.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::finish;
use super::programs::Programs;
use super::{DATABASE, Failed, PASSWORD, ROLE, SUPERUSER, failed};

/// Part of the template's name: another number where it is made otherwise.
const TEMPLATE: u32 = 1;

/// The user that runs the server: this process's, or an ordinary one where that is root, which PostgreSQL refuses.
#[derive(Debug, Clone)]
pub(crate) struct User {
    other: Option<(u32, u32)>,
    uid: u32,
}

impl User {
    /// The user to run servers as.
    pub(crate) fn ordinary() -> Result<Self, Failed> {
        let uid = rustix::process::geteuid().as_raw();
        if uid != 0 {
            return Ok(Self { other: None, uid });
        }
        let users = fs::read_to_string("/etc/passwd").map_err(|cause| failed("read /etc/passwd", cause))?;
        let found = ["postgres", "nobody"].iter().find_map(|name| {
            let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut numbers = line.split(':').skip(2).map(|number| number.parse().ok());
            Some((numbers.next()??, numbers.next()??))
        });
        let (uid, gid) = found.ok_or_else(|| {
            Failed("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as".to_owned())
        })?;
        Ok(Self { other: Some((uid, gid)), uid })
    }

    /// A command run as this user, from a folder that it can read.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env_remove("PGDATA").env("LC_ALL", "C").env("TZ", "UTC");
        if let Some((uid, gid)) = self.other {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Writes a file that only this user can read.
    pub(crate) fn write(&self, path: &Path, text: &str) -> Result<(), Failed> {
        let tell = |cause| failed(format!("write {}", path.display()), cause);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(tell)?;
        self.own(path)
    }

    /// Adds to a file.
    pub(crate) fn append(&self, path: &Path, text: &str) -> Result<(), Failed> {
        let file = OpenOptions::new().append(true).open(path);
        let done = file.and_then(|mut file| file.write_all(text.as_bytes()));
        done.map_err(|cause| failed(format!("write {}", path.display()), cause))
    }

    fn own(&self, path: &Path) -> Result<(), Failed> {
        let Some((uid, gid)) = self.other else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).map_err(|cause| failed(format!("give away {}", path.display()), cause))
    }
}

/// A new folder of the user's, removed when it is dropped.
pub(crate) fn folder(user: &User) -> Result<TempDir, Failed> {
    let made = tempfile::Builder::new().prefix("private-postgres-").tempdir();
    let folder = made.map_err(|cause| failed("make a folder", cause))?;
    user.own(folder.path())?;
    Ok(folder)
}

/// Fills a server's folder.
pub(crate) fn copy_template(programs: &Programs, user: &User, data: &Path) -> Result<(), Failed> {
    let template = template(programs, user)?;
    let mut copy = user.command(Path::new("cp"));
    copy.args(["-a", "--reflink=auto"]).arg(template.join("data")).arg(data);
    finish(copy, "copy the template").map(drop)
}

/// The template, made where there is none. Whoever makes it at the same time makes another; the first in place stays.
fn template(programs: &Programs, user: &User) -> Result<PathBuf, Failed> {
    let programs_name: String =
        programs.folder().display().to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    let place = std::env::temp_dir().join(format!("private-postgres-{}-{TEMPLATE}-{programs_name}", user.uid));
    if let Ok(there) = fs::symlink_metadata(&place) {
        // The temporary folder is everybody's: what another user put there is not run.
        return if there.is_dir() && there.uid() == user.uid {
            Ok(place)
        } else {
            Err(failed("use the template", format!("{} belongs to another user", place.display())))
        };
    }
    let making = folder(user)?;
    let inner = making.path().join("made");
    DirBuilder::new().mode(0o700).create(&inner).map_err(|cause| failed("make a folder", cause))?;
    user.own(&inner)?;
    make(programs, user, &inner)?;
    if fs::rename(&inner, &place).is_err() && !place.is_dir() {
        return Err(failed("put the template in place", place.display()));
    }
    Ok(place)
}

fn make(programs: &Programs, user: &User, folder: &Path) -> Result<(), Failed> {
    let (data, password) = (folder.join("data"), folder.join("password"));
    user.write(&password, PASSWORD)?;
    let mut initdb = user.command(&programs.path("initdb"));
    initdb.args(["-U", SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--wal-segsize=1"]);
    initdb.arg(format!("--pwfile={}", password.display())).arg("-D").arg(&data);
    finish(initdb, "make a database with initdb")?;
    let settings = "max_connections = 120\nshared_buffers = 64MB\nrecovery_init_sync_method = syncfs\n\
                    max_wal_size = 512MB\nmax_wal_senders = 5\nwal_keep_size = 64MB\nlogging_collector = off\n";
    user.append(&data.join("postgresql.conf"), settings)?;
    let sql = folder.join("roles.sql");
    let roles = format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n");
    user.write(&sql, &roles)?;
    let mut single = user.command(&programs.path("postgres"));
    single.args(["--single", "-D"]).arg(&data).arg(SUPERUSER);
    single.stdin(fs::File::open(&sql).map_err(|cause| failed("read the roles", cause))?);
    finish(single, "make the role and its database").map(drop)
}
