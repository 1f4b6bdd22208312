//! Our own side: `engine-load`, a program of this workspace that goes through the engine's public path and prints the
//! lines that peers print.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::contender::{Contender, Measurement, Task, run};
use crate::bench::databases::Postgres;
use crate::bench::server::built;

/// The program's name.
const PROGRAM: &str = "engine-load";
/// The name of our side on SQLite.
pub const SQLITE: &str = "ours, SQLite";
/// The name of our side on PostgreSQL.
pub const POSTGRES: &str = "ours, PostgreSQL";

/// Builds the program and returns its path.
pub fn program() -> Result<PathBuf> {
    Ok(built(&["--bin", PROGRAM])?.join(PROGRAM))
}

/// Our side on one database.
pub struct Ours<'a> {
    /// The program, where it could be built.
    pub program: Option<PathBuf>,
    /// The server; none means SQLite.
    pub postgres: Option<&'a Postgres>,
}

impl Contender for Ours<'_> {
    fn name(&self) -> &'static str {
        if self.postgres.is_some() { POSTGRES } else { SQLITE }
    }

    fn measure(&self, task: &Task) -> Result<Vec<Measurement>> {
        let Some(program) = &self.program else { return Ok(Vec::new()) };
        let mut command = Command::new(program);
        command.arg(task.name);
        if let Some(size) = task.size {
            command.args(["--n", &size.ours.to_string(), "--in-flight", &size.in_flight.to_string()]);
        }
        if task.quick {
            command.arg("--quick");
        }
        if let Some(postgres) = self.postgres {
            let database = postgres.database("ours");
            command.args(["--database", &database.url()]);
            run(&command, &[postgres.process])
        } else {
            let folder = tempfile::tempdir()?;
            command.args(["--database", &format!("sqlite:{}", folder.path().join("engine.db").display())]);
            run(&command, &[])
        }
    }
}
