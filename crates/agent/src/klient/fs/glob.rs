//! Finding files by a pattern.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

use super::listing::{MOST, MOST_BYTES, readable_names};
use super::pattern::{Segment, fits};
use super::turns::Wanted;
use crate::problem::Problem;

/// How long a search may take.
const LONGEST: Duration = Duration::from_secs(10);
/// Folders that wait to be looked into; more is a tree nobody means to search whole.
const WAITING_MAX: usize = 50_000;
/// Names of one folder that are looked at.
const NAMES_MAX: usize = 1_000_000;

/// A pattern and where it begins.
pub(super) struct Search {
    pub(super) root: PathBuf,
    pub(super) segments: Vec<Segment>,
}

/// Everything that fits, by name. Folders that cannot be read have nothing that fits. `**` does not go
/// through links; a part with a name does.
pub(super) fn glob(search: &Search, wanted: &Wanted) -> Result<Vec<String>, Problem> {
    if search.segments.is_empty() {
        return Ok(Vec::from_iter(there(&search.root).then(|| text(&search.root))));
    }
    let until = Instant::now() + LONGEST;
    let mut found = Found::default();
    let mut waiting = vec![(search.root.clone(), vec![0])];
    while let Some((folder, places)) = waiting.pop() {
        wanted.check()?;
        if Instant::now() > until {
            return Err(too_much("the search took longer than 10 seconds"));
        }
        for (name, next) in step(&search.segments, &folder, &places) {
            let path = folder.join(&name);
            if next.is_match {
                found.add(&path)?;
            }
            if !next.places.is_empty() && path.is_dir() {
                waiting.push((path, next.places));
            }
        }
        if waiting.len() > WAITING_MAX {
            return Err(too_much("there are too many folders"));
        }
    }
    found.paths.sort_unstable();
    Ok(found.paths)
}

#[derive(Default)]
struct Found {
    paths: Vec<String>,
    bytes: usize,
}

impl Found {
    fn add(&mut self, path: &Path) -> Result<(), Problem> {
        let path = text(path);
        // As it is sent: a control character takes six bytes.
        let bytes = serde_json::to_string(&path).map_or(MOST_BYTES, |text| text.len() + 1);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.paths.len() == MOST || self.bytes > MOST_BYTES {
            return Err(too_much("more than 10 000 names, or 3 MiB of them, fit"));
        }
        self.paths.push(path);
        Ok(())
    }
}

/// Where in the pattern a name leads to.
#[derive(Default)]
struct Next {
    /// It is itself what was searched for.
    is_match: bool,
    /// Segments that names in it have to fit, if it is a folder.
    places: Vec<usize>,
}

/// What of a folder fits one of these places of the pattern.
fn step(segments: &[Segment], folder: &Path, places: &[usize]) -> BTreeMap<OsString, Next> {
    let places = with_no_folder_between(segments, places);
    let mut nexts: BTreeMap<OsString, Next> = BTreeMap::new();
    let mut reads = false;
    for place in &places {
        match segments.get(*place) {
            // Asked for by name, so that a folder which cannot be listed is no obstacle.
            Some(Segment::Name(name)) if there(&folder.join(name)) => {
                lead(nexts.entry(name.into()).or_default(), segments, place + 1);
            }
            Some(Segment::Fits(_) | Segment::AnyFolders) => reads = true,
            Some(Segment::Name(_)) | None => {}
        }
    }
    if !reads {
        return nexts;
    }
    for found in readable_names(folder, NAMES_MAX).map(|folder| folder.names).unwrap_or_default() {
        for place in &places {
            match segments.get(*place) {
                Some(Segment::Fits(tokens)) if fits(tokens, &found.name.to_string_lossy()) => {
                    lead(nexts.entry(found.name.clone()).or_default(), segments, place + 1);
                }
                Some(Segment::AnyFolders) => {
                    // At the end of the pattern it finds whatever there is.
                    if place + 1 == segments.len() {
                        lead(nexts.entry(found.name.clone()).or_default(), segments, place + 1);
                    }
                    if found.is_folder {
                        lead(nexts.entry(found.name.clone()).or_default(), segments, *place);
                    }
                }
                Some(Segment::Fits(_) | Segment::Name(_)) | None => {}
            }
        }
    }
    nexts
}

/// `**` may also stand for no folder at all.
fn with_no_folder_between(segments: &[Segment], places: &[usize]) -> Vec<usize> {
    let mut all: Vec<usize> = places.to_vec();
    for place in places {
        if segments.get(*place) == Some(&Segment::AnyFolders) {
            all.push(place + 1);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Notes that a name leads to a place of the pattern, or to its end.
fn lead(next: &mut Next, segments: &[Segment], place: usize) {
    if place == segments.len() {
        next.is_match = true;
    } else if !next.places.contains(&place) {
        next.places.push(place);
    }
}

fn there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn too_much(why: &str) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_many",
        format!("cannot find all files that fit the pattern: {why}"),
        "Begin the pattern in a smaller folder, or make it narrower.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_found_is_weighed_as_it_is_sent() {
        let fill = |character: &str| {
            let (mut found, path) = (Found::default(), character.repeat(1000));
            while found.add(Path::new(&path)).is_ok() {}
            serde_json::to_string(&found.paths).unwrap().len()
        };

        for character in ["x", "\u{1}", "\""] {
            let bytes = fill(character);
            assert!((MOST_BYTES - 7000..=MOST_BYTES + 2).contains(&bytes), "{character:?}: {bytes}");
        }
    }
}
