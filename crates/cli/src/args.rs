//! The command line as a type: what can be said, and how it is explained.

pub mod approvals;
pub mod runs;
pub mod schedules;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use approvals::ApprovalsCommand;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use pilothouse_domain::catalog::Dialect;
use runs::{QueueCommand, RunsCommand};
use schedules::SchedulesCommand;

/// A self-hosted control plane from which a team hands data and DevOps work to AI copilots, safely.
#[derive(Parser)]
#[command(name = "pilothouse", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The flag that may be given many times.
const SET: &str = "--set";

/// The words of the command line with every `--set` before the command. Given on both sides of it, the parser would
/// keep only those behind it, in silence.
pub fn gathered(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.into_iter();
    let mut front: Vec<OsString> = words.next().into_iter().collect();
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        if text == "--" {
            rest.push(word);
            rest.extend(words.by_ref());
        } else if text == SET {
            front.push(word);
            front.extend(words.next());
        } else if text.strip_prefix(SET).is_some_and(|value| value.starts_with('=')) {
            front.push(word);
        } else {
            rest.push(word);
        }
    }
    front.extend(rest);
    front
}

/// What applies to every command.
#[derive(Args)]
pub struct Global {
    /// Configuration file [default: pilothouse.toml, where there is one]
    #[arg(long, global = true, env = "PILOTHOUSE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of the database, the key and imported data
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Set one key of the configuration, for instance --set ask.wait_seconds=5
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// Act in this tenant
    #[arg(long, global = true, env = "PILOTHOUSE_TENANT", value_name = "TENANT", default_value = "default")]
    pub tenant: String,
    /// Ask this server [default: the one that runs on the data folder, or none]; its token is in PILOTHOUSE_TOKEN
    #[arg(long, global = true, env = "PILOTHOUSE_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// Take the token for --server from this file
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// What needs the configuration.
    #[command(flatten)]
    Work(Work),
    /// What only prints.
    #[command(flatten)]
    Print(Print),
    /// Runs queries for the program that started it
    #[command(name = QUERY_WORKER, hide = true)]
    QueryWorker,
}

/// The command by which the program starts a process of its own for queries.
pub const QUERY_WORKER: &str = "query-worker";

/// What needs the configuration.
#[derive(Subcommand)]
pub enum Work {
    /// Serve the page and the API, and work on runs
    Serve {
        /// Address and port
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
    },
    /// Work on runs beside other processes of the same PostgreSQL database, without page and API
    Worker {
        /// Queues to serve, separated by commas; all without it
        #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
        queues: Vec<String>,
        /// Runs worked on side by side
        #[arg(long, value_name = "N")]
        concurrency: Option<usize>,
    },
    /// What is asked of the API.
    #[command(flatten)]
    Call(Box<Call>),
    /// Ask a file of questions with known answers, and count what is right
    Eval {
        /// Folder of tables
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// JSON lines of {"question", "sql"}
        #[arg(long, value_name = "FILE")]
        questions: PathBuf,
        /// The semantic model of the tables, a YAML file [default: inferred]
        #[arg(long, value_name = "FILE")]
        semantic: Option<PathBuf>,
    },
    /// Say what is missing or unsafe, and how to mend it
    Doctor,
    /// Bring the database to this program's version
    Migrate,
}

