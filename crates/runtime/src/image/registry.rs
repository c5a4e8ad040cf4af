//! Speaks to one repository of a registry (OCI distribution specification 1.1): manifests and blobs,
//! anonymously.

use std::sync::Mutex;

use bytes::Bytes;
use domain::{ImageDigest, ImageReference};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, RANGE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use outbound::{Client, Response};
use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::challenge::{self, Challenge};
use super::document::{ACCEPTED, json};
use super::layer::{Blob, digest};
use super::trouble::bad;
use crate::DriverError;

/// A repository being read.
pub(super) struct Repository {
    client: Client,
    reference: ImageReference,
    /// `https://host/v2/name/`
    base: Url,
    /// What lets us in, once the registry has said what it wants.
    token: Mutex<Option<HeaderValue>>,
}

/// Where Docker's own images really are.
const DOCKER_HUB: &str = "registry-1.docker.io";
/// A token is a few kilobytes; some registries sign generously.
const TOKEN_BYTES: u64 = 256 << 10;

impl Repository {
    pub(super) fn of(reference: &ImageReference, client: &Client) -> Result<Self, DriverError> {
        let host = match reference.registry.as_str() {
            "docker.io" | "index.docker.io" => DOCKER_HUB,
            other => other,
        };
        let scheme = if is_this_machine(host) { "http" } else { "https" };
        let base =
            Url::parse(&format!("{scheme}://{host}/v2/{}/", reference.repository)).map_err(|error| {
                DriverError::Image {
                    what: format!("`{host}` is not a registry: {error}"),
                    mend: "check the spelling of the image".into(),
                }
            })?;
        Ok(Self { client: client.clone(), reference: reference.clone(), base, token: Mutex::new(None) })
    }

    /// A manifest by tag or digest, with its own digest. Checked when it was asked for by digest.
    pub(super) async fn manifest(&self, which: &str, most: u64) -> Result<(Bytes, ImageDigest), DriverError> {
        let url = self.url("manifests", which)?;
        let accept = (ACCEPT, HeaderValue::from_static(ACCEPTED));
        let response = self.ask(&url, &[accept], Kind::Document { most }).await?;
        if response.status() != StatusCode::OK {
            return Err(self.refused(&response));
        }
        let text = response.bytes().await.map_err(|error| self.unfetchable(&error))?;
        let found = digest(Sha256::new_with_prefix(&text));
        if which.starts_with("sha256:") && which != found.to_string() {
            return Err(bad(format!("the registry gave `{found}` for the manifest `{which}`")));
        }
        Ok((text, found))
    }

    /// A small blob, whole and checked.
    pub(super) async fn document(&self, blob: &Blob, most: u64) -> Result<Bytes, DriverError> {
        if blob.size > most {
            return Err(bad(format!("`{}` has {} bytes, more than {most}", blob.digest, blob.size)));
        }
        let url = self.url("blobs", &blob.digest.to_string())?;
        let response = self.ask(&url, &[], Kind::Document { most: blob.size }).await?;
        if response.status() != StatusCode::OK {
            return Err(self.refused(&response));
        }
        let text = response.bytes().await.map_err(|error| self.unfetchable(&error))?;
        let found = digest(Sha256::new_with_prefix(&text));
        if found == blob.digest {
            Ok(text)
        } else {
            Err(bad(format!("the registry gave `{found}` for `{}`", blob.digest)))
        }
    }

    /// Begins to give a blob from the byte `offset` on; says from which byte on it really is.
    pub(super) async fn blob(&self, blob: &Blob, offset: u64) -> Result<(Response, u64), DriverError> {
        let url = self.url("blobs", &blob.digest.to_string())?;
        let range = HeaderValue::from_str(&format!("bytes={offset}-")).ok().map(|range| (RANGE, range));
        let range = range.filter(|_| offset > 0);
        let response = self.ask(&url, range.as_slice(), Kind::Stream { most: blob.size }).await?;
        match response.status() {
            StatusCode::OK => {
                // Better noticed now than after the download, and after as many repetitions.
                let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
                if length.is_some_and(|length| length != blob.size.to_string()) {
                    return Err(bad(format!(
                        "the registry has not {} bytes for `{}`",
                        blob.size, blob.digest
                    )));
                }
                Ok((response, 0))
            }
            StatusCode::PARTIAL_CONTENT => {
                if range_start(response.headers()) == Some(offset) {
                    return Ok((response, offset));
                }
                Err(bad(format!("`{}` gives another part than it was asked for", self.reference.registry)))
            }
            _ => Err(self.refused(&response)),
        }
    }

