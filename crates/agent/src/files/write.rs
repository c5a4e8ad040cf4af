//! Writing a file whole: beside its place first, then into it in one step.

use std::fs::Permissions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use axum::body::Body;
use domain::Entropy;
use futures_util::StreamExt;
use http::StatusCode;
use rustix::fs::{Access, access};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::background::in_background;
use crate::part_file::{self, Draft, Openness};
use crate::problem::Problem;

/// Writes `body` to `path`, or nothing at all.
///
/// A link is followed, the permissions of a file that exists are kept, folders above are made.
pub(crate) async fn write(path: PathBuf, body: Body, entropy: &dyn Entropy) -> Result<(), Problem> {
    let name = part_file::name(entropy);
    let cannot = |error: io::Error| Problem::of_path("write", &path, &error);
    // The draft is made together with what removes it, so that a caller that goes away at any moment leaves
    // nothing behind.
    let place = {
        let path = path.clone();
        in_background(move || Place::find(&path, name)).await?
    };
    let mut file = File::from_std(place.draft.file().try_clone().map_err(cannot)?);
    let mut body = body.into_data_stream();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| broken_off(&path))?;
        file.write_all(&chunk).await.map_err(cannot)?;
    }
    file.flush().await.map_err(cannot)?;
    in_background(move || place.fill(&path)).await
}

/// The same with content that is there already. Waits for the disk; `name` is of [`part_file::name`].
pub(crate) fn write_now(path: &Path, content: &[u8], name: String) -> Result<(), Problem> {
    let place = Place::find(path, name)?;
    place.draft.file().write_all(content).map_err(|error| Problem::of_path("write", path, &error))?;
    place.fill(path)
}

fn broken_off(path: &Path) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid",
        format!("cannot write `{}`: its content broke off", path.display()),
        "Send it again. The file is as it was.",
    )
}

/// Where a file goes, what it is like now, and the draft.
struct Place {
    target: PathBuf,
    permissions: Option<Permissions>,
    draft: Draft,
}

impl Place {
    fn find(path: &Path, name: String) -> Result<Self, Problem> {
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
        // Whoever may not read the file may not read what becomes of it either.
        let openness = if permissions.is_some() { Openness::Own } else { Openness::Usual };
        let draft = Draft::beside(&target, name, openness).map_err(cannot)?;
        Ok(Self { target, permissions, draft })
    }

    /// Puts what was written there.
    fn fill(self, path: &Path) -> Result<(), Problem> {
        let Self { target, permissions, draft } = self;
        let filled = permissions
            .map_or(Ok(()), |permissions| draft.file().set_permissions(permissions))
            .and_then(|()| draft.replace(target.file_name().unwrap_or_default()));
        filled.map_err(|error| Problem::of_path("write", path, &error))
    }
}
