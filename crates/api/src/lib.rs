//! HTTP: one file per resource, extractors that authenticate, one table of errors, and the embedded page.
//!
//! Handlers extract, call one function of `app` and map its result; they decide nothing. Read first: [`router`],
//! `caller` (who is calling) and `error` (what goes wrong looks like).

mod caller;
mod dto;
mod error;
mod exposition;
mod extract;
mod fields;
mod json;
mod middleware;
mod openapi;
mod operator;
mod page;
mod parameters;
mod resources;
mod serve;
mod settings;
mod state;
mod telemetry;
mod words;

pub use error::status_of;
pub use openapi::document;
pub use operator::{InProcess, serve_operator};
pub use page::has_page;
pub use serve::{ServeError, serve};
pub use settings::Settings;
pub use state::State;

use std::sync::Arc;

use axum::Router;

/// The whole HTTP surface over `state`.
pub fn router(state: Arc<State>) -> Router {
    let (api, _) = openapi::routes().split_for_parts();
    let routes =
        api.merge(page::routes()).fallback(page::file_or_nothing).method_not_allowed_fallback(error::wrong_method);
    middleware::around(routes, &state).with_state(state)
}
