//! `cargo xtask tidy`: rules about the tree that no compiler checks.
//!
//! Each check answers every fault it finds, so that one run shows all of them.

mod architecture;
mod layers;
mod modules;
mod names;
mod places;
mod sizes;
mod tree;

use anyhow::{Result, bail};

use tree::Tree;

/// One fault: where, and what to do about it.
type Faults = Vec<String>;

/// Runs all checks and prints what is wrong.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::of_project()?;
    let checks: [(&str, Faults); 6] = [
        ("layers", layers::check()?),
        ("file sizes", sizes::check(&tree)),
        ("modules", modules::check(&tree)),
        ("file names", names::check(&tree)),
        ("documents", architecture::check(&tree)),
        ("places", places::check(&tree)),
    ];
    let mut count = 0;
    for (name, faults) in &checks {
        println!(
            "{name}: {}",
            if faults.is_empty() { "tidy".into() } else { format!("{} fault(s)", faults.len()) }
        );
        for fault in faults {
            println!("  {fault}");
        }
        count += faults.len();
    }
    if count > 0 {
        bail!("the tree is not tidy: {count} fault(s), listed above");
    }
    Ok(())
}
