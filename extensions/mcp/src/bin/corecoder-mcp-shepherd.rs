//! A shepherd for programs whose own `main` does not begin with `Shepherd::enter`: `Shepherd::at` its path.

fn main() {
    corecoder_mcp::Shepherd::enter();
    eprintln!("this is started by an MCP client, between it and a server");
    std::process::exit(2);
}
