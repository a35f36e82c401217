//! Commands that get at what the agent learns from, and those that hold on to the output.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::{World, contents};

#[test]
fn the_folder_is_told_in_the_scratch_folder_and_nothing_stays_there() {
    let mut world = World::new();
    fs::create_dir(world.path("inside/sub")).unwrap();
    let command = "ls -A ../scratch | wc -l; set -o noclobber; cd sub";
    let answer = world.call("bash", json!({"command": command}));
    assert_eq!(answer.trim(), "1");
    assert_eq!(world.agent.kit().files.cwd(), world.path("inside/sub"));
    assert_eq!(contents(&world.path("scratch")), []);
}

#[test]
fn what_a_command_puts_in_the_place_of_the_folders_file_is_not_read() {
    let rows = [
        "rm $file; mkfifo $file",
        "rm $file; mkfifo $file; sleep 20.25 >$file 2>&1 </dev/null &",
        "rm $file; ln -s /dev/zero $file",
        "rm $file; mkdir $file",
        "rm $file; ln -s ../outside/told $file",
        "rm $file; pwd -P >../outside/told; ln ../outside/told $file",
        "printf 'x\\n' >$file; trap - EXIT",
        "yes | head -c 2000000 >$file; trap - EXIT",
    ];
    for command in rows {
        let mut world = World::new();
        world.put("outside/told", "/\n");
        let command = format!(
            "file=$(echo {}/.tmp*); {command}",
            world.fence.scratch.display()
        );
        let start = Instant::now();
        let answer = world.call("bash", json!({"command": command, "timeout": 20}));
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "{command}: {answer}"
        );
        let cwd = world.agent.kit().files.cwd();
        assert_eq!(cwd, world.path("inside"), "{command}");
    }
}

#[test]
fn after_a_timeout_the_output_is_read_to_its_end() {
    let mut world = World::new();
    // The line of a process that was killed is empty.
    let late = r#"setsid sh -c "while grep -q sleep /proc/$$/cmdline; do :; done; echo late""#;
    let command = format!("{late} & echo early; sleep 62.25");
    let answer = world.call("bash", json!({"command": command, "timeout": 1}));
    assert!(answer.ends_with("early\nlate"), "{answer}");
}

#[test]
fn who_keeps_the_output_open_is_waited_for_a_second_at_most() {
    let mut world = World::new();
    let quiet = "setsid sh -c 'echo $$ >quiet; exec sleep 63.25' & sleep 63.26";
    let rows = [quiet, "setsid yes & sleep 63.27"];
    for command in rows {
        let start = Instant::now();
        let answer = world.call("bash", json!({"command": command, "timeout": 1}));
        assert!(answer.contains("timed out after 1 s"), "{answer}");
        assert!(start.elapsed() < Duration::from_secs(6), "{command}");
    }
    world.call("bash", json!({"command": "kill $(cat quiet)"}));
}
