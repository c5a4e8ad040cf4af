//! How Git behaves in a person's workspaces, as the person wishes.

use domain::{Caller, GitPreferences, RepositoryUrl};

use crate::broker::git_topic;
use crate::control::Control;
use crate::error::Error;

/// Longest author name and address.
const TEXT_MAX: usize = 200;

/// Wished changes; what is absent stays, an empty text takes away.
#[derive(Debug, Clone, Default)]
pub struct GitPreferencesChange {
    /// Author name.
    pub author_name: Option<String>,
    /// Author address.
    pub author_email: Option<String>,
    /// Whether commits are signed with the SSH key.
    pub sign_commits: Option<bool>,
    /// A repository with dotfiles.
    pub dotfiles: Option<String>,
}

impl Control {
    /// The caller's preferences.
    pub async fn git_preferences(&self, caller: &Caller) -> Result<GitPreferences, Error> {
        Ok(self.inner.store.read().await?.preferences(caller.user).await?)
    }

    /// Changes the caller's preferences. Running workspaces follow at once, but for the dotfiles, which are
    /// for new ones.
    ///
    /// # Errors
    ///
    /// `invalid` names the field.
    pub async fn set_git_preferences(
        &self,
        caller: &Caller,
        wish: GitPreferencesChange,
    ) -> Result<GitPreferences, Error> {
        caller.in_person()?;
        let GitPreferencesChange { author_name, author_email, sign_commits, dotfiles } = wish;
        let author_name = author_name.map(|text| plain("author_name", &text)).transpose()?;
        let author_email = author_email.map(|text| plain("author_email", &text)).transpose()?;
        if let Some(Some(email)) = &author_email
            && !is_address(email)
        {
            let what = format!("`{email}` is not an e-mail address");
            return Err(Error::invalid("author_email", what, "write it like `ada@example.com`"));
        }
        let dotfiles = dotfiles.map(|text| repository(&text)).transpose()?;

        let mut tx = self.inner.store.begin().await?;
        let mut preferences = tx.preferences(caller.user).await?;
        preferences.author_name = author_name.unwrap_or(preferences.author_name);
        preferences.author_email = author_email.unwrap_or(preferences.author_email);
        preferences.sign_commits = sign_commits.unwrap_or(preferences.sign_commits);
        preferences.dotfiles = dotfiles.unwrap_or(preferences.dotfiles);
        tx.save_preferences(caller.user, &preferences).await?;
        tx.nudge(git_topic(caller.user));
        tx.commit().await?;
        Ok(preferences)
    }
}

/// A text that can stand in a commit, or none where it is empty.
fn plain(field: &'static str, text: &str) -> Result<Option<String>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // What Git leaves out of names and addresses (git-commit-tree(1)).
    if text.len() > TEXT_MAX || text.chars().any(|c| c.is_control() || matches!(c, '<' | '>')) {
        let mend = "leave out `<`, `>` and line ends, and use at most 200 characters";
        return Err(Error::invalid(field, "Git cannot put this into a commit", mend));
    }
    Ok(Some(text.to_owned()))
}

fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !text.contains(char::is_whitespace)
}

fn repository(text: &str) -> Result<Option<String>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mend = "paste the `https://` address of a repository";
    let url: RepositoryUrl = text.parse().map_err(|bad| Error::invalid("dotfiles", bad, mend))?;
    Ok(Some(url.to_string()))
}
