//! The HTTP surface as its clients meet it: every request goes through the whole router, over a fresh store.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test by a panic"
)]

mod support;

mod alternatives;
mod approvals;
mod audit;
mod browsers;
mod budgets;
mod callers;
mod costs;
mod deciders;
mod errors;
mod events;
mod failures;
mod feedback;
mod health;
mod imports;
mod isolation;
mod jobs;
mod limits;
mod models;
mod openapi;
mod operator;
mod original;
mod personal;
mod policies;
mod previews;
mod prompts;
mod proposals;
mod queues;
mod readings;
mod reads;
mod rules;
mod runs;
mod schedules;
mod starts;
mod warehouses;
mod workflows;
