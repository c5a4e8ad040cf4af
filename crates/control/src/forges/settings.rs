//! What can be set about a forge, and reading it out of the texts that forms and files send. Pure.

use domain::{Forge, ForgeAuth, ForgeKind, RedirectPath, SignUp, SshEndpoint};
use forge::address::PlainHttp;
use url::Url;
use vault::Secret;

use crate::error::Error;
use crate::links::parse_domain;

/// What can be set about a forge. What is absent stays as it is; an empty text takes away.
#[derive(Default)]
pub struct ForgeSettings {
    /// Where this server reaches its API, if elsewhere.
    pub api_url: Option<String>,
    /// Where Git reaches it over HTTP, if elsewhere.
    pub git_url: Option<String>,
    /// Where Git reaches it over SSH. An empty host takes it away.
    pub ssh: Option<SshEndpoint>,
    /// `oauth2`, `oauth1` or `personal_token`.
    pub auth_method: Option<String>,
    /// The application's id, or the consumer key with `oauth1`.
    pub client_id: Option<String>,
    /// The application's secret.
    pub client_secret: Option<Secret<String>>,
    /// `own`, `shared`, `dashed` or `connector`.
    pub redirect: Option<String>,
    /// What is asked for when somebody links an account; an empty list is the kind's defaults.
    pub scopes: Option<Vec<String>>,
    /// Additional certificate authorities, PEM.
    pub ca_pem: Option<String>,
    /// Our certificate towards it, PEM.
    pub client_certificate: Option<String>,
    /// The private key of that certificate, PEM.
    pub client_key: Option<Secret<String>>,
    /// A proxy that this server reaches it through.
    pub proxy: Option<String>,
    /// Whether people may sign in with it.
    pub sign_in: Option<bool>,
    /// `closed`, `open` or `domains`.
    pub sign_up: Option<String>,
    /// With `domains`: which.
    pub sign_up_domains: Option<Vec<String>>,
}

/// What happens to a sealed secret.
#[derive(Default)]
pub(super) enum SecretChange {
    /// It stays.
    #[default]
    Keep,
    /// It is taken away.
    Remove,
    /// It is replaced.
    Put(Secret<String>),
}

/// The secrets among the settings.
#[derive(Default)]
pub(super) struct SecretChanges {
    pub(super) client_secret: SecretChange,
    pub(super) client_key: SecretChange,
}

/// Longest name, client id, scope.
const LINE_MAX: usize = 255;
/// Most scopes and domains.
const LIST_MAX: usize = 64;
/// A bundle of all public authorities has 220 KiB.
const PEM_MAX: usize = 512 << 10;

impl SecretChange {
    fn of(secret: Option<Secret<String>>) -> Self {
        match secret {
            None => Self::Keep,
            Some(secret) if secret.expose().trim().is_empty() => Self::Remove,
            Some(secret) => Self::Put(Secret::new(secret.expose().trim().to_owned())),
        }
    }
}

/// The kind of forge that `text` names.
pub(super) fn parse_kind(text: &str) -> Result<ForgeKind, Error> {
    text.trim().parse().map_err(|bad| Error::invalid("kind", bad, "name one of these"))
}

/// The way to prove ourselves that a forge of this kind begins with.
pub(super) fn default_auth(kind: ForgeKind) -> ForgeAuth {
    match kind {
        ForgeKind::AzureDevops => ForgeAuth::PersonalToken,
        _ => ForgeAuth::Oauth2 { client_id: String::new() },
    }
}

/// Reads the address where browsers reach the forge.
pub(super) fn parse_web_url(text: Option<&str>, kind: ForgeKind, plain: PlainHttp) -> Result<Url, Error> {
    let text = text.map(str::trim).filter(|text| !text.is_empty()).or_else(|| kind.public_home());
    let Some(text) = text else {
        let mend = "give the address people open in their browsers, such as `https://git.example.com`";
        return Err(Error::invalid("web_url", format!("{} has no public home", kind.title()), mend));
    };
    parse_url("web_url", text, plain)
}

