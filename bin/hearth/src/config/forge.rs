//! The section `[forge.NAME]`: forges that are managed in the configuration file.

use domain::ForgeKind;
use serde::Deserialize;
use toml::Table;

/// Name of the section that holds them all.
pub(super) const SECTION: &str = "forge";

/// One forge, as it stands in the file. What is empty is the kind's own default.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ForgeEntry {
    pub kind: String,
    pub name: String,
    pub url: String,
    pub api_url: String,
    pub git_url: String,
    pub ssh: String,
    pub auth: String,
    pub client_id: String,
    pub client_secret: String,
    pub client_secret_file: String,
    pub redirect: String,
    pub scopes: Vec<String>,
    pub ca_file: String,
    pub client_certificate_file: String,
    pub client_key_file: String,
    pub proxy: String,
    pub sign_in: bool,
    pub sign_up: String,
    pub sign_up_domains: Vec<String>,
}

// By hand: it may hold a secret.
impl std::fmt::Debug for ForgeEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ForgeEntry").field("kind", &self.kind).field("url", &self.url).finish_non_exhaustive()
    }
}

/// Every key with a value of its type.
pub(super) fn schema() -> Table {
    let texts = [
        "kind",
        "name",
        "url",
        "api_url",
        "git_url",
        "ssh",
        "auth",
        "client_id",
        "client_secret",
        "client_secret_file",
        "redirect",
        "ca_file",
        "client_certificate_file",
        "client_key_file",
        "proxy",
        "sign_up",
    ];
    let mut schema: Table = texts.into_iter().map(|key| (key.to_owned(), String::new().into())).collect();
    for key in ["scopes", "sign_up_domains"] {
        schema.insert(key.into(), toml::Value::Array(vec![]));
    }
    schema.insert("sign_in".into(), false.into());
    schema
}

impl ForgeEntry {
    /// Everything that is wrong with its values, as far as it shows without asking anybody.
    pub(super) fn check(&self, name: &str, problems: &mut Vec<String>) {
        let mut wrong = |key: &str, what: String| problems.push(format!("{SECTION}.{name}.{key}: {what}"));
        let kind = self.kind.parse::<ForgeKind>();
        match &kind {
            Err(error) => wrong("kind", error.to_string()),
            Ok(kind) if self.url.is_empty() && kind.public_home().is_none() => {
                wrong("url", format!("{} has no public home; give the address of yours", kind.title()));
            }
            Ok(_) => {}
        }
        for (key, url) in [
            ("url", &self.url),
            ("api_url", &self.api_url),
            ("git_url", &self.git_url),
            ("proxy", &self.proxy),
        ] {
            let is_web = |url: &url::Url| matches!(url.scheme(), "http" | "https") && url.host().is_some();
            if !url.is_empty() && !url::Url::parse(url).as_ref().is_ok_and(is_web) {
                wrong(key, format!("`{url}` is not an http(s) URL"));
            }
        }
        if !self.client_secret.is_empty() && !self.client_secret_file.is_empty() {
            wrong("client_secret", "give it either here or in client_secret_file, not both".into());
        }
        if !matches!(self.auth.as_str(), "" | "oauth2" | "oauth1" | "personal_token") {
            wrong("auth", format!("`{}` is not oauth2, oauth1 or personal_token", self.auth));
        }
        if !matches!(self.redirect.as_str(), "" | "own" | "shared" | "dashed" | "connector") {
            wrong("redirect", format!("`{}` is not own, shared, dashed or connector", self.redirect));
        }
        match self.sign_up.as_str() {
            "" | "closed" | "open" => {}
            "domains" if self.sign_up_domains.is_empty() => {
                wrong("sign_up_domains", "name at least one domain, such as \"example.com\"".into());
            }
            "domains" => {}
            other => wrong("sign_up", format!("`{other}` is not closed, open or domains")),
        }
        let files = [
            ("client_secret_file", &self.client_secret_file),
            ("ca_file", &self.ca_file),
            ("client_certificate_file", &self.client_certificate_file),
            ("client_key_file", &self.client_key_file),
        ];
        for (key, file) in files {
            if !file.is_empty()
                && let Err(error) = std::fs::metadata(file)
            {
                wrong(key, format!("cannot read `{file}`: {error}"));
            }
        }
    }
}
