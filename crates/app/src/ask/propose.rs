//! The model's part in reading a question: it proposes a reading, which is judged like any other and never runs by itself.

use std::sync::Arc;
use std::time::Duration;

use pilothouse_ai::planner::Context;
use pilothouse_ai::proposal::{self, Brief, Proposal};
use pilothouse_domain::action::Tier;
use pilothouse_domain::approval::policy::{Effect, Facts, Figure};
use pilothouse_domain::audit::{Entry, Outcome};
use pilothouse_domain::canonical::payload_hash;
use pilothouse_domain::ledger::Payer;
use pilothouse_domain::semantic::{Query, explain};
use pilothouse_domain::{Clock, Code};
use pilothouse_engine::{Failure, Journal};
use pilothouse_warehouse::guard::Guard;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Input;
use super::validate::askable;
use crate::Error;
use crate::approvals::Approvals;
use crate::gateway::{Answered, Chat, Gateway, Message, Role, Wish};
use crate::prompts::{Prompts, Told};
use crate::sources::Open;

/// What a model is told to do, and what it is told when that went wrong.
const PROMPT: &str = "ask";
const REPAIR: &str = "ask_repair";
/// What charges for it are told apart by.
const TASK: &str = "ask";
/// The action, as the rules and the audit log know it.
const ACTION: &str = "ai.complete";
/// Longest wait for a model: the question is answered without it then.
const PATIENCE: Duration = Duration::from_secs(12);
/// Most characters of what a model says beside its proposal.
const MAX_WHY_CHARS: usize = 500;

/// What came of asking a model. Stored in the journal, so its fields are added to and not renamed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Proposed {
    /// What it proposes.
    pub what: What,
    /// What it says to it, or why nothing came of it.
    pub why: String,
    /// Who was asked and what that took; none where nobody was.
    pub by: Option<By>,
}

/// What a model proposes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(super) enum What {
    /// A reading that can be asked.
    Query {
        /// It.
        query: Box<Query>,
        /// It, in words.
        text: String,
    },
    /// A statement that the guard lets run.
    Sql {
        /// It.
        sql: String,
    },
    /// That the question cannot be answered.
    No,
    /// No model is configured.
    #[default]
    Unasked,
    /// Nothing that could be used, for the reason with this code.
    Nothing {
        /// The code.
        code: String,
    },
}

/// Who was asked, and what that took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct By {
    /// The provider.
    pub provider: String,
    /// The model, as it is called there.
    pub model: String,
    /// The version of the prompt.
    pub prompt: String,
    /// What it cost, in nano-USD.
    pub nano_usd: i64,
}

/// Asks models.
pub(crate) struct Proposer {
    pub gateway: Arc<Gateway>,
    pub prompts: Arc<Prompts>,
    pub approvals: Arc<Approvals>,
    pub clock: Arc<dyn Clock>,
    /// Whether models may be told which values there are.
    pub tells_values: bool,
}

/// A question on its way to a model.
pub(super) struct Asked<'a> {
    pub journal: &'a Journal,
    pub open: &'a Open,
    pub guard: &'a Guard,
    pub input: &'a Input,
    pub context: Context<'a>,
}

impl Proposer {
    /// Asks for a reading. Whatever goes wrong, the question goes on without it.
    pub(super) async fn propose(&self, asked: &Asked<'_>) -> Result<Proposed, Failure> {
        let tenant = asked.journal.tenant();
        if !self.gateway.is_configured(tenant).await? {
            return Ok(Proposed::default());
        }
        let late = || Error::new(Code::AiUnavailable, "The model did not answer in time.");
        Ok(match tokio::time::timeout(PATIENCE, self.ask(asked)).await {
            Ok(Ok(proposed)) => proposed,
            Ok(Err(error)) => nothing(&error),
            Err(_) => nothing(&late()),
        })
    }

    async fn ask(&self, asked: &Asked<'_>) -> Result<Proposed, Error> {
        let Asked { journal, open, input, context, .. } = asked;
        let tenant = journal.tenant();
        let told = self.prompts.told(tenant, PROMPT, draw(journal)).await?;
        let brief = Brief::of(&open.model, &input.question, self.tells_values);
        let question = json!({"question": input.question, "today": context.today.to_string(), "previous": context.previous,
            "data": brief.value, "data_is_whole": brief.is_whole, "dialect": open.catalog.dialect});
        let messages =
            vec![Message::new(Role::System, told.prompt.text.clone()), Message::new(Role::User, question.to_string())];
        let mut wish = Wish { chat: chat(messages), ..self.wish(asked, &told) };
        self.judge(asked, &wish.chat).await?;
        let answered = self.gateway.complete(tenant, wish.clone()).await?;
        let fault = match self.read(asked, &answered) {
            Ok((what, why)) => return Ok(Proposed { what, why, by: Some(by(&[&answered])) }),
            Err(fault) => fault,
        };
        let repair = self.prompts.told(tenant, REPAIR, draw(journal)).await?;
        wish.chat.messages.extend([
            Message::new(Role::Assistant, answered.reply.text.clone()),
            Message::new(Role::User, json!({"rule": repair.prompt.text, "fault": fault}).to_string()),
        ]);
        let mended = self.gateway.complete(tenant, wish).await?;
        let by = Some(by(&[&answered, &mended]));
        Ok(match self.read(asked, &mended) {
            Ok((what, why)) => Proposed { what, why, by },
            Err(why) => Proposed {
                what: What::Nothing { code: Code::AiOutputInvalid.as_str().to_owned() },
                why: brief_words(why),
                by,
            },
        })
    }

