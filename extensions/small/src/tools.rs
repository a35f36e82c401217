//! The tools of a small model: few, and two of them with a second look before a write.
//!
//! A weak model whose test fails changes the test, and where it should write a file it writes the part that it
//! changed. Both are refused once, with what to do instead; who sends the same again means it.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use corecoder::{Effect, Kit, Spec, Tool};
use parking_lot::Mutex;
use serde_json::Value;

use crate::prompt;

/// What a small model works with.
pub(crate) const NAMES: [&str; 4] = ["bash", "edit_file", "read_file", "write_file"];

/// Of these tools those for a small model, with the second look.
pub fn tools(tools: &[Arc<dyn Tool>]) -> Vec<Arc<dyn Tool>> {
    let taken = tools
        .iter()
        .filter(|tool| NAMES.contains(&tool.spec().name.as_str()));
    let taken: Vec<_> = taken.cloned().collect();
    careful(&taken, &Arc::new(AtomicBool::new(true)))
}

/// These tools, with the second look from when `is_weak` is true on.
pub fn careful(tools: &[Arc<dyn Tool>], is_weak: &Arc<AtomicBool>) -> Vec<Arc<dyn Tool>> {
    let refused = Arc::new(Mutex::new(HashSet::new()));
    let careful = |tool: &Arc<dyn Tool>| -> Arc<dyn Tool> {
        match NAMES.contains(&tool.spec().name.as_str()) {
            true => Arc::new(Careful {
                tool: tool.clone(),
                refused: refused.clone(),
                is_weak: is_weak.clone(),
            }),
            false => tool.clone(),
        }
    };
    tools.iter().map(careful).collect()
}

struct Careful {
    tool: Arc<dyn Tool>,
    /// What was refused once, as text; such a call passes.
    refused: Arc<Mutex<HashSet<String>>>,
    is_weak: Arc<AtomicBool>,
}

#[async_trait]
impl Tool for Careful {
    fn spec(&self) -> Spec {
        self.tool.spec()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        let effect = self.tool.effect(args, kit)?;
        if self.is_weak.load(Ordering::Relaxed)
            && let Some(why) = doubt(args, kit)
            && self.refused.lock().insert(args.to_string())
        {
            return Err(why);
        }
        Ok(effect)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        self.tool.call(args, kit).await
    }
}

/// Why this write of a file that exists is not meant, most likely.
fn doubt(args: &Value, kit: &Kit) -> Option<String> {
    let name = args["file_path"].as_str()?;
    let (content, change) = (args["content"].as_str(), args["new_string"].as_str());
    let path = kit.files.resolve(name).ok()?;
    let new = content.or(change)?;
    if !path.is_file() {
        return None;
    }
    if is_test(name) {
        return Some(prompt::is_test(name));
    }
    content?;
    let old = std::fs::read_to_string(&path).ok()?;
    let (had, has) = (old.lines().count(), new.lines().count());
    let lines: HashSet<&str> = new.lines().map(str::trim).collect();
    let full = old.lines().map(str::trim).filter(|line| !line.is_empty());
    let (kept, lost): (Vec<&str>, Vec<&str>) = full.partition(|line| lines.contains(line));
    (has < had && kept.len() < lost.len()).then(|| prompt::is_part(name, had, has))
}

/// Whether a file is one of tests, by the names that test runners look for.
pub(crate) fn is_test(name: &str) -> bool {
    let path = Path::new(name);
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default()
        .to_lowercase();
    let marks = ["_test", ".test", "-test", "_spec", ".spec"];
    let inside = path.parent().into_iter().flat_map(Path::components);
    let mut folders = inside.map(|part| part.as_os_str().to_string_lossy().to_lowercase());
    stem.starts_with("test_")
        || marks.iter().any(|mark| stem.ends_with(mark))
        || folders.any(|folder| folder == "tests" || folder == "__tests__")
}
