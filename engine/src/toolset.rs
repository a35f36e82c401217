//! The tools of an agent, which may grow while it works: a server that was slow to start brings its own late.

use std::sync::Arc;

use parking_lot::RwLock;

use crate::tools::Tool;

/// Tools in the order of their names, so that a request's prefix is the same each time; a clone is the same set.
#[derive(Clone, Default)]
pub struct Toolset(Arc<RwLock<Vec<Arc<dyn Tool>>>>);

impl Toolset {
    pub fn new(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Toolset {
        let toolset = Toolset::default();
        tools.into_iter().for_each(|tool| toolset.add(tool));
        toolset
    }

    /// Has this tool from now on, in place of one of the same name. The model is told of it at the tail, and it is part of
    /// the prefix after the next compaction.
    pub fn add(&self, tool: Arc<dyn Tool>) {
        let mut tools = self.0.write();
        let name = tool.spec().name;
        match tools.binary_search_by(|other| other.spec().name.cmp(&name)) {
            Ok(at) => tools[at] = tool,
            Err(at) => tools.insert(at, tool),
        }
    }

    /// Takes a tool away. What was told of it is not taken back, so a call of it is answered with what there is.
    pub fn remove(&self, name: &str) {
        self.0.write().retain(|tool| tool.spec().name != name);
    }

    /// The tool of this name.
    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let tools = self.0.read();
        tools.iter().find(|tool| tool.spec().name == name).cloned()
    }

    /// All of them.
    pub fn list(&self) -> Vec<Arc<dyn Tool>> {
        self.0.read().clone()
    }
}
