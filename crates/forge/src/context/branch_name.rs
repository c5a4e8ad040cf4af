//! The name of the branch that is made for an issue.

use domain::RefName;

/// No further word is added to a name that is longer than this.
const LONG_ENOUGH: usize = 30;

/// The branch for an issue: `login/words-of-the-title-7`.
///
/// The login in lower case and a slash; then the words of the title, whose letters are only a to z, each
/// with a hyphen, as long as what is there so far has at most 30 characters (so that one long word passes);
/// then the number. What Git does not take in a name becomes a hyphen.
pub fn branch_for_issue(login: &str, title: &str, number: u64) -> Option<RefName> {
    let mut branch = format!("{}/", login.to_lowercase());
    let title = title.to_lowercase();
    for word in title.split(|c: char| !c.is_ascii_lowercase()).filter(|word| !word.is_empty()) {
        if branch.chars().count() > LONG_ENOUGH {
            break;
        }
        branch.push_str(word);
        branch.push('-');
    }
    branch.push_str(&number.to_string());
    let legal: String = branch.chars().map(|c| if is_legal(c) { c } else { '-' }).collect();
    let name = legal.trim_start_matches(['-', '+', '/']);
    // Where the login makes no name: a dot first, `..`, far too long.
    name.parse().or_else(|_| format!("issue-{number}").parse()).ok()
}

fn is_legal(c: char) -> bool {
    !(c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c))
}
