//! The page in a real browser: starts the binary with the sample data and lets Playwright drive Debian's Chromium.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "each test binary uses its own part of the support")]
mod support;

use std::process::Command;

use support::{Server, repository};

#[test]
fn the_page_works_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with_sample(folder.path(), &[]);
    let wholesale = repository().join("eval/wholesale");
    let other = tempfile::tempdir().unwrap();
    let roots = format!("warehouse.allowed_roots={}", wholesale.display());
    // Between what a question about all flights reads and what one about a wholesaler's invoices does.
    let early = ["--set", &roots, "--set", "warehouse.query_dear_bytes=100000"];
    let early = Server::start_with_sample(other.path(), &early);
    let third = tempfile::tempdir().unwrap();
    // Nobody approves their own, and what a question about all flights reads is too much without somebody's word.
    let strict = ["--set", "approvals.own=false", "--set", "warehouse.query_max_bytes=100000"];
    let strict = Server::start_with_sample(third.path(), &strict);
    let web = repository().join("web");
    assert!(web.join("node_modules").is_dir(), "run `npm ci` in web/ first (./check does)");
    assert!(web.join("dist/index.html").is_file(), "run `npm run build` in web/ first (./check does)");
    let status = Command::new("npm")
        .args(["run", "--silent", "test:browser"])
        .current_dir(web)
        .env("PILOTHOUSE_URL", format!("http://{}", server.address))
        .env("PILOTHOUSE_ASKING_EARLY_URL", format!("http://{}", early.address))
        .env("PILOTHOUSE_STRICT_URL", format!("http://{}", strict.address))
        .env("WHOLESALE", wholesale)
        .status()
        .unwrap();
    assert!(status.success(), "the browser tests failed; their report stands above");
}