/// Reads the name to show; the host where there is none.
pub(super) fn parse_name(text: Option<&str>, web_url: &Url) -> Result<String, Error> {
    match text.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => parse_line("name", name),
        None => Ok(web_url.host_str().unwrap_or_default().to_owned()),
    }
}

/// Changes `forge` as the settings say; the secrets among them are given back.
///
/// # Errors
///
/// `invalid` with the field's name; the forge is of no use then.
pub(super) fn apply(
    forge: &mut Forge,
    settings: ForgeSettings,
    plain: PlainHttp,
) -> Result<SecretChanges, Error> {
    if let Some(text) = settings.api_url {
        forge.api_url = optional(&text).map(|text| parse_url("api_url", text, plain)).transpose()?;
    }
    if let Some(text) = settings.git_url {
        forge.git_url = optional(&text).map(|text| parse_url("git_url", text, plain)).transpose()?;
    }
    if let Some(ssh) = settings.ssh {
        forge.ssh = if ssh.host.trim().is_empty() { None } else { Some(parse_ssh(&ssh)?) };
    }
    if let Some(method) = settings.auth_method {
        forge.auth = parse_method(&method, forge)?;
    }
    if let Some(id) = settings.client_id {
        set_client_id(&mut forge.auth, &id)?;
    }
    if let Some(redirect) = settings.redirect {
        forge.redirect = parse_redirect(&redirect)?;
    }
    if let Some(scopes) = settings.scopes {
        forge.scopes = parse_scopes(forge.kind, &scopes)?;
    }
    if let Some(pem) = settings.ca_pem {
        forge.ca_pem = parse_pem("ca_pem", &pem)?;
    }
    if let Some(pem) = settings.client_certificate {
        forge.client_certificate = parse_pem("client_certificate", &pem)?;
    }
    if let Some(proxy) = settings.proxy {
        forge.proxy = optional(&proxy).map(parse_proxy).transpose()?;
    }
    if let Some(sign_in) = settings.sign_in {
        forge.sign_in = sign_in;
    }
    set_sign_up(forge, settings.sign_up.as_deref(), settings.sign_up_domains)?;
    check_sign_in(forge)?;
    Ok(SecretChanges {
        client_secret: SecretChange::of(settings.client_secret),
        client_key: SecretChange::of(settings.client_key),
    })
}

