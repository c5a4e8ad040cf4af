//! What a test delivery shows: the newest real thing of its kind in the project.

use std::sync::Arc;

use serde_json::Value;

use super::sender::Happening;
use super::{ci, kinds, push};
use crate::gitlab::instance::Instance;

/// The header and body of an example; none for kinds GitLab cannot test, or of which the project has none.
pub(crate) fn example(
    instance: &Arc<Instance>,
    project: u64,
    account: u64,
    trigger: &str,
) -> Option<(&'static str, Value)> {
    let happening = happening(instance, project, account, trigger)?;
    Some((happening.header, happening.body?))
}

fn happening(instance: &Arc<Instance>, project: u64, account: u64, trigger: &str) -> Option<Happening> {
    let run = || {
        let pipeline = instance.world().next_id("pipeline");
        ci::Run { pipeline, job: pipeline, status: "success".to_owned(), branch: "main".to_owned() }
    };
    match trigger {
        "push_events" | "repository_update_events" => {
            push::example(instance, project, account, "refs/heads/")
        }
        "tag_push_events" => push::example(instance, project, account, "refs/tags/"),
        "issues_events" | "confidential_issues_events" => {
            let confidential = trigger == "confidential_issues_events";
            let issue = {
                let world = instance.world();
                let issues = &world.projects.get(&project)?.issues;
                issues.iter().rfind(|issue| issue.confidential == confidential)?.clone()
            };
            kinds::about_issue(instance, &issue, account, "open")
        }
        "merge_requests_events" => {
            let request = instance.world().projects.get(&project)?.merge_requests.last()?.clone();
            kinds::about_merge_request(instance, &request, account, ("open", None))
        }
        "note_events" => {
            let note = instance.world().notes.iter().rfind(|note| note.project == project)?.clone();
            kinds::about_note(instance, &note)
        }
        "pipeline_events" | "job_events" | "deployment_events" => {
            let all = ci::about_ci(instance, project, account, &run())?;
            all.into_iter().find(|happening| happening.field == Some(trigger_field(trigger)))
        }
        "releases_events" => kinds::about_release(instance, project, "v1.0", "create"),
        _ => None,
    }
}

fn trigger_field(trigger: &str) -> &'static str {
    match trigger {
        "job_events" => "job_events",
        "deployment_events" => "deployment_events",
        _ => "pipeline_events",
    }
}
