//! What happened in a run: entries in order, written by its worker and by nobody else, and each once.

use pilothouse_domain::run::Status;
use pilothouse_store::journal::{Entry, EntryKind};
use pilothouse_store::runs::{Outcome, Then};
use pilothouse_store::{Store, journal};

use crate::support::{claimed, end, entries, get, leave, names, put, read, run_id, step, tenant};

/// An entry with everything in it.
fn full(seq: i64, kind: EntryKind) -> Entry {
    Entry {
        kind,
        path: Some("4/0/1".into()),
        summary: "Read 12 rows — «ä».".into(),
        error: Some("{\"code\":\"x\"}".into()),
        ..step(seq, "load")
    }
}

pub async fn entries_are_read_back_as_they_were_written(store: &Store) {
    let run = claimed(store, 1).await;
    let last = EntryKind::ALL.len() as i64 + 2;
    let bare = Entry { path: None, output: None, started_at: None, summary: String::new(), ..step(last, "") };
    let kinds = (2..).zip(EntryKind::ALL).map(|(seq, kind)| full(seq, kind));
    let mut write = leave(&run, 4, Then::GoOn);
    write.entries = kinds.chain([bare]).collect();
    write.seq = last;
    let written = write.entries.clone();
    assert_eq!(put(store, write).await, Outcome::Written(None));
    assert_eq!(entries(store, 1).await[1..], written);
    let run = get(store, 1).await;
    assert_eq!((run.status, run.seq), (Status::Running, 1), "the run's row is not touched");
}

pub async fn a_journal_is_read_in_pages(store: &Store) {
    let run = claimed(store, 1).await;
    let mut write = leave(&run, 4, Then::GoOn);
    write.entries = (2..=300).map(|seq| step(seq, "s")).collect();
    write.seq = 300;
    put(store, write).await;
    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied().unwrap_or(0);
        let page = read!(store, |tx| async move { journal::list(tx, &tenant("a"), run_id(1), after, 70).await });
        if page.is_empty() {
            break;
        }
        seen.extend(page.iter().map(|entry| entry.seq));
    }
    assert_eq!(seen, (1..=300).collect::<Vec<_>>());
    assert!(read!(store, |tx| async move { journal::list(tx, &tenant("b"), run_id(1), 0, 9).await }).is_empty());
}

pub async fn a_write_whose_answer_was_lost_is_made_once(store: &Store) {
    let run = claimed(store, 1).await;
    let mut first = leave(&run, 4, Then::GoOn);
    (first.entries, first.seq) = (vec![step(2, "load"), step(3, "sum")], 3);
    let mut second = leave(&run, 5, Then::GoOn);
    (second.entries, second.seq) = (vec![step(4, "show")], 4);
    for write in [&first, &first, &second, &first, &second] {
        assert_eq!(put(store, write.clone()).await, Outcome::Written(None));
    }
    let mut last = leave(&run, 6, end(Status::Succeeded));
    (last.entries, last.seq) = (vec![step(5, "tell")], 5);
    let Outcome::Written(Some(entry)) = put(store, last.clone()).await else { panic!("it was held") };
    assert_eq!(put(store, last).await, Outcome::Written(Some(entry)));
    assert_eq!(put(store, second).await, Outcome::Written(None), "later than what came after it");
    assert_eq!(names(store, 1).await, ["running", "load", "sum", "show", "tell", "succeeded"]);
    let mut never = leave(&run, 7, Then::GoOn);
    (never.entries, never.seq) = (vec![step(7, "more")], 7);
    assert_eq!(put(store, never).await, Outcome::Fenced);
}

/// A write with the same number under another claim is another write.
pub async fn a_stolen_number_is_not_the_same_write(store: &Store) {
    let run = claimed(store, 1).await;
    let mut write = leave(&run, 4, Then::GoOn);
    (write.entries, write.seq) = (vec![step(2, "load")], 2);
    put(store, write.clone()).await;
    for epoch in [0, 2, -1, i64::MAX] {
        let mut other = write.clone();
        other.epoch = epoch;
        assert_eq!(put(store, other).await, Outcome::Fenced, "epoch {epoch}");
    }
    assert_eq!(names(store, 1).await, ["running", "load"]);
}
