//! The agent, put together: engine, guard, session, hooks, and the tools of this program.

use std::sync::Arc;

use corecoder::{Agent, Host, Llm, Tool, tools};
use corecoder_guard::Guard;
use corecoder_sessions::record::Recorder;
use corecoder_sessions::track::Tracker;

use crate::args::Args;
use crate::keep::Kept;
use crate::person::Person;
use crate::plan::PresentPlan;
use crate::project::Project;
use crate::todo::{self, TodoWrite};

/// The agent that works in this session, for this person. What happens is told to `host`, which asks the person.
pub fn agent(
    llm: Llm,
    args: &Args,
    project: &Project,
    kept: &mut Kept,
    person: &Person,
    host: Arc<dyn Host>,
) -> Agent {
    let config = &project.settings.config;
    let mut tools = all(person);
    let refused = refused(args);
    tools.retain(|tool| !refused.contains(&tool.spec().name));
    tools = person.places.follow(&tools);
    let mut agent = Agent::new(llm)
        .folder(&project.places.cwd)
        .shell(Guard::new(corecoder::shell::Bash, config.home.clone()))
        .instructions(&project.words(args))
        .window(config.max_context);
    if let Some(turns) = project.settings.max_turns {
        agent = agent.rounds(usize::try_from(turns).unwrap_or(usize::MAX));
    }
    let mut told = host;
    if let Some(session) = &kept.session {
        let root = agent.kit().files.root().to_path_buf();
        tools = Tracker::new(session.clone(), root).follow(&tools);
        told = Arc::new(Recorder::new(session.clone(), told));
        person.hooks.session(&session.id(), Some(session.path()));
    }
    // A hook that replaces an input does so before anything is followed.
    agent = agent.tools(person.hooks.follow(&tools)).host(told);
    agent.resume(std::mem::take(&mut kept.entries));
    person.deliver_to(&agent.kit().inbox);
    person.modes.recall(&agent);
    todo::recall(&agent);
    agent
}

fn all(person: &Person) -> Vec<Arc<dyn Tool>> {
    let mut tools = tools::seven();
    tools.push(Arc::new(TodoWrite));
    tools.push(Arc::new(PresentPlan(person.modes.clone())));
    tools
}

/// The names of the agent's tools.
pub fn names(args: &Args, person: &Person) -> Vec<String> {
    let refused = refused(args);
    let names = all(person).into_iter().map(|tool| tool.spec().name);
    let mut names: Vec<String> = names.filter(|name| !refused.contains(name)).collect();
    names.sort();
    names
}

/// The tools that are refused whole: the model is not told of them.
fn refused(args: &Args) -> Vec<String> {
    let rules = args
        .permissions
        .disallowed_tools
        .iter()
        .flat_map(|rules| &rules.0);
    rules
        .map(|rule| rule.to_string())
        .filter(|rule| !rule.contains('('))
        .collect()
}
