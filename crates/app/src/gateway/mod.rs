//! The gateway to models of language: the only way to one. Each call is priced, held in the ledger before it is made and
//! settled after; what fails goes to the next provider, and what fails often is left alone for a while.
//!
//! Read first: [`Gateway::complete`] (a whole answer) and [`Gateway::stream`]; `book` says who is asked for which model and at
//! what price, `attempt` is one call with its money, `breakers` what is left alone. [`ask`] and [`stream`] are the use cases.

mod attempt;
mod book;
mod breakers;
mod known;
mod providers;
mod screen;
mod streamed;
pub mod telemetry;
mod uses;

pub use book::{ANY, DEFAULT};
pub use pilothouse_ai::chat::{Chat, Delta, Finish, Format, Message, Reply, Role, Tool, ToolCall, ToolChoice};
pub use pilothouse_ai::wire::Wire;
pub use providers::{
    NewPrice, NewProvider, Prices, ProviderShown, add_price, address_of_installations, delete_provider, list_prices,
    list_providers, put_provider,
};
pub use streamed::{Part, Parts};
pub use uses::{Question, ask, stream};

use std::sync::Arc;
use std::time::Duration;

use pilothouse_ai::provider::Trouble;
use pilothouse_ai::schema::Form;
use pilothouse_ai::tokens::most;
use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::ledger::Payer;
use pilothouse_domain::money::NanoUsd;
use pilothouse_domain::price::Tokens;
use pilothouse_domain::{ChargeId, Clock, Code, Ids, Micros, TenantId};
use pilothouse_outbound::{Client, Options, Reach};
use pilothouse_store::{Store, audit as rows};
use serde_json::{Value, json};

use self::attempt::{Asked, Begun, Paid, Skipped};
use self::book::Target;
use self::breakers::Breakers;
use self::known::Known;
use self::screen::{Found, Screen, blocked, in_words};
use crate::ledger::Ledger;
use crate::secrets::Sealer;
use crate::{Error, audit, settings};

/// Rounds over all providers after the first, where everybody has said that they did nothing.
const MORE_ROUNDS: u32 = 2;
/// First wait between rounds; the next is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait between rounds; whoever asks for longer is told so.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Largest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// What is wanted of a model.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What is asked; its model is the name that is asked for, and empty for the one that is meant where none is named.
    pub chat: Chat,
    /// Who pays.
    pub payer: Payer,
    /// The step of the run.
    pub step: Option<String>,
    /// The version of the prompt.
    pub prompt: Option<String>,
    /// The audit row, written with what each call took.
    pub entry: Option<Entry>,
}

/// What a model answered.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The answer.
    pub reply: Reply,
    /// What it holds, where a form was wanted.
    pub value: Option<Value>,
    /// Who answered.
    pub provider: String,
    /// With which model, as it is called there.
    pub model: String,
    /// What it took: of all calls that were needed for it, those that failed among them.
    pub tokens: Tokens,
    /// What that cost.
    pub cost: NanoUsd,
    /// The charge of the last call.
    pub charge: ChargeId,
    /// The version of the prompt, where it was one.
    pub prompt: Option<String>,
}

/// The way to models.
pub struct Gateway {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    ledger: Arc<Ledger>,
    settings: settings::Ai,
    screen: Screen,
    store: Store,
    known: Known,
    breakers: Breakers,
    labels: telemetry::Labels,
    /// For the operator's provider, which may be on this machine.
    inside: Client,
    /// For providers of tenants.
    outside: Client,
}

impl Gateway {
    pub(crate) fn new(
        store: Store,
        (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>),
        sealer: Arc<Sealer>,
        ledger: Arc<Ledger>,
        settings: &settings::Ai,
    ) -> Result<Self, Error> {
        let client = |reach| {
            let timeout = Duration::from_secs(settings.timeout_seconds);
            Client::new(Options { reach, timeout, retries: 0, max_bytes: MAX_ANSWER_BYTES })
                .map_err(|error| Error::new(Code::ConfigInvalid, format!("Models cannot be called: {error}.")))
        };
        let reach = if settings.allow_private_addresses { Reach::Anywhere } else { Reach::Public };
        Ok(Self {
            inside: client(Reach::Anywhere)?,
            outside: client(reach)?,
            known: Known::new(store.clone(), sealer, settings)?,
            screen: Screen::new(settings),
            store,
            clock,
            ids,
            ledger,
            settings: settings.clone(),
            breakers: Breakers::default(),
            labels: telemetry::Labels::default(),
        })
    }

