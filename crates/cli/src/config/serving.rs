//! Settings that only make sense together: what must hold before anything is served, and where the database is.

use std::path::PathBuf;

use pilothouse_app::Mode;
use pilothouse_domain::ledger::read_zone;

use super::Config;
use super::error::Error;

/// The database's file name in the data folder.
const DATABASE_FILE: &str = "pilothouse.db";

/// Where the program's own records are.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseTarget {
    /// A SQLite file.
    File(PathBuf),
    /// A PostgreSQL URL, which may hold a password.
    Server(String),
}

impl Config {
    /// The mode: the one that is set, else development on a loopback address and production elsewhere.
    pub fn effective_mode(&self) -> Mode {
        let by_address = if self.server.listen.ip().is_loopback() { Mode::Development } else { Mode::Production };
        self.mode.unwrap_or(by_address)
    }

    /// The mode to serve in.
    ///
    /// # Errors
    /// Settings that would let strangers in: development mode or callers without proof on an address that others
    /// reach, or such an address without TLS or a declared proxy.
    pub fn serving_mode(&self) -> Result<Mode, Error> {
        let (mode, listen) = (self.effective_mode(), self.server.listen);
        let refuse = |text: String| Err(Error::Together(text));
        if !self.auth.enabled && mode == Mode::Production {
            return refuse("`auth.enabled = false` works in development mode only".to_owned());
        }
        if listen.ip().is_loopback() {
            return Ok(mode);
        }
        if mode == Mode::Development {
            return refuse(format!(
                "`mode = \"development\"` listens on loopback addresses only, and `server.listen` is {listen}: \
                 listen on 127.0.0.1, or set `mode = \"production\"`"
            ));
        }
        if !self.server.is_secure() {
            return refuse(format!(
                "`server.listen` is {listen}, which others reach: set `server.tls_certificate` and `server.tls_key`, \
                 or name the proxy that speaks TLS in `server.trusted_proxies`"
            ));
        }
        Ok(mode)
    }

    /// Where the program's own records are.
    pub fn database_target(&self) -> DatabaseTarget {
        match self.database.url.as_deref() {
            None => DatabaseTarget::File(self.data_dir.join(DATABASE_FILE)),
            Some(url) => match url.strip_prefix("sqlite:") {
                Some(path) => DatabaseTarget::File(PathBuf::from(path)),
                None => DatabaseTarget::Server(url.to_owned()),
            },
        }
    }
}

/// Most money that a limit of the configuration names, in US dollars.
const MAX_USD: f64 = 1e9;

/// Settings that cannot be meant, whatever the program does.
pub fn check(config: &Config) -> Result<(), Error> {
    let refuse = |text: &str| Err(Error::Together(text.to_owned()));
    if config.limits.enabled && (config.limits.requests == 0 || config.limits.window_seconds == 0) {
        return refuse("`limits.requests` and `limits.window_seconds` are at least 1 where limiting is on");
    }
    if config.approvals.ttl_seconds == 0 {
        return refuse("`approvals.ttl_seconds` is at least 1");
    }
    if config.approvals.risk_threshold > 1.0 {
        return refuse("`approvals.risk_threshold` is from 0 to 1");
    }
    let money = [config.budgets.month_usd, config.budgets.day_usd, config.budgets.run_usd];
    if money.into_iter().flatten().any(|usd| usd > MAX_USD) {
        return refuse("the amounts under `budgets` are at most 1000000000 US dollars");
    }
    if read_zone(&config.budgets.time_zone).is_none() {
        return refuse("`budgets.time_zone` is the name of a time zone, for instance Europe/Berlin");
    }
    if config.ask.max_question_chars == 0 {
        return refuse("`ask.max_question_chars` is at least 1");
    }
    let engine = &config.engine;
    if engine.concurrency == 0 || engine.retention_days == 0 || engine.retention_dead_days == 0 {
        return refuse("`engine.concurrency`, `retention_days` and `retention_dead_days` are at least 1");
    }
    if ![engine.lease_seconds, engine.drain_seconds].iter().all(|seconds| (1..=600).contains(seconds)) {
        return refuse("`engine.lease_seconds` and `drain_seconds` are 1 to 600");
    }
    if !(1..=2_592_000).contains(&engine.stuck_after_seconds) {
        return refuse("`engine.stuck_after_seconds` is 1 to 2592000");
    }
    let telemetry = &config.telemetry;
    if telemetry.sample_percent > 100 {
        return refuse("`telemetry.sample_percent` is at most 100");
    }
    if telemetry.otlp_endpoint.as_deref().is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://"))
    {
        return refuse("`telemetry.otlp_endpoint` takes an address such as http://127.0.0.1:4318");
    }
    if config.auth.session_hours == 0 {
        return refuse("`auth.session_hours` is at least 1");
    }
    let warehouse = &config.warehouse;
    if [warehouse.query_timeout_seconds, warehouse.query_memory_mb, warehouse.query_max_bytes].contains(&0)
        || warehouse.max_rows == 0
    {
        return refuse(
            "`warehouse.query_timeout_seconds`, `query_memory_mb`, `query_max_bytes` and `max_rows` are at least 1",
        );
    }
    if config.server.tls_certificate.is_some() != config.server.tls_key.is_some() {
        return refuse("`server.tls_certificate` and `server.tls_key` belong together: set both or none");
    }
    if !config.server.allowed_origins.iter().all(|origin| is_origin(origin)) {
        return refuse(
            "`server.allowed_origins` takes origins such as https://tools.example.com, without path or star",
        );
    }
    database(config.database.url.as_deref())
}

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '@', '*', ' ']))
}

