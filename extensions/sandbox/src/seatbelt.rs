//! macOS: the policy as a profile for `sandbox-exec`, in the language that its own profiles in /System/Library/Sandbox use.
//!
//! Limits and the end of all processes are not kept there. Written by the documents; not tried on a Mac.

use std::path::Path;
use std::process::Command;

use crate::borders::{Borders, temporary};
use crate::mechanism::Job;
use crate::policy::{Network, REPOSITORY, SETTINGS};

/// The process for a line.
pub(crate) fn command(job: &Job, line: &str) -> Command {
    let mut command = Command::new("/usr/bin/sandbox-exec");
    command
        .arg("-p")
        .arg(profile(job))
        .args(["bash", "-c", line]);
    command
}

/// The profile: later rules win over earlier ones.
pub(crate) fn profile(job: &Job) -> String {
    let mut rules = vec![
        "(version 1)".to_string(),
        "(allow default)".to_string(),
        "(deny file-write*)".to_string(),
        "(deny mach-task-name process-info* (target others))".to_string(),
        r#"(allow file-write* (literal "/dev/null") (literal "/dev/zero") (regex #"^/dev/(tty|fd/)"))"#.to_string(),
    ];
    let borders = Borders::new(&job.policy, &job.scratch);
    rules.extend(
        borders
            .open()
            .map(|path| format!("(allow file-write* (subpath {}))", quoted(path))),
    );
    for root in job.policy.roots() {
        let settings = SETTINGS.iter().map(|name| root.join(name));
        let repository = REPOSITORY.iter().map(|name| root.join(".git").join(name));
        let kept = settings.chain(repository);
        rules.extend(kept.map(|path| format!("(deny file-write* (subpath {}))", quoted(&path))));
        rules.push(format!(
            "(deny file-write-unlink (literal {}))",
            quoted(&root.join(".git"))
        ));
    }
    let hidden = job.policy.hidden();
    rules.extend(
        hidden
            .iter()
            .map(|path| format!("(deny file-read* (subpath {}))", quoted(path))),
    );
    if job.policy.network != Network::All {
        rules.push("(deny network*)".to_string());
        let own = quoted(&temporary(&job.scratch));
        rules.push(format!("(allow network* (subpath {own}))"));
    }
    rules.join("\n")
}

/// A path as a string of the profile's language, which is Scheme's.
fn quoted(path: &Path) -> String {
    let text = path
        .to_string_lossy()
        .replace('\\', r"\\")
        .replace('"', "\\\"");
    format!("\"{text}\"")
}
