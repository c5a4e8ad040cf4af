//! Names that a team's secrets may have: environment variables that steer nothing.

use crate::error::Error;

/// Longer names are no names.
const LONGEST: usize = 128;

/// Variables that steer a shell, a loader, an interpreter or the workspace itself: a program that everybody
/// runs must not become another one by a setting of the team. Proxies and tokens of tools are fine.
const TAKEN: &[&str] = &[
    "BASHOPTS",
    "BROWSER",
    "CDPATH",
    "EDITOR",
    "ENV",
    "GLIBC_TUNABLES",
    "HOME",
    "HOSTALIASES",
    "HOSTNAME",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LESSCLOSE",
    "LESSOPEN",
    "LOGNAME",
    "MAIL",
    "MALLOC_CHECK_",
    "NODE_OPTIONS",
    "OLDPWD",
    "PAGER",
    "PATH",
    "PERL5DB",
    "PERL5LIB",
    "PERL5OPT",
    "PERLLIB",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PWD",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "VISUAL",
    "ZDOTDIR",
];

/// Beginnings of such names.
const TAKEN_BEGINNINGS: &[&str] = &["BASH_", "DYLD_", "GIT_", "HEARTH_", "LC_", "LD_", "SSH_", "XDG_"];

/// Checks a secret's name (a POSIX environment variable, IEEE Std 1003.1, 8.1: letters, digits and
/// underscores, no digit first).
pub(super) fn parse_name(text: &str) -> Result<&str, Error> {
    let refuse = |what: &str| {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(64).collect();
        let mend = "choose a name such as `NPM_TOKEN`";
        Err(Error::invalid("name", format!("`{shown}` cannot be a secret's name: {what}"), mend))
    };
    if text.is_empty() || text.len() > LONGEST {
        return refuse("it must have 1 to 128 characters");
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return refuse("only letters, digits and underscores are allowed");
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return refuse("it must not begin with a digit");
    }
    // Some programs read their variables in lower case too.
    let upper = text.to_ascii_uppercase();
    if TAKEN.contains(&upper.as_str()) || TAKEN_BEGINNINGS.iter().any(|taken| upper.starts_with(taken)) {
        return refuse("this variable steers how programs run");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_tokens_pass_and_names_that_steer_programs_do_not() {
        for name in ["NPM_TOKEN", "A", "_x", "http_proxy", "Db2_URL", "AWS_SECRET_ACCESS_KEY", "PATHS"] {
            assert_eq!(parse_name(name).ok(), Some(name));
        }
        for name in [
            "",
            "1A",
            "A-B",
            "A B",
            "A=B",
            "Ä",
            "A\0",
            "A\n",
            "PATH",
            "path",
            "LD_PRELOAD",
            "ld_preload",
            "GIT_SSH",
            "SSH_AUTH_SOCK",
            "HEARTH_TOKEN",
            "BASH_ENV",
            "ENV",
            "DYLD_INSERT_LIBRARIES",
            "NODE_OPTIONS",
            "HOME",
        ] {
            assert!(parse_name(name).is_err(), "{name}");
        }
        assert!(parse_name(&"A".repeat(128)).is_ok() && parse_name(&"A".repeat(129)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_what_passes_can_be_an_environment_variable(text in ".{0,140}") {
            if let Ok(name) = parse_name(&text) {
                prop_assert!(!name.contains(['=', '\0']) && name.is_ascii());
                prop_assert!(!name.to_ascii_uppercase().starts_with("LD_"));
            }
        }
    }
}
