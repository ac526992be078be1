//! Third-party consumers that tests run as they are: Python packages in an environment of their own and a Node package in
//! a folder of its own, both under `target/`, pinned by the files in `tests/consumers`. PostgreSQL's programs and
//! PgBouncer are the machine's, any version that the store supports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::steps::{say, works};

const VENV: &str = "target/consumers";
const REQUIREMENTS: &str = "tests/consumers/requirements.txt";
const NODE: &str = "target/consumers-node";
const PACKAGE: [&str; 2] = ["package.json", "package-lock.json"];

/// Where the consumers are.
pub(crate) struct Installed {
    /// The Python that has its packages.
    pub(crate) python: String,
    /// The folder whose `node_modules` has the other.
    pub(crate) node: String,
    /// The folder of PostgreSQL's programs.
    pub(crate) postgres: String,
}

/// Installs them.
pub(crate) fn install() -> Result<Installed, String> {
    let here = std::env::current_dir().map_err(|cause| format!("failed to read the working folder: {cause}"))?;
    let postgres = postgres()?;
    pgbouncer()?;
    Ok(Installed { python: python(&here)?, node: node(&here)?, postgres })
}

/// The oldest PostgreSQL that the store supports.
const POSTGRES_MIN: u32 = 15;

/// Debian puts each version into a folder of its own.
fn postgres() -> Result<String, String> {
    if let Some(folder) = newest_postgres() {
        return Ok(folder);
    }
    say("   PostgreSQL's programs are missing; trying to install Debian's package postgresql");
    let installed = run("apt-get", &["update", "-qq"])
        .and_then(|()| run("apt-get", &["install", "-y", "-qq", "--no-install-recommends", "postgresql"]));
    installed.and_then(|()| newest_postgres().ok_or_else(|| "no initdb in /usr/lib/postgresql".to_owned())).map_err(
        |cause| {
            format!("the tests need PostgreSQL {POSTGRES_MIN} or newer: install Debian's package postgresql ({cause})")
        },
    )
}

/// The pooler whose transaction mode the store must work with.
fn pgbouncer() -> Result<(), String> {
    let is_there = || ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].iter().any(|path| Path::new(path).is_file());
    if is_there() {
        return Ok(());
    }
    say("   PgBouncer is missing; trying to install Debian's package pgbouncer");
    let installed = run("apt-get", &["update", "-qq"])
        .and_then(|()| run("apt-get", &["install", "-y", "-qq", "--no-install-recommends", "pgbouncer"]));
    installed
        .and_then(|()| is_there().then_some(()).ok_or_else(|| "no pgbouncer in /usr/sbin".to_owned()))
        .map_err(|cause| format!("the tests need PgBouncer: install Debian's package pgbouncer ({cause})"))
}

fn newest_postgres() -> Option<String> {
    let folders = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let numbered = folders.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let usable = numbered.filter(|(version, path)| *version >= POSTGRES_MIN && path.join("bin/initdb").is_file());
    usable.max_by_key(|(version, _)| *version).map(|(_, path)| path.join("bin").display().to_string())
}

fn python(here: &Path) -> Result<String, String> {
    let python = here.join(VENV).join("bin/python").to_string_lossy().into_owned();
    let wanted = fs::read_to_string(REQUIREMENTS).map_err(|cause| format!("failed to read {REQUIREMENTS}: {cause}"))?;
    let mark = Path::new(VENV).join("installed.txt");
    if fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) && works(&[&python, "--version"]) {
        return Ok(python);
    }
    say("── consumers: installing the Python packages that tests use");
    make_environment()?;
    run(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS])?;
    fs::write(&mark, wanted).map_err(|cause| format!("failed to write {}: {cause}", mark.display()))?;
    Ok(python)
}

fn make_environment() -> Result<(), String> {
    if run("python3", &["-m", "venv", "--clear", VENV]).is_ok() {
        return Ok(());
    }
    say("   python3 with venv is missing; trying to install Debian's packages python3 and python3-venv");
    let installed = run("apt-get", &["update", "-qq"])
        .and_then(|()| run("apt-get", &["install", "-y", "-qq", "python3", "python3-venv"]));
    installed.and_then(|()| run("python3", &["-m", "venv", "--clear", VENV])).map_err(|cause| {
        format!("the tests need Python 3 with venv: install Debian's packages python3 and python3-venv ({cause})")
    })
}

fn node(here: &Path) -> Result<String, String> {
    let folder = here.join(NODE);
    let shown = folder.to_string_lossy().into_owned();
    let is_current = |name: &&str| {
        let wanted = fs::read(source(name));
        wanted.is_ok_and(|wanted| fs::read(folder.join(name)).is_ok_and(|there| there == wanted))
    };
    if PACKAGE.iter().all(is_current) && folder.join("node_modules/.package-lock.json").exists() {
        return Ok(shown);
    }
    say("── consumers: installing the Node package that tests use");
    fs::create_dir_all(&folder).map_err(|cause| format!("failed to make {shown}: {cause}"))?;
    for name in PACKAGE {
        fs::copy(source(name), folder.join(name)).map_err(|cause| format!("failed to copy {name}: {cause}"))?;
    }
    run("npm", &["ci", "--prefix", &shown, "--silent", "--no-audit", "--no-fund"])
        .map_err(|cause| format!("the tests need Node with npm: install Debian's packages nodejs and npm ({cause})"))?;
    Ok(shown)
}

fn source(name: &str) -> PathBuf {
    Path::new("tests/consumers").join(name)
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let status = Command::new(program).args(arguments).status().map_err(|cause| format!("{program}: {cause}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} {} failed", arguments.join(" "))) }
}
