//! The launcher alone, for this crate's tests; in a release it is `hearth __sandbox`.

fn main() -> std::process::ExitCode {
    runtime::native::sandbox_main()
}
