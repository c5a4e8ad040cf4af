//! Refs and paths: where one ends and the other begins, and what each stands for.

use domain::{RefKind, RefName};

use super::super::page::{Look, commit_id, is_full_commit_id};
use super::super::{ContextError, error};
use super::draft::Draft;
use super::{Asking, found};
use crate::{PathKind, Ref};

/// Most parts of a ref's name that are tried; a limit on what one address costs the forge.
const DEEPEST: usize = 16;

impl Asking<'_> {
    /// Stands at the default branch. An empty repository has none.
    pub(super) async fn take_default_branch(&self, draft: &mut Draft) -> Result<(), ContextError> {
        let Some(name) = draft.repository.default_branch.clone() else { return Ok(()) };
        // Forges name the branch that an empty repository will get with its first commit.
        match self.find(draft, name.as_str(), Some(RefKind::Branch)).await? {
            Some(found) => draft.stand_at(&found),
            None => {
                draft.repository.default_branch = None;
                Ok(())
            }
        }
    }

    /// Tells ref and path apart. The whole remainder first, then from shortest to longest: Git allows no two
    /// branches of which one begins the other's path, so that the order matters only between a branch and a
    /// tag. Of a file's address at least the last part is not the ref's, and the whole is tried last.
    pub(super) async fn split<'r>(
        &self,
        draft: &Draft,
        rest: &'r [String],
        kind: Option<RefKind>,
        look: Look,
    ) -> Result<Option<(Ref, &'r [String])>, ContextError> {
        let first = rest.first().map(String::as_str).unwrap_or_default();
        let may_be_commit = matches!(kind, None | Some(RefKind::Revision));
        // Forges refuse branches that look like the id of a commit in full.
        if may_be_commit
            && is_full_commit_id(first)
            && let Some(found) = self.commit_as_ref(draft, first).await?
        {
            return Ok(Some((found, rest.get(1..).unwrap_or_default())));
        }
        for length in lengths(rest.len(), look) {
            let (name, path) = rest.split_at(length.min(rest.len()));
            if let Some(found) = self.find(draft, &name.join("/"), kind).await? {
                return Ok(Some((found, path)));
            }
            if length == 1
                && may_be_commit
                && !is_full_commit_id(first)
                && let Some(found) = self.commit_as_ref(draft, first).await?
            {
                return Ok(Some((found, path)));
            }
        }
        Ok(None)
    }

    /// A ref whose whole name is known, or a commit by its id.
    pub(super) async fn named(
        &self,
        draft: &Draft,
        name: &str,
        kind: Option<RefKind>,
    ) -> Result<Option<Ref>, ContextError> {
        if kind != Some(RefKind::Revision)
            && let Some(found) = self.find(draft, name, kind).await?
        {
            return Ok(Some(found));
        }
        match kind {
            None | Some(RefKind::Revision) => self.commit_as_ref(draft, name).await,
            Some(RefKind::Branch | RefKind::Tag) => Ok(None),
        }
    }

    /// Stands at a commit, which has to be there.
    pub(super) async fn take_commit(&self, draft: &mut Draft, sha: &str) -> Result<(), ContextError> {
        let asked = self.provider.commit(self.credential, &draft.repository, sha).await;
        let Some(sha) = found(asked)? else {
            let what = format!("`{}` has no commit `{}`", draft.full_name(), error::shown(sha));
            let mend = "check the id; a commit of a fork has the fork's address";
            return Err(ContextError::missing("commit_missing", what, mend));
        };
        draft.stand_at_commit(sha);
        Ok(())
    }

    /// Looks for a file or folder where the draft stands. `look` is what its address says it is.
    pub(super) async fn take_path(
        &self,
        draft: &mut Draft,
        path: &[String],
        look: Option<Look>,
    ) -> Result<(), ContextError> {
        let Some(point) = draft.point().filter(|_| !path.is_empty()) else { return Ok(()) };
        let path = path.join("/");
        let asked = self.provider.path_kind(self.credential, &draft.repository, point, &path).await;
        match found(asked) {
            Ok(Some(kind)) => draft.is_file = kind == PathKind::File,
            Ok(None) => {
                draft.warnings.push(format!("there is no file or folder `{}`", error::shown(&path)));
                return Ok(());
            }
            // Only what is shown first hangs on it.
            Err(_) => draft.is_file = look == Some(Look::Blob),
        }
        draft.path = Some(path);
        Ok(())
    }

    /// A ref is not there: says so, and stands at the default branch.
    pub(super) async fn miss_ref(
        &self,
        draft: &mut Draft,
        name: &str,
        kind: Option<RefKind>,
    ) -> Result<(), ContextError> {
        let near = self.near(draft, name, kind).await?;
        self.take_default_branch(draft).await?;
        let what = match kind {
            Some(RefKind::Branch) => "branch",
            Some(RefKind::Tag) => "tag",
            Some(RefKind::Revision) => "commit",
            None => "branch or tag",
        };
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let instead = match &draft.reference {
            Some(branch) => format!("the default branch `{branch}` is taken instead"),
            None => "the repository is empty".to_owned(),
        };
        let (repository, name) = (draft.full_name(), error::shown(name));
        let warning = format!("`{repository}` has no {what} `{name}`{hint}; {instead}");
        draft.warnings.push(warning);
        Ok(())
    }

    /// What an exact name stands for. What cannot be a name stands for nothing.
    pub(super) async fn find(
        &self,
        draft: &Draft,
        name: &str,
        kind: Option<RefKind>,
    ) -> Result<Option<Ref>, ContextError> {
        if name.parse::<RefName>().is_err() {
            return Ok(None);
        }
        let asked = self.provider.find_ref(self.credential, &draft.repository, name, kind).await;
        Ok(found(asked)?)
    }

    async fn commit_as_ref(&self, draft: &Draft, text: &str) -> Result<Option<Ref>, ContextError> {
        let Some(sha) = commit_id(text) else { return Ok(None) };
        let asked = self.provider.commit(self.credential, &draft.repository, &sha).await;
        let of = |sha: String| Ref { kind: RefKind::Revision, name: sha.clone(), sha };
        Ok(found(asked)?.map(of))
    }
}

/// How many parts are tried for the ref, in order.
fn lengths(parts: usize, look: Look) -> Vec<usize> {
    let growing = (1..parts).take(DEEPEST);
    match look {
        Look::Blob => growing.chain([parts]).collect(),
        Look::Tree | Look::Commits => std::iter::once(parts).chain(growing).collect(),
    }
}
