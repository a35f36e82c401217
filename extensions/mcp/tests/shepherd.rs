//! Nothing that a server started outlives the program, however that ends.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::*;
use corecoder_mcp::{Connection, Shepherd};
use serde_json::json;

/// Set for the program that is to be killed.
const FOLDER: &str = "MCP_TEST_FOLDER";

async fn stubborn() -> Connection {
    open(&stdio("python3", &[&beside("hostile.py"), "stubborn"])).await
}

/// Has a server leave two processes that left its session, one of which has no parent any more; their numbers and the server's.
async fn leave(connection: &Connection, folder: &Path) -> [i32; 3] {
    let server = text(connection, "leave", json!({"folder": folder})).await;
    let left = |kind: &str| fs::read_to_string(folder.join(kind)).unwrap();
    [server, left("once"), left("twice")].map(|pid| pid.parse().unwrap())
}

/// The other process of the test below: it opens a connection, tells the numbers, and waits for its end.
#[tokio::test]
async fn a_program_with_a_server_waits_if_it_is_asked_to() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let connection = stubborn().await;
    let pids = leave(&connection, folder).await;
    let pids = pids.map(|pid| pid.to_string()).join(" ");
    fs::write(folder.join("part"), pids).unwrap();
    fs::rename(folder.join("part"), folder.join("pids")).unwrap();
    std::future::pending().await
}

#[tokio::test]
async fn a_program_that_is_killed_takes_all_that_its_server_started_with_it() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_program_with_a_server_waits_if_it_is_asked_to"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pids = folder.path().join("pids");
    for _ in 0..3000 {
        if pids.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let pids = fs::read_to_string(pids).unwrap();
    let pids: Vec<i32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    // SIGKILL.
    program.kill().unwrap();
    program.wait().unwrap();
    for pid in pids {
        gone(pid).await;
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_takes_all_that_its_server_started_with_it() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let connection = stubborn().await;
    let pids = leave(&connection, folder.path()).await;
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    connection.close().await;
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[tokio::test]
async fn a_connection_that_is_dropped_takes_all_that_its_server_started_with_it() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let connection = stubborn().await;
    let pids = leave(&connection, folder.path()).await;
    drop(connection);
    for pid in pids {
        gone(pid).await;
    }
}

#[tokio::test]
async fn a_server_that_dies_leaves_nothing() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let connection = stubborn().await;
    let pids = leave(&connection, folder.path()).await;
    let died = connection.call("die", args(json!({})), &|_| {}).await;
    assert!(died.is_err());
    for pid in pids {
        gone(pid).await;
    }
}

#[test]
fn a_runtime_that_ends_takes_the_server_with_it() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let (connection, pids) = runtime().block_on(async {
        let connection = stubborn().await;
        let pids = leave(&connection, folder.path()).await;
        (connection, pids)
    });
    drop(connection);
    runtime().block_on(async {
        for pid in pids {
            gone(pid).await;
        }
    });
}

#[tokio::test]
async fn without_a_shepherd_the_server_and_its_group_end_all_the_same() {
    if !has_python() {
        return;
    }
    let server = stdio(
        "sh",
        &[
            "-c",
            &format!("python3 {} plain; true", beside("hostile.py")),
        ],
    );
    let client = std::sync::Arc::new(Generous::default());
    let opened = Connection::open(&server, client, &Shepherd::none()).await;
    let connection = opened.unwrap();
    let pid = text(&connection, "stay", json!({})).await.parse().unwrap();
    assert!(is_alive(pid));
    connection.close().await;
    gone(pid).await;
}
