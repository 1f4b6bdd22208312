//! What can be said about schedules.

use clap::{Args, Subcommand};

/// What to do with schedules; each is named by its name or its id.
#[derive(Subcommand)]
pub enum SchedulesCommand {
    /// List the schedules, by name
    List,
    /// Show one schedule with its last runs
    Show {
        /// Its name or id
        name: String,
    },
    /// Print a schedule's next ticks
    Next {
        /// Its name or id
        name: String,
        /// How many, 1 to 100
        #[arg(long, default_value_t = 5)]
        count: u32,
    },
    /// Make a schedule; its runs act for whoever makes it
    Create {
        /// Its name
        name: String,
        /// Which workflow
        #[arg(long, default_value = "ask")]
        kind: String,
        /// What it is to do, and when
        #[command(flatten)]
        plan: Plan,
    },
    /// Change what is named of a schedule; its runs act for whoever changes it
    Change {
        /// Its name or id
        name: String,
        /// Call it so from now on
        #[arg(long, value_name = "NAME")]
        rename: Option<String>,
        /// What it is to do, and when
        #[command(flatten)]
        plan: Plan,
    },
    /// Remove a schedule; its runs stay
    Remove {
        /// Its name or id
        name: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
    /// Keep schedules from firing
    Pause {
        /// Their names or ids
        #[arg(required_unless_present = "all")]
        names: Vec<String>,
        /// All of the tenant
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Let schedules fire again; their catch-up policy says what becomes of the ticks that they missed
    Resume {
        /// Their names or ids
        #[arg(required_unless_present = "all")]
        names: Vec<String>,
        /// All of the tenant
        #[arg(long, conflicts_with = "names")]
        all: bool,
    },
    /// Run a schedule's workflow now, beside its plan
    Run {
        /// Its name or id
        name: String,
        /// Wait until the run has ended; the exit code is 3 unless it ended well
        #[arg(long)]
        wait: bool,
    },
    /// Say whether the schedules are looked after; the exit code is 3 where they are not, or where one is late
    Status,
}

/// What a schedule is to do, and when.
#[derive(Args, Default)]
pub struct Plan {
    /// When, as a cron expression of five fields, or of six with seconds before them
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "every")]
    pub cron: Option<String>,
    /// The time zone of the cron expression, for instance Europe/Berlin [default: UTC]
    #[arg(long, value_name = "ZONE", conflicts_with = "every")]
    pub zone: Option<String>,
    /// When, as the time from one tick to the next, for instance 15m
    #[arg(long, value_name = "TIME")]
    pub every: Option<String>,
    /// Ask this question
    #[arg(long, value_name = "WORDS", conflicts_with = "input")]
    pub question: Option<String>,
    /// Ask this connection, by name
    #[arg(long, value_name = "NAME", conflicts_with = "input")]
    pub connection: Option<String>,
    /// What the runs are given (- reads it from standard input)
    #[arg(long, value_name = "JSON")]
    pub input: Option<String>,
    /// While a run has not ended: skip, queue or replace [default: skip]
    #[arg(long, value_name = "POLICY")]
    pub overlap: Option<String>,
    /// After missed ticks: none, last, all or bounded:N [default: last]
    #[arg(long, value_name = "POLICY")]
    pub catch_up: Option<String>,
    /// Delay each tick by up to so much, for instance 30s
    #[arg(long, value_name = "TIME")]
    pub jitter: Option<String>,
    /// The queue of its runs [default: the workflow's own]
    #[arg(long)]
    pub queue: Option<String>,
}
