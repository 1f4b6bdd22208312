//! One table of every environment variable that the originals' documents and references name, and what it means here.

/// One variable of the originals.
#[derive(Debug, Clone, Copy)]
pub struct Alias {
    /// Its name.
    pub name: &'static str,
    /// The originals that name it, each by a letter: see [`ORIGINALS`]; none where it is merely common.
    pub originals: &'static str,
    /// What it does.
    pub effect: Effect,
    /// The same in a sentence.
    pub about: &'static str,
}

/// The letters of the originals.
pub const ORIGINALS: [(&str, &str); 5] = [
    ("P", "data platform copilot"),
    ("D", "AI decision copilot"),
    ("A", "data team autopilot"),
    ("O", "EchoPilot operations"),
    ("V", "AutoDevOps AI platform"),
];

/// What a variable does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Sets this key, by this rule.
    Sets(&'static str, Turn),
    /// Read by another part of the program.
    ReadElsewhere,
    /// Nothing yet; it will govern this part of the program.
    Later(&'static str),
    /// Nothing, for good.
    None,
}

/// How a variable's text becomes the value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// As the key's own variable would.
    Same,
    /// A database URL, in the spelling of the originals' libraries.
    Database,
    /// The host part of the address to listen on.
    Host,
    /// The port part of the address to listen on.
    Port,
    /// The name of an environment, as a mode.
    Mode,
    /// A list of origins.
    Origins,
    /// The name of a log level.
    Level,
    /// A number of at least 1 that turns limiting on.
    Requests,
    /// A number of seconds, which may have a fraction.
    Seconds,
    /// Requests a minute, which turn limiting on.
    PerMinute,
    /// The switch of limiting.
    Limiting,
}

const fn row(name: &'static str, originals: &'static str, effect: Effect, about: &'static str) -> Alias {
    Alias { name, originals, effect, about }
}

const fn later(name: &'static str, originals: &'static str, what: &'static str, about: &'static str) -> Alias {
    row(name, originals, Effect::Later(what), about)
}

const fn none(name: &'static str, originals: &'static str, about: &'static str) -> Alias {
    row(name, originals, Effect::None, about)
}

const fn sets(
    name: &'static str,
    originals: &'static str,
    key: &'static str,
    turn: Turn,
    about: &'static str,
) -> Alias {
    row(name, originals, Effect::Sets(key, turn), about)
}

