//! What earlier attempts leave to the next one: a pure function of the journal.

use std::collections::BTreeMap;

use pilothouse_store::journal::{Entry, EntryKind, RETRIED};

use super::path::follows;

/// The results of the steps that are not run again, by path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Replay {
    steps: BTreeMap<String, Entry>,
}

impl Replay {
    /// Reads a journal.
    ///
    /// What succeeded stays. A failure is a result like another where the workflow saw it and went on: were the step
    /// tried again, the steps after it would no longer follow from it. Where a person has the run tried again, failures
    /// are forgotten together with all that followed from them.
    pub(crate) fn of(entries: Vec<Entry>) -> Self {
        let mut steps: BTreeMap<String, Entry> = BTreeMap::new();
        for entry in entries {
            match entry.kind {
                EntryKind::State if entry.name == RETRIED => forget_failures(&mut steps),
                EntryKind::Step => {
                    if let Some(path) = entry.path.clone() {
                        steps.insert(path, entry);
                    }
                }
                _ => {}
            }
        }
        let open: Vec<String> = failed(&steps).filter(|path| !went_on(&steps, path)).cloned().collect();
        for path in open {
            steps.remove(&path);
        }
        Self { steps }
    }

    /// Every step that is not run again.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Entry> {
        self.steps.values()
    }

    /// The step that ended at `path`.
    pub(crate) fn get(&self, path: &str) -> Option<&Entry> {
        self.steps.get(path)
    }
}

fn failed(steps: &BTreeMap<String, Entry>) -> impl Iterator<Item = &String> {
    steps.iter().filter(|(_, entry)| entry.error.is_some()).map(|(path, _)| path)
}

fn went_on(steps: &BTreeMap<String, Entry>, path: &str) -> bool {
    steps.keys().any(|other| follows(other, path))
}

fn forget_failures(steps: &mut BTreeMap<String, Entry>) {
    let failures: Vec<String> = failed(steps).cloned().collect();
    steps.retain(|path, entry| entry.error.is_none() && !failures.iter().any(|failure| follows(path, failure)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn step(path: &str, well: bool) -> Entry {
        Entry {
            seq: 0,
            at: 0,
            attempt: 1,
            kind: EntryKind::Step,
            name: "step".into(),
            path: Some(path.into()),
            summary: String::new(),
            output: well.then(|| "1".into()),
            error: (!well).then(|| "{}".into()),
            started_at: None,
        }
    }

    fn retried() -> Entry {
        Entry { kind: EntryKind::State, name: RETRIED.into(), path: None, ..step("", true) }
    }

    fn kept(entries: Vec<Entry>) -> Vec<String> {
        Replay::of(entries).steps.into_keys().collect()
    }

    #[test]
    fn a_failure_counts_only_where_the_workflow_went_on() {
        assert_eq!(kept(vec![step("1", true), step("2", false)]), ["1"]);
        assert_eq!(kept(vec![step("1", false), step("2", true)]), ["1", "2"]);
    }

    #[test]
    fn a_failed_branch_is_tried_again_and_its_finished_neighbours_are_not() {
        let branches = vec![step("1/0/1", true), step("1/1/1", false), step("1/2/1", true)];
        assert_eq!(kept(branches.clone()), ["1/0/1", "1/2/1"]);
        let went_on = [branches, vec![step("2", true)]].concat();
        assert_eq!(kept(went_on).len(), 4, "its failure was seen");
    }

    #[test]
    fn a_retry_forgets_failures_and_what_followed() {
        assert_eq!(kept(vec![step("1", true), step("2", false), step("3", true), retried()]), ["1"]);
        assert_eq!(kept(vec![step("1", false), step("2", true), retried(), step("1", true)]), ["1"]);
        let branches = vec![step("1/0/1", true), step("1/1/1", false), step("2", true), retried()];
        assert_eq!(kept(branches), ["1/0/1"]);
    }

    proptest! {
        #[test]
        fn what_succeeded_before_the_first_failure_is_always_kept(
            ends in prop::collection::vec(any::<bool>(), 1..12),
            again in any::<bool>(),
        ) {
            let mut entries: Vec<Entry> = Vec::new();
            for (index, well) in ends.iter().enumerate() {
                entries.push(step(&(index + 1).to_string(), *well));
            }
            if again {
                entries.push(retried());
            }
            let replay = Replay::of(entries);
            let first_failure = ends.iter().position(|well| !well).unwrap_or(ends.len());
            for index in 0..ends.len() {
                let kept = replay.get(&(index + 1).to_string()).is_some();
                let last_failed = !again && index + 1 == ends.len() && !ends[index];
                let expected = if again { index < first_failure } else { !last_failed };
                prop_assert_eq!(kept, expected, "step {}", index + 1);
            }
        }
    }
}
