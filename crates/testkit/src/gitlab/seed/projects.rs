//! Groups and projects with real repositories: made, shared, moved, forked, pushed to.

use std::path::PathBuf;

use crate::gitlab::GitlabDouble;
use crate::gitlab::hooks::{self, system};
use crate::gitlab::repository::{Identity, Repository};
use crate::gitlab::sample;
use crate::gitlab::seed::User;
use crate::gitlab::world::{AccessLevel, Group, ProjectRecord, Visibility, World};

/// A project of the instance.
#[derive(Debug, Clone)]
pub struct Project {
    /// The number that never changes.
    pub id: u64,
    /// Group, subgroups and name, at the time it was made.
    pub path: String,
    /// Where it is cloned over HTTP.
    pub http_url: String,
    /// Where it is cloned over SSH.
    pub ssh_url: String,
    /// Its page.
    pub web_url: String,
    /// The bare repository on disk.
    pub repository: PathBuf,
}

impl GitlabDouble {
    /// Makes a project with sample content: branches `main`, `feature/one` and `feat/umlaut-ü`, tags `v1.0`
    /// and `v1.1` (annotated). Groups of the path that are missing are made, and belong to the owner.
    pub fn add_project(&self, path: &str, visibility: Visibility, owner: &User) -> Project {
        let project = self.add_empty_project(path, visibility, owner);
        let repository = Repository::at(&project.repository);
        sample::fill(&repository, path.rsplit('/').next().unwrap_or(path), &self.identity(owner));
        project
    }

    /// Makes a project without a commit.
    pub fn add_empty_project(&self, path: &str, visibility: Visibility, owner: &User) -> Project {
        let now = self.instance.now();
        let group = self.group_for(path.rsplit_once('/').map_or("", |(group, _)| group), owner);
        let id = {
            let mut world = self.instance.world();
            let id = world.next_id("project");
            let repository = self.instance.repositories().join(format!("{id}.git"));
            Repository::create(&repository);
            let record = ProjectRecord {
                id,
                path: path.to_owned(),
                group,
                visibility,
                archived: false,
                creator: owner.id,
                forked_from: None,
                members: [(owner.id, AccessLevel::Owner)].into(),
                repository,
                merge_requests: vec![],
                issues: vec![],
                created_at: now,
                last_activity_at: now,
            };
            world.projects.insert(id, record);
            id
        };
        system::project(&self.instance, id, "project_create", None);
        self.project(id)
    }

    /// The project as it is now.
    ///
    /// # Panics
    ///
    /// When there is none with this id.
    pub fn project(&self, id: u64) -> Project {
        let world = self.instance.world();
        let record = world.projects.get(&id).expect("a project that exists");
        Project {
            id,
            path: record.path.clone(),
            http_url: self.instance.at(&format!("{}.git", record.path)),
            ssh_url: self.instance.ssh_url(&record.path),
            web_url: self.instance.at(&record.path),
            repository: record.repository.clone(),
        }
    }

    /// The id of the group with this path, made with all above it where it is missing.
    fn group_for(&self, path: &str, owner: &User) -> u64 {
        if let Some(group) = self.instance.world().group_at(path) {
            return group.id;
        }
        let (parent, leaf) = match path.rsplit_once('/') {
            Some((parent, leaf)) => (Some(self.group_for(parent, owner)), leaf),
            None => (None, path),
        };
        let id = {
            let mut world = self.instance.world();
            let id = world.next_id("group");
            let group = Group {
                id,
                path: leaf.to_owned(),
                full_path: path.to_owned(),
                parent,
                account: None,
                members: [(owner.id, AccessLevel::Owner)].into(),
                created_at: self.instance.now(),
            };
            world.groups.insert(id, group);
            id
        };
        system::group(&self.instance, id, "group_create", None);
        id
    }

    /// Makes somebody a member of a project, or changes what a member may do.
    pub fn add_member(&self, project: &Project, user: &User, level: AccessLevel) {
        let former = {
            let mut world = self.instance.world();
            world.projects.get_mut(&project.id).and_then(|record| record.members.insert(user.id, level))
        };
        let change = if former.is_some() { system::Change::Updated } else { system::Change::Added };
        system::member(&self.instance, system::Place::Project(project.id), user.id, level, change);
    }

    /// Ends a membership in a project.
    pub fn remove_member(&self, project: &Project, user: &User) {
        let former = {
            let mut world = self.instance.world();
            world.projects.get_mut(&project.id).and_then(|record| record.members.remove(&user.id))
        };
        if let Some(level) = former {
            let (place, change) = (system::Place::Project(project.id), system::Change::Removed);
            system::member(&self.instance, place, user.id, level, change);
        }
    }

    /// Makes somebody a member of the group at this path, or changes what a member may do.
    pub fn add_group_member(&self, path: &str, user: &User, level: AccessLevel) {
        let Some(group) = self.instance.world().group_at(path).map(|group| group.id) else { return };
        let former = {
            let mut world = self.instance.world();
            world.groups.get_mut(&group).and_then(|group| group.members.insert(user.id, level))
        };
        let change = if former.is_some() { system::Change::Updated } else { system::Change::Added };
        system::member(&self.instance, system::Place::Group(group), user.id, level, change);
    }

