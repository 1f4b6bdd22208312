//! The settings of the use cases. The command line reads them; this module only says what they are.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use pilothouse_domain::approval::policy::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much the program trusts its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One person on one machine: the page signs itself in, example tokens work, loopback addresses only.
    Development,
    /// Everything else: every caller proves who it is.
    Production,
}

impl Mode {
    /// The mode as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// All settings of the use cases.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How much the program trusts its surroundings.
    pub mode: Mode,
    /// `[auth]`.
    pub auth: Auth,
    /// `[limits]`.
    pub limits: Limits,
    /// `[ask]`.
    pub ask: Ask,
    /// `[approvals]`.
    pub approvals: Approvals,
    /// The rules of `approvals.rules`, as they were read.
    pub approval_rules: Vec<Rule>,
    /// `[budgets]`.
    pub budgets: Budgets,
    /// `[ai]`.
    pub ai: Ai,
    /// `[engine]`.
    pub engine: Engine,
    /// `[sample]`.
    pub sample: Sample,
    /// `[imports]`.
    pub imports: Imports,
    /// Where imported files are kept, a folder for each tenant; the warehouse may read it.
    pub imports_folder: PathBuf,
}

/// `[auth]`: who may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// Whether callers must prove who they are; `false` only works on a loopback address in development mode.
    pub enabled: bool,
    /// Whether a request must name its tenant, instead of meaning the default one.
    pub tenant_strict: bool,
    /// How long a browser session lasts, in hours.
    pub session_hours: u32,
}

impl Default for Auth {
    fn default() -> Self {
        Self { enabled: true, tenant_strict: false, session_hours: 24 * 7 }
    }
}

/// `[limits]`: how many requests a tenant and token may send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Whether requests are limited at all.
    pub enabled: bool,
    /// Requests in a window.
    pub requests: u32,
    /// The window, in seconds.
    pub window_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { enabled: false, requests: 60, window_seconds: 60 }
    }
}

/// `[ask]`: how questions are worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ask {
    /// How long a request waits for its answer before it is told the run's id instead, in seconds.
    pub wait_seconds: u64,
    /// Longest question, in characters.
    pub max_question_chars: usize,
    /// Questions of a tenant that may wait for their turn before further ones are turned away.
    pub max_waiting: usize,
}

impl Ask {
    /// How long a request waits that would wait so long; one that does not say waits as long as it may.
    pub fn patience(&self, wanted: Option<Duration>) -> Duration {
        let most = Duration::from_secs(self.wait_seconds);
        wanted.map_or(most, |wanted| wanted.min(most))
    }
}

impl Default for Ask {
    fn default() -> Self {
        Self { wait_seconds: 20, max_question_chars: 2_000, max_waiting: 64 }
    }
}

/// `[approvals]`: what people decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Approvals {
    /// How long an approval holds once it is given, in seconds.
    pub ttl_seconds: u64,
    /// Whether people may approve what they ask for themselves, as members too; where it is not set, in development mode
    /// only. Where they may not, operators decide, and nobody about their own.
    pub own: Option<bool>,
    /// The risk, from 0 to 1, from which a person must approve.
    pub risk_threshold: f64,
    /// A YAML file of rules about what waits for people; none means those that are built in. It is read at the start.
    pub rules: Option<PathBuf>,
    /// Whether admins may give an approval alone in an emergency, with a reason that somebody else looks at later.
    pub break_glass: bool,
    /// After how long an approval that nobody has decided counts as overdue, in seconds; 0 means never.
    pub escalate_seconds: u64,
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            ttl_seconds: 3_600,
            own: None,
            risk_threshold: 0.7,
            rules: None,
            break_glass: true,
            escalate_seconds: 900,
        }
    }
}

/// `[budgets]`: what each tenant may spend where it has set no limit of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// By whose clocks days and months are counted: the name of a time zone, for instance Europe/Berlin.
    pub time_zone: String,
    /// Money in a month, in US dollars; not set means no limit.
    pub month_usd: Option<f64>,
    /// Money in a day, in US dollars.
    pub day_usd: Option<f64>,
    /// Money of one run, in US dollars.
    pub run_usd: Option<f64>,
    /// Tokens of models for one run, or for one call outside of any run.
    pub run_tokens: Option<u64>,
    /// Tokens of models for one user in a day.
    pub user_day_tokens: Option<u64>,
    /// Tokens for one user in a month.
    pub user_month_tokens: Option<u64>,
    /// Tokens for one repository in a day.
    pub repository_day_tokens: Option<u64>,
    /// Tokens for all of a tenant in a month.
    pub tenant_month_tokens: Option<u64>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            month_usd: Some(250.0),
            day_usd: None,
            run_usd: None,
            run_tokens: None,
            user_day_tokens: Some(100_000),
            user_month_tokens: Some(2_000_000),
            repository_day_tokens: Some(500_000),
            tenant_month_tokens: Some(10_000_000),
        }
    }
}

