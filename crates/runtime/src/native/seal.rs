//! Snapshots: `snapshots/<id>/{spec.json,layer/}`. Sealing is a rename, whatever the disk holds.
//!
//! A snapshot's layer stays as long as its name or anything standing on it; who stands on what is read
//! from the specs each time, so there is no count that could be wrong.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use domain::{ImageDigest, Rootfs, SnapshotId, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::disk::{Disks, SPEC, Spec, make_private, names, read_json, write_json};
use super::failed::{Context, Failed};
use super::rootfs::DISK;
use crate::DriverError;

/// A chain of layers ends where overlayfs does (`OVL_MAX_STACK` is 500), with room for an image below.
const LONGEST_CHAIN: usize = 350;

/// What a snapshot is, as written in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    /// The snapshot it stands on.
    pub parent: Option<SnapshotId>,
    /// What the lowest of the chain stands on.
    pub rootfs: Rootfs,
    /// The image that is.
    pub image: Option<ImageDigest>,
    /// Whether anybody still wants it for its own sake.
    pub named: bool,
}

impl Disks {
    /// Seals the sandbox's layer under `snapshot`. The sandbox must not run.
    pub(super) fn seal(&self, id: WorkspaceId, snapshot: SnapshotId) -> Result<(), DriverError> {
        let mut spec = self.load(id)?;
        if self.sealed(snapshot).is_some() {
            return Ok(());
        }
        if self.chain(spec.base)?.len() >= LONGEST_CHAIN {
            let what = format!("`{id}` stands on {LONGEST_CHAIN} snapshots, more than can be stacked");
            return Err(Failed::because(what).into());
        }
        spec.sealing = Some(snapshot);
        self.save(id, &spec)?;
        self.finish_seal(id, spec)?;
        Ok(())
    }

    /// Does what is left to do of a seal that was begun, and gives the spec as it then is.
    pub(super) fn finish_seal(&self, id: WorkspaceId, mut spec: Spec) -> Result<Spec, Failed> {
        let Some(snapshot) = spec.sealing else { return Ok(spec) };
        let folder = self.snapshots().join(snapshot.to_string());
        make_private(&folder)?;
        let (upper, layer) = (self.folder(id).join(DISK).join("upper"), folder.join("layer"));
        if !layer.exists() {
            fs::rename(&upper, &layer).context(|| format!("cannot seal `{}`", upper.display()))?;
        }
        let sealed =
            Sealed { parent: spec.base, rootfs: spec.rootfs.clone(), image: spec.image.clone(), named: true };
        if self.sealed(snapshot).is_none() {
            write_json(&folder.join(SPEC), &sealed)?;
        }
        // Overlayfs keeps notes on the old upper layer in its work folder.
        let work = self.folder(id).join(DISK).join("work");
        Self::erase(self.throw_away(&work, &format!("{id}.work"))?)?;
        self.make_layer(id, &spec)?;
        (spec.base, spec.sealing) = (Some(snapshot), None);
        self.save(id, &spec)?;
        Ok(spec)
    }

    /// What a snapshot is; `None` if there is none of that id.
    pub(super) fn sealed(&self, snapshot: SnapshotId) -> Option<Sealed> {
        read_json(&self.snapshots().join(snapshot.to_string()).join(SPEC))
    }

    /// The layers from the lowest snapshot up to this one.
    pub(super) fn chain(&self, top: Option<SnapshotId>) -> Result<Vec<PathBuf>, DriverError> {
        let mut layers = Vec::new();
        let mut next = top;
        while let Some(snapshot) = next {
            let sealed = self.sealed(snapshot).ok_or(DriverError::NoSnapshot(snapshot))?;
            layers.push(self.snapshots().join(snapshot.to_string()).join("layer"));
            next = sealed.parent;
        }
        layers.reverse();
        Ok(layers)
    }

    /// Forgets a snapshot's name. Nothing to do if there is none.
    pub(super) fn forget(&self, snapshot: SnapshotId) -> Result<(), Failed> {
        match self.sealed(snapshot) {
            Some(sealed) if sealed.named => {
                let path = self.snapshots().join(snapshot.to_string()).join(SPEC);
                write_json(&path, &Sealed { named: false, ..sealed })
            }
            _ => Ok(()),
        }
    }

    /// Throws away every snapshot without a name that nothing stands on; tells which, and where to.
    pub(super) fn collect(&self) -> Result<Vec<(SnapshotId, Option<PathBuf>)>, Failed> {
        let mut gone = Vec::new();
        loop {
            let used = self.stood_on()?;
            let mut found = false;
            for snapshot in names::<SnapshotId>(&self.snapshots())? {
                // One without a spec is a seal that was begun, and its sandbox knows of it, or it is nobody's.
                let named = self.sealed(snapshot).is_some_and(|sealed| sealed.named);
                if !named && !used.contains(&snapshot) {
                    let folder = self.snapshots().join(snapshot.to_string());
                    gone.push((snapshot, self.throw_away(&folder, &snapshot.to_string())?));
                    found = true;
                }
            }
            if !found {
                return Ok(gone);
            }
        }
    }

    fn stood_on(&self) -> Result<HashSet<SnapshotId>, Failed> {
        let mut used = HashSet::new();
        for id in self.all()? {
            if let Some(spec) = self.peek(id) {
                used.extend(spec.base);
                used.extend(spec.sealing);
            }
        }
        for snapshot in names::<SnapshotId>(&self.snapshots())? {
            used.extend(self.sealed(snapshot).and_then(|sealed| sealed.parent));
        }
        Ok(used)
    }
}
