//! Models for whoever calls: the gates, who pays, and what the audit log says of it.

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::ledger::Payer;
use pilothouse_domain::{Code, Role};
use serde_json::{Value, json};

use super::{Answered, Chat, Message, Parts, Wish};
use crate::{App, Caller, Error, audit, gates};

/// Longest name of a task, a project or a repository, in characters.
const MAX_NAME_CHARS: usize = 64;
/// Longest name of a model, in characters.
pub(super) const MAX_MODEL_CHARS: usize = 200;
/// Largest question, in bytes of its messages.
const MAX_QUESTION_BYTES: usize = 1 << 20;
/// Most tokens of an answer that may be asked for.
const MAX_ANSWER_TOKENS: u64 = 1 << 20;

/// What somebody asks a model.
#[derive(Debug, Clone)]
pub struct Question {
    /// For which kind of task.
    pub task: String,
    /// What; its model may be empty.
    pub chat: Chat,
    /// The prompt that is said first, by its name.
    pub prompt: Option<String>,
    /// For which project.
    pub project: Option<String>,
    /// For which repository.
    pub repository: Option<String>,
}

/// Asks a model and waits for the whole answer.
///
/// # Errors
/// As [`super::Gateway::complete`], those of the gates, and [`Code::BodyInvalid`].
pub async fn ask(app: &App, caller: &Caller, question: Question) -> Result<Answered, Error> {
    let wish = passed(app, caller, question).await?;
    app.gateway.complete(&caller.principal.tenant, wish).await
}

/// Asks a model and gives the answer as it comes.
///
/// # Errors
/// As [`super::Gateway::stream`], those of the gates, and [`Code::BodyInvalid`].
pub async fn stream(app: &App, caller: &Caller, question: Question) -> Result<Parts, Error> {
    let wish = passed(app, caller, question).await?;
    app.gateway.stream(&caller.principal.tenant, wish).await
}

async fn passed(app: &App, caller: &Caller, question: Question) -> Result<Wish, Error> {
    let Question { task, mut chat, prompt, project, repository } = question;
    let tenant = &caller.principal.tenant;
    let told = match prompt {
        Some(name) => Some(app.prompts.told(tenant, &name, app.gateway.draw()).await?),
        None => None,
    };
    if let Some(told) = &told {
        chat.messages.insert(0, Message::new(super::Role::System, told.prompt.text.clone()));
    }
    check(&chat)?;
    for (name, value) in [("task", Some(&task)), ("project", project.as_ref()), ("repository", repository.as_ref())] {
        if let Some(value) = value.filter(|value| value.chars().count() > MAX_NAME_CHARS) {
            let message = format!("it has at most {MAX_NAME_CHARS} characters");
            return Err(Error::unfit(name, &message, value.as_str().into()));
        }
    }
    let action = Action { worst_cost: app.gateway.worst_cost(tenant, &chat).await?, ..action(&task, &chat) };
    gates::pass(app, caller, &action).await?;
    let payer = Payer {
        project,
        repository,
        token: caller.token.map(|token| token.to_string()),
        user: Some(caller.principal.subject.clone()),
        task: Some(task),
        run: None,
    };
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    Ok(Wish { chat, payer, step: None, prompt: told.map(|told| told.id()), entry: Some(entry) })
}

/// What would be done, as people and rules see it.
fn action(task: &str, chat: &Chat) -> Action {
    let said: Vec<Value> = chat.messages.iter().map(told).collect();
    let payload = json!({"task": task, "model": chat.model, "max_tokens": chat.max_tokens, "messages": said});
    audit::action_of("ai.complete", Tier::Write, Role::Viewer, task, payload)
}

fn told(message: &Message) -> Value {
    json!({"role": message.role.as_str(), "content": message.text})
}

fn check(chat: &Chat) -> Result<(), Error> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || "-_.:/@".contains(char);
    let is_fit = chat.model.chars().all(is_name) && !chat.model.contains("..") && chat.model.len() <= MAX_MODEL_CHARS;
    if !is_fit {
        return Err(Error::unfit("model", "it is the name of a model", chat.model.as_str().into()));
    }
    let bytes: usize = chat.messages.iter().map(|message| message.text.len()).sum();
    if bytes > MAX_QUESTION_BYTES {
        let message = format!("The messages have at most {MAX_QUESTION_BYTES} bytes together.");
        return Err(Error::new(Code::BodyTooLarge, message));
    }
    if chat.max_tokens > MAX_ANSWER_TOKENS {
        let message = format!("it is at most {MAX_ANSWER_TOKENS}");
        return Err(Error::unfit("max_tokens", &message, chat.max_tokens.into()));
    }
    let in_range = |number: Option<f64>, most: f64| number.is_none_or(|number| (0.0..=most).contains(&number));
    if !in_range(chat.temperature, 2.0) {
        return Err(Error::unfit("temperature", "it is from 0 to 2", json!(chat.temperature)));
    }
    if !in_range(chat.top_p, 1.0) {
        return Err(Error::unfit("top_p", "it is from 0 to 1", json!(chat.top_p)));
    }
    Ok(())
}