    /// Whether a tenant has any model to ask.
    ///
    /// # Errors
    /// The database's, and keys that cannot be opened.
    pub async fn is_configured(&self, tenant: &TenantId) -> Result<bool, Error> {
        Ok(!self.known.book(tenant, self.clock.now()).await?.providers.is_empty())
    }

    /// Asks and waits for the whole answer. One that has not the wanted form is mended once by the model itself. What was
    /// begun is settled even where the caller goes away.
    ///
    /// # Errors
    /// [`Code::AiUnconfigured`], [`Code::AiModelUnknown`], [`Code::AiUnpriced`], [`Code::BudgetExceeded`],
    /// [`Code::AiUnavailable`], [`Code::AiRefused`] and [`Code::AiOutputInvalid`].
    pub async fn complete(self: &Arc<Self>, tenant: &TenantId, wish: Wish) -> Result<Answered, Error> {
        let form = Form::new(&wish.chat.format).map_err(|why| Error::unfit("response_format", &why, Value::Null))?;
        let wish = Arc::new(self.screened(tenant, wish).await?);
        let mut answered = self.asked_once(tenant, &wish).await?;
        let why = match form.read(&answered.reply.text) {
            // A call of tools is an answer of its own form.
            _ if !answered.reply.calls.is_empty() => return Ok(answered),
            Ok(value) => {
                answered.value = value;
                return Ok(answered);
            }
            Err(why) => why,
        };
        let mut again = Wish::clone(&wish);
        again.chat.messages.push(Message::new(Role::Assistant, answered.reply.text.clone()));
        let asked = format!("That is not of the form that was asked for: {why}. Answer once more, in that form alone.");
        again.chat.messages.push(Message::new(Role::User, asked));
        let mut mended = self.asked_once(tenant, &Arc::new(again)).await?;
        match form.read(&mended.reply.text) {
            Ok(value) => {
                mended.value = value;
                mended.tokens = sum(mended.tokens, answered.tokens);
                mended.cost = NanoUsd(mended.cost.0.saturating_add(answered.cost.0));
                Ok(mended)
            }
            Err(why) => {
                let message = format!("The model's answer has not the form that was asked for: {why}.");
                Err(Error::new(Code::AiOutputInvalid, message).with("validation_error", why))
            }
        }
    }

    /// One answer, with what should not be told treated as the settings say.
    async fn asked_once(self: &Arc<Self>, tenant: &TenantId, wish: &Arc<Wish>) -> Result<Answered, Error> {
        let mut answered = self.detached(tenant, wish.clone()).await?;
        let mut found = Found::new();
        let mut texts = vec![&mut answered.reply.text];
        texts.extend(answered.reply.calls.iter_mut().map(|call| &mut call.arguments));
        let looked = self.look(texts, "answer", &mut found);
        self.tell(tenant, wish, "answer", &found, looked.is_err()).await?;
        looked.map(|()| answered)
    }

    /// What is asked, with what should not be told treated as the settings say.
    async fn screened(&self, tenant: &TenantId, mut wish: Wish) -> Result<Wish, Error> {
        let mut found = Found::new();
        let texts = wish.chat.messages.iter_mut().flat_map(|message| {
            let calls = message.calls.iter_mut().map(|call| &mut call.arguments);
            std::iter::once(&mut message.text).chain(calls)
        });
        let looked = self.look(texts, "prompt", &mut found);
        self.tell(tenant, &wish, "prompt", &found, looked.is_err()).await?;
        looked.map(|()| wish)
    }

