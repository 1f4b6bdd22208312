//! One call of one provider, with its money: held before it is made, settled after, whatever became of it.

use std::time::Duration;

use pilothouse_ai::chat::{Chat, Delta, Reply};
use pilothouse_ai::provider::{self, Answering, Trouble, said_bytes};
use pilothouse_ai::tokens::{credible, estimate, most};
use pilothouse_domain::breaker::Pass;
use pilothouse_domain::ledger::Amounts;
use pilothouse_domain::money::NanoUsd;
use pilothouse_domain::price::{Price, Tokens};
use pilothouse_domain::{ChargeId, Micros, TenantId};
use pilothouse_outbound::Client;
use pilothouse_store::ledger::Used;
use tracing::{Instrument, Span};

use super::book::{Book, Target};
use super::breakers::Key;
use super::{Gateway, Wish, telemetry};
use crate::{Error, ledger};

/// A call that may be made.
pub(super) struct Begun {
    pub target: Target,
    pub chat: Chat,
    pub charge: ChargeId,
    price: Price,
    key: Key,
    pass: Pass,
    began: Micros,
    span: Span,
}

/// Why a call is not made.
pub(super) enum Skipped {
    /// The provider is left alone until then.
    Until(Micros),
    /// Nobody knows what it costs.
    Unpriced,
    /// Nobody else is to be asked either.
    Refused(Error),
}

/// What a call took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paid {
    pub tokens: Tokens,
    pub cost: NanoUsd,
}

/// What a call is made for: an answer as a whole, or one that has begun to come.
pub(super) trait Asked: Sized + Send {
    /// Makes the call.
    fn of(client: &Client, begun: &Begun) -> impl Future<Output = Result<Self, Trouble>> + Send;
}

impl Asked for Reply {
    async fn of(client: &Client, begun: &Begun) -> Result<Self, Trouble> {
        let call = provider::complete(client, &begun.target.open.provider, &begun.chat);
        call.instrument(begun.span.clone()).await
    }
}

/// An answer that has begun to come.
pub(super) struct Coming {
    pub answering: Answering,
    pub first: Option<Delta>,
}

impl Asked for Coming {
    async fn of(client: &Client, begun: &Begun) -> Result<Self, Trouble> {
        let call = async {
            let mut answering = provider::open(client, &begun.target.open.provider, &begun.chat).await?;
            let first = answering.next().await?;
            Ok(Self { answering, first })
        };
        call.instrument(begun.span.clone()).await
    }
}

impl Gateway {
    /// Sees whether a call may be made, and holds what it can cost.
    pub(super) async fn begin(
        &self,
        tenant: &TenantId,
        wish: &Wish,
        book: &Book,
        target: &Target,
    ) -> Result<Begun, Skipped> {
        let now = self.clock.now();
        let free = Price { input: 0, cached: None, output: 0 };
        let price = book.price(target, now).or(self.settings.allow_unpriced.then_some(free));
        let price = price.ok_or(Skipped::Unpriced)?;
        let mut chat = wish.chat.clone();
        chat.model.clone_from(&target.model);
        if chat.max_tokens == 0 {
            chat.max_tokens = self.settings.max_tokens;
        }
        chat.temperature = chat.temperature.or(self.settings.temperature.filter(|_| target.open.is_installations));
        let key = Key {
            tenant: (!target.open.is_installations).then(|| tenant.clone()),
            provider: target.open.name.clone(),
            model: target.model.clone(),
        };
        let pass = self.breakers.admit(&key, now).map_err(Skipped::Until)?;
        let worst = most(&chat);
        let held = self.ledger.reserve(
            tenant,
            ledger::Wish {
                kind: ledger::AI,
                payer: wish.payer.clone(),
                step: wish.step.clone(),
                provider: Some(target.open.name.clone()),
                model: Some(target.model.clone()),
                prompt: wish.prompt.clone(),
                worst: Amounts { nano_usd: price.of(worst).0, tokens: whole(worst.total()) },
                ..ledger::Wish::default()
            },
        );
        let refused = |error| {
            self.breakers.tell(&key, &pass, None, now);
            Skipped::Refused(error)
        };
        let charge = match held.await {
            Ok(Ok(charge)) => charge,
            Ok(Err(full)) => return Err(refused(ledger::exceeded(&full))),
            Err(error) => return Err(refused(error.into())),
        };
        let span = telemetry::span(target);
        Ok(Begun { target: target.clone(), chat, charge, price, key, pass, began: now, span })
    }

    /// Settles a call that went well.
    pub(super) async fn end(
        &self,
        tenant: &TenantId,
        wish: &Wish,
        begun: &Begun,
        reply: &Reply,
    ) -> Result<Paid, Error> {
        let (tokens, is_told) = credible(&begun.chat, reply.tokens, said_bytes(reply));
        if !is_told {
            let (provider, model, told) = (&begun.target.open.name, &begun.target.model, &reply.tokens);
            tracing::warn!(provider, model, ?told, counted = ?tokens, "a provider does not say credibly what it used");
        }
        self.settle(tenant, wish, begun, tokens, None).await
    }

    /// Settles a call that failed, of which so many bytes were heard.
    pub(super) async fn fail(
        &self,
        tenant: &TenantId,
        wish: &Wish,
        begun: &Begun,
        trouble: &Trouble,
        heard_bytes: u64,
    ) -> Result<Paid, Error> {
        let cost = trouble.may_have_cost() || heard_bytes > 0;
        let tokens = if cost { estimate(&begun.chat, heard_bytes) } else { Tokens::default() };
        self.settle(tenant, wish, begun, tokens, Some(trouble)).await
    }

    async fn settle(
        &self,
        tenant: &TenantId,
        wish: &Wish,
        begun: &Begun,
        tokens: Tokens,
        failed: Option<&Trouble>,
    ) -> Result<Paid, Error> {
        let now = self.clock.now();
        let well = match failed {
            None => Some(true),
            Some(trouble) => trouble.is_providers().then_some(false),
        };
        let state = self.breakers.tell(&begun.key, &begun.pass, well, now);
        let (cost, took) = (begun.price.of(tokens), (now - begun.began).max(0));
        self.labels.called(&begun.target, tokens, cost, Duration::from_micros(took.unsigned_abs()), failed);
        if let Some(state) = state {
            self.labels.breaker(&begun.target, state.number());
        }
        telemetry::ended(&begun.span, tokens, failed);
        let used = Used {
            nano_usd: cost.0,
            tokens_in: whole(tokens.input),
            tokens_out: whole(tokens.output),
            tokens_cached: whole(tokens.cached),
            latency_us: Some(took),
            provider: None,
            model: None,
            error: failed.map(|trouble| trouble.name().to_owned()),
        };
        self.ledger.settle_with(tenant, begun.charge, used, wish.entry.clone()).await?;
        Ok(Paid { tokens, cost })
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
