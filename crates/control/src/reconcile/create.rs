//! Create: the sandbox, with an agent in it that knows where to connect.

use std::time::Duration;

use domain::{Event, Rootfs, Workspace};
use runtime::{BindMount, Boot, DriverError, SandboxSpec};
use tokio_util::sync::CancellationToken;
use vault::{Secret, Token};
use wire::agent::{AGENT_PATH, AgentConfig, RUN_FOLDER, SOCKET_NAME};

use super::prepare::fall_back;
use super::settle::{Done, Performed};
use super::worker::Carried;
use crate::control::Control;
use crate::trouble::Trouble;

/// How long the machine may take for one sandbox; it takes milliseconds unless something hangs.
const MACHINE_LIMIT: Duration = Duration::from_mins(2);

impl Control {
    /// Makes the disk and starts the first process. Repeated, it begins again from nothing running.
    pub(super) async fn create(
        &self,
        workspace: &Workspace,
        carried: Carried,
        cancel: &CancellationToken,
    ) -> Result<Performed<'_>, Trouble> {
        let id = workspace.id;
        self.inner.watchers.forget(id);
        self.open_listener(id).await?;
        let token = match carried.credential {
            Some(token) => token,
            // Taken up after a crash or a lost sandbox. The credential of a try before is not known
            // any more, so what that try may have started has to go.
            None => self.fresh_credential(workspace).await?,
        };
        let mut done = Done::of(Event::Created);
        let turn = cancel.run_until_cancelled(self.inner.flights.on_machine()).await;
        let Some(_turn) = turn.filter(|_| !cancel.is_cancelled()) else { return Err(Trouble::cancelled()) };
        done.notices = match self.boot(workspace, &workspace.rootfs, &token).await {
            Ok(notices) => notices,
            Err(trouble) => {
                let notice = fall_back(workspace, &trouble).ok_or(trouble)?;
                self.say(workspace, Some(domain::Step::Create), notice.clone()).await;
                self.erase(id).await?;
                let mut notices = self.boot(workspace, &Rootfs::Host, &token).await?;
                done.rootfs = Some(Rootfs::Host);
                notices.push(notice);
                notices
            }
        };
        self.watch(workspace);
        Ok(Performed::Done(done))
    }

    /// Disk and first process. Not interrupted half-way: it takes milliseconds, and what follows it
    /// must know what is there.
    async fn boot(
        &self,
        workspace: &Workspace,
        rootfs: &Rootfs,
        token: &Token,
    ) -> Result<Vec<String>, Trouble> {
        let spec = SandboxSpec {
            id: workspace.id,
            hostname: workspace.name.to_string(),
            rootfs: rootfs.clone(),
            base: workspace.base,
            limits: workspace.limits,
        };
        self.on_machine(MACHINE_LIMIT, self.inner.driver.create(&spec)).await?;
        let variables = self.inner.driver.environment(workspace.id).await?;
        let team = self.team_environment(workspace.team).await;
        let team = team.map_err(|error| Trouble::passing(error.to_string(), error.mend()))?;
        let boot = self.boot_of(workspace, variables, &team, token)?;
        self.on_machine(MACHINE_LIMIT, self.inner.driver.start(workspace.id, boot)).await
    }

    fn boot_of(
        &self,
        workspace: &Workspace,
        variables: Vec<(String, String)>,
        team: &[(String, Secret<String>)],
        token: &Token,
    ) -> Result<Boot, Trouble> {
        // Of the image's variables all but those that say who one is: that is decided here.
        let mut env: Vec<_> = variables
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "HOME" | "USER" | "LOGNAME"))
            .collect();
        // Later ones win: the team's secrets, what the owner confirmed, and what nobody may change.
        env.extend(team.iter().map(|(name, value)| (name.clone(), value.expose().clone())));
        env.extend(
            workspace.variables.iter().map(|variable| (variable.name.clone(), variable.value.clone())),
        );
        env.extend([
            ("HEARTH_WORKSPACE_ID".into(), workspace.id.to_string()),
            ("HEARTH_WORKSPACE_NAME".into(), workspace.name.to_string()),
        ]);
        let config = AgentConfig {
            workspace: workspace.id.to_string(),
            server: format!("unix:{RUN_FOLDER}/{SOCKET_NAME}"),
            token: token.expose().to_owned(),
            ca_pem: None,
            folder: workspace.folder(),
            env,
        };
        let descriptor_3 = serde_json::to_vec(&config)
            .map_err(|error| Trouble::lasting(error.to_string(), "report this; it is a fault of Hearth"))?;
        let mount = |host: &std::path::Path, inside: &str| BindMount {
            host: host.to_owned(),
            inside: inside.to_owned(),
            read_only: true,
        };
        Ok(Boot {
            command: vec![AGENT_PATH.into()],
            env: Vec::new(),
            mounts: vec![
                mount(&self.inner.settings.agent, AGENT_PATH),
                mount(&self.run_folder(workspace.id), RUN_FOLDER),
            ],
            descriptor_3,
        })
    }

    /// Makes sure nothing runs, and stores the hash of a new credential.
    async fn fresh_credential(&self, workspace: &Workspace) -> Result<Token, Trouble> {
        self.end_processes(workspace, Duration::ZERO).await?;
        self.inner.agents.remove(workspace.id);
        let token = Token::generate("hagent", &*self.inner.entropy);
        let mut tx = self.inner.store.begin().await?;
        tx.set_agent_credential(workspace.id, &token.hash()).await?;
        tx.commit().await?;
        Ok(token)
    }

    /// Stops the sandbox; fine where there is none.
    pub(super) async fn end_processes(&self, workspace: &Workspace, grace: Duration) -> Result<(), Trouble> {
        let stop = async {
            match self.inner.driver.stop(workspace.id, grace).await {
                Err(DriverError::NoSandbox(_)) => Ok(()),
                done => done,
            }
        };
        self.on_machine(grace.saturating_add(MACHINE_LIMIT), stop).await
    }

    /// Waits for the machine, but not for ever.
    pub(super) async fn on_machine<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, DriverError>>,
    ) -> Result<T, Trouble> {
        match tokio::time::timeout(limit, work).await {
            Ok(done) => Ok(done?),
            Err(_) => Err(Trouble::passing(
                format!("the machine did not do it within {}s", limit.as_secs()),
                "run `hearth doctor` on the machine; it may be out of memory or its disk may hang",
            )),
        }
    }
}
