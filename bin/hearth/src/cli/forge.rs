//! Options of the commands about forges, linked accounts and keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum ForgeCommand {
    /// List the forges that are registered.
    #[command(visible_alias = "ls")]
    List {
        /// Those of a team, by id or address, instead of the platform's.
        #[arg(long)]
        team: Option<String>,
    },
    /// Show one forge, with the redirect URI to register there.
    Show {
        /// Id, name or host.
        forge: String,
    },
    /// Register a forge. Prints the redirect URI that its application needs.
    Add {
        /// gitlab, github, gitea, `bitbucket_server`, `bitbucket_cloud`, `azure_devops` or `open_id`.
        kind: String,
        /// Where browsers reach it; the product's public home by default.
        url: Option<String>,
        /// The team it is for; the whole platform by default.
        #[arg(long)]
        team: Option<String>,
        #[command(flatten)]
        settings: ForgeSettings,
    },
    /// Change a forge; what is not given stays, an empty text takes away.
    Update {
        /// Id, name or host.
        forge: String,
        /// Where browsers reach it.
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        settings: ForgeSettings,
    },
    /// Try it step by step, and say how to mend what fails. Exit code 1 when a step fails.
    Check {
        /// Id, name or host.
        forge: String,
        /// Trust the SSH host keys that were found from now on.
        #[arg(long)]
        trust_host_keys: bool,
    },
    /// Remove a forge. Linked accounts are revoked there.
    #[command(visible_alias = "rm")]
    Remove {
        /// Id, name or host.
        forge: String,
        /// Also if people lose their last way to sign in.
        #[arg(long)]
        force: bool,
    },
}

/// What can be set about a forge.
#[derive(Debug, Args)]
pub struct ForgeSettings {
    /// Name to show.
    #[arg(long)]
    pub name: Option<String>,
    /// Where this server reaches its API, if elsewhere.
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,
    /// Where Git reaches it over HTTP, if elsewhere.
    #[arg(long, value_name = "URL")]
    pub git_url: Option<String>,
    /// Where Git reaches it over SSH: `host`, `host:port` or `user@host:port`.
    #[arg(long, value_name = "HOST")]
    pub ssh: Option<String>,
    /// oauth2, oauth1 or `personal_token`.
    #[arg(long, value_name = "METHOD")]
    pub auth: Option<String>,
    /// The application's id, or the consumer key.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// File with the application's secret; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// own, shared, dashed or connector: which address the application sends browsers back to.
    #[arg(long, value_name = "WHICH")]
    pub redirect: Option<String>,
    /// What to ask for; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// File with additional certificate authorities, PEM.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// File with our certificate towards it, PEM.
    #[arg(long, value_name = "FILE")]
    pub client_certificate_file: Option<PathBuf>,
    /// File with the private key of that certificate, PEM.
    #[arg(long, value_name = "FILE")]
    pub client_key_file: Option<PathBuf>,
    /// A proxy to reach it through.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Whether people may sign in with it.
    #[arg(long, value_name = "BOOL")]
    pub sign_in: Option<bool>,
    /// closed, open, or the domains of addresses that get an account, with commas.
    #[arg(long, value_name = "WHO")]
    pub sign_up: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum LinkCommand {
    /// List forges and your accounts there.
    #[command(visible_alias = "ls")]
    List,
    /// Link an account with a personal access token from standard input; without `--token-stdin` prints the
    /// page to open in the browser.
    Add {
        /// Id, name or host of the forge.
        forge: String,
        /// Read a personal access token from standard input.
        #[arg(long)]
        token_stdin: bool,
    },
    /// Revoke a link and forget it.
    #[command(visible_alias = "rm")]
    Remove {
        /// Id, name or host of the forge, or id of the link.
        forge: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum SshKeyCommand {
    /// Print your public key; it is made at the first time.
    Show,
    /// Replace your key pair. The old key is removed from linked forges.
    Regenerate,
    /// Upload the key again to linked forges where that failed.
    Upload,
}
