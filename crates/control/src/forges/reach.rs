//! Where a team's forge may lead its people's requests. Pure.
//!
//! A forge says what pasted addresses mean, where repositories are cloned from, and where tokens go. One that a
//! team's admins register is what its address says: they cannot give the name of a well-known forge to a server of
//! their own. Administrators of the platform can, for forges that are reached by another name from here.

use domain::{Caller, Forge, Role};
use url::Url;

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
    let is_new = |of: fn(&Forge) -> (&Url, Option<&Url>)| before.is_none_or(|before| of(before) != of(forge));
    let places: [(_, fn(&Forge) -> (&Url, Option<&Url>)); 2] = [
        ("api_url", |forge| (&forge.web_url, forge.api_url.as_ref())),
        ("git_url", |forge| (&forge.web_url, forge.git_url.as_ref())),
    ];
    for (field, of) in places {
        let (web, other) = of(forge);
        if is_new(of) && other.is_some_and(|other| !is_at(web, other)) {
            let what = format!("it is not at `{}` or below that name", web.host_str().unwrap_or_default());
            let mend = "give the address that people open, or ask an administrator to register this forge";
            return Err(Error::invalid(field, what, mend));
        }
    }
    Ok(())
}

/// Whether `other` is at the host of `web` or at one below that name, such as `api.example.com`.
fn is_at(web: &Url, other: &Url) -> bool {
    let (Some(host), Some(there)) = (web.host(), other.host()) else { return false };
    if host == there {
        return true;
    }
    match (host, there) {
        (url::Host::Domain(host), url::Host::Domain(there)) => {
            there.strip_suffix(host).is_some_and(|label| label.len() > 1 && label.ends_with('.'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::is_at;

    fn at(web: &str, other: &str) -> bool {
        is_at(&web.parse().unwrap(), &other.parse().unwrap())
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
