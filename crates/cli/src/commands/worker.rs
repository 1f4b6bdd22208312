//! `pilothouse worker`: one more process that works on runs, without page and API.

use anyhow::Result;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::serve::stop_on_signal;
use crate::config::Config;
use crate::installation;
use crate::output::Outcome;

/// Works on runs until Ctrl-C or SIGTERM, lets those at work end within the drain time, and hands back the rest.
pub async fn run(config: Config) -> Result<Outcome> {
    let app = installation::open(&config).await?;
    let stop = CancellationToken::new();
    let signals = tokio::spawn(stop_on_signal(stop.clone()));
    banner(&config);
    pilothouse_app::status::warm_query_workers(&app);
    app.engine.work(stop).await;
    signals.abort();
    app.store().close().await;
    Ok(Outcome::ok("", json!({"stopped": true})))
}

#[expect(clippy::print_stderr, reason = "the banner is for the person at the terminal, not for the log")]
fn banner(config: &Config) {
    let queues = &config.engine.queues;
    let served = if queues.is_empty() { "every queue".to_owned() } else { format!("the queues {}", queues.join(", ")) };
    eprintln!("Working on {served}, {} runs side by side.", config.engine.concurrency);
}
