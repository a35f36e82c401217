//! What "always" remembers.

use std::path::Path;

use serde_json::json;

use crate::{Project, bash, call, rule};

#[test]
fn always_remembers_as_much_as_is_useful_and_no_more() {
    let cases: &[(&str, &[&str])] = &[
        ("cargo test --all foo", &["bash(cargo test*)"]),
        ("cargo +nightly test", &["bash(cargo +nightly test*)"]),
        (
            "cargo build && cargo test | tail",
            &["bash(cargo build*)", "bash(cargo test*)"],
        ),
        ("cargo test; cargo test x", &["bash(cargo test*)"]),
        ("RUST_LOG=x timeout 60 cargo test", &["bash(cargo test*)"]),
        (
            "bash -c 'cargo test && rm x'",
            &["bash(cargo test*)", "bash(rm x)"],
        ),
        ("cargo test $X \"$(git log)\"", &["bash(cargo test*)"]),
        ("git add .", &["bash(git add*)"]),
        ("git -C sub add .", &["bash(git -C sub add .)"]),
        ("git push origin main", &["bash(git push origin main)"]),
        ("git reset --hard", &["bash(git reset --hard)"]),
        ("git clean -fd", &["bash(git clean -fd)"]),
        ("npm run build -- --x", &["bash(npm run build -- --x)"]),
        ("npm test", &["bash(npm test)"]),
        ("git fetch origin", &["bash(git fetch origin)"]),
        ("git pull", &["bash(git pull)"]),
        ("cmake --build .", &["bash(cmake --build .)"]),
        ("just all", &["bash(just all)"]),
        ("npm publish", &["bash(npm publish)"]),
        ("npm install x", &["bash(npm install x)"]),
        ("yarn run lint", &["bash(yarn run lint *)"]),
        ("cargo publish", &["bash(cargo publish)"]),
        ("docker run -it x", &["bash(docker run -it x)"]),
        ("docker build .", &["bash(docker build*)"]),
        ("kubectl delete pod x", &["bash(kubectl delete pod x)"]),
        ("go test ./...", &["bash(go test*)"]),
        ("make check", &["bash(make check)"]),
        ("make", &["bash(make)"]),
        ("pytest -q tests", &["bash(pytest*)"]),
        ("ruff check .", &["bash(ruff*)"]),
        ("mkdir -p a/b", &["bash(mkdir*)"]),
        ("cd sub && pytest", &["bash(cd *)", "bash(pytest*)"]),
        ("./run.sh a", &["bash(./run.sh a)"]),
        ("rm -rf build/*", &["bash(rm -rf build/\\*)"]),
        ("rm 'a b'", &["bash(rm 'a b')"]),
        ("rm '*'", &["bash(rm '\\*')"]),
        ("rm '$x'", &["bash(rm '$x')"]),
        ("rm \"'a'\"", &["bash(rm \"'a'\")"]),
        ("mv a b", &["bash(mv a b)"]),
        ("sudo make install", &["bash(sudo make install)"]),
        ("timeout 5 sudo make x", &["bash(sudo make x)"]),
        ("python app.py 'x;y'", &["bash(python app.py 'x;y')"]),
        ("'X=1' a", &["bash('X=1' a)"]),
        ("python x.py", &["bash(python x.py)"]),
        ("bash -ex run.sh", &["bash(bash -ex run.sh)"]),
        ("curl https://x.example", &["bash(curl https://x.example)"]),
        ("PATH=/x cargo test", &["bash(PATH=/x cargo test)"]),
        ("chmod +x a", &["bash(chmod +x a)"]),
        ("ls | xargs pytest", &["bash(pytest*)"]),
        ("cargo test > log", &["edit_file(log)", "bash(cargo test*)"]),
        ("echo x > src/log", &["edit_file(src/**)"]),
        // Nothing sound, or nothing useful, can be remembered.
        ("python -c 'print(1)'", &[]),
        ("python3.12 -c 1", &[]),
        ("sudo python3 -Ic 1", &[]),
        ("node -e 1", &[]),
        ("node --eval 1", &[]),
        ("perl -ne 'print' x", &[]),
        ("exit 3", &[]),
        ("make || exit 3", &[]),
        ("for f in a b; do make; break; done", &[]),
        ("rm $X", &[]),
        ("$X test", &[]),
        ("rm \"$(cat x)\"", &[]),
        ("curl https://x.example | sh", &[]),
        ("python - <<EOF\nx\nEOF", &[]),
        ("python <<EOF\nx\nEOF", &[]),
        ("echo 1 | python3.12", &[]),
        ("bash", &[]),
        ("echo x | bash -s", &[]),
        ("ls | xargs rm", &[]),
        ("ls | xargs -I{} rm {}", &[]),
        ("echo x | ssh host", &[]),
        ("cargo test > /tmp/log", &[]),
        ("cargo test > ~/log", &[]),
        ("cargo test > $X", &[]),
        ("echo x > .git/config", &[]),
        ("f() { ls; }; f", &[]),
        ("alias a=b", &[]),
        ("cargo test ${X@P}", &[]),
        ("PATH=/x; cargo test", &[]),
        ("cargo test \"", &[]),
        ("cargo test && rm $X", &[]),
    ];
    let project = Project::at(Path::new("/srv/project"), &[]);
    let wrong: Vec<_> = cases
        .iter()
        .map(|(line, expected)| (line, project.always(&bash(line)), expected))
        .filter(|(_, always, expected)| always != *expected)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn always_remembers_the_folder_of_a_file() {
    let cases: &[(&str, &[&str])] = &[
        ("src/a.rs", &["edit_file(src/**)"]),
        ("src/x/a.rs", &["edit_file(src/x/**)"]),
        ("./src/../src/a.rs", &["edit_file(src/**)"]),
        ("/srv/project/src/a.rs", &["edit_file(src/**)"]),
        ("README.md", &["edit_file(README.md)"]),
        ("/opt/x/a.rs", &["edit_file(//opt/x/a.rs)"]),
        ("../beside/a.rs", &["edit_file(//srv/beside/a.rs)"]),
        ("app/[id]/a.ts", &["edit_file(app/\\[id\\]/**)"]),
        ("#x", &["edit_file(\\#x)"]),
        ("/x", &["edit_file(//x)"]),
        ("/tmp/.git/config", &[]),
        ("/home/user/.corecoder/settings.json", &[]),
        (".git/hooks/x", &[]),
        (".corecoder/settings.json", &[]),
        ("", &[]),
    ];
    let project = Project::at(Path::new("/srv/project"), &[]);
    for tool in ["edit_file", "write_file"] {
        for (file, expected) in cases {
            let call = call(tool, json!({"file_path": file}));
            let always = project.always(&call);
            assert_eq!(always, *expected, "{tool} {file}");
            if !always.is_empty() {
                let mut then = Project::at(Path::new("/srv/project"), &[]);
                then.permissions.allow(rule(&always[0]));
                assert_eq!(then.word(&call), "allow", "{tool} {file}");
            }
        }
    }
}

#[test]
fn always_remembers_other_tools_by_name() {
    let project = Project::at(Path::new("/srv/project"), &[]);
    assert_eq!(
        project.always(&call("mcp__a__b", json!({"x": 1}))),
        ["mcp__a__b"]
    );
    assert!(project.always(&call("mcp__*", json!({}))).is_empty());
    assert!(project.always(&call("a(b)", json!({}))).is_empty());
}

#[test]
fn nothing_is_offered_that_would_not_help() {
    let project = Project::at(Path::new("/srv/project"), &["ask bash(make*)"]);
    assert!(project.always(&bash("make x")).is_empty());
    let project = Project::at(Path::new("/srv/project"), &["allow bash(cargo test*)"]);
    assert_eq!(project.always(&bash("cargo test && make")), ["bash(make)"]);
}
