//! The methods, one file for each thing that they are about.

mod find;
mod key;
mod machine;
mod register;
mod share;
mod watch;
