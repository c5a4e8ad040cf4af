//! Which control group hierarchies the machine has, and where in them this server may make groups.

use std::fs;
use std::path::{Path, PathBuf};

use super::cgroup::{Controller, make_folder};
use super::failed::Failed;

/// Name of the group the server itself moves to on version 2, where a group holds either processes or
/// groups. Also what systemd's `DelegateSubgroup=` should say.
const SERVER: &str = "server";

/// One mounted hierarchy and what of it is of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// Whether it is the unified one.
    pub is_version_2: bool,
    /// What it can do for us.
    pub controllers: Vec<Controller>,
    /// The server's own group in it.
    pub own: PathBuf,
    /// The folder the sandboxes' groups are made in.
    pub parent: PathBuf,
    /// Its name.
    name: String,
}

/// Every hierarchy with a controller of use, found in what the kernel says about mounts and this process.
///
/// `name` is that of the group below the server's own that holds the sandboxes' groups.
pub(super) fn hierarchies(name: &str) -> Vec<Hierarchy> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    parse(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"), name)
}

fn parse(mounts: &str, own_groups: &str, name: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mounts.lines() {
        // `… root mount-point options … - type source super-options`, see proc_pid_mountinfo(5).
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let mut left = left.split(' ').skip(3);
        let (Some(root), Some(point)) = (left.next(), left.next()) else { continue };
        let mut right = right.split(' ');
        let is_version_2 = match right.next() {
            Some("cgroup") => false,
            Some("cgroup2") => true,
            _ => continue,
        };
        let options = right.nth(1).unwrap_or_default();
        let Some((own, names)) = own_group(own_groups, options, is_version_2) else { continue };
        let below = own.strip_prefix(root.trim_end_matches('/')).unwrap_or(own).trim_start_matches('/');
        let own = Path::new(point).join(below);
        let controllers = if is_version_2 {
            let base = fs::read_to_string(own.join("cgroup.controllers")).unwrap_or_default();
            known(base.split_whitespace(), true)
        } else {
            known(names.split(','), false)
        };
        let taken =
            |controller: &Controller| found.iter().any(|other| other.controllers.contains(controller));
        let controllers: Vec<_> = controllers.into_iter().filter(|controller| !taken(controller)).collect();
        if !controllers.is_empty() {
            found.push(Hierarchy {
                is_version_2,
                controllers,
                parent: own.join(name),
                own,
                name: name.into(),
            });
        }
    }
    found
}

/// The path of this process in the hierarchy with these mount options, and the hierarchy's controllers.
fn own_group<'a>(groups: &'a str, options: &str, is_version_2: bool) -> Option<(&'a str, &'a str)> {
    groups.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (names, path) = rest.split_once(':')?;
        let same = if is_version_2 {
            number == "0" && names.is_empty()
        } else {
            !names.is_empty() && names.split(',').all(|name| options.split(',').any(|option| option == name))
        };
        same.then_some((path, names))
    })
}

fn known<'a>(names: impl Iterator<Item = &'a str>, is_version_2: bool) -> Vec<Controller> {
    let mut known: Vec<_> = names
        .filter_map(|name| match name {
            "cpu" => Some(Controller::Cpu),
            "cpuacct" if !is_version_2 => Some(Controller::CpuCount),
            "memory" => Some(Controller::Memory),
            "pids" => Some(Controller::Pids),
            _ => None,
        })
        .collect();
    known.sort_unstable();
    known
}

impl Hierarchy {
    /// Prepares the hierarchy and tries it by making and removing a group, with the controllers that it
    /// turns out to give.
    pub(super) fn is_usable(&mut self) -> bool {
        if self.is_version_2 && !self.prepare_version_2() {
            return false;
        }
        let trial = self.parent.join(format!("trial-{}", std::process::id()));
        let made = self.make_parent().is_ok() && make_folder(&trial).is_ok();
        if made && self.is_version_2 {
            let given = fs::read_to_string(trial.join("cgroup.controllers")).unwrap_or_default();
            let given = known(given.split_whitespace(), true);
            self.controllers.retain(|controller| given.contains(controller));
        }
        let movable = made && fs::File::options().write(true).open(trial.join("cgroup.procs")).is_ok();
        // What is left of a trial is empty and taken by the next one.
        let _removed = fs::remove_dir(&trial).and_then(|()| fs::remove_dir(&self.parent));
        movable && !self.controllers.is_empty()
    }

    /// Makes the folder of the sandboxes' groups.
    pub(super) fn make_parent(&self) -> Result<(), Failed> {
        make_folder(&self.parent)?;
        if self.is_version_2 {
            enable(&self.parent, &self.controllers);
        } else if self.controllers.contains(&Controller::Memory) {
            // Where it is not the default already, groups below count here too.
            let _default = fs::write(self.parent.join("memory.use_hierarchy"), "1");
        }
        Ok(())
    }

    /// On version 2 a group other than the root cannot hold both processes and groups with controllers.
    fn prepare_version_2(&mut self) -> bool {
        // Only the root has no type.
        let is_root = |group: &Path| !group.join("cgroup.type").exists();
        if self.own.file_name().is_some_and(|name| name == SERVER)
            && let Some(above) = self.own.parent()
        {
            // Started, or restarted, in the place made for the server.
            self.own = above.to_owned();
        } else if !is_root(&self.own) && !step_aside(&self.own) {
            // Shared with others, like a log-in session: real root has the hierarchy's root.
            let Some(root) =
                self.own.ancestors().find(|group| is_root(group) && group.join("cgroup.procs").exists())
            else {
                return false;
            };
            self.own = root.to_owned();
        }
        self.parent = self.own.join(&self.name);
        enable(&self.own, &self.controllers);
        true
    }
}

/// Moves this process out of a group that it has for itself; `false` if others are in it.
fn step_aside(group: &Path) -> bool {
    let own = std::process::id().to_string();
    let alone = |text: String| text.lines().all(|pid| pid == own);
    if !fs::read_to_string(group.join("cgroup.procs")).is_ok_and(alone) {
        return false;
    }
    let aside = group.join(SERVER);
    make_folder(&aside).is_ok() && fs::write(aside.join("cgroup.procs"), &own).is_ok()
}

/// Hands controllers down. One that cannot be is found missing by the trial.
fn enable(group: &Path, controllers: &[Controller]) {
    for controller in controllers {
        let name = match controller {
            Controller::Cpu => "+cpu",
            Controller::Memory => "+memory",
            Controller::Pids => "+pids",
            Controller::CpuCount => continue,
        };
        let _missing = fs::write(group.join("cgroup.subtree_control"), name);
    }
}

#[cfg(test)]
mod tests;
