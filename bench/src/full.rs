//! A folder with everything that is read before the first request: instructions, skills, hooks, settings.

use std::fs;
use std::path::Path;

use serde_json::json;

/// Fills a project: 20 skills, 5 hooks, an `AGENTS.md` of 32 KiB, rules. What it costs to trust it is a flag's.
pub fn fill(project: &Path) -> std::io::Result<()> {
    fs::create_dir_all(project.join(".git"))?;
    let line =
        "- Keep the style of the file that you change, see @docs/style and @maria for more.\n";
    let agents = line.repeat((32 << 10) / line.len());
    fs::write(project.join("AGENTS.md"), agents)?;
    for number in 1..=20 {
        let folder = project.join(format!(".agents/skills/skill-{number}"));
        fs::create_dir_all(&folder)?;
        let head =
            format!("---\nname: skill-{number}\ndescription: What to do in case {number}.\n---\n");
        let body = "Do this, then that, and look at the result.\n".repeat(100);
        fs::write(folder.join("SKILL.md"), head + &body)?;
    }
    let hook = |matcher: &str| json!([{"matcher": matcher, "hooks": [{"type": "command", "command": "true"}]}]);
    let settings = json!({
        "permissions": {"allow": ["bash(cargo test*)", "edit_file(src/**)"], "deny": ["bash(rm*)"]},
        "hooks": {
            "SessionStart": hook(""), "UserPromptSubmit": hook(""), "PreToolUse": hook("bash"),
            "PostToolUse": hook("edit_file"), "Stop": hook(""),
        },
    });
    fs::create_dir_all(project.join(".corecoder"))?;
    fs::write(
        project.join(".corecoder/settings.json"),
        settings.to_string(),
    )
}
