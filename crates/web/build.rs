//! Rebuilds the crate when the web interface inside it changes.

use std::path::Path;

fn main() {
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/dist");
    // Debug builds read the files when they are asked for. A release that was built before the
    // interface existed must notice it: a missing path makes Cargo look every time.
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if is_release || Path::new(dist).exists() {
        println!("cargo:rerun-if-changed={dist}");
    } else {
        println!("cargo:rerun-if-changed=build.rs");
    }
}
