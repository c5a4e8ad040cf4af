//! Rows whose settings cannot be used, and what their owners are told.

use domain::{Forge, ForgeAuth, ForgeKind};
use forge::{Begin, Fault, ForgeSecrets, Purpose, open_public};

use crate::forge_row::{REDIRECT, outside, row};

#[test]
fn settings_that_cannot_be_used_are_named_at_once() {
    let good = row(ForgeKind::Gitlab, "https://gitlab.example.com", "id", &["api"]);
    for forge in [
        Forge { ca_pem: Some("nonsense".into()), ..good.clone() },
        Forge { client_certificate: Some("nonsense".into()), ..good.clone() },
        Forge { proxy: Some("http://169.254.169.254:80".parse().unwrap()), ..good.clone() },
    ] {
        let error = forge::open(&forge, ForgeSecrets::default(), &outside()).err().unwrap();
        assert_eq!(*error.fault(), Fault::Refused, "{error}");
        assert!(!error.mend().is_empty());
    }
    assert!(forge::open(&good, ForgeSecrets::default(), &outside()).is_ok());
}

#[tokio::test]
async fn without_a_client_id_the_administrator_is_asked_for_one() {
    let begin = Begin { redirect_uri: REDIRECT, state: "s", scopes: &[], purpose: Purpose::Link };
    let unfinished = row(ForgeKind::Gitlab, "https://gitlab.example.com", "", &["api"]);
    let by_hand = Forge { auth: ForgeAuth::PersonalToken, ..unfinished.clone() };
    for (forge, expected) in [(unfinished, Fault::Application), (by_hand, Fault::Unsupported)] {
        let provider = forge::open(&forge, ForgeSecrets::default(), &outside()).ok().unwrap();
        let error = provider.begin(begin).await.err().unwrap();
        assert_eq!(*error.fault(), expected, "{error}");
    }
}

#[test]
fn public_homes_are_opened_without_a_row() {
    for (kind, is_there) in [
        (ForgeKind::Gitlab, true),
        (ForgeKind::Github, true),
        (ForgeKind::Gitea, true),
        (ForgeKind::OpenId, false),
    ] {
        assert_eq!(open_public(kind, &outside()).is_ok(), is_there, "{kind}");
    }
}

#[test]
fn a_consent_page_keeps_the_prefix_and_carries_no_secret() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let forge = row(ForgeKind::Gitlab, "https://example.com/gitlab", "the-id", &["api", "openid"]);
    let provider = crate::forge_row::open(&forge, "the-secret");
    let begin = Begin { redirect_uri: REDIRECT, state: "the-state", scopes: &[], purpose: Purpose::Link };

    let begun = runtime.block_on(provider.begin(begin)).ok().unwrap();

    let url = begun.authorize_url;
    assert!(url.as_str().starts_with("https://example.com/gitlab/oauth/authorize?"), "{url}");
    let pair =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert_eq!(pair("state").as_deref(), Some("the-state"));
    assert_eq!(pair("scope").as_deref(), Some("api openid"));
    assert_eq!(pair("code_challenge_method").as_deref(), Some("S256"));
    assert!(!url.as_str().contains("the-secret"));
    let private = begun.private.expose();
    let verifier = private.split(' ').next().unwrap();
    assert!(!url.as_str().contains(verifier));
}
