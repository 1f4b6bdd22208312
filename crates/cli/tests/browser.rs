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
    let web = repository().join("web");
    assert!(web.join("node_modules").is_dir(), "run `npm ci` in web/ first (./check does)");
    assert!(web.join("dist/index.html").is_file(), "run `npm run build` in web/ first (./check does)");
    let status = Command::new("npm")
        .args(["run", "--silent", "test:browser"])
        .current_dir(web)
        .env("PILOTHOUSE_URL", format!("http://{}", server.address))
        .status()
        .unwrap();
    assert!(status.success(), "the browser tests failed; their report stands above");
}
