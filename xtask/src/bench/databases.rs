//! Where contenders keep their data: empty databases on the tests' PostgreSQL and empty folders beside it, and what a
//! durable write costs there.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::Instant;

use anyhow::{Result, ensure};
use pilothouse_testkit::Server;

/// Size of a page of both databases, in bytes.
const PAGE: usize = 8192;

/// The PostgreSQL server of a run, with its default durability.
pub struct Postgres {
    server: &'static Server,
    /// The process from which all of its processes descend.
    pub process: u32,
}

impl Postgres {
    /// Finds or starts it.
    pub fn start() -> Result<Self> {
        let server = pilothouse_testkit::postgres();
        let ask = |statement: &str| server.sql(server.url(), statement);
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = ask(&format!("SHOW {setting}"));
            ensure!(value == "on", "{setting} of the PostgreSQL server is {value}: nothing durable can be measured");
        }
        let process = ask("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)").parse()?;
        let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        ensure!(name.trim() == "postgres", "the PostgreSQL server runs elsewhere: its CPU time cannot be read");
        Ok(Self { server, process })
    }

    /// An empty database, and a server that has written down all that earlier ones left in its memory.
    pub fn database(&self, name: &str) -> Database<'_> {
        let sql = |statement: &str| self.server.sql(self.server.url(), statement);
        let name = format!("bench_{name}");
        sql(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        sql(&format!("CREATE DATABASE {name}"));
        sql("CHECKPOINT");
        let others = sql("SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND pid <> pg_backend_pid()");
        if others != "0" {
            crate::report(&format!("{others} others use this PostgreSQL server: its CPU time is also theirs"));
        }
        Database { postgres: self, name }
    }
}

/// A database that goes away with this.
pub struct Database<'a> {
    postgres: &'a Postgres,
    name: String,
}

impl Database<'_> {
    /// Its URL, as a superuser.
    pub fn url(&self) -> String {
        let url = self.postgres.server.url();
        format!("{}/{}", url.rsplit_once('/').map_or(url, |(server, _)| server), self.name)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let server = self.postgres.server;
        server.sql(server.url(), &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// The median time of a durable write of a page, in milliseconds, in the folder where all databases of a run are.
pub fn fsync_p50_ms(times: u32) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let file = File::create(folder.path().join("page"))?;
    file.write_all_at(&[1; PAGE], 0)?;
    file.sync_all()?;
    let mut elapsed = Vec::new();
    for round in 0..times {
        let started = Instant::now();
        file.write_all_at(&[round.to_le_bytes()[0]; PAGE], 0)?;
        file.sync_data()?;
        elapsed.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(crate::bench::median(&mut elapsed))
}
