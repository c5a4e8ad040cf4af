//! Events of continuous integration, as if a runner had worked: pipelines, jobs, deployments.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{fire_all, happening};
use super::payload;
use super::sender::Happening;
use crate::gitlab::instance::{Instance, spaced};
use crate::gitlab::repository::{Commit, Repository};
use crate::gitlab::world::ProjectRecord;

/// What a run of continuous integration is known by.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) pipeline: u64,
    pub(crate) job: u64,
    pub(crate) status: String,
    pub(crate) branch: String,
}

/// A change of a pipeline, with one job in it: `Pipeline Hook`, `Job Hook` and `Deployment Hook`.
pub(crate) fn ci(instance: &Arc<Instance>, project: u64, account: u64, run: &Run) {
    fire_all(instance, about_ci(instance, project, account, run).into_iter().flatten());
}

pub(super) fn about_ci(instance: &Instance, project: u64, account: u64, run: &Run) -> Option<[Happening; 3]> {
    let world = instance.world();
    let record = world.projects.get(&project)?;
    let commit = Repository::at(&record.repository).commit(&run.branch)?;
    let user = payload::user(instance, &world, account);
    let about = payload::project(instance, &world, record);
    let bodies = [
        ("pipeline_events", "Pipeline Hook", pipeline(instance, record, run, &commit)),
        ("job_events", "Job Hook", job(instance, record, run, &commit)),
        ("deployment_events", "Deployment Hook", deployment(instance, record, run, &commit)),
    ];
    Some(bodies.map(|(field, header, mut body)| {
        body["user"] = user.clone();
        body["project"] = about.clone();
        if field == "deployment_events" {
            let username = user["username"].as_str().unwrap_or_default();
            body["user_url"] = json!(instance.at(username));
        }
        happening(project, field, header, body)
    }))
}

fn pipeline(instance: &Instance, project: &ProjectRecord, run: &Run, commit: &Commit) -> Value {
    let now = spaced(instance.now());
    json!({
        "object_kind": "pipeline",
        "object_attributes": {
            "id": run.pipeline, "iid": run.pipeline, "ref": run.branch, "tag": false, "sha": commit.id,
            "before_sha": super::push::NOTHING, "source": "push", "status": run.status,
            "detailed_status": run.status, "stages": ["test"], "created_at": now, "finished_at": null,
            "duration": null, "queued_duration": null, "variables": [],
            "url": instance.at(&format!("{}/-/pipelines/{}", project.path, run.pipeline)),
        },
        "merge_request": null,
        "commit": payload::commit(instance, &project.path, commit, [vec![], vec![], vec![]]),
        "builds": [{
            "id": run.job, "stage": "test", "name": "test", "status": run.status, "created_at": now,
            "started_at": null, "finished_at": null, "duration": null, "queued_duration": null,
            "failure_reason": null, "when": "on_success", "manual": false, "allow_failure": false, "runner": null, "environment": null,
        }],
    })
}

fn job(instance: &Instance, project: &ProjectRecord, run: &Run, commit: &Commit) -> Value {
    json!({
        "object_kind": "build",
        "ref": run.branch, "tag": false, "before_sha": super::push::NOTHING, "sha": commit.id,
        "build_id": run.job, "build_name": "test", "build_stage": "test", "build_status": run.status,
        "build_created_at": spaced(instance.now()), "build_started_at": null, "build_finished_at": null,
        "build_duration": null,
        "build_queued_duration": null, "build_allow_failure": false, "build_failure_reason": "unknown_failure",
        "retries_count": 0, "pipeline_id": run.pipeline, "project_id": project.id,
        "project_name": project.path.replace('/', " / "), "runner": null, "environment": null,
        "commit": {
            // The pipeline's id, as GitLab sends it.
            "id": run.pipeline, "sha": commit.id, "message": commit.message,
            "author_name": commit.author.0, "author_email": commit.author.1, "status": run.status,
        },
        "repository": payload::repository(instance, project),
    })
}

fn deployment(instance: &Instance, project: &ProjectRecord, run: &Run, commit: &Commit) -> Value {
    json!({
        "object_kind": "deployment",
        "status": run.status,
        "status_changed_at": instance.now().strftime("%Y-%m-%d %H:%M:%S +0000").to_string(),
        "deployment_id": run.pipeline, "deployable_id": run.job, "environment": "staging",
        "environment_slug": "staging", "environment_external_url": null,
        "deployable_url": instance.at(&format!("{}/-/jobs/{}", project.path, run.job)),
        "short_sha": &commit.id[..8], "ref": run.branch, "commit_title": commit.title(),
        "commit_url": instance.at(&format!("{}/-/commit/{}", project.path, commit.id)),
    })
}
