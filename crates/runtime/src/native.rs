//! The native driver: sandboxes made of this machine's own kernel features, by direct system calls.
//!
//! Decision 0001 says why. The server only prepares folders and control groups; a launcher process of one
//! thread ([`sandbox_main`]) turns itself into the sandbox, which then needs the server no more.

mod carrier;
mod cgroup;
mod cgroup_find;
mod command;
mod disk;
mod erase;
mod failed;
mod furnish;
mod guard;
mod host_view;
mod init;
mod inside;
mod kernel_files;
mod launch;
mod launcher;
mod namespaces;
mod plan;
mod powers;
mod process;
mod ranges;
mod rootfs;
mod routes;
mod running;
mod seal;
mod seccomp;
mod starting;
mod support;
mod sys;
mod syscalls;
mod usage;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::{Rootfs, SnapshotId, WorkspaceId};
use tokio_util::sync::CancellationToken;

use self::cgroup::Groups;
use self::disk::{Disks, Spec};
use self::plan::NetworkTool;
use self::ranges::Sharing;
use crate::{
    Boot, Driver, DriverError, ImageStore, Sandbox, SandboxSpec, SandboxState, SandboxUsage, Support,
};

pub use self::launch::Launcher;
pub use self::launcher::sandbox_main;

/// What the native driver needs to know.
#[derive(Clone)]
pub struct NativeSettings {
    /// Folder for everything it keeps. Absolute.
    pub data: PathBuf,
    /// What becomes the sandbox.
    pub launcher: Launcher,
    /// Where images come from.
    pub images: ImageStore,
}

/// Runs workspaces with namespaces, control groups, overlayfs and seccomp. Cheap to clone.
#[derive(Clone)]
pub struct NativeDriver {
    inner: Arc<Inner>,
}

struct Inner {
    launcher: Launcher,
    images: ImageStore,
    disks: Disks,
    groups: Groups,
    sharing: Sharing,
    network: Option<NetworkTool>,
    support: Support,
    /// Held while who stands on what changes. Only short work on disk happens under it.
    graph: Mutex<()>,
    /// One lock per sandbox that something is done to.
    busy: Mutex<HashMap<WorkspaceId, Arc<tokio::sync::Mutex<()>>>>,
}

impl NativeDriver {
    /// Opens the data folder, finishes what a crash interrupted, and tries out what the machine can do by
    /// running a sandbox. A machine that cannot run one still gives a driver, which says why not.
    ///
    /// # Errors
    ///
    /// Only if the data folder cannot be used.
    pub async fn open(settings: NativeSettings) -> Result<Self, DriverError> {
        let inner = blocking(move || {
            let disks = Disks::open(settings.data)?;
            let found = support::probe(&disks, &settings.launcher);
            let inner = Inner {
                launcher: settings.launcher,
                images: settings.images,
                groups: found.groups,
                sharing: found.sharing,
                network: found.network,
                support: found.support,
                disks,
                graph: Mutex::new(()),
                busy: Mutex::default(),
            };
            inner.sweep();
            Ok(inner)
        })
        .await?;
        let driver = Self { inner: Arc::new(inner) };
        driver.collect().await?;
        Ok(driver)
    }

    /// Waits for its turn with one sandbox.
    async fn turn(&self, id: WorkspaceId) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut busy = self.inner.busy.lock().unwrap_or_else(PoisonError::into_inner);
            busy.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(busy.entry(id).or_default())
        };
        lock.lock_owned().await
    }

    /// Runs work on files and processes where it may block.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, DriverError> + Send + 'static,
    ) -> Result<T, DriverError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || work(&inner)).await
    }

    /// Removes snapshots that nothing needs.
    async fn collect(&self) -> Result<(), DriverError> {
        let gone = self
            .work(|inner| {
                let _graph = inner.graph.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(inner.disks.collect()?)
            })
            .await?;
        let mut thrown = Vec::new();
        for (snapshot, path) in gone {
            self.inner.images.release(&snapshot.to_string()).await?;
            thrown.extend(path);
        }
        self.work(|_| Ok(Disks::erase(thrown)?)).await
    }

    /// What a new sandbox is to be made of, with its image held so that it stays.
    async fn spec_for(&self, wanted: &SandboxSpec) -> Result<(Spec, Vec<PathBuf>), DriverError> {
        let image = match (wanted.base, &wanted.rootfs) {
            (Some(base), _) => self.inner.disks.sealed(base).ok_or(DriverError::NoSnapshot(base))?.image,
            (None, Rootfs::Host) => None,
            (None, Rootfs::Image(reference)) => {
                let image = self.inner.images.find(reference).ok_or_else(|| DriverError::Image {
                    what: format!("image `{reference}` is not on this machine"),
                    mend: "start the workspace again, which fetches it".into(),
                })?;
                Some(image.id)
            }
        };
        let mut lowers = Vec::new();
        if let Some(image) = &image {
            self.inner.images.hold(image, &wanted.id.to_string()).await?;
            lowers = self.inner.image_layers(image)?;
        }
        let spec = Spec {
            hostname: wanted.hostname.clone(),
            rootfs: wanted.rootfs.clone(),
            image,
            base: wanted.base,
            limits: wanted.limits,
            ids: plan::Ids::Single,
            sealing: None,
        };
        Ok((spec, lowers))
    }
}

