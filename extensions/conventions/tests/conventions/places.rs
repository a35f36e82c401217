//! Where a project begins, and which of its folders count.

use corecoder_conventions::Places;

use crate::World;

#[test]
fn the_root_is_the_nearest_folder_with_git_but_never_the_home() {
    // Folders with `.git`, the working directory, the root.
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "project", "project"),
        (&[], "project/a/b", "project"),
        (&["project/a/.git"], "project/a/b", "project/a"),
        (&[], "outside/a", "outside/a"),
        (&["home/.git"], "home/a/b", "home/a/b"),
        (&["home/a/.git"], "home/a/b", "home/a"),
        (&["home/.git"], "home", "home"),
        (&[".git"], "home", "home"),
        (&[".git"], "home/a", "home/a"),
        // Above the home, but not above where one works.
        (&[".git"], "outside", "outside"),
    ];
    for (repositories, cwd, root) in cases {
        let world = World::new(&[]);
        for repository in *repositories {
            std::fs::create_dir_all(world.path(repository)).unwrap();
        }
        assert_eq!(world.at(cwd).root, world.path(root), "{cwd}");
    }
}

#[test]
fn a_worktree_has_a_file_named_git() {
    let world = World::new(&[("outside/tree/.git", "gitdir: /elsewhere")]);
    assert_eq!(
        world.at("outside/tree/src").root,
        world.path("outside/tree")
    );
}

#[test]
fn folders_go_from_the_root_to_the_working_directory() {
    let world = World::new(&[]);
    let names = |cwd: &str| world.names(&world.at(cwd).folders());
    assert_eq!(names("project"), ["project"]);
    assert_eq!(
        names("project/a/b"),
        ["project", "project/a", "project/a/b"]
    );
    let apart = Places {
        root: world.path("outside"),
        ..world.at("project/a")
    };
    assert_eq!(world.names(&apart.folders()), ["project/a"]);
}

#[test]
fn a_working_directory_behind_a_symlink_is_where_it_leads() {
    let world = World::new(&[("project/a/file", "")]);
    world.link("outside/link", "../project/a");
    let places = world.at("outside/link");
    assert_eq!(places.cwd, world.path("project/a"));
    assert_eq!(places.root, world.path("project"));
    assert!(!places.trusted);
}