    fn look<'t>(
        &self,
        texts: impl IntoIterator<Item = &'t mut String>,
        place: &'static str,
        found: &mut Found,
    ) -> Result<(), Error> {
        let mut is_blocked = false;
        for text in texts {
            let passed = self.screen.look(text, place);
            is_blocked |= passed.is_blocked;
            screen::add(found, passed.found);
            if let Some(masked) = passed.text {
                *text = masked;
            }
        }
        if is_blocked { Err(blocked(place, found)) } else { Ok(()) }
    }

    /// Writes down what was found in what somebody asks or is answered: what it is, not the thing itself.
    async fn tell(
        &self,
        tenant: &TenantId,
        wish: &Wish,
        place: &str,
        found: &Found,
        is_blocked: bool,
    ) -> Result<(), Error> {
        if found.is_empty() {
            return Ok(());
        }
        let own = || audit::by_itself(tenant, self.clock.now(), ("ai.complete", String::new()), "");
        let entry = Entry {
            action: "ai.finding".to_owned(),
            resource: format!("{place}: {}", in_words(found)),
            outcome: if is_blocked { Outcome::Refused } else { Outcome::Allowed },
            code: if is_blocked { Code::AiBlocked.as_str().to_owned() } else { String::new() },
            at: self.clock.now(),
            ..wish.entry.clone().unwrap_or_else(own)
        };
        let written = self.store.write(move |tx| Box::pin(async move { rows::append(tx, &entry).await.map(|_| ()) }));
        Ok(written.await?)
    }

    /// The same in a task of its own, so that it ends whatever becomes of the caller.
    async fn detached(self: &Arc<Self>, tenant: &TenantId, wish: Arc<Wish>) -> Result<Answered, Error> {
        let (own, tenant) = (self.clone(), tenant.clone());
        let task = tokio::spawn(async move {
            let (begun, reply) = own.find::<Reply>(&tenant, &wish).await?;
            own.settled(&tenant, &wish, begun, reply).await
        });
        task.await.unwrap_or_else(|_| Err(Error::new(Code::Internal, "The call of the model was stopped.")))
    }

    /// Settles a call that went well, and puts what it gave together.
    async fn settled(&self, tenant: &TenantId, wish: &Wish, begun: Begun, reply: Reply) -> Result<Answered, Error> {
        let Paid { tokens, cost } = self.end(tenant, wish, &begun, &reply).await?;
        let Begun { target, charge, .. } = begun;
        let (provider, model) = (target.open.name.clone(), target.model);
        Ok(Answered { reply, value: None, provider, model, tokens, cost, charge, prompt: wish.prompt.clone() })
    }

    /// Asks those who answer for the model, one after the other, until one does. Its call is to be settled; those that
    /// failed are.
    async fn find<T: Asked>(&self, tenant: &TenantId, wish: &Wish) -> Result<(Begun, T), Error> {
        let book = self.known.book(tenant, self.clock.now()).await?;
        let mut targets = book.targets(self.asked(&wish.chat), || self.draw());
        if targets.is_empty() {
            return Err(nobody(book.providers.is_empty(), &wish.chat.model));
        }
        let mut failures = Failures::default();
        for round in 0..=MORE_ROUNDS {
            let mut left = Vec::new();
            for target in targets {
                let begun = match self.begin(tenant, wish, &book, &target).await {
                    Ok(begun) => begun,
                    Err(Skipped::Refused(error)) => return Err(error),
                    Err(Skipped::Until(at)) => {
                        failures.shut(&target, at);
                        continue;
                    }
                    Err(Skipped::Unpriced) => {
                        failures.unpriced(&target);
                        continue;
                    }
                };
                match T::of(self.client(&target), &begun).await {
                    Ok(found) => return Ok((begun, found)),
                    Err(trouble) => {
                        self.fail(tenant, wish, &begun, &trouble, 0).await?;
                        if trouble.may_be_repeated() {
                            left.push(target.clone());
                        }
                        failures.add(&target, trouble);
                        if !failures.is_worth_another() {
                            return Err(failures.into_error(self.clock.now()));
                        }
                    }
                }
            }
            let Some(wait) = failures.wait(round).filter(|_| !left.is_empty() && round < MORE_ROUNDS) else { break };
            tokio::time::sleep(wait).await;
            targets = left;
        }
        Err(failures.into_error(self.clock.now()))
    }

    /// The most that asking this would cost whoever is asked first; nothing where nobody is, or nobody knows.
    pub(crate) async fn worst_cost(&self, tenant: &TenantId, chat: &Chat) -> Result<NanoUsd, Error> {
        let now = self.clock.now();
        let book = self.known.book(tenant, now).await?;
        let targets = book.targets(self.asked(chat), || 0.0);
        let price = targets.first().and_then(|target| book.price(target, now));
        let mut worst = most(chat);
        if worst.output == 0 {
            worst.output = self.settings.max_tokens;
        }
        Ok(price.map_or(NanoUsd(0), |price| price.of(worst)))
    }

    /// How the breakers of a provider stand, by model.
    fn breakers_of(&self, tenant: Option<&TenantId>, provider: &str) -> Vec<(String, &'static str)> {
        let all = self.breakers.all().into_iter();
        let own = all.filter(|(key, _)| key.tenant.as_ref() == tenant && key.provider == provider);
        own.map(|(key, state)| (key.model, state.as_str())).collect()
    }

    /// The name that is asked for.
    fn asked<'a>(&'a self, chat: &'a Chat) -> &'a str {
        if chat.model.is_empty() { DEFAULT } else { &chat.model }
    }

    fn client(&self, target: &Target) -> &Client {
        if target.open.is_installations { &self.inside } else { &self.outside }
    }

    /// A number from 0 to 1.
    pub(crate) fn draw(&self) -> f64 {
        let mut bytes = [0; 4];
        self.ids.secret(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }
}

