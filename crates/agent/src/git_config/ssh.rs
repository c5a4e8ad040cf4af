//! Our file for SSH, and the hosts' keys.

use std::fmt::Write;
use std::path::Path;

use wire::agent::SshHost;

/// How SSH gets out, and whom it asks for signatures.
pub(super) struct Ways<'a> {
    pub(super) program: &'a Path,
    pub(super) calls: &'a Path,
    pub(super) agent: &'a Path,
    pub(super) known_hosts: &'a Path,
}

impl Ways<'_> {
    /// The file for ssh(1). Hosts whose names would not survive in it are left out.
    pub(super) fn to_text(&self, hosts: &[SshHost]) -> String {
        let mut text =
            String::from("# Written by Hearth anew at every start; put your own into ~/.ssh/config.\n");
        let proxy = format!(
            "{} connect --socket {} %h %p",
            percents_doubled(&super::shell_quoted(self.program)),
            percents_doubled(&super::shell_quoted(self.calls))
        );
        let (agent, known_hosts) = (in_quotes(self.agent), in_quotes(self.known_hosts));
        for host in hosts.iter().filter(|host| is_plain(&host.host) && is_plain(&host.user)) {
            let checking = if host.host_keys.is_empty() {
                "\tStrictHostKeyChecking accept-new\n".to_owned()
            } else {
                format!(
                    "\tUserKnownHostsFile {known_hosts} ~/.ssh/known_hosts\n\tStrictHostKeyChecking yes\n"
                )
            };
            // Writing to a string does not fail.
            write!(
                text,
                "Host {}\n\tUser {}\n\tProxyCommand {proxy}\n\tIdentityAgent {agent}\n{checking}",
                host.host, host.user
            )
            .ok();
        }
        text
    }
}

/// The file of host keys (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
pub(super) fn known_hosts(hosts: &[SshHost]) -> String {
    let mut text = String::new();
    for host in hosts.iter().filter(|host| is_plain(&host.host)) {
        let name = if host.port == 22 { host.host.clone() } else { format!("[{}]:{}", host.host, host.port) };
        for key in &host.host_keys {
            let key = key.trim();
            if !key.is_empty() && !key.starts_with(['@', '#', '|']) && !key.contains(char::is_control) {
                writeln!(text, "{name} {key}").ok();
            }
        }
    }
    text
}

/// Whether a name means only itself in the file: no pattern, no second word.
fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(is_plain)
}

fn percents_doubled(text: &str) -> String {
    text.replace('%', "%%")
}

fn in_quotes(path: &Path) -> String {
    format!("\"{}\"", percents_doubled(&path.display().to_string()))
}
