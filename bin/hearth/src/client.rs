//! The CLI's way to a server: its Unix socket on the same machine, or HTTP with an API token.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::Global;
use crate::config::default_data_folder;

/// Name of the socket in the data folder.
pub const LOCAL_SOCKET: &str = "hearth.sock";

/// Where the server is and how the caller is known there.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// The Unix socket in a data folder: whoever may open it is the administrator.
    Local(PathBuf),
    /// A server by URL, with an API token.
    Remote { url: url::Url, token: String },
}

/// What `hearth login` remembers.
#[derive(Debug, Serialize, Deserialize)]
pub struct Credentials {
    pub server: url::Url,
    pub token: String,
}

/// A server's refusal, told to people with its mend.
#[derive(Debug, thiserror::Error)]
#[error("{detail}\n  mend: {mend}")]
pub struct Refused {
    pub status: u16,
    pub code: String,
    pub detail: String,
    pub mend: String,
}

/// Talks to one server.
pub struct Client {
    endpoint: Endpoint,
    http: reqwest::Client,
}

impl Refused {
    /// Reads a problem document; what is none still becomes an answer a person can use.
    pub fn from_answer(status: u16, body: &[u8]) -> Self {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |key: &str| problem.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            status,
            code: text("code").unwrap_or_else(|| "unknown".into()),
            detail: text("detail").unwrap_or_else(|| format!("the server answered with status {status}")),
            mend: text("mend").unwrap_or_else(|| "check that the address is that of a Hearth server".into()),
        }
    }
}

impl Endpoint {
    /// Chooses: flags and environment first, then a named data folder, then the remembered login,
    /// then the socket in the default data folder.
    pub fn choose(global: &Global) -> Result<Self> {
        if let Some(server) = &global.server {
            let url = server.parse().with_context(|| format!("`{server}` is not a URL"))?;
            let token = global.token.clone().or_else(|| {
                remembered().ok().flatten().filter(|kept| kept.server == url).map(|kept| kept.token)
            });
            let Some(token) = token else {
                bail!("no API token for `{url}`; run `hearth login {url}`, or set HEARTH_TOKEN");
            };
            return Ok(Self::Remote { url, token });
        }
        if let Some(data) = &global.data {
            return Ok(Self::Local(data.join(LOCAL_SOCKET)));
        }
        if let Some(Credentials { server, token }) = remembered()? {
            return Ok(Self::Remote { url: server, token });
        }
        Ok(Self::Local(default_data_folder().join(LOCAL_SOCKET)))
    }
}

impl Client {
    /// Makes a client; connects to nothing yet.
    pub fn new(endpoint: Endpoint) -> Result<Self> {
        let builder =
            reqwest::Client::builder().user_agent(concat!("hearth-cli/", env!("CARGO_PKG_VERSION")));
        let builder = match &endpoint {
            Endpoint::Local(socket) => builder.unix_socket(socket.clone()).no_proxy(),
            Endpoint::Remote { .. } => builder,
        };
        let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let tls = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let http = builder.tls_backend_preconfigured(tls).build().context("cannot make an HTTP client")?;
        Ok(Self { endpoint, http })
    }

    /// For the server these options mean.
    pub fn for_options(global: &Global) -> Result<Self> {
        Self::new(Endpoint::choose(global)?)
    }

    /// Where it talks to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// One request; the answer as JSON, `null` where it has no body.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.send(method, path, body).await?;
        let bytes = answer.bytes().await.context("the connection to the server broke")?;
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).context("the server's answer is not JSON; is this a Hearth server?")
    }

    /// `GET` of a JSON document.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// `POST` of an archive that is sent as it is read; the answer as JSON.
    pub async fn upload<S>(&self, path: &str, archive: S) -> Result<Value>
    where
        S: futures_util::TryStream + Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        bytes::Bytes: From<S::Ok>,
    {
        let request = self.request(Method::POST, path)?;
        let request = request.header(http::header::CONTENT_TYPE, "application/x-tar");
        let answer = self.answer(request.body(reqwest::Body::wrap_stream(archive))).await?;
        answer.json().await.context("the server's answer is not JSON")
    }

    /// One request whose answer is read as it comes.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<reqwest::Response> {
        let request = self.request(method, path)?;
        self.answer(if let Some(body) = body { request.json(body) } else { request }).await
    }

    fn request(&self, method: Method, path: &str) -> Result<reqwest::RequestBuilder> {
        let request = self.http.request(method, self.address(path)?);
        Ok(match &self.endpoint {
            Endpoint::Remote { token, .. } => request.bearer_auth(token),
            Endpoint::Local(_) => request,
        })
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response> {
        let answer = request.send().await.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let body = answer.bytes().await.unwrap_or_default();
        Err(Refused::from_answer(status, &body).into())
    }

    fn address(&self, path: &str) -> Result<url::Url> {
        let base = match &self.endpoint {
            Endpoint::Local(_) => "http://hearth.local/".parse()?,
            Endpoint::Remote { url, .. } => url.clone(),
        };
        let base = base.as_str().trim_end_matches('/');
        format!("{base}/api/v1{path}").parse().context("bad request path")
    }

    fn unreachable(&self, error: &reqwest::Error) -> anyhow::Error {
        match &self.endpoint {
            Endpoint::Local(socket) => anyhow!(
                "no server answers at `{}`\n  mend: start one with `hearth up`, or name the right folder in HEARTH_DATA_DIR",
                socket.display()
            ),
            Endpoint::Remote { url, .. } => {
                let mut cause: &dyn std::error::Error = error;
                while let Some(source) = cause.source() {
                    cause = source;
                }
                anyhow!("cannot reach `{url}`: {cause}\n  mend: check the address and that the server runs")
            }
        }
    }
}

fn credentials_file() -> Option<PathBuf> {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".config"));
    let base = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(home)?;
    Some(base.join("hearth/credentials.toml"))
}

fn remembered() -> Result<Option<Credentials>> {
    let Some(path) = credentials_file().filter(|path| path.exists()) else { return Ok(None) };
    let shown = path.display();
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{shown}`"))?;
    let credentials = toml::from_str(&text)
        .map_err(|_| anyhow!("`{shown}` is damaged; delete it and run `hearth login` again"))?;
    Ok(Some(credentials))
}

/// Keeps a login for this user, readable by nobody else.
pub fn remember(credentials: &Credentials) -> Result<PathBuf> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let path = credentials_file().context("cannot find your home folder; set HOME")?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    }
    let text = toml::to_string(credentials)?;
    let staging = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file =
            std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&staging)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&staging, &path)
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(path)
}
