//! The keeper as a program of its own, for whoever embeds the engine and does not want to enter it from their own `main`.

fn main() {
    corecoder_sandbox::Keeper::enter();
    eprintln!("corecoder-keeper is started by the sandbox, not by hand");
    std::process::exit(2);
}
