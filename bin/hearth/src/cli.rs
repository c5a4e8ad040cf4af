//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

mod forge;
mod kite;
mod team;

pub use forge::{ForgeCommand, ForgeSettings, LinkCommand, SshKeyCommand};
pub use kite::{KiteCall, KiteCommand, KiteKeyCommand, KiteQuery};
pub use team::{AdminCommand, KeysCommand, RegistryKeyCommand, SecretCommand, SettingsCommand, TeamCommand};

/// Ready, isolated workspaces from any Git repository, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "hearth", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Print JSON for programs.
    #[arg(long, global = true)]
    pub json: bool,
    /// Folder with everything Hearth keeps; its socket signs you in on the same machine.
    #[arg(long, global = true, env = "HEARTH_DATA_DIR", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Server to talk to instead, such as `https://hearth.example.com`.
    #[arg(long, global = true, env = "HEARTH_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// API token for that server.
    #[arg(long, global = true, env = "HEARTH_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start Hearth for yourself, here and now: loopback allowed, address printed, ready in a second.
    Up(Serve),
    /// Start the server for a team; everything from configuration.
    Serve(Serve),
    /// Remember a server and an API token for this user.
    Login {
        /// The server's address.
        url: String,
    },
    /// Start a workspace from the URL of any page of a forge, or an existing one by name or id.
    Start(Start),
    /// List workspaces.
    #[command(visible_alias = "ls")]
    List,
    /// Open a workspace in the browser.
    Open {
        /// Name or id.
        workspace: String,
    },
    /// Run a command in a workspace; its exit code becomes this program's.
    Exec(Exec),
    /// Show a workspace's log.
    Logs {
        /// Name or id.
        workspace: String,
        /// Go on showing new lines.
        #[arg(short, long)]
        follow: bool,
    },
    /// Stop a workspace; its files are kept.
    Stop {
        /// Name or id.
        workspace: String,
    },
    /// Make a copy of a stopped workspace, in constant time.
    Fork {
        /// Name or id.
        workspace: String,
    },
    /// Delete a workspace with all its files.
    #[command(visible_alias = "rm")]
    Delete {
        /// Name or id.
        workspace: String,
    },
    /// Say what the URL of a page of a forge means.
    Context {
        /// Of a project, branch, commit, file, merge request, issue …
        url: String,
    },
    /// Git hosting instances and identity providers. For administrators.
    #[command(subcommand)]
    Forge(Box<ForgeCommand>),
    /// Your accounts on forges.
    #[command(subcommand)]
    Link(LinkCommand),
    /// Your SSH key pair.
    #[command(subcommand)]
    SshKey(SshKeyCommand),
    /// Teams, their members and secrets.
    #[command(subcommand)]
    Team(TeamCommand),
    /// Services that speak the Kite protocol, the agents of workspaces among them.
    #[command(subcommand)]
    Kite(Box<KiteCommand>),
    /// What only administrators do.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Images that workspaces can start from. For administrators.
    #[command(subcommand)]
    Image(ImageCommand),
    /// Look at and check the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Say what this machine lacks, and how to mend it.
    Doctor,
    /// Print the API's OpenAPI document.
    Openapi,
}

/// Options of the server.
#[derive(Debug, Args)]
pub struct Serve {
    /// Address and port to listen on (default 127.0.0.1:8090).
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Address people use.
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// `sqlite:/path` or `postgres://…`.
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Configuration file.
    #[arg(long, env = "HEARTH_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Any key of the configuration, such as `forge.gitlab.url=https://…`; may be given several times.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub settings: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Start {
    /// URL of any page of a forge, or the name or id of a workspace that has stopped; nothing for an empty one.
    pub what: Option<String>,
    /// Branch, tag or commit to check out.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// Name of the workspace; the repository's by default.
    #[arg(long)]
    pub name: Option<String>,
    /// `host`, or an image such as `debian:12`.
    #[arg(long)]
    pub rootfs: Option<String>,
    /// The team it is for, by id or address.
    #[arg(long)]
    pub team: Option<String>,
    /// A variable in the URL that may be set; may be given several times.
    #[arg(long = "confirm", value_name = "NAME")]
    pub confirmed: Vec<String>,
    /// Do not wait until it is ready.
    #[arg(long)]
    pub no_wait: bool,
}

#[derive(Debug, Args)]
pub struct Exec {
    /// Name or id.
    pub workspace: String,
    /// Folder to run in; the repository's by default.
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<String>,
    /// Extra variables, as `NAME=value`.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// End the command after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u32>,
    /// The command and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub enum ImageCommand {
    /// List the images on the server's machine.
    #[command(visible_alias = "ls")]
    List,
    /// Take in an archive made by `docker save`, or a tar of an OCI layout.
    Import {
        /// The archive; `-` for standard input.
        file: PathBuf,
        /// Name to give it, where the archive says none or another.
        #[arg(long)]
        name: Option<String>,
    },
    /// Fetch an image from its registry.
    Pull {
        /// Such as `debian:12` or `registry.example.com/team/image:tag`.
        reference: String,
    },
    /// Forget an image by name or id. Workspaces that stand on it keep their files.
    #[command(visible_alias = "rm")]
    Remove {
        /// Name or id.
        image: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Name every problem of the configuration at once.
    Check {
        /// The file to check.
        #[arg(long, env = "HEARTH_CONFIG", value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the default file with every key explained.
    Default,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
