//! User names and passwords for Git over HTTP: the owner's own token, for the workspace's own repositories.

use domain::{ForgeKind, Link, LinkMethod, LinkState, SignedDuration, Timestamp};
use wire::agent::{AskAnswer, CredentialFor};

use super::address::Asked;
use super::scene::Site;
use super::{Refusal, Scene};
use crate::control::{Control, hold};
use crate::error::Error;
use crate::links::ReturnPath;

/// How long a token must still be good: a large clone takes a while.
const NEEDED: SignedDuration = SignedDuration::from_mins(30);

impl Control {
    /// What Git is to say to a forge. `Nothing` where Git has to go on by itself.
    pub(super) async fn credential_for(
        &self,
        scene: &Scene,
        wanted: &CredentialFor,
    ) -> Result<AskAnswer, Refusal> {
        let Some(asked) = Asked::read(wanted) else { return Ok(AskAnswer::Nothing) };
        let Some(site) = scene.sites.iter().find(|site| asked.is(&site.repository)) else {
            if !scene.sites.iter().any(|site| asked.is_at(site.repository.as_url())) {
                return Ok(AskAnswer::Nothing);
            }
            let why = format!("`{}` is not a repository of this workspace", asked.path());
            let mend = "make a workspace for it, or give Git a token of your own when it asks";
            return Err(Refusal::new(why, mend));
        };
        if site.forge.is_none() {
            return Ok(AskAnswer::Nothing);
        }
        let (login, expires_at) = self.git_login(site, wanted.is_push).await?;
        self.count(|counters| &counters.credentials);
        let password = login.password.expose().clone();
        Ok(AskAnswer::Credential { username: login.username, password, expires_at })
    }

    /// What the owner's link to the site's forge gives Git, and when that ends.
    ///
    /// # Errors
    ///
    /// Why there is nothing, with the page where that is mended.
    pub(crate) async fn git_login(
        &self,
        site: &Site,
        is_push: bool,
    ) -> Result<(forge::GitLogin, Option<Timestamp>), Refusal> {
        let page = self.integrations_page();
        let Some(forge) = &site.forge else {
            return Err(Refusal::new(
                "nobody has registered this forge here",
                "ask an administrator to register it",
            ));
        };
        let name = &forge.name;
        let Some(link) = &site.link else {
            let mend = format!("connect it under Integrations: {page}");
            return Err(Refusal::new(format!("your account at {name} is not connected"), mend));
        };
        if let LinkState::SignInNeeded { why, .. } = &link.state {
            let mend = format!("connect it again under Integrations: {page}");
            return Err(Refusal::new(
                format!("your account at {name} needs to be connected again: {why}"),
                mend,
            ));
        }
        if let Some(missing) = missing_scope(forge.kind, link, is_push) {
            let what = if is_push { "push" } else { "read private repositories" };
            let why = format!("your connection to {name} may not {what}: it was not granted `{missing}`");
            return Err(Refusal::new(why, format!("grant it under Integrations: {page}")));
        }
        let told = |error: Error| match &error {
            Error::LinkNeeded { why, .. } => Refusal::new(
                format!("your account at {name} needs to be connected again: {why}"),
                format!("connect it again under Integrations: {page}"),
            ),
            _ => Refusal::of(error),
        };
        let provider = self.provider(forge).await.map_err(told)?;
        if hold(&self.inner.broker.doubted).get(&link.id) == Some(&link.generation) {
            // Renews what has lapsed, and notices what was taken back.
            self.with_token(link.id, NEEDED, |credential| {
                let provider = provider.clone();
                async move { provider.who(&credential).await }
            })
            .await
            .map_err(told)?;
            hold(&self.inner.broker.doubted).remove(&link.id);
        }
        let held = self.hold_token(link.id, NEEDED).await.map_err(told)?;
        let login = provider.git_login(&held.credential, &held.link.account);
        let login = login.ok_or_else(|| {
            Refusal::new(
                format!("{name} takes no credential of ours from Git over HTTP"),
                "use the repository's SSH address; your SSH key is in your settings",
            )
        })?;
        Ok((login, held.link.expires_at))
    }

    /// A forge did not take what Git was given: the next time the link is looked at before.
    pub(super) fn doubt(&self, scene: &Scene, wanted: &CredentialFor) {
        let Some(asked) = Asked::read(wanted) else { return };
        let site = scene.sites.iter().find(|site| asked.is(&site.repository));
        if let Some(link) = site.and_then(|site| site.link.as_ref()) {
            hold(&self.inner.broker.doubted).insert(link.id, link.generation);
        }
    }

    /// The page where people connect their accounts.
    pub(crate) fn integrations_page(&self) -> String {
        let base = self.inner.settings.public_url.as_str().trim_end_matches('/');
        format!("{base}{}", ReturnPath::integrations().as_str())
    }
}

/// A scope that would have to be granted for this, if none that is enough was. Only where forges tell scopes at
/// all: what an own token may is between its owner and the forge.
fn missing_scope(kind: ForgeKind, link: &Link, is_push: bool) -> Option<&'static str> {
    if link.method != LinkMethod::Oauth2 || link.scopes.is_empty() {
        return None;
    }
    let enough: &[&str] = match (kind, is_push) {
        (ForgeKind::Gitlab, true) => &["write_repository", "api"],
        (ForgeKind::Gitlab, false) => &["read_repository", "write_repository", "api"],
        (ForgeKind::Github, true) => &["repo", "public_repo"],
        (ForgeKind::Github, false) => &["repo"],
        (ForgeKind::Gitea, true) => &["write:repository", "all"],
        (ForgeKind::Gitea, false) => &["read:repository", "write:repository", "all"],
        (ForgeKind::BitbucketServer, true) => &["REPO_WRITE", "REPO_ADMIN", "PROJECT_ADMIN"],
        (ForgeKind::BitbucketCloud, true) => &["repository:write", "repository:admin"],
        (ForgeKind::BitbucketServer | ForgeKind::BitbucketCloud, false)
        | (ForgeKind::AzureDevops | ForgeKind::OpenId, _) => return None,
    };
    if link.scopes.iter().any(|scope| enough.contains(&scope.as_str())) {
        None
    } else {
        enough.first().copied()
    }
}
