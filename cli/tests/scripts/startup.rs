//! Much to begin with: all of it reaches the first request.

use serde_json::{Value, json};

use crate::place::Place;
use crate::provider::{Provider, says};

#[test]
fn twenty_skills_five_hooks_and_32_kib_of_instructions_reach_the_first_request() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    for n in 0..20 {
        let text = format!("---\nname: skill-{n}\ndescription: Does the thing {n}.\n---\nHow.");
        place.brings(&format!(".corecoder/skills/skill-{n}/SKILL.md"), &text);
    }
    let hook = |n: usize| json!({"command": format!("echo heard by hook {n}")});
    let hooks: Vec<Value> = (0..5).map(hook).collect();
    place.brings(
        ".corecoder/hooks.json",
        &json!({"SessionStart": hooks}).to_string(),
    );
    let line = |n: usize| format!("{n:05} keep this in mind, whatever it is about.\n");
    let mut instructions: String = (0..).map(line).take(32 * 1024 / line(0).len()).collect();
    let last = instructions.lines().last().unwrap().to_string();
    instructions.extend(std::iter::repeat_n('.', 32 * 1024 - instructions.len()));
    place.brings("AGENTS.md", &instructions);
    let (_, stderr) = place.done(&provider, &["-p", "hi", "--trust"]);
    assert!(!stderr.contains("left out"), "{stderr}");
    let (system, told) = (provider.system(), provider.told(0));
    for n in 0..20 {
        assert!(
            system.contains(&format!("- skill-{n}: Does the thing {n}. (")),
            "{n}"
        );
    }
    for n in 0..5 {
        assert!(told.contains(&format!("heard by hook {n}")), "{told}");
    }
    for part in ["00000 keep this in mind", &last, "..."] {
        assert!(system.contains(part), "{part}");
    }
}

#[test]
fn one_byte_more_is_said() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    place.brings("AGENTS.md", &"line\n".repeat(32 * 1024 / 5 + 2));
    let (_, stderr) = place.done(&provider, &["-p", "hi"]);
    assert!(
        stderr.contains("AGENTS.md") && stderr.contains("left out"),
        "{stderr}"
    );
    assert!(provider.system().contains("are left out here"));
}
