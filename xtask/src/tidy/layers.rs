//! The layering of ARCHITECTURE.md: an edge between our crates may only point down, and some crates
//! must not know some libraries at all.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Faults;
use crate::shell;

/// Our crates and their layer, lowest first. A crate that is not here is a fault.
const LAYERS: &[(&str, u8)] = &[
    ("domain", 1),
    ("wire", 2),
    ("vault", 2),
    ("outbound", 2),
    ("kite", 2),
    ("store", 3),
    ("forge", 3),
    ("link", 3),
    ("registry", 3),
    ("runtime", 4),
    ("control", 4),
    ("web", 5),
    ("agent", 5),
    ("hearth", 6),
    ("hearth-agent", 6),
];

/// Edges within a layer that are meant: `control` drives workspaces through `runtime`'s trait.
const SIDEWAYS: &[(&str, &str)] = &[("control", "runtime"), ("outbound", "vault")];

/// Crates that only tests and development may use.
const DEVELOPMENT: &[&str] = &["testkit", "blackbox", "xtask"];

/// What a crate must not use directly, ours or not, beyond what its layer forbids.
const UNKNOWN_TO: &[(&str, &[&str])] = &[
    ("domain", &["tokio", "axum", "hyper", "http", "sqlx", "reqwest", "rustix", "nix"]),
    ("wire", &["tokio", "axum", "hyper", "sqlx", "reqwest"]),
    ("vault", &["tokio", "axum", "hyper", "sqlx", "reqwest"]),
    ("store", &["axum", "hyper", "reqwest"]),
    ("forge", &["axum", "hyper", "sqlx", "reqwest"]),
    ("kite", &["sqlx", "reqwest"]),
    ("registry", &["axum", "hyper", "sqlx", "reqwest"]),
    ("control", &["axum", "sqlx"]),
    ("runtime", &["axum", "sqlx"]),
    ("web", &["store", "runtime", "sqlx"]),
    ("agent", &["store", "control", "runtime", "outbound"]),
    ("hearth-agent", &["store", "control", "runtime", "outbound", "web"]),
];

/// Libraries that only these crates may use, because they guard them. `hearth` is the command line as
/// well, which talks to the server its user names.
const ONLY_IN: &[(&str, &[&str])] =
    &[("reqwest", &["outbound", "hearth"]), ("sqlx", &["store"]), ("argon2", &["vault"])];

/// Libraries that no part may bring in: a second TLS provider, a second SQLite, OpenSSL.
const NOWHERE: &[&str] = &["openssl", "openssl-sys", "native-tls", "rusqlite", "chrono"];

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build`, or nothing for an ordinary one.
    kind: Option<String>,
}

/// Checks the workspace as cargo sees it.
pub(super) fn check() -> Result<Faults> {
    let mut metadata = shell::cargo();
    // For one platform: what a dependency needs elsewhere is never built.
    metadata.args(["metadata", "--format-version", "1", "--locked"]);
    metadata.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let metadata: Metadata = serde_json::from_str(&shell::read(&mut metadata)?)
        .context("cannot read the answer of `cargo metadata`")?;
    Ok(faults(&metadata))
}

fn faults(metadata: &Metadata) -> Faults {
    let mut faults = vec![];
    for package in &metadata.packages {
        if NOWHERE.contains(&package.name.as_str()) {
            faults.push(format!("`{}` is in the dependency tree and must not be", package.name));
        }
        if metadata.workspace_members.contains(&package.id) && !DEVELOPMENT.contains(&package.name.as_str()) {
            package_faults(package, &mut faults);
        }
    }
    faults
}

fn package_faults(package: &Package, faults: &mut Faults) {
    let from = package.name.as_str();
    let Some(layer) = layer_of(from) else {
        faults.push(format!(
            "`{from}` has no layer; give it one in xtask/src/tidy/layers.rs and ARCHITECTURE.md"
        ));
        return;
    };
    let unknown = UNKNOWN_TO.iter().find(|(name, _)| *name == from).map_or(&[][..], |(_, names)| names);
    let ordinary = package.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"));
    for to in ordinary.map(|dependency| dependency.name.as_str()) {
        if DEVELOPMENT.contains(&to) {
            faults.push(format!("`{from}` uses `{to}` outside its tests"));
        }
        if unknown.contains(&to) {
            faults.push(format!("`{from}` must not know `{to}`"));
        }
        if let Some((_, keepers)) =
            ONLY_IN.iter().find(|(name, keepers)| *name == to && !keepers.contains(&from))
        {
            faults.push(format!("`{from}` uses `{to}`, which only `{}` may", keepers.join("`, `")));
        }
        if layer_of(to).is_some_and(|below| below >= layer) && !SIDEWAYS.contains(&(from, to)) {
            faults.push(format!("`{from}` uses `{to}`, which is not below it"));
        }
    }
}

fn layer_of(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(from: &str, to: &str, kind: Option<&str>) -> Metadata {
        let dependency = Dependency { name: to.into(), kind: kind.map(Into::into) };
        let package = Package { id: from.into(), name: from.into(), dependencies: vec![dependency] };
        Metadata { packages: vec![package], workspace_members: BTreeSet::from([from.to_owned()]) }
    }

    fn check(from: &str, to: &str, kind: Option<&str>, count: usize) {
        let faults = faults(&workspace(from, to, kind));
        assert_eq!(faults.len(), count, "{from} → {to}: {faults:?}");
    }

    #[test]
    fn edges_point_down() {
        check("web", "control", None, 0);
        check("control", "web", None, 1);
        check("store", "link", None, 1);
        check("control", "runtime", None, 0);
        check("runtime", "control", None, 1);
    }

    #[test]
    fn tests_may_look_anywhere_and_products_never_use_the_test_kit() {
        check("store", "testkit", Some("dev"), 0);
        check("store", "testkit", None, 1);
        check("store", "testkit", Some("build"), 1);
    }

    #[test]
    fn guarded_libraries_stay_with_their_guard() {
        check("outbound", "reqwest", None, 0);
        check("link", "reqwest", None, 1);
        check("domain", "tokio", None, 1);
        check("agent", "store", None, 1);
    }

    #[test]
    fn a_crate_without_a_layer_is_a_fault() {
        check("surprise", "domain", None, 1);
    }

    #[test]
    fn a_second_tls_library_is_a_fault_wherever_it_comes_from() {
        let mut metadata = workspace("web", "control", None);
        metadata.packages.push(Package { id: "x".into(), name: "openssl-sys".into(), dependencies: vec![] });

        assert_eq!(faults(&metadata).len(), 1);
    }
}
