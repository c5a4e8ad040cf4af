//! Who may get an account by signing in for the first time, and what it is called. Pure.

use domain::{Account, SignUp, UserName};

/// Longest part of a login name that becomes a user name; a number has to fit behind it.
const LONGEST: usize = 200;

/// Why somebody gets no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody does.
    Closed,
    /// The forge tells no address, or none that it says it verified.
    Unverified,
    /// The address is elsewhere.
    Domain,
}

/// Decides whether `account` may get an account here.
///
/// The domain is everything behind the last `@`, and compared whole: `evil-example.com` and `a.example.com` are not
/// `example.com`. An address with another `@` in it is nobody's.
pub(crate) fn admit(rule: &SignUp, account: &Account) -> Result<(), Refusal> {
    let domains = match rule {
        SignUp::Closed => return Err(Refusal::Closed),
        SignUp::Open => return Ok(()),
        SignUp::Domains(domains) => domains,
    };
    let email = account.email.as_deref().filter(|_| account.email_verified).ok_or(Refusal::Unverified)?;
    let (local, domain) = email.rsplit_once('@').ok_or(Refusal::Unverified)?;
    if local.is_empty()
        || local.contains('@')
        || local.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err(Refusal::Unverified);
    }
    let domain = parse_domain(domain).ok_or(Refusal::Domain)?;
    let is_listed = domains.iter().any(|listed| parse_domain(listed).is_some_and(|listed| listed == domain));
    if is_listed { Ok(()) } else { Err(Refusal::Domain) }
}

/// A domain in its one spelling: lower case, international letters in their ASCII form. `None` for anything that is
/// no name with at least one dot or letter, such as an address.
pub(crate) fn parse_domain(text: &str) -> Option<String> {
    match url::Host::parse(text.trim()).ok()? {
        url::Host::Domain(domain) if !domain.starts_with('.') && !domain.ends_with('.') => Some(domain),
        url::Host::Domain(_) | url::Host::Ipv4(_) | url::Host::Ipv6(_) => None,
    }
}

/// The names to try for a new account, in order: the login name, then with a number behind it.
pub(crate) fn names(login: &str) -> impl Iterator<Item = UserName> + use<> {
    let visible = |c: &char| !c.is_whitespace() && !c.is_control() && !is_invisible(*c);
    let mut stem = String::new();
    for letter in login.chars().filter(visible) {
        if stem.len() + letter.len_utf8() > LONGEST {
            break;
        }
        stem.push(letter);
    }
    if stem.is_empty() {
        stem.push_str("user");
    }
    let numbered = (2..10_000_u32).map({
        let stem = stem.clone();
        move |number| format!("{stem}{number}")
    });
    std::iter::once(stem).chain(numbered).filter_map(|name| name.parse().ok())
}

/// Letters that nobody sees, with which one name can pass for another (Unicode's default-ignorable and
/// direction-changing code points, as far as names have met them).
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests;
