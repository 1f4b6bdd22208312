//! An error as its lines, each weighed by where it stands: the deepest cause says most, what went on before it least.

/// Most lines that are looked at: the first of them and the last.
const MAX_LINES: usize = 400;
/// Most characters of a line.
const MAX_CHARS: usize = 600;

/// A line that says something.
pub(super) struct Line {
    pub text: String,
    pub lower: String,
    pub weight: f64,
}

/// What a line is by its looks.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Where in the program it happened.
    Frame,
    /// What went on before.
    Told,
    /// What was not yet an end.
    Warned,
    /// Anything.
    Plain,
    /// An error.
    Error,
    /// What an error came from.
    Cause,
}

impl Place {
    fn weight(self) -> f64 {
        match self {
            Self::Frame => 0.05,
            Self::Told => 0.2,
            Self::Warned => 0.45,
            Self::Plain => 0.85,
            Self::Error => 1.0,
            Self::Cause => 1.15,
        }
    }
}

/// The lines of a text, the deepest causes with the most weight.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let all: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    let skipped = all.len().saturating_sub(MAX_LINES);
    let kept = all.iter().enumerate().filter(|(at, _)| *at < MAX_LINES / 4 || *at >= MAX_LINES / 4 + skipped);
    let places: Vec<(&str, Place)> = kept.map(|(_, line)| (*line, place(line))).collect();
    let last_cause = places.iter().rposition(|(_, place)| *place == Place::Cause);
    let count = places.len().max(1) as f64;
    let weighed = |(at, (line, place)): (usize, &(&str, Place))| {
        let text: String = line.trim().chars().take(MAX_CHARS).collect();
        let deepest = if last_cause == Some(at) { 0.25 } else { 0.0 };
        let late = 0.15 * (at + 1) as f64 / count;
        Line { lower: text.to_lowercase(), text, weight: place.weight() * (1.0 + deepest + late) }
    };
    places.iter().enumerate().map(weighed).collect()
}

fn place(line: &str) -> Place {
    let line = line.trim_start();
    let lower = line.to_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if (begins(&["at "]) && line.contains('(')) || begins(&["file \"", "... ", "from /", "at async ", "goroutine "]) {
        return Place::Frame;
    }
    if begins(&["caused by", "root cause", "reason:", "[cause]", "due to:"]) || has(&["caused by:", "root cause:"]) {
        return Place::Cause;
    }
    let level = |words: &[&str]| {
        words
            .iter()
            .any(|word| lower.split(|char: char| !char.is_ascii_alphanumeric()).take(14).any(|own| own == *word))
    };
    if level(&["debug", "info", "notice", "trace"]) {
        return Place::Told;
    }
    if level(&["warn", "warning", "retrying", "retry", "deprecated"])
        || has(&["deprecationwarning", "will retry", "attempt "])
    {
        return Place::Warned;
    }
    if level(&["error", "fatal", "critical", "panic", "failed", "exception"])
        || has(&["error:", "exception:", "##[error]"])
    {
        return Place::Error;
    }
    Place::Plain
}
