//! `hearth`: the server, its administration, and the user's command line.
//!
//! Under the name `hearth __sandbox` the same file is the first process of every sandbox; that has to
//! happen before a thread or an async runtime exists, so it is the first thing looked at.
#![allow(unreachable_pub, missing_docs, reason = "a program has no outside; `pub` says what a module offers")]

mod agent_file;
mod cli;
mod client;
mod command;
mod config;
mod memory;
mod outside;
mod serve;
mod socket;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};

/// The hidden command of a sandbox's first process.
const SANDBOX: &str = "__sandbox";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    if arguments.nth(1).is_some_and(|argument| argument == SANDBOX) {
        return runtime::native::sandbox_main();
    }
    memory::keep_small();
    let cli = Cli::parse();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        terminal::note("warning: another TLS provider was installed first");
    }
    let result = match cli.command {
        Command::Up(options) => serve::up(&cli.global, &options),
        Command::Serve(options) => serve::serve(&cli.global, &options),
        command => with_runtime(command::run(&cli.global, command)),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report(&cli.global, &error);
            ExitCode::from(exit_code(&error))
        }
    }
}

fn with_runtime<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

/// 2: the server refused the request; 3: no server; 1: everything else.
fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<client::Refused>() {
        Some(_) => 2,
        None if error.to_string().contains("no server answers") => 3,
        None => 1,
    }
}

fn report(global: &cli::Global, error: &anyhow::Error) {
    if global.json
        && let Some(refused) = error.downcast_ref::<client::Refused>()
    {
        let document = serde_json::json!({
            "error": {"status": refused.status, "code": refused.code, "detail": refused.detail, "mend": refused.mend}
        });
        terminal::print(&document.to_string());
    }
    terminal::note(&format!("error: {error}"));
    for cause in error.chain().skip(1) {
        terminal::note(&format!("  because {cause}"));
    }
}
