//! Faults of the database itself, which the checks must find.

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// Takes what any worker writes, whoever holds the run.
    SkipsFence,
    /// Gives workers up and leaves their runs where they are.
    ForgetsToTakeBack,
    /// Says that it has written and has not, now and then.
    LosesWrites,
    /// Gives out runs as if there were no limits.
    IgnoresLimits,
    /// Gives out runs as if there were no rates.
    IgnoresRates,
    /// Keeps signals from the runs that wait for them.
    LosesWakeUps,
    /// Takes hints and tells nobody.
    LosesHints,
    /// Decides on ticks a second time, now and then.
    TicksTwice,
    /// Goes past ticks without their runs, now and then.
    LosesTicks,
    /// Forgets old runs whether they have ended or not.
    ForgetsTheLiving,
    /// Forgets what the audit log says of old runs.
    ForgetsAudit,
}
