//! What the variables of the originals do.

use pilothouse_app::Mode;

use super::super::aliases::{Effect, TABLE};
use super::super::{Config, Loaded, NoteKind, load};

fn loaded(file: &str, env: &[(&str, &str)]) -> Loaded {
    let env: Vec<_> = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(Some(file), &env, &[]).unwrap()
}

fn config(env: &[(&str, &str)]) -> Config {
    loaded("", env).config
}

fn limits(env: &[(&str, &str)]) -> (bool, u32, u32) {
    let limits = config(env).limits;
    (limits.enabled, limits.requests, limits.window_seconds)
}

#[test]
fn limiting_is_off_until_a_variable_turns_it_on() {
    assert!(!limits(&[]).0);
    assert_eq!(limits(&[("RATE_LIMIT_REQUESTS", "7")]), (true, 7, 60));
    assert_eq!(limits(&[("RATE_LIMIT_REQUESTS", "7"), ("RATE_LIMIT_WINDOW_SECONDS", "5")]), (true, 7, 5));
    assert_eq!(limits(&[("COPILOT_RATE_LIMIT_ENABLED", "1")]), (true, 120, 60));
    assert_eq!(limits(&[("COPILOT_RATE_LIMIT_ENABLED", "1"), ("RATE_LIMIT_REQUESTS", "7")]), (true, 7, 60));
}

#[test]
fn requests_a_minute_win_over_the_window_pair() {
    let pair = [("RATE_LIMIT_REQUESTS", "7"), ("RATE_LIMIT_WINDOW_SECONDS", "5"), ("COPILOT_RATE_LIMIT_RPM", "90")];
    assert_eq!(limits(&pair), (true, 90, 60));
    let notes = loaded("", &pair).notes;
    assert!(notes.iter().any(|note| note.variable == "RATE_LIMIT_REQUESTS" && note.kind == NoteKind::Overridden));
    assert!(notes.iter().any(|note| note.variable == "RATE_LIMIT_WINDOW_SECONDS" && note.kind == NoteKind::Overridden));
    assert_eq!(limits(&[("COPILOT_RATE_LIMIT_RPM", "90"), ("COPILOT_RATE_LIMIT_ENABLED", "0")]), (false, 90, 60));
}

#[test]
fn a_limit_of_nothing_is_refused() {
    for name in ["COPILOT_RATE_LIMIT_RPM", "RATE_LIMIT_REQUESTS", "RATE_LIMIT_WINDOW_SECONDS"] {
        let error = load(None, &[(name.to_owned(), "0".to_owned())], &[]).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("at least 1"), "{error}");
    }
}

#[test]
fn seconds_of_the_originals_may_have_a_fraction() {
    let ttl = |text: &str| config(&[("COPILOT_APPROVAL_TTL_SECONDS", text)]).approvals.ttl_seconds;
    assert_eq!((ttl("3600"), ttl("3600.0"), ttl("1.5")), (3_600, 3_600, 2));
    for wrong in ["0", "-1", "nan", "soon", "1e99"] {
        let env = [("COPILOT_APPROVAL_TTL_SECONDS".to_owned(), wrong.to_owned())];
        let error = load(None, &env, &[]).unwrap_err().to_string();
        assert!(error.contains("COPILOT_APPROVAL_TTL_SECONDS") && error.contains("at least 1"), "{error}");
    }
}

#[test]
fn the_port_and_the_host_make_one_address() {
    let listen = |env: &[(&str, &str)]| config(env).server.listen.to_string();
    assert_eq!(listen(&[("PORT", "9000")]), "127.0.0.1:9000");
    assert_eq!(listen(&[("HOST", "0.0.0.0"), ("PORT", "9000")]), "0.0.0.0:9000");
    assert_eq!(listen(&[("PORT", "9000"), ("COPILOT_PORT", "9001")]), "127.0.0.1:9001");
    assert_eq!(listen(&[("COPILOT_HOST", "::1")]), "[::1]:8080");
    let kept = loaded("[server]\nlisten = '10.0.0.5:1'", &[("PORT", "2")]);
    assert_eq!(kept.config.server.listen.to_string(), "10.0.0.5:2");
}

#[test]
fn addresses_that_others_left_in_the_environment_do_no_harm() {
    for (name, value) in [("HOST", "x86_64-linux-gnu"), ("COPILOT_PORT", "tcp://10.0.0.1:8001")] {
        let loaded = loaded("", &[(name, value)]);
        assert_eq!(loaded.config, Config::default());
        assert_eq!(loaded.notes[0].kind, NoteKind::Unusable);
    }
}

#[test]
fn a_wrong_address_of_the_file_is_still_refused_with_its_line() {
    let env = [("PORT".to_owned(), "9000".to_owned())];
    let error = load(Some("[server]\nlisten = 'here'"), &env, &[]).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
}