fn database(url: Option<&str>) -> Result<(), Error> {
    let takes = "`database.url` takes `postgres://user:password@host:port/database` or `sqlite:PATH`";
    let Some(url) = url else { return Ok(()) };
    let is_server = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let file = url.strip_prefix("sqlite:");
    if file.is_some_and(|path| path.starts_with("//")) {
        // Programs disagree on whether three slashes begin an absolute path, so no guess is made.
        return Err(Error::Together(format!("{takes}; write the path right after the colon, without `//`")));
    }
    if is_server || file.is_some_and(|path| !path.is_empty()) { Ok(()) } else { Err(Error::Together(takes.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn config(text: &str) -> Config {
        load(Some(text), &[], &[]).unwrap().config
    }

    #[test]
    fn the_mode_follows_the_address_unless_it_is_set() {
        assert_eq!(config("").serving_mode(), Ok(Mode::Development));
        assert_eq!(config("mode = 'production'").serving_mode(), Ok(Mode::Production));
        assert_eq!(config("[server]\nlisten = '0.0.0.0:80'").effective_mode(), Mode::Production);
    }

    #[test]
    fn strangers_are_kept_out() {
        for (text, problem) in [
            ("mode = 'development'\n[server]\nlisten = '0.0.0.0:80'", "loopback"),
            ("[server]\nlisten = '0.0.0.0:80'", "tls_certificate"),
            ("mode = 'production'\n[auth]\nenabled = false", "development mode only"),
            ("[server]\nlisten = '192.0.2.1:80'\n[auth]\nenabled = false", "development mode only"),
        ] {
            let error = config(text).serving_mode().unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
        let behind_proxy = "[server]\nlisten = '0.0.0.0:80'\ntrusted_proxies = ['10.0.0.1']";
        assert_eq!(config(behind_proxy).serving_mode(), Ok(Mode::Production));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "[limits]\nenabled = true\nrequests = 0",
            "[engine]\nconcurrency = 0",
            "[server]\ntls_key = 'k.pem'",
            "[server]\nallowed_origins = ['*']",
            "[telemetry]\nsample_percent = 150",
            "[telemetry]\notlp_endpoint = 'collector:4317'",
            "[database]\nurl = 'mysql://db/x'",
            "[database]\nurl = 'sqlite:///x.db'",
        ] {
            assert!(matches!(load(Some(text), &[], &[]), Err(Error::Together(_))), "{text}");
        }
    }

    #[test]
    fn the_database_is_a_file_or_a_server() {
        let target = |text| config(text).database_target();
        assert!(target("data_dir = '/d'") == DatabaseTarget::File("/d/pilothouse.db".into()));
        assert!(target("[database]\nurl = 'sqlite:/x/y.db'") == DatabaseTarget::File("/x/y.db".into()));
        let url = "postgres://db/ph";
        assert!(target(&format!("[database]\nurl = '{url}'")) == DatabaseTarget::Server(url.to_owned()));
    }
}
