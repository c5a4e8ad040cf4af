//! Merge requests and issues.

use domain::context::{Base, Issue, MergeRequest};
use domain::{ForgeKind, RefKind};

use super::super::{ContextError, branch_for_issue};
use super::draft::{Draft, full_name};
use super::{Asking, found};
use crate::{Fault, MergeRequestFacts};

impl Asking<'_> {
    /// A merge request; where numbers are shared, an issue with that number.
    pub(super) async fn take_request_or_issue(
        &self,
        draft: &mut Draft,
        number: u64,
    ) -> Result<(), ContextError> {
        if let Some(request) = self.request(draft, number).await? {
            return self.take_request(draft, request).await;
        }
        if self.shares_numbers()
            && let Some(issue) = self.issue(draft, number).await?
        {
            return self.take_issue(draft, issue).await;
        }
        Err(no_such(draft, self.word_for_request(), number))
    }

    /// An issue; where numbers are shared, a merge request with that number.
    pub(super) async fn take_issue_or_request(
        &self,
        draft: &mut Draft,
        number: u64,
    ) -> Result<(), ContextError> {
        // Asked for first where numbers are shared: some forges list their requests among the issues.
        if self.shares_numbers()
            && let Some(request) = self.request(draft, number).await?
        {
            return self.take_request(draft, request).await;
        }
        match self.issue(draft, number).await? {
            Some(issue) => self.take_issue(draft, issue).await,
            None => Err(no_such(draft, "issue", number)),
        }
    }

    async fn take_request(&self, draft: &mut Draft, facts: MergeRequestFacts) -> Result<(), ContextError> {
        let MergeRequestFacts { number, title, source, head, target, .. } = facts;
        draft.merge_request = Some(MergeRequest { number, title });
        draft.upstream = Some(target.repository.clone_url.clone());
        let base = Base { repository: target.repository, reference: target.name };
        // Gitea names no branch that was deleted, others no repository.
        let mut lost = "its branch or the repository of that is gone, or not yours to see".to_owned();
        if let Some(source) = source {
            let branch = source.name.as_str();
            let asked =
                self.provider.find_ref(self.credential, &source.repository, branch, Some(RefKind::Branch));
            let asked = match asked.await {
                Err(error) if *error.fault() == Fault::Forbidden => Ok(None),
                asked => found(asked),
            };
            if let Some(place) = asked? {
                draft.repository = source.repository;
                draft.base = Some(base);
                return draft.stand_at(&place);
            }
            lost = format!("its branch `{branch}` in `{}` was deleted", full_name(&source.repository));
        }
        let word = self.word_for_request();
        let Some(head) = head else {
            let what = format!("{word} {number} has nothing to check out: {lost}");
            let mend =
                format!("restore the branch at the forge, or paste the address of `{}`", base.reference);
            return Err(ContextError::missing("source_gone", what, mend));
        };
        // The target keeps the commits of a request even without the branch they came from.
        draft.repository = base.repository.clone();
        draft.stand_at_commit(head);
        draft.base = Some(base);
        draft
            .warnings
            .push(format!("{lost}: the last commit of {word} {number} is checked out, on no branch"));
        Ok(())
    }

    async fn take_issue(&self, draft: &mut Draft, issue: Issue) -> Result<(), ContextError> {
        self.take_default_branch(draft).await?;
        draft.local_branch = branch_for_issue(self.login, &issue.title, issue.number);
        draft.issue = Some(issue);
        Ok(())
    }

    async fn request(&self, draft: &Draft, number: u64) -> Result<Option<MergeRequestFacts>, ContextError> {
        let asked = self.provider.merge_request(self.credential, &draft.repository, number).await;
        Ok(found(asked)?)
    }

    async fn issue(&self, draft: &Draft, number: u64) -> Result<Option<Issue>, ContextError> {
        let asked = self.provider.issue(self.credential, &draft.repository, number).await;
        Ok(found(asked)?)
    }

    /// Whether issues and requests are numbered together, so that an address of one may be the other's.
    fn shares_numbers(&self) -> bool {
        matches!(self.site.kind, ForgeKind::Github | ForgeKind::Gitea)
    }

    fn word_for_request(&self) -> &'static str {
        match self.site.kind {
            ForgeKind::Gitlab => "merge request",
            _ => "pull request",
        }
    }
}

fn no_such(draft: &Draft, what: &str, number: u64) -> ContextError {
    let what = format!("`{}` has no {what} {number}", draft.full_name());
    let mend = "check the number, and whether your account may see it";
    ContextError::missing("number_missing", what, mend)
}
