//! What can be said about approvals.

use std::path::PathBuf;

use clap::Subcommand;

/// What to do with what waits for people.
#[derive(Subcommand)]
pub enum ApprovalsCommand {
    /// List what waits, or what became of what did
    List {
        /// pending, approved, used, rejected, revoked, expired or void
        #[arg(long, default_value = "pending")]
        state: String,
    },
    /// Show exactly what would be done, why it waits, and who has said what
    Show {
        /// Its id
        id: String,
    },
    /// Agree to it
    Approve {
        /// Its id
        id: String,
        /// Why
        #[arg(long, value_name = "WORDS")]
        comment: Option<String>,
        /// For a query: run this statement instead (- reads it from standard input)
        #[arg(long, value_name = "SQL")]
        sql: Option<String>,
    },
    /// Disagree: one who may decide is enough
    Reject {
        /// Its id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Take it back before it is used
    Revoke {
        /// Its id
        id: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
    /// Give it alone, in an emergency; somebody else looks at that later
    BreakGlass {
        /// Its id
        id: String,
        /// Why, in at least 10 characters
        #[arg(long)]
        reason: String,
    },
    /// Show the rules about what waits for people
    Rules {
        /// Try the rules of this YAML file on the last 30 days, and store nothing
        #[arg(long, value_name = "FILE", conflicts_with = "put")]
        check: Option<PathBuf>,
        /// Store the rules of this YAML file
        #[arg(long, value_name = "FILE")]
        put: Option<PathBuf>,
    },
}