fn sum(one: Tokens, other: Tokens) -> Tokens {
    Tokens { input: one.input + other.input, cached: one.cached + other.cached, output: one.output + other.output }
}

fn nobody(is_unconfigured: bool, asked: &str) -> Error {
    if is_unconfigured {
        return Error::new(Code::AiUnconfigured, "LLM_API_KEY is not configured");
    }
    let asked = if asked.is_empty() { "where none is named".to_owned() } else { format!("for the model {asked:?}") };
    Error::new(Code::AiModelUnknown, format!("No provider of the tenant answers {asked}."))
}

/// Why nobody answered, so far.
#[derive(Default)]
struct Failures {
    told: Vec<Value>,
    last: Option<(String, Trouble)>,
    /// The first moment at which somebody may be asked again.
    opens_at: Option<Micros>,
    unpriced: Option<String>,
    /// The longest wait that was asked for in this round.
    asked_wait: Option<Duration>,
}

impl Failures {
    fn add(&mut self, target: &Target, trouble: Trouble) {
        if let Trouble::Busy { retry_after } = &trouble {
            self.asked_wait = self.asked_wait.max(*retry_after);
        }
        self.tell(target, trouble.name());
        self.last = Some((target.open.name.clone(), trouble));
    }

    fn shut(&mut self, target: &Target, until: Micros) {
        self.opens_at = Some(self.opens_at.map_or(until, |known| known.min(until)));
        self.tell(target, "circuit_open");
    }

    fn unpriced(&mut self, target: &Target) {
        self.unpriced = Some(target.model.clone());
        self.tell(target, "unpriced");
    }

    fn tell(&mut self, target: &Target, error: &str) {
        self.told.push(json!({"provider": target.open.name, "model": target.model, "error": error}));
    }

    fn is_worth_another(&self) -> bool {
        self.last.as_ref().is_none_or(|(_, trouble)| trouble.is_worth_another())
    }

    /// How long to wait before everybody is asked again; none where that is too long.
    fn wait(&mut self, round: u32) -> Option<Duration> {
        let own = FIRST_WAIT * 2_u32.pow(round);
        Some(self.asked_wait.take().map_or(own, |asked| asked.max(own))).filter(|wait| *wait <= MAX_WAIT)
    }

    fn into_error(self, now: Micros) -> Error {
        let asked = match &self.last {
            Some((_, Trouble::Busy { retry_after })) => retry_after.map(|wait| wait.as_secs()),
            _ => None,
        };
        let error = match (self.last, self.opens_at, self.unpriced) {
            (Some((name, trouble @ Trouble::Refused(_))), ..) => {
                Error::new(Code::AiRefused, format!("{name}: {trouble}."))
            }
            (Some((name, trouble @ Trouble::Unsupported(_))), ..) => {
                Error::new(Code::AiRefused, format!("{name}: {trouble}."))
            }
            (Some((name, trouble)), ..) => {
                let error = Error::new(Code::AiUnavailable, format!("No model answers. {name}: {trouble}."));
                error.retry_after(asked.unwrap_or(1).max(1))
            }
            (None, Some(until), _) => {
                let seconds = ((until - now).max(SECOND) as u64).div_ceil(SECOND as u64);
                let message = "No model answers: those that could have failed too often and are left alone for now.";
                Error::new(Code::AiUnavailable, message).retry_after(seconds)
            }
            (None, None, model) => {
                let model = model.unwrap_or_default();
                let message = format!("Nobody knows what the model {model:?} costs: write its price down first.");
                return Error::new(Code::AiUnpriced, message).with("model", model);
            }
        };
        error.with("attempts", self.told)
    }
}
