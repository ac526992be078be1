//! The receivers that one writes by hand, in bench/yardsticks: installed from the public registries into a folder that is
//! kept, and started like Waypost.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, say};

/// A receiver by hand.
#[derive(Debug, Clone)]
pub(crate) struct Yardstick {
    /// What it is started with, before its port.
    pub(crate) program: PathBuf,
    pub(crate) script: PathBuf,
}

/// Express and FastAPI; None for one that cannot be installed here.
pub(crate) fn install(kept_in: &Path) -> Outcome<(Option<Yardstick>, Option<Yardstick>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("yardsticks");
    let told = |name: &str, installed: Outcome<Yardstick>| {
        installed.inspect_err(|cause| say(&format!("{name} is left out: {cause}"))).ok()
    };
    let express = told("Express", express(&source.join("express"), &kept_in.join("express")));
    let fastapi = told("FastAPI", fastapi(&source.join("fastapi"), &kept_in.join("fastapi")));
    Ok((express, fastapi))
}

fn express(source: &Path, to: &Path) -> Outcome<Yardstick> {
    let is_there = same(source, to, "package.json") && to.join("node_modules/better-sqlite3").is_dir();
    copy(source, to, &["package.json", "server.js"])?;
    if !is_there {
        run(Command::new("npm").args(["install", "--no-audit", "--no-fund", "--no-package-lock"]).current_dir(to))?;
    }
    // Its native half is made for some versions of Node alone, and ends the process on others.
    run(Command::new("node").args(["-e", "new (require('better-sqlite3'))(':memory:')"]).current_dir(to))?;
    Ok(Yardstick { program: "node".into(), script: to.join("server.js") })
}

fn fastapi(source: &Path, to: &Path) -> Outcome<Yardstick> {
    let python = to.join("venv/bin/python");
    let is_there = same(source, to, "requirements.txt") && python.is_file();
    copy(source, to, &["requirements.txt", "server.py"])?;
    if !is_there {
        run(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(to))?;
        let install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt"];
        run(Command::new(&python).args(install).current_dir(to))?;
    }
    Ok(Yardstick { program: python, script: to.join("server.py") })
}

fn same(source: &Path, to: &Path, name: &str) -> bool {
    fs::read(source.join(name)).ok().is_some_and(|bytes| fs::read(to.join(name)).is_ok_and(|there| there == bytes))
}

fn copy(source: &Path, to: &Path, names: &[&str]) -> Outcome<()> {
    fs::create_dir_all(to)?;
    for name in names {
        fs::copy(source.join(name), to.join(name))?;
    }
    Ok(())
}

fn run(command: &mut Command) -> Outcome<()> {
    let ended = command.output()?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let why = said.lines().last().map_or_else(|| ended.status.to_string(), ToOwned::to_owned);
    Err(format!("{:?} failed: {why}", command.get_program()).into())
}
