//! The helper alone, for this crate's tests; in a release it is part of `hearth-agent`.

fn main() -> std::process::ExitCode {
    agent::run_helper(std::env::args_os().skip(1)).unwrap_or(std::process::ExitCode::FAILURE)
}
