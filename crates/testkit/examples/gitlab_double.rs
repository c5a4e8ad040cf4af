//! Runs the GitLab double with demonstration data until it is ended, and prints how to use it.
//!
//! `cargo xtask gitlab-double` is the way to start it. Arguments, all optional: `--port N --version V
//! --prefix /gitlab --https --ssh --redirect URI --json`. With the last one it prints one line for programs.

use std::io::Write;

use serde_json::json;
use testkit::gitlab::{Demo, GitlabDouble, Options, Tls, Version};

/// Where Hearth's own callback would be in a development server.
const REDIRECT: &str = "http://127.0.0.1:7900/callback";

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut options = Options { port: 7980, ..Options::default() };
    let mut redirect = REDIRECT.to_owned();
    let mut for_programs = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().ok_or_else(|| std::io::Error::other(format!("`{argument}` needs a value")));
        match argument.as_str() {
            "--port" => options.port = value()?.parse().map_err(std::io::Error::other)?,
            "--version" => options.version = Version::new(&value()?),
            "--prefix" => options.path_prefix = Some(value()?),
            "--redirect" => redirect = value()?,
            "--https" => options.tls = Some(Tls::new()),
            "--ssh" => options.ssh = true,
            "--json" => for_programs = true,
            other => return Err(std::io::Error::other(format!("`{other}` is no argument of this"))),
        }
    }
    let gitlab = GitlabDouble::start(options).await;
    let demo = gitlab.add_demo(&redirect);
    let mut out = std::io::stdout().lock();
    if for_programs {
        writeln!(out, "{}", for_a_program(&gitlab, &demo))?;
    } else {
        show(&mut out, &gitlab, &demo, &redirect)?;
    }
    out.flush()?;
    drop(out);
    loop {
        tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    }
}

/// What a test in a browser needs to know, first of all the two users who can read the private project.
fn for_a_program(gitlab: &GitlabDouble, demo: &Demo) -> serde_json::Value {
    let users = [&demo.dev, &demo.guest, &demo.root];
    let users = users.map(|user| json!({ "username": user.username, "password": user.password }));
    let projects: Vec<_> = demo.projects.iter().map(|project| &project.web_url).collect();
    json!({
        "url": gitlab.url(),
        "users": users,
        "projects": projects,
        "application": { "client_id": demo.application.client_id, "secret": demo.application.secret },
    })
}

/// The same and more for a person.
fn show(out: &mut impl Write, gitlab: &GitlabDouble, demo: &Demo, redirect: &str) -> std::io::Result<()> {
    writeln!(out, "GitLab {} at {}", gitlab.version().as_str(), gitlab.url())?;
    for user in [&demo.root, &demo.dev, &demo.guest] {
        writeln!(out, "user           {:<8} password {}", user.username, user.password)?;
    }
    for project in &demo.projects {
        writeln!(out, "project        {:<8} {}", project.id, project.web_url)?;
    }
    writeln!(out, "application    {}", demo.application.client_id)?;
    writeln!(out, "  secret       {}", demo.application.secret)?;
    writeln!(out, "  redirect URI {redirect}")?;
    writeln!(out, "token of dev   {}", demo.token)?;
    let ssh = match (gitlab.ssh_port(), gitlab.ssh_user()) {
        (Ok(port), Ok(user)) => format!("port {port}, user {user}"),
        (Err(why), _) | (_, Err(why)) => why.to_owned(),
    };
    writeln!(out, "SSH            {ssh}")?;
    if let Some(pem) = gitlab.ca_pem() {
        writeln!(out, "its certificate authority:\n{pem}")?;
    }
    Ok(())
}
