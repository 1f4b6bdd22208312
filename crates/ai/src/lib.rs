//! Models of language and what stands in for them: the wires of providers, and the deterministic planner that needs none.
//!
//! Read first: [`chat`] (what is asked and answered), [`wire`] (how each provider says it), [`provider`] (calls); and for
//! questions [`planner::Planner`] and [`planner::Plan`]. Nothing here knows SQL, engines, tenants or budgets: keys, prompts
//! and prices are handed in.

pub mod chat;
mod pattern;
pub mod planner;
pub mod prices;
pub mod proposal;
pub mod provider;
pub mod schema;
pub mod sensitive;
pub mod sse;
pub mod tokens;
pub mod triage;
pub mod wire;
