//! Jobs that take a while and tell when they begin and end: in a file whose lines stand in the order of what they tell,
//! whichever process wrote them.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use pilothouse_engine::{Done, Failure, Journal, Workflow};
use serde_json::Value;

/// The workflow's kind.
pub const SPAN: &str = "span";

/// A file of lines that several processes append to.
pub struct Lines(File);

impl Lines {
    pub fn open(path: &Path) -> Self {
        Self(OpenOptions::new().create(true).append(true).open(path).unwrap())
    }

    /// A kill may cut a line where it crosses a page of the file. So each says where it ends, and none goes on where
    /// another was cut.
    pub fn add(&self, line: &str) {
        (&self.0).write_all(format!("\n{line} .\n").as_bytes()).unwrap();
    }
}

/// Tells `begin RUN FENCE WHO`, takes as long as its input `{"ms": …, "who": …}` says, and tells `end RUN FENCE WHO`.
pub struct Span {
    pub spans: Lines,
}

#[async_trait]
impl Workflow for Span {
    fn kind(&self) -> &'static str {
        SPAN
    }

    fn version(&self) -> i64 {
        1
    }

    async fn run(&self, journal: &Journal, input: Value) -> Result<Value, Failure> {
        let takes = Duration::from_millis(input["ms"].as_u64().unwrap_or(0));
        let told = format!("{} {} {}", journal.id(), journal.fence(), input["who"].as_str().unwrap_or("nobody"));
        let work = async {
            self.spans.add(&format!("begin {told}"));
            tokio::time::sleep(takes).await;
            self.spans.add(&format!("end {told}"));
            Ok(Done { output: (), summary: String::new() })
        };
        journal.last_step(SPAN, work).await?;
        Ok(Value::Null)
    }
}