    /// What a model's answer proposes, as far as it can be asked: over this model, and past the guard.
    fn read(&self, asked: &Asked<'_>, answered: &Answered) -> Result<(What, String), String> {
        let Asked { open, guard, .. } = asked;
        let (proposal, why) = proposal::read(answered.value.clone().unwrap_or_default())?;
        let what = match proposal {
            Proposal::Query(query) => {
                askable(open, guard, &query)?;
                let text = explain(&query, &open.model).text;
                What::Query { query, text }
            }
            Proposal::Sql(sql) => {
                let report = guard.check(&sql);
                if report.canonical.is_none() {
                    let reasons: Vec<&str> = report.reasons.iter().map(|reason| reason.message.as_str()).collect();
                    return Err(reasons.join("; "));
                }
                What::Sql { sql }
            }
            Proposal::No => What::No,
        };
        Ok((what, brief_words(why)))
    }

    /// What the rules say of asking a model: only what they allow is done, since nobody waits for it.
    async fn judge(&self, asked: &Asked<'_>, chat: &Chat) -> Result<(), Error> {
        let Asked { journal, input, .. } = asked;
        let cost = Figure::Is(self.gateway.worst_cost(journal.tenant(), chat).await?);
        let facts = self.approvals.facts(ACTION, Tier::Write, (journal.subject(), input.role));
        let ruling =
            self.approvals.judge(journal.tenant(), &Facts { resource: TASK.to_owned(), cost, ..facts }).await?;
        if ruling.effect == Effect::Allow {
            return Ok(());
        }
        let rule = ruling.rule.unwrap_or_default();
        Err(Error::new(Code::PolicyDenied, format!("The rule '{rule}' does not let a model be asked.")))
    }

    fn wish(&self, asked: &Asked<'_>, told: &Told) -> Wish {
        let Asked { journal, input, .. } = asked;
        let payer = Payer {
            user: Some(journal.subject().to_owned()),
            task: Some(TASK.to_owned()),
            run: Some(journal.id().to_string()),
            ..Payer::default()
        };
        let entry = Entry {
            scope: journal.tenant().to_string(),
            at: self.clock.now(),
            subject: journal.subject().to_owned(),
            action: ACTION.to_owned(),
            resource: TASK.to_owned(),
            payload_hash: payload_hash(&json!({"question": input.question, "prompt": told.id()})),
            outcome: Outcome::Allowed,
            code: String::new(),
            request_id: input.request_id.clone(),
            count: 1,
        };
        let step = Some(super::PLANNER.to_owned());
        Wish { chat: chat(Vec::new()), payer, step, prompt: Some(told.id()), entry: Some(entry) }
    }
}

fn chat(messages: Vec<Message>) -> Chat {
    let mut chat = Chat::new(String::new(), messages, 0);
    chat.format = proposal::format();
    chat
}

/// Of one run always the same, whenever it is tried.
fn draw(journal: &Journal) -> f64 {
    f64::from(journal.id().0.as_fields().0 ^ journal.id().0.as_u128() as u32) / (f64::from(u32::MAX) + 1.0)
}

fn by(answers: &[&Answered]) -> By {
    let last = answers[answers.len() - 1];
    By {
        provider: last.provider.clone(),
        model: last.model.clone(),
        prompt: last.prompt.clone().unwrap_or_default(),
        nano_usd: answers.iter().map(|answered| answered.cost.0).sum(),
    }
}

fn nothing(error: &Error) -> Proposed {
    let code = error.code.as_str().to_owned();
    Proposed { what: What::Nothing { code }, why: brief_words(error.message.clone()), by: None }
}

fn brief_words(words: String) -> String {
    words.chars().take(MAX_WHY_CHARS).collect()
}

impl Proposed {
    /// It in a sentence; none where no model was asked.
    pub fn in_words(&self) -> Option<String> {
        Some(match &self.what {
            What::Unasked => return None,
            What::Query { text, .. } => format!("A model reads the question as: {text}"),
            What::Sql { .. } => "A model would ask it in SQL.".to_owned(),
            What::No => format!("A model says that it cannot be answered: {}", self.why),
            What::Nothing { .. } => format!("Nothing came of asking a model: {}", self.why),
        })
    }

    /// What an answer tells of it; none where no model was asked.
    pub fn told(&self) -> Option<Value> {
        let reading = match &self.what {
            What::Unasked => return None,
            What::Query { query, text } => json!({"text": text, "query": query}),
            _ => Value::Null,
        };
        let sql = if let What::Sql { sql } = &self.what { Value::from(sql.as_str()) } else { Value::Null };
        let code = if let What::Nothing { code } = &self.what { Value::from(code.as_str()) } else { Value::Null };
        let by = self.by.as_ref();
        Some(json!({"reading": reading, "sql": sql, "says": self.why, "code": code,
            "provider": by.map(|by| &by.provider), "model": by.map(|by| &by.model), "prompt": by.map(|by| &by.prompt),
            "cost_usd": by.map(|by| by.nano_usd as f64 / 1e9)}))
    }
}
