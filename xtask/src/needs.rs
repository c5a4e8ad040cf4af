//! What each command needs on the machine, and which package has it.

use std::path::Path;

use crate::shell;

/// A program or file that must be there, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    /// How to see that it is there.
    pub(crate) found: Found,
    /// What it is for.
    pub(crate) purpose: &'static str,
    /// Whether we can go on without it.
    pub(crate) weight: Weight,
    /// Its package in Debian and Ubuntu.
    pub(crate) debian: &'static str,
    /// Its package in Fedora, Arch, openSUSE and Alpine; empty where there is none.
    pub(crate) elsewhere: [&'static str; 4],
}

/// How to see that a need is met.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found {
    /// A program of this name exists.
    Program(&'static str),
    /// A program of this name exists, or a file matching the folder/…/name below it.
    ProgramBelow(&'static str, &'static str),
    /// This file or folder exists.
    File(&'static str),
}

/// Whether we can go on without a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Nothing works without it.
    Required,
    /// Something is lost without it.
    Useful,
}

impl Need {
    /// Whether the machine has it.
    pub(crate) fn is_met(&self) -> bool {
        match self.found {
            Found::Program(name) => shell::find(name).is_some(),
            Found::ProgramBelow(name, folder) => {
                let below = |entry: std::io::Result<std::fs::DirEntry>| {
                    entry.is_ok_and(|entry| entry.path().join("bin").join(name).is_file())
                };
                shell::find(name).is_some()
                    || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.any(below))
            }
            Found::File(path) => Path::new(path).exists(),
        }
    }

    /// What is looked for, for people.
    pub(crate) fn name(&self) -> &'static str {
        match self.found {
            Found::Program(name) | Found::ProgramBelow(name, _) => name,
            Found::File(path) => path,
        }
    }
}

const fn need(
    found: Found,
    weight: Weight,
    debian: &'static str,
    elsewhere: [&'static str; 4],
    purpose: &'static str,
) -> Need {
    Need { found, purpose, weight, debian, elsewhere }
}

use Found::{File, Program, ProgramBelow};
use Weight::{Required, Useful};

/// What building and running Hearth needs. Node comes separately: distributions often have one too old.
pub(crate) const UP: &[Need] = &[
    need(Program("git"), Required, "git", ["git"; 4], "workspaces clone with it"),
    need(
        Program("gcc"),
        Required,
        "gcc libc6-dev",
        ["gcc", "gcc", "gcc", "build-base"],
        "C parts are compiled",
    ),
    need(Program("make"), Required, "make", ["make"; 4], "C parts are compiled"),
    need(
        Program("musl-gcc"),
        Useful,
        "musl-tools",
        ["musl-gcc", "musl", "musl-devel", "musl-dev"],
        "the agent is a static executable",
    ),
    need(Program("pasta"), Useful, "passt", ["passt"; 4], "workspaces reach the network through it"),
];

/// Node with its package manager; whether it is new enough is looked at apart.
pub(crate) const NPM: Need = need(
    Program("npm"),
    Required,
    "nodejs npm",
    ["nodejs-npm", "nodejs npm", "nodejs npm", "nodejs npm"],
    "the UI is built with it",
);

/// What the tests need on top of [`UP`]: the real peers.
pub(crate) const TEST: &[Need] = &[
    need(
        ProgramBelow("initdb", "/usr/lib/postgresql"),
        Required,
        "postgresql",
        ["postgresql-server", "postgresql", "postgresql-server", "postgresql"],
        "the store is tested on PostgreSQL",
    ),
    need(
        Program("docker-registry"),
        Required,
        "docker-registry",
        ["docker-distribution", "", "distribution-registry", "docker-registry"],
        "images are pulled from a local registry",
    ),
    need(Program("skopeo"), Required, "skopeo", ["skopeo"; 4], "images are copied and converted"),
    need(
        Program("umoci"),
        Required,
        "umoci",
        ["umoci", "umoci", "umoci", "umoci"],
        "images are made by another hand",
    ),
    need(
        Program("slirp4netns"),
        Useful,
        "slirp4netns",
        ["slirp4netns"; 4],
        "the network of an ordinary user's workspaces is compared",
    ),
    need(
        Program("newuidmap"),
        Required,
        "uidmap",
        ["shadow-utils", "shadow", "shadow", "shadow-uidmap"],
        "workspaces of an ordinary user",
    ),
    need(Program("bwrap"), Required, "bubblewrap", ["bubblewrap"; 4], "sandboxes are compared"),
    need(Program("runc"), Required, "runc", ["runc"; 4], "sandboxes are compared"),
    need(
        Program("chromium"),
        Required,
        "chromium",
        ["chromium", "chromium", "chromium", "chromium"],
        "the browser journey",
    ),
    need(
        File("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
        Useful,
        "fonts-dejavu-core",
        ["dejavu-sans-fonts", "ttf-dejavu", "dejavu-fonts", "font-dejavu"],
        "the browser draws text",
    ),
    need(
        // Not in the path of ordinary users.
        File("/usr/sbin/sshd"),
        Required,
        "openssh-server",
        ["openssh-server", "openssh", "openssh-server", "openssh-server"],
        "Git over SSH is tried against it",
    ),
    need(
        Program("ssh"),
        Required,
        "openssh-client",
        ["openssh-clients", "openssh", "openssh-clients", "openssh-client"],
        "Git over SSH is tried with it",
    ),
    need(
        Program("openssl"),
        Required,
        "openssl",
        ["openssl"; 4],
        "keys and certificates are made by another hand",
    ),
    need(Program("setpriv"), Required, "util-linux", ["util-linux"; 4], "tests run as an ordinary user"),
    need(
        Program("ip"),
        Useful,
        "iproute2",
        ["iproute", "iproute2", "iproute2", "iproute2"],
        "networks are looked at",
    ),
];

/// What the benchmark needs on top of [`UP`]: the peers it compares with.
pub(crate) const BENCH: &[Need] = &[
    need(
        Program("dockerd"),
        Required,
        "docker.io iptables",
        ["moby-engine", "docker", "docker", "docker"],
        "the peer to compare with",
    ),
    need(
        Program("docker"),
        Required,
        "docker.io",
        ["docker-cli", "docker", "docker", "docker-cli"],
        "the peer to compare with",
    ),
    need(Program("bwrap"), Required, "bubblewrap", ["bubblewrap"; 4], "the floor to compare with"),
    need(
        Program("mmdebstrap"),
        Required,
        "mmdebstrap",
        ["", "", "", ""],
        "makes the image both sides start from",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_names_a_debian_package_and_a_purpose() {
        for need in UP.iter().chain(TEST).chain(BENCH) {
            assert!(!need.debian.is_empty() && !need.purpose.is_empty(), "{need:?}");
        }
    }

    #[test]
    fn a_program_that_every_system_has_is_found() {
        let need = need(Program("sh"), Required, "dash", [""; 4], "tests");

        assert!(need.is_met());
    }

    #[test]
    fn a_program_that_no_system_has_is_not_found() {
        let need = need(Program("no-such-program-here"), Required, "x", [""; 4], "tests");

        assert!(!need.is_met());
    }
}
