//! What is made of a forge's silence and of its refusals.

use domain::{
    Account, Entropy, Forge, ForgeAuth, ForgeId, ForgeState, LinkId, LinkMethod, RedirectPath, SignUp,
    Timestamp, UserId,
};
use forge::context::{Target, parse};

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn known(kind: ForgeKind, scopes: &[&str]) -> Known {
    let forge = Forge {
        id: ForgeId::generate(NOW, &Zeros),
        team: None,
        kind,
        name: "Example".into(),
        web_url: "https://forge.example.com".parse().unwrap(),
        api_url: None,
        git_url: None,
        ssh: None,
        auth: ForgeAuth::PersonalToken,
        redirect: RedirectPath::Own,
        scopes: vec![],
        ca_pem: None,
        client_certificate: None,
        proxy: None,
        sign_in: false,
        sign_up: SignUp::Closed,
        state: ForgeState::Pending,
        version: None,
        from_file: false,
        created_at: NOW,
        created_by: None,
        updated_at: NOW,
    };
    let account = Account {
        subject: "1".into(),
        login: "ada".into(),
        name: None,
        email: None,
        email_verified: false,
        web_url: None,
    };
    let link = Link {
        id: LinkId::generate(NOW, &Zeros),
        forge: forge.id,
        user: UserId::generate(NOW, &Zeros),
        account,
        method: LinkMethod::Oauth2,
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        state: LinkState::Active,
        generation: 1,
        issued_at: NOW,
        expires_at: None,
        created_at: NOW,
        updated_at: NOW,
    };
    Known { forge, link: Some(link) }
}

fn missing() -> ContextError {
    let (what, mend) = ("the repository `a/b` does not exist".to_owned(), "check the address".to_owned());
    ContextError::Missing { code: "repository_missing", what, mend }
}

#[test]
fn a_github_repository_that_is_not_shown_may_want_a_scope() {
    for (kind, scopes, code) in [
        (ForgeKind::Github, &["read:user"][..], "scope_missing"),
        (ForgeKind::Github, &["repo", "read:user"], "repository_missing"),
        // A token that does not tell its scopes.
        (ForgeKind::Github, &[], "repository_missing"),
        (ForgeKind::Gitlab, &["read_user"], "repository_missing"),
    ] {
        assert_eq!(not_found(&known(kind, scopes), missing()).code(), code, "{kind} {scopes:?}");
    }
    let refusal = |fault| ContextError::Forge(ForgeError::new(fault, "no", "wait"));
    let scopes = vec!["read_api".to_owned()];
    let known = known(ForgeKind::Gitlab, &[]);
    assert_eq!(not_found(&known, refusal(Fault::MissingScope { scopes })).code(), "scope_missing");
    assert_eq!(not_found(&known, refusal(Fault::Forbidden)).code(), "forge");
}

#[test]
fn only_a_refusal_that_an_account_might_change_asks_for_one() {
    let is_for_members = |fault| is_for_members(&ForgeError::new(fault, "no", "wait"));
    assert!(is_for_members(Fault::NotFound) && is_for_members(Fault::Forbidden));
    assert!(!is_for_members(Fault::Tls) && !is_for_members(Fault::Protocol));
}

#[test]
fn without_an_answer_only_a_repositorys_own_page_is_good_for_a_clone() {
    let home_of = |text: &str| {
        let parsed = parse(text, &Site::public()).unwrap();
        let Target::Site { page, .. } = parsed.target.clone() else { panic!("{text}: no site") };
        home(&parsed, &page).map(|url| url.to_string())
    };

    assert_eq!(home_of("git@github.com:a/b.git").as_deref(), Some("https://github.com/a/b.git"));
    assert_eq!(home_of("A=1/gitlab.com/a/b/c").as_deref(), Some("https://gitlab.com/a/b/c"));
    for text in ["github.com/a/b/tree/main", "github.com/a/b/pull/7", "gitlab.com/a/b/-/issues/7"] {
        assert_eq!(home_of(text), None, "{text}");
    }
}

#[test]
fn a_public_forges_private_repository_names_who_can_help() {
    let error = unregistered("gitlab.com", &missing());

    assert_eq!(error.code(), "repository_missing");
    assert!(error.mend().contains("administrator has to register `gitlab.com`"), "{}", error.mend());
    let slow = unasked("gitlab.com", &slow("gitlab.com"));
    assert_eq!(slow.code(), "unavailable");
}
