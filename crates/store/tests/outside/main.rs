//! What the store makes of a database that somebody else has touched: rows changed behind its back, versions it does
//! not know, files that are no database.

mod audit_chain;
mod opening;
mod raw;
