//! The governed query path. stub

pub mod guard;