/// Every variable.
#[rustfmt::skip]
pub const TABLE: &[Alias] = &[
    // What has an effect today. Where two rows set one key, the later row wins.
    sets("APP_NAME", "A V", "server.name", Turn::Same, "The name that `/health` tells as `app`."),
    sets("DATABASE_URL", "A V O", "database.url", Turn::Database, "Where the program keeps its own records; warehouses are connections and not set here."),
    sets("HOST", "V", "server.listen", Turn::Host, "The address part of where it listens; anything but an IP address or `localhost` is left alone."),
    sets("COPILOT_HOST", "P", "server.listen", Turn::Host, "As `HOST`, and wins over it."),
    sets("PORT", "O V D", "server.listen", Turn::Port, "The port part of where it listens."),
    sets("COPILOT_PORT", "P", "server.listen", Turn::Port, "As `PORT`, and wins over it."),
    sets("ENVIRONMENT", "A V", "mode", Turn::Mode, "`production`, `prod`, `live` or `staging` mean production mode, where `mode` is not set otherwise."),
    sets("COPILOT_ENV", "P", "mode", Turn::Mode, "As `ENVIRONMENT`, and wins over it."),
    sets("COPILOT_AUTH_ENABLED", "P", "auth.enabled", Turn::Same, "`0` makes every caller admin of the tenant it names; only in development mode on a loopback address."),
    sets("COPILOT_TENANT_STRICT", "P", "auth.tenant_strict", Turn::Same, "`1` refuses requests that name no tenant."),
    sets("RATE_LIMIT_REQUESTS", "V", "limits.requests", Turn::Requests, "Requests in a window; turns limiting on."),
    sets("RATE_LIMIT_WINDOW_SECONDS", "V", "limits.window_seconds", Turn::Requests, "The window; turns limiting on."),
    sets("COPILOT_RATE_LIMIT_RPM", "P", "limits.requests", Turn::PerMinute, "Requests in 60 seconds; turns limiting on and wins over the window pair."),
    sets("COPILOT_RATE_LIMIT_ENABLED", "P", "limits.enabled", Turn::Limiting, "Turns limiting on or off, whatever else is set; on alone means 120 requests in 60 seconds."),
    sets("ORG_HOURLY_BUDGET_BYTES", "A", "warehouse.tenant_hourly_bytes", Turn::Same, "Bytes that one tenant's queries may read in an hour."),
    sets("QUERY_CACHE_TTL_SECONDS", "A", "warehouse.result_ttl_seconds", Turn::Same, "How long results of databases are kept; those of files are kept until a file changes."),
    sets("PER_QUERY_MAX_BYTES", "A", "warehouse.query_max_bytes", Turn::Same, "Most bytes that one query may read; beyond it the query waits for a person."),
    sets("DEFAULT_QUERY_LIMIT", "A", "warehouse.max_rows", Turn::Same, "Most rows of one answer; what is beyond is left out, and the answer says so."),
    sets("ALLOWED_ORIGINS", "", "server.allowed_origins", Turn::Origins, "Other sites whose pages may call; a star is left alone."),
    sets("CORS_ORIGINS", "V", "server.allowed_origins", Turn::Origins, "As `ALLOWED_ORIGINS`, and wins over it."),
    sets("COPILOT_CORS_ORIGINS", "P", "server.allowed_origins", Turn::Origins, "As `CORS_ORIGINS`, and wins over it."),
    sets("COPILOT_TRUSTED_PROXIES", "P", "server.trusted_proxies", Turn::Same, "Addresses of proxies whose forwarded headers are believed; empty means that nobody's are."),
    sets("LOG_LEVEL", "V", "log.level", Turn::Level, "The least that is logged."),
    sets("LOG_FORMAT", "V", "log.format", Turn::Same, "`json` or `text`."),
    sets("OTEL_EXPORTER_OTLP_ENDPOINT", "", "telemetry.otlp_endpoint", Turn::Same, "The OpenTelemetry collector that traces go to."),
    sets("OTEL_SERVICE_NAME", "", "telemetry.service_name", Turn::Same, "The name that traces carry."),
    sets("COPILOT_HIGH_RISK_APPROVAL_THRESHOLD", "P", "approvals.risk_threshold", Turn::Same, "The risk, from 0 to 1, from which a person must approve."),
    sets("COPILOT_APPROVAL_TTL_SECONDS", "P", "approvals.ttl_seconds", Turn::Seconds, "How long an approval holds once it is given."),
    sets("WORKER_CONCURRENCY", "V", "engine.concurrency", Turn::Same, "Runs that one process works on side by side."),
    sets("COPILOT_EXEC_STALE_SECONDS", "P", "engine.stuck_after_seconds", Turn::Same, "After how long without a word a run is shown as standing still. Runs of vanished workers go on within seconds, whatever it is."),
    sets("COPILOT_EXEC_RECONCILE_STALE_SECONDS", "P", "engine.stuck_after_seconds", Turn::Same, "Another name for `COPILOT_EXEC_STALE_SECONDS`, and wins over it."),
    row("ENCRYPTION_KEY", "V", Effect::ReadElsewhere, "The key that seals credentials (32 bytes as hex or base64), read when the store opens; it is no setting and is never shown."),
    // What a later version will honour.
    later("REDIS_URL", "A V", "Redis", "A limiter and a cache that several nodes share; until then both live in the process."),
    later("REDIS_PASSWORD", "V", "Redis", "The password for `REDIS_URL`."),
    later("SUPABASE_REDIS_URL", "V", "Redis", "Another name for `REDIS_URL`."),
    later("SUPABASE_REDIS_PASSWORD", "V", "Redis", "Another name for `REDIS_PASSWORD`."),
    later("ANALYSIS_CONCURRENCY", "V", "repositories", "Analyses side by side: then `pilothouse queue limits analysis --total`."),
    later("SYNC_CONCURRENCY", "V", "repositories", "The same for the queue `sync`."),
    later("CI_CONCURRENCY", "V", "repositories", "The same for the queue `ci_generation`."),
    later("PER_ORG_MAX_PROFILE_WORKFLOWS", "A", "profiles", "Profiling runs of one tenant side by side: then `pilothouse queue limits profile --per-tenant`."),
    sets("PER_QUERY_MAX_BYTES_WITH_APPROVAL", "A", "warehouse.query_max_bytes_approved", Turn::Same, "Most bytes that one query may read even then; beyond it the query is refused."),
    later("COPILOT_MAX_COST_USD", "P", "budgets", "Most money that one execution may cost."),
    later("COPILOT_MAX_RUNTIME_MINUTES", "P", "budgets", "Longest time that one execution may take."),
    later("COPILOT_MAX_EXECUTORS", "P", "budgets", "Most executors of one execution."),
    later("COPILOT_MONTHLY_BUDGET_WARN_RATIO", "P", "budgets", "The share of a month's budget from which it warns."),
    sets("AI_DAILY_QUOTA_PER_USER", "V", "budgets.user_day_tokens", Turn::Same, "Tokens of one user in a day."),
    sets("AI_MAX_TOKENS_PER_TASK", "V", "budgets.run_tokens", Turn::Same, "Tokens of one task: of a run, or of a call outside of any."),
    later("LLM_MONTHLY_BUDGET_USD", "A", "budgets", "Money for models in a month."),
    sets("COST_CAP_DAILY_USD", "O", "budgets.day_usd", Turn::Same, "Money in a day."),
    later("MODEL_CAPS_JSON", "O", "budgets", "Money for each model in a day."),
    later("FINOPS_ALERT_USD", "O", "budgets", "The spending from which it warns."),
    sets("LLM_API_KEY", "P A", "ai.api_key", Turn::Same, "The key for the model provider; without it every answer is made without a model."),
    sets("LLM_API_BASE_URL", "A", "ai.base_url", Turn::Same, "Where the model provider is."),
    sets("LLM_MODEL", "A", "ai.model", Turn::Same, "The model."),
    sets("LLM_TIMEOUT_SECONDS", "A", "ai.timeout_seconds", Turn::Seconds, "How long a model may take."),
    sets("LLM_TEMPERATURE", "A", "ai.temperature", Turn::Same, "How freely a model answers."),
    later("LLM_EVAL_PROVIDERS_JSON", "A", "LLM gateway", "Providers that are compared."),
    later("LLM_EVAL_ENABLED", "A", "LLM gateway", "Whether providers are compared."),
    later("GPT5_MINI_API_KEY", "A", "LLM gateway", "The key of the first compared model."),
    later("GPT5_MINI_MODEL", "A", "LLM gateway", "The name of the first compared model."),
    later("GPT5_MINI_BASE_URL", "A", "LLM gateway", "The address of the first compared model."),
    later("GPT5_MINI_ENABLED", "A", "LLM gateway", "The switch of the first compared model."),
    later("CLAUDE_SONNET_API_KEY", "A", "LLM gateway", "The key of the second compared model."),
    later("CLAUDE_SONNET_MODEL", "A", "LLM gateway", "The name of the second compared model."),
    later("CLAUDE_SONNET_BASE_URL", "A", "LLM gateway", "The address of the second compared model."),
    later("CLAUDE_SONNET_ENABLED", "A", "LLM gateway", "The switch of the second compared model."),
    sets("AI_MODEL", "P V", "ai.model", Turn::Same, "The model."),
    sets("AI_MODEL_DEFAULT", "V", "ai.model", Turn::Same, "Another name for `AI_MODEL`."),
    sets("AI_PROVIDER", "V", "ai.wire", Turn::Same, "The provider's language."),
    sets("GEMINI_API_KEY", "V", "ai.api_key", Turn::Same, "The key for Gemini, beside `AI_PROVIDER` with `gemini`."),
    sets("OPENAI_API_KEY", "D", "ai.api_key", Turn::Same, "The key for OpenAI."),
    sets("AI_INTEGRATIONS_OPENAI_API_KEY", "O", "ai.api_key", Turn::Same, "Another name for `OPENAI_API_KEY`."),
    sets("AI_INTEGRATIONS_OPENAI_BASE_URL", "O", "ai.base_url", Turn::Same, "Where the OpenAI interface is."),
    none("COST_GPT_IN_PER_1K_USD", "O", "The price of a thousand tokens in. Prices are dated rows: write it down with `POST /api/v1/ai/prices`."),
    none("COST_GPT_OUT_PER_1K_USD", "O", "The price of a thousand tokens out. Prices are dated rows: write it down with `POST /api/v1/ai/prices`."),
    later("COST_WHISPER_PER_MIN_USD", "O", "LLM gateway", "The price of a minute of speech; prices will be dated rows."),
    later("ALLOW_REAL_QUERY_EXECUTION", "A", "warehouse connectors", "Whether billed warehouses run queries; files and PostgreSQL always run for real, under the guard."),
    later("RUN_STARTUP_CONNECTION_TESTS", "A", "warehouse connectors", "Whether connections are tested before it serves."),
    later("SCHEMA_CACHE_TTL_SECONDS", "A", "warehouse connectors", "How long a catalog is kept; until then until it is refreshed."),
    later("BIGQUERY_MOCK_MODE", "A", "warehouse connectors", "Whether BigQuery questions are answered from the sample data."),
    later("BIGQUERY_PROJECT_ID", "A", "warehouse connectors", "The project that pays."),
    later("BIGQUERY_LOCATION", "A", "warehouse connectors", "Where jobs run."),
    later("BIGQUERY_SERVICE_ACCOUNT_JSON", "A", "warehouse connectors", "The service account."),
    later("METABASE_MOCK_MODE", "A", "Metabase", "Whether dashboards stay on our page only."),
    later("METABASE_URL", "A", "Metabase", "Where Metabase is."),
    later("METABASE_API_KEY", "A", "Metabase", "The key for Metabase."),
    later("SIMULATE_LLM_UNAVAILABLE", "A", "LLM gateway", "A rehearsal of a model that is down, in development mode."),
    later("SIMULATE_WAREHOUSE_UNAVAILABLE", "A", "warehouse connectors", "A rehearsal of a warehouse that is down, in development mode."),
    later("SLACK_SIGNING_SECRET", "A", "Slack and Telegram", "Proves that a call comes from Slack."),
    later("SLACK_BOT_TOKEN", "A", "Slack and Telegram", "Lets the program write to Slack."),
    later("SLACK_DEFAULT_ORG_ID", "A", "Slack and Telegram", "The tenant of Slack teams without a binding."),
    later("TELEGRAM_BOT_TOKEN", "A O", "Slack and Telegram", "Lets the program write to Telegram."),
    later("TELEGRAM_WEBHOOK_SECRET", "A", "Slack and Telegram", "Proves that a call comes from Telegram."),
    later("TELEGRAM_DEFAULT_ORG_ID", "A", "Slack and Telegram", "The tenant of chats without a binding."),
    later("TELEGRAM_CHAT_ID", "O", "notifications", "The chat that alerts go to."),
    later("SLACK_WEBHOOK_URL", "V", "notifications", "The Slack address that alerts go to."),
    later("SLACK_CHANNEL", "V", "notifications", "The Slack channel that alerts go to."),
    later("ALERT_WEBHOOK_URL", "O V", "notifications", "The address that alerts go to."),
    later("ALERT_TO", "O", "notifications", "The person that alerts go to."),
    later("SMTP_HOST", "O", "notifications", "Server for e-mail."),
    later("SMTP_PORT", "O", "notifications", "Port for e-mail."),
    later("SMTP_USER", "O", "notifications", "Account for e-mail."),
    later("SMTP_PASS", "O", "notifications", "Password for e-mail."),
    later("SMTP_FROM", "O", "notifications", "Sender for e-mail."),
    later("COMPLIANCE_WEBHOOK_URL", "O", "notifications", "The address that compliance events go to."),
    later("COMPLIANCE_WEBHOOK_SECRET", "O", "notifications", "Signs compliance events; there will be no default."),
    later("SLO_AVAILABILITY_PCT", "O", "service levels", "Target of availability."),
    later("SLO_P95_TARGET_MS", "O", "service levels", "Target of the 95th percentile."),
    later("SLO_P99_TARGET_MS", "O", "service levels", "Target of the 99th percentile."),
    later("SLO_WEBHOOK_SUCCESS_PCT", "O", "service levels", "Target of accepted webhooks."),
    later("SLO_ERROR_BUDGET_PCT", "O", "service levels", "Burning that is critical."),
    later("SLO_LAT_P95_MS", "O", "service levels", "Another name for `SLO_P95_TARGET_MS`."),
    later("SLO_LAT_P99_MS", "O", "service levels", "Another name for `SLO_P99_TARGET_MS`."),
    later("SLO_ERR_BUDGET_DAILY_PCT", "O", "service levels", "The budget of a day."),
    later("SLO_WINDOW_DAYS", "O", "service levels", "Days that are looked at."),
    later("SLO_AUTO_TUNE", "O", "service levels", "Whether targets follow what is measured."),
    later("UPTIME_STRIKES", "O", "service levels", "Failures in a row that count as down."),
    later("UPTIME_INTERVAL_SEC", "O", "service levels", "How often it is looked."),
    later("SCHED_BRIEF_UTC", "O", "tasks", "When the daily brief is made."),
    later("SCHED_REPORT_UTC", "O", "tasks", "When the daily report is made."),
    later("SCHED_SELFHEAL_EVERY_HOURS", "O", "tasks", "How often failed tasks are looked after."),
    later("GITHUB_CLIENT_ID", "V", "repositories", "The program's identity at GitHub."),
    later("GITHUB_CLIENT_SECRET", "V", "repositories", "The secret of that identity."),
    later("GITHUB_REDIRECT_URI", "V", "repositories", "Where GitHub sends people back to."),
    later("GITHUB_WEBHOOK_SECRET", "V", "repositories", "Proves that a call comes from GitHub."),
    later("GITHUB_APP_ID", "V", "repositories", "The GitHub App."),
    later("GITHUB_APP_PRIVATE_KEY", "V", "repositories", "The App's key."),
    later("GITHUB_APP_INSTALLATION_ID", "V", "repositories", "Where the App is installed."),
    later("FRONTEND_URL", "V", "repositories", "Where people are sent back to after signing in with GitHub."),
    later("BACKUP_SCHEDULE", "V", "backups", "When a backup is made."),
    later("BACKUP_RETENTION_DAYS", "V", "backups", "How long backups are kept."),
    later("S3_BUCKET", "V", "backups", "The bucket of backups."),
    later("S3_ACCESS_KEY", "V", "backups", "Its key's name."),
    later("S3_SECRET_KEY", "V", "backups", "Its key."),
    later("S3_REGION", "V", "backups", "Its region."),
    later("DR_BACKUP_BUCKET", "O", "backups", "The bucket of backups."),
    later("STRIPE_MODE", "O", "payments", "Whether test or live keys are used."),
    later("STRIPE_SECRET_KEY", "O", "payments", "The test key."),
    later("STRIPE_WEBHOOK_SECRET", "O", "payments", "Proves that a call comes from Stripe."),
    later("STRIPE_SECRET_LIVE", "O", "payments", "The live key."),
    later("STRIPE_WEBHOOK_LIVE", "O", "payments", "As `STRIPE_WEBHOOK_SECRET`, for live calls."),
    later("PAYPAL_CLIENT_ID", "O", "payments", "The identity at PayPal."),
    later("PAYPAL_SECRET", "O", "payments", "Its secret."),
    later("PAYPAL_LIVE", "O", "payments", "Whether payments are real."),
    later("PAYMENT_CURRENCY", "O", "payments", "The currency."),
    later("PAYMENT_SUCCESS_URL", "O", "payments", "Where payers are sent after paying."),
    later("PAYMENT_CANCEL_URL", "O", "payments", "Where payers are sent otherwise."),
    later("GUARD_MAX_PER_HOUR", "O", "payments", "Payments of one person in an hour."),
    later("GUARD_MAX_AMOUNT_DAY", "O", "payments", "Money of one person in a day."),
    later("GUARD_BLOCK_PREPAID", "O", "payments", "Whether prepaid cards are refused."),
    later("GUARD_EMAIL_ALLOW", "O", "payments", "People that are not checked."),
    later("DEFAULT_RATE_USD_PER_MIN", "O", "payments", "The price of a minute of work."),
    later("AUTOMATION_QUEUE_DB_ID", "O", "tasks", "The Notion database that tasks come from."),
    later("AUTOMATION_LOG_DB_ID", "O", "tasks", "The Notion database that gets the log."),
    later("JOB_LOG_DB_ID", "O", "tasks", "The Notion database that gets results."),
    later("NOTION_TOKEN", "O", "tasks", "The key for Notion."),
    later("NOTION_API_KEY", "O", "tasks", "Another name for `NOTION_TOKEN`."),
    later("REPLAY_MAX_PER_RUN", "O", "tasks", "Tasks that one replay starts."),
    later("REPLAY_LOOKBACK_DAYS", "O", "tasks", "Days that a replay looks back."),
    later("MAX_AUDIO_MINUTES", "O", "tasks", "Longest recording."),
    later("MAX_FILE_MB", "O", "tasks", "Largest upload."),
    later("NOTION_CLIENT_DB_ID", "O", "tasks", "The Notion database `client`."),
    later("NOTION_FINANCE_DB_ID", "O", "tasks", "The Notion database `finance`."),
    later("NOTION_GOVERNANCE_DB_ID", "O", "tasks", "The Notion database `governance`."),
    later("NOTION_OPS_MONITOR_DB_ID", "O", "tasks", "The Notion database `ops_monitor`."),
    later("NOTION_FORECAST_DB_ID", "O", "tasks", "The Notion database `forecast`."),
    later("NOTION_REGION_COMPLIANCE_DB_ID", "O", "tasks", "The Notion database `region_compliance`."),
    later("NOTION_PARTNERS_DB_ID", "O", "tasks", "The Notion database `partners`."),
    later("NOTION_REFERRALS_DB_ID", "O", "tasks", "The Notion database `referrals`."),
    later("NOTION_GROWTH_METRICS_DB_ID", "O", "tasks", "The Notion database `growth_metrics`."),
    later("NOTION_COST_DASHBOARD_DB_ID", "O", "tasks", "The Notion database `cost_dashboard`."),
    later("NOTION_STATUS_DB_ID", "O", "tasks", "The Notion database `status`."),
    later("NOTION_DSR_DB_ID", "O", "tasks", "The Notion database `dsr`."),
    later("COPILOT_WORKSPACE_ROOT", "P", "platform builds", "The folder of builds."),
    later("COPILOT_SIGNING_KEY", "P", "platform builds", "Signs what builds make."),
    later("COPILOT_SIGNING_KEY_FILE", "P", "platform builds", "A file with that key."),
    later("COPILOT_MODEL_REGISTRY_PATH", "P", "platform builds", "The list of data models."),
    later("COPILOT_PRICING_FILE", "P", "platform builds", "Prices of machines."),
    later("COPILOT_UPSTREAM_REPO_URL", "P", "platform builds", "The repository that builds start from."),
    later("COPILOT_UPSTREAM_REPO_BRANCH", "P", "platform builds", "Its branch."),
    later("COPILOT_UPSTREAM_REPO_PATHS", "P", "platform builds", "Its folders."),
    none("COPILOT_EXEC_RECONCILE_INTERVAL_SECONDS", "P", "Runs of vanished workers are looked for all the time, and go on within seconds."),
    none("PER_ORG_MAX_WORKFLOWS", "A", "A limit belongs to a queue and can change while the program runs: `pilothouse queue limits NAME --per-tenant N`."),
    none("CLEANUP_SCHEDULE", "V", "Old runs need no schedule; see `engine.retention_days`."),
    none("SENTRY_DSN", "V", "Traces go to an OpenTelemetry collector, see `telemetry.otlp_endpoint`; faults are in the log, with their request."),
    none("SENTRY_ENVIRONMENT", "V", "Name the environment in `OTEL_RESOURCE_ATTRIBUTES`."),
    none("SENTRY_TRACES_SAMPLE_RATE", "V", "See `telemetry.sample_percent`."),
    // What is not needed here, and why.
    none("COPILOT_DEFAULT_TENANT", "P", "The tenant of requests that name none is always `default`; name another in `X-Tenant`."),
    none("COPILOT_AUTH_MODE", "P", "Callers prove themselves by token or session; there is no other mode."),
    none("COPILOT_ADMIN_TOKEN", "P", "Tokens belong to subjects and are made by `pilothouse token create`."),
    none("COPILOT_VIEWER_TOKEN", "P", "Tokens belong to subjects and are made by `pilothouse token create`."),
    none("COPILOT_STATIC_ADMIN_TOKEN", "P", "Tokens belong to subjects and are made by `pilothouse token create`."),
    none("COPILOT_STATIC_VIEWER_TOKEN", "P", "Tokens belong to subjects and are made by `pilothouse token create`."),
    none("COPILOT_ADMIN_TOKEN_FILE", "P", "Only hashes of tokens are kept, in the database."),
    none("COPILOT_VIEWER_TOKEN_FILE", "P", "Only hashes of tokens are kept, in the database."),
    none("COPILOT_STATIC_ADMIN_TOKEN_FILE", "P", "Only hashes of tokens are kept, in the database."),
    none("COPILOT_STATIC_VIEWER_TOKEN_FILE", "P", "Only hashes of tokens are kept, in the database."),
    none("COPILOT_ALLOW_STATIC_TOKEN_IN_PROD", "P", "Fixed tokens never work in production mode."),
    none("COPILOT_TRUST_PROXY_HEADERS", "P", "Proxies are believed one by one, by `server.trusted_proxies`."),
    none("COPILOT_SECURITY_HEADERS_ENABLED", "P", "Security headers are always sent."),
    none("COPILOT_AUDIT_PATH", "P", "The audit log is in the database, in a hash chain for each tenant."),
    none("COPILOT_STRICT_MODE", "P", "It had no effect in the original either."),
    none("DASHBOARD_KEY", "O", "A key that people share is nobody's: make tokens, and send them as `X-Dash-Key` where clients do."),
    none("ROLES_JSON", "O", "Each token has its own role."),
    none("HEALTH_TOKEN", "O", "Health needs no token and tells no secrets."),
    none("SESSION_SECRET", "O", "Sessions are random ids in the database and nothing is signed."),
    none("AUTH_JWT_SECRET", "O", "Tokens are random and stored as hashes; no JSON Web Tokens are made."),
    none("AUTH_JWT_EXP_HRS", "O", "See `auth.session_hours` and the expiry of each token."),
    none("RBAC_SECRET", "O", "Roles are rows of the database."),
    none("DEMO_MODE", "O", "Development mode has sample data; nothing is ever invented."),
    none("ALLOW_DIRTY", "O", "The program does not look at a working copy."),
    none("ROTATE_DASHBOARD_KEY", "O", "Tokens are replaced one by one: make a new one, then revoke the old."),
    none("ROTATE_STRIPE_WEBHOOK", "O", "Secrets are replaced by whoever set them."),
    none("REPLIT_CONNECTORS_HOSTNAME", "O", "It belongs to the original's hosting."),
    none("REPL_IDENTITY", "O", "It belongs to the original's hosting."),
    none("WEB_REPL_RENEWAL", "O", "It belongs to the original's hosting."),
    none("RAILWAY_URL", "O", "It belongs to the original's hosting."),
    none("RAILWAY_TOKEN", "V", "It belongs to the original's hosting."),
    none("RAILWAY_PROJECT_ID", "V", "It belongs to the original's hosting."),
    none("EDGE_ENABLE", "O", "Workers share one database instead of an edge copy."),
    none("EDGE_BASE_URL", "O", "Workers share one database instead of an edge copy."),
    none("PUBLIC_BASE_URL", "O", "Links are relative to the address that the browser uses."),
    none("BASE_URL", "O", "The program calls itself in the process."),
    none("SCALE_MIN", "O", "Starting machines is left to whoever runs them."),
    none("SCALE_MAX", "O", "Starting machines is left to whoever runs them."),
    none("SCALE_COOLDOWN_MIN", "O", "Starting machines is left to whoever runs them."),
    none("SCALE_DRY_RUN", "O", "Starting machines is left to whoever runs them."),
    none("SUPABASE_URL", "V", "The program has its own database and its own sign-in."),
    none("SUPABASE_SERVICE_ROLE_KEY", "V", "The program has its own database and its own sign-in."),
    none("SUPABASE_ANON_KEY", "V", "The program has its own database and its own sign-in."),
    none("JWT_SECRET", "V", "No JSON Web Tokens are made."),
    none("JWT_ALGORITHM", "V", "No JSON Web Tokens are made."),
    none("JWT_EXPIRATION_MINUTES", "V", "No JSON Web Tokens are made."),
    none("APP_VERSION", "V", "The version is that of the binary."),
    none("DEBUG", "V", "Errors never show traces; see `log.level`."),
    none("CI", "V", "Tests say themselves what they need."),
    none("NEXT_PUBLIC_API_URL", "V", "The page is part of the binary and calls its own address."),
    none("NEXT_PUBLIC_SUPABASE_URL", "V", "The page is part of the binary and calls its own address."),
    none("NEXT_PUBLIC_SUPABASE_ANON_KEY", "V", "The page is part of the binary and calls its own address."),
    none("VITE_API_BASE_URL", "P", "The page is part of the binary and calls its own address."),
    none("API_URL", "P", "The page is part of the binary and calls its own address."),
    none("PYTEST_CURRENT_TEST", "P", "Tests never turn authentication off."),
    none("ENV", "D", "See `mode`."),
    none("PYTHONPATH", "D", "It concerns Python."),
    none("IMAGE_TAG", "D", "Rolling back is starting the version that is wanted."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::key;

    #[test]
    fn names_are_unique_and_described() {
        let mut names: Vec<_> = TABLE.iter().map(|alias| alias.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for alias in TABLE {
            assert!(alias.about.ends_with('.'), "{}", alias.name);
            assert!(!alias.name.starts_with("PILOTHOUSE_"), "{}", alias.name);
            for letter in alias.originals.split_whitespace() {
                assert!(ORIGINALS.iter().any(|(known, _)| *known == letter), "{}", alias.name);
            }
        }
    }

    #[test]
    fn every_key_that_is_set_exists() {
        for alias in TABLE {
            if let Effect::Sets(path, _) = alias.effect {
                assert!(key(path).is_some(), "{path}");
            }
        }
    }
}
