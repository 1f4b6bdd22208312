//! Other programs' processes: started so that they never outlive this one, and Python for those that need it.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A started program with everything that it starts, all of which is killed when this is dropped.
pub struct Group {
    child: Child,
}

impl Group {
    /// Starts `command` in a process group of its own, its output going to `output`. Its input stays open as long as
    /// this lives. The kernel kills the program itself where this process is killed.
    pub fn start(command: &Command, output: Stdio) -> Result<Self> {
        let mut guarded = Command::new("setpriv");
        guarded.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => guarded.env(name, value),
                None => guarded.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            guarded.current_dir(folder);
        }
        guarded.stdin(Stdio::piped()).stdout(output).stderr(Stdio::inherit()).process_group(0);
        let child = guarded.spawn().with_context(|| format!("{command:?} cannot be started"))?;
        Ok(Self { child })
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The started child, for its output and its end.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that stays, for what a benchmark has once made or fetched.
pub fn cache(name: &str) -> Result<PathBuf> {
    let home = std::env::var_os("HOME").context("there is a home")?;
    Ok(Path::new(&home).join(".cache/pilothouse").join(name))
}

/// Python with packages from PyPI, in a folder that stays.
pub fn python(name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = cache(name)?;
    let python = folder.join("bin/python");
    if !python.is_file() {
        done(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    done(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    Ok(python)
}

/// Runs a command to its end, which must be a good one.
pub fn done(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?} cannot be started"))?;
    if status.success() { Ok(()) } else { bail!("{command:?} failed") }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead as _, BufReader};

    use pilothouse_testkit::processes::cpu_us;

    use super::*;

    #[test]
    fn cpu_time_counts_descendants_that_have_ended() {
        // The loop burns its time in a grandchild that has ended and was waited for when the line comes.
        let mut shell = Command::new("sh");
        shell.args(["-c", "sh -c 'i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done'; echo done; read -r line"]);
        let mut group = Group::start(&shell, Stdio::piped()).unwrap();
        let mut line = String::new();
        BufReader::new(group.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(cpu_us(group.id()).unwrap() >= 30_000.0);
    }

    #[test]
    fn a_dropped_group_leaves_no_process_behind() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 600 & echo $!; wait"]);
        let mut group = Group::start(&shell, Stdio::piped()).unwrap();
        let mut line = String::new();
        BufReader::new(group.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let grandchild: u32 = line.trim().parse().unwrap();
        let state = || fs::read_to_string(format!("/proc/{grandchild}/stat")).ok();
        assert!(state().is_some());
        drop(group);
        // A killed process is a zombie until init has waited for it.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while state().is_some_and(|text| !text.contains(") Z ")) {
            assert!(std::time::Instant::now() < deadline, "the grandchild lives on");
            std::thread::yield_now();
        }
    }
}