fn optional(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn parse_url(field: &'static str, text: &str, plain: PlainHttp) -> Result<Url, Error> {
    forge::address::web_url(text, plain).map_err(|bad| Error::invalid(field, &bad, bad.mend()))
}

fn parse_line(field: &'static str, text: &str) -> Result<String, Error> {
    if text.len() > LINE_MAX || text.chars().any(char::is_control) {
        let what = format!("it has control characters or more than {LINE_MAX} bytes");
        return Err(Error::invalid(field, what, "paste the line alone"));
    }
    Ok(text.to_owned())
}

fn parse_method(method: &str, forge: &Forge) -> Result<ForgeAuth, Error> {
    let none = |what: &str| Err(Error::invalid("auth_method", what, "use `oauth2` or `personal_token`"));
    match (method.trim(), &forge.auth) {
        ("oauth2", ForgeAuth::Oauth2 { .. })
        | ("oauth1", ForgeAuth::Oauth1 { .. })
        | ("personal_token", ForgeAuth::PersonalToken) => Ok(forge.auth.clone()),
        ("oauth2", _) if forge.kind == ForgeKind::AzureDevops => {
            let mend = "use `personal_token`";
            Err(Error::invalid("auth_method", "Azure DevOps registers no new OAuth applications", mend))
        }
        ("oauth2", _) => Ok(ForgeAuth::Oauth2 { client_id: String::new() }),
        ("oauth1", _) if forge.kind == ForgeKind::BitbucketServer => {
            Ok(ForgeAuth::Oauth1 { consumer_key: String::new(), public_key: String::new() })
        }
        ("oauth1", _) => none("only Bitbucket Data Center knows OAuth 1.0a"),
        ("personal_token", _) if forge.kind == ForgeKind::OpenId => {
            let what = "an identity provider has no personal access tokens";
            Err(Error::invalid("auth_method", what, "use `oauth2`"))
        }
        ("personal_token", _) => Ok(ForgeAuth::PersonalToken),
        _ => none("there are `oauth2`, `oauth1` and `personal_token`"),
    }
}

fn set_client_id(auth: &mut ForgeAuth, id: &str) -> Result<(), Error> {
    let id = parse_line("client_id", id.trim())?;
    match auth {
        ForgeAuth::Oauth2 { client_id } => *client_id = id,
        ForgeAuth::Oauth1 { consumer_key, .. } => *consumer_key = id,
        ForgeAuth::PersonalToken if id.is_empty() => {}
        ForgeAuth::PersonalToken => {
            let what = "personal access tokens belong to no application";
            return Err(Error::invalid("client_id", what, "leave it out, or choose `oauth2`"));
        }
    }
    Ok(())
}

fn parse_redirect(text: &str) -> Result<RedirectPath, Error> {
    match text.trim() {
        "" | "own" => Ok(RedirectPath::Own),
        "shared" => Ok(RedirectPath::Shared),
        "dashed" => Ok(RedirectPath::Dashed),
        "connector" => Ok(RedirectPath::Connector),
        _ => {
            let mend = "there are `own`, `shared`, `dashed` and `connector`; new applications use `own`";
            Err(Error::invalid("redirect", "no such address to come back to", mend))
        }
    }
}

/// Reads what to ask for; the kind's own list where there is nothing.
pub(crate) fn parse_scopes(kind: ForgeKind, wanted: &[String]) -> Result<Vec<String>, Error> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in wanted {
        let scope = scope.trim();
        // RFC 6749, section 3.3: what a scope may be made of.
        let is_scope = scope.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        if !is_scope || scope.len() > LINE_MAX {
            return Err(Error::invalid(
                "scopes",
                "this is no name of a scope",
                "one name an entry, without spaces",
            ));
        }
        if !scope.is_empty() && !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.len() > LIST_MAX {
        return Err(Error::invalid("scopes", "these are too many", "ask for what is needed"));
    }
    if scopes.is_empty() {
        return Ok(forge::scope::default_scopes(kind));
    }
    for needed in forge::scopes(kind).iter().filter(|scope| scope.required) {
        if !scopes.iter().any(|scope| scope == needed.name) {
            let what = format!("`{}` is missing, which is needed to {}", needed.name, needed.purpose);
            return Err(Error::invalid("scopes", what, "add it"));
        }
    }
    Ok(scopes)
}

fn parse_pem(field: &'static str, text: &str) -> Result<Option<String>, Error> {
    let Some(text) = optional(text) else { return Ok(None) };
    if text.len() > PEM_MAX || !text.contains("-----BEGIN CERTIFICATE-----") {
        let mend = "paste everything from `-----BEGIN CERTIFICATE-----` to `-----END CERTIFICATE-----`";
        return Err(Error::invalid(field, "this is no certificate in PEM form", mend));
    }
    Ok(Some(format!("{text}\n")))
}

fn parse_proxy(text: &str) -> Result<Url, Error> {
    let mend = "write it as `http://proxy.example.com:3128`";
    let url = Url::parse(text).map_err(|bad| Error::invalid("proxy", bad, mend))?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !is_plain {
        return Err(Error::invalid("proxy", "this is no address of a proxy without a password in it", mend));
    }
    Ok(url)
}

/// Reads an SSH endpoint. All of it is written into configuration files of workspaces, so nothing is in it but
/// what it must be.
fn parse_ssh(ssh: &SshEndpoint) -> Result<SshEndpoint, Error> {
    let host = ssh.host.trim();
    let is_name = |host: &str| {
        host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
            && !host.starts_with('-')
    };
    let host = match url::Host::parse(host) {
        Ok(url::Host::Domain(domain)) if is_name(&domain) && domain.len() <= 253 => domain,
        Ok(url::Host::Ipv4(address)) => address.to_string(),
        Ok(url::Host::Ipv6(address)) => address.to_string(),
        Ok(_) | Err(_) => {
            return Err(Error::invalid(
                "ssh.host",
                "this is no host name or address",
                "write the host alone",
            ));
        }
    };
    let user = match ssh.user.trim() {
        "" => "git".to_owned(),
        user if is_name(user) && user.len() <= 64 => user.to_owned(),
        _ => return Err(Error::invalid("ssh.user", "this is no name of a user", "leave it out for `git`")),
    };
    if ssh.port == 0 {
        return Err(Error::invalid("ssh.port", "there is no port 0", "leave it out for 22"));
    }
    let mut host_keys = Vec::new();
    for line in ssh.host_keys.iter().map(|line| line.trim()).filter(|line| !line.is_empty()) {
        let key = vault::ssh::PublicKey::parse(line).map_err(|bad| {
            Error::invalid("ssh.host_keys", bad, "one line a key: `ssh-ed25519 AAAA…`, without the host")
        })?;
        host_keys.push(key.with_comment("").line().trim().to_owned());
    }
    if host_keys.len() > LIST_MAX {
        return Err(Error::invalid("ssh.host_keys", "these are too many", "keep those the host has now"));
    }
    Ok(SshEndpoint { host, port: ssh.port, user, host_keys })
}

fn set_sign_up(forge: &mut Forge, sign_up: Option<&str>, domains: Option<Vec<String>>) -> Result<(), Error> {
    let known = match &forge.sign_up {
        SignUp::Domains(known) => known.clone(),
        SignUp::Closed | SignUp::Open => Vec::new(),
    };
    let is_domains = match sign_up.map(str::trim) {
        None => matches!(forge.sign_up, SignUp::Domains(_)),
        Some("" | "closed") => {
            forge.sign_up = SignUp::Closed;
            false
        }
        Some("open") => {
            forge.sign_up = SignUp::Open;
            false
        }
        Some("domains") => true,
        Some(_) => {
            let mend = "there are `closed`, `open` and `domains`";
            return Err(Error::invalid("sign_up", "no such rule", mend));
        }
    };
    if !is_domains {
        return Ok(());
    }
    let wanted = domains.unwrap_or(known);
    let mut read = Vec::new();
    for text in wanted.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        let text = text.strip_prefix('@').unwrap_or(text);
        let Some(domain) = parse_domain(text) else {
            let what = format!("`{}` is no domain", text.chars().take(80).collect::<String>());
            return Err(Error::invalid("sign_up_domains", what, "write it as `example.com`"));
        };
        if !read.contains(&domain) {
            read.push(domain);
        }
    }
    if read.is_empty() || read.len() > LIST_MAX {
        let what = format!("between 1 and {LIST_MAX} domains are needed");
        return Err(Error::invalid("sign_up_domains", what, "name those whose people may come in"));
    }
    forge.sign_up = SignUp::Domains(read);
    Ok(())
}

fn check_sign_in(forge: &Forge) -> Result<(), Error> {
    if !forge.sign_in {
        return Ok(());
    }
    if forge.team.is_some() {
        let mend = "an administrator can register it for the whole platform";
        return Err(Error::invalid("sign_in", "people sign in only with the platform's forges", mend));
    }
    if forge.auth == ForgeAuth::PersonalToken {
        let mend = "choose `oauth2`, or switch signing in off";
        return Err(Error::invalid("sign_in", "nobody signs in with personal access tokens", mend));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
