//! Answers that come bit by bit. Whoever begins one need not stay: what has come is settled all the same.

use std::sync::Arc;
use std::time::Duration;

use pilothouse_ai::chat::{Delta, Reply};
use pilothouse_ai::provider::{Gathered, Trouble};
use pilothouse_ai::schema::Form;
use pilothouse_domain::{Code, TenantId};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::attempt::{Begun, Coming};
use super::screen::{Found, Sieves, add};
use super::{Answered, Gateway, Wish};
use crate::Error;

/// Parts that may wait for the caller to take them.
const MAX_WAITING: usize = 64;
/// Longest time of a whole answer: as long as its money is held.
const LONGEST: Duration = Duration::from_secs(600);

/// A part of an answer.
#[derive(Debug)]
pub enum Part {
    /// More of it.
    More(Delta),
    /// All of it, settled.
    Ended(Box<Answered>),
    /// Why it broke off; what had come is settled.
    Failed(Error),
}

/// Why an answer is not passed on any further.
enum Stopped {
    Trouble(Trouble),
    Blocked(Error),
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// The parts of an answer, in their order; after the last there are none.
#[derive(Debug)]
pub struct Parts(mpsc::Receiver<Part>);

impl Parts {
    /// The next part.
    pub async fn next(&mut self) -> Option<Part> {
        self.0.recv().await
    }
}

impl Gateway {
    /// Asks and gives the answer as it comes. Another provider is asked only before the first of it has come.
    ///
    /// # Errors
    /// As [`Gateway::complete`], but for the form: whoever reads a stream looks at it themselves.
    pub async fn stream(self: &Arc<Self>, tenant: &TenantId, wish: Wish) -> Result<Parts, Error> {
        Form::new(&wish.chat.format).map_err(|why| Error::unfit("response_format", &why, Value::Null))?;
        let wish = self.screened(tenant, wish).await?;
        let (tell, told) = oneshot::channel();
        let (give, parts) = mpsc::channel(MAX_WAITING);
        let (own, tenant) = (self.clone(), tenant.clone());
        tokio::spawn(async move {
            match own.find::<Coming>(&tenant, &wish).await {
                Ok((begun, coming)) => {
                    let _ = tell.send(Ok(()));
                    own.pump(&tenant, &wish, begun, coming, give).await;
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            }
        });
        let begun =
            told.await.unwrap_or_else(|_| Err(Error::new(Code::Internal, "The call of the model was stopped.")));
        begun.map(|()| Parts(parts))
    }

    /// What is found in an answer that was passed on as it came.
    fn found_in(&self, reply: &Reply) -> Found {
        let texts = std::iter::once(&reply.text).chain(reply.calls.iter().map(|call| &call.arguments));
        texts.fold(Found::new(), |mut found, text| {
            add(&mut found, self.screen.look(text, "answer").found);
            found
        })
    }

    /// Passes on what comes, and settles it.
    async fn pump(&self, tenant: &TenantId, wish: &Wish, begun: Begun, coming: Coming, give: mpsc::Sender<Part>) {
        let Coming { mut answering, mut first } = coming;
        let (mut gathered, mut sieves) = (Gathered::default(), Sieves::new(self.screen));
        let passed = async {
            loop {
                let next = match first.take() {
                    Some(delta) => Some(delta),
                    None => answering.next().await?,
                };
                if let Some(delta) = &next {
                    gathered.add(delta);
                }
                for part in sieves.push(next.as_ref()).map_err(Stopped::Blocked)? {
                    if give.send(Part::More(part)).await.is_err() {
                        return Ok(false);
                    }
                }
                if next.is_none() {
                    return Ok(true);
                }
            }
        };
        let late = Err(Stopped::Trouble(Trouble::TimedOut));
        let passed = tokio::time::timeout(LONGEST, passed).await.unwrap_or(late);
        let is_blocked = matches!(passed, Err(Stopped::Blocked(_)));
        if let Err(Stopped::Trouble(_)) = &passed {
            for part in sieves.broken_off().unwrap_or_default() {
                let _ = give.send(Part::More(part)).await;
            }
        }
        let found = if self.screen.changes() { sieves.found() } else { self.found_in(&gathered.0) };
        if let Err(error) = self.tell(tenant, wish, "answer", &found, is_blocked).await {
            tracing::warn!("what was found in an answer could not be written down: {error}");
        }
        let last = match passed {
            Ok(true) => self.settled(tenant, wish, begun, gathered.0).await.map(Some),
            // Nobody listens any more: what had come is what it took, as far as can be known.
            Ok(false) => self.end(tenant, wish, &begun, &gathered.0).await.map(|_| None),
            Err(Stopped::Blocked(error)) => self.end(tenant, wish, &begun, &gathered.0).await.and(Err(error)),
            Err(Stopped::Trouble(trouble)) => {
                let settled = self.fail(tenant, wish, &begun, &trouble, gathered.bytes()).await;
                let message = format!("{}: {trouble}.", begun.target.open.name);
                settled.and(Err(Error::new(Code::AiUnavailable, message)))
            }
        };
        let part = match last {
            Ok(answered) => answered.map(|answered| Part::Ended(Box::new(answered))),
            Err(error) => Some(Part::Failed(error)),
        };
        if let Some(part) = part {
            let _ = give.send(part).await;
        }
    }
}
