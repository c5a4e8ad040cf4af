//! Real Git repositories, served over smart HTTP by git's own `http-backend`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A bare repository in a temporary folder.
pub struct Repository {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Repository {
    /// `sample.git`: two commits on `main`, a branch `feature/one`, a tag `v1.0`.
    ///
    /// # Panics
    ///
    /// When git is missing.
    pub fn sample() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let work = folder.path().join("work");
        let path = folder.path().join("repositories/sample.git");
        std::fs::create_dir_all(&work).expect("a folder");
        std::fs::create_dir_all(path.parent().expect("has a parent")).expect("a folder");
        git(&work, &["init", "-q", "-b", "main"]);
        std::fs::write(work.join("README.md"), "# Sample\n").expect("a file");
        git(&work, &["add", "."]);
        git(&work, &["commit", "-q", "-m", "Begin"]);
        git(&work, &["tag", "v1.0"]);
        git(&work, &["branch", "feature/one"]);
        std::fs::write(work.join("main.sh"), "echo hello\n").expect("a file");
        git(&work, &["add", "."]);
        git(&work, &["commit", "-q", "-m", "Say hello"]);
        git(folder.path(), &["clone", "-q", "--bare", "work", path.to_str().expect("UTF-8")]);
        git(&path, &["config", "http.receivepack", "true"]);
        Self { _folder: folder, path }
    }

    /// The folder it lies in, to be served.
    pub fn parent(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// Its own folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The commit of `main`.
    pub fn head(&self) -> String {
        git(&self.path, &["rev-parse", "main"])
    }
}

/// Runs git with a fixed identity and no configuration from outside; answers its trimmed output.
///
/// # Panics
///
/// When git fails.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .envs([("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("HOME", "/nonexistent")])
        .envs([("GIT_AUTHOR_NAME", "Test"), ("GIT_AUTHOR_EMAIL", "test@example.com")])
        .envs([("GIT_COMMITTER_NAME", "Test"), ("GIT_COMMITTER_EMAIL", "test@example.com")])
        .output()
        .expect("git is installed");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A smart-HTTP server on a free loopback port; ends when dropped.
pub struct GitServer {
    /// `http://127.0.0.1:port`, without a slash at the end.
    pub url: String,
    stop: Arc<AtomicBool>,
    port: u16,
}

/// Serves every repository in `root`, for reading and pushing, to anybody.
pub fn serve(root: &Path) -> GitServer {
    start(root, None)
}

/// Serves every repository in `root` to whoever shows `user:password` by HTTP Basic.
pub fn serve_private(root: &Path, credentials: &str) -> GitServer {
    start(root, Some(credentials.to_owned()))
}

fn start(root: &Path, credentials: Option<String>) -> GitServer {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let stop = Arc::new(AtomicBool::new(false));
    let (root, ended) = (root.to_owned(), Arc::clone(&stop));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if ended.load(Ordering::Relaxed) {
                break;
            }
            let (root, credentials) = (root.clone(), credentials.clone());
            std::thread::spawn(move || drop(answer(stream, &root, credentials.as_deref())));
        }
    });
    GitServer { url: format!("http://127.0.0.1:{port}"), stop, port }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
    }
}

/// Answers one request by running the CGI program (RFC 3875), then closes.
fn answer(stream: TcpStream, root: &Path, credentials: Option<&str>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut parts = first.split_whitespace();
    let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = vec![];
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header =
        |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let mut stream = stream;
    if header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let body = read_body(&mut reader, header("content-length"), header("transfer-encoding"))?;
    if let Some(credentials) = credentials
        && header("authorization") != Some(&format!("Basic {}", base64(credentials.as_bytes())))
    {
        let refusal = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"git\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return stream.write_all(refusal.as_bytes());
    }
    let mut child = Command::new("git")
        .arg("http-backend")
        .envs([("GIT_HTTP_EXPORT_ALL", "1"), ("REQUEST_METHOD", method), ("PATH_INFO", path)])
        .envs([("QUERY_STRING", query), ("REMOTE_USER", "test"), ("REMOTE_ADDR", "127.0.0.1")])
        .env("GIT_PROJECT_ROOT", root)
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding").unwrap_or_default())
        .env("GIT_PROTOCOL", header("git-protocol").unwrap_or_default())
        .envs([
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "safe.directory"),
            ("GIT_CONFIG_VALUE_0", "*"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let stdin = child.stdin.take();
    std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(&body)));
    let mut output = vec![];
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut output)?;
    }
    child.wait()?;
    let split = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(output.len());
    let (head, content) = output.split_at(split);
    let head = String::from_utf8_lossy(head);
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    write!(stream, "HTTP/1.1 {status}\r\n")?;
    for line in head.lines().filter(|line| !line.starts_with("Status:")) {
        write!(stream, "{line}\r\n")?;
    }
    let content = content.get(4..).unwrap_or_default();
    write!(stream, "content-length: {}\r\nconnection: close\r\n\r\n", content.len())?;
    stream.write_all(content)
}

fn read_body(
    reader: &mut impl BufRead,
    length: Option<&str>,
    encoding: Option<&str>,
) -> std::io::Result<Vec<u8>> {
    let mut body = vec![];
    if encoding.is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
            reader.by_ref().take(size).read_to_end(&mut body)?;
            reader.read_line(&mut String::new())?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
    let length = length.and_then(|value| value.parse().ok()).unwrap_or(0);
    reader.take(length).read_to_end(&mut body)?;
    Ok(body)
}

/// Standard alphabet with padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = (group >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= chunk.len() { char::from(ALPHABET[digit]) } else { '=' });
        }
    }
    text
}
