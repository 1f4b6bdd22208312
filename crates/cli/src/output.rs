//! What a command prints: words for people, JSON for programs; and what its exit code means.

use std::process::ExitCode;

use serde_json::Value;

use crate::client::Refusal;

/// Done.
pub const OK: u8 = 0;
/// Something failed.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// It was done, and the answer is no: blocked, refused, broken, unhealthy.
pub const NEGATIVE: u8 = 3;
/// Stopped by Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// What a command has to say.
pub struct Outcome {
    /// For people.
    pub text: String,
    /// For programs; null where nothing is to be printed.
    pub json: Value,
    /// The exit code.
    pub code: u8,
}

impl Outcome {
    /// A good end.
    pub fn ok(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json, code: OK }
    }

    /// The same with another exit code.
    pub fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Prints it.
    #[expect(clippy::print_stdout, reason = "printing is what a command line does")]
    pub fn print(&self, as_json: bool) -> ExitCode {
        if as_json {
            // What printed its lines as they came has nothing left to say.
            if !self.json.is_null() {
                println!("{}", self.json);
            }
        } else if !self.text.is_empty() {
            println!("{}", self.text.trim_end());
        }
        ExitCode::from(self.code)
    }
}

/// Prints a failure, with its stable code where it has one.
#[expect(clippy::print_stderr, reason = "printing is what a command line does")]
pub fn failed(error: &anyhow::Error, as_json: bool) -> ExitCode {
    let refusal = refusal(error);
    if as_json {
        let code = refusal.as_ref().and_then(|refusal| refusal.code.as_deref());
        eprintln!("{}", serde_json::json!({"error": format!("{error:#}"), "code": code}));
    } else {
        eprintln!("error: {error:#}");
        if let Some(remedy) = refusal.and_then(|refusal| refusal.remedy()) {
            eprintln!("  {remedy}");
        }
    }
    let usage = error.is::<UsageError>() || error.is::<crate::config::Error>();
    ExitCode::from(if usage { USAGE } else { FAILED })
}

/// The error as one with a code, where it has one.
fn refusal(error: &anyhow::Error) -> Option<Refusal> {
    let of_store = |error: &pilothouse_store::Error| Refusal::new(error.code(), error.to_string());
    let of_app = |error: &pilothouse_app::Error| Refusal::new(error.code, error.to_string());
    let answered = error.downcast_ref::<Refusal>().cloned();
    answered.or_else(|| error.downcast_ref().map(of_store)).or_else(|| error.downcast_ref().map(of_app))
}

/// What was asked for makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Rows in aligned columns, numbers to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([header[column].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let numeric: Vec<bool> = (0..header.len())
        .map(|column| !rows.is_empty() && rows.iter().all(|row| row.get(column).is_some_and(|cell| is_number(cell))))
        .collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).zip(&numeric).map(|((cell, width), numeric)| {
            if *numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let titles: Vec<String> = header.iter().map(|title| (*title).to_owned()).collect();
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    let body = rows.iter().map(|row| line(row));
    [line(&titles), rule.join("  ")].into_iter().chain(body).collect::<Vec<_>>().join("\n")
}

fn is_number(cell: &str) -> bool {
    cell.replace(',', "").parse::<f64>().is_ok() || cell == "–"
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn numbers_stand_to_the_right() {
        let rows = vec![vec!["UA".to_owned(), "7".to_owned()], vec!["Delta".to_owned(), "1,200".to_owned()]];
        assert_eq!(table(&["carrier", "n"], &rows), "carrier      n\n───────  ─────\nUA           7\nDelta    1,200");
    }
}
