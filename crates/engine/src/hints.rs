//! What nodes tell each other, so that none has to wait for its slow poll. Losing a word costs a second and nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use pilothouse_store::runs::Lane;
use tokio::sync::mpsc;

use crate::Engine;

/// Words that may wait to be said; more are dropped.
const WAITING: usize = 1_024;
/// The shortest time between two messages; what comes in between is said together.
const PAUSE: Duration = Duration::from_millis(20);
/// Most bytes of a message. PostgreSQL takes 8,000.
const MOST_BYTES: usize = 7_000;
/// The pause before a lost connection is made anew.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// A word to the other nodes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hint {
    /// A run is ready in this lane.
    Ready(Lane),
    /// A place became free in this queue, which has limits.
    Freed(String),
    /// The settings of queues have changed.
    Queues,
    /// Somebody wants a run to stop.
    Stop,
}

impl Hint {
    fn line(&self) -> String {
        match self {
            Self::Ready(lane) => format!("ready {lane}"),
            Self::Freed(queue) => format!("freed {queue}"),
            Self::Queues => "queues".to_owned(),
            Self::Stop => "stop".to_owned(),
        }
    }

    fn parse(line: &str) -> Option<Self> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("ready", lane) => lane.parse().ok().map(Self::Ready),
            ("freed", queue) => Some(Self::Freed(queue.to_owned())),
            ("queues", _) => Some(Self::Queues),
            ("stop", _) => Some(Self::Stop),
            _ => None,
        }
    }
}

/// Where words wait to be said.
#[derive(Clone)]
pub(crate) struct Mouth(Option<mpsc::Sender<Hint>>);

impl Mouth {
    /// A mouth and, where there may be other nodes, what it says.
    pub(crate) fn new(alone: bool) -> (Self, Option<mpsc::Receiver<Hint>>) {
        if alone {
            return (Self(None), None);
        }
        let (sender, words) = mpsc::channel(WAITING);
        (Self(Some(sender)), Some(words))
    }

    pub(crate) fn say(&self, hint: Hint) {
        // A full queue loses words, as words may be lost.
        self.0.as_ref().map(|sender| sender.try_send(hint));
    }
}

/// Says what waits, a few times a second at most.
pub(crate) async fn speak(backend: std::sync::Arc<dyn crate::Backend>, mut words: mpsc::Receiver<Hint>) {
    let mut waiting = Vec::new();
    while words.recv_many(&mut waiting, WAITING).await > 0 {
        let lines: BTreeSet<String> =
            waiting.drain(..).map(|hint| hint.line()).filter(|line| !line.contains('\n')).collect();
        for message in messages(lines) {
            if let Err(error) = backend.hint(message).await {
                tracing::debug!(code = error.code().as_str(), "other nodes were not told: {error}");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The lines in as few messages as hold them.
fn messages(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut messages: Vec<String> = Vec::new();
    for line in lines.into_iter().filter(|line| line.len() < MOST_BYTES) {
        match messages.last_mut() {
            Some(last) if last.len() + line.len() < MOST_BYTES => {
                last.push('\n');
                last.push_str(&line);
            }
            _ => messages.push(line),
        }
    }
    messages
}

impl Engine {
    /// Hears other nodes for as long as the task lives.
    pub(crate) async fn listen(self) {
        loop {
            match self.inner.backend.hints().await {
                Ok(None) => return,
                Ok(Some(mut hints)) => {
                    while let Ok(message) = hints.next().await {
                        message.lines().filter_map(Hint::parse).for_each(|hint| self.heard(hint));
                    }
                }
                Err(error) => tracing::debug!(code = error.code().as_str(), "other nodes are not heard: {error}"),
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    fn heard(&self, hint: Hint) {
        match hint {
            Hint::Ready(lane) => self.ready(lane),
            Hint::Freed(queue) => {
                if self.with_lanes(|lanes| lanes.unblock(Some(&queue))) {
                    self.inner.wake.notify_one();
                }
            }
            Hint::Queues => {
                self.inner.look.notify_one();
                self.inner.wake.notify_one();
            }
            Hint::Stop => self.inner.beat.notify_one(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_heard_as_they_were_said(key in "[^\n\0]{0,40}", queue in "[a-z]{1,9}") {
            let lane = Lane { queue: queue.clone(), tenant: "acme".parse().unwrap(), key };
            for hint in [Hint::Ready(lane), Hint::Freed(queue), Hint::Queues, Hint::Stop] {
                prop_assert_eq!(Hint::parse(&hint.line()), Some(hint));
            }
        }

        #[test]
        fn no_message_is_too_long_and_no_line_lost(lengths in prop::collection::vec(1_usize..3_000, 0..40)) {
            let lines: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            let messages = messages(lines.clone());
            prop_assert!(messages.iter().all(|message| message.len() <= MOST_BYTES));
            let heard: Vec<String> = messages.iter().flat_map(|message| message.lines()).map(str::to_owned).collect();
            prop_assert_eq!(heard, lines);
        }
    }
}
