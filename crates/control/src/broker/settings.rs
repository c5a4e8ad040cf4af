//! How Git inside a workspace is to be set up.

use domain::{Forge, User};
use wire::agent::{GitSettings, OriginAuthority, SshHost};

use super::Scene;
use super::scene::Site;
use crate::control::Control;
use crate::error::Error;

/// Who signs in at forges that nobody registered.
const SSH_USER: &str = "git";

impl Control {
    /// The settings for a workspace.
    pub(super) async fn git_settings(&self, scene: &Scene) -> Result<GitSettings, Error> {
        let preferences = &scene.preferences;
        let signing_key = if preferences.sign_commits {
            let row = self.key_of(scene.owner.id).await?;
            // Without the comment, which may change.
            Some(row.public_key.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        } else {
            None
        };
        let given = |chosen: &Option<String>, otherwise: fn(&User) -> String| {
            Some(chosen.clone().unwrap_or_else(|| otherwise(&scene.owner)))
        };
        let mut settings = GitSettings {
            author_name: given(&preferences.author_name, User::commit_name),
            author_email: given(&preferences.author_email, User::commit_email),
            signing_key,
            sign_commits: preferences.sign_commits,
            ..GitSettings::default()
        };
        for site in &scene.sites {
            add(&mut settings, site);
        }
        Ok(settings)
    }
}

fn add(settings: &mut GitSettings, site: &Site) {
    let origin = site.repository.as_url().origin().ascii_serialization();
    if let Some(pem) = site.forge.as_ref().and_then(|forge| forge.ca_pem.clone())
        && !settings.authorities.iter().any(|known| known.origin == origin)
    {
        settings.authorities.push(OriginAuthority { origin: origin.clone(), pem });
    }
    if !settings.origins.contains(&origin) {
        settings.origins.push(origin);
    }
    let host = match &site.forge {
        Some(forge) => registered(forge),
        None => Some(SshHost {
            host: site.repository.authority().0,
            port: 22,
            user: SSH_USER.into(),
            host_keys: Vec::new(),
        }),
    };
    settings.ssh_hosts.extend(host.filter(|host| !settings.ssh_hosts.contains(host)));
}

fn registered(forge: &Forge) -> Option<SshHost> {
    let ssh = forge.ssh.as_ref()?;
    let host_keys = ssh.host_keys.clone();
    Some(SshHost { host: ssh.host.clone(), port: ssh.port, user: ssh.user.clone(), host_keys })
}
