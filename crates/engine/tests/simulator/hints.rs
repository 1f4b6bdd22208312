//! What nodes tell each other: each word may come late, twice, out of turn or not at all, and whoever listens may be cut
//! off.

use std::sync::Arc;

use futures::stream::unfold;
use pilothouse_store::{Error, Hints};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::memory::Tables;
use crate::mutation::Mutation;
use crate::world::{Process, World};

/// How often, in a thousand, a word to one node is lost, comes twice, or comes long after; and how often the node's
/// connection breaks at it.
const LOST: u64 = 150;
const TWICE: u64 = 150;
const LATE: u64 = 100;
const BREAKS: u64 = 20;

/// Where a process hears.
pub type Ear = UnboundedSender<Result<String, Error>>;

/// An ear of a process, and what it hears.
pub fn listener(process: &Arc<Process>) -> (Ear, Hints) {
    let (ear, words) = unbounded_channel();
    let hears = |(mut words, process): (UnboundedReceiver<_>, Arc<Process>)| async {
        let word = words.recv().await?;
        process.goes_on().await;
        Some((word, (words, process)))
    };
    (ear, Hints::of(unfold((words, process.clone()), hears)))
}

/// Sends a word on its way to everyone who listens.
pub fn say(world: &Arc<World>, tables: &mut Tables, word: &str) {
    tables.ears.retain(|ear| !ear.is_closed());
    if tables.mutation == Mutation::LosesHints {
        return;
    }
    for ear in &tables.ears {
        tokio::spawn(carry(world.clone(), ear.clone(), word.to_owned()));
    }
}

async fn carry(world: Arc<World>, ear: Ear, word: String) {
    let faults = world.has_faults();
    let (lost, twice, breaks) =
        world.draw(|chance| (chance.happens(LOST), chance.happens(TWICE), chance.happens(BREAKS)));
    if faults && (lost || twice || breaks) {
        world.fault();
    }
    let word = if faults && breaks { Err(Error::Unavailable("nothing is heard any more".into())) } else { Ok(word) };
    let times = if !faults { 1 } else { usize::from(!lost) + usize::from(twice) };
    for _ in 0..times {
        let late = world.draw(|chance| chance.millis(0, if faults && chance.happens(LATE) { 2_000 } else { 5 }));
        tokio::time::sleep(late).await;
        // Whoever is gone hears nothing.
        let _ = ear.send(word.clone());
    }
}
