//! Options of the commands about teams and the platform.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// List your teams.
    #[command(visible_alias = "ls")]
    List,
    /// Show a team.
    Show {
        /// Id or address.
        team: String,
    },
    /// Make a team; you become its owner.
    Create {
        /// Name in addresses, such as `acme`.
        slug: String,
        /// Name to show.
        #[arg(long)]
        name: Option<String>,
    },
    /// Change a team; what is not given stays.
    Update {
        /// Id or address.
        team: String,
        #[command(flatten)]
        change: TeamChange,
    },
    /// Delete a team that has no workspaces, with its forges and secrets.
    #[command(visible_alias = "rm")]
    Delete {
        /// Id or address.
        team: String,
    },
    /// List who belongs to a team.
    Members {
        /// Id or address.
        team: String,
    },
    /// Give somebody a place in a team, or another role.
    Add {
        /// Id or address.
        team: String,
        /// Name or id of the person.
        user: String,
        /// member, admin or owner.
        #[arg(long, default_value = "member")]
        role: String,
    },
    /// Take somebody out of a team. Their workspaces in it are stopped and kept.
    Remove {
        /// Id or address.
        team: String,
        /// Name or id of the person.
        user: String,
    },
    /// Make a link that lets one person in.
    Invite {
        /// Id or address.
        team: String,
        /// member, admin or owner.
        #[arg(long, default_value = "member")]
        role: String,
        /// Who it is meant for, to remember.
        #[arg(long)]
        note: Option<String>,
        /// Days until it ends.
        #[arg(long)]
        days: Option<u32>,
    },
    /// Secrets that the team's workspaces see as variables.
    #[command(subcommand)]
    Secret(SecretCommand),
}

/// What to change about a team.
#[derive(Debug, Args)]
pub struct TeamChange {
    /// Name in addresses.
    #[arg(long)]
    pub slug: Option<String>,
    /// Name to show.
    #[arg(long)]
    pub name: Option<String>,
    /// What its workspaces stand on; empty for the server's default.
    #[arg(long)]
    pub rootfs: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum SecretCommand {
    /// List the names.
    #[command(visible_alias = "ls")]
    List {
        /// Id or address of the team.
        team: String,
    },
    /// Set a secret to what is read from standard input.
    Set {
        /// Id or address of the team.
        team: String,
        /// Name of the variable.
        name: String,
    },
    /// Remove a secret.
    #[command(visible_alias = "rm")]
    Remove {
        /// Id or address of the team.
        team: String,
        /// Name of the variable.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// The keys that seal secrets.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// What holds for everybody.
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// The keys that the registry of kites signs with.
    #[command(subcommand)]
    RegistryKey(RegistryKeyCommand),
}

#[derive(Debug, Subcommand)]
pub enum RegistryKeyCommand {
    /// List them.
    #[command(visible_alias = "ls")]
    List,
    /// Sign with a new key from now on. Kites are given new kite keys when they register next.
    Rotate {
        /// Void everything that older keys have signed, at once: for a key that somebody else has.
        #[arg(long)]
        revoke_older: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Show how secrets are sealed, and how far a rotation is.
    Status,
    /// Replace keys while everything goes on.
    Rotate {
        /// `platform`: a new platform key wraps all data keys. `data`: new data keys seal all secrets.
        #[arg(long, default_value = "data")]
        level: String,
        /// Do not wait until it is done.
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum SettingsCommand {
    /// Show them.
    Show,
    /// Change them; what is not given stays.
    Set {
        /// What new SSH keys are made with: ed25519, ecdsa-p256 or rsa-4096.
        #[arg(long)]
        ssh_algorithm: Option<String>,
        /// Whether people may sign in with a password.
        #[arg(long)]
        password_sign_in: Option<bool>,
        /// Who may make teams: admins or everybody.
        #[arg(long)]
        make_teams: Option<String>,
        /// Address of the team where a new person's first workspaces go.
        #[arg(long)]
        default_team: Option<String>,
    },
}
