//! Third-party consumers that tests run as they are: Python packages in an environment of their own under `target/`,
//! pinned by `tests/consumers/requirements.txt`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::steps::{say, works};

const VENV: &str = "target/consumers";
const REQUIREMENTS: &str = "tests/consumers/requirements.txt";

/// Installs them, and gives the path of the Python that has them.
pub(crate) fn install() -> Result<String, String> {
    let here = std::env::current_dir().map_err(|cause| format!("failed to read the working folder: {cause}"))?;
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

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let status = Command::new(program).args(arguments).status().map_err(|cause| format!("{program}: {cause}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} {} failed", arguments.join(" "))) }
}
