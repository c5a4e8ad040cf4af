//! `hearth doctor`: what this machine lacks, and how to mend it. Needs no server.

use anyhow::Result;
use serde_json::json;

use crate::cli::Global;
use crate::config::default_data_folder;
use crate::{serve, terminal};

/// Looks at the machine the way the server would. Exit code 1 when nothing can work.
pub async fn doctor(global: &Global) -> Result<u8> {
    let data = global.data.clone().unwrap_or_else(default_data_folder);
    let support = serve::machine_support(&data).await?;
    let lacks: Vec<_> = support
        .lacks
        .iter()
        .map(|lack| json!({"what": lack.what, "mend": lack.mend, "fatal": lack.fatal}))
        .collect();
    let document = json!({"usable": support.usable, "summary": support.summary, "lacks": lacks});
    terminal::show(global, &document, |_| {
        let sign = |bad: bool| if bad { "✗" } else { "!" };
        let mut lines = vec![format!("{} {}", if support.usable { "✓" } else { "✗" }, support.summary)];
        lines.extend(
            support
                .lacks
                .iter()
                .map(|lack| format!("{} {}\n  mend: {}", sign(lack.fatal), lack.what, lack.mend)),
        );
        if support.lacks.is_empty() {
            lines.push("✓ nothing is missing".into());
        }
        lines.join("\n")
    })?;
    Ok(u8::from(!support.usable))
}
