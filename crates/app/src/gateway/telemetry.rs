//! What calls of models leave behind for whoever watches the program: the names of their metrics, and of the attributes of
//! their spans (OpenTelemetry, semantic conventions for generative AI). What is asked and answered is in none of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use pilothouse_ai::provider::Trouble;
use pilothouse_domain::TRACE;
use pilothouse_domain::money::NanoUsd;
use pilothouse_domain::price::Tokens;
use tracing::{Span, field};

use super::book::Target;

/// Tokens by model and type, `prompt` or `completion`: the name of the decision copilot's document.
const TOKENS: &str = "llm_token_usage_total";
/// Calls that failed, of all models: the name of the same document.
const ERRORS: &str = "model_inference_errors_total";
/// Calls by provider and model: the name of AutoDevOps' document.
const CALLS: &str = "ai_calls_total";
/// Calls that failed, by provider and why: the name of the same document.
const ERRORS_BY_KIND: &str = "ai_errors_total";
/// What calls cost, in US dollars: the name of the same document.
const COST: &str = "ai_cost_dollars_total";
/// How long calls took, in seconds.
pub const DURATION: &str = "pilothouse_ai_call_seconds";
/// How the breakers stand: 0 closed, 1 open, 2 half open.
const BREAKER: &str = "circuit_breaker_state";
/// What should not be told to strangers and was found, by what it is, where, and what became of it.
const FINDINGS: &str = "pilothouse_ai_findings_total";
/// Most models with a label of their own; the others are one.
const MAX_MODELS: usize = 100;
const OTHER: &str = "other";

/// Tells what the families are, and begins those that count with nothing.
pub fn describe() {
    describe_counter!(TOKENS, "Tokens of models by model and type");
    describe_counter!(ERRORS, "Calls of models that failed");
    describe_counter!(CALLS, "Calls of models by provider and model");
    describe_counter!(ERRORS_BY_KIND, "Calls of models that failed, by provider and why");
    describe_gauge!(COST, "What calls of models cost, in US dollars");
    describe_histogram!(DURATION, metrics::Unit::Seconds, "How long calls of models took");
    describe_counter!(FINDINGS, "Secrets and personal data found in what models are asked and answer");
    describe_gauge!(BREAKER, "Circuit breakers by provider and model: 0 closed, 1 open, 2 half open");
    counter!(ERRORS).absolute(0);
}

/// What counts the calls of each model that has a label of its own.
#[derive(Default)]
pub(super) struct Labels(Mutex<BTreeMap<String, ByProvider>>);

type ByProvider = Vec<(&'static str, Arc<Meters>)>;

/// What counts the calls of a model, looked up once.
struct Meters {
    /// The model, or what stands for those without a label.
    model: String,
    calls: Counter,
    sent: Counter,
    received: Counter,
    cost: Gauge,
    duration: Histogram,
}

impl Meters {
    fn new(provider: &'static str, model: &str) -> Self {
        let model = model.to_owned();
        Self {
            calls: counter!(CALLS, "provider" => provider, "model" => model.clone()),
            sent: counter!(TOKENS, "model" => model.clone(), "type" => "prompt"),
            received: counter!(TOKENS, "model" => model.clone(), "type" => "completion"),
            cost: gauge!(COST, "provider" => provider, "model" => model.clone()),
            duration: histogram!(DURATION, "provider" => provider, "model" => model.clone()),
            model,
        }
    }
}

impl Labels {
    fn of(&self, provider: &'static str, model: &str) -> Arc<Meters> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let model = if known.contains_key(model) || known.len() < MAX_MODELS { model } else { OTHER };
        let mut all = known.get(model).into_iter().flatten();
        if let Some((_, meters)) = all.find(|(name, _)| *name == provider) {
            return meters.clone();
        }
        let meters = Arc::new(Meters::new(provider, model));
        known.entry(model.to_owned()).or_default().push((provider, meters.clone()));
        meters
    }

    /// Counts a call that has ended.
    pub fn called(&self, target: &Target, tokens: Tokens, cost: NanoUsd, took: Duration, failed: Option<&Trouble>) {
        let provider = target.open.provider.wire.as_str();
        let meters = self.of(provider, &target.model);
        meters.calls.increment(1);
        meters.sent.increment(tokens.input);
        meters.received.increment(tokens.output);
        meters.cost.increment(cost.usd());
        meters.duration.record(took.as_secs_f64());
        if let Some(trouble) = failed {
            counter!(ERRORS).increment(1);
            counter!(ERRORS_BY_KIND, "provider" => provider, "error_type" => trouble.name()).increment(1);
        }
    }

    /// Tells how a breaker stands.
    pub fn breaker(&self, target: &Target, state: u8) {
        let provider = target.open.provider.wire.as_str();
        let model = self.of(provider, &target.model).model.clone();
        gauge!(BREAKER, "provider" => provider, "model" => model).set(f64::from(state));
    }
}

/// Counts what was found.
pub(super) fn found(kind: &'static str, place: &'static str, treatment: &'static str, count: u64) {
    counter!(FINDINGS, "kind" => kind, "place" => place, "treatment" => treatment).increment(count);
}

/// The span of a call, made where traces are exported: for a log line it has nothing to say.
pub(super) fn span(target: &Target) -> Span {
    let (provider, model) = (target.open.provider.wire.as_str(), target.model.as_str());
    tracing::debug_span!(
        target: TRACE, "chat", otel.name = format_args!("chat {model}"), otel.kind = "client",
        otel.status_code = field::Empty, gen_ai.operation.name = "chat", gen_ai.provider.name = provider,
        gen_ai.request.model = model, gen_ai.usage.input_tokens = field::Empty,
        gen_ai.usage.output_tokens = field::Empty, error.type = field::Empty,
    )
}

/// What the call took, and how it failed.
pub(super) fn ended(span: &Span, tokens: Tokens, failed: Option<&Trouble>) {
    span.record("gen_ai.usage.input_tokens", tokens.input);
    span.record("gen_ai.usage.output_tokens", tokens.output);
    if let Some(trouble) = failed {
        span.record("otel.status_code", "error");
        span.record("error.type", trouble.name());
    }
}
