//! Our file for git.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use wire::agent::GitSettings;

/// What stands in the file.
pub(super) struct SetUp<'a> {
    pub(super) origins: &'a BTreeSet<String>,
    pub(super) authorities: &'a BTreeMap<String, PathBuf>,
    pub(super) proxy: Option<&'a str>,
    pub(super) helper: Option<String>,
    pub(super) settings: &'a GitSettings,
    pub(super) allowed_signers: PathBuf,
}

impl SetUp<'_> {
    pub(super) fn to_text(&self) -> String {
        let mut text =
            String::from("# Written by Hearth anew at every start; put your own into ~/.gitconfig.\n");
        for origin in self.origins {
            // An origin is a scheme, a host and a port: nothing in it needs escaping.
            if let Some(proxy) = self.proxy {
                section(&mut text, &format!("http \"{origin}/\""), &[("proxy", proxy)]);
            }
            if let Some(file) = self.authorities.get(origin) {
                let file = file.display().to_string();
                section(&mut text, &format!("http \"{origin}/\""), &[("sslCAInfo", file.as_str())]);
            }
            if let Some(helper) = &self.helper {
                let values = [("helper", helper.as_str()), ("useHttpPath", "true")];
                section(&mut text, &format!("credential \"{origin}\""), &values);
            }
        }
        let GitSettings { author_name, author_email, signing_key, sign_commits, .. } = self.settings;
        let mut user = Vec::new();
        user.extend(author_name.as_deref().map(|name| ("name", name)));
        user.extend(author_email.as_deref().map(|email| ("email", email)));
        let key = signing_key.as_ref().filter(|_| *sign_commits).map(|key| format!("key::{key}"));
        user.extend(key.as_deref().map(|key| ("signingkey", key)));
        section(&mut text, "user", &user);
        if key.is_some() {
            section(&mut text, "gpg", &[("format", "ssh")]);
            let signers = self.allowed_signers.display().to_string();
            section(&mut text, "gpg \"ssh\"", &[("allowedSignersFile", signers.as_str())]);
            section(&mut text, "commit", &[("gpgsign", "true")]);
        }
        text
    }
}

fn section(text: &mut String, name: &str, values: &[(&str, &str)]) {
    if values.is_empty() {
        return;
    }
    // Writing to a string does not fail.
    writeln!(text, "[{name}]").ok();
    for (key, value) in values {
        writeln!(text, "\t{key} = {}", quoted(value)).ok();
    }
}

/// A value as git reads it back unchanged; control characters have no place in any of ours.
fn quoted(value: &str) -> String {
    let plain = value.chars().filter(|c| !c.is_control());
    let escaped: String = plain.fold(String::new(), |mut text, c| {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
        text
    });
    format!("\"{escaped}\"")
}

/// Who git believes signatures of (ssh-keygen(1), ALLOWED SIGNERS): the person themself.
pub(super) fn allowed_signers(settings: &GitSettings) -> String {
    match (&settings.author_email, &settings.signing_key) {
        (Some(email), Some(key)) if !email.contains(|c: char| c.is_whitespace() || "\",!*?".contains(c)) => {
            let key: String = key.chars().filter(|c| !c.is_control()).collect();
            format!("{email} namespaces=\"git\" {key}\n")
        }
        _ => String::new(),
    }
}

/// The origins in a file that an agent of an earlier release wrote.
pub(super) fn routed(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("[http \"")?.strip_suffix("/\"]").map(str::to_owned))
        .collect()
}
