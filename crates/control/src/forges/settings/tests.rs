use domain::{
    Forge, ForgeAuth, ForgeId, ForgeKind, ForgeState, RedirectPath, SignUp, SshEndpoint, TeamId, Timestamp,
};
use forge::address::PlainHttp;
use proptest::prelude::*;
use vault::Secret;

use super::{
    ForgeSettings, SecretChange, apply, default_auth, parse_kind, parse_name, parse_scopes, parse_web_url,
};

fn a_forge(kind: ForgeKind) -> Forge {
    let at = Timestamp::UNIX_EPOCH;
    Forge {
        id: ForgeId::NIL,
        team: None,
        kind,
        name: "x".into(),
        web_url: "https://git.example.com".parse().unwrap(),
        api_url: None,
        git_url: None,
        ssh: None,
        auth: default_auth(kind),
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
        created_at: at,
        created_by: None,
        updated_at: at,
    }
}

fn set(forge: &mut Forge, settings: ForgeSettings) -> Result<super::SecretChanges, &'static str> {
    apply(forge, settings, PlainHttp::Refused).map_err(|error| match error {
        crate::Error::Invalid { field, what, mend } => {
            assert!(!what.is_empty() && !mend.is_empty(), "{field}");
            field
        }
        other => panic!("{other}"),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "every setting is optional")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn an_endpoint(host: &str, user: &str, key: &str) -> SshEndpoint {
    SshEndpoint { host: host.into(), port: 22, user: user.into(), host_keys: vec![key.into()] }
}

#[test]
fn addresses_are_the_products_own_where_nobody_gives_one() {
    let url = |kind, given| parse_web_url(given, kind, PlainHttp::Refused).map(|url| url.to_string());

    assert_eq!(url(ForgeKind::Gitlab, None).unwrap(), "https://gitlab.com/");
    assert_eq!(url(ForgeKind::Gitlab, Some(" git.example.com/x/ ")).unwrap(), "https://git.example.com/x");
    assert!(url(ForgeKind::BitbucketServer, None).is_err());
    assert!(url(ForgeKind::Gitlab, Some("http://git.example.com")).is_err());
    assert!(url(ForgeKind::Gitlab, Some("https://a:b@git.example.com")).is_err());
    assert!(parse_kind("gitlab").is_ok() && parse_kind("sourceforge").is_err());
    assert_eq!(parse_name(None, &"https://git.example.com/x".parse().unwrap()).unwrap(), "git.example.com");
}

#[test]
fn an_empty_text_takes_away_and_an_absent_one_leaves() {
    let mut forge = a_forge(ForgeKind::Gitlab);
    let settings = ForgeSettings {
        api_url: text("https://api.example.com"),
        git_url: text("https://code.example.com"),
        ssh: Some(an_endpoint("ssh.example.com", "", "")),
        client_id: text("abc"),
        client_secret: Some(Secret::new(" s3cret ".into())),
        proxy: text("http://proxy.example.com:3128"),
        sign_up: text("domains"),
        sign_up_domains: Some(vec!["@Example.com".into(), "example.com".into()]),
        sign_in: Some(true),
        ..ForgeSettings::default()
    };

    let changes = set(&mut forge, settings).unwrap_or_else(|field| panic!("{field}"));

    assert!(matches!(changes.client_secret, SecretChange::Put(secret) if secret.expose() == "s3cret"));
    assert!(matches!(changes.client_key, SecretChange::Keep));
    assert_eq!(forge.ssh.as_ref().unwrap().user, "git");
    assert_eq!(forge.sign_up, SignUp::Domains(vec!["example.com".into()]));
    let before = forge.clone();
    assert!(set(&mut forge, ForgeSettings::default()).is_ok());
    assert_eq!(forge, before);

    let take_away = ForgeSettings {
        api_url: text(""),
        git_url: text(" "),
        ssh: Some(an_endpoint("", "", "")),
        client_secret: Some(Secret::new(String::new())),
        proxy: text(""),
        sign_up: text(""),
        ..ForgeSettings::default()
    };
    let changes = set(&mut forge, take_away).unwrap_or_else(|field| panic!("{field}"));
    assert!(matches!(changes.client_secret, SecretChange::Remove));
    assert_eq!((forge.api_url, forge.git_url, forge.ssh, forge.proxy), (None, None, None, None));
    assert_eq!(forge.sign_up, SignUp::Closed);
}

#[test]
fn what_will_not_do_is_refused_by_its_field() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    let ssh = |endpoint| ForgeSettings { ssh: Some(endpoint), ..ForgeSettings::default() };
    for (field, settings) in [
        ("api_url", ForgeSettings { api_url: text("ftp://x"), ..ForgeSettings::default() }),
        ("auth_method", ForgeSettings { auth_method: text("oauth1"), ..ForgeSettings::default() }),
        ("auth_method", ForgeSettings { auth_method: text("basic"), ..ForgeSettings::default() }),
        ("client_id", ForgeSettings { client_id: text("a\nb"), ..ForgeSettings::default() }),
        ("redirect", ForgeSettings { redirect: text("elsewhere"), ..ForgeSettings::default() }),
        ("scopes", ForgeSettings { scopes: Some(vec!["a b".into()]), ..ForgeSettings::default() }),
        ("scopes", ForgeSettings { scopes: Some(vec!["api".into()]), ..ForgeSettings::default() }),
        ("ca_pem", ForgeSettings { ca_pem: text("hello"), ..ForgeSettings::default() }),
        ("proxy", ForgeSettings { proxy: text("http://u:p@proxy"), ..ForgeSettings::default() }),
        ("sign_up", ForgeSettings { sign_up: text("friends"), ..ForgeSettings::default() }),
        ("sign_up_domains", ForgeSettings { sign_up: text("domains"), ..ForgeSettings::default() }),
        ("ssh.host", ssh(an_endpoint("a b", "git", key))),
        ("ssh.host", ssh(an_endpoint("a\nProxyCommand x", "git", key))),
        ("ssh.host", ssh(an_endpoint("-oProxyCommand=x", "git", key))),
        ("ssh.user", ssh(an_endpoint("a.example.com", "git -o", key))),
        ("ssh.host_keys", ssh(an_endpoint("a.example.com", "git", "ssh-ed25519 nonsense"))),
        ("ssh.port", ssh(SshEndpoint { port: 0, ..an_endpoint("a.example.com", "git", key) })),
    ] {
        assert_eq!(set(&mut a_forge(ForgeKind::Gitlab), settings).err(), Some(field));
    }
    let mut of_team = Forge { team: Some(TeamId::NIL), ..a_forge(ForgeKind::Gitlab) };
    let sign_in = ForgeSettings { sign_in: Some(true), ..ForgeSettings::default() };
    assert_eq!(set(&mut of_team, sign_in).err(), Some("sign_in"));
}

