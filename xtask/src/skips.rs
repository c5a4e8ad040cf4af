//! Finds tests that could not try something here: they pass, and print a line `skipped: why`.
//!
//! Rust's test harness has no such outcome. nextest keeps the output of passing tests in its JUnit
//! report, where we look for the line and count the test as skipped.

use std::path::Path;

use crate::needs::{self, Need};
use crate::peers;
use crate::steps::Found;

/// How the test kit says that a peer can be installed.
const BY_HAND: &str = "cargo xtask test --only packages";

/// Moves tests that said they skipped from passed to skipped, with their reason.
pub(crate) fn account(found: &mut Found, junit: &Path) {
    let Ok(report) = std::fs::read_to_string(junit) else { return };
    for skip in reasons(&report) {
        found.tally.passed = found.tally.passed.saturating_sub(1);
        found.tally.skipped += 1;
        found.skips.push(skip);
    }
}

/// One `test: why` for each test of the report that printed such a line.
fn reasons(report: &str) -> Vec<String> {
    let mut case = String::new();
    let mut found: Vec<String> = vec![];
    let mut last_with_reason = String::new();
    for line in report.lines() {
        if let Some((_, rest)) = line.split_once("<testcase name=\"") {
            rest.split('"').next().unwrap_or_default().clone_into(&mut case);
        }
        let text = line.rsplit_once("<system-out>").or_else(|| line.rsplit_once("<system-err>"));
        let text = text.map_or(line, |(_, text)| text).trim();
        // libtest may put `test name ... ` in front of a test's own output.
        let text = if text.starts_with("test ") {
            text.split_once(" ... ").map_or(text, |(_, own)| own)
        } else {
            text
        };
        let Some(why) = text.strip_prefix("skipped: ") else { continue };
        if last_with_reason != case {
            let why = why.split("</system-").next().unwrap_or(why);
            found.push(format!("{}: {}", unescape(&case), unescape(why)));
            last_with_reason.clone_from(&case);
        }
    }
    found
}

fn unescape(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Whether a reason is about something that one could have installed: a package of ours, or a peer that
/// tells how it is installed.
pub(crate) fn is_installable(reason: &str) -> bool {
    let has_word =
        |name: &str| reason.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(|word| word == name);
    let names = |need: &Need| has_word(need.name()) || need.debian.split(' ').any(has_word);
    reason.contains(BY_HAND) || needs::UP.iter().chain(needs::TEST).chain(peers::NEEDS).any(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"
<testcase name="it::pull" classname="runtime::it" time="0.1">
    <system-out>
running 1 test
skipped: `skopeo` is not installed &amp; needed
skipped: said twice
test it::pull ... ok
</system-out>
</testcase>
<testcase name="it::run" classname="runtime::it" time="0.1">
    <system-err>skipped: no user namespaces on this machine</system-err>
</testcase>
<testcase name="it::fine" classname="runtime::it" time="0.1"><system-out>nothing was skipped: all ran</system-out></testcase>
"#;

    #[test]
    fn each_test_that_skipped_is_named_once_with_its_first_reason() {
        assert_eq!(
            reasons(REPORT),
            ["it::pull: `skopeo` is not installed & needed", "it::run: no user namespaces on this machine"]
        );
    }

    #[test]
    fn a_reason_that_names_a_package_is_about_something_installable() {
        assert!(is_installable("a: `skopeo` is not installed"));
        assert!(is_installable("a: the Debian package ruby-doorkeeper is not installed"));
        assert!(is_installable("a: there is no /usr/sbin/sshd to be run here (package openssh-server)"));
        assert!(!is_installable("b: no user namespaces on this machine"));
        assert!(!is_installable("c: the reskopeod thing"));
    }

    #[test]
    fn a_peer_that_tells_how_to_install_it_is_installable() {
        let skip =
            "the npm package oidc-provider is not installed; `cargo xtask test --only packages` installs it";

        assert!(is_installable(&format!("a: {skip}")));
    }
}
