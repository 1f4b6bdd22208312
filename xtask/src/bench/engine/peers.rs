//! The peers: programs in `benches/peers/` over PostgreSQL or over Restate's own server.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::contender::{Contender, Measurement, Task, run};
use super::provision::Provisions;
use crate::bench::databases::Postgres;
use crate::bench::processes::Group;

/// Partitions of Restate's log. Its default of 24 is for clusters: on one small machine it costs twice the CPU of one
/// partition and reaches half the rate.
const RESTATE_PARTITIONS: &str = "1";

/// A peer on PostgreSQL.
pub struct OnPostgres<'a> {
    /// Its name, which is also its program's.
    pub name: &'static str,
    /// Where its program is.
    pub provisions: &'a Provisions,
    /// Where its tables will be.
    pub postgres: &'a Postgres,
}

impl Contender for OnPostgres<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn measure(&self, task: &Task) -> Result<Vec<Measurement>> {
        let database = self.postgres.database(self.name);
        let mut command = program(self.provisions, self.name, task);
        command.args(["--database", &database.url()]);
        run(&command, &[self.postgres.process])
    }
}

/// Restate, whose server is started anew for each measurement.
pub struct Restate<'a> {
    /// Where its programs are.
    pub provisions: &'a Provisions,
}

impl Contender for Restate<'_> {
    fn name(&self) -> &'static str {
        "restate"
    }

    fn measure(&self, task: &Task) -> Result<Vec<Measurement>> {
        let data = tempfile::tempdir()?;
        let [ingress, admin, node] = free_ports()?;
        let mut server = Command::new(self.provisions.restate_server()?);
        // The other defaults write durably before they answer.
        server.args(["--no-logo", "--listen-mode", "tcp", "--bind-ip", "127.0.0.1", "--node-name", "bench"]);
        server.args(["--default-num-partitions", RESTATE_PARTITIONS]);
        server.args(["--bind-port", &node.to_string(), "--base-dir"]).arg(data.path());
        server
            .env("RESTATE_INGRESS__BIND_PORT", ingress.to_string())
            .env("RESTATE_ADMIN__BIND_PORT", admin.to_string());
        server.env("RESTATE_DISABLE_TELEMETRY", "true").env("RESTATE_LOG_FILTER", "error,octocrab=off");
        server.env("TMPDIR", data.path());
        let server = Group::start(&server, Stdio::null())?;
        let mut command = program(self.provisions, self.name(), task);
        command.env("RESTATE_LOGGING", "ERROR");
        command.args(["--ingress", &format!("http://127.0.0.1:{ingress}")]);
        command.args(["--admin", &format!("http://127.0.0.1:{admin}")]);
        run(&command, &[server.id()])
    }
}

fn program(provisions: &Provisions, name: &str, task: &Task) -> Command {
    let mut command = Command::new(&provisions.node);
    command.arg(provisions.programs.join(format!("{name}.mjs"))).arg(task.name);
    command.env("NODE_NO_WARNINGS", "1");
    if let Some(size) = task.size {
        command.args(["--n", &size.theirs.to_string(), "--in-flight", &size.in_flight.to_string()]);
    }
    command
}

/// Ports that were free a moment ago; asked for at once, so that they differ.
fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let listeners: Vec<TcpListener> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
    let ports: Vec<u16> = listeners.iter().map(|one| Ok(one.local_addr()?.port())).collect::<Result<_>>()?;
    ports.try_into().ok().context("too few ports")
}
