//! Prints the documentation of the lines; see the head of `docs/output.md`.

fn main() {
    print!("{}", corecoder_output::documentation());
}
