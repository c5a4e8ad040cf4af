//! Writing a file whole: beside its place first, then into it in one step.

use std::fs::Permissions;
use std::io;
use std::path::{Path, PathBuf};

use axum::body::Body;
use domain::Entropy;
use futures_util::StreamExt;
use http::StatusCode;
use rustix::fs::{Access, access};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::in_background;
use crate::part_file;
use crate::problem::Problem;

/// Writes `body` to `path`, or nothing at all.
///
/// A link is followed, the permissions of a file that exists are kept, folders above are made.
pub(crate) async fn write(path: PathBuf, body: Body, entropy: &dyn Entropy) -> Result<(), Problem> {
    let mut random = [0; 8];
    entropy.fill(&mut random);
    let cannot = |error: io::Error| Problem::of_path("write", &path, &error);
    let place = {
        let path = path.clone();
        in_background(move || Place::find(&path, u64::from_ne_bytes(random))).await?
    };

    let mut file = File::from_std(place.file);
    let mut body = body.into_data_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| broken_off(&path))?;
        file.write_all(&chunk).await.map_err(cannot)?;
    }
    file.flush().await.map_err(cannot)?;
    // Without this a power cut could leave an empty file under the old name.
    file.sync_data().await.map_err(cannot)?;
    if let Some(permissions) = place.permissions {
        file.set_permissions(permissions).await.map_err(cannot)?;
    }
    drop(file);
    tokio::fs::rename(&place.draft.0, &place.target).await.map_err(cannot)
}

fn broken_off(path: &Path) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid",
        format!("cannot write `{}`: its content broke off", path.display()),
        "Send it again. The file is as it was.",
    )
}

/// Where a file goes, what it is like now, and the draft, open for writing. The draft is made together
/// with what removes it, so that a caller that goes away at any moment leaves nothing behind.
struct Place {
    target: PathBuf,
    permissions: Option<Permissions>,
    draft: Draft,
    file: std::fs::File,
}

/// A file under a name of its own. Dropped before it was renamed, it is removed.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // After the rename there is nothing here, which is as it should be.
        drop(std::fs::remove_file(&self.0));
    }
}

impl Place {
    fn find(path: &Path, random: u64) -> Result<Self, Problem> {
        let cannot = |error: io::Error| Problem::of_path("write", path, &error);
        // A link that leads nowhere yet is replaced; any other stays and what it leads to is written.
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let permissions = match std::fs::metadata(&target) {
            Ok(found) if found.is_dir() => return Err(Problem::is_folder("write", path.display())),
            Ok(found) => {
                // The rename asks only the folder; what the file itself forbids must stay forbidden.
                access(&target, Access::WRITE_OK).map_err(|error| cannot(error.into()))?;
                Some(found.permissions())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(cannot(error)),
        };
        let (Some(folder), Some(_)) = (target.parent(), target.file_name()) else {
            return Err(Problem::is_folder("write", path.display()));
        };
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(Problem::invalid(
                format!("cannot write `{}`: a file's name does not end with `/`", path.display()),
                "Take it out, or make a folder with `?kind=folder`.",
            ));
        }
        std::fs::create_dir_all(folder).map_err(cannot)?;
        let draft = folder.join(part_file::name(random));
        let file = std::fs::File::create_new(&draft).map_err(cannot)?;
        let draft = Draft(draft);
        Ok(Self { target, permissions, draft, file })
    }
}
