//! Other programs' processes: started so that they never outlive this one, and asked for their CPU time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Clock ticks of the kernel's process times in a second, the same on every Linux that Debian ships.
const TICKS_PER_SECOND: f64 = 100.0;

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

/// What the kernel tells of one process.
struct Stat {
    parent: u32,
    /// Its own CPU time and that of its children that have ended and were waited for, in clock ticks.
    ticks: f64,
}

/// CPU time in microseconds, user and system, of a process and all that descend from it, the ended ones included as
/// long as their parents waited for them. Two readings of a living tree never go back.
pub fn cpu_us(root: u32) -> Result<f64> {
    let all = all()?;
    let ticks = below(root, &all)?.iter().filter_map(|id| all.get(id)).map(|stat| stat.ticks).sum::<f64>();
    Ok(ticks / TICKS_PER_SECOND * 1e6)
}

/// A process and all that descend from it.
pub fn tree(root: u32) -> Result<Vec<u32>> {
    below(root, &all()?)
}

fn all() -> Result<BTreeMap<u32, Stat>> {
    let mut all: BTreeMap<u32, Stat> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end between the listing and the reading.
        if let Some(stat) = fs::read_to_string(format!("/proc/{id}/stat")).ok().and_then(|text| parse(&text)) {
            all.insert(id, stat);
        }
    }
    Ok(all)
}

fn below(root: u32, all: &BTreeMap<u32, Stat>) -> Result<Vec<u32>> {
    if !all.contains_key(&root) {
        bail!("there is no process {root}");
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(id) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, stat)| stat.parent == id).map(|(child, _)| *child));
        next += 1;
    }
    Ok(found)
}

fn parse(text: &str) -> Option<Stat> {
    // The second field holds the program's name in brackets and may hold spaces and brackets.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let times = fields.get(11..15)?;
    Some(Stat { parent, ticks: times.iter().filter_map(|field| field.parse::<f64>().ok()).sum() })
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};

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

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = parse("7 (a) b (c)) S 3 7 7 0 -1 0 0 0 0 0 11 12 13 14 20 0").unwrap();
        assert_eq!((stat.parent, stat.ticks), (3, 50.0));
    }
}
