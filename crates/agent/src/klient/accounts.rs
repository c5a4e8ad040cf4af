//! The workspace's user and the others of `/etc/passwd`, read by ourselves: a static executable has no other
//! source.

use std::path::PathBuf;

use rustix::process::{getgid, getgroups, getuid};

use crate::environment::Environment;

/// A user of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) home: PathBuf,
}

/// The one that the agent and everything it starts runs as. Its home folder is what `HOME` says inside.
pub(super) fn current(environment: &Environment) -> Account {
    let user = getuid().as_raw();
    let name =
        passwd().lines().filter_map(account).find(|account| account.user == user).map(|found| found.name);
    Account {
        name: name.or_else(|| environment.variable("USER").map(str::to_owned)).unwrap_or_default(),
        user,
        group: getgid().as_raw(),
        home: environment.home().to_owned(),
    }
}

/// The one of this name.
pub(super) fn named(environment: &Environment, name: &str) -> Option<Account> {
    let own = current(environment);
    if own.name == name {
        return Some(own);
    }
    passwd().lines().filter_map(account).find(|account| account.name == name)
}

/// The names of the groups the agent is in, or their numbers where they have none.
pub(super) fn groups() -> Vec<String> {
    let mut numbers = vec![getgid().as_raw()];
    numbers.extend(getgroups().unwrap_or_default().into_iter().map(rustix::process::Gid::as_raw));
    numbers.dedup();
    let text = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let mut names: Vec<String> = vec![];
    for number in numbers {
        let name = text.lines().filter_map(group).find(|(_, found)| *found == number).map(|(name, _)| name);
        let name = name.map_or_else(|| number.to_string(), str::to_owned);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn passwd() -> String {
    std::fs::read_to_string("/etc/passwd").unwrap_or_default()
}

/// A line of passwd(5).
fn account(line: &str) -> Option<Account> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, user, group, _, home, _] = fields.as_slice() else { return None };
    Some(Account {
        name: (*name).to_owned(),
        user: user.parse().ok()?,
        group: group.parse().ok()?,
        home: home.into(),
    })
}

/// A line of group(5).
fn group(line: &str) -> Option<(&str, u32)> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    Some((name, fields.nth(1)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_others_left_out() {
        let ada = Account { name: "ada".into(), user: 1000, group: 1001, home: "/home/ada".into() };
        assert_eq!(account("ada:x:1000:1001:Ada,,,:/home/ada:/bin/sh"), Some(ada));
        assert_eq!(account("+nis::::::"), None);
        assert_eq!(account("# comment"), None);
        assert_eq!(group("docker:x:999:ada,grace"), Some(("docker", 999)));
        assert_eq!(group("docker"), None);
    }
}
