//! A very small browser: follows redirects, keeps cookies, fills in forms. It signs people in to peers and
//! consents for them where a test needs no real browser.

mod form;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use url::{Url, form_urlencoded};

pub use form::Form;

/// More than any sign-in takes.
const MOST_REDIRECTS: usize = 10;

/// What a server answered, after all redirects.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it is.
    pub url: Url,
    /// HTTP status.
    pub status: u16,
    /// Its text.
    pub text: String,
}

impl Page {
    /// Its forms.
    pub fn forms(&self) -> Vec<Form> {
        Form::all(&self.text)
    }
}

/// Where a visit ended.
#[derive(Debug, Clone)]
pub enum Visit {
    /// On a page.
    Page(Page),
    /// The server sent the browser to the address it was to stop at; nothing was fetched from there.
    SentBack(Url),
}

/// A browser with a session of its own.
pub struct Browser {
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    /// A browser that trusts only the authorities in this PEM text, if any.
    ///
    /// # Panics
    ///
    /// When the text is not PEM.
    pub fn new(authorities: Option<&str>) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities.unwrap_or_default().as_bytes()) {
            roots.add(certificate.expect("PEM")).expect("a certificate");
        }
        let tls =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("the provider's own versions")
                .with_root_certificates(roots)
                .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self { http, cookies: Mutex::default() }
    }

    /// The client inside: it follows no redirects and trusts only the given authorities.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Opens an address.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub async fn get(&self, url: &str) -> Result<Page, reqwest::Error> {
        match self.visit(self.http.get(url), None).await? {
            Visit::Page(page) => Ok(page),
            Visit::SentBack(_) => unreachable!("there is no address to stop at"),
        }
    }

    /// Opens an address; stops when sent to one that begins with `stop`.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub async fn open(&self, url: &str, stop: &str) -> Result<Visit, reqwest::Error> {
        self.visit(self.http.get(url), Some(stop)).await
    }

    /// Sends a form of a page with some fields filled in; stops when sent to an address that begins with
    /// `stop`.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    ///
    /// # Panics
    ///
    /// When the form's address makes no sense.
    pub async fn send(
        &self,
        page: &Page,
        form: &Form,
        filled: &[(&str, &str)],
        stop: &str,
    ) -> Result<Visit, reqwest::Error> {
        let mut fields = form.fields.clone();
        for (name, value) in filled {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        let url = page.url.join(&form.action).expect("the address of a form");
        let request = if form.is_post {
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
            self.http.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
        } else {
            let mut url = url;
            url.query_pairs_mut().clear().extend_pairs(&fields);
            self.http.get(url)
        };
        self.visit(request, Some(stop)).await
    }

    /// Sends JSON; follows no redirect.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    ///
    /// # Panics
    ///
    /// When there is no such method.
    pub async fn json(&self, method: &str, url: &str, body: &Value) -> Result<Page, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = self.http.request(method, url).json(body).send().await?;
        let (url, status) = (answer.url().clone(), answer.status().as_u16());
        Ok(Page { url, status, text: answer.text().await? })
    }

    async fn visit(
        &self,
        request: reqwest::RequestBuilder,
        stop: Option<&str>,
    ) -> Result<Visit, reqwest::Error> {
        let mut request = request;
        let mut redirects = 0;
        loop {
            assert!(redirects < MOST_REDIRECTS, "redirects without an end");
            redirects += 1;
            let answer = request.header(COOKIE, self.shown_cookies()).send().await?;
            self.keep_cookies(&answer);
            let url = answer.url().clone();
            let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.filter(|_| answer.status().is_redirection()).and_then(|to| url.join(to).ok());
            let Some(to) = to else {
                let status = answer.status().as_u16();
                return Ok(Visit::Page(Page { url, status, text: answer.text().await? }));
            };
            if stop.is_some_and(|stop| to.as_str().starts_with(stop)) {
                return Ok(Visit::SentBack(to));
            }
            request = self.http.get(to);
        }
    }

    fn shown_cookies(&self) -> String {
        let cookies = self.cookies.lock().expect("no panic while it is held");
        cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, answer: &reqwest::Response) {
        let mut cookies = self.cookies.lock().expect("no panic while it is held");
        for cookie in answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }
}
