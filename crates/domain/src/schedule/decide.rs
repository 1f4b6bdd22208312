//! Which ticks of a schedule run now. The caller stores the answer's `next` in the same commit as the runs, and only if
//! the stored one is still what it asked with: so each tick is decided on once, over any number of nodes.
//!
//! The clock may do what it likes. Ticks that were decided on lie before `next`, which never goes back: after a jump
//! backwards the schedule waits, after a jump forwards the ticks between are missed ticks and the catch-up policy
//! chooses among them. Neither costs more than a bounded number of steps.

use super::jitter::Jitter;
use super::policy::{CatchUp, Overlap, Policy};
use super::timing::Timing;
use crate::clock::{Micros, SECOND};

/// Most ticks that one decision says something about; what is left waits for the next decision.
pub const MAX_TICKS: usize = 100;
/// Most runs of one schedule that have not ended, as far as `queue` and catching up go.
pub const MAX_UNFINISHED: u32 = 100;
/// Up to here missed ticks are counted.
pub const MAX_COUNTED: u32 = 1_000;
/// How long after it came due a tick still is on time.
pub const ON_TIME: Micros = 60 * SECOND;
/// How long ticks that wait for runs to end are held before they are looked at again.
pub const HOLD: Micros = 10 * SECOND;

/// Where a schedule stands before a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The first moment that was not decided on: what the decision before said, or for a new, changed or resumed schedule
    /// [`Timing::next_after`] of the present.
    pub next: Micros,
    /// How many of its runs have not ended: queued, running or waiting.
    pub unfinished: u32,
}

/// What becomes of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It runs. Runs of one schedule go one after the other, in the order of their ticks.
    Fire,
    /// It does not, because a run before it has not ended.
    Skip,
    /// The runs that have not ended are cancelled, and it runs.
    Replace,
}

/// A tick that was decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The tick itself, without jitter.
    pub at: Micros,
    /// What becomes of it.
    pub action: Action,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The ticks decided on, the earliest first, at most [`MAX_TICKS`].
    pub ticks: Vec<Tick>,
    /// How many ticks the catch-up policy dropped; [`MAX_COUNTED`] stands for so many and more.
    pub missed: u32,
    /// The first tick that was not decided on; none when the calendar ends before it.
    pub next: Option<Micros>,
    /// When to decide again, which the end of a run may bring forward.
    pub due: Option<Micros>,
}

/// Which ticks of the schedule with the id `schedule` run at the moment `now`.
pub fn decide(timing: &Timing, policy: Policy, schedule: &str, standing: Standing, now: Micros) -> Firing {
    let jitter = Jitter { schedule, seconds: policy.jitter_seconds };
    // What is stored may be no tick: the timing or the rules of its time zone may have changed meanwhile.
    let first = timing.next_after(standing.next.saturating_sub(1));
    let span = first.and_then(|first| Some((first, newest_due(timing, jitter, first, now)?)));
    let Some((first, newest)) = span else {
        return Firing { ticks: Vec::new(), missed: 0, next: first, due: first.map(|first| timing.due(first, jitter)) };
    };
    let kept = keep(timing, policy.catch_up, first, newest, now.saturating_sub(timing.due(newest, jitter)));
    let missed = count(timing, first, kept.first().copied().unwrap_or(newest.saturating_add(1)));
    let (ticks, held) = act(policy.overlap, standing.unfinished, &kept);
    let next = match (held, kept.last()) {
        (Some(held), _) => Some(held),
        (None, last) => timing.next_after(last.copied().unwrap_or(newest)),
    };
    let due = match held {
        Some(_) => Some(now.saturating_add(HOLD)),
        None => next.map(|next| timing.due(next, jitter)),
    };
    Firing { ticks, missed, next, due }
}

/// The newest tick that has come due, unless even `first` has not.
fn newest_due(timing: &Timing, jitter: Jitter<'_>, first: Micros, now: Micros) -> Option<Micros> {
    if timing.due(first, jitter) > now {
        return None;
    }
    let newest = timing.last_until(now).filter(|tick| timing.due(*tick, jitter) <= now);
    // Jitter ends before the next tick: the one before a tick that is still delayed has come due.
    newest.or_else(|| timing.last_until(timing.last_until(now)?.saturating_sub(1)))
}

/// The ticks from `first` to `newest` that are made up for, the earliest first. The newest came due `late` ago.
fn keep(timing: &Timing, catch_up: CatchUp, first: Micros, newest: Micros, late: Micros) -> Vec<Micros> {
    match catch_up {
        CatchUp::None if late > ON_TIME => Vec::new(),
        CatchUp::None | CatchUp::Last => vec![newest],
        CatchUp::All => {
            let ticks = std::iter::successors(Some(first), |tick| timing.next_after(*tick));
            ticks.take_while(|tick| *tick <= newest).take(MAX_TICKS).collect()
        }
        CatchUp::Bounded(most) => {
            let ticks = std::iter::successors(Some(newest), |tick| timing.last_until(tick.saturating_sub(1)));
            let most = usize::from(most.get()).min(MAX_TICKS);
            let mut kept: Vec<Micros> = ticks.take_while(|tick| *tick >= first).take(most).collect();
            kept.reverse();
            kept
        }
    }
}

/// How many ticks there are from `first` to before `end`, counted up to [`MAX_COUNTED`].
fn count(timing: &Timing, first: Micros, end: Micros) -> u32 {
    let ticks = std::iter::successors(Some(first), |tick| timing.next_after(*tick));
    ticks.take_while(|tick| *tick < end).zip(1..=MAX_COUNTED).last().map_or(0, |(_, counted)| counted)
}

/// What becomes of the ticks that are made up for, and the first of those that have to wait.
///
/// A single tick is subject to the overlap policy. Several are catching up: they do not overlap each other, for each
/// would have had its own time, and none is dropped or cancelled for one of them. They wait until the runs from before
/// have ended, or under `queue` until there is room.
fn act(overlap: Overlap, unfinished: u32, kept: &[Micros]) -> (Vec<Tick>, Option<Micros>) {
    let room = MAX_UNFINISHED.saturating_sub(unfinished);
    if let [at] = *kept {
        let action = match overlap {
            _ if unfinished == 0 => Action::Fire,
            Overlap::Queue if room > 0 => Action::Fire,
            Overlap::Queue | Overlap::Skip => Action::Skip,
            Overlap::Replace => Action::Replace,
        };
        return (vec![Tick { at, action }], None);
    }
    let room = if unfinished == 0 || overlap == Overlap::Queue { room } else { 0 };
    let fitting = kept.len().min(usize::try_from(room).unwrap_or(usize::MAX));
    let (now, held) = kept.split_at(fitting);
    (now.iter().map(|at| Tick { at: *at, action: Action::Fire }).collect(), held.first().copied())
}
