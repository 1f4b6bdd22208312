//! What is asked of spans, and what their file tells once all is over.

use std::collections::{BTreeMap, BTreeSet};

/// The input of a span.
pub fn input(ms: u64, who: &str) -> String {
    serde_json::json!({"ms": ms, "who": who}).to_string()
}

/// A line of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told<'t> {
    /// `asked`, `begin` or `end`.
    pub what: &'t str,
    pub run: &'t str,
    /// The claim.
    pub fence: &'t str,
    pub who: &'t str,
}

/// The lines in their order.
pub fn read(text: &str) -> Vec<Told<'_>> {
    let told = text.lines().map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [what, run, fence, who] = words[..] else { panic!("{line:?} is no line of spans") };
        Told { what, run, fence, who }
    });
    told.collect()
}

/// Fails unless every run that began has ended, each began once, and no two of those with the same `exclusive` name were
/// at work at the same time. Returns the runs.
pub fn assert_each_once<'t>(told: &[Told<'t>], exclusive: &[&str]) -> BTreeSet<&'t str> {
    let (mut begun, mut ended) = (BTreeSet::new(), BTreeSet::new());
    let mut at_work: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in told {
        let beside = at_work.entry(line.who).or_default();
        match line.what {
            "begin" => {
                assert!(begun.insert(line.run), "{line:?} began a second time");
                assert!(beside.is_empty() || !exclusive.contains(&line.who), "{line:?} beside {beside:?}");
                beside.insert(line.run);
            }
            "end" => {
                assert!(beside.remove(line.run) && ended.insert(line.run), "{line:?} ended without being at work");
            }
            _ => {}
        }
    }
    assert_eq!(begun, ended, "what began has ended");
    begun
}
