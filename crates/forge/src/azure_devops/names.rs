//! Addresses of organisations, profiles and repositories.

use domain::SshEndpoint;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

use crate::address::below;

/// Everything but RFC 3986's unreserved characters: names of projects have blanks.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where organisations are, and the one that `base` names: the part it has more than `web`.
pub(super) fn split_base(base: &Url, web: &Url) -> (Url, Option<String>) {
    let parts = |url: &Url| -> Vec<String> {
        url.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (own, others) = (parts(base), parts(web));
    let Some((organisation, rest)) = own.split_last().filter(|(_, rest)| rest.len() == others.len()) else {
        return (base.clone(), None);
    };
    let mut root = base.clone();
    root.set_path(&rest.join("/"));
    (root, percent_decode_str(organisation).decode_utf8().ok().map(Into::into))
}

/// Profiles of dev.azure.com have a host of their own:
/// <https://learn.microsoft.com/en-us/rest/api/azure/devops/profile/profiles/get>.
pub(super) fn profile_host(root: &Url) -> Url {
    let mut host = root.clone();
    if root.host_str() == Some("dev.azure.com") && host.set_host(Some("app.vssps.visualstudio.com")).is_ok() {
        return host;
    }
    root.clone()
}

/// The organisation in an address that the forge told: the part behind one of `bases`.
pub(super) fn organisation_of(told: &str, bases: &[&Url]) -> Option<String> {
    let told = Url::parse(told).ok()?;
    let rest = bases.iter().find_map(|base| {
        let rest = told.path().strip_prefix(base.path().trim_end_matches('/'))?.strip_prefix('/')?;
        (told.host() == base.host() && told.port() == base.port()).then_some(rest)
    })?;
    let first = rest.split('/').next().filter(|part| !part.is_empty())?;
    percent_decode_str(first).decode_utf8().ok().map(Into::into)
}

/// `organisation/project/_git/name` below where Git reaches it.
pub(super) fn git_url(git: &Url, owner: &str, name: &str) -> Url {
    let owner = owner.split('/').map(encode).collect::<Vec<_>>().join("/");
    below(git, &format!("/{owner}/_git/{}", encode(name)))
}

/// The same over SSH: host, port and user are the administrator's where they said so, the path is the forge's.
pub(super) fn ssh_url(endpoint: Option<&SshEndpoint>, told: Option<String>) -> Option<String> {
    let told = told?;
    let Some(SshEndpoint { host, port, user, .. }) = endpoint else { return Some(told) };
    // `git@ssh.dev.azure.com:v3/…` at dev.azure.com, `ssh://server:22/…` at others.
    let path = match told.strip_prefix("ssh://") {
        Some(rest) => rest.split_once('/')?.1,
        None => told.split_once(':')?.1,
    };
    Some(match port {
        22 => format!("{user}@{host}:{path}"),
        port => format!("ssh://{user}@{host}:{port}/{path}"),
    })
}

fn encode(part: &str) -> String {
    utf8_percent_encode(part, PART).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_organisation_is_what_the_api_has_more() {
        for (base, web, root, expected) in [
            ("https://dev.azure.com/acme", "https://dev.azure.com", "https://dev.azure.com/", Some("acme")),
            ("https://dev.azure.com", "https://dev.azure.com", "https://dev.azure.com/", None),
            ("https://x/tfs/Coll", "https://y/tfs", "https://x/tfs", Some("Coll")),
            ("https://x/tfs", "https://x/tfs", "https://x/tfs", None),
            ("https://x/a%20b", "https://x", "https://x/", Some("a b")),
        ] {
            let (found, organisation) = split_base(&Url::parse(base).unwrap(), &Url::parse(web).unwrap());
            assert_eq!((found.as_str(), organisation.as_deref()), (root, expected), "{base}");
        }
    }

    #[test]
    fn profiles_are_elsewhere_only_at_the_makers() {
        for (root, expected) in [
            ("https://dev.azure.com/", "https://app.vssps.visualstudio.com/"),
            ("https://tfs.example.com/tfs", "https://tfs.example.com/tfs"),
        ] {
            assert_eq!(profile_host(&Url::parse(root).unwrap()).as_str(), expected);
        }
    }

    #[test]
    fn the_organisation_is_read_out_of_addresses_of_the_forge_alone() {
        let base = Url::parse("https://x/tfs").unwrap();
        for (told, expected) in [
            ("https://x/tfs/Coll/_apis/git", Some("Coll")),
            ("https://x/tfs/a%20b/c", Some("a b")),
            ("https://x/tfsx/Coll", None),
            ("https://y/tfs/Coll", None),
            ("https://x:1/tfs/Coll", None),
            ("https://x/tfs/", None),
            ("", None),
        ] {
            assert_eq!(organisation_of(told, &[&base]).as_deref(), expected, "{told}");
        }
    }

    #[test]
    fn git_is_told_both_forms() {
        let url = git_url(&Url::parse("https://dev.azure.com").unwrap(), "acme/My Shop", "shop");
        assert_eq!(url.as_str(), "https://dev.azure.com/acme/My%20Shop/_git/shop");
        let told = || Some("git@ssh.dev.azure.com:v3/acme/My%20Shop/shop".to_owned());
        assert_eq!(ssh_url(None, told()), told());
        let endpoint = |port| SshEndpoint {
            host: "ssh.example.com".into(),
            port,
            user: "git".into(),
            host_keys: vec![],
        };
        for (port, expected) in [
            (22, "git@ssh.example.com:v3/acme/My%20Shop/shop"),
            (443, "ssh://git@ssh.example.com:443/v3/acme/My%20Shop/shop"),
        ] {
            assert_eq!(ssh_url(Some(&endpoint(port)), told()).as_deref(), Some(expected));
        }
        let own = ssh_url(Some(&endpoint(22)), Some("ssh://tfs:22/tfs/Coll/_git/shop".into()));
        assert_eq!(own.as_deref(), Some("git@ssh.example.com:tfs/Coll/_git/shop"));
    }

    proptest! {
        #[test]
        fn no_address_makes_it_panic(told in ".{0,40}", owner in ".{0,20}", name in ".{0,20}") {
            let endpoint = SshEndpoint { host: "h".into(), port: 7999, user: "u".into(), host_keys: vec![] };
            let _organisation = organisation_of(&told, &[&Url::parse("https://dev.azure.com").unwrap()]);
            let _ssh = ssh_url(Some(&endpoint), Some(told));
            let _git = git_url(&Url::parse("https://dev.azure.com").unwrap(), &owner, &name);
        }
    }
}
