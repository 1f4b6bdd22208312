//! Calls of providers: a [`Chat`] goes out on a provider's wire, and its answer comes back whole or bit by bit.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use pilothouse_outbound::{Client, Error, Incoming, asked_wait};

use crate::chat::{Chat, Delta, Finish, Reply, ToolCall};
use crate::sse::Reader;
use crate::wire::{Malformed, Stream, Unsupported, Wire, refusal};

/// Most calls of tools in one answer.
const MAX_CALLS: usize = 128;
/// Longest wait that a provider's `Retry-After` is believed for.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// Where a model answers.
#[derive(Clone)]
pub struct Provider {
    /// In which language.
    pub wire: Wire,
    /// Its address, without a slash at the end.
    pub base_url: String,
    /// The key, which no log and no error holds.
    pub key: String,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The address cannot be called.
    #[error("it cannot be called: {0}")]
    Address(String),
    /// Something is asked that the provider does not understand. Nothing was sent.
    #[error("it does not understand {0:?}")]
    Unsupported(String),
    /// Nobody answers, or the connection broke before any answer.
    #[error("it cannot be reached")]
    Unreachable,
    /// It took too long. What was sent may have been read.
    #[error("it did not answer in time")]
    TimedOut,
    /// The stream broke off.
    #[error("its answer broke off")]
    Cut,
    /// The provider has too much to do.
    #[error("it has too much to do")]
    Busy {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The provider failed.
    #[error("it failed with status {status}")]
    Failed {
        /// Its status; 0 where it said so in a stream.
        status: u16,
    },
    /// The provider does not know the key, or what it may do.
    #[error("it does not accept the key")]
    Key,
    /// The provider has no such model.
    #[error("it has no model of that name")]
    Model,
    /// The provider refuses the request.
    #[error("it refuses the request: {0}")]
    Refused(String),
    /// The answer is not what its documents promise.
    #[error("{0}")]
    Malformed(String),
}

impl Trouble {
    /// What it is called in metrics and in the ledger.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::Unsupported(_) => "unsupported",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::Cut => "cut",
            Self::Busy { .. } => "rate_limited",
            Self::Failed { .. } => "server_error",
            Self::Key => "key",
            Self::Model => "model",
            Self::Refused(_) => "refused",
            Self::Malformed(_) => "malformed",
        }
    }

    /// Whether the provider is to blame, so that it is better left alone where it happens often.
    pub fn is_providers(&self) -> bool {
        !matches!(self, Self::Unsupported(_) | Self::Refused(_) | Self::Model)
    }

    /// Whether the same call may be sent again: the provider has said that it did nothing, or has heard nothing.
    pub fn may_be_repeated(&self) -> bool {
        matches!(self, Self::Unreachable | Self::Busy { .. } | Self::Failed { .. })
    }

    /// Whether another provider may do better.
    pub fn is_worth_another(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    /// Whether the provider may have read what was sent, and charge for it.
    pub fn may_have_cost(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Cut | Self::Malformed(_))
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::TimedOut { .. } => Self::TimedOut,
            Error::Unreachable { .. } => Self::Unreachable,
            Error::TooLarge { .. } => Self::Malformed("its answer is too large".to_owned()),
            Error::Invalid(why) => Self::Address(why),
            Error::Forbidden { .. } => Self::Address(error.to_string()),
        }
    }
}

impl From<Malformed> for Trouble {
    fn from(Malformed(why): Malformed) -> Self {
        Self::Malformed(why)
    }
}

impl From<Unsupported> for Trouble {
    fn from(Unsupported(what): Unsupported) -> Self {
        Self::Unsupported(what)
    }
}

/// Asks and waits for the whole answer.
///
/// # Errors
/// Every [`Trouble`] but [`Trouble::Cut`].
pub async fn complete(client: &Client, provider: &Provider, chat: &Chat) -> Result<Reply, Trouble> {
    let answer = client.send(request(provider, chat, false)?).await?;
    judge(answer.status(), answer.headers(), answer.body())?;
    Ok(provider.wire.reply(chat, answer.body())?)
}

/// Asks and gives the answer as it comes.
///
/// # Errors
/// Every [`Trouble`] but [`Trouble::Cut`].
pub async fn open(client: &Client, provider: &Provider, chat: &Chat) -> Result<Answering, Trouble> {
    let mut incoming = client.open(request(provider, chat, true)?).await?;
    if !incoming.status().is_success() {
        let mut body = Vec::new();
        while let Some(part) = incoming.next().await? {
            body.extend_from_slice(&part);
        }
        judge(incoming.status(), incoming.headers(), &body)?;
    }
    Ok(Answering {
        incoming,
        reader: Reader::default(),
        stream: provider.wire.stream(chat),
        ready: Vec::new(),
        has_ended: false,
        is_gone: false,
    })
}

