//! The configuration: one struct per section, read from defaults, a file, the environment and flags, in that order.
//!
//! Reading is a pure function of texts ([`load`]); opening files and looking at the environment is the caller's. It
//! must not know what the settings are used for: the sections belong to the crates that use them. Read first:
//! [`Config`], [`load`] and [`aliases`] (the variables of the five originals).

pub mod aliases;
mod apply;
mod docs;
mod env;
mod error;
mod file;
mod layers;
mod schema;
mod serving;
mod value;

pub use docs::{configuration_md, errors_md};
pub use env::file_variable;
pub use error::{Error, Place};
pub use layers::{Loaded, Note, NoteKind, load};
pub use schema::{Key, keys, schema};
pub use serving::DatabaseTarget;

use std::fmt;
use std::path::PathBuf;

use pilothouse_app::Mode;
use pilothouse_app::settings::{Ai, Approvals, Ask, Auth, Budgets, Engine, Imports, Limits, Sample};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the configuration file is looked for when nobody names one.
pub const DEFAULT_FILE: &str = "pilothouse.toml";

/// Every setting of the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How much the program trusts its surroundings; where it is not set, development on a loopback address and
    /// production elsewhere.
    pub mode: Option<Mode>,
    /// The folder of everything the program keeps: database, key, caches.
    pub data_dir: PathBuf,
    /// `[database]`.
    pub database: Database,
    /// `[server]`.
    pub server: pilothouse_api::Settings,
    /// `[auth]`.
    pub auth: Auth,
    /// `[limits]`.
    pub limits: Limits,
    /// `[ask]`.
    pub ask: Ask,
    /// `[approvals]`.
    pub approvals: Approvals,
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
    /// `[warehouse]`.
    pub warehouse: pilothouse_warehouse::Settings,
    /// `[log]`.
    pub log: Log,
    /// `[telemetry]`.
    pub telemetry: Telemetry,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: None,
            data_dir: PathBuf::from("pilothouse-data"),
            database: Database::default(),
            server: pilothouse_api::Settings::default(),
            auth: Auth::default(),
            limits: Limits::default(),
            ask: Ask::default(),
            approvals: Approvals::default(),
            budgets: Budgets::default(),
            ai: Ai::default(),
            engine: Engine::default(),
            sample: Sample::default(),
            imports: Imports::default(),
            warehouse: pilothouse_warehouse::Settings::default(),
            log: Log::default(),
            telemetry: Telemetry::default(),
        }
    }
}

/// `[database]`: where the program keeps its own records.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host:port/database` or `sqlite:PATH`; none means `pilothouse.db` in the data folder.
    pub url: Option<String>,
}

impl fmt::Debug for Database {
    /// Shows the kind of database only: the rest of the URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.as_deref().map(|url| url.split_once(':').map_or("?", |(scheme, _)| scheme));
        f.debug_struct("Database").field("scheme", &scheme).finish_non_exhaustive()
    }
}

/// `[log]`: what the program tells about its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The least that is logged: `error`, `warn`, `info`, `debug` or `trace`, or directives such as
    /// `info,pilothouse_engine=debug`.
    pub level: String,
    /// `text` for people, `json` for machines.
    pub format: Format,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: Format::Text }
    }
}

/// `[telemetry]`: traces for an OpenTelemetry collector. Metrics are at `/metrics` and are not exported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The collector's address for OTLP over HTTP, for instance `http://127.0.0.1:4318`; none means that no traces are
    /// exported. Headers for it are taken from `OTEL_EXPORTER_OTLP_HEADERS`.
    pub otlp_endpoint: Option<String>,
    /// The name that traces carry as `service.name`.
    pub service_name: String,
    /// How many of a hundred requests are traced; a caller's own decision in `traceparent` wins.
    pub sample_percent: u8,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { otlp_endpoint: None, service_name: "pilothouse".to_owned(), sample_percent: 100 }
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One line of text each.
    Text,
    /// One JSON object each.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let config = load(Some("[database]\nurl = 'postgres://ada:hunter2@db/ph'"), &[], &[]).unwrap().config;
        let shown = format!("{config:?}");
        assert!(shown.contains("postgres") && !shown.contains("hunter2") && !shown.contains("ada"), "{shown}");
    }
}
