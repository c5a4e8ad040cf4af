//! As much of a browser as going through a forge's consent page needs: cookies, forms, redirects by hand.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::bench::http::{Address, Answer, Connection};

/// A browser that visits one site.
pub(super) struct Browser {
    host: String,
    connection: Connection,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A fresh one at `host:port`.
    pub(super) fn open(host: &str) -> Result<Self> {
        let connection = Connection::open(&Address::Tcp(host.to_owned()), None)?;
        Ok(Self { host: host.to_owned(), connection, cookies: BTreeMap::new() })
    }

    /// Whether the site has given it this cookie.
    pub(super) fn has(&self, cookie: &str) -> bool {
        self.cookies.contains_key(cookie)
    }

    /// Goes to an address of the site.
    pub(super) fn get(&mut self, address: &str) -> Result<Answer> {
        self.send("GET", address, "", "")
    }

    /// Sends a document as the site's own page does, and answers what comes back from a success.
    pub(super) fn post(&mut self, path: &str, document: &Value) -> Result<Value> {
        let answer = self.send("POST", path, "application/json", &document.to_string())?;
        ensure!(answer.status < 300, "POST {path} answered {}: {}", answer.status, answer.text());
        serde_json::from_slice(&answer.body).with_context(|| format!("the answer to POST {path} is not JSON"))
    }

    fn post_form(&mut self, address: &str, fields: &[(String, String)]) -> Result<Answer> {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        self.send("POST", address, "application/x-www-form-urlencoded", &pairs.join("&"))
    }

    fn send(&mut self, method: &str, address: &str, kind: &str, body: &str) -> Result<Answer> {
        let path = self.path_of(address)?.to_owned();
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let headers = [("content-type", kind), ("cookie", &cookies), ("sec-fetch-site", "same-origin")];
        let answer = self.connection.ask(method, &path, &headers, &mut body.as_bytes(), body.len() as u64)?;
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    /// The path and query of an address of this site.
    fn path_of<'a>(&self, address: &'a str) -> Result<&'a str> {
        let Some(rest) = address.strip_prefix("http://") else { return Ok(address) };
        let path = rest.strip_prefix(self.host.as_str()).filter(|path| path.starts_with('/'));
        path.with_context(|| format!("`{address}` is not at `{}`", self.host))
    }

    /// Signs in at GitLab's own page.
    pub(super) fn sign_in_at_gitlab(&mut self, user: &str, password: &str) -> Result<()> {
        let page = self.get("/users/sign_in")?.text();
        let mut form = Form::first(&page).context("GitLab shows no form to sign in")?;
        form.fields.push(("user[login]".into(), user.into()));
        form.fields.push(("user[password]".into(), password.into()));
        let answer = self.post_form(&form.action, &form.fields)?;
        ensure!(answer.status == 302, "GitLab did not let `{user}` in: {}", answer.text());
        Ok(())
    }

    /// Says yes at GitLab's consent page, and answers where the browser is sent back to.
    pub(super) fn consent_at_gitlab(&mut self, authorize_url: &str) -> Result<String> {
        let page = self.get(authorize_url)?.text();
        if let Some(target) = script_target(&page) {
            return Ok(target);
        }
        let form = Form::first(&page).with_context(|| format!("GitLab does not ask: {page}"))?;
        let answer = self.post_form(&form.action, &form.fields)?;
        match answer.headers("location").next() {
            Some(target) => Ok(target.to_owned()),
            None => bail!("GitLab does not send the browser back: {}", answer.text()),
        }
    }
}

/// The hidden part of a form.
struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The first one of a page of the double.
    fn first(page: &str) -> Option<Self> {
        let (_, rest) = page.split_once("<form ")?;
        let (form, _) = rest.split_once("</form>")?;
        let action = attribute(form, "action")?;
        let hidden = form.split("<input type=\"hidden\" ").skip(1);
        let fields = hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
        Some(Self { action, fields: fields.collect() })
    }
}

/// The value of the first attribute of this name.
fn attribute(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    Some(plain.iter().fold(value.to_owned(), |text, (escape, letter)| text.replace(escape, letter)))
}

/// Where the script of a page goes that GitLab shows instead of asking again.
fn script_target(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("window.location = ")?;
    let (text, _) = rest.split_once(";</script>")?;
    serde_json::from_str(text).ok()
}

/// Percent-encoded for a form.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let letter = |byte: u8| if is_plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") };
    text.bytes().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hidden_fields_of_the_first_form_are_read() {
        let page = "<form action=\"http://g/oauth\" method=\"post\"><input type=\"hidden\" name=\"scope\" \
                    value=\"a&amp;b &#39;\"><input type=\"hidden\" name=\"state\" value=\"\"></form>\
                    <form action=\"/no\"><input type=\"hidden\" name=\"_method\" value=\"delete\"></form>";

        let form = Form::first(page).unwrap();

        assert_eq!(form.action, "http://g/oauth");
        let fields = [("scope".to_owned(), "a&b '".to_owned()), ("state".to_owned(), String::new())];
        assert_eq!(form.fields, fields);
        assert!(Form::first("<p>").is_none());
    }

    #[test]
    fn a_form_is_encoded_byte_by_byte() {
        assert_eq!(encoded("user[login]"), "user%5Blogin%5D");
        assert_eq!(encoded("a b&ü"), "a%20b%26%C3%BC");
    }

    #[test]
    fn the_script_that_goes_on_is_found() {
        let page = "<a href=\"x\">go</a>\n<script>window.location = \"http://h/?a=b\\u003c\";</script>";

        assert_eq!(script_target(page).as_deref(), Some("http://h/?a=b<"));
        assert_eq!(script_target("<form>"), None);
    }
}
