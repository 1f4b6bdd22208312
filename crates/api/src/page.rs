//! The page, embedded in the binary: its files, and its one document for every address of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pilothouse_domain::Code;
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

use crate::error::Failure;
use crate::state::State;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

/// The addresses of the page; each answers its document, which then shows what the address names.
const ADDRESSES: [&str; 14] = [
    "/",
    "/sign-in",
    "/ask",
    "/ask/{*rest}",
    "/runs",
    "/runs/{*rest}",
    "/queues",
    "/approvals",
    "/approvals/{*rest}",
    "/schedules",
    "/schedules/{*rest}",
    "/data",
    "/data/{*rest}",
    "/settings",
];

/// The routes of the page.
pub fn routes() -> Router<Arc<State>> {
    let documents = ADDRESSES.into_iter().fold(Router::new(), |router, path| router.route(path, get(document)));
    documents.route("/assets/{*path}", get(asset)).layer(CompressionLayer::new())
}

/// Whether the page was built into this program.
pub fn has_page() -> bool {
    Files::get("index.html").is_some()
}

async fn document() -> Response {
    match Files::get("index.html") {
        // The document names its assets by their hashes, so it alone must be asked for each time.
        Some(file) => served("index.html", file, "no-cache"),
        None => {
            let message = "The page was not built into this program: build web/ first, see the README.";
            Failure::new(Code::NotImplemented, message).into_response()
        }
    }
}

/// What stands at no route: a file of the page such as its icon, else nothing.
pub async fn file_or_nothing(request: Request) -> Response {
    // A route for such files would take every address of one part, and answer 405 where nothing is.
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Failure::new(Code::NotFound, "Not Found").into_response();
    }
    let for_a_person = wants_document(&request);
    let found = asset(request).await;
    if found.status() != StatusCode::NOT_FOUND || !for_a_person || !has_page() {
        return found;
    }
    // Somebody who mistyped an address is told so by the page, under the true status.
    let mut response = document().await;
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Whether a browser asks for something to show, outside the API.
fn wants_document(request: &Request) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accepts.contains("text/html") && !request.uri().path().starts_with("/api/")
}

async fn asset(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let Some(file) = Files::get(path) else {
        return Failure::new(Code::NotFound, "Not Found").into_response();
    };
    let tag = entity_tag(&file);
    if request.headers().get(IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let hashed = path.starts_with("assets/");
    served(path, file, if hashed { "public, max-age=31536000, immutable" } else { "no-cache" })
}

fn entity_tag(file: &EmbeddedFile) -> String {
    let hash: String = file.metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}\"")
}

fn served(path: &str, file: EmbeddedFile, cache: &'static str) -> Response {
    let tag = entity_tag(&file);
    let mut response = file.data.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// The media types of what the page is made of.
fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}
