//! Issues and comments as users make them.

use std::sync::Arc;

use serde_json::json;

use crate::gitlab::GitlabDouble;
use crate::gitlab::api::shapes;
use crate::gitlab::hooks;
use crate::gitlab::instance::{Instance, iso};
use crate::gitlab::seed::{Project, User};
use crate::gitlab::world::{IssueRecord, Note, Noteable};

/// An issue of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issue {
    /// The number in the whole instance.
    pub id: u64,
    /// The number in the project.
    pub iid: u64,
    /// The project.
    pub project: u64,
}

impl GitlabDouble {
    /// Opens an issue.
    pub fn add_issue(&self, project: &Project, author: &User, title: &str) -> Issue {
        let now = self.instance.now();
        let record = {
            let mut world = self.instance.world();
            let id = world.next_id("issue");
            let project = world.projects.get_mut(&project.id).expect("a project that exists");
            let record = IssueRecord {
                id,
                iid: 1 + project.issues.len() as u64,
                project: project.id,
                title: title.to_owned(),
                description: "Found while testing.".to_owned(),
                state: "opened",
                confidential: false,
                author: author.id,
                created_at: now,
                updated_at: now,
                closed_at: None,
            };
            project.issues.push(record.clone());
            record
        };
        issue_event(&self.instance, &record, author.id, "opened");
        hooks::issue(&self.instance, &record, author.id, "open");
        Issue { id: record.id, iid: record.iid, project: record.project }
    }

    /// Closes an issue.
    pub fn close_issue(&self, issue: Issue, by: &User) {
        self.set_issue(issue, by, "closed", "close");
    }

    /// Opens a closed issue again.
    pub fn reopen_issue(&self, issue: Issue, by: &User) {
        self.set_issue(issue, by, "opened", "reopen");
    }

    fn set_issue(&self, issue: Issue, by: &User, state: &'static str, action: &str) {
        let now = self.instance.now();
        let record = {
            let mut world = self.instance.world();
            let project = world.projects.get_mut(&issue.project).expect("a project that exists");
            let record =
                project.issues.iter_mut().find(|record| record.id == issue.id).expect("an issue that exists");
            (record.state, record.updated_at) = (state, now);
            record.closed_at = (state == "closed").then_some(now);
            record.clone()
        };
        issue_event(&self.instance, &record, by.id, if state == "closed" { "closed" } else { "reopened" });
        hooks::issue(&self.instance, &record, by.id, action);
    }
}

fn issue_event(instance: &Instance, issue: &IssueRecord, account: u64, action: &str) {
    let detail = json!({
        "action_name": action, "target_id": issue.id, "target_iid": issue.iid, "target_type": "Issue",
        "target_title": issue.title,
    });
    instance.record_event(issue.project, account, detail);
}

/// Writes a comment and tells the hooks.
pub(crate) fn add_note(
    instance: &Arc<Instance>,
    project: u64,
    on: Noteable,
    account: u64,
    body: &str,
) -> Note {
    let created_at = instance.now();
    let note = {
        let mut world = instance.world();
        let id = world.next_id("note");
        let note = Note { id, project, on, body: body.to_owned(), author: account, created_at };
        world.notes.push(note.clone());
        note
    };
    let (kind, number) = match &note.on {
        Noteable::Issue(iid) => ("Issue", Some(*iid)),
        Noteable::MergeRequest(iid) => ("MergeRequest", Some(*iid)),
        Noteable::Commit(_) => ("Commit", None),
    };
    let author = {
        let world = instance.world();
        shapes::user_of(instance, &world, account)
    };
    let detail = json!({
        "action_name": "commented on", "target_id": note.id, "target_iid": note.id, "target_type": "Note",
        "note": {
            "id": note.id, "body": note.body, "author": author, "created_at": iso(created_at),
            "updated_at": iso(created_at), "system": false, "noteable_type": kind, "noteable_iid": number,
        },
    });
    instance.record_event(project, account, detail);
    hooks::note(instance, &note);
    note
}
