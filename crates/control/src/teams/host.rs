//! Which team a host name belongs to: `acme.example.com` beside `example.com`.

use domain::TeamSlug;
use url::{Host, Url};

/// The team whose own host `host` (as in a `Host` header, with or without a port) is, where the server
/// itself is reached at `public_url`. None for the server's own host, for deeper names, and for names that
/// no team can have.
pub fn team_of_host(host: &str, public_url: &Url) -> Option<TeamSlug> {
    // Nothing is below a number.
    let Some(Host::Domain(base)) = public_url.host() else { return None };
    let host = without_port(host)?;
    let host = host.strip_suffix('.').unwrap_or(host);
    let base = base.strip_suffix('.').unwrap_or(base);
    let at = host.len().checked_sub(base.len())?;
    let (label, rest) = host.split_at_checked(at)?;
    if !rest.eq_ignore_ascii_case(base) {
        return None;
    }
    label.strip_suffix('.')?.to_ascii_lowercase().parse().ok()
}

fn without_port(host: &str) -> Option<&str> {
    match host.split_once(':') {
        None => Some(host),
        Some((name, port)) if port.parse::<u16>().is_ok() => Some(name),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn team(host: &str, public: &str) -> Option<String> {
        team_of_host(host, &public.parse().unwrap()).map(Into::into)
    }

    #[test]
    fn a_team_is_one_label_below_the_servers_host() {
        let found = Some("acme".to_owned());
        assert_eq!(team("acme.example.com", "https://example.com"), found);
        assert_eq!(team("ACME.Example.COM.", "https://example.com/"), found);
        assert_eq!(team("acme.example.com:8443", "https://example.com:8443"), found);
        assert_eq!(team("acme.127.0.0.1.nip.io:8090", "http://127.0.0.1.nip.io:8090"), found);
        assert_eq!(team("acme.localhost:8090", "http://localhost:8090"), found);
    }

    #[test]
    fn other_hosts_are_no_teams() {
        for host in [
            "example.com",
            "example.com:443",
            "deep.acme.example.com",
            "acmeexample.com",
            "acme.example.com.evil.test",
            "acme.example.org",
            ".example.com",
            "..example.com",
            "8080--ws.example.com",
            "api.example.com",
            "a_b.example.com",
            "acme.example.com:x",
            "acme.example.com:1:2",
            "äcme.example.com",
            "[::1]",
            "",
        ] {
            assert_eq!(team(host, "https://example.com"), None, "{host}");
        }
        assert_eq!(team("acme.127.0.0.1", "http://127.0.0.1:8090"), None);
        assert_eq!(team("acme.[::1]", "http://[::1]:8090"), None);
    }

    proptest! {
        #[test]
        fn any_host_is_judged_without_a_panic(host in ".{0,60}", base in "[a-z]{1,5}(\\.[a-z]{1,5}){0,3}") {
            let public = format!("https://{base}").parse().unwrap();
            if let Some(slug) = team_of_host(&host, &public) {
                prop_assert!(host.to_ascii_lowercase().starts_with(slug.as_str()));
            }
            let acme = team_of_host(&format!("acme.{base}"), &public);
            prop_assert_eq!(acme.map(String::from), Some("acme".to_owned()));
        }
    }
}