/// What is asked of the API: of a named server, of the one that runs on the data folder, or of this process.
#[derive(Subcommand)]
pub enum Call {
    /// Ask a question and print the answer
    Ask {
        /// The question's words
        question: String,
        /// Ask this connection, by name
        #[arg(long, value_name = "NAME")]
        connection: Option<String>,
        /// Tell what a dear query takes instead of running it
        #[arg(long)]
        confirm_cost: bool,
    },
    /// Connect a folder or bucket of data files, or a PostgreSQL database
    Connect {
        /// The connection's name
        name: String,
        /// A folder, or a URL that begins with postgres://, s3://, gs://, az:// or abfss:// (- reads it from standard
        /// input)
        target: String,
        /// What a bucket needs besides its URL
        #[command(flatten)]
        bucket: Bucket,
    },
    /// Copy a data file into the installation, as a table that can be asked about
    Import {
        /// A Parquet, CSV or JSON file
        file: PathBuf,
    },
    /// Look at SQL
    Sql {
        /// What to do with it
        #[command(subcommand)]
        command: SqlCommand,
    },
    /// Make and list tenants
    Tenant {
        /// What to do
        #[command(subcommand)]
        command: TenantCommand,
    },
    /// Make, list and revoke API tokens
    Token {
        /// What to do
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Look at runs; cancel, retry, approve and discard them
    #[command(visible_alias = "run")]
    Runs {
        /// What to do
        #[command(subcommand)]
        command: RunsCommand,
    },
    /// Look at queues and workers; pause, resume and limit them
    #[command(visible_alias = "queues")]
    Queue {
        /// What to do
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// Look at schedules; make, change, pause and run them
    #[command(visible_alias = "schedule")]
    Schedules {
        /// What to do
        #[command(subcommand)]
        command: SchedulesCommand,
    },
    /// Look at what waits for people, and by which rules; agree, disagree, take back
    #[command(visible_alias = "approval")]
    Approvals {
        /// What to do
        #[command(subcommand)]
        command: ApprovalsCommand,
    },
    /// Work with the audit log
    Audit {
        /// What to do
        #[command(subcommand)]
        command: AuditCommand,
    },
}

/// What only prints.
#[derive(Subcommand)]
pub enum Print {
    /// Print the OpenAPI document
    Openapi,
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print a generated document of docs/
    #[command(hide = true)]
    Docs {
        /// configuration, errors or schema
        document: String,
    },
}

/// What a bucket needs besides its URL.
#[derive(Args)]
pub struct Bucket {
    /// The bucket's server, where it is not the cloud's own
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The region of an S3 bucket
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// The Azure storage account
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// A JSON file with the bucket's keys, for instance {"access_key_id", "secret_access_key"}; without one the bucket
    /// must be public
    #[arg(long, value_name = "FILE")]
    pub credentials: Option<PathBuf>,
}

/// What to do with SQL.
#[derive(Subcommand)]
pub enum SqlCommand {
    /// Say whether the guard lets a statement run, and why not
    ///
    /// With --policy no connection is asked: each line of standard input is a JSON object with "sql", and each line of
    /// output is that object with its verdict.
    Check {
        /// The statement (- reads it from standard input)
        #[arg(required_unless_present = "policy", conflicts_with = "policy")]
        sql: Option<String>,
        /// Check against this connection, by name
        #[arg(long, value_name = "NAME", conflicts_with = "policy")]
        connection: Option<String>,
        /// Check against the tables and rules of this YAML file
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
        /// The dialect of lines that name none: datafusion or postgresql
        #[arg(long, value_name = "DIALECT", requires = "policy", default_value = "datafusion")]
        dialect: Dialect,
    },
}

/// What to do with tenants.
#[derive(Subcommand)]
pub enum TenantCommand {
    /// Make a tenant
    Create {
        /// Its id
        id: String,
        /// Its name [default: the id]
        #[arg(long)]
        name: Option<String>,
    },
    /// List tenants
    List,
}

/// What to do with tokens.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token for a person or a service and print it, once
    Create {
        /// The person or service
        subject: String,
        /// viewer, member, operator or admin
        #[arg(long, default_value = "member")]
        role: String,
        /// Days until it expires
        #[arg(long, value_name = "DAYS")]
        expires_in_days: Option<u32>,
    },
    /// List the tenant's tokens
    List,
    /// Revoke a token at once
    Revoke {
        /// The token's id
        id: String,
    },
}

/// What to do with the audit log.
#[derive(Subcommand)]
pub enum AuditCommand {
    /// Prove that no row of any chain was changed or removed
    Verify,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the command asks, where it is a question.
    fn question(command: Command) -> Option<String> {
        let Command::Work(Work::Call(call)) = command else { return None };
        if let Call::Ask { question, .. } = *call { Some(question) } else { None }
    }

    #[test]
    fn settings_are_kept_on_both_sides_of_the_command() {
        let words = ["pilothouse", "--set", "a=1", "ask", "--set=b=2", "why?", "--set", "c=3"].map(OsString::from);
        let cli = Cli::parse_from(gathered(words));
        assert_eq!(cli.global.set, ["a=1", "b=2", "c=3"]);
        assert_eq!(question(cli.command).as_deref(), Some("why?"));
    }

    #[test]
    fn what_stands_behind_two_dashes_is_left_alone() {
        let words = ["pilothouse", "ask", "--", "--set"].map(OsString::from);
        let command = Cli::parse_from(gathered(words)).command;
        assert_eq!(question(command).as_deref(), Some("--set"));
    }
}