fn request(provider: &Provider, chat: &Chat, stream: bool) -> Result<Request<Bytes>, Trouble> {
    let outgoing = provider.wire.request(chat, &provider.key, stream)?;
    let mut request = Request::post(format!("{}{}", provider.base_url, outgoing.path))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, if stream { "text/event-stream" } else { "application/json" });
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    let body = Bytes::from(outgoing.body.to_string());
    request.body(body).map_err(|_| Trouble::Address("its address or key has characters that cannot be sent".to_owned()))
}

/// What the status of an answer says.
fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Result<(), Trouble> {
    match status.as_u16() {
        200..300 => Ok(()),
        401 | 403 => Err(Trouble::Key),
        404 => Err(Trouble::Model),
        408 => Err(Trouble::TimedOut),
        // Anthropic says 529 where it is overloaded.
        429 | 503 | 529 => Err(Trouble::Busy { retry_after: asked_wait(headers, MAX_WAIT) }),
        code @ 500.. => Err(Trouble::Failed { status: code }),
        400..500 => Err(Trouble::Refused(refusal(body))),
        _ => Err(Trouble::Malformed(format!("it answers with status {status}"))),
    }
}

/// An answer that is coming.
pub struct Answering {
    incoming: Incoming,
    reader: Reader,
    stream: Stream,
    /// What has come and was not given yet, the next one last.
    ready: Vec<Delta>,
    has_ended: bool,
    is_gone: bool,
}

impl Answering {
    /// What comes next; none at its end. Safe to give up and to ask again.
    ///
    /// # Errors
    /// [`Trouble::Cut`] where it breaks off, [`Trouble::TimedOut`], [`Trouble::Failed`] and [`Trouble::Malformed`]; after
    /// which nothing comes any more.
    pub async fn next(&mut self) -> Result<Option<Delta>, Trouble> {
        loop {
            if let Some(delta) = self.ready.pop() {
                return Ok(Some(delta));
            }
            if self.has_ended || self.is_gone {
                return Ok(None);
            }
            let read = self.read().await;
            self.is_gone = read.is_err();
            read?;
        }
    }

    async fn read(&mut self) -> Result<(), Trouble> {
        let part = match self.incoming.next().await {
            Ok(Some(part)) => part,
            Ok(None) if self.stream.may_end() => {
                self.has_ended = true;
                return Ok(());
            }
            Ok(None) | Err(Error::Unreachable { .. }) => return Err(Trouble::Cut),
            Err(error) => return Err(error.into()),
        };
        let too_large = |_| Trouble::Malformed("an event of its stream is too large".to_owned());
        for event in self.reader.read(&part).map_err(too_large)? {
            let said = self.stream.read(&event)?;
            if said.error.is_some() {
                return Err(Trouble::Failed { status: 0 });
            }
            self.ready.extend(said.deltas);
            if said.is_end {
                self.has_ended = true;
                break;
            }
        }
        self.ready.reverse();
        Ok(())
    }
}

/// Puts an answer together from its parts.
#[derive(Debug, Clone)]
pub struct Gathered(pub Reply);

impl Default for Gathered {
    fn default() -> Self {
        Self(Reply { model: None, text: String::new(), calls: Vec::new(), finish: Finish::Stop, tokens: None })
    }
}

impl Gathered {
    /// Adds a part.
    pub fn add(&mut self, delta: &Delta) {
        let reply = &mut self.0;
        match delta {
            Delta::Text(words) => reply.text.push_str(words),
            Delta::Model(model) => reply.model = Some(model.clone()),
            Delta::Tokens(tokens) => reply.tokens = Some(*tokens),
            Delta::Finish(finish) => reply.finish = *finish,
            Delta::Call(place, more) if *place < MAX_CALLS => {
                if reply.calls.len() <= *place {
                    reply.calls.resize(*place + 1, ToolCall::default());
                }
                let call = &mut reply.calls[*place];
                call.id.push_str(&more.id);
                call.name.push_str(&more.name);
                call.arguments.push_str(&more.arguments);
            }
            Delta::Call(..) => {}
        }
    }

    /// Bytes that were said so far.
    pub fn bytes(&self) -> u64 {
        said_bytes(&self.0)
    }
}

/// Bytes that an answer says.
pub fn said_bytes(reply: &Reply) -> u64 {
    let calls = reply.calls.iter().map(|call| call.name.len() + call.arguments.len());
    (reply.text.len() + calls.sum::<usize>()) as u64
}
