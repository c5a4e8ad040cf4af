//! Continuous integration and releases, as far as hooks tell of them. Nothing runs.

use crate::gitlab::GitlabDouble;
use crate::gitlab::hooks::{self, Run};
use crate::gitlab::repository::Repository;
use crate::gitlab::seed::{Project, User};
use crate::gitlab::world::Pipeline;

impl GitlabDouble {
    /// A new pipeline with one job on a branch; gives its id. `Pipeline Hook`, `Job Hook` and `Deployment
    /// Hook` tell of it.
    pub fn run_pipeline(&self, project: &Project, user: &User, branch: &str, status: &str) -> u64 {
        let pipeline = self.instance.world().next_id("pipeline");
        self.set_pipeline(project, user, (pipeline, branch), status);
        pipeline
    }

    /// Another status of a pipeline.
    pub fn set_pipeline(
        &self,
        project: &Project,
        user: &User,
        (pipeline, branch): (u64, &str),
        status: &str,
    ) {
        let (status, branch) = (status.to_owned(), branch.to_owned());
        self.keep(project, user, (pipeline, &branch), &status);
        hooks::ci(&self.instance, project.id, user.id, &Run { pipeline, job: pipeline, status, branch });
    }

    /// Writes the pipeline down for the API.
    fn keep(&self, project: &Project, user: &User, (id, branch): (u64, &str), status: &str) {
        let sha = Repository::at(&project.repository).resolve(branch).unwrap_or_default();
        let now = self.instance.now();
        let mut world = self.instance.world();
        match world.pipelines.iter_mut().find(|known| known.id == id) {
            Some(known) => (known.status, known.updated_at) = (status.to_owned(), now),
            None => world.pipelines.push(Pipeline {
                id,
                project: project.id,
                status: status.to_owned(),
                branch: branch.to_owned(),
                sha,
                author: user.id,
                created_at: now,
                updated_at: now,
            }),
        }
    }

    /// A release of a tag.
    pub fn add_release(&self, project: &Project, tag: &str) {
        hooks::release(&self.instance, project.id, tag, "create");
    }
}
