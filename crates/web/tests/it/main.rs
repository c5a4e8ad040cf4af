//! The edge as clients see it: a whole server on a real port, with a real store and real agents.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that does not get what it needs fails by panicking"
)]

mod access;
mod agents;
mod app;
mod callback;
mod cookies;
mod crossing;
mod document;
mod driver;
mod events;
mod exec;
mod files;
mod forge_world;
mod forges;
mod http;
mod idempotency;
mod images;
mod origin;
mod pages;
mod probes;
mod problems;
mod random;
mod sockets;
mod terminal;
mod ui;

#[test]
fn every_file_here_is_a_module() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let declared = include_str!("main.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") else { continue };
        assert!(declared.contains(&format!("mod {module};")), "`{name}` is never run");
    }
}
