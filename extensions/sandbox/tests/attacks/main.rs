//! What must not get through, and what must work all the same: each row of `data/*.json`, under every mechanism that the
//! machine has, as the user who runs this and, if that is root, as an ordinary user too.
//!
//! The idea: each row gets a [`World`](world::World) of its own, in which there is much to be had, and a process of its own
//! that is an agent with its real bash tool ([`probe`]). Whether something got through is looked for from outside.
//! The invariant: nothing of a row is ever run without a sandbox, but for everyday work that fails within one.
//! Left out: macOS. There the sandbox is untested.

#[cfg(target_os = "linux")]
mod case;
#[cfg(target_os = "linux")]
mod probe;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod user;
#[cfg(target_os = "linux")]
mod world;

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let keeper = corecoder_sandbox::Keeper::enter();
    if let Some(order) = probe::Order::of_this_process() {
        return probe::run(&order, &keeper);
    }
    let mut args = libtest_mimic::Arguments::from_args();
    // They wait more than they work.
    args.test_threads.get_or_insert(8);
    match run::Program::new() {
        Ok(program) => libtest_mimic::run(&args, trials(program, args.list)).exit_code(),
        Err(error) => {
            eprintln!("this program can't be put where all may start it: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

/// A trial for each row, mechanism and user.
#[cfg(target_os = "linux")]
fn trials(program: run::Program, only_list: bool) -> Vec<libtest_mimic::Trial> {
    use std::sync::Arc;
    let program = Arc::new(program);
    let cases: Vec<_> = case::all().into_iter().map(Arc::new).collect();
    let mut trials = Vec::new();
    for place in places(&program) {
        if !only_list && let Err(why) = place.is_to_be_had() {
            println!(
                "not to be had here: {} {}: {why}",
                place.mechanism, place.user
            );
            continue;
        }
        for case in cases.iter().filter(|case| place.takes(case)) {
            let (case, place) = (case.clone(), place.clone());
            let name = format!(
                "{}{}::{}",
                case.sentence(place.mechanism),
                place.words(),
                case.id
            );
            trials.push(libtest_mimic::Trial::ignorable_test(name, move || {
                run::check(&case, &place)
            }));
        }
    }
    trials
}

#[cfg(target_os = "linux")]
fn places(program: &std::sync::Arc<run::Program>) -> Vec<run::Place> {
    use corecoder_sandbox::Mechanism;
    let mut places = Vec::new();
    for folder in run::FOLDERS {
        for user in user::all() {
            for mechanism in Mechanism::all() {
                places.push(run::Place {
                    user,
                    folder,
                    mechanism: *mechanism,
                    program: program.clone(),
                });
            }
        }
    }
    places
}