    /// Renames or transfers a project; the former path answers 301 from 16.7 on.
    pub fn move_project(&self, project: &Project, path: &str) {
        let former = {
            let mut world = self.instance.world();
            let group =
                path.rsplit_once('/').and_then(|(group, _)| world.group_at(group).map(|group| group.id));
            move_to(&mut world, project.id, path, group)
        };
        let renamed =
            former.rsplit_once('/').map(|(group, _)| group) == path.rsplit_once('/').map(|(group, _)| group);
        let event = if renamed { "project_rename" } else { "project_transfer" };
        system::project(&self.instance, project.id, event, Some(&former));
    }

    /// Gives a group another path; projects and subgroups move along, and only the group's event is sent.
    pub fn rename_group(&self, path: &str, to: &str) {
        let Some(group) = self.instance.world().group_at(path).map(|group| group.id) else { return };
        self.move_group(group, to);
        system::group(&self.instance, group, "group_rename", Some(path));
    }

    pub(super) fn move_group(&self, group: u64, to: &str) {
        let mut world = self.instance.world();
        let Some(former) = world.groups.get(&group).map(|group| group.full_path.clone()) else { return };
        let below = format!("{former}/");
        for group in world.groups.values_mut() {
            if group.full_path == former {
                to.clone_into(&mut group.full_path);
                to.rsplit('/').next().unwrap_or(to).clone_into(&mut group.path);
            } else if let Some(rest) = group.full_path.strip_prefix(&below) {
                group.full_path = format!("{to}/{rest}");
            }
        }
        let moves: Vec<(u64, String)> = world
            .projects
            .values()
            .filter_map(|project| Some((project.id, format!("{to}/{}", project.path.strip_prefix(&below)?))))
            .collect();
        for (project, path) in moves {
            move_to(&mut world, project, &path, None);
        }
    }

    /// Removes a project.
    pub fn delete_project(&self, project: &Project) {
        system::project(&self.instance, project.id, "project_destroy", None);
        let mut world = self.instance.world();
        world.projects.remove(&project.id);
        world.moved.retain(|_, id| *id != project.id);
    }

    /// Archives a project: it can be read but not pushed to.
    pub fn archive_project(&self, project: &Project) {
        if let Some(record) = self.instance.world().projects.get_mut(&project.id) {
            record.archived = true;
        }
        system::project(&self.instance, project.id, "project_update", None);
    }

    /// Forks a project into the user's namespace.
    pub fn fork_project(&self, project: &Project, user: &User) -> Project {
        let name = project.path.rsplit('/').next().unwrap_or(&project.path);
        let visibility = self.instance.world().projects.get(&project.id).map(|record| record.visibility);
        let path = format!("{}/{name}", user.username);
        let fork = self.add_empty_project(&path, visibility.unwrap_or(Visibility::Private), user);
        let (from, to) = (Repository::at(&project.repository), Repository::at(&fork.repository));
        to.fetch(&from, "refs/heads/*", "refs/heads/*");
        to.fetch(&from, "refs/tags/*", "refs/tags/*");
        if let Some(record) = self.instance.world().projects.get_mut(&fork.id) {
            record.forked_from = Some(project.id);
        }
        fork
    }

    /// Commits one file on a branch (made from `main` where it is new) as if the user had pushed it: hooks,
    /// activity and merge requests follow. Gives the commit.
    pub fn push_commit(&self, project: &Project, user: &User, branch: &str, file: (&str, &str)) -> String {
        let repository = Repository::at(&project.repository);
        let message = format!("Change {}\n", file.0);
        let mut commit = String::new();
        self.push(project, user, || {
            commit = repository.write(branch, "refs/heads/main", file, &message, &self.identity(user));
        });
        commit
    }

    /// Removes a branch as if the user had pushed that.
    pub fn delete_branch(&self, project: &Project, user: &User, branch: &str) {
        let repository = Repository::at(&project.repository);
        self.push(project, user, || {
            repository.git(&["update-ref", "-d", &format!("refs/heads/{branch}")]);
        });
    }

    /// Sets a branch or tag (`refs/…`) to a commit as if the user had pushed that, by force if need be.
    pub fn push_refs(&self, project: &Project, user: &User, refs: &[(&str, &str)]) {
        let repository = Repository::at(&project.repository);
        self.push(project, user, || {
            for (name, commit) in refs {
                repository.git(&["update-ref", name, commit]);
            }
        });
    }

    fn push(&self, project: &Project, user: &User, change: impl FnOnce()) {
        let repository = Repository::at(&project.repository);
        let before = repository.refs();
        change();
        hooks::pushed(&self.instance, project.id, user.id, &before);
    }

    pub(super) fn identity(&self, user: &User) -> Identity {
        Identity { name: user.username.clone(), email: user.email.clone(), at: self.instance.now() }
    }
}

/// Moves a project and remembers the former path, which it gives.
fn move_to(world: &mut World, project: u64, path: &str, group: Option<u64>) -> String {
    let Some(record) = world.projects.get_mut(&project) else { return String::new() };
    let former = std::mem::replace(&mut record.path, path.to_owned());
    if let Some(group) = group {
        record.group = group;
    }
    world.moved.insert(former.clone(), project);
    world.moved.remove(path);
    former
}
