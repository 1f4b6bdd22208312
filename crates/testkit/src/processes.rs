//! What the kernel tells of processes: who started whom, and the CPU time that they have used.

use std::collections::BTreeMap;
use std::{fs, io};

/// Clock ticks of the kernel's process times in a second, the same on every Linux that Debian ships.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the kernel tells of one process.
struct Stat {
    parent: u32,
    /// Its own CPU time and that of its children that have ended and were waited for, in clock ticks.
    ticks: f64,
}

/// CPU time in microseconds, user and system, of a process and all that descend from it, the ended ones included as
/// long as their parents waited for them. Two readings of a living tree never go back.
pub fn cpu_us(root: u32) -> io::Result<f64> {
    let all = all()?;
    let ticks = below(root, &all)?.iter().filter_map(|id| all.get(id)).map(|stat| stat.ticks).sum::<f64>();
    Ok(ticks / TICKS_PER_SECOND * 1e6)
}

/// A process and all that descend from it.
pub fn tree(root: u32) -> io::Result<Vec<u32>> {
    below(root, &all()?)
}

fn all() -> io::Result<BTreeMap<u32, Stat>> {
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

fn below(root: u32, all: &BTreeMap<u32, Stat>) -> io::Result<Vec<u32>> {
    if !all.contains_key(&root) {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("there is no process {root}")));
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
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = parse("7 (a) b (c)) S 3 7 7 0 -1 0 0 0 0 0 11 12 13 14 20 0").unwrap();
        assert_eq!((stat.parent, stat.ticks), (3, 50.0));
    }
}