    /// Words for something that went wrong on the way.
    pub(super) fn unfetchable(&self, error: &outbound::Error) -> DriverError {
        DriverError::Image { what: format!("cannot fetch `{}`: {error}", self.reference), mend: error.mend() }
    }

    /// Asks, and once more with a token if the registry wants one.
    async fn ask(
        &self,
        url: &Url,
        headers: &[(HeaderName, HeaderValue)],
        kind: Kind,
    ) -> Result<Response, DriverError> {
        let token = self.token.lock().map_or(None, |token| token.clone());
        let response = self.ask_once(url, headers, token, kind).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let Some(token) = self.fetch_token(&response).await? else { return Ok(response) };
        if let Ok(mut kept) = self.token.lock() {
            *kept = Some(token.clone());
        }
        self.ask_once(url, headers, Some(token), kind).await
    }

    async fn ask_once(
        &self,
        url: &Url,
        headers: &[(HeaderName, HeaderValue)],
        token: Option<HeaderValue>,
        kind: Kind,
    ) -> Result<Response, DriverError> {
        let mut request = self.client.get(url.clone());
        for (name, value) in headers {
            request = request.header(name.clone(), value.clone());
        }
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, token);
        }
        request = match kind {
            // An answer that is not the blob, such as a refusal, has a body too.
            Kind::Stream { most } => request.unhurried().limit(most.max(TOKEN_BYTES)),
            Kind::Document { most } => request.limit(most.max(TOKEN_BYTES)),
        };
        request.send().await.map_err(|error| self.unfetchable(&error))
    }

    /// Gets what the registry's challenge asks for, as nobody in particular.
    async fn fetch_token(&self, response: &Response) -> Result<Option<HeaderValue>, DriverError> {
        let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let bearer = challenges.filter_map(|value| value.to_str().ok()).find_map(challenge::bearer);
        let Some(Challenge { realm, service, scope }) = bearer else { return Ok(None) };
        let mut url =
            self.base.join(&realm).map_err(|_| bad(format!("`{realm}` is not where tokens come from")))?;
        if url.scheme() != "https" && self.base.scheme() == "https" {
            return Err(bad(format!(
                "`{}` sends us to `{url}`, which is not encrypted",
                self.reference.registry
            )));
        }
        let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", self.reference.repository));
        url.query_pairs_mut()
            .extend_pairs(service.map(|service| ("service", service)))
            .append_pair("scope", &scope);
        let response =
            self.client.get(url).limit(TOKEN_BYTES).send().await.map_err(|error| self.unfetchable(&error))?;
        if response.status() != StatusCode::OK {
            return Ok(None);
        }
        let text = response.bytes().await.map_err(|error| self.unfetchable(&error))?;
        let answer: Answer = json("token", &text)?;
        let token = answer.token.or(answer.access_token);
        let value = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok());
        Ok(value.map(|mut value| {
            value.set_sensitive(true);
            value
        }))
    }

    fn refused(&self, response: &Response) -> DriverError {
        let reference = &self.reference;
        let (what, mend) = match response.status().as_u16() {
            401 | 403 => (
                format!("`{}` does not give `{reference}` to everybody", reference.registry),
                "check the spelling; if the image is private, import it from an archive made with `docker save`",
            ),
            404 => (
                format!("`{}` has no `{reference}`", reference.registry),
                "check the spelling of name and tag",
            ),
            429 => (
                format!("`{}` lets this machine fetch no more for now", reference.registry),
                "wait an hour, use another registry, or import the image from an archive",
            ),
            status => {
                (format!("`{}` answers {status} for `{reference}`", reference.registry), "try again later")
            }
        };
        DriverError::Image { what, mend: mend.into() }
    }

    fn url(&self, kind: &str, which: &str) -> Result<Url, DriverError> {
        self.base
            .join(&format!("{kind}/{which}"))
            .map_err(|_| bad(format!("`{which}` does not fit into an address")))
    }
}

/// Where the part begins that `Content-Range: bytes 5-9/10` announces.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    range.split('-').next()?.parse().ok()
}

/// How an answer is read.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// At once, into memory.
    Document { most: u64 },
    /// As it comes, for as long as it takes.
    Stream { most: u64 },
}

#[derive(serde::Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// Registries on this machine are asked without encryption, as Docker does: nobody is in between.
fn is_this_machine(host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}/")) else { return false };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
