//! Which ids of the machine a sandbox gets, so that no two sandboxes share one.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};

use domain::WorkspaceId;

use super::namespaces::IDS_EACH;
use super::plan::Ids;

/// The ids set aside for containers by convention (systemd's UIDS-GIDS): nobody's accounts are here.
const FIRST: u32 = 524_288;
const LAST: u32 = 1_879_048_191;

/// How ids are given out here; fixed when the driver opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Every sandbox has a range of its own.
    Own,
    /// All sandboxes share the first range: the file system cannot shift ids.
    One,
    /// The server is an ordinary user.
    Single,
}

/// Whether this process may give ranges away: it is root and the whole container range is its own.
pub(super) fn has_ranges() -> bool {
    let covered = |file| {
        fs::read_to_string(file).unwrap_or_default().lines().any(|line| {
            let mut numbers = line.split_whitespace().filter_map(|number| number.parse::<u64>().ok());
            let (Some(first), _, Some(count)) = (numbers.next(), numbers.next(), numbers.next()) else {
                return false;
            };
            first <= u64::from(FIRST) && u64::from(LAST) < first + count
        })
    };
    rustix::process::geteuid().is_root() && covered("/proc/self/uid_map") && covered("/proc/self/gid_map")
}

/// The ids for a new sandbox, given those in use. Depends on nothing but its arguments and the machine's
/// own assignments, so that doing it again after a crash gives the same.
pub(super) fn choose(sharing: Sharing, id: WorkspaceId, in_use: &[Ids]) -> Option<Ids> {
    match sharing {
        Sharing::Single => Some(Ids::Single),
        Sharing::One => Some(Ids::Unshifted { first: FIRST }),
        Sharing::Own => {
            let taken = |first: u32| {
                in_use.iter().any(|ids| matches!(ids, Ids::Shifted { first: other } if *other == first))
            };
            let assigned = assigned();
            let free = |first: &u32| !taken(*first) && !overlaps(&assigned, *first);
            candidates(id).find(free).map(|first| Ids::Shifted { first })
        }
    }
}

/// All ranges once, from one that the id picks: two servers on a machine then hardly ever meet.
fn candidates(id: WorkspaceId) -> impl Iterator<Item = u32> {
    let count = (LAST - FIRST + 1) / IDS_EACH;
    let mut hasher = DefaultHasher::new();
    id.to_string().hash(&mut hasher);
    let start = u32::try_from(hasher.finish() % u64::from(count)).unwrap_or(0);
    (0..count).map(move |step| FIRST + (start + step) % count * IDS_EACH)
}

/// Ranges that the administrator gave to users (subuid(5)): first id and count.
fn assigned() -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    for file in ["/etc/subuid", "/etc/subgid"] {
        for line in fs::read_to_string(file).unwrap_or_default().lines() {
            let mut fields = line.split(':').skip(1).filter_map(|field| field.trim().parse().ok());
            if let (Some(first), Some(count)) = (fields.next(), fields.next()) {
                all.push((first, count));
            }
        }
    }
    all
}

fn overlaps(assigned: &[(u64, u64)], first: u32) -> bool {
    let (first, end) = (u64::from(first), u64::from(first) + u64::from(IDS_EACH));
    assigned.iter().any(|(other, count)| first < other + count && *other < end)
}

#[cfg(test)]
mod tests;