#[test]
fn each_kind_has_its_ways_to_prove_ourselves() {
    let method = |kind, name: &str| {
        let mut forge = a_forge(kind);
        let settings = ForgeSettings { auth_method: text(name), ..ForgeSettings::default() };
        set(&mut forge, settings).map(|_| forge.auth)
    };

    assert!(matches!(method(ForgeKind::BitbucketServer, "oauth1"), Ok(ForgeAuth::Oauth1 { .. })));
    assert_eq!(method(ForgeKind::Gitlab, "personal_token"), Ok(ForgeAuth::PersonalToken));
    assert_eq!(method(ForgeKind::AzureDevops, "oauth2"), Err("auth_method"));
    assert_eq!(method(ForgeKind::OpenId, "personal_token"), Err("auth_method"));
}

#[test]
fn no_scopes_are_the_kinds_own() {
    let own = parse_scopes(ForgeKind::Gitlab, &[]).unwrap();

    assert_eq!(own, forge::scope::default_scopes(ForgeKind::Gitlab));
    let twice = vec!["read_user".into(), " read_user ".into(), String::new()];
    assert_eq!(parse_scopes(ForgeKind::Gitlab, &twice).unwrap(), ["read_user"]);
}

proptest! {
    #[test]
    fn whatever_is_set_nothing_that_ends_a_line_gets_in(
        host in any::<String>(), user in any::<String>(), key in any::<String>(),
        id in any::<String>(), scope in any::<String>(), domain in any::<String>(), url in any::<String>(),
    ) {
        let mut forge = a_forge(ForgeKind::Gitlab);
        for settings in [
            ForgeSettings { ssh: Some(an_endpoint(&host, &user, &key)), ..ForgeSettings::default() },
            ForgeSettings { client_id: Some(id), ..ForgeSettings::default() },
            ForgeSettings { scopes: Some(vec!["read_user".into(), scope]), ..ForgeSettings::default() },
            ForgeSettings { sign_up: text("domains"), sign_up_domains: Some(vec![domain]), ..ForgeSettings::default() },
            ForgeSettings { api_url: Some(url.clone()), ..ForgeSettings::default() },
            ForgeSettings { proxy: Some(url), ..ForgeSettings::default() },
        ] {
            drop(apply(&mut forge, settings, PlainHttp::Allowed));
        }
        let mut written = forge.scopes.clone();
        if let Some(ssh) = forge.ssh {
            written.extend([ssh.host, ssh.user]);
            written.extend(ssh.host_keys);
        }
        if let ForgeAuth::Oauth2 { client_id } = forge.auth {
            written.push(client_id);
        }
        if let SignUp::Domains(domains) = forge.sign_up {
            written.extend(domains);
        }
        written.extend([forge.api_url, forge.proxy].into_iter().flatten().map(String::from));
        prop_assert!(!written.iter().any(|text| text.chars().any(char::is_control)), "{:?}", written);
    }
}