#[test]
fn the_mode_is_taken_where_nobody_else_sets_it() {
    assert_eq!(config(&[("COPILOT_ENV", "prod")]).mode, Some(Mode::Production));
    assert_eq!(config(&[("ENVIRONMENT", "production")]).mode, Some(Mode::Production));
    assert_eq!(config(&[("ENVIRONMENT", "dev")]).mode, None);
    let file = loaded("mode = 'development'", &[("ENVIRONMENT", "production")]);
    assert_eq!(file.config.mode, Some(Mode::Development));
    let both = [("ENVIRONMENT", "production"), ("PILOTHOUSE_MODE", "development")];
    assert_eq!(config(&both).mode, Some(Mode::Development));
}

#[test]
fn database_urls_of_the_originals_are_understood() {
    for (theirs, ours) in [
        ("postgres://u:p@h/d", "postgres://u:p@h/d"),
        ("postgresql+psycopg://u:p@h/d", "postgres://u:p@h/d"),
        ("sqlite+pysqlite:///./autopilot.db", "sqlite:./autopilot.db"),
        ("sqlite:////var/lib/x.db", "sqlite:/var/lib/x.db"),
        ("sqlite:x.db", "sqlite:x.db"),
    ] {
        assert_eq!(config(&[("DATABASE_URL", theirs)]).database.url.as_deref(), Some(ours));
    }
    let env = [("DATABASE_URL".to_owned(), "mysql://root:hunter2@h/d".to_owned())];
    let error = load(None, &env, &[]).unwrap_err().to_string();
    assert!(error.contains("DATABASE_URL") && !error.contains("hunter2"), "{error}");
}

#[test]
fn the_rest_of_what_is_honoured() {
    let config = config(&[
        ("APP_NAME", "Ours"),
        ("COPILOT_AUTH_ENABLED", "0"),
        ("COPILOT_TENANT_STRICT", "1"),
        ("PER_QUERY_MAX_BYTES", "1000"),
        ("ORG_HOURLY_BUDGET_BYTES", "2000"),
        ("QUERY_CACHE_TTL_SECONDS", "300"),
        ("DEFAULT_QUERY_LIMIT", "50"),
        ("CORS_ORIGINS", "http://localhost:3000/, http://localhost:8000"),
        ("COPILOT_TRUSTED_PROXIES", "10.0.0.1,10.0.0.2"),
        ("LOG_LEVEL", "WARNING"),
        ("LOG_FORMAT", "json"),
        ("AI_MODEL", "gpt-5-mini"),
        ("LLM_API_KEY", "sk-1"),
        ("LLM_API_BASE_URL", "http://127.0.0.1:9/v1"),
        ("LLM_TIMEOUT_SECONDS", "7.5"),
        ("LLM_TEMPERATURE", "0.2"),
    ]);
    assert_eq!(config.server.name, "Ours");
    let ai = &config.ai;
    assert_eq!((ai.model.as_str(), ai.api_key.as_deref()), ("gpt-5-mini", Some("sk-1")));
    assert_eq!((ai.base_url.as_deref(), ai.timeout_seconds), (Some("http://127.0.0.1:9/v1"), 8));
    assert_eq!(ai.temperature, Some(0.2));
    assert!(!format!("{config:?}").contains("sk-1"), "a key is in no log");
    assert!(!config.auth.enabled && config.auth.tenant_strict);
    assert_eq!((config.warehouse.query_max_bytes, config.warehouse.max_rows), (1000, 50));
    assert_eq!((config.warehouse.tenant_hourly_bytes, config.warehouse.result_ttl_seconds), (2000, 300));
    assert_eq!(config.server.allowed_origins, ["http://localhost:3000", "http://localhost:8000"]);
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!((config.log.level.as_str(), config.log.format), ("warn", crate::config::Format::Json));
}

#[test]
fn no_variable_that_is_set_is_passed_over_in_silence() {
    for alias in TABLE.iter().filter(|alias| !matches!(alias.effect, Effect::Sets(..))) {
        let loaded = loaded("", &[(alias.name, "a-secret-value")]);
        assert_eq!(loaded.config, Config::default(), "{}", alias.name);
        assert_eq!(loaded.notes.len(), 1, "{}", alias.name);
        assert!(!loaded.notes[0].text.contains("a-secret-value"));
        let is_later = matches!(alias.effect, Effect::Later(_));
        assert_eq!(loaded.notes[0].kind == NoteKind::Later, is_later, "{}", alias.name);
    }
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let loaded = loaded("", &[("DATABASE_URL", ""), ("METABASE_API_KEY", " ")]);
    assert!(loaded.notes.is_empty() && loaded.config == Config::default());
}

#[test]
fn a_log_level_that_is_none_is_refused() {
    let error = load(None, &[("LOG_LEVEL".to_owned(), "loud".to_owned())], &[]).unwrap_err().to_string();
    assert_eq!(error, "the environment variable LOG_LEVEL: `log.level` takes error, warn, info, debug or trace");
}
