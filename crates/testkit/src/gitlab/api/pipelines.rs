//! `/projects/:id/pipelines`: what the instance says has run.

use serde_json::{Value, json};

use super::answer::{Answer, Refusal, ok};
use super::call::{Call, Subject};
use super::keys::moment;
use super::page::{Keyset, paged};
use super::{projects, shapes};
use crate::gitlab::instance::iso;
use crate::gitlab::world::Pipeline;

pub(crate) async fn list(call: Call) -> Answer {
    let project = call.project()?.code()?;
    let world = call.instance.world();
    let text = |name: &str| call.params.filled(name);
    let after = text("updated_after").and_then(|text| moment(&text));
    let mut found: Vec<&Pipeline> = world
        .pipelines
        .iter()
        .filter(|pipeline| pipeline.project == project.id)
        .filter(|pipeline| text("status").is_none_or(|status| status == pipeline.status))
        .filter(|pipeline| text("ref").is_none_or(|branch| branch == pipeline.branch))
        .filter(|pipeline| text("sha").is_none_or(|sha| sha == pipeline.sha))
        .filter(|pipeline| after.is_none_or(|after| pipeline.updated_at >= after))
        .collect();
    let by_update = text("order_by").as_deref() == Some("updated_at");
    found.sort_by_key(|pipeline| (by_update.then_some(pipeline.updated_at), pipeline.id));
    if call.params.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    paged(&call, Keyset::No, &found, |pipeline| pipeline.id, |pipeline| shape(&call, &project, pipeline))
}

pub(crate) async fn show(call: Call) -> Answer {
    let (project, id) = (call.project()?.code()?, call.number("pipeline")?);
    let world = call.instance.world();
    let pipeline = world.pipelines.iter().find(|known| known.id == id && known.project == project.id);
    let pipeline = pipeline.ok_or_else(Refusal::no_record)?;
    let mut shape = shape(&call, &project, pipeline);
    let more = json!({
        "before_sha": "0000000000000000000000000000000000000000", "tag": false, "yaml_errors": null,
        "user": shapes::user_of(&call.instance, &world, pipeline.author), "started_at": null,
        "finished_at": null, "committed_at": null, "duration": null, "queued_duration": null, "coverage": null,
    });
    shapes::extend(&mut shape, more);
    ok(shape)
}

fn shape(call: &Call, project: &Subject, pipeline: &Pipeline) -> Value {
    json!({
        "id": pipeline.id,
        "iid": pipeline.id,
        "project_id": pipeline.project,
        "sha": pipeline.sha,
        "ref": pipeline.branch,
        "status": pipeline.status,
        "source": "push",
        "created_at": iso(pipeline.created_at),
        "updated_at": iso(pipeline.updated_at),
        "web_url": projects::page(&call.instance, &project.path, &format!("pipelines/{}", pipeline.id)),
        "name": null,
    })
}
