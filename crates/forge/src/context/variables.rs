//! Variables that an address wants to set: read, and filtered with a reason for each that is left out.
//!
//! An address comes from anybody, so nothing that steers a shell, a loader, an interpreter or our own parts
//! gets through, and what does acts only once the person has confirmed it.

use domain::ContextOptions;
use domain::context::{RefusedVariable, Variable};
use percent_encoding::percent_decode_str;

/// Most variables in one address.
const MOST: usize = 64;
/// Longest name.
const NAME_MAX: usize = 128;
/// Longest value, in bytes.
const VALUE_MAX: usize = 2048;
/// As much of a bad name as is shown.
const SHOWN: usize = 64;

/// Names, compared in upper case.
const NAMES: &[&str] = &[
    "ALL_PROXY",
    "BASHOPTS",
    "BROWSER",
    "CC",
    "CDPATH",
    "CXX",
    "DISPLAY",
    "EDITOR",
    "ENV",
    "EXINIT",
    "FCEDIT",
    "FTP_PROXY",
    "GLIBC_TUNABLES",
    "GTK_MODULES",
    "HOSTALIASES",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IFS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "LOCALDOMAIN",
    "LOGNAME",
    "MAKEFLAGS",
    "MANPAGER",
    "NO_PROXY",
    "OLDPWD",
    "PAGER",
    "PATH",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PWD",
    "RSYNC_RSH",
    "RUBYLIB",
    "RUBYOPT",
    "RUSTFLAGS",
    "SHELL",
    "SHELLOPTS",
    "TERMCAP",
    "TERMINFO",
    "TMP",
    "TEMP",
    "TMPDIR",
    "USER",
    "VIMINIT",
    "VISUAL",
    "ZDOTDIR",
];

/// Beginnings, compared in upper case.
const BEGINNINGS: &[&str] = &[
    "BASH_",
    "BUNDLE_",
    "CARGO_",
    "CURL_",
    "DOCKER_",
    "DOTNET_",
    "DYLD_",
    "FISH_",
    "GCC_",
    "GEM_",
    "GIT_",
    "GITPOD_",
    "HEARTH_",
    "JAVA_",
    "LC_",
    "LD_",
    "MALLOC_",
    "MAVEN_",
    "NODE_",
    "NPM_",
    "PERL",
    "PIP_",
    "PYTHON",
    "RUBY",
    "RUSTC_",
    "SSH_",
    "SSL_",
    "SUDO_",
    "SUPERVISOR_",
    "SYSTEMD_",
    "THEIA_",
    "VSCODE_",
    "XDG_",
    "ZSH",
];

/// Ends, compared in upper case.
const ENDS: &[&str] =
    &["_PATH", "_HOME", "_CONFIG", "_OPTIONS", "_OPTS", "_STARTUP", "_INIT", "_ASKPASS", "_PRELOAD"];

/// Whether the first part of an address is a list of variables and not a host.
pub(super) fn are_in(head: &str) -> bool {
    head.split_once('=').is_some_and(|(before, _)| !before.contains([':', '@', '?', '#', '[']))
}

/// Reads `A=1,B=2`. The last of two with one name counts.
pub(super) fn read(head: &str, options: &mut ContextOptions) {
    for pair in head.split(',').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        let judged = if options.variables.len() + options.refused_variables.len() < MOST {
            judge(pair)
        } else {
            Err(format!("an address sets at most {MOST} variables"))
        };
        options.variables.retain(|variable| variable.name != name);
        match judged {
            Ok(variable) => {
                options.refused_variables.retain(|refused| refused.name != name);
                options.variables.push(variable);
            }
            // Enough to see what happened.
            Err(_) if options.refused_variables.len() > MOST => return,
            Err(why) => {
                let name = name.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
                options.refused_variables.push(RefusedVariable { name, why });
            }
        }
    }
}

fn judge(pair: &str) -> Result<Variable, String> {
    let Some((name, value)) = pair.split_once('=') else {
        return Err("there is no `=` behind the name".into());
    };
    judge_name(name)?;
    if value.contains('=') {
        return Err("there is more than one `=`; write `%3D` for one within the value".into());
    }
    let value = percent_decode_str(value).decode_utf8().map_err(|_| "the value is not UTF-8")?;
    if value.is_empty() {
        return Err("the value is empty".into());
    }
    if value.len() > VALUE_MAX {
        return Err(format!("the value is longer than {VALUE_MAX} bytes"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.?=".contains(&byte);
    if !value.bytes().all(plain) {
        return Err("the value has other characters than letters, digits and `_-.?=`".into());
    }
    Ok(Variable { name: name.to_owned(), value: value.into_owned() })
}

fn judge_name(name: &str) -> Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err("the name has other characters than letters, digits, `_` and `-`".into());
    }
    if name.len() > NAME_MAX {
        return Err(format!("the name is longer than {NAME_MAX} characters"));
    }
    let upper = name.to_ascii_uppercase();
    let steers = NAMES.contains(&upper.as_str())
        || BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning))
        || ENDS.iter().any(|end| upper.ends_with(end))
        || upper == "HOME";
    if steers {
        return Err("this name steers programs, so that no address may set it".into());
    }
    Ok(())
}
