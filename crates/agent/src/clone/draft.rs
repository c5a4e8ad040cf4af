//! Where a clone is made before it has its place.

use std::path::{Path, PathBuf};

use domain::Entropy;

use super::failure::Failure;

/// A half-made clone, under a name nobody else has. Dropped before it was renamed, it is removed.
pub(super) struct Draft {
    pub(super) path: PathBuf,
}

impl Draft {
    /// Names one beside `folder`, and removes those of earlier tries.
    pub(super) async fn beside(folder: &Path, entropy: &dyn Entropy) -> Result<Self, Failure> {
        let parent = folder.parent().unwrap_or(Path::new("/")).to_owned();
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{name}.hearth-clone");
        let mut random = [0; 8];
        entropy.fill(&mut random);
        let path = parent.join(format!("{prefix}-{:016x}", u64::from_ne_bytes(random)));
        std::fs::create_dir_all(&parent).map_err(|error| Failure::of_folder("clone into", folder, &error))?;
        in_background(move || remove_all(&parent, &prefix)).await;
        Ok(Self { path })
    }

    /// Removes it now, and answers when that is done.
    pub(super) async fn discard(self) {
        let path = self.path.clone();
        in_background(move || remove(&path)).await;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.path.exists() {
            let path = self.path.clone();
            // A git that was killed a moment ago may still add a file; the next try removes the rest.
            tokio::task::spawn_blocking(move || remove(&path));
        }
    }
}

/// A clone has many files: their removal must not hold everything else up.
async fn in_background(work: impl FnOnce() + Send + 'static) {
    // Fails only if the work panics, which it has no reason to.
    drop(tokio::task::spawn_blocking(work).await);
}

fn remove_all(parent: &Path, prefix: &str) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            remove(&entry.path());
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_dir_all(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(path = %path.display(), error = %error, "a half-made clone stays behind");
    }
}
