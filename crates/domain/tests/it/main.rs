//! Tests of the domain: tables and random event sequences.
#![allow(missing_docs, reason = "tests say what they check in their names")]

mod access;
mod kite;
mod lifecycle;
mod names;
