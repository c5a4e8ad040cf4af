//! Merge requests, from a branch of the project or of a fork.

use std::sync::Arc;

use serde_json::json;

use crate::gitlab::GitlabDouble;
use crate::gitlab::hooks;
use crate::gitlab::instance::Instance;
use crate::gitlab::repository::Repository;
use crate::gitlab::seed::{Project, User};
use crate::gitlab::world::MergeRequestRecord;

/// A merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergeRequest {
    /// The number in the whole instance.
    pub id: u64,
    /// The number in the target project.
    pub iid: u64,
    /// The target project.
    pub project: u64,
}

impl MergeRequestRecord {
    pub(crate) fn is_draft(&self) -> bool {
        self.title.starts_with("Draft:") || self.title.starts_with("WIP:")
    }
}

impl GitlabDouble {
    /// Opens a merge request of a branch of `source` (the project itself or a fork) into `main`.
    ///
    /// # Panics
    ///
    /// When the branch does not exist.
    pub fn add_merge_request(
        &self,
        target: &Project,
        source: &Project,
        branch: &str,
        author: &User,
        title: &str,
    ) -> MergeRequest {
        let now = self.instance.now();
        let (from, into) = (Repository::at(&source.repository), Repository::at(&target.repository));
        let head = format!("refs/heads/{branch}");
        let sha = from.resolve(&head).expect("a branch that exists");
        let record = {
            let mut world = self.instance.world();
            let id = world.next_id("merge request");
            let project = world.projects.get_mut(&target.id).expect("a project that exists");
            let iid = 1 + project.merge_requests.len() as u64;
            into.fetch(&from, &head, &format!("refs/merge-requests/{iid}/head"));
            let base = into.git(&["merge-base", "refs/heads/main", &sha]).unwrap_or_default();
            let record = MergeRequestRecord {
                id,
                iid,
                project: target.id,
                source_project: source.id,
                source_branch: branch.to_owned(),
                target_branch: "main".to_owned(),
                title: title.to_owned(),
                description: "Please look at this.".to_owned(),
                state: "opened",
                author: author.id,
                base_sha: base.trim().to_owned(),
                sha,
                created_at: now,
                updated_at: now,
                ended_at: None,
                ended_by: None,
            };
            project.merge_requests.push(record.clone());
            record
        };
        event(&self.instance, &record, author.id, "opened");
        hooks::merge_request(&self.instance, &record, author.id, "open", None);
        MergeRequest { id: record.id, iid: record.iid, project: record.project }
    }

    /// Closes a merge request.
    pub fn close_merge_request(&self, request: MergeRequest, by: &User) {
        self.set_merge_request(request, by, ("closed", "close"));
    }

    /// Opens a closed merge request again.
    pub fn reopen_merge_request(&self, request: MergeRequest, by: &User) {
        self.set_merge_request(request, by, ("opened", "reopen"));
    }

    /// Merges: the target branch moves to a merge commit, as a push of its own.
    pub fn merge(&self, request: MergeRequest, by: &User) {
        let project = self.project(request.project);
        let repository = Repository::at(&project.repository);
        let sha = {
            let world = self.instance.world();
            let record = world.projects.get(&request.project);
            record.and_then(|record| {
                Some(record.merge_requests.iter().find(|record| record.id == request.id)?.sha.clone())
            })
        };
        let tree = sha
            .as_ref()
            .and_then(|sha| repository.git(&["merge-tree", "--write-tree", "refs/heads/main", sha]));
        if let (Some(sha), Some(tree)) = (sha, tree) {
            let by_whom = self.identity(by);
            let merged = repository.merge(tree.trim(), &sha, &by_whom);
            self.push_refs(&project, by, &[("refs/heads/main", &merged)]);
        }
        self.set_merge_request(request, by, ("merged", "merge"));
    }

    fn set_merge_request(&self, request: MergeRequest, by: &User, (state, action): (&'static str, &str)) {
        let now = self.instance.now();
        let record = {
            let mut world = self.instance.world();
            let project = world.projects.get_mut(&request.project).expect("a project that exists");
            let mut records = project.merge_requests.iter_mut();
            let record = records.find(|record| record.id == request.id).expect("a merge request that exists");
            (record.state, record.updated_at) = (state, now);
            record.ended_at = (state != "opened").then_some(now);
            record.ended_by = (state != "opened").then_some(by.id);
            record.clone()
        };
        let name = if action == "merge" {
            "accepted"
        } else if state == "closed" {
            "closed"
        } else {
            "reopened"
        };
        event(&self.instance, &record, by.id, name);
        hooks::merge_request(&self.instance, &record, by.id, action, None);
    }
}

fn event(instance: &Instance, request: &MergeRequestRecord, account: u64, action: &str) {
    let detail = json!({
        "action_name": action, "target_id": request.id, "target_iid": request.iid,
        "target_type": "MergeRequest", "target_title": request.title,
    });
    instance.record_event(request.project, account, detail);
}

/// Takes a pushed branch into the open merge requests that come from it.
pub(crate) fn follow(instance: &Arc<Instance>, source: u64, branch: &str, sha: &str, account: u64) {
    if sha == hooks::NOTHING {
        return;
    }
    let now = instance.now();
    let changed = {
        let mut world = instance.world();
        let from = world.projects.get(&source).map(|project| Repository::at(&project.repository));
        let Some(from) = from else { return };
        let mut changed = vec![];
        for project in world.projects.values_mut() {
            let into = Repository::at(&project.repository);
            for request in &mut project.merge_requests {
                let ours = request.source_project == source && request.source_branch == branch;
                if ours && request.state == "opened" && request.sha != sha {
                    let former = std::mem::replace(&mut request.sha, sha.to_owned());
                    request.updated_at = now;
                    let head = format!("refs/merge-requests/{}/head", request.iid);
                    into.fetch(&from, &format!("refs/heads/{branch}"), &head);
                    changed.push((request.clone(), former));
                }
            }
        }
        changed
    };
    for (request, former) in changed {
        hooks::merge_request(instance, &request, account, "update", Some(&former));
    }
}
