//! Where a team's forge may lead its people's requests. Pure.
//!
//! A forge says what pasted addresses mean (of SSH, too), where repositories are cloned from, and where tokens go. One that a
//! team's admins register is what its address says: they cannot give the name of a well-known forge to a server of
//! their own. Administrators of the platform can, for forges that are reached by another name from here.

use std::net::IpAddr;

use domain::{Caller, Forge, Role};
use url::{Host, Url};

use crate::error::Error;

/// Refuses addresses and proxies that only an administrator of the platform may choose; what was there before
/// stays.
pub(super) fn check_reach(caller: &Caller, before: Option<&Forge>, forge: &Forge) -> Result<(), Error> {
    if caller.role == Role::Admin {
        return Ok(());
    }
    // Behind a proxy names are looked up where no policy sees the answer, and everything goes by it.
    if forge.proxy.is_some() && before.is_none_or(|before| before.proxy != forge.proxy) {
        let mend = "leave it out, or ask an administrator to set it";
        return Err(Error::invalid("proxy", "only an administrator of the platform chooses a proxy", mend));
    }
    let is_moved = before.is_none_or(|before| before.web_url != forge.web_url);
    let changed = |is_other: fn(&Forge, &Forge) -> bool| {
        is_moved || before.is_none_or(|before| is_other(before, forge))
    };
    let host_of = |url: &Option<Url>| url.as_ref().map(|url| url.host().map(|host| host.to_owned()));
    let ssh = forge.ssh.as_ref().map(|ssh| parse_host(&ssh.host));
    let places = [
        ("api_url", host_of(&forge.api_url), changed(|a, b| a.api_url != b.api_url)),
        ("git_url", host_of(&forge.git_url), changed(|a, b| a.git_url != b.git_url)),
        (
            "ssh.host",
            ssh,
            changed(|a, b| a.ssh.as_ref().map(|it| &it.host) != b.ssh.as_ref().map(|it| &it.host)),
        ),
    ];
    for (field, host, is_new) in places {
        if is_new && host.is_some_and(|host| !is_at(&forge.web_url, host.as_ref())) {
            let what = format!("it is not at `{}` or below that name", forge.web_url.authority());
            let mend = "give the address that people open, or ask an administrator to register this forge";
            return Err(Error::invalid(field, what, mend));
        }
    }
    Ok(())
}

/// A host as it stands in an SSH endpoint: a name, or an address without brackets.
fn parse_host(text: &str) -> Option<Host> {
    match text.parse() {
        Ok(IpAddr::V4(address)) => Some(Host::Ipv4(address)),
        Ok(IpAddr::V6(address)) => Some(Host::Ipv6(address)),
        Err(_) => Host::parse(text).ok(),
    }
}

/// Whether a host is that of `web` or one below that name, such as `api.example.com`.
fn is_at(web: &Url, there: Option<&Host>) -> bool {
    match (web.host().map(|host| host.to_owned()), there) {
        (Some(Host::Domain(host)), Some(Host::Domain(there))) => {
            let label = there.strip_suffix(host.as_str());
            label.is_some_and(|label| label.is_empty() || (label.len() > 1 && label.ends_with('.')))
        }
        (Some(host), Some(there)) => host == *there,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use url::Url;

    use super::{is_at, parse_host};

    fn at(web: &str, other: &str) -> bool {
        let other: Url = other.parse().unwrap();
        is_at(&web.parse().unwrap(), other.host().map(|host| host.to_owned()).as_ref())
    }

    #[test]
    fn hosts_of_ssh_are_compared_likewise() {
        let at = |web: &str, host: &str| is_at(&web.parse().unwrap(), parse_host(host).as_ref());
        assert!(at("https://git.example.com", "ssh.git.example.com") && at("https://[::1]:3000", "::1"));
        assert!(at("http://127.0.0.1:3000", "127.0.0.1"));
        assert!(!at("https://evil.test", "github.com") && !at("https://evil.test", "not a host"));
    }

    #[test]
    fn only_the_same_host_and_names_below_it_belong_to_a_forge() {
        assert!(at("https://git.example.com", "https://git.example.com:8443/api"));
        assert!(at("https://github.com", "https://api.github.com"));
        assert!(at("https://10.0.0.7", "https://10.0.0.7/git"));
        for other in [
            "https://evil.test",
            "https://evilgithub.com",
            "https://github.com.evil.test",
            "https://com",
            "https://.github.com",
            "https://10.0.0.7",
        ] {
            assert!(!at("https://github.com", other), "{other}");
        }
        assert!(!at("https://0.0.7", "https://10.0.0.7"));
    }

    proptest! {
        #[test]
        fn no_other_name_passes(name in "[a-z]{1,9}(\\.[a-z]{1,9}){0,2}") {
            let other = format!("https://{name}");
            let is_ours = name == "git.test" || name.ends_with(".git.test");
            prop_assert_eq!(at("https://git.test", &other), is_ours);
        }
    }
}
