//! How questions are read: the deterministic planner that needs no language model.
//!
//! It turns words into semantic queries over a model of the tables; it must not know SQL, engines, tenants or budgets.
//! Read first: [`planner::Planner`] and [`planner::Plan`].

pub mod planner;
