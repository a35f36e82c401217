//! What stands before the first entry, and what is told behind the last one instead of changing it.

use std::collections::BTreeMap;

use crate::context::tokens;
use crate::kit::Kit;
use crate::prompt;
use crate::tools::Spec;

/// System prompt and tools. They stay as they are from one compaction to the next, whatever changes in the kit.
pub struct Prefix {
    pub system: String,
    pub tools: Vec<Spec>,
    /// Tokens, estimated.
    pub size: u64,
}

impl Prefix {
    pub fn of(kit: &Kit) -> Prefix {
        let system = prompt::system(kit);
        let tools: Vec<Spec> = kit.tools.list().iter().map(|tool| tool.spec()).collect();
        let size = tokens::of_prefix(&system, &tools);
        Prefix {
            system,
            tools,
            size,
        }
    }

    /// What the model must know besides, by name: the standing texts, and the tools that came late.
    pub fn standing(&self, kit: &Kit) -> BTreeMap<String, String> {
        let mut standing = kit.standing.texts();
        let mut names = kit.tools.names();
        names.retain(|name| !self.tools.iter().any(|known| known.name == *name));
        for tool in names.iter().filter_map(|name| kit.tools.get(name)) {
            let tool = tool.spec();
            standing.insert(format!("tool {}", tool.name), prompt::late_tool(&tool));
        }
        standing
    }
}
