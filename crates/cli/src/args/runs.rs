//! What can be said about runs and queues.

use clap::{Args, Subcommand};

/// What to do with runs.
#[derive(Subcommand)]
pub enum RunsCommand {
    /// List runs, newest first
    List {
        /// Which runs
        #[command(flatten)]
        which: Which,
        /// With one of these states, separated by commas
        #[arg(long, value_name = "STATES")]
        status: Option<String>,
        /// How many, 1 to 200
        #[arg(long, default_value_t = 50)]
        limit: u32,
        /// Go on where the list before ended
        #[arg(long, value_name = "CURSOR")]
        cursor: Option<String>,
    },
    /// Start a run of a workflow
    Start {
        /// The workflow: ask
        kind: String,
        /// What it is given, for instance {"message": "How many flights were there?"} (- reads it from standard input)
        #[arg(long, value_name = "JSON")]
        input: Option<String>,
        /// The queue [default: the workflow's own]
        #[arg(long)]
        queue: Option<String>,
        /// Begin after, for instance, 10m
        #[arg(long = "in", value_name = "TIME")]
        delay: Option<String>,
        /// Start it only where the tenant has no run of the workflow with this key
        #[arg(long)]
        key: Option<String>,
        /// Wait for its end; the exit code is 3 unless it ended well
        #[arg(long)]
        wait: bool,
    },
    /// Show one run with its steps and attempts
    Show {
        /// The run's id
        id: String,
    },
    /// Print what a run logged
    Logs {
        /// The run's id
        id: String,
        /// Of this level or a higher one: trace, debug, info, warn or error
        #[arg(long, default_value = "trace")]
        level: String,
        /// Of the workflow's step at this place only: 1, 2, 3 …
        #[arg(long, value_name = "N")]
        step: Option<u32>,
        /// How many of the newest lines, 1 to 1000
        #[arg(long, default_value_t = 100)]
        lines: u32,
        /// Go on printing until the run has ended
        #[arg(long)]
        follow: bool,
    },
    /// Wait for a run's end; the exit code is 3 unless it ended well
    Watch {
        /// The run's id
        id: String,
    },
    /// Cancel runs by id, or those that a filter means after a look at them; nothing is deleted
    Cancel {
        /// Ids
        ids: Vec<String>,
        /// Which runs, where no ids are given
        #[command(flatten)]
        which: Which,
        /// With one of these states, separated by commas [default: all that have not ended]
        #[arg(long, value_name = "STATES")]
        status: Option<String>,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
    /// Try runs again by id, or those that a filter means after a look at them
    Retry {
        /// Ids
        ids: Vec<String>,
        /// All dead letters that the filter means
        #[arg(long)]
        dead: bool,
        /// All failed runs that the filter means
        #[arg(long)]
        failed: bool,
        /// Which runs, where no ids are given
        #[command(flatten)]
        which: Which,
        /// Wait until the runs have ended
        #[arg(long)]
        wait: bool,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
    /// List dead letters
    Dead {
        /// Which runs
        #[command(flatten)]
        which: Which,
    },
    /// Decide that nothing is to be done about dead letters, by id, or about those that a filter means
    Discard {
        /// Ids
        ids: Vec<String>,
        /// All dead letters that the filter means
        #[arg(long)]
        dead: bool,
        /// Which runs, where no ids are given
        #[command(flatten)]
        which: Which,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
    },
    /// List runs that stand still; the exit code is 3 where there are any
    Stuck {
        /// Without a word for so long, for instance 30m [default: engine.stuck_after_seconds]
        #[arg(long, value_name = "TIME")]
        after: Option<String>,
    },
    /// Take back at once what vanished workers hold
    Reconcile {
        /// Silent for so long, for instance 60s
        #[arg(long, value_name = "TIME", default_value = "60s")]
        stale_after: String,
    },
    /// Approve a run that waits for it
    Approve {
        /// The run's id
        id: String,
        /// What is to be remembered of it
        #[arg(long, value_name = "TEXT")]
        comment: Option<String>,
    },
    /// Reject a run that waits for an approval
    Reject {
        /// The run's id
        id: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Send a run a signal
    Signal {
        /// The run's id
        id: String,
        /// The signal's name
        name: String,
        /// Its content (- reads it from standard input)
        #[arg(long, value_name = "JSON")]
        payload: Option<String>,
    },
}

/// Which runs are meant.
#[derive(Args, Default)]
pub struct Which {
    /// Of this workflow
    #[arg(long)]
    pub kind: Option<String>,
    /// Of this queue
    #[arg(long)]
    pub queue: Option<String>,
    /// Asked for by this person or service
    #[arg(long)]
    pub subject: Option<String>,
    /// Whose last error has this code
    #[arg(long, value_name = "CODE")]
    pub error: Option<String>,
    /// Asked for in the last, for instance, 2h
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Asked for longer ago than, for instance, 1h
    #[arg(long, value_name = "TIME")]
    pub older_than: Option<String>,
}

/// What to do with queues.
#[derive(Subcommand)]
pub enum QueueCommand {
    /// List the queues with how deep they are
    List {
        /// Count the runs of all tenants
        #[arg(long)]
        all_tenants: bool,
    },
    /// Show one queue
    Show {
        /// Its name
        name: String,
        /// Count the runs of all tenants
        #[arg(long)]
        all_tenants: bool,
    },
    /// Keep a queue's runs from beginning, in all tenants
    Pause {
        /// Its name
        name: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Let a queue's runs begin again
    Resume {
        /// Its name
        name: String,
    },
    /// Show what a queue allows, or change it, in all tenants
    Limits {
        /// Its name
        name: String,
        /// Most runs at work, or none
        #[arg(long, value_name = "N")]
        total: Option<String>,
        /// Most runs of one tenant at work, or none
        #[arg(long, value_name = "N")]
        per_tenant: Option<String>,
        /// Most runs of one tenant with the same key at work, or none
        #[arg(long, value_name = "N")]
        per_key: Option<String>,
        /// Most runs that begin in a time, for instance 10/60s, or none
        #[arg(long, value_name = "N/TIME")]
        rate: Option<String>,
    },
    /// List the workers
    Workers,
}
