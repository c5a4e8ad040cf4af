//! A context in the making.

use domain::context::{Base, Issue, MergeRequest};
use domain::{Context, RefKind, RefName, Repository, RepositoryUrl};

use super::super::{ContextError, Parsed, Site};
use crate::{Ref, RepositoryFacts};

/// Longest title that is kept, in characters: GitLab and GitHub take no longer ones.
const TITLE_MAX: usize = 300;
/// Digits of a commit's id that people get to see.
const SHORT_ID: usize = 8;

pub(super) struct Draft {
    /// The repository to clone.
    pub(super) repository: Repository,
    pub(super) upstream: Option<RepositoryUrl>,
    pub(super) ref_kind: Option<RefKind>,
    pub(super) reference: Option<RefName>,
    pub(super) revision: Option<String>,
    pub(super) path: Option<String>,
    pub(super) is_file: bool,
    pub(super) merge_request: Option<MergeRequest>,
    pub(super) issue: Option<Issue>,
    pub(super) base: Option<Base>,
    pub(super) local_branch: Option<RefName>,
    pub(super) warnings: Vec<String>,
}

impl Draft {
    pub(super) fn of(facts: RepositoryFacts) -> Self {
        Self {
            repository: facts.repository,
            upstream: facts.parent.map(|parent| parent.clone_url),
            ref_kind: None,
            reference: None,
            revision: None,
            path: None,
            is_file: false,
            merge_request: None,
            issue: None,
            base: None,
            local_branch: None,
            warnings: Vec::new(),
        }
    }

    /// The repository as people write it.
    pub(super) fn full_name(&self) -> String {
        full_name(&self.repository)
    }

    /// Takes what the forge found for the ref.
    pub(super) fn stand_at(&mut self, found: &Ref) -> Result<(), ContextError> {
        self.ref_kind = Some(found.kind);
        self.revision = Some(found.sha.clone());
        self.reference = match found.kind {
            RefKind::Revision => None,
            RefKind::Branch | RefKind::Tag => Some(parse_ref(&found.name)?),
        };
        Ok(())
    }

    /// Takes a commit without a name.
    pub(super) fn stand_at_commit(&mut self, sha: String) {
        self.ref_kind = Some(RefKind::Revision);
        self.reference = None;
        self.revision = Some(sha);
    }

    /// What Git could be asked for: the commit if it is known.
    pub(super) fn point(&self) -> Option<&str> {
        self.revision.as_deref().or_else(|| self.reference.as_ref().map(RefName::as_str))
    }

    pub(super) fn finish(mut self, site: &Site, parsed: &Parsed) -> Context {
        let of_request = self.merge_request.iter_mut().map(|request| &mut request.title);
        let titles = of_request.chain(self.issue.iter_mut().map(|issue| &mut issue.title));
        for title in titles {
            *title = line(title);
        }
        let title = self.title();
        let title = if parsed.options.prebuild { format!("Prebuild of \"{title}\"") } else { title };
        let upstream = self.upstream.filter(|upstream| *upstream != self.repository.clone_url);
        let warnings = parsed.warnings.iter().cloned().chain(self.warnings).collect();
        Context {
            forge: site.forge,
            kind: Some(site.kind),
            url: parsed.url.clone(),
            repository: self.repository,
            ref_kind: self.ref_kind,
            reference: self.reference,
            revision: self.revision,
            path: self.path,
            is_file: self.is_file,
            merge_request: self.merge_request,
            issue: self.issue,
            base: self.base,
            upstream,
            local_branch: self.local_branch,
            title,
            options: parsed.options.clone(),
            warnings,
        }
    }

    fn title(&self) -> String {
        let own = self.merge_request.as_ref().map(|request| &request.title);
        if let Some(title) = own.or(self.issue.as_ref().map(|issue| &issue.title)) {
            return title.clone();
        }
        let name = self.full_name();
        let short = || self.revision.as_deref().map(|sha| sha.get(..SHORT_ID).unwrap_or(sha).to_owned());
        match self.reference.as_ref().map(ToString::to_string).or_else(short) {
            Some(place) => format!("{name} - {place}"),
            None => name,
        }
    }
}

/// What somebody wrote at a forge, as one line of a list: nothing in it steers a terminal or turns the
/// direction of what stands beside it.
fn line(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
    };
    text.chars().map(|c| if steers(c) { ' ' } else { c }).take(TITLE_MAX).collect()
}

/// A repository as people write it.
pub(super) fn full_name(repository: &Repository) -> String {
    match repository.owner.as_str() {
        "" => repository.name.clone(),
        owner => format!("{owner}/{}", repository.name),
    }
}

/// A ref that a forge named.
pub(super) fn parse_ref(name: &str) -> Result<RefName, ContextError> {
    name.parse().map_err(|bad: domain::repository::InvalidRef| {
        let mend = "rename it at the forge, or paste the address of another branch";
        ContextError::missing("bad_ref", bad.to_string(), mend)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_title_is_one_line_that_steers_nothing() {
        assert_eq!(line("Fix \u{1b}]0;owned\u{7}\u{1b}[2J the\r\nbuild"), "Fix  ]0;owned  [2J the  build");
        assert_eq!(line("\u{202e}txt.exe"), " txt.exe");
        assert_eq!(line("Ünïcode 🦀 stays"), "Ünïcode 🦀 stays");
        assert_eq!(line(&"x".repeat(1000)).len(), TITLE_MAX);
    }

    proptest! {
        #[test]
        fn no_title_has_control_characters(text in any::<String>()) {
            prop_assert!(!line(&text).chars().any(char::is_control));
        }
    }
}