#[async_trait]
impl Driver for NativeDriver {
    fn name(&self) -> &'static str {
        "native"
    }

    fn support(&self) -> &Support {
        &self.inner.support
    }

    async fn prepare(
        &self,
        rootfs: &Rootfs,
        progress: &(dyn Fn(String) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), DriverError> {
        match rootfs {
            Rootfs::Host => Ok(()),
            Rootfs::Image(reference) => {
                self.inner.images.prepare(reference, progress, cancel).await.map(drop)
            }
        }
    }

    async fn create(&self, wanted: &SandboxSpec) -> Result<(), DriverError> {
        let turn = self.turn(wanted.id).await;
        let id = wanted.id;
        if self.work(move |inner| Ok(inner.disks.peek(id).is_some())).await? {
            return Ok(());
        }
        let (spec, lowers) = self.spec_for(wanted).await?;
        // The turn goes with the work, which goes on when nobody waits for it any more.
        self.work(move |inner| {
            let _turn = turn;
            inner.create(id, spec, &lowers)
        })
        .await
    }

    async fn start(&self, id: WorkspaceId, boot: Boot) -> Result<Vec<String>, DriverError> {
        let turn = self.turn(id).await;
        self.work(move |inner| {
            let _turn = turn;
            inner.start(id, &boot)
        })
        .await
    }

    async fn stop(&self, id: WorkspaceId, grace: Duration) -> Result<(), DriverError> {
        self.end(id, Some(grace)).await
    }

    async fn remove(&self, id: WorkspaceId) -> Result<(), DriverError> {
        let thrown = loop {
            self.end(id, None).await?;
            let turn = self.turn(id).await;
            let tried = self.work(move |inner| {
                let _turn = turn;
                inner.throw_away(id)
            });
            if let Some(thrown) = tried.await? {
                break thrown;
            }
        };
        self.work(|_| Ok(Disks::erase(thrown)?)).await?;
        self.inner.images.release(&id.to_string()).await?;
        self.collect().await
    }

    async fn list(&self) -> Result<Vec<Sandbox>, DriverError> {
        self.work(|inner| {
            let state =
                |id| if inner.handle(id).is_some() { SandboxState::Running } else { SandboxState::Stopped };
            Ok(inner.disks.all()?.into_iter().map(|id| Sandbox { id, state: state(id) }).collect())
        })
        .await
    }

    async fn ended(&self, id: WorkspaceId) -> Result<(), DriverError> {
        self.wait_for_end(id).await?;
        let turn = self.turn(id).await;
        self.work(move |inner| {
            let _turn = turn;
            inner.tidy(id);
            Ok(())
        })
        .await
    }

    async fn environment(&self, id: WorkspaceId) -> Result<Vec<(String, String)>, DriverError> {
        let image = self.work(move |inner| Ok(inner.disks.load(id)?.image)).await?;
        let image = image.and_then(|image| self.inner.images.image(&image));
        Ok(image.map(|image| image.env).unwrap_or_default())
    }

    async fn usage(&self, id: WorkspaceId) -> Result<SandboxUsage, DriverError> {
        self.work(move |inner| inner.usage(id)).await
    }

    async fn snapshot(&self, id: WorkspaceId, snapshot: SnapshotId) -> Result<(), DriverError> {
        let turn = self.turn(id).await;
        let image = self
            .work(move |inner| {
                let spec = inner.disks.load(id)?;
                if inner.handle(id).is_some() {
                    return Err(DriverError::StillRunning(id));
                }
                Ok(spec.image)
            })
            .await?;
        if let Some(image) = image {
            self.inner.images.hold(&image, &snapshot.to_string()).await?;
        }
        self.work(move |inner| {
            let _turn = turn;
            let _graph = inner.graph.lock().unwrap_or_else(PoisonError::into_inner);
            inner.disks.seal(id, snapshot)
        })
        .await
    }

    async fn remove_snapshot(&self, snapshot: SnapshotId) -> Result<(), DriverError> {
        self.work(move |inner| {
            let _graph = inner.graph.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(inner.disks.forget(snapshot)?)
        })
        .await?;
        self.collect().await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DriverError> + Send + 'static,
) -> Result<T, DriverError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down.
            Err(_) => Err(DriverError::Cancelled),
        },
    }
}
