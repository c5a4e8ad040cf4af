//! Packs the agent into the executable, if it has been built: `cargo xtask` puts the static file at
//! `target/embed/hearth-agent`. Without it the server still builds and says what is missing.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let agent = manifest.join("../../target/embed/hearth-agent");
    println!("cargo:rerun-if-changed={}", agent.display());
    let packed = match std::fs::read(&agent) {
        Ok(bytes) => zstd::encode_all(bytes.as_slice(), 10)?,
        Err(_) => Vec::new(),
    };
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    std::fs::write(out.join("hearth-agent.zst"), packed)
}
