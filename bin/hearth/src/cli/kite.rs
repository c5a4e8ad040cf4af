//! Options of the commands about kites.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum KiteCommand {
    /// List the kites you may see.
    #[command(visible_alias = "ls")]
    List(KiteQuery),
    /// Show a kite.
    Show {
        /// Id, name, or name of the workspace whose agent is meant.
        kite: String,
    },
    /// Call a method of a kite and print its result as JSON.
    Call(KiteCall),
    /// Print kites as they come and go.
    Watch(KiteQuery),
    /// Print a token that lets its holder call one kite as you, until it ends.
    Token {
        /// Id, name, or name of the workspace whose agent is meant.
        kite: String,
    },
    /// Let somebody call a kite of yours. Of a workspace's agent that means: do everything inside.
    Share {
        /// Name or id of a workspace, running or not; `environment/name`, name or id of a service.
        kite: String,
        /// Name or id of the person.
        user: String,
    },
    /// Take that back.
    Unshare {
        /// Name or id of a workspace, running or not; `environment/name`, name or id of a service.
        kite: String,
        /// Name or id of the person.
        user: String,
    },
    /// List whom a kite is shared with.
    Shares {
        /// Name or id of a workspace, running or not; `environment/name`, name or id of a service.
        kite: String,
    },
    /// Keys that programs register kites with.
    #[command(subcommand)]
    Key(KiteKeyCommand),
}

/// Which kites; every one where nothing is given.
#[derive(Debug, Args)]
pub struct KiteQuery {
    /// Whose.
    #[arg(long)]
    pub username: Option<String>,
    /// In which environment.
    #[arg(long)]
    pub environment: Option<String>,
    /// Called what.
    #[arg(long)]
    pub name: Option<String>,
    /// Of which version: one, or a constraint such as `>= 1.0, < 2.0`.
    #[arg(long = "kite-version", value_name = "VERSION")]
    pub version: Option<String>,
    /// In which region.
    #[arg(long)]
    pub region: Option<String>,
    /// On which machine; of an agent, in which workspace.
    #[arg(long)]
    pub hostname: Option<String>,
}

#[derive(Debug, Args)]
pub struct KiteCall {
    /// Id, name, or name of the workspace whose agent is meant.
    pub kite: String,
    /// Method, such as `fs.readDirectory`.
    pub method: String,
    /// Arguments as JSON, such as `'{"path":"."}'`; what is no JSON is taken as text. `@name`, also inside,
    /// is a function: what it is called with is printed, a line each. `@@name` is the text `@name`. What
    /// begins with `-` and is no number comes after `--`.
    #[arg(allow_negative_numbers = true)]
    pub arguments: Vec<String>,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    pub timeout: u64,
    /// Stay connected after the answer and print what functions are called with, until interrupted.
    #[arg(short, long)]
    pub follow: bool,
}

#[derive(Debug, Subcommand)]
pub enum KiteKeyCommand {
    /// List your kite keys.
    #[command(visible_alias = "ls")]
    List,
    /// Make one. It is printed, or kept in a file, this once.
    Create {
        /// What it is for.
        name: String,
        /// The team whose members may call what is registered with it, by id or address.
        #[arg(long)]
        team: Option<String>,
        /// After how many days it ends.
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
        /// New file to keep it in, such as `~/.kite/kite.key`, readable by you alone; printed where absent.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Make a code that one machine exchanges for a kite key within ten minutes, by the registry's
    /// `registerMachine`.
    Code {
        /// The team whose members may call what is registered with the key, by id or address.
        #[arg(long)]
        team: Option<String>,
    },
    /// End a key. What is registered with it is cut off.
    Revoke {
        /// Its id.
        key: String,
    },
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::{Cli, Command, Global, KiteCall, KiteCommand};

    fn call(line: &[&str]) -> (Global, KiteCall) {
        let parsed = Cli::try_parse_from(["hearth", "kite", "call"].iter().chain(line)).unwrap();
        let Command::Kite(wanted) = parsed.command else { panic!("a command about kites") };
        let KiteCommand::Call(options) = *wanted else { panic!("a call") };
        (parsed.global, options)
    }

    #[test]
    fn options_after_the_arguments_of_a_call_are_options() {
        let argument = r#"{"path":"/var/log/dpkg.log","watch":"@line"}"#;
        let (global, options) = call(&["my-workspace", "log.tail", argument, "--follow"]);
        assert_eq!(options.arguments, [argument]);
        assert!(options.follow && !global.json);

        let (global, options) =
            call(&["math", "add", "-5", "-0.5", "-1e3", "x", "-f", "--timeout", "3", "--json"]);
        assert_eq!(options.arguments, ["-5", "-0.5", "-1e3", "x"]);
        assert!(options.follow && global.json);
        assert_eq!(options.timeout, 3);

        let (_, options) = call(&["math", "add", "-f", "--", "--follow", "-x"]);
        assert_eq!(options.arguments, ["--follow", "-x"]);
    }
}
