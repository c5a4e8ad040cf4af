//! What a version of a product can do. Asked instead of comparing versions in code.

use domain::ForgeKind;

/// What the version that runs at a forge can do.
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Why it cannot be used at all, with what would help; nothing where it can.
    pub refused: Option<&'static str>,
    /// Read-only access to the API can be asked for (`read_api`).
    pub read_only_scope: bool,
    /// Web hooks are signed; elsewhere the secret travels along in clear.
    pub signed_hooks: bool,
    /// Deliveries of web hooks can be looked up afterwards.
    pub hook_log: bool,
    /// Access tokens lapse and are renewed.
    pub expiring_tokens: bool,
    /// A moved project's old path leads to the new one.
    pub moved_projects: bool,
    /// What is lacking, in words for people; empty where everything is supported.
    pub lacks: Vec<&'static str>,
}

/// Since when GitLab has what. Releases: <https://docs.gitlab.com/releases/>.
const GITLAB: &[(Version, Slot, &str)] = &[
    (Version(12, 10), |it| &mut it.read_only_scope, "read-only access to its API (12.10)"),
    (Version(14, 3), |it| &mut it.expiring_tokens, "access tokens that lapse (14.3)"),
    (Version(16, 7), |it| &mut it.moved_projects, "redirects for moved projects (16.7)"),
    (Version(17, 3), |it| &mut it.hook_log, "a log of web hook deliveries (17.3)"),
    (Version(19, 0), |it| &mut it.signed_hooks, "signed web hooks (19.0)"),
];

type Slot = fn(&mut Capabilities) -> &mut bool;

/// Major and minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// Reads `18.1.1-ee`, `v1.22`, `17.1.0-pre`, `9.0.3+gitea-1.22.0`: a release in preparation counts as
    /// the release.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |part: &str| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part.get(..end).and_then(|digits| digits.parse().ok())
        };
        let mut parts = text.trim().trim_start_matches(['v', 'V']).split('.');
        let major = digits(parts.next()?)?;
        let minor = parts.next().and_then(digits).unwrap_or(0);
        Some(Self(major, minor))
    }
}

/// What `kind` in `version` (raw, as the forge told it) can do. A version that is unknown or cannot be read
/// is taken for a current one: what it lacks then shows when it is asked.
pub fn capabilities(kind: ForgeKind, version: Option<&str>) -> Capabilities {
    let version = version.and_then(Version::parse);
    let before = |major, minor| version.is_some_and(|version| version < Version(major, minor));
    let mut known = Capabilities {
        refused: None,
        read_only_scope: true,
        signed_hooks: true,
        hook_log: true,
        expiring_tokens: true,
        moved_projects: true,
        lacks: Vec::new(),
    };
    match kind {
        ForgeKind::Gitlab => {
            for (since, slot, words) in GITLAB {
                if before(since.0, since.1) {
                    *slot(&mut known) = false;
                    known.lacks.push(words);
                }
            }
            if before(12, 10) {
                known.refused = Some(
                    "GitLab before 12.10 cannot limit an application to reading; update it to 12.10 or later",
                );
            }
        }
        ForgeKind::Github => {
            known.expiring_tokens = false;
        }
        ForgeKind::Gitea => {
            known.read_only_scope = !before(1, 19) || before(1, 0);
            if !known.read_only_scope {
                known.lacks.push("scopes: an application may do everything its user may (1.19)");
            }
        }
        ForgeKind::BitbucketServer => {
            if before(7, 20) {
                known.expiring_tokens = false;
                known.lacks.push("OAuth 2, so Git needs SSH keys (7.20)");
            }
        }
        ForgeKind::BitbucketCloud => {
            known.hook_log = false;
        }
        ForgeKind::AzureDevops => {
            known.signed_hooks = false;
            known.expiring_tokens = false;
        }
        ForgeKind::OpenId => {
            known.signed_hooks = false;
            known.hook_log = false;
            known.moved_projects = false;
        }
    }
    known
}

#[cfg(test)]
mod tests;
