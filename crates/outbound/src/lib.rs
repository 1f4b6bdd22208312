//! The only way out of the program over HTTP: one client with time limits, retries and a guard against addresses that
//! must not be reached. It does not know what the calls mean.
//!
//! Read [`Client`] first, then [`Reach`], which says where a call may go.

mod body;
mod client;
mod error;
mod reach;
mod retry;
mod socket;

pub use body::Body;
pub use client::{Client, Incoming, Options};
pub use error::Error;
pub use reach::{Reach, resolve};
pub use retry::asked_wait;
pub use socket::send as send_over_socket;
