//! How the originals name the states of a run, and which states a word of theirs stands for. Their words say less than
//! ours, so every item of theirs carries ours besides, as `state`.

use pilothouse_app::Error;
use pilothouse_domain::Code;
use pilothouse_domain::run::Status;
use pilothouse_store::runs::Run;

use crate::error::Failure;

/// The words that the data team autopilot's lists are filtered by: its own, then ours.
pub const AUTOPILOT: [&str; 9] =
    ["running", "success", "partial_failure", "failed", "cancelled", "queued", "waiting", "succeeded", "dead"];

/// The words of AutoDevOps, then ours.
pub const AUTODEVOPS: [&str; 9] =
    ["queued", "processing", "completed", "failed", "running", "waiting", "succeeded", "cancelled", "dead"];

/// A run's state in the words of the data team autopilot.
pub fn autopilot(status: Status) -> &'static str {
    match status {
        Status::Queued | Status::Running | Status::Waiting => "running",
        Status::Succeeded => "success",
        Status::Failed => "partial_failure",
        Status::Cancelled => "cancelled",
        Status::Dead => "failed",
    }
}

/// The states that one of its words stands for.
pub fn autopilot_states(word: &str) -> Option<Vec<Status>> {
    match word {
        "running" => Some(vec![Status::Queued, Status::Running, Status::Waiting]),
        "success" => Some(vec![Status::Succeeded]),
        "partial_failure" => Some(vec![Status::Failed]),
        "failed" => Some(vec![Status::Dead]),
        own => Status::parse(own).map(|status| vec![status]),
    }
}

/// A run's state in the words of the data platform copilot.
pub fn platform(run: &Run) -> &'static str {
    match run.status {
        Status::Queued => "PENDING",
        Status::Running if run.cancel_requested => "CANCELING",
        Status::Running | Status::Waiting => "RUNNING",
        Status::Succeeded => "SUCCEEDED",
        Status::Failed | Status::Dead => "FAILED",
        Status::Cancelled => "CANCELED",
    }
}

/// A run's state in the words of AutoDevOps.
pub fn autodevops(status: Status) -> &'static str {
    match status {
        Status::Queued => "queued",
        Status::Running | Status::Waiting => "processing",
        Status::Succeeded => "completed",
        Status::Failed | Status::Cancelled | Status::Dead => "failed",
    }
}

/// The states that one of its words stands for.
pub fn autodevops_states(word: &str) -> Option<Vec<Status>> {
    match word {
        "processing" | "completed" | "failed" => {
            Some(Status::ALL.into_iter().filter(|status| autodevops(*status) == word).collect())
        }
        own => Status::parse(own).map(|status| vec![status]),
    }
}

/// A run's state in the words of EchoPilot.
pub fn echopilot(status: Status) -> &'static str {
    match status {
        Status::Queued => "New",
        Status::Running => "Processing",
        Status::Waiting => "Waiting Human",
        Status::Succeeded => "Done",
        Status::Failed | Status::Dead => "Failed",
        Status::Cancelled => "Cancelled",
    }
}

/// An error of a use case, with an original's own sentence where a run is not there.
pub fn where_unknown(sentence: &'static str) -> impl Fn(Error) -> Failure {
    move |error| match error.code {
        Code::RunUnknown => Failure::new(Code::RunUnknown, sentence),
        _ => Failure(error),
    }
}

/// The id of a run in an address; what is none cannot be the id of anything the caller may know of.
pub fn run_id(text: &str, sentence: &'static str) -> Result<pilothouse_domain::RunId, Failure> {
    text.parse().map_err(|_| Failure::new(Code::RunUnknown, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_for_the_states_that_it_names() {
        for status in Status::ALL {
            assert!(autopilot_states(autopilot(status)).unwrap().contains(&status), "{status:?}");
            assert!(autodevops_states(autodevops(status)).unwrap().contains(&status), "{status:?}");
        }
        for word in AUTOPILOT {
            assert!(autopilot_states(word).is_some(), "{word}");
        }
        for word in AUTODEVOPS {
            assert!(autodevops_states(word).is_some(), "{word}");
        }
        assert_eq!(autodevops_states("failed"), Some(vec![Status::Failed, Status::Cancelled, Status::Dead]));
        assert_eq!((autopilot_states("happy"), autodevops_states("")), (None, None));
    }
}
