//! How people's accounts on forges look in the API.

use control::{Integration, LinkFacts, SshUpload};
use domain::ssh::UploadState;
use domain::{ForgeAuth, ForgeState, LinkMethod, LinkState};
use wire::api::{IntegrationView, LinkView, SshUploadView};

use super::forge::{bare, scopes};

/// A forge, and the caller's link there.
pub(crate) fn integration(found: Integration) -> IntegrationView {
    let forge = found.forge;
    IntegrationView {
        forge: forge.id,
        kind: forge.kind,
        kind_title: forge.kind.title().to_owned(),
        web_url: bare(&forge.web_url),
        name: forge.name,
        auth_method: match forge.auth {
            ForgeAuth::Oauth2 { .. } => "oauth2".into(),
            ForgeAuth::Oauth1 { .. } => "oauth1".into(),
            ForgeAuth::PersonalToken => "personal_token".into(),
        },
        state: match forge.state {
            ForgeState::Pending => "pending".into(),
            ForgeState::Verified { .. } => "verified".into(),
            ForgeState::Faulty { .. } => "faulty".into(),
        },
        known_scopes: scopes(found.known_scopes),
        manage_url: found.manage_url.map(Into::into),
        link: found.link.map(link),
    }
}

/// A link.
pub(crate) fn link(facts: LinkFacts) -> LinkView {
    let link = facts.link;
    let (state, why) = match link.state {
        LinkState::Active => ("active", None),
        LinkState::SignInNeeded { why, .. } => ("sign_in_needed", Some(why)),
    };
    LinkView {
        id: link.id,
        forge: link.forge,
        login: link.account.login,
        name: link.account.name,
        web_url: link.account.web_url,
        method: match link.method {
            LinkMethod::Oauth2 => "oauth2".into(),
            LinkMethod::Oauth1 => "oauth1".into(),
            LinkMethod::PersonalToken => "personal_token".into(),
        },
        scopes: link.scopes,
        state: state.to_owned(),
        why,
        signs_in: facts.signs_in,
        last_way_in: facts.last_way_in,
        ssh_key: upload(facts.upload),
        created_at: link.created_at,
    }
}

/// What became of a key at a forge.
fn upload(found: Option<SshUpload>) -> SshUploadView {
    let Some(upload) = found else {
        return SshUploadView { state: "pending".into(), why: None, mend: None, at: None };
    };
    SshUploadView {
        state: upload_state(upload.state).to_owned(),
        why: upload.why,
        mend: upload.mend,
        at: Some(upload.at),
    }
}

/// The state of a key at a forge as the API has it.
pub(crate) fn upload_state(state: UploadState) -> &'static str {
    match state {
        UploadState::Uploaded => "uploaded",
        UploadState::Pending => "pending",
        UploadState::Failed => "failed",
        UploadState::Unsupported => "unsupported",
        UploadState::NotWanted => "not_wanted",
    }
}