/// What becomes of what should not be told to strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    /// It is not looked for.
    Off,
    /// It passes, and is written down: what it is, not the thing itself.
    Report,
    /// Its name stands in its place, and that is written down.
    Mask,
    /// The call is refused, and that is written down.
    Block,
}

impl Treatment {
    /// The treatment as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Report => "report",
            Self::Mask => "mask",
            Self::Block => "block",
        }
    }
}

/// `[ai]`: the model that everybody may ask who has no provider of their own.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ai {
    /// The key of its provider; without it and without an address every answer is made without a model.
    pub api_key: Option<String>,
    /// Where the provider answers; none means where OpenAI does, or whoever made the language of `ai.wire`.
    pub base_url: Option<String>,
    /// The provider's language: `openai`, `openai_compatible`, `openai_responses`, `anthropic` or `gemini`. Not set means
    /// `openai`, or with an address `openai_compatible`.
    pub wire: Option<String>,
    /// The model that is meant where none is named.
    pub model: String,
    /// Most tokens of an answer where nobody says otherwise.
    pub max_tokens: u64,
    /// How freely the model answers where nobody says otherwise, from 0 to 2; not set means as its provider likes.
    pub temperature: Option<f64>,
    /// How long a model may take to answer, in seconds; of an answer that comes bit by bit, to the next of it.
    pub timeout_seconds: u64,
    /// A YAML file with what models are told to do, in the place of what comes with the program; it is looked at while the
    /// program runs. Not set means that there is none.
    pub prompts_file: Option<PathBuf>,
    /// Whether models may be asked whose price nobody knows; their tokens count, and their money does not.
    pub allow_unpriced: bool,
    /// What becomes of secrets in what is asked and answered: `off`, `report`, `mask` or `block`.
    pub secrets: Treatment,
    /// What becomes of personal data there, as far as it has a form that can be checked.
    pub personal: Treatment,
    /// Whether models are told names alone: never rows, and no values of fields either. Rows they are never told of questions.
    pub private: bool,
    /// Whether providers of tenants may be on this machine or in private networks. The provider above may.
    pub allow_private_addresses: bool,
}

impl Default for Ai {
    fn default() -> Self {
        Self {
            api_key: None,
            base_url: None,
            wire: None,
            model: "gpt-4o-mini".to_owned(),
            max_tokens: 2_048,
            temperature: None,
            timeout_seconds: 60,
            prompts_file: None,
            allow_unpriced: false,
            secrets: Treatment::Mask,
            personal: Treatment::Report,
            private: false,
            allow_private_addresses: false,
        }
    }
}

impl fmt::Debug for Ai {
    /// Everything but the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Ai");
        shown.field("base_url", &self.base_url).field("wire", &self.wire).field("model", &self.model);
        shown.field("has_key", &self.api_key.is_some()).finish_non_exhaustive()
    }
}

/// `[engine]`: how this process works on runs, and how long runs are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engine {
    /// Runs worked on side by side.
    pub concurrency: usize,
    /// The queues that are served; none means all.
    pub queues: Vec<String>,
    /// How long a worker may be silent before its runs are given to others, in seconds.
    pub lease_seconds: u64,
    /// How long a process that stops lets its runs come to an end, in seconds.
    pub drain_seconds: u64,
    /// After how long without a word a run counts as standing still, in seconds; such runs are shown, and nothing is
    /// done to them.
    pub stuck_after_seconds: u64,
    /// How long runs that have ended are kept, in days.
    pub retention_days: u32,
    /// How long dead letters are kept, in days.
    pub retention_dead_days: u32,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            concurrency: 16,
            queues: Vec::new(),
            lease_seconds: 10,
            drain_seconds: 10,
            stuck_after_seconds: 1_800,
            retention_days: 30,
            retention_dead_days: 90,
        }
    }
}

/// `[sample]`: the read-only sample data that every tenant sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sample {
    /// The folder of the sample tables; none means that there is no sample connection.
    pub path: Option<PathBuf>,
    /// The semantic model of the sample tables, a YAML file; none means that it is inferred.
    pub semantic: Option<PathBuf>,
}

/// `[imports]`: data files that are copied into the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Imports {
    /// Largest file that can be imported, in bytes.
    pub max_bytes: u64,
}

impl Default for Imports {
    fn default() -> Self {
        Self { max_bytes: 4 << 30 }
    }
}
