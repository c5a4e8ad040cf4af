//! The server's own log, on standard error.

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Installs the log as configured.
pub fn install(config: &Log) -> Result<()> {
    let filter: EnvFilter = config.filter.parse().context("log.filter is not a filter")?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let installed = match config.format.as_str() {
        "json" => builder.json().try_init(),
        _ => builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .with_target(false)
            .try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("cannot install the log: {error}"))
}
