//! Creating and starting a sandbox, the server's part: layers, control groups, the plan.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use domain::{ImageDigest, WorkspaceId};

use super::cgroup::{self, Controller, Groups};
use super::disk::Spec;
use super::failed::Failed;
use super::host_view::HostView;
use super::launch::Launched;
use super::plan::{Access, Fallback, Ids, Need, NetworkTool, Plan, Shown};
use super::{Inner, process, ranges, usage};
use crate::{Boot, DriverError, Lack, SandboxUsage};

/// How long another server's launch of the same sandbox may take before it counts as stuck.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl Inner {
    /// Makes the disk of a sandbox.
    pub(super) fn create(
        &self,
        id: WorkspaceId,
        mut spec: Spec,
        lowers: &[PathBuf],
    ) -> Result<(), DriverError> {
        let _graph = self.graph.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(base) = spec.base
            && self.disks.sealed(base).is_none()
        {
            return Err(DriverError::NoSnapshot(base));
        }
        let in_use: Vec<Ids> =
            self.disks.all()?.into_iter().filter_map(|id| Some(self.disks.peek(id)?.ids)).collect();
        spec.ids = ranges::choose(self.sharing, id, &in_use)
            .ok_or_else(|| Failed::because("all ranges of user ids are in use"))?;
        Ok(self.disks.create(id, &spec, lowers)?)
    }

    /// Starts a sandbox. One that runs is left as it is.
    pub(super) fn start(&self, id: WorkspaceId, boot: &Boot) -> Result<Vec<String>, DriverError> {
        if let Some(fatal) = self.support.lacks.iter().find(|lack| lack.fatal) {
            return Err(DriverError::Lacks(fatal.clone()));
        }
        let spec = self.disks.load(id)?;
        if self.runs_already(id)? {
            return Ok(self.notices());
        }
        self.tidy(id);
        let view = match &spec.image {
            None => Some(HostView::prepare(self.disks.data(), spec.ids)?),
            Some(_) => None,
        };
        let mut lowers = match (&view, &spec.image) {
            (Some(view), _) => vec![view.skeleton.clone()],
            (None, Some(image)) => self.image_layers(image)?,
            (None, None) => Vec::new(),
        };
        lowers.extend(self.disks.chain(spec.base)?);
        let groups = self.groups.make(id, &spec.limits)?;
        let mut plan = plan(&self.disks.folder(id), &spec, boot, view, &self.groups);
        plan.lowers = lowers;
        plan.cgroups.clone_from(&groups);
        plan.network.clone_from(&self.network);
        match self.launcher.launch(&plan, &boot.descriptor_3) {
            Ok(Launched::Running) => Ok(self.notices()),
            Ok(Launched::WithoutNetwork) => {
                let mut notices = self.notices();
                notices.push("no network yet: it comes up as soon as the machine has one".into());
                Ok(notices)
            }
            Ok(Launched::Busy) => {
                Err(Failed::because(format!("sandbox `{id}` is being started elsewhere")).into())
            }
            Err(failed) => {
                self.clear_failed_launch(id, &groups);
                Err(failed.into())
            }
        }
    }

    /// Whether the sandbox runs, waiting for a launch under way to show how it goes.
    fn runs_already(&self, id: WorkspaceId) -> Result<bool, Failed> {
        let deadline = Instant::now() + LONGEST_WAIT;
        loop {
            if self.handle(id).is_some() {
                return Ok(true);
            }
            if !self.is_held(id) {
                return Ok(false);
            }
            if Instant::now() > deadline {
                return Err(Failed::because(format!(
                    "sandbox `{id}` is being started by a process that hangs"
                )));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Ends what a failed launch may have left running, then removes its traces.
    fn clear_failed_launch(&self, id: WorkspaceId, groups: &[PathBuf]) {
        if let Some(guard) = self.handle(id) {
            // Gone already is what is wanted.
            let _gone = rustix::process::pidfd_send_signal(&guard, rustix::process::Signal::KILL);
        }
        let deadline = Instant::now() + LONGEST_WAIT;
        while self.is_held(id) && Instant::now() < deadline {
            std::thread::sleep(LOOK_AGAIN);
        }
        cgroup::remove(groups);
        self.tidy(id);
    }

    /// What owners of workspaces should know about this machine.
    fn notices(&self) -> Vec<String> {
        self.support.lacks.iter().map(|lack: &Lack| lack.what.clone()).collect()
    }

    /// The folders of an image that a sandbox was made of.
    pub(super) fn image_layers(&self, image: &ImageDigest) -> Result<Vec<PathBuf>, DriverError> {
        self.images.image(image).map(|image| image.layers).ok_or_else(|| DriverError::Image {
            what: format!("image `{image}` is no longer on this machine"),
            mend: "import or pull it again, then start the workspace".into(),
        })
    }

    /// What a sandbox uses now.
    pub(super) fn usage(&self, id: WorkspaceId) -> Result<SandboxUsage, DriverError> {
        let folder = self.disks.folder(id);
        if self.disks.peek(id).is_none() {
            return Err(DriverError::NoSandbox(id));
        }
        let Some(state) = process::read_state(&folder).filter(|state| process::open(state).is_some()) else {
            return Ok(SandboxUsage::default());
        };
        let counted = |controller| self.groups.has(controller);
        let mut all = cgroup::usage(&state.cgroups);
        let has_all = counted(Controller::Memory)
            && counted(Controller::Pids)
            && (counted(Controller::Cpu) || counted(Controller::CpuCount));
        if !has_all {
            let seen = usage::of_descendants(state.pid);
            all.cpu_micros = if all.cpu_micros == 0 { seen.cpu_micros } else { all.cpu_micros };
            all.memory_bytes = if all.memory_bytes == 0 { seen.memory_bytes } else { all.memory_bytes };
            all.pids = if all.pids == 0 { seen.pids } else { all.pids };
        }
        Ok(all)
    }
}

/// The plan without layers, groups and network.
pub(super) fn plan(folder: &Path, spec: &Spec, boot: &Boot, view: Option<HostView>, groups: &Groups) -> Plan {
    let mut shown = view.map(|view| view.shown).unwrap_or_default();
    let data = folder.ancestors().nth(2).unwrap_or(folder);
    // Should somebody keep the data folder in a place that sandboxes see, they see it empty.
    let hidden = shown
        .iter()
        .filter(|shown| data.starts_with(&shown.host))
        .map(|_| data.to_string_lossy().into_owned())
        .collect();
    shown.extend(boot.mounts.iter().map(|mount| Shown {
        host: mount.host.clone(),
        inside: mount.inside.clone(),
        access: if mount.read_only { Access::ReadOnly } else { Access::ReadWrite },
        need: Need::Required,
    }));
    let limits = spec.limits;
    let fallback = Fallback {
        pids: (!groups.has(Controller::Pids)).then(|| u64::from(limits.pids).saturating_add(1)),
        memory_bytes: (!groups.has(Controller::Memory)).then_some(limits.memory_bytes),
    };
    Plan {
        folder: folder.to_owned(),
        hostname: spec.hostname.clone(),
        lowers: Vec::new(),
        shown,
        hidden,
        ids: spec.ids,
        cgroups: Vec::new(),
        memory_folders_bytes: limits.memory_bytes / 2,
        fallback,
        network: None::<NetworkTool>,
        command: boot.command.clone(),
        env: boot.env.clone(),
        descriptor_3_bytes: boot.descriptor_3.len(),
    }
}
